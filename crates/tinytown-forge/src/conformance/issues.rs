//! Looking up issues.

use tinytown_core::issue::{IssueRef, IssueState};

use super::Harness;
use crate::Lookup;

async fn look(harness: &dyn Harness, numbers: &[u64]) -> Vec<Lookup> {
    let references: Vec<IssueRef> = numbers.iter().map(|n| IssueRef::own(*n)).collect();
    harness.forge().await.issues(&references).await.expect("issues are read")
}

/// Title, text and state are as written, in the order of the question.
pub async fn issues_are_found_in_the_order_asked(harness: &dyn Harness) {
    harness.put_issue(1, "Design the *API*", "Text.\n\nDepends on #2.\n", true).await;
    harness.put_issue(2, "Second", "", true).await;
    let found = look(harness, &[2, 1]).await;
    let [Lookup::Found(second), Lookup::Found(first)] = found.as_slice() else {
        panic!("both, not {found:?}")
    };
    assert_eq!((second.title.as_str(), second.reference.clone()), ("Second", IssueRef::own(2)));
    assert_eq!(first.title, "Design the *API*");
    assert_eq!(first.body.trim(), "Text.\n\nDepends on #2.");
    assert_eq!(first.state, IssueState::Open);
}

/// A dangling reference is an answer, not an error.
pub async fn an_issue_that_is_not_there_is_unknown(harness: &dyn Harness) {
    harness.put_issue(1, "One", "", true).await;
    let found = look(harness, &[99, 1]).await;
    assert!(matches!(found.as_slice(), [Lookup::Unknown, Lookup::Found(_)]), "{found:?}");
}

/// Closed is closed.
pub async fn a_closed_issue_says_so(harness: &dyn Harness) {
    harness.put_issue(7, "Seven", "Done.", false).await;
    let found = look(harness, &[7]).await;
    assert!(matches!(&found[0], Lookup::Found(issue) if issue.state == IssueState::Closed), "{found:?}");
}
