//! What happened in a simulation, kept as data while it runs, and written for people afterwards.

mod names;
mod report;
mod words;

use std::fmt;
use std::time::Duration;

use names::Names;
use words::Teller;

use crate::decide::Defect;
use crate::event::Event;
use crate::id::{ItemKey, MissionId, Sha};
use crate::issue::IssueRef;
use crate::mission::{Item, Mission, MissionState, Violation};
use crate::roster::RosterChange;
use crate::time::Time;
use crate::town::Town;

/// What happened in a simulation, and where everything stood at its end. Equal runs give equal texts.
#[derive(Debug, Clone)]
pub struct Transcript {
    pub(super) title: String,
    pub(super) begin: Time,
    pub(super) took: Duration,
    pub(super) steps: usize,
    pub(super) entries: Vec<Entry>,
    pub(super) finish: Finish,
    pub(super) mission: MissionId,
    pub(super) town: Town,
}

/// Things that happened at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When, after the start of the mission.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A step of the town.
    Step {
        /// What became true of the mission.
        events: Vec<Event>,
        /// What changed among the agents.
        roster: Vec<RosterChange>,
    },
    /// Somebody did something at the forge.
    ByHand(ByHand),
    /// Somebody asked for something, and was refused.
    Refused {
        /// What they were told.
        message: String,
    },
}

/// What people do at a forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByHand {
    /// A bot commented.
    Commented {
        /// On which pull request.
        pull: u64,
        /// Whose account.
        author: String,
    },
    /// The comments were resolved.
    Resolved {
        /// On which pull request.
        pull: u64,
    },
    /// They push to a pull request.
    Pushed {
        /// Its number.
        pull: u64,
        /// The commit.
        head: Sha,
    },
    /// They close a pull request.
    Closed {
        /// Its number.
        pull: u64,
    },
    /// They merge a pull request.
    Merged {
        /// Its number.
        pull: u64,
        /// The merge commit.
        commit: Sha,
    },
    /// They move the base.
    BaseMoved {
        /// To where.
        base: Sha,
    },
    /// They close an issue.
    IssueClosed(IssueRef),
    /// They are in the way where the base is checked out, or no more.
    Busy(bool),
}

/// Why a simulation is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    /// The mission has ended.
    Ended,
    /// Nothing moves any more without a person.
    AtRest,
    /// The scenario's time is up.
    TimeUp,
    /// It took more steps than any mission should.
    TooManySteps,
    /// Something was true that must never be.
    Violated(Violation),
    /// A decision contradicted itself.
    Contradicted(Defect),
    /// It is not over: nobody looked on.
    Unfinished,
}

impl Transcript {
    /// The mission as it was at the end.
    ///
    /// # Panics
    /// If not one step was made: the mission has not begun.
    pub fn mission(&self) -> &Mission {
        self.town.mission(self.mission).expect("the mission has begun")
    }

    /// The town as it was at the end.
    pub const fn town(&self) -> &Town {
        &self.town
    }

    /// Where the mission stood.
    pub fn state(&self) -> MissionState {
        self.mission().head().state
    }

    /// The item of that name, as it was at the end.
    pub fn item(&self, key: &ItemKey) -> Option<&Item> {
        let mission = self.mission();
        mission.find(key).map(|ix| mission.item(ix))
    }

    /// Everything that happened, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// All events of the mission, with their times after its start, in order.
    pub fn events(&self) -> impl Iterator<Item = (Duration, &Event)> {
        self.entries.iter().flat_map(|entry| {
            let events = match &entry.what {
                What::Step { events, .. } => events.as_slice(),
                What::ByHand(_) | What::Refused { .. } => &[],
            };
            events.iter().map(|event| (entry.at, event))
        })
    }

    /// Why the simulation is over.
    pub const fn finish(&self) -> &Finish {
        &self.finish
    }

    /// How many inputs were decided.
    pub const fn steps(&self) -> usize {
        self.steps
    }

    /// How long it took, in the simulation.
    pub const fn took(&self) -> Duration {
        self.took
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut teller = Teller::new(self.begin);
        if !self.title.is_empty() {
            writeln!(f, "{}\n", self.title)?;
        }
        let mut before = None;
        for entry in &self.entries {
            for line in teller.tell(&entry.what) {
                // A time is written once, so that what happens together is seen together.
                let at = if before == Some(entry.at) { String::new() } else { clock(entry.at) };
                before = Some(entry.at);
                writeln!(f, "{at:>11}  {line}")?;
            }
        }
        report::write(f, self, &mut teller)
    }
}

/// A time after the start: `0:05.200`, `1:02:03.000`.
fn clock(at: Duration) -> String {
    let (secs, millis) = (at.as_secs(), at.subsec_millis());
    let (hours, minutes, secs) = (secs / 3600, secs / 60 % 60, secs % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{secs:02}.{millis:03}")
    } else {
        format!("{minutes}:{secs:02}.{millis:03}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_on_a_stop_watch() {
        let written = [0, 5_200, 65_000, 3_723_004].map(|millis| clock(Duration::from_millis(millis)));
        assert_eq!(written, ["0:00.000", "0:05.200", "1:05.000", "1:02:03.004"]);
    }
}
