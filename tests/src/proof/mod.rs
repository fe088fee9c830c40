//! The proof: the real driver in a world where everything goes wrong, and an outsider who knows the
//! promises and watches.
//!
//! A [`Case`] is one world, drawn from a seed. [`play`] lets it run: first things go wrong, then they
//! stop going wrong and everything must come to its end. The first broken promise ends it.

mod calls;
mod campaign;
mod case;
mod clocks;
mod dispatcher;
mod disturb;
mod faults;
mod forge;
mod judge;
mod ledger;
mod minimise;
mod operator;
mod page;
mod post;
mod regression;
mod run;
mod trials;
mod watched;
mod wire;
mod worker;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use campaign::{Campaign, Caught, Rate, Tally, rate};
pub use campaign::{hunt, hunt_all};
pub use case::Case;
pub use faults::{FaultId, Kind};
pub use ledger::{End, Violation};
pub use minimise::minimise;
pub use regression::Regression;

use clocks::Ms;
use tinytown_core::id::ItemKey;
use tinytown_core::mutant::Mutant;
use tinytown_store::{MemoryStore, Store};
use world::{Plan, Role, World};

/// Mutants of SQLite, which crashing processes notice.
pub const OF_SQLITE: &[Mutant] = &[Mutant::CommitWithoutTransaction, Mutant::AcknowledgedApart];

/// Mutants of the gates, which all interleavings of what is told notice.
pub const OF_GATES: &[Mutant] = &[
    Mutant::GatesKept,
    Mutant::CouldNotRunPasses,
    Mutant::UnknownMerges,
    Mutant::ApprovalIsEnough,
    Mutant::GovernedByAgents,
];

/// How long after the last fault a mission may take to its end.
const PATIENCE: Ms = 12 * 3_600_000;
/// More than this happens in no world that is well.
const MOST: u64 = 400_000;
/// How long after the last mission ended an input may go without an answer.
const ANSWERED_WITHIN: Ms = 120_000;
/// How often people look whether somebody asks for help.
const LOOK: Ms = 5_000;

/// What came of a case.
#[derive(Debug)]
pub struct Outcome {
    /// The first broken promise.
    pub violation: Option<Violation>,
    /// Missions begun, and missions ended.
    pub missions: (u64, u64),
    /// Items of all missions.
    pub items: u64,
    /// How each item ended, by mission and item.
    pub ends: BTreeMap<(u128, ItemKey), Option<End>>,
    /// How many commits were accepted.
    pub steps: u64,
    /// How many things happened.
    pub happened: u64,
    /// Milliseconds that passed there.
    pub passed: Ms,
    /// How often each kind of fault fired, in the order of [`Kind::ALL`].
    pub faults: Vec<u64>,
    /// The faults that fired.
    pub fired: Vec<FaultId>,
    /// How often each promise was looked at.
    pub trials: BTreeMap<String, u64>,
    /// Equal runs have equal ones.
    pub print: u64,
    /// What people read.
    pub log: Vec<String>,
}

/// Plays a case. With `telling` it keeps a log for people.
pub fn play(case: &Case, telling: bool) -> Outcome {
    play_on(case, telling, Arc::new(MemoryStore::new()))
}

/// The same on a store of the caller's, without a town yet, whose calls answer without waiting.
pub fn play_on(case: &Case, telling: bool, store: Arc<dyn Store>) -> Outcome {
    let mut world = World::new(case, telling, store);
    begin(&mut world, case);
    let until = case.trouble_lasts();
    while world.now < until && goes_on(&world) {
        world.step();
    }
    world.heal();
    let (from, mut look) = (world.now, world.now + LOOK);
    while goes_on(&world) && world.now < from + PATIENCE {
        world.step();
        if world.now >= look {
            look = world.now + LOOK;
            world.as_operator(operator::Operator::help);
        }
    }
    answer_everybody(&mut world);
    end(&mut world);
    outcome(world)
}

fn begin(world: &mut World, case: &Case) {
    world.start(0, Role::Operator(Box::default()));
    for nth in 0..case.dispatchers() {
        let host = nth % world.hosts.len();
        let after = world.dice.between(0, 3_000, "dispatcher", nth as u64);
        world.plan(after, Plan::StartDispatcher { host });
    }
    let agents = world.scenarios.values().next().map_or(0, |scenario| scenario.agents.len());
    for agent in 0..agents {
        let joins = calls::millis(world.agent(agent).joins.get());
        world.plan(joins + world.dice.between(0, 2_000, "worker", agent as u64), Plan::StartWorker { agent });
    }
}

fn goes_on(world: &World) -> bool {
    let all_over = world.ledger.missions.len() == world.scenarios.len()
        && world.ledger.missions.values().all(|mission| mission.over.is_some());
    world.violation.is_none() && !all_over && world.happened < MOST
}

/// Lets the world run on until every input has its answer.
fn answer_everybody(world: &mut World) {
    let until = world.now + ANSWERED_WITHIN;
    while world.violation.is_none() && world.now < until && world.ledger.unanswered().is_some() {
        world.step();
    }
    if let (None, Some(input)) = (&world.violation, world.ledger.unanswered()) {
        let what = format!("nobody ever answered {}", input.0);
        world.break_promise(Err(Violation { guarantee: "G2", what }));
    }
}

fn end(world: &mut World) {
    world.ledger.trials.tried("G13");
    let unfinished: Vec<String> = world
        .ledger
        .missions
        .iter()
        .filter(|(_, mission)| mission.over.is_none())
        .map(|(id, _)| id.to_string())
        .collect();
    if !unfinished.is_empty() || world.ledger.missions.len() < world.scenarios.len() {
        let what = world.standstill();
        let violation =
            Violation { guarantee: "G13", what: format!("not ended after {} s: {what}", world.now / 1_000) };
        world.break_promise(Err(violation));
    }
    world.judge_end();
}

fn outcome(world: World) -> Outcome {
    let missions = &world.ledger.missions;
    let items = missions.values().map(|mission| mission.charter.items.len() as u64).sum();
    let ends = missions.iter().flat_map(|(id, mission)| {
        mission.items.values().map(|item| ((id.0.as_u128(), item.spec.key.clone()), item.end.clone()))
    });
    Outcome {
        missions: (
            world.scenarios.len() as u64,
            missions.values().filter(|mission| mission.over.is_some()).count() as u64,
        ),
        items,
        ends: ends.collect(),
        steps: world.ledger.steps,
        happened: world.happened,
        passed: world.now,
        faults: world.faults.counts().to_vec(),
        fired: world.faults.fired().to_vec(),
        trials: world.ledger.trials.by_name(),
        print: world.print,
        violation: world.violation,
        log: world.log.unwrap_or_default(),
    }
}

impl World {
    /// What everybody waits for, for people.
    fn standstill(&self) -> String {
        let Some(town) = self.decided() else { return "nobody decides".to_owned() };
        let mut words = Vec::new();
        for mission in town.missions() {
            words.push(format!("mission {} is {}", mission.id(), mission.head().state.as_str()));
            for item in mission.items() {
                let wait = mission.find(&item.spec.key).and_then(|ix| mission.wait(ix, town.roster()));
                if let Some(wait) = wait {
                    words.push(format!(
                        "{} is {} and waits {} ({}): {}",
                        item.spec.key,
                        item.now.phase.as_str(),
                        wait.code.as_str(),
                        wait.owner,
                        wait.detail
                    ));
                }
            }
        }
        words.join("; ")
    }
}
