//! The history of a mission, gone through step by step: where each item stood, since when, and what it waited for.

use super::pools::{Key, Pools, Ticket};
use super::questions::Questions;
use super::{Contradiction, ItemReport, Merge, Moment, Report, Waited, add, longest_first};
use crate::event::{Event, Outcome, SkipReason};
use crate::id::ItemKey;
use crate::item::ItemSpec;
use crate::mission::{Charter, ItemIx, Mission, Phase};
use crate::roster::{Roster, RosterChange};
use crate::text::Text;
use crate::time::Time;

/// Where an item stands, since when, and what it waits for.
#[derive(Debug)]
struct Stay {
    phase: Phase,
    since: Time,
    ticket: Option<Ticket>,
}

/// A mission and its agents as they were at some step, and all that is to be told so far.
#[derive(Debug)]
pub(super) struct Replay {
    mission: Mission,
    roster: Roster,
    pools: Pools,
    stays: Vec<Stay>,
    report: Report,
    questions: Questions,
    /// The time of the last step.
    at: Time,
}

impl Replay {
    /// A mission before its first step.
    pub(super) fn new(charter: &Charter) -> Self {
        // Texts decide nothing, and are most of what a mission holds.
        let bare = |spec: &ItemSpec| ItemSpec { body: Text::default(), ..spec.clone() };
        let items = charter.items.iter().map(bare).collect();
        let (objectives, policy) = (charter.objectives.clone(), charter.policy.clone());
        let at = charter.created_at;
        let mut replay = Self {
            mission: Mission::new(Charter { id: charter.id, created_at: at, objectives, policy, items }),
            roster: Roster::default(),
            pools: Pools::default(),
            stays: Vec::new(),
            report: Report::default(),
            questions: Questions::default(),
            at,
        };
        for ix in (0u32..).map(ItemIx).take(charter.items.len()) {
            replay.moved(ix);
        }
        replay
    }

    /// Goes one step further.
    pub(super) fn step(&mut self, moment: &Moment<'_>) -> Result<(), Contradiction> {
        let (seq, now) = self.mission.begin_step(self.at.max(moment.at));
        self.at = now;
        for change in moment.roster {
            self.roster.apply(change, now);
        }
        for event in moment.events {
            self.mission.apply(event, now).map_err(|source| Contradiction { at: moment.at, source })?;
            self.tell(event);
        }
        self.questions.step(moment.events, &self.mission, now);
        if !moment.events.is_empty() {
            self.mission.end_step(seq, now);
        }
        let changed: Vec<ItemIx> = self.mission.changed().collect();
        for ix in changed {
            self.moved(ix);
        }
        let agents_changed = moment.roster.iter().any(matters);
        self.pools.settle(&self.mission, &self.roster, now, agents_changed);
        Ok(())
    }

    /// The end of the history: what goes on counts until `now`, or until the mission's end.
    pub(super) fn finish(mut self, now: Time) -> Report {
        self.at = self.report.ended_at.unwrap_or(now);
        for at in 0..self.stays.len() {
            if !self.stays[at].phase.is_over() {
                self.count(at);
            }
            self.leave(at);
        }
        for item in &mut self.report.items {
            longest_first(&mut item.waits);
        }
        Report { questions: self.questions.all, ..self.report }
    }

    /// Something about an item has changed: where it stands, and what it waits for now.
    fn moved(&mut self, ix: ItemIx) {
        self.know(ix);
        let phase = self.mission.item(ix).now.phase;
        if self.stays[ix.at()].phase != phase {
            self.count(ix.at());
            self.stays[ix.at()].phase = phase;
        }
        let key = Key::of(&self.mission, ix);
        let same = match (&self.stays[ix.at()].ticket, &key) {
            (Some(ticket), Some(key)) => self.pools.is_for(ticket, key),
            (ticket, key) => ticket.is_none() && key.is_none(),
        };
        if !same {
            self.leave(ix.at());
            self.stays[ix.at()].ticket = key.map(|key| self.pools.enter(key, ix, self.at));
        }
    }

