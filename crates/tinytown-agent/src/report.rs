//! What a worker says while it works. This crate never prints: whoever runs the worker decides where it goes.

use std::fmt;

use tinytown_core::id::{Generation, ItemKey};

/// Something worth a line. Its [`fmt::Display`] is that line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// The worker has its name.
    Joined(Generation),
    /// The name is held by a worker on another host; waiting until that is gone.
    NameHeld {
        /// Where.
        host: String,
    },
    /// What a dead worker left running was removed.
    Swept {
        /// How many processes were killed.
        killed: usize,
    },
    /// Processes of a dead worker cannot be removed; trying again.
    SweepStuck(String),
    /// The store does not answer; trying again.
    StoreAway(String),
    /// The store answers again.
    StoreBack,
    /// What was posted waits for a dispatcher.
    Unanswered,
    /// An attempt began.
    Began {
        /// Of which item.
        item: ItemKey,
        /// Which.
        attempt: u32,
    },
    /// An assignment was not in force any more.
    Dropped {
        /// Of which item.
        item: ItemKey,
        /// Why.
        why: String,
    },
    /// An attempt is being cancelled.
    Cancelling(ItemKey),
    /// An attempt ended.
    Ended {
        /// Of which item.
        item: ItemKey,
        /// How, in a few words.
        how: String,
    },
    /// What an attempt ended with was not accepted.
    Stale {
        /// Of which item.
        item: ItemKey,
        /// Why.
        why: String,
    },
    /// Something did not go as it should; the work goes on.
    Trouble(String),
    /// The conductor's agent was asked.
    Consulted {
        /// About which item, or which mission.
        item: ItemKey,
        /// Why.
        why: String,
    },
    /// A note that answers a request was posted.
    Noted {
        /// About which item, or which mission.
        item: ItemKey,
        /// The note.
        note: String,
        /// What was answered to it.
        said: String,
    },
    /// A request was not answered: a person is asked once its time is over.
    LeftToPerson {
        /// About which item, or which mission.
        item: ItemKey,
        /// Why.
        why: String,
    },
    /// The worker leaves after the work at hand.
    Retiring,
    /// Another worker has the name; everything is stopped.
    Superseded(Generation),
    /// This worker had been declared lost, and has joined again.
    Rejoined(Generation),
}

/// Hears what a worker says. Any closure that takes it does.
pub trait Report: Send + Sync {
    /// One line.
    fn say(&self, progress: &Progress);
}

impl<F: Fn(&Progress) + Send + Sync> Report for F {
    fn say(&self, progress: &Progress) {
        self(progress);
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Joined(generation) => write!(f, "joined (generation {generation})"),
            Self::NameHeld { host } => {
                write!(f, "the name is held by a worker on {host}; waiting until it is gone")
            }
            Self::Swept { killed } => {
                write!(f, "removed what an earlier worker left running: {killed} processes")
            }
            Self::SweepStuck(what) => write!(f, "cannot remove what an earlier worker left running: {what}"),
            Self::StoreAway(why) => write!(f, "{why}; trying again"),
            Self::StoreBack => f.write_str("the store is available again"),
            Self::Unanswered => f.write_str("waiting for a dispatcher; start one with: tt mission dispatch"),
            Self::Began { item, attempt } => write!(f, "{item}: attempt {attempt} began"),
            Self::Dropped { item, why } => write!(f, "{item}: not begun: {why}"),
            Self::Cancelling(item) => write!(f, "{item}: cancelling"),
            Self::Ended { item, how } => write!(f, "{item}: {how}"),
            Self::Stale { item, why } => write!(f, "{item}: not accepted: {why}"),
            Self::Trouble(what) => f.write_str(what),
            Self::Consulted { item, why } => {
                let why = why.strip_prefix(&format!("{item}: ")).unwrap_or(why);
                write!(f, "{item}: help is asked: {why}")
            }
            Self::Noted { item, note, said } => write!(f, "{item}: note {note:?}: {said}"),
            Self::LeftToPerson { item, why } => write!(f, "{item}: no answer, left to a person: {why}"),
            Self::Retiring => f.write_str("leaving after the work at hand"),
            Self::Superseded(generation) => {
                write!(f, "another worker has the name (generation {generation}); stopping")
            }
            Self::Rejoined(generation) => {
                write!(f, "had been declared lost; joined again (generation {generation})")
            }
        }
    }
}

/// An error with all that led to it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !words.ends_with(&more) {
            words = format!("{words}: {more}");
        }
        source = error.source();
    }
    words
}
