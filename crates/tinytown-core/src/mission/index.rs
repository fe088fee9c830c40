//! What follows from the items and is kept beside them, so that no decision looks at all of them:
//! the ready queue, the deadlines, the effects under way, and how many items stand where.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::item::Item;
use super::wait::Owner;
use super::{ItemIx, Mission, Phase};
use crate::event::FollowUp;
use crate::id::{AgentName, OpId, Role};
use crate::item::Origin;
use crate::mutant::{Mutant, is_planted};
use crate::time::Time;

/// The order in which ready items are given out; the least is first.
///
/// Fixes, then reviews, then new items; among them by priority (higher first), by the longest path
/// to the end of the graph (longer first), by number, by place in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    class: u8,
    priority: Reverse<i32>,
    path: Reverse<u32>,
    number: u64,
    /// The item.
    pub item: ItemIx,
}

impl Rank {
    /// The rank of a ready item.
    pub(crate) fn of(ix: ItemIx, item: &Item) -> Self {
        let class = match item.task {
            Some(FollowUp::Fix { .. }) => 0,
            Some(FollowUp::Review { .. }) => 1,
            None => 2,
        };
        let number = match &item.spec.origin {
            Origin::Issue(reference) => reference.number,
            _ => 0,
        };
        let spec = &item.spec;
        Self { class, priority: Reverse(spec.priority), path: Reverse(item.path_length), number, item: ix }
    }

    /// The priority of the item, higher is earlier.
    pub const fn priority(&self) -> i32 {
        self.priority.0
    }
}

/// Who may take a ready item at all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bucket {
    /// Any agent; its role is a preference at most.
    Anyone,
    /// Agents of that role, and agents without one.
    Role(Role),
    /// Only that agent.
    Pinned(AgentName),
    /// Whoever may judge it, which depends on who wrote it.
    Review,
}

impl Bucket {
    fn of(item: &Item) -> Self {
        match (&item.now.pinned, &item.spec.role) {
            (Some(agent), _) => Self::Pinned(agent.clone()),
            (None, _) if item.is_review() => Self::Review,
            (None, Some(wish)) if wish.required => Self::Role(wish.role.clone()),
            (None, _) => Self::Anyone,
        }
    }
}

/// In which way an item matters for the mission as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Class {
    /// Not counted yet.
    #[default]
    Unknown,
    /// Over.
    Over,
    /// Waits for other items of the mission, which are counted themselves.
    Neutral,
    /// Could be launched.
    Ready,
    /// Holds a slot.
    Slot,
    /// Goes on by itself: a timer, the forge, an effect.
    Machine,
    /// Only a person can let it go on.
    Person,
}

/// How many items stand where.
#[derive(Debug, Clone, Default)]
pub(crate) struct Count {
    /// Agent processes counted against `max_parallel`.
    pub(crate) slots: u32,
    /// Items that are not over.
    pub(crate) open: u32,
    /// Items that go on by themselves.
    pub(crate) machine: u32,
    /// Reviews that are not over.
    pub(crate) open_reviews: u32,
    /// Items that failed, or were skipped because something failed.
    pub(crate) unmet_promises: u32,
}

/// What the index holds for one item.
#[derive(Debug, Clone, Default)]
struct Entry {
    ready: Option<(Bucket, Rank)>,
    due: Option<Time>,
    effects: Vec<OpId>,
    class: Class,
    asked: bool,
    open_review: bool,
    unmet_promise: bool,
    turn: Option<u64>,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    dependents: Vec<Vec<ItemIx>>,
    entries: Vec<Entry>,
    pub(crate) ready: BTreeMap<Bucket, BTreeSet<Rank>>,
    pub(crate) due: BTreeSet<(Time, ItemIx)>,
    pub(crate) effects: BTreeMap<OpId, ItemIx>,
    /// Items that only a person can let go on.
    pub(crate) persons: BTreeSet<ItemIx>,
    /// Items that passed every gate and wait for their merge, in their order.
    pub(crate) lane: BTreeSet<(u64, ItemIx)>,
    /// Items about which somebody was asked.
    pub(crate) asked: BTreeSet<ItemIx>,
    pub(crate) count: Count,
    pub(crate) dirty: BTreeSet<ItemIx>,
    /// Moves whenever the ready items change, or who may take them.
    pub(crate) offers: u64,
}

