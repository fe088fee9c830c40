//! Watching whether others live: counters that do not move for a whole lease time, by our own clock.

use std::collections::BTreeMap;
use std::time::Duration;

use tinytown_core::id::{AgentName, Generation};
use tinytown_core::mutant::{Mutant, is_planted};
use tinytown_store::{Heartbeat, Vitals};

use super::{Driver, Event, Mode, Moment};

/// Bounds on how often we look.
const LOOK_LEAST: Duration = Duration::from_millis(50);
const LOOK_MOST: Duration = Duration::from_secs(1);

/// What we saw ourselves, and since when. Begins anew after our start, an outage or a pause.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The lease's epoch and counter.
    pub(super) lease: Option<((u64, u64), Duration)>,
    /// Each agent's generation and counter.
    agents: BTreeMap<AgentName, (Generation, u64, Duration)>,
    looked_at: Option<Duration>,
    /// Since when the store answered nothing.
    away_since: Option<Duration>,
    /// How far the two monotonic clocks were apart when we last looked, in nanoseconds.
    apart: Option<i128>,
    /// When the lease was asked for last, on the clock that counts suspend.
    pub(super) asked_at: Duration,
}

impl Watch {
    /// What was seen before proves nothing any more.
    pub(super) fn forget(&mut self) {
        self.lease = None;
        self.agents.clear();
        self.looked_at = None;
    }

    /// Whether the store has been away for as long as anybody would notice. Calls fail one by one
    /// without that.
    fn is_away(&mut self, answered: bool, now: Moment) -> bool {
        if answered {
            self.away_since = None;
            return false;
        }
        now.mono.saturating_sub(*self.away_since.get_or_insert(now.mono)) >= LOOK_MOST
    }

    /// Whether the machine slept since the last event, for as long as anybody would notice.
    fn slept(&mut self, now: Moment) -> bool {
        let nanos = |time: Duration| i128::try_from(time.as_nanos()).unwrap_or(i128::MAX);
        let apart = nanos(now.boot) - nanos(now.mono);
        let before = self.apart.replace(apart).unwrap_or(apart);
        apart - before >= nanos(LOOK_MOST)
    }
}

impl Driver {
    /// How often we look at lease and heartbeats.
    pub(super) fn watch_interval(&self) -> Duration {
        let shortest = match self.settings.mode {
            Mode::Apply(_) => self.settings.lease / 20,
            Mode::Serve | Mode::Once => self.settings.lease.min(self.settings.agent_lease) / 6,
        };
        shortest.clamp(LOOK_LEAST, LOOK_MOST)
    }

    /// Everybody has a whole lease again, also those whose silence was noticed and not yet decided upon:
    /// they could not show that they live, and the time before and the time after add up to nothing.
    pub(super) fn watch_anew(&mut self) {
        if !is_planted(Mutant::WatchKept) {
            self.watch.forget();
            self.queue.retain(|work| !work.is_silence());
        }
    }

    /// Workers of this machine slept with us.
    pub(super) fn notice_sleep(&mut self, now: Moment) {
        if self.watch.slept(now) {
            self.watch_anew();
        }
    }

    /// While the store is away, nobody can show that they live; whichever of our calls tells us so.
    pub(super) fn notice_outage(&mut self, event: &Event, now: Moment) {
        if let Some(answered) = event.store_answered()
            && self.watch.is_away(answered, now)
        {
            self.watch_anew();
        }
    }

    /// Declares agents lost whose counter we have seen unchanged for a whole lease.
    pub(super) fn observe(&mut self, vitals: &Vitals, now: Moment) {
        let paused = self
            .watch
            .looked_at
            .is_some_and(|last| now.mono.saturating_sub(last) > self.watch_interval() * 4 + LOOK_MOST);
        if paused {
            self.watch_anew();
        }
        self.watch.looked_at = Some(now.mono);
        if self.settings.mode != Mode::Serve {
            return;
        }
        let mut silent = Vec::new();
        for agent in self.town.roster().iter().filter(|agent| agent.is_present()) {
            let beat = vitals.beats.iter().find(|beat| beat.agent == agent.name);
            let counter =
                beat.filter(|beat| beat.generation == agent.generation).map_or(0, |beat| beat.counter);
            let seen =
                self.watch.agents.entry(agent.name.clone()).or_insert((agent.generation, counter, now.mono));
            if (seen.0, seen.1) != (agent.generation, counter) {
                *seen = (agent.generation, counter, now.mono);
            } else if now.mono.saturating_sub(seen.2) >= self.settings.agent_lease {
                silent.push(Heartbeat { agent: agent.name.clone(), generation: agent.generation, counter });
            }
        }
        if is_planted(Mutant::LossUnnoticed) {
            return;
        }
        for beat in silent {
            let unmoved = (!is_planted(Mutant::ExpiryUnchecked)).then(|| beat.clone());
            let reason = format!("no sign of life for {} ms", self.settings.agent_lease.as_millis());
            self.on_dead(beat.agent, beat.generation, reason, unmoved);
        }
    }
}
