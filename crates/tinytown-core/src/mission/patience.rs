//! How long a mission may stand still before somebody is asked to look.

use std::time::Duration;

use super::{ItemIx, Mission};
use crate::event::Addressee;
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
        match &self.head.help {
            Some(help) => {
                let again = help.asked_at + again_after(help.attempts);
                let at_rest = self.head.budget.is_some() && !self.goes_on_by_itself();
                let end = at_rest.then(|| help.since + self.policy().person_wait());
                Some(end.map_or(again, |end| end.min(again)))
            }
            // Whoever was asked about an item knows already.
            None if self.head.budget.is_some() && self.policy().person_wait().is_zero() => None,
            None => self.index.persons.is_empty().then(|| self.stalled_at()),
        }
    }

    /// When the watchdog looks next for items that are ready and that nobody takes.
    pub(crate) fn watch_due(&self) -> Option<Time> {
        self.first_ready()?;
        Some(self.head.watched_at.unwrap_or(self.charter.created_at) + self.policy().watchdog())
    }

    /// When an open request about an item is taken further: repeated, passed on to a person, or given up.
    pub(crate) fn ask_due(&self, ix: ItemIx) -> Option<Time> {
        let now = &self.item(ix).now;
        let asked = now.asked.as_ref().filter(|_| !now.phase.is_over())?;
        let again = match asked.to {
            Addressee::Conductor => asked.at + self.policy().conductor_wait(),
            Addressee::Person => asked.at + again_after(asked.times),
        };
        Some(self.gives_up_at(ix).map_or(again, |end| end.min(again)))
    }

    /// Whether a mission whose budget is used up ends: nobody granted another one in time.
    pub(crate) fn is_given_up(&self, now: Time) -> bool {
        let wait = self.policy().person_wait();
        let answered = || self.head.help.as_ref().is_none_or(|help| now < help.since + wait);
        self.head.budget.is_some() && (wait.is_zero() || !answered())
    }

    /// When an item fails that ran out of tries and about which a person was asked.
    pub(crate) fn gives_up_at(&self, ix: ItemIx) -> Option<Time> {
        let now = &self.item(ix).now;
        let asked = now.asked.as_ref().filter(|asked| asked.to == Addressee::Person)?;
        now.hold.as_ref().map(|_| asked.since + self.policy().person_wait())
    }
}

/// How long after the `times`-th asking the next one is.
fn again_after(times: u32) -> Duration {
    HELP_AGAIN.saturating_mul(1 << times.saturating_sub(1).min(10))
}
