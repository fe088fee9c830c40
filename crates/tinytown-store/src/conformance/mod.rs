//! What every backend must pass: one property per fact of the port, one `#[test]` per property and backend.
//!
//! A backend implements [`Harness`] and writes `tinytown_store::conformance!(name, harness)`, which
//! makes a module `name` with all tests. The harness expression is evaluated anew for each test,
//! inside an asynchronous block, so it may `.await`.

pub mod beats;
pub mod commits;
pub mod concurrency;
pub mod fixture;
pub mod founding;
pub mod inbox;
pub mod lease;
pub mod mail;
pub mod missions;
pub mod refusals;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::Store;

/// A place for one town, empty at first. Each test gets a place of its own.
#[async_trait]
pub trait Harness: Send + Sync {
    /// A further handle to the place, as independent of the others as the backend can make it: a
    /// connection, state and waiting of its own.
    async fn open(&self) -> Arc<dyn Store>;
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

/// Makes a module of tests, one for each property, for one backend.
#[macro_export]
macro_rules! conformance {
    ($backend:ident, $harness:expr) => {
        mod $backend {
            use super::*;

            $crate::conformance! { @each $harness;
                founding {
                    before_it_is_founded_a_store_holds_no_town
                    a_founded_town_is_empty_and_keeps_its_identity
                    founding_again_with_the_same_identity_changes_nothing
                    founding_with_another_identity_is_refused
                }
                lease {
                    a_free_lease_is_taken_and_shows_its_holder
                    a_held_lease_is_refused_and_shown
                    an_abandoned_lease_is_taken_only_exactly_as_it_was_seen
                    a_renewal_moves_the_counter
                    a_stale_fence_neither_renews_nor_releases
                    a_released_lease_is_free_at_once_and_its_fence_is_dead
                    a_repeated_lease_call_answers_what_it_answered_first
                    of_many_takers_one_gets_the_lease
                }
                beats {
                    a_first_beat_is_one_and_each_further_moves_the_counter
                    a_later_generation_begins_anew_and_shuts_out_the_earlier
                    vitals_show_all_agents_by_name
                }
                inbox {
                    inputs_are_read_in_the_order_of_their_posts
                    a_repeated_post_is_the_same_input_also_after_its_acknowledgement
                    a_name_used_for_another_input_is_refused
                    a_post_brings_its_texts
                    reading_obeys_position_and_limit
                    a_wait_ends_empty_when_nothing_comes
                    a_waiting_reader_wakes_at_a_post_from_another_handle
                    an_input_is_answered_by_the_commit_that_applies_it
                    whoever_waits_for_an_answer_wakes_at_the_commit
                    inputs_and_answers_go_back_and_forth
                    a_dropped_wait_takes_nothing_with_it
                }
                commits {
                    a_commit_of_nothing_tells_the_versions
                    what_missions_share_is_written_read_and_removed
                    removals_come_before_writings
                    steps_of_the_town_are_read_by_their_version
                    effects_wait_in_order_until_they_are_done
                    a_repeated_commit_answers_what_it_answered_first
                    a_commit_brings_its_texts
                    the_incarnation_is_one_and_the_same_everywhere
                }
                refusals {
                    a_stale_fence_changes_nothing
                    a_lease_given_back_guards_nothing
                    a_stale_town_changes_nothing
                    a_stale_mission_changes_nothing
                    an_unknown_mission_changes_nothing
                    a_moved_heartbeat_changes_nothing
                    a_heartbeat_is_judged_by_generation_and_counter
                    a_charter_at_the_wrong_time_changes_nothing
                    an_input_that_does_not_wait_is_not_acknowledged
                    a_text_under_a_false_name_changes_nothing
                    a_refused_name_may_be_used_again
                    the_first_reason_is_the_one_told
                }
                missions {
                    a_mission_is_read_as_it_was_written
                    records_are_replaced_by_key
                    a_mission_that_ended_is_listed_only_when_asked_for
                    missions_are_listed_by_their_first_commit
                    steps_are_numbered_without_gaps_and_read_in_pages
                    an_unknown_mission_is_named
                    a_missing_text_is_named
                }
                mail {
                    deliveries_are_read_in_order_with_position_and_limit
                    mailboxes_are_apart
                    the_same_key_is_the_same_delivery
                    a_removed_delivery_is_gone_and_an_unknown_one_is_passed_over
                    a_waiting_agent_wakes_at_its_delivery
                }
                concurrency {
                    many_posters_lose_nothing
                    of_commits_on_the_same_version_one_is_made
                    the_same_commit_made_at_once_is_made_once
                    a_reader_never_sees_half_a_commit
                }
            }
        }
    };
    (@each $harness:expr; $($group:ident { $($property:ident)* })*) => {
        $($(
            #[test]
            fn $property() {
                $crate::conformance::run(async {
                    let harness = $harness;
                    $crate::conformance::$group::$property(&harness).await;
                });
            }
        )*)*
    };
}

#[cfg(test)]
mod tests {
    /// A property that the macro does not name would silently never run.
    #[test]
    fn every_property_is_wired_in() {
        let wired = include_str!("mod.rs");
        let groups = [
            include_str!("beats.rs"),
            include_str!("commits.rs"),
            include_str!("concurrency.rs"),
            include_str!("founding.rs"),
            include_str!("inbox.rs"),
            include_str!("lease.rs"),
            include_str!("mail.rs"),
            include_str!("missions.rs"),
            include_str!("refusals.rs"),
        ];
        for group in groups {
            let names = group.lines().filter_map(|line| line.strip_prefix("pub async fn "));
            let names: Vec<_> = names.filter_map(|rest| rest.split_once('(')).map(|(name, _)| name).collect();
            assert!(!names.is_empty());
            for name in names {
                assert!(wired.lines().any(|line| line.trim() == name), "{name} is not in the macro");
            }
        }
    }
}