    /// Items come one after another, each at the next place.
    fn know(&mut self, ix: ItemIx) {
        if self.stays.len() <= ix.at() {
            self.stays.push(Stay { phase: Phase::Pending, since: self.at, ticket: None });
            self.report.items.push(ItemReport::default());
        }
    }

    /// The time that the item stood where it stands.
    fn count(&mut self, place: usize) {
        let Stay { phase, since, .. } = &mut self.stays[place];
        let took = self.at.since(std::mem::replace(since, self.at));
        let item = &mut self.report.items[place];
        match phase {
            Phase::Ready => item.waited += took,
            Phase::Gated => item.judged += took,
            Phase::Done => item.accepted += took,
            phase if phase.holds_slot() => item.worked += took,
            _ => {}
        }
    }

    /// The item waits no more for what it waited for.
    fn leave(&mut self, place: usize) {
        let Some(ticket) = self.stays[place].ticket.take() else { return };
        let ix = ItemIx(u32::try_from(place).unwrap_or(u32::MAX));
        let waits = &mut self.report.items[place].waits;
        for ((code, owner), took) in self.pools.leave(&ticket, ix, self.at) {
            add(waits, Waited { code, owner, took });
        }
    }

    /// What an item waits for now.
    #[cfg(test)]
    pub(super) fn cause(&self, ix: ItemIx) -> Option<super::pools::Cause> {
        self.stays[ix.at()].ticket.as_ref().map(|ticket| self.pools.cause(ticket))
    }

    /// The mission as the history has made it so far.
    #[cfg(test)]
    pub(super) const fn mission(&self) -> &Mission {
        &self.mission
    }

    fn tell(&mut self, event: &Event) {
        match event {
            Event::MissionCompleted | Event::MissionFailed { .. } => self.report.ended_at = Some(self.at),
            Event::NoteTaken { text, by } => self.report.notes.push((self.at, format!("{by}: {text}"))),
            Event::HelpAsked { .. } => self.report.help_asked += 1,
            Event::ItemDone { item, outcome: Outcome::Merged { commit } }
            | Event::ItemMerged { item, commit } => {
                self.merged(item, commit.clone());
            }
            _ => {}
        }
        if let Some(ix) = event.item().and_then(|item| self.mission.find(item)) {
            self.tell_of(ix, event);
        }
    }

    fn tell_of(&mut self, ix: ItemIx, event: &Event) {
        let at = self.at;
        let root = match event {
            Event::ItemSkipped { reason: SkipReason::DependencyFailed, .. } => self.root(ix),
            _ => None,
        };
        self.know(ix);
        let item = &mut self.report.items[ix.at()];
        match event {
            Event::ItemDone { .. } | Event::ItemFailed { .. } => item.over_at = Some(at),
            Event::DependencyChanged { .. } | Event::MergeWanted { .. } => item.over_at = None,
            Event::ItemSkipped { .. } => {
                item.over_at = Some(at);
                item.root = root;
            }
            _ => item.tried(event, at),
        }
    }

    /// The failed item for which another one is being skipped: what it builds upon failed, or fell itself.
    fn root(&self, ix: ItemIx) -> Option<ItemKey> {
        let is_lost = |on: &&ItemIx| {
            let now = &self.mission.item(**on).now;
            now.phase == Phase::Failed || now.skipped == Some(SkipReason::DependencyFailed)
        };
        let on = *self.mission.dependencies(ix).iter().find(is_lost)?;
        let further = self.report.items[on.at()].root.clone();
        Some(further.unwrap_or_else(|| self.mission.key(on).clone()))
    }

    fn merged(&mut self, item: &ItemKey, commit: Option<crate::id::Sha>) {
        let pull = self.mission.find(item).and_then(|ix| self.mission.item(ix).now.pull.as_ref());
        let pull = pull.map(|pull| pull.number);
        self.report.merges.push(Merge { item: item.clone(), pull, commit, at: self.at });
    }
}

/// Whether a change matters for who may take what.
fn matters(change: &RosterChange) -> bool {
    !matches!(change, RosterChange::AgentBusy { .. } | RosterChange::AgentFreed { .. })
}