impl Index {
    pub(crate) fn dependents(&self, ix: ItemIx) -> &[ItemIx] {
        self.dependents.get(ix.at()).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn add_dependent(&mut self, on: ItemIx, dependent: ItemIx) {
        if self.dependents.len() <= on.at() {
            self.dependents.resize(on.at() + 1, Vec::new());
        }
        self.dependents[on.at()].push(dependent);
    }

    fn forget(&mut self, ix: ItemIx, old: Entry) {
        if let Some((bucket, rank)) = old.ready
            && let Some(queue) = self.ready.get_mut(&bucket)
        {
            queue.remove(&rank);
        }
        if let Some(at) = old.due {
            self.due.remove(&(at, ix));
        }
        for op in old.effects {
            self.effects.remove(&op);
        }
        if let Some(turn) = old.turn {
            self.lane.remove(&(turn, ix));
        }
        self.persons.remove(&ix);
        self.asked.remove(&ix);
        self.count.adjust(old.class, u32::wrapping_sub);
        self.count.open_reviews -= u32::from(old.open_review);
        self.count.unmet_promises -= u32::from(old.unmet_promise);
    }

    fn remember(&mut self, ix: ItemIx, new: &Entry) {
        if let Some((bucket, rank)) = &new.ready {
            self.ready.entry(bucket.clone()).or_default().insert(*rank);
        }
        if let Some(at) = new.due {
            self.due.insert((at, ix));
        }
        for op in &new.effects {
            self.effects.insert(op.clone(), ix);
        }
        if let Some(turn) = new.turn {
            self.lane.insert((turn, ix));
        }
        if new.class == Class::Person {
            self.persons.insert(ix);
        }
        if new.asked {
            self.asked.insert(ix);
        }
        self.count.adjust(new.class, u32::wrapping_add);
        self.count.open_reviews += u32::from(new.open_review);
        self.count.unmet_promises += u32::from(new.unmet_promise);
    }
}

impl Count {
    fn adjust(&mut self, class: Class, change: fn(u32, u32) -> u32) {
        if !matches!(class, Class::Unknown | Class::Over) {
            self.open = change(self.open, 1);
        }
        let counter = match class {
            Class::Slot => &mut self.slots,
            Class::Machine => &mut self.machine,
            Class::Unknown | Class::Over | Class::Neutral | Class::Ready | Class::Person => return,
        };
        *counter = change(*counter, 1);
    }
}

impl Mission {
    /// Brings the index up to date with one item, and marks it as changed.
    pub(super) fn reindex(&mut self, ix: ItemIx) {
        let entry = self.entry(ix);
        // Who may review depends on who wrote it.
        let under_review = self.item(ix).now.open_review.is_some();
        let index = &mut self.index;
        if index.entries.len() <= ix.at() {
            index.entries.resize(ix.at() + 1, Entry::default());
        }
        let old = std::mem::take(&mut index.entries[ix.at()]);
        let same = old.ready == entry.ready && old.open_review == entry.open_review && !under_review;
        index.offers += u64::from(!same);
        index.forget(ix, old);
        index.remember(ix, &entry);
        index.entries[ix.at()] = entry;
        index.dirty.insert(ix);
    }

    fn entry(&self, ix: ItemIx) -> Entry {
        let item = self.item(ix);
        let queued = self.is_launchable(ix);
        let due = [item.now.not_before, item.now.look_at, self.ask_due(ix)].into_iter().flatten().min();
        let failed = match item.now.phase {
            Phase::Failed => true,
            Phase::Skipped => item.now.skipped == Some(crate::event::SkipReason::DependencyFailed),
            _ => false,
        };
        Entry {
            ready: queued.then(|| (Bucket::of(item), Rank::of(ix, item))),
            due,
            effects: item.now.effects.iter().map(|(_, op)| op.clone()).collect(),
            class: self.class(ix),
            asked: item.now.asked.is_some(),
            open_review: item.is_review() && !item.now.phase.is_over(),
            unmet_promise: failed && item.task.is_none(),
            turn: item.now.gates.turn.filter(|_| item.now.phase == Phase::Gated),
        }
    }

    /// Whether nothing but an agent and a slot is missing.
    pub(crate) fn is_launchable(&self, ix: ItemIx) -> bool {
        let now = &self.item(ix).now;
        now.phase == Phase::Ready
            && now.hold.is_none()
            && now.not_before.is_none()
            && now.open_fix.is_none()
            && now.leaving.is_none()
    }

    fn class(&self, ix: ItemIx) -> Class {
        let item = self.item(ix);
        match item.now.phase {
            Phase::Done | Phase::Skipped | Phase::Failed => Class::Over,
            Phase::Cancelling if is_planted(Mutant::CancelledFreesSlot) => Class::Neutral,
            Phase::Assigned | Phase::Running | Phase::Cancelling => Class::Slot,
            Phase::Pending if item.unmet == 0 => Class::Machine,
            Phase::Pending => Class::Neutral,
            Phase::Ready if self.is_launchable(ix) => Class::Ready,
            Phase::Ready | Phase::Gated => match self.owner_of_wait(ix) {
                Owner::Item => Class::Neutral,
                Owner::Machine => Class::Machine,
                Owner::Person => Class::Person,
            },
        }
    }
}
