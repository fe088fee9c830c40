//! Finding or making the commit from which work starts.

use tinytown_core::id::Sha;

use super::Harness;
use super::scene::{Withdrawn, base, nowhere};
use crate::{Always, BaseOutcome, Forge, ForgeError};

async fn ready(forge: &dyn Forge, holds: &[&Sha], candidate: Option<&Sha>) -> Sha {
    match base(forge, holds, candidate, &Always).await {
        Ok(BaseOutcome::Ready(sha)) => sha,
        other => panic!("ready, not {other:?}"),
    }
}

/// Two heads beside the base that merge cleanly, both from the base.
async fn two_heads(harness: &dyn Harness) -> (Sha, Sha) {
    let root = harness.base().await;
    let one = harness.commit(&[&root], &[("one", "1\n")]).await;
    let two = harness.commit(&[&root], &[("two", "2\n")]).await;
    (one, two)
}

/// Nothing to hold: the tip of the base.
pub async fn without_heads_it_is_the_base_as_it_is_now(harness: &dyn Harness) {
    let forge = harness.forge().await;
    assert_eq!(ready(&*forge, &[], None).await, harness.base().await);
    let next = harness.commit(&[&harness.base().await], &[("next", "")]).await;
    harness.move_base(&next).await;
    assert_eq!(ready(&*forge, &[], None).await, next);
}

/// Everything is merged already: the tip of the base.
pub async fn heads_that_the_base_contains_need_no_merge(harness: &dyn Harness) {
    let (one, two) = two_heads(harness).await;
    let merged = harness.commit(&[&one, &two], &[("two", "2\n")]).await;
    harness.move_base(&merged).await;
    let forge = harness.forge().await;
    assert_eq!(ready(&*forge, &[&one, &two], Some(&one)).await, merged);
}

/// One head that is not merged: itself, however far the base is.
pub async fn one_head_is_used_as_it_is(harness: &dyn Harness) {
    let (one, two) = two_heads(harness).await;
    harness.move_base(&two).await;
    let forge = harness.forge().await;
    assert_eq!(ready(&*forge, &[&one], None).await, one);
}

/// A stack of heads: the topmost.
pub async fn a_head_that_contains_the_others_is_used_as_it_is(harness: &dyn Harness) {
    let (one, _) = two_heads(harness).await;
    let above = harness.commit(&[&one], &[("above", "")]).await;
    let forge = harness.forge().await;
    assert_eq!(ready(&*forge, &[&one, &above], None).await, above);
    assert_eq!(ready(&*forge, &[&above, &one, &one], None).await, above);
}

/// A merge contains both, and is made once.
pub async fn several_heads_are_merged_and_the_same_merge_is_found_again(harness: &dyn Harness) {
    let (one, two) = two_heads(harness).await;
    let first = ready(&*harness.forge().await, &[&one, &two], None).await;
    assert!(harness.contains(&first, &one).await && harness.contains(&first, &two).await);
    assert_eq!(ready(&*harness.forge().await, &[&one, &two], None).await, first);
    let root = harness.base().await;
    let three = harness.commit(&[&root], &[("three", "3\n")]).await;
    let all = ready(&*harness.forge().await, &[&one, &two, &three], None).await;
    assert!(harness.contains(&all, &first).await && harness.contains(&all, &three).await);
}

/// What does not merge, and into what; the same at each repeat.
pub async fn heads_that_do_not_merge_are_named_with_what_was_reached(harness: &dyn Harness) {
    let (one, two) = two_heads(harness).await;
    let clash = harness.commit(&[&harness.base().await], &[("one", "other\n")]).await;
    let asked = [&one, &two, &clash];
    let first = base(&*harness.forge().await, &asked, None, &Always).await.expect("an outcome");
    let BaseOutcome::Conflict { onto, head, detail } = &first else { panic!("a conflict, not {first:?}") };
    assert!(harness.contains(onto, &one).await && harness.contains(onto, &two).await);
    assert_eq!(*head, clash);
    assert!(detail.contains("one"), "{detail}");
    assert_eq!(base(&*harness.forge().await, &asked, None, &Always).await.expect("an outcome"), first);
}

/// A conflict that somebody mended.
pub async fn a_candidate_that_contains_all_heads_is_used(harness: &dyn Harness) {
    let (one, _) = two_heads(harness).await;
    let clash = harness.commit(&[&harness.base().await], &[("one", "other\n")]).await;
    let mended = harness.commit(&[&one, &clash], &[("one", "both\n")]).await;
    assert_eq!(ready(&*harness.forge().await, &[&one, &clash], Some(&mended)).await, mended);
}

/// A candidate for other heads is passed over.
pub async fn a_candidate_that_lacks_a_head_is_not_used(harness: &dyn Harness) {
    let (one, two) = two_heads(harness).await;
    let other = harness.commit(&[&one], &[("other", "")]).await;
    let got = ready(&*harness.forge().await, &[&one, &two], Some(&other)).await;
    assert!(got != other && harness.contains(&got, &two).await && !harness.contains(&got, &other).await);
}

/// A withdrawn permit.
pub async fn without_permit_no_heads_are_merged(harness: &dyn Harness) {
    let (one, two) = two_heads(harness).await;
    let outcome = base(&*harness.forge().await, &[&one, &two], None, &Withdrawn).await;
    assert!(matches!(outcome, Err(ForgeError::Revoked(_))), "{outcome:?}");
}

/// A head that is not there.
pub async fn an_unknown_head_is_refused(harness: &dyn Harness) {
    let (one, _) = two_heads(harness).await;
    let outcome = base(&*harness.forge().await, &[&one, &nowhere()], None, &Always).await;
    assert!(matches!(outcome, Err(ForgeError::Refused(_))), "{outcome:?}");
}
