//! Looking at a pull request.

use tinytown_core::observation::{Mergeable, PullState};

use super::Harness;
use super::scene::{branch, open};
use crate::ForgeError;

/// Also after somebody pushed.
pub async fn a_look_is_of_the_present_head(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let seen = scene.forge.look(scene.pull.number).await.expect("a look");
    assert_eq!(
        (&seen.head, &seen.state, &seen.mergeable),
        (&scene.pull.head, &PullState::Open, &Mergeable::Yes)
    );
    assert!(seen.has_diff && seen.governed.is_empty());
    let theirs = harness.commit(&[&scene.pull.head], &[("b", "b\n")]).await;
    harness.push(&branch(2), &theirs).await;
    assert_eq!(scene.forge.look(scene.pull.number).await.expect("a look").head, theirs);
}

/// The base moved under it.
pub async fn a_conflict_with_the_base_is_seen(harness: &dyn Harness) {
    let scene = open(harness, &[("clash", "ours\n")]).await;
    let theirs = harness.commit(&[&scene.base], &[("clash", "theirs\n")]).await;
    harness.move_base(&theirs).await;
    let seen = scene.forge.look(scene.pull.number).await.expect("a look");
    assert!(matches!(&seen.mergeable, Mergeable::Conflict(files) if files.contains("clash")), "{seen:?}");
    assert_eq!(seen.state, PullState::Open);
}

/// By reachability, whoever merged and however.
pub async fn a_merge_by_hand_is_seen(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let merged = harness.commit(&[&scene.base, &scene.pull.head], &[("a", "a\n")]).await;
    harness.move_base(&merged).await;
    let seen = scene.forge.look(scene.pull.number).await.expect("a look");
    assert!(matches!(seen.state, PullState::Merged(_)), "{seen:?}");
    assert_eq!(seen.head, scene.pull.head);
}

/// Closed, unmerged.
pub async fn a_closed_pull_request_is_seen(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    harness.close(scene.pull.number).await;
    let seen = scene.forge.look(scene.pull.number).await.expect("a look");
    assert_eq!((seen.state, seen.head), (PullState::Closed, scene.pull.head));
}

/// Sorted, and no others.
pub async fn files_that_govern_missions_are_named(harness: &dyn Harness) {
    let files =
        [("tinytown.toml", "x"), ("src/a", "x"), (".github/workflows/ci.yml", "x"), ("issues/9-x.md", "# x")];
    let scene = open(harness, &files).await;
    let seen = scene.forge.look(scene.pull.number).await.expect("a look");
    assert_eq!(seen.governed, [".github/workflows/ci.yml", "issues/9-x.md", "tinytown.toml"]);
}

/// A commit without changes: open, and nothing in it.
pub async fn a_pull_request_that_changes_nothing_says_so(harness: &dyn Harness) {
    let scene = open(harness, &[]).await;
    let seen = scene.forge.look(scene.pull.number).await.expect("a look");
    assert_eq!((seen.has_diff, seen.state), (false, PullState::Open));
}

/// A number that nothing has.
pub async fn an_unknown_pull_request_is_refused(harness: &dyn Harness) {
    let outcome = harness.forge().await.look(404).await;
    assert!(matches!(outcome, Err(ForgeError::Refused(_))), "{outcome:?}");
}
