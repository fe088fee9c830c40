//! How long a mission may stand still before somebody is asked to look.

use std::time::Duration;

use super::Mission;
use crate::time::Time;

/// Nothing moved for this long, though nothing runs: somebody is asked. An agent that is missing may
/// just be starting, so that is no reason to call a mission blocked before.
const HELP_AFTER: Duration = Duration::from_mins(1);
/// The same while something goes on by itself: checks, a timer, a forge that does not answer.
const HELP_AFTER_LONG: Duration = Duration::from_mins(30);
/// An unanswered request is repeated after this long, and each time after twice as long.
const HELP_AGAIN: Duration = Duration::from_mins(30);

impl Mission {
    /// From when on standing still is a stall.
    pub(crate) fn stalled_at(&self) -> Time {
        self.head.progress_at + if self.goes_on_by_itself() { HELP_AFTER_LONG } else { HELP_AFTER }
    }

    /// When somebody is to be asked for help, if nothing happens before.
    pub(crate) fn help_due(&self) -> Option<Time> {
        if !self.head.state.is_active() || self.open_items() == 0 || self.running() > 0 {
            return None;
        }
        Some(match &self.head.help {
            Some(help) => {
                help.asked_at + HELP_AGAIN.saturating_mul(1 << help.attempts.saturating_sub(1).min(10))
            }
            None => self.stalled_at(),
        })
    }
}
