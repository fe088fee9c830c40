//! What every forge must pass: one property per fact of the port, one `#[test]` per property and forge.
//!
//! A forge implements [`Harness`] and writes `tinytown_forge::conformance!(name, harness)`, which
//! makes a module `name` with all tests. The harness expression is evaluated anew for each test,
//! inside an asynchronous block, so it may `.await`.

pub mod base;
pub mod checks;
pub mod issues;
pub mod look;
pub mod merge;
pub mod publish;
pub mod restack;
pub mod scene;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tinytown_core::id::{ItemKey, Sha};

use crate::Forge;

/// How the checks of a commit turn out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They pass.
    Green,
    /// They fail, saying `the answer is 41` somewhere in their output.
    Red,
    /// They cannot run.
    CouldNotRun,
}

/// A place with one forge, and everybody else who works there: people who write issues, commit,
/// push, close and merge. Each test gets a place of its own, with one commit on its base.
#[async_trait]
pub trait Harness: Send + Sync {
    /// The forge. The same place each time, and what it remembers in memory may be new.
    async fn forge(&self) -> Arc<dyn Forge>;

    /// The same place with no checks configured.
    async fn forge_without_checks(&self) -> Arc<dyn Forge>;

    /// Where the base is.
    async fn base(&self) -> Sha;

    /// Makes a commit: the first parent's files, with these (name, text) written over. It is where the
    /// forge can find it, and no branch is moved. Checks pass on it.
    async fn commit(&self, parents: &[&Sha], files: &[(&str, &str)]) -> Sha;

    /// Makes a commit on which the checks turn out so.
    async fn judged_commit(&self, parent: &Sha, verdict: Verdict) -> Sha;

    /// How often checks ran on a commit.
    async fn check_runs(&self, head: &Sha) -> usize;

    /// Whether `descendant` contains `ancestor` (or is it).
    async fn contains(&self, descendant: &Sha, ancestor: &Sha) -> bool;

    /// Where a branch is.
    async fn branch(&self, name: &str) -> Option<Sha>;

    /// A person pushes to a branch.
    async fn push(&self, name: &str, to: &Sha);

    /// A person moves the base forward.
    async fn move_base(&self, to: &Sha);

    /// A person closes a pull request.
    async fn close(&self, pull: u64);

    /// How many pull requests there are, in whatever state.
    async fn pulls(&self) -> usize;

    /// The merge commits in the base's history that say they merged this item.
    async fn merges_of(&self, item: &ItemKey) -> usize;

    /// A person writes an issue.
    async fn put_issue(&self, number: u64, title: &str, body: &str, open: bool);
}

/// Longer than any property takes. One that hangs fails by it instead.
const LIMIT: Duration = Duration::from_mins(2);

/// Runs one property to its end.
///
/// # Panics
/// If the property does not hold, or hangs.
pub fn run(property: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a test can have threads");
    let outcome = runtime.block_on(async { tokio::time::timeout(LIMIT, property).await });
    assert!(outcome.is_ok(), "the property hangs");
}

/// Makes a module of tests, one for each property, for one forge.
#[macro_export]
macro_rules! conformance {
    ($backend:ident, $harness:expr) => {
        mod $backend {
            use super::*;

            $crate::conformance! { @each $harness;
                issues {
                    issues_are_found_in_the_order_asked
                    an_issue_that_is_not_there_is_unknown
                    a_closed_issue_says_so
                }
                base {
                    without_heads_it_is_the_base_as_it_is_now
                    heads_that_the_base_contains_need_no_merge
                    one_head_is_used_as_it_is
                    a_head_that_contains_the_others_is_used_as_it_is
                    several_heads_are_merged_and_the_same_merge_is_found_again
                    heads_that_do_not_merge_are_named_with_what_was_reached
                    a_candidate_that_contains_all_heads_is_used
                    a_candidate_that_lacks_a_head_is_not_used
                    without_permit_no_heads_are_merged
                    an_unknown_head_is_refused
                }
                publish {
                    a_submission_becomes_an_open_pull_request_at_its_head
                    publishing_again_finds_what_is_there
                    a_later_submission_moves_the_same_pull_request
                    pull_requests_have_numbers_of_their_own
                    openers_at_once_do_not_collide
                    a_branch_that_somebody_moved_is_left_alone
                    somebody_elses_branch_is_not_taken_over
                    a_late_repeat_does_not_move_the_branch_back
                    a_closed_pull_request_is_not_published_to
                    a_merged_pull_request_is_not_published_to
                    what_was_pushed_after_the_merge_opens_nothing_to_publish_to
                    without_permit_nothing_is_published
                    an_unknown_pull_request_is_refused
                    a_branch_that_is_no_safe_name_is_refused_or_harmless
                }
                look {
                    a_look_is_of_the_present_head
                    a_conflict_with_the_base_is_seen
                    a_merge_by_hand_is_seen
                    a_closed_pull_request_is_seen
                    files_that_govern_missions_are_named
                    a_pull_request_that_changes_nothing_says_so
                    an_unknown_pull_request_is_refused
                }
                checks {
                    passing_checks_are_green_and_the_verdict_is_kept
                    failing_checks_are_red_with_their_output
                    checks_that_cannot_run_say_so_and_are_not_kept
                    checks_run_again_only_when_asked
                    where_no_checks_are_configured_none_are_required
                    callers_at_once_share_one_run
                    without_permit_no_check_runs
                }
                merge {
                    a_merge_is_a_merge_commit_on_the_base
                    a_repeated_merge_finds_what_was_done
                    a_merged_pull_request_stays_merged_whatever_is_pushed
                    a_merged_pull_request_is_not_merged_again_at_any_head
                    only_the_expected_head_is_merged
                    a_merge_takes_place_on_the_base_as_it_is_now
                    what_no_checks_saw_does_not_land_untested
                    a_trial_on_an_older_base_does_not_land
                    where_no_checks_are_configured_nothing_is_tried
                    a_conflict_is_an_outcome_and_changes_nothing
                    a_closed_pull_request_is_not_merged
                    what_a_person_merged_is_not_merged_again
                    mergers_at_once_merge_once
                    a_merged_head_counts_for_dependents
                    without_permit_nothing_is_merged
                    an_unknown_pull_request_is_refused
                }
                restack {
                    a_head_that_holds_everything_stays
                    what_it_builds_upon_is_merged_into_it
                    what_does_not_merge_into_it_is_named_and_nothing_changes
                    a_merged_head_in_the_base_changes_nothing
                    work_that_was_squashed_brings_the_base_in
                    a_head_that_somebody_moved_is_left_alone
                    a_closed_pull_request_is_not_restacked
                    without_permit_nothing_is_restacked
                    an_unknown_pull_request_is_refused
                }
            }
        }
    };
    (@each $harness:expr; $($area:ident { $($property:ident)+ })+) => {
        $(
            mod $area {
                use super::*;
                $(
                    #[test]
                    fn $property() {
                        $crate::conformance::run(async {
                            let harness = $harness;
                            $crate::conformance::$area::$property(&harness).await;
                        });
                    }
                )+
            }
        )+
    };
}
