//! For how long items waited on what, without a look at each of them when something changes for all: those that
//! wait for the same thing share a pool, the pool keeps the time, and an item takes its share when it leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::id::{AgentName, Role};
use crate::mission::{ItemIx, Mission, Owner, Phase, WaitCode};
use crate::roster::Roster;
use crate::time::Time;

/// What is waited for, and whose move it is.
pub(super) type Cause = (WaitCode, Owner);

/// What puts two items into the same pool.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// Each waits for something of its own, of that sort.
    Own(Cause),
    /// Nothing but an agent and a slot is missing.
    Offer(Box<Offer>),
}

/// Which agents may take a ready item: two with equal offers wait for the same ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Offer {
    pinned: Option<AgentName>,
    role: Option<Role>,
    /// For a review, those who may not give it, and the agent CLIs that wrote what is under review.
    review: Option<(Vec<AgentName>, Vec<String>)>,
    /// Those who come only if nobody else does.
    tried: Vec<AgentName>,
}

impl Key {
    /// The pool of an item; none if it is over, or if an agent has it.
    pub(super) fn of(mission: &Mission, ix: ItemIx) -> Option<Self> {
        if let Some(cause) = mission.own_wait(ix) {
            return Some(Self::Own(cause));
        }
        (mission.item(ix).now.phase == Phase::Ready).then(|| Self::Offer(Box::new(Offer::of(mission, ix))))
    }
}

impl Offer {
    fn of(mission: &Mission, ix: ItemIx) -> Self {
        let item = mission.item(ix);
        let parent = item.parent.map(|parent| &mission.item(parent).now);
        let review = parent.filter(|_| item.is_review()).map(|work| {
            let barred = work.authors.iter().chain(&work.gates.approvals).cloned().collect();
            (barred, work.author_clis.clone())
        });
        let wrote = parent.filter(|_| item.is_fix()).map_or(&[][..], |work| &work.authors);
        let had_its_turn = |agent: &&AgentName| mission.had_its_turn(ix, agent);
        Self {
            pinned: item.now.pinned.clone(),
            role: item.spec.role.as_ref().filter(|wish| wish.required).map(|wish| wish.role.clone()),
            review,
            tried: item.now.tried.iter().chain(wrote).filter(had_its_turn).cloned().collect(),
        }
    }
}

/// Items that wait for the same thing, and the time it took so far.
#[derive(Debug)]
struct Pool {
    key: Key,
    cause: Cause,
    since: Time,
    totals: Vec<(Cause, Duration)>,
    /// Who is in it, if what they wait for depends on who is there.
    waiting: BTreeSet<ItemIx>,
    /// What they wait for of those who are there; unknown after agents came or went.
    agents: Option<Cause>,
}

/// The place of an item in a pool, with what the pool's clock showed when it came.
#[derive(Debug)]
pub(super) struct Ticket {
    pool: usize,
    before: Vec<(Cause, Duration)>,
}

/// All pools of a mission.
#[derive(Debug, Default)]
pub(super) struct Pools {
    all: Vec<Pool>,
    by_key: BTreeMap<Key, usize>,
    /// What keeps all ready items from being launched, or all items from going on.
    common: Option<Cause>,
    /// Some pool does not know yet what is waited for in it.
    unsettled: bool,
}

impl Pools {
    /// Whether the ticket is for that pool.
    pub(super) fn is_for(&self, ticket: &Ticket, key: &Key) -> bool {
        self.all[ticket.pool].key == *key
    }

    /// What the ticket's holder waits for.
    #[cfg(test)]
    pub(super) fn cause(&self, ticket: &Ticket) -> Cause {
        self.all[ticket.pool].cause
    }

    /// An item begins to wait. What for is settled at the end of the step.
    pub(super) fn enter(&mut self, key: Key, ix: ItemIx, at: Time) -> Ticket {
        let pool = match self.by_key.get(&key) {
            Some(pool) => *pool,
            None => self.open(key, at),
        };
        let entered = &mut self.all[pool];
        entered.flush(at);
        if matches!(entered.key, Key::Offer(_)) {
            self.unsettled |= entered.waiting.is_empty();
            entered.waiting.insert(ix);
        }
        Ticket { pool, before: entered.totals.clone() }
    }

    fn open(&mut self, key: Key, at: Time) -> usize {
        let cause = match &key {
            Key::Own(cause) => *cause,
            Key::Offer(_) => (WaitCode::NoAgent, Owner::Machine),
        };
        self.by_key.insert(key.clone(), self.all.len());
        let (totals, waiting) = (Vec::new(), BTreeSet::new());
        self.all.push(Pool { key, cause, since: at, totals, waiting, agents: None });
        self.unsettled = true;
        self.all.len() - 1
    }

    /// An item waits no more, or for something else: for how long it waited on what.
    pub(super) fn leave(&mut self, ticket: &Ticket, ix: ItemIx, at: Time) -> Vec<(Cause, Duration)> {
        let pool = &mut self.all[ticket.pool];
        pool.flush(at);
        pool.waiting.remove(&ix);
        if pool.waiting.is_empty() {
            // The next one may be of another history.
            pool.agents = None;
        }
        let before = |cause: Cause| {
            ticket.before.iter().find(|(known, _)| *known == cause).map_or(Duration::ZERO, |(_, took)| *took)
        };
        let shares = pool.totals.iter().map(|(cause, took)| (*cause, took.saturating_sub(before(*cause))));
        shares.filter(|(_, took)| !took.is_zero()).collect()
    }

    /// A step is over: brings every pool up to date with what holds for the mission, and with who is there.
    pub(super) fn settle(&mut self, mission: &Mission, roster: &Roster, at: Time, agents_changed: bool) {
        let common = mission.common_wait();
        if common == self.common && !agents_changed && !self.unsettled {
            return;
        }
        self.common = common;
        self.unsettled = false;
        for pool in &mut self.all {
            if agents_changed {
                pool.agents = None;
            }
            let cause = pool.judge(mission, roster, common);
            if cause != pool.cause {
                pool.flush(at);
                pool.cause = cause;
            }
        }
    }
}

impl Pool {
    fn judge(&mut self, mission: &Mission, roster: &Roster, common: Option<Cause>) -> Cause {
        match (&self.key, common) {
            (Key::Own(_), Some(stopped @ (WaitCode::Stopped, _))) => stopped,
            (Key::Own(cause), _) => *cause,
            (Key::Offer(_), Some(common)) => common,
            (Key::Offer(_), None) => match (self.agents, self.waiting.first()) {
                (Some(agents), _) => agents,
                (None, Some(first)) => *self.agents.insert(mission.wait_for_agents(*first, roster)),
                (None, None) => self.cause,
            },
        }
    }

    fn flush(&mut self, at: Time) {
        let took = at.since(self.since);
        self.since = at;
        if took.is_zero() {
            return;
        }
        match self.totals.iter_mut().find(|(known, _)| *known == self.cause) {
            Some((_, total)) => *total += took,
            None => self.totals.push((self.cause, took)),
        }
    }
}
