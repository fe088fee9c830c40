//! What is going to happen, by time; what comes at the same time comes in the order in which it was put down.

use std::collections::BTreeMap;

use super::scenario::Happening;
use crate::effect::Effect;
use crate::id::OpId;
use crate::input::Input;
use crate::letter::Brief;
use crate::time::Time;

use super::conduct::Ending;

/// Something that is going to happen.
#[derive(Debug)]
pub(super) enum Due {
    /// Somebody posts this.
    Post(Input),
    /// The forge gets to an effect.
    Perform(OpId, Effect),
    /// A launch comes to its end.
    End(Box<Launch>),
    /// The worker of that agent joins.
    Join(usize),
    /// Something of the scenario's that happens besides.
    Happen(Happening),
}

/// A launch of an agent's.
#[derive(Debug)]
pub(super) struct Launch {
    /// Which agent.
    pub(super) agent: usize,
    /// What it was told.
    pub(super) brief: Brief,
    /// How it ends.
    pub(super) end: Ending,
}

/// Everything that is going to happen.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    things: BTreeMap<(Time, u64), Due>,
    put: u64,
    /// How many of them merely wait for their chance, and keep nothing going.
    patient: usize,
}

impl Agenda {
    /// Puts something down.
    pub(super) fn put(&mut self, at: Time, due: Due) {
        self.put += 1;
        self.things.insert((at, self.put), due);
    }

    /// Puts something down that could not happen when it should have.
    pub(super) fn put_off(&mut self, at: Time, happening: Happening) {
        self.patient += 1;
        // Above all other numbers: it comes after everything else of its time, and can be told from it.
        self.put += 1;
        self.things.insert((at, PATIENT | self.put), Due::Happen(happening));
    }

    /// Takes the next thing whose time has come.
    pub(super) fn take(&mut self, now: Time) -> Option<Due> {
        let first = self.things.first_entry().filter(|first| first.key().0 <= now)?;
        self.patient -= usize::from(first.key().1 >= PATIENT);
        Some(first.remove())
    }

    /// When the next thing happens.
    pub(super) fn next(&self) -> Option<Time> {
        self.things.first_key_value().map(|((at, _), _)| *at)
    }

    /// Whether nothing in it would keep a mission going.
    pub(super) fn is_idle(&self) -> bool {
        self.things.len() == self.patient
    }
}

/// Marks what merely waits for its chance.
const PATIENT: u64 = 1 << 63;
