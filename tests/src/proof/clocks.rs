//! Hosts and their clocks: one that stands still in suspend, one that does not, one that people set.

use std::time::Duration;

use tinytown_core::time::Time;
use tinytown_dispatcher::Moment;

/// Milliseconds of true time since the world began.
pub(super) type Ms = u64;

/// The wall clock's reading when the world begins, in milliseconds since 1970.
pub(super) const BEGINNING: i64 = 1_700_000_000_000;

/// A machine.
#[derive(Debug, Clone, Default)]
pub(super) struct Host {
    /// How far its wall clock is off, in milliseconds.
    pub wall_off: i64,
    /// How long it was suspended before the present suspend.
    slept: Ms,
    /// Since when it is suspended.
    pub suspended: Option<Ms>,
    /// When it woke up last.
    pub woke_at: Ms,
    /// When it slept, before the present suspend.
    pub sleeps: Spells,
    /// Until when it cannot reach the store.
    pub cut_until: Ms,
}

/// An outage or a sleep of this length is noticed by whoever looks every second.
const NOTICED: Ms = 2_500;

/// Spells of true time, in the order of their beginnings.
#[derive(Debug, Clone, Default)]
pub(super) struct Spells(Vec<(Ms, Ms)>);

impl Spells {
    /// From then until then.
    pub(super) fn add(&mut self, from: Ms, until: Ms) {
        self.0.push((from, until));
    }

    /// Whether it is so at that time.
    pub(super) fn is_at(&self, now: Ms) -> bool {
        self.0.iter().rev().any(|(from, until)| (*from..*until).contains(&now))
    }

    /// None lasts longer.
    pub(super) fn end(&mut self, now: Ms) {
        for (_, until) in &mut self.0 {
            *until = now.min(*until);
        }
    }

    /// How much of a time is covered neither by these nor by those, short ones aside, which nobody notices.
    pub(super) fn left_of(&self, from: Ms, to: Ms, others: &Self) -> Ms {
        let all = self.0.iter().chain(&others.0).copied();
        let mut all: Vec<_> = all.filter(|(begin, end)| *end >= *begin + NOTICED).collect();
        all.sort_unstable();
        let (mut left, mut reached) = (to - from, from);
        for (begin, end) in all {
            let (begin, end) = (begin.max(reached), end.min(to));
            if begin < end {
                left -= end - begin;
                reached = end;
            }
        }
        left
    }
}

impl Host {
    /// The clock that stands still in suspend.
    pub(super) fn mono(&self, now: Ms) -> Ms {
        self.suspended.unwrap_or(now) - self.slept
    }

    /// True time at which that clock will read `mono`, if the host is not suspended before.
    pub(super) fn when(&self, mono: Ms) -> Ms {
        mono + self.slept
    }

    /// The wall clock.
    pub(super) fn wall(&self, now: Ms) -> Time {
        Time::from_millis(BEGINNING + i64::try_from(now).unwrap_or(i64::MAX) + self.wall_off)
    }

    /// All clocks.
    pub(super) fn moment(&self, now: Ms) -> Moment {
        let (mono, boot) = (Duration::from_millis(self.mono(now)), Duration::from_millis(now));
        Moment { mono, wall: self.wall(now), boot }
    }

    /// It falls asleep.
    pub(super) fn suspend(&mut self, now: Ms) {
        self.suspended.get_or_insert(now);
    }

    /// It wakes up.
    pub(super) fn resume(&mut self, now: Ms) {
        if let Some(since) = self.suspended.take() {
            self.slept += now - since;
            self.woke_at = now;
            self.sleeps.add(since, now);
        }
    }
}
