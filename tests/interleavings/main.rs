//! Every interleaving of up to six things that are told around acceptance and merge (G6).
//!
//! One item is published. From then on the engine is told, in every order, whatever a forge, agents and people could
//! say next: looks at the head it knows, at an earlier or a new one; verdicts of checks and reviewers, in time and
//! late; failures, conflicts, closing, merging by hand; a person's word. Somebody who heard the same judges each
//! acceptance and each request to merge.
//!
//! `cargo test --release -p tinytown-tests --no-default-features --features mutants --test interleavings`, and with
//! `-- --ignored --nocapture` behind it and `DEPTH=8` in the environment as deep as there is time.

mod explore;
mod oracle;
mod state;
mod world;

use explore::{Explored, explore};
use tinytown_core::mutant::{self, Mutant};
use tinytown_core::policy::Policy;
use world::World;

/// Whether to merge, and whether a reviewer must approve.
const POLICIES: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];

/// How many tellings are enumerated: six, and five in a build that is not optimised.
const MOST: usize = if cfg!(debug_assertions) { 5 } else { 6 };

fn policy(auto_merge: bool, reviewer_required: bool) -> Policy {
    Policy { max_parallel: 4, reviewer_required, auto_merge, ..Policy::default() }
}

#[expect(clippy::print_stdout, reason = "how much was covered is half of the answer")]
fn holds(auto_merge: bool, reviewer_required: bool, depth: usize) -> Explored {
    let began = std::time::Instant::now();
    let explored = explore(World::published(&policy(auto_merge, reviewer_required)), depth);
    println!(
        "auto_merge = {auto_merge}, reviewer_required = {reviewer_required}: {} sequences of up to {depth}, {} states, {} decided, {} acceptances, {} merges asked, {:.1?}",
        explored.sequences,
        explored.states,
        explored.tellings,
        explored.accepted,
        explored.merges,
        began.elapsed()
    );
    if let Some(violation) = &explored.violation {
        panic!("{violation}");
    }
    explored
}

#[test]
fn nothing_unproved_is_accepted_without_a_reviewer() {
    let explored = holds(false, false, MOST);
    assert!(explored.accepted > 100 && explored.merges > 100, "{explored:?}");
}

#[test]
fn nothing_unproved_is_accepted_with_a_reviewer() {
    let explored = holds(false, true, MOST);
    let least = if cfg!(debug_assertions) { 30 } else { 50 };
    assert!(explored.accepted > 100 && explored.merges > least, "{explored:?}");
}

#[test]
fn nothing_unproved_is_merged_without_a_reviewer() {
    let explored = holds(true, false, MOST);
    assert!(explored.accepted == 0 && explored.merges > 100, "{explored:?}");
}

#[test]
fn nothing_unproved_is_merged_with_a_reviewer() {
    let explored = holds(true, true, MOST);
    assert!(explored.accepted == 0 && explored.merges > 100, "{explored:?}");
}

/// Defects that would let pass what is not proved.
const DEFECTS: [Mutant; 10] = [
    Mutant::GatesKept,
    Mutant::CouldNotRunPasses,
    Mutant::UnknownMerges,
    Mutant::ApprovalIsEnough,
    Mutant::GovernedByAgents,
    Mutant::OldHeadCounts,
    Mutant::LateChecksCount,
    Mutant::RedIsGreen,
    Mutant::TrialUnchecked,
    Mutant::TrialIgnored,
];

#[test]
#[expect(clippy::print_stdout, reason = "by which sequence each was noticed")]
fn every_mutant_of_the_gates_is_noticed() {
    for mutant in DEFECTS {
        mutant::plant(Some(mutant));
        let worlds = || POLICIES.iter().map(|(merge, review)| World::published(&policy(*merge, *review)));
        let violation =
            (1..=MOST).find_map(|depth| worlds().find_map(|world| explore(world, depth).violation));
        mutant::plant(None);
        let Some(violation) = violation else { panic!("{} was not noticed", mutant.name()) };
        println!("{} is noticed by:\n{violation}", mutant.name());
    }
}

#[test]
#[ignore = "takes minutes; for the figures of a release"]
fn deeper() {
    let depth = std::env::var("DEPTH").ok().and_then(|depth| depth.parse().ok()).unwrap_or(7);
    for (auto_merge, reviewer_required) in POLICIES {
        holds(auto_merge, reviewer_required, depth);
    }
}
