//! What came of a mission: its history, replayed through [`crate::mission::Mission::apply`], told item by item.
//!
//! The cost is that of the history: each step looks at the items that it changed, never at all of them.

mod pools;
mod questions;
mod replay;
#[cfg(test)]
mod tests;
mod tries;

use std::time::Duration;

use crate::event::{Addressee, Event};
use crate::id::{AgentName, ItemKey, Sha};
use crate::mission::{Charter, IllegalTransition, Owner, WaitCode};
use crate::roster::RosterChange;
use crate::spend::Spend;
use crate::time::Time;

pub use tries::AgentReport;

/// A step of a mission or of its town, as far as a report needs it.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'e> {
    /// When it was decided.
    pub at: Time,
    /// What became true of the mission; nothing in a step of the town.
    pub events: &'e [Event],
    /// What changed among the agents.
    pub roster: &'e [RosterChange],
}

/// What a mission took, item by item.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// When it ended, if it has.
    pub ended_at: Option<Time>,
    /// One for each item of the mission, in its order.
    pub items: Vec<ItemReport>,
    /// What was merged, in the order in which it was.
    pub merges: Vec<Merge>,
    /// What was asked, in the order in which it was asked first.
    pub questions: Vec<Question>,
    /// How often somebody was asked for help, repetitions counted.
    pub help_asked: u32,
    /// What operators said, in order.
    pub notes: Vec<(Time, String)>,
}

/// What one item took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemReport {
    /// Who worked on it, each once, in order.
    pub agents: Vec<AgentName>,
    /// Its launches, in order.
    pub tries: Vec<Try>,
    /// When it was first given out.
    pub began_at: Option<Time>,
    /// When it was over.
    pub over_at: Option<Time>,
    /// How long it was ready, and nobody worked on it.
    pub waited: Duration,
    /// How long agents had it.
    pub worked: Duration,
    /// How long it was judged: checks, review, merge.
    pub judged: Duration,
    /// How long it stood accepted before it was judged anew.
    pub accepted: Duration,
    /// For how long it waited on what, from its beginning to its end, the longest first.
    pub waits: Vec<Waited>,
    /// The failed item for which it was skipped, at the end of however long a chain.
    pub root: Option<ItemKey>,
}

/// For how long something was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waited {
    /// For what.
    pub code: WaitCode,
    /// Whose move it was: `no-agent` is a person's if nobody was there who might have taken it.
    pub owner: Owner,
    /// How long.
    pub took: Duration,
}

/// One launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// Its number, from 1.
    pub attempt: u32,
    /// Who.
    pub agent: AgentName,
    /// When it was given out.
    pub began_at: Time,
    /// When it ended, and how.
    pub end: Option<(Time, TryEnd)>,
    /// What it cost, as far as the agent says.
    pub spent: Spend,
}

/// How a launch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TryEnd {
    /// With work or a verdict.
    HandedIn,
    /// Without.
    Failed {
        /// Why, as a word.
        cause: String,
        /// Why, for people.
        detail: String,
    },
    /// With its worker, supervisor, host or store.
    Lost {
        /// What is known.
        detail: String,
    },
    /// Taken back.
    Cancelled {
        /// Why, for people.
        detail: String,
    },
}

/// Something was merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// Which item.
    pub item: ItemKey,
    /// Its pull request's number.
    pub pull: Option<u64>,
    /// The commit that made it so, if known.
    pub commit: Option<Sha>,
    /// When that was noticed.
    pub at: Time,
}

/// Something was asked of a conductor or a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// About which item; about the mission as a whole if none is named.
    pub item: Option<ItemKey>,
    /// Who was asked, each once, in order.
    pub to: Vec<Addressee>,
    /// What, in the words of the last asking.
    pub reason: String,
    /// When it was asked first.
    pub asked_at: Time,
    /// How often.
    pub times: u32,
    /// What came of it, and when; nothing while it is open.
    pub end: Option<(Time, QuestionEnd)>,
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuestionEnd {
    /// Somebody answered with a note.
    Answered {
        /// Who.
        by: String,
        /// In their words.
        note: String,
    },
    /// Nobody did, and nobody is waited for any longer.
    GivenUp,
    /// It went on by itself, or something else was done about it.
    Withdrawn,
}

/// A history that no mission can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the history contradicts itself at {at}")]
pub struct Contradiction {
    /// When the step was decided.
    pub at: Time,
    /// Which event cannot have happened.
    pub source: IllegalTransition,
}

/// Reports on a mission, from all of its steps in order. Steps of its town between them, and before the first
/// one, tell who was there; without them nobody is known but those that the mission's own steps name.
/// What goes on still counts until `now`.
///
/// # Errors
/// [`Contradiction`] if the steps are not those of one mission, all of them and in order.
pub fn report<'e>(
    charter: &Charter,
    history: impl IntoIterator<Item = Moment<'e>>,
    now: Time,
) -> Result<Report, Contradiction> {
    let mut replay = replay::Replay::new(charter);
    for moment in history {
        replay.step(&moment)?;
    }
    Ok(replay.finish(now))
}

impl Report {
    /// For how long all items together waited on what, the longest first. What waits for another item is left
    /// out, since that one has a wait of its own.
    pub fn waits(&self) -> Vec<Waited> {
        let mut all = Vec::new();
        let own = self.items.iter().flat_map(|item| &item.waits).filter(|wait| wait.owner != Owner::Item);
        for wait in own {
            add(&mut all, *wait);
        }
        longest_first(&mut all);
        all
    }
}

impl Question {
    /// For how long it was open, until `now` if it is.
    pub fn open_for(&self, now: Time) -> Duration {
        self.end.as_ref().map_or(now, |(at, _)| *at).since(self.asked_at)
    }
}

fn add(all: &mut Vec<Waited>, more: Waited) {
    let same = |known: &&mut Waited| (known.code, known.owner) == (more.code, more.owner);
    match all.iter_mut().find(same) {
        Some(known) => known.took += more.took,
        None => all.push(more),
    }
}

fn longest_first(waits: &mut [Waited]) {
    waits.sort_by_key(|wait| (std::cmp::Reverse(wait.took), wait.code, wait.owner));
}
