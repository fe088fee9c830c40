//! Keeping stacked work true: a pull request that holds what its item builds upon, as that is now.

use tinytown_core::effect::Stack;
use tinytown_core::id::Sha;

use super::Harness;
use super::scene::{Open, Withdrawn, branch, cause, open};
use crate::{Always, ForgeError, Permit, RestackOutcome, RestackRequest};

async fn restack(
    scene: &Open,
    accepted: &[&Sha],
    landed: &[&Sha],
    permit: &dyn Permit,
) -> Result<RestackOutcome, ForgeError> {
    let own = |heads: &[&Sha]| heads.iter().map(|&head| head.clone()).collect();
    let stack = Stack { accepted: own(accepted), landed: own(landed) };
    let request =
        RestackRequest { cause: cause(2), pull: scene.pull.number, head: scene.pull.head.clone(), stack };
    scene.forge.restack(&request, permit).await
}

/// Nothing is pushed: what was judged stays judged.
pub async fn a_head_that_holds_everything_stays(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let head = scene.pull.head.clone();
    assert_eq!(restack(&scene, &[&scene.base], &[], &Always).await, Ok(RestackOutcome::Restacked(head)));
}

/// As its dependency is now; and asked again from where it is then, it stays.
pub async fn what_it_builds_upon_is_merged_into_it(harness: &dyn Harness) {
    let mut scene = open(harness, &[("a", "a\n")]).await;
    let below = harness.commit(&[&scene.base], &[("b", "b\n")]).await;
    let Ok(RestackOutcome::Restacked(head)) = restack(&scene, &[&below], &[], &Always).await else {
        panic!("it is restacked")
    };
    assert!(harness.contains(&head, &below).await && harness.contains(&head, &scene.pull.head).await);
    assert_eq!(harness.branch(&branch(2)).await, Some(head.clone()));
    assert_eq!(restack(&scene, &[&below], &[], &Always).await, Ok(RestackOutcome::HeadMoved(head.clone())));
    scene.pull.head = head.clone();
    assert_eq!(restack(&scene, &[&below], &[], &Always).await, Ok(RestackOutcome::Restacked(head)));
}

/// For whoever mends it.
pub async fn what_does_not_merge_into_it_is_named_and_nothing_changes(harness: &dyn Harness) {
    let scene = open(harness, &[("clash", "ours\n")]).await;
    let below = harness.commit(&[&scene.base], &[("clash", "theirs\n")]).await;
    let outcome = restack(&scene, &[&below], &[], &Always).await;
    let Ok(RestackOutcome::Conflict { head, detail }) = &outcome else { panic!("{outcome:?}") };
    assert!(*head == below && detail.contains("clash"), "{outcome:?}");
    assert_eq!(harness.branch(&branch(2)).await.as_ref(), Some(&scene.pull.head));
}

/// Its commits are in the base already, so that the pull request shows its own work only.
pub async fn a_merged_head_in_the_base_changes_nothing(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let below = harness.commit(&[&scene.base], &[("b", "b\n")]).await;
    let merge = harness.commit(&[&scene.base, &below], &[("b", "b\n")]).await;
    harness.move_base(&merge).await;
    let head = scene.pull.head.clone();
    assert_eq!(restack(&scene, &[], &[&below], &Always).await, Ok(RestackOutcome::Restacked(head)));
}

/// The base holds the work of its dependency in another commit.
pub async fn work_that_was_squashed_brings_the_base_in(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let below = harness.commit(&[&scene.base], &[("b", "b\n")]).await;
    let squash = harness.commit(&[&scene.base], &[("c", "c\n")]).await;
    harness.move_base(&squash).await;
    let outcome = restack(&scene, &[], &[&below], &Always).await;
    let Ok(RestackOutcome::Restacked(head)) = outcome else { panic!("{outcome:?}") };
    assert!(harness.contains(&head, &squash).await && harness.contains(&head, &scene.pull.head).await);
}

/// A person pushed.
pub async fn a_head_that_somebody_moved_is_left_alone(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let below = harness.commit(&[&scene.base], &[("b", "b\n")]).await;
    let theirs = harness.commit(&[&scene.pull.head], &[("a", "theirs\n")]).await;
    harness.push(&branch(2), &theirs).await;
    assert_eq!(restack(&scene, &[&below], &[], &Always).await, Ok(RestackOutcome::HeadMoved(theirs.clone())));
    assert_eq!(harness.branch(&branch(2)).await, Some(theirs));
}

/// Closed by a person.
pub async fn a_closed_pull_request_is_not_restacked(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    harness.close(scene.pull.number).await;
    let outcome = restack(&scene, &[&scene.base], &[], &Always).await;
    assert!(matches!(outcome, Ok(RestackOutcome::NotOpen(_))), "{outcome:?}");
}

/// A withdrawn permit.
pub async fn without_permit_nothing_is_restacked(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let below = harness.commit(&[&scene.base], &[("b", "b\n")]).await;
    let outcome = restack(&scene, &[&below], &[], &Withdrawn).await;
    assert!(matches!(outcome, Err(ForgeError::Revoked(_))), "{outcome:?}");
    assert_eq!(harness.branch(&branch(2)).await.as_ref(), Some(&scene.pull.head));
}

/// A number that nothing has.
pub async fn an_unknown_pull_request_is_refused(harness: &dyn Harness) {
    let mut scene = open(harness, &[("a", "a\n")]).await;
    scene.pull.number = 404;
    let outcome = restack(&scene, &[], &[], &Always).await;
    assert!(matches!(outcome, Err(ForgeError::Refused(_))), "{outcome:?}");
}
