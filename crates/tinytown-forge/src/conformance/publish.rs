//! Moving a branch to submitted work, and opening its pull request.

use tinytown_core::observation::PullState;

use super::Harness;
use super::scene::{Withdrawn, branch, open, publication, published};
use crate::{Always, ForgeError, MergeOutcome, PublishOutcome, PublishRequest};

/// Number, branch, head, state.
pub async fn a_submission_becomes_an_open_pull_request_at_its_head(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    assert!(scene.pull.number >= 1 && !scene.pull.url.is_empty());
    assert_eq!((scene.pull.branch.clone(), &scene.pull.state), (branch(2), &PullState::Open));
    assert_eq!(harness.branch(&branch(2)).await, Some(scene.pull.head.clone()));
    assert_eq!(harness.pulls().await, 1);
}

/// After success, and after an answer that was lost: with and without the number, from a new process.
pub async fn publishing_again_finds_what_is_there(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let mut request = publication(2, None, &scene.pull.head);
    assert_eq!(published(&*harness.forge().await, &request).await, scene.pull);
    request.pull = Some(scene.pull.number);
    assert_eq!(published(&*harness.forge().await, &request).await, scene.pull);
    request.expected = Some(scene.pull.head.clone());
    assert_eq!(published(&*scene.forge, &request).await, scene.pull);
    assert_eq!(harness.pulls().await, 1);
}

/// A fix.
pub async fn a_later_submission_moves_the_same_pull_request(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let fixed = harness.commit(&[&scene.pull.head], &[("a", "b\n")]).await;
    let mut request = publication(2, Some(&scene.pull.head), &fixed);
    request.pull = Some(scene.pull.number);
    for _ in 0..2 {
        let moved = published(&*scene.forge, &request).await;
        assert_eq!((moved.number, &moved.head, &moved.state), (scene.pull.number, &fixed, &PullState::Open));
    }
    assert_eq!(harness.branch(&branch(2)).await, Some(fixed));
    assert_eq!(harness.pulls().await, 1);
}

/// Two items, two pull requests.
pub async fn pull_requests_have_numbers_of_their_own(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let other = harness.commit(&[&scene.base], &[("b", "b\n")]).await;
    let second = published(&*harness.forge().await, &publication(3, None, &other)).await;
    assert_ne!(second.number, scene.pull.number);
    assert_eq!(harness.pulls().await, 2);
}

/// Several at once, as after a take-over.
pub async fn openers_at_once_do_not_collide(harness: &dyn Harness) {
    let base = harness.base().await;
    let (one, two) = (harness.forge().await, harness.forge().await);
    let a = harness.commit(&[&base], &[("a", "a\n")]).await;
    let b = harness.commit(&[&base], &[("b", "b\n")]).await;
    let (first, second, again) =
        (publication(2, None, &a), publication(3, None, &b), publication(2, None, &a));
    let (first, second, again) =
        tokio::join!(published(&*one, &first), published(&*two, &second), published(&*two, &again));
    assert_ne!(first.number, second.number);
    assert_eq!(first.number, again.number);
    assert_eq!(harness.pulls().await, 2);
}

/// Neither expected nor submitted.
pub async fn a_branch_that_somebody_moved_is_left_alone(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let theirs = harness.commit(&[&scene.pull.head], &[("a", "theirs\n")]).await;
    harness.push(&branch(2), &theirs).await;
    let ours = harness.commit(&[&scene.pull.head], &[("a", "ours\n")]).await;
    let mut request = publication(2, Some(&scene.pull.head), &ours);
    request.pull = Some(scene.pull.number);
    assert_eq!(scene.forge.publish(&request, &Always).await, Ok(PublishOutcome::HeadMoved(theirs.clone())));
    assert_eq!(harness.branch(&branch(2)).await, Some(theirs));
}

/// A branch of that name that we did not make.
pub async fn somebody_elses_branch_is_not_taken_over(harness: &dyn Harness) {
    let base = harness.base().await;
    let theirs = harness.commit(&[&base], &[("a", "theirs\n")]).await;
    harness.push(&branch(2), &theirs).await;
    let ours = harness.commit(&[&base], &[("a", "ours\n")]).await;
    let outcome = harness.forge().await.publish(&publication(2, None, &ours), &Always).await;
    assert_eq!(outcome, Ok(PublishOutcome::HeadMoved(theirs.clone())));
    assert_eq!(harness.branch(&branch(2)).await, Some(theirs));
    assert_eq!(harness.pulls().await, 0);
}

