//! What may go wrong, how often, and what did.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tinytown_core::simulate::Dice;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $word:literal,)*) => {
        /// A way in which things go wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Kind { $($(#[$doc])* $kind,)* }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// In words.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$kind => $word,)* }
            }
        }
    };
}

kinds! {
    /// A store call is not executed, and the caller hears that the store is away.
    StoreBefore = "store call fails before",
    /// A store call is executed, and the caller hears that the store is away.
    StoreAfter = "store call fails after",
    /// A store call arrives late.
    StoreLate = "store call late",
    /// A store call is executed twice.
    StoreTwice = "store call twice",
    /// A store call is executed again much later, and nobody hears the answer.
    StoreEcho = "store call again, late",
    /// A store call is executed in time, and its answer is late.
    AnswerLate = "store answer late",
    /// A forge call is not executed.
    ForgeBefore = "forge call fails before",
    /// A forge call is executed, and its answer lost.
    ForgeAfter = "forge call fails after",
    /// A forge call is executed twice.
    ForgeTwice = "forge call twice",
    /// A forge call arrives late.
    ForgeLate = "forge call late",
    /// A forge call is long in preparation, and asks for leave only then.
    ForgeSlow = "forge call slow",
    /// A process is killed right after it made a call.
    CrashAtCall = "killed at a call",
    /// A process is stopped right after it made a call, and goes on later.
    PauseAtCall = "paused at a call",
    /// A dispatcher is killed.
    KillDispatcher = "dispatcher killed",
    /// A worker is killed.
    KillWorker = "worker killed",
    /// A worker is stopped, and goes on later.
    PauseWorker = "worker paused",
    /// A host is suspended, and resumes later.
    Suspend = "host suspended",
    /// A host's wall clock jumps.
    ClockJump = "clock jumps",
    /// The store does not answer anybody for a while.
    Outage = "store outage",
    /// A host cannot reach the store for a while.
    Cut = "link cut",
    /// A record of a mission cannot be read for a while.
    Unreadable = "record unreadable",
    /// An operator stops a mission, and resumes it later.
    StopResume = "stop and resume",
    /// An operator writes a note that nobody asked for.
    Meddle = "operator meddles",
    /// An operator adds work to a mission.
    Grow = "mission grows",
    /// A command takes the lease for one step, if it is free.
    Command = "command takes lease",
}

/// One fault that may fire: which, for whom, and the how-manieth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FaultId {
    /// What goes wrong.
    pub kind: Kind,
    /// For whom: the number of a process, or 0.
    pub whom: u64,
    /// The how-manieth question of that sort.
    pub nth: u64,
}

/// Decides which faults fire, and keeps the account.
#[derive(Debug)]
pub struct Faults {
    dice: Vec<Dice>,
    rates: Vec<f64>,
    /// Only these may fire, if given.
    only: Option<BTreeSet<FaultId>>,
    /// Faults may fire at all.
    pub on: bool,
    fired: Vec<FaultId>,
    counts: Vec<u64>,
}

impl Faults {
    /// Faults whose rates are drawn from the seed: some kinds never, some rarely, some often.
    pub fn drawn(seed: u64, only: Option<BTreeSet<FaultId>>) -> Self {
        let dice = Dice::new(seed).of("faults");
        let of = |kind: &Kind| dice.of(kind.word());
        let scale = [0.0, 0.3, 1.0, 2.5][usize::try_from(dice.between(0, 3, "scale", 0)).unwrap_or(0)];
        let rate = |kind: &Kind| {
            let sort = of(kind).between(0, 2, "rate", 0);
            scale * [0.0, most(*kind) / 5.0, most(*kind)][usize::try_from(sort).unwrap_or(0)]
        };
        Self {
            dice: Kind::ALL.iter().map(of).collect(),
            rates: Kind::ALL.iter().map(rate).collect(),
            only,
            on: true,
            fired: Vec::new(),
            counts: vec![0; Kind::ALL.len()],
        }
    }

    /// No faults but those of these kinds, at their highest rates.
    pub fn keep(&mut self, kinds: &[Kind]) {
        for (kind, rate) in Kind::ALL.iter().zip(&mut self.rates) {
            *rate = if kinds.contains(kind) { most(*kind) } else { 0.0 };
        }
    }

    /// Whether the `nth` fault of that kind fires for somebody.
    pub fn fires(&mut self, kind: Kind, whom: u64, nth: u64) -> bool {
        let at = kind as usize;
        let drawn = || self.dice[at].happens(self.rates[at], "", whom << 32 | nth);
        // A kept case names its faults, so that other rates make no other case of it.
        let happens = self.on
            && match &self.only {
                Some(only) => only.contains(&FaultId { kind, whom, nth }),
                None => drawn(),
            };
        if happens {
            self.fired.push(FaultId { kind, whom, nth });
            self.counts[at] += 1;
        }
        happens
    }

    /// A number that belongs to a fault: how long, which one.
    pub fn size(&self, kind: Kind, least: u64, most: u64, whom: u64, nth: u64) -> u64 {
        self.dice[kind as usize].between(least, most, "size", whom << 32 | nth)
    }

    /// What fired, in order.
    pub fn fired(&self) -> &[FaultId] {
        &self.fired
    }

    /// How often each kind fired.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }
}

/// How likely a fault is at most: per call for those at calls, per chance for the others.
const fn most(kind: Kind) -> f64 {
    match kind {
        Kind::StoreBefore
        | Kind::StoreAfter
        | Kind::StoreLate
        | Kind::StoreTwice
        | Kind::AnswerLate
        | Kind::KillDispatcher
        | Kind::KillWorker
        | Kind::PauseWorker => 0.05,
        Kind::StoreEcho | Kind::Meddle => 0.03,
        Kind::ForgeBefore | Kind::ForgeAfter | Kind::ForgeTwice | Kind::ForgeLate | Kind::ForgeSlow => 0.1,
        Kind::CrashAtCall | Kind::PauseAtCall => 0.004,
        Kind::Suspend | Kind::ClockJump | Kind::Outage | Kind::Cut => 0.04,
        Kind::Unreadable | Kind::StopResume | Kind::Command | Kind::Grow => 0.02,
    }
}
