//! Judging a commit.

use tinytown_core::id::Sha;
use tinytown_core::observation::{Checks, Pull};

use super::scene::{Withdrawn, cause, check, publication, published};
use super::{Harness, Verdict};
use crate::{CheckRequest, ForgeError};

/// A pull request on whose head the checks turn out so.
async fn judged(harness: &dyn Harness, verdict: Verdict) -> Pull {
    let head: Sha = harness.judged_commit(&harness.base().await, verdict).await;
    published(&*harness.forge().await, &publication(2, None, &head)).await
}

/// One run, whoever asks.
pub async fn passing_checks_are_green_and_the_verdict_is_kept(harness: &dyn Harness) {
    let pull = judged(harness, Verdict::Green).await;
    for _ in 0..2 {
        assert_eq!(check(&*harness.forge().await, pull.number, &pull.head, false).await, Checks::Green);
    }
    assert_eq!(harness.check_runs(&pull.head).await, 1);
}

/// With what a person or agent needs.
pub async fn failing_checks_are_red_with_their_output(harness: &dyn Harness) {
    let pull = judged(harness, Verdict::Red).await;
    let first = check(&*harness.forge().await, pull.number, &pull.head, false).await;
    let Checks::Red(report) = &first else { panic!("red, not {first:?}") };
    let output = report.output.as_inline().expect("a forge carries the text itself");
    assert!(output.contains("the answer is 41") && output.len() <= 16 * 1024, "{report:?}");
    assert!(!report.summary.is_empty() && !report.name.is_empty());
    assert_eq!(check(&*harness.forge().await, pull.number, &pull.head, false).await, first);
    assert_eq!(harness.check_runs(&pull.head).await, 1);
}

/// Never a pass, never a verdict on the commit.
pub async fn checks_that_cannot_run_say_so_and_are_not_kept(harness: &dyn Harness) {
    let pull = judged(harness, Verdict::CouldNotRun).await;
    for _ in 0..2 {
        let answer = check(&*harness.forge().await, pull.number, &pull.head, false).await;
        assert!(matches!(answer, Checks::CouldNotRun(_)), "{answer:?}");
    }
    assert_eq!(harness.check_runs(&pull.head).await, 2);
}

/// Asked for.
pub async fn checks_run_again_only_when_asked(harness: &dyn Harness) {
    let pull = judged(harness, Verdict::Red).await;
    let forge = harness.forge().await;
    for (again, runs) in [(false, 1), (true, 2), (false, 2)] {
        assert!(matches!(check(&*forge, pull.number, &pull.head, again).await, Checks::Red(_)));
        assert_eq!(harness.check_runs(&pull.head).await, runs);
    }
}

/// Which is not the same as green.
pub async fn where_no_checks_are_configured_none_are_required(harness: &dyn Harness) {
    let pull = judged(harness, Verdict::Red).await;
    let forge = harness.forge_without_checks().await;
    assert_eq!(check(&*forge, pull.number, &pull.head, false).await, Checks::NotRequired);
    assert_eq!(harness.check_runs(&pull.head).await, 0);
}

/// Within one process.
pub async fn callers_at_once_share_one_run(harness: &dyn Harness) {
    let pull = judged(harness, Verdict::Green).await;
    let forge = harness.forge().await;
    let ask = || check(&*forge, pull.number, &pull.head, false);
    assert_eq!(tokio::join!(ask(), ask(), ask()), (Checks::Green, Checks::Green, Checks::Green));
    assert_eq!(harness.check_runs(&pull.head).await, 1);
}

/// A withdrawn permit.
pub async fn without_permit_no_check_runs(harness: &dyn Harness) {
    let pull = judged(harness, Verdict::Green).await;
    let request = CheckRequest { cause: cause(2), pull: pull.number, head: pull.head.clone(), again: false };
    let outcome = harness.forge().await.check(&request, &Withdrawn).await;
    assert!(matches!(outcome, Err(ForgeError::Revoked(_))), "{outcome:?}");
    assert_eq!(harness.check_runs(&pull.head).await, 0);
}
