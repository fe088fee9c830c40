//! Merging exactly the expected head, exactly once.

use tinytown_core::observation::PullState;

use super::Harness;
use super::scene::{Withdrawn, base, branch, item, merging, open};
use crate::{Always, BaseOutcome, ForgeError, MergeOutcome};

/// Also where git could fast-forward.
pub async fn a_merge_is_a_merge_commit_on_the_base(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let outcome = scene.merge().await;
    let MergeOutcome::Merged(commit) = outcome else { panic!("merged, not {outcome:?}") };
    let tip = harness.base().await;
    assert!(commit.is_none_or(|commit| commit == tip) && tip != scene.pull.head);
    assert!(harness.contains(&tip, &scene.pull.head).await && harness.contains(&tip, &scene.base).await);
    assert_eq!(harness.merges_of(&item(2)).await, 1);
    let seen = scene.forge.look(scene.pull.number).await.expect("a look");
    assert!(matches!(seen.state, PullState::Merged(_)), "{seen:?}");
}

/// Also from a new process, also after others merged.
pub async fn a_repeated_merge_finds_what_was_done(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let first = scene.merge().await;
    assert_eq!(scene.merge().await, first);
    let next = harness.commit(&[&harness.base().await], &[("b", "b\n")]).await;
    harness.move_base(&next).await;
    let request = merging(2, scene.pull.number, &scene.pull.head);
    assert_eq!(harness.forge().await.merge(&request, &Always).await, Ok(first));
    assert_eq!(harness.base().await, next);
    assert_eq!(harness.merges_of(&item(2)).await, 1);
}

/// Also where the answer to the merge was lost: from a new process, and after the base moved on.
pub async fn a_merged_pull_request_stays_merged_whatever_is_pushed(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    scene.merge_and_push(harness).await;
    let tip = harness.base().await;
    let next = harness.commit(&[&tip], &[("b", "b\n")]).await;
    for base in [&tip, &next] {
        harness.move_base(base).await;
        for forge in [&scene.forge, &harness.forge().await] {
            let seen = forge.look(scene.pull.number).await.expect("a look");
            let by_the_merge = |commit: &Option<_>| commit.as_ref().is_none_or(|commit| *commit == tip);
            assert!(matches!(&seen.state, PullState::Merged(by) if by_the_merge(by)), "{seen:?}");
            assert_eq!(seen.head, scene.pull.head);
        }
    }
}

/// Neither at the head that was merged, nor at what was pushed since.
pub async fn a_merged_pull_request_is_not_merged_again_at_any_head(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let later = scene.merge_and_push(harness).await;
    let (tip, merged) = (harness.base().await, &scene.pull.head);
    for head in [merged, &later, merged] {
        let request = merging(2, scene.pull.number, head);
        match harness.forge().await.merge(&request, &Always).await {
            Ok(MergeOutcome::Merged(commit)) => assert!(commit.is_none_or(|commit| commit == tip)),
            Ok(MergeOutcome::HeadMoved(back)) => assert!(head == &later && back == *merged),
            other => panic!("merged before, not {other:?}"),
        }
    }
    assert_eq!(harness.base().await, tip);
    assert_eq!(harness.merges_of(&item(2)).await, 1);
}

/// Somebody pushed after it was judged.
pub async fn only_the_expected_head_is_merged(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let theirs = harness.commit(&[&scene.pull.head], &[("a", "theirs\n")]).await;
    harness.push(&branch(2), &theirs).await;
    assert_eq!(scene.merge().await, MergeOutcome::HeadMoved(theirs));
    assert_eq!(harness.base().await, scene.base);
}

/// The base moved without conflict.
pub async fn a_merge_takes_place_on_the_base_as_it_is_now(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let next = harness.commit(&[&scene.base], &[("b", "b\n")]).await;
    harness.move_base(&next).await;
    assert!(matches!(scene.merge().await, MergeOutcome::Merged(_)));
    assert!(harness.contains(&harness.base().await, &next).await);
}

/// So that no checks ever saw what would land: the merge of both is answered, and lands as it is once it is
/// named as tested. Asked again, also by a new process, it is the same merge.
pub async fn what_no_checks_saw_does_not_land_untested(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let next = harness.commit(&[&scene.base], &[("b", "b\n")]).await;
    harness.move_base(&next).await;
    let first = scene.merge_tested(None).await;
    let MergeOutcome::Untested(trial) = &first else { panic!("untested, not {first:?}") };
    assert_eq!(harness.base().await, next, "nothing landed");
    assert!(harness.contains(trial, &next).await && harness.contains(trial, &scene.pull.head).await);
    let request = merging(2, scene.pull.number, &scene.pull.head);
    assert_eq!(harness.forge().await.merge(&request, &Always).await.as_ref(), Ok(&first));
    let landed = scene.merge_tested(Some(trial)).await;
    assert!(matches!(&landed, MergeOutcome::Merged(commit) if commit.as_ref().is_none_or(|c| c == trial)));
    assert_eq!(harness.base().await, *trial);
    assert_eq!(harness.merges_of(&item(2)).await, 1);
}