/// The first publication, repeated after the second.
pub async fn a_late_repeat_does_not_move_the_branch_back(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let fixed = harness.commit(&[&scene.pull.head], &[("a", "b\n")]).await;
    published(&*scene.forge, &publication(2, Some(&scene.pull.head), &fixed)).await;
    let late = publication(2, None, &scene.pull.head);
    assert_eq!(scene.forge.publish(&late, &Always).await, Ok(PublishOutcome::HeadMoved(fixed.clone())));
    assert_eq!(harness.branch(&branch(2)).await, Some(fixed));
}

/// Closed by a person.
pub async fn a_closed_pull_request_is_not_published_to(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    harness.close(scene.pull.number).await;
    let fixed = harness.commit(&[&scene.pull.head], &[("a", "b\n")]).await;
    let outcome = scene.forge.publish(&publication(2, Some(&scene.pull.head), &fixed), &Always).await;
    let Ok(PublishOutcome::NotOpen(pull)) = outcome else { panic!("not open, not {outcome:?}") };
    assert_eq!((pull.number, pull.state), (scene.pull.number, PullState::Closed));
}

/// Merged meanwhile.
pub async fn a_merged_pull_request_is_not_published_to(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    assert!(matches!(scene.merge().await, MergeOutcome::Merged(_)));
    let fixed = harness.commit(&[&scene.pull.head], &[("a", "b\n")]).await;
    let outcome = scene.forge.publish(&publication(2, Some(&scene.pull.head), &fixed), &Always).await;
    let Ok(PublishOutcome::NotOpen(pull)) = outcome else { panic!("not open, not {outcome:?}") };
    assert!(matches!(pull.state, PullState::Merged(_)), "{pull:?}");
}

/// Merged, and then somebody pushed: also not with that push as the expected head.
pub async fn what_was_pushed_after_the_merge_opens_nothing_to_publish_to(harness: &dyn Harness) {
    let scene = open(harness, &[("a", "a\n")]).await;
    let later = scene.merge_and_push(harness).await;
    let fixed = harness.commit(&[&later], &[("a", "b\n")]).await;
    let by_branch = publication(2, Some(&later), &fixed);
    let by_number = PublishRequest { pull: Some(scene.pull.number), ..by_branch.clone() };
    for request in [by_branch, by_number] {
        let outcome = harness.forge().await.publish(&request, &Always).await;
        let Ok(PublishOutcome::NotOpen(pull)) = outcome else { panic!("not open, not {outcome:?}") };
        assert!(matches!(pull.state, PullState::Merged(_)), "{pull:?}");
        assert_eq!((pull.number, &pull.head), (scene.pull.number, &scene.pull.head));
    }
    assert_eq!((harness.branch(&branch(2)).await, harness.pulls().await), (Some(later), 1));
}

/// A withdrawn permit.
pub async fn without_permit_nothing_is_published(harness: &dyn Harness) {
    let head = harness.commit(&[&harness.base().await], &[("a", "a\n")]).await;
    let outcome = harness.forge().await.publish(&publication(2, None, &head), &Withdrawn).await;
    assert!(matches!(outcome, Err(ForgeError::Revoked(_))), "{outcome:?}");
    assert_eq!((harness.branch(&branch(2)).await, harness.pulls().await), (None, 0));
}

/// A number that nothing has.
pub async fn an_unknown_pull_request_is_refused(harness: &dyn Harness) {
    let head = harness.commit(&[&harness.base().await], &[("a", "a\n")]).await;
    let mut request = publication(2, None, &head);
    request.pull = Some(404);
    let outcome = harness.forge().await.publish(&request, &Always).await;
    assert!(matches!(outcome, Err(ForgeError::Refused(_))), "{outcome:?}");
}

/// Titles and texts may be anything.
pub async fn a_branch_that_is_no_safe_name_is_refused_or_harmless(harness: &dyn Harness) {
    let head = harness.commit(&[&harness.base().await], &[("a", "a\n")]).await;
    let title = "--help; rm -rf \"$HOME\" `id`\n\nTinytown-Item: x #9".to_owned();
    let request = PublishRequest { title, body: "\0\u{1b}[2J".to_owned(), ..publication(2, None, &head) };
    let pull = published(&*harness.forge().await, &request).await;
    assert_eq!(pull.head, head);
    let request = PublishRequest { branch: "--upload-pack=x".to_owned(), ..publication(3, None, &head) };
    let before = harness.base().await;
    let _ = harness.forge().await.publish(&request, &Always).await;
    assert_eq!(harness.base().await, before);
}