/// The base moved on while it was tested.
pub async fn a_trial_on_an_older_base_does_not_land(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let next = harness.commit(&[&scene.base], &[("b", "b\n")]).await;
    harness.move_base(&next).await;
    let MergeOutcome::Untested(old) = scene.merge_tested(None).await else { panic!("it is untested") };
    let later = harness.commit(&[&next], &[("c", "c\n")]).await;
    harness.move_base(&later).await;
    let second = scene.merge_tested(Some(&old)).await;
    assert!(matches!(&second, MergeOutcome::Untested(new) if *new != old), "{second:?}");
    assert_eq!(harness.base().await, later);
}

/// There is nothing that a trial could show.
pub async fn where_no_checks_are_configured_nothing_is_tried(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let next = harness.commit(&[&scene.base], &[("b", "b\n")]).await;
    harness.move_base(&next).await;
    let request = merging(2, scene.pull.number, &scene.pull.head);
    let outcome = harness.forge_without_checks().await.merge(&request, &Always).await;
    assert!(matches!(outcome, Ok(MergeOutcome::Merged(_))), "{outcome:?}");
}

/// The base moved with conflict.
pub async fn a_conflict_is_an_outcome_and_changes_nothing(harness: &dyn Harness) {
    let scene = open(harness, &[("clash", "ours\n")]).await;
    let theirs = harness.commit(&[&scene.base], &[("clash", "theirs\n")]).await;
    harness.move_base(&theirs).await;
    let outcome = scene.merge().await;
    assert!(matches!(&outcome, MergeOutcome::Conflict(files) if files.contains("clash")), "{outcome:?}");
    assert_eq!(harness.base().await, theirs);
}

/// Closed by a person.
pub async fn a_closed_pull_request_is_not_merged(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    harness.close(scene.pull.number).await;
    assert_eq!(scene.merge().await, MergeOutcome::Closed);
    assert_eq!(harness.base().await, scene.base);
}

/// The base is left as it is.
pub async fn what_a_person_merged_is_not_merged_again(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let by_hand = harness.commit(&[&scene.base, &scene.pull.head], &[("a", "a\n")]).await;
    harness.move_base(&by_hand).await;
    assert!(matches!(scene.merge().await, MergeOutcome::Merged(_)));
    assert_eq!(harness.base().await, by_hand);
    assert_eq!(harness.merges_of(&item(2)).await, 0);
}

/// As after a take-over: some may be turned away for now, none merges twice.
pub async fn mergers_at_once_merge_once(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let (one, two) = (harness.forge().await, harness.forge().await);
    let request = merging(2, scene.pull.number, &scene.pull.head);
    let outcomes = tokio::join!(
        one.merge(&request, &Always),
        one.merge(&request, &Always),
        two.merge(&request, &Always),
    );
    for outcome in [outcomes.0, outcomes.1, outcomes.2] {
        let fine = matches!(outcome, Ok(MergeOutcome::Merged(_)) | Err(ForgeError::Unavailable(_)));
        assert!(fine, "{outcome:?}");
    }
    assert!(matches!(scene.merge().await, MergeOutcome::Merged(_)));
    assert_eq!(harness.merges_of(&item(2)).await, 1);
}

/// A dependent starts from the base.
pub async fn a_merged_head_counts_for_dependents(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    assert!(matches!(scene.merge().await, MergeOutcome::Merged(_)));
    let start = base(&*scene.forge, &[&scene.pull.head], None, &Always).await;
    assert_eq!(start, Ok(BaseOutcome::Ready(harness.base().await)));
}

/// A withdrawn permit.
pub async fn without_permit_nothing_is_merged(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let request = merging(2, scene.pull.number, &scene.pull.head);
    let outcome = scene.forge.merge(&request, &Withdrawn).await;
    assert!(matches!(outcome, Err(ForgeError::Revoked(_))), "{outcome:?}");
    assert_eq!(harness.base().await, scene.base);
}

/// A number that nothing has.
pub async fn an_unknown_pull_request_is_refused(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let outcome = scene.forge.merge(&merging(2, 404, &scene.pull.head), &Always).await;
    assert!(matches!(outcome, Err(ForgeError::Refused(_))), "{outcome:?}");
}
