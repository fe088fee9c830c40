//! The mission aggregate: its charter, its items, and the indices that keep every decision local.
//!
//! State changes in one place only, [`Mission::apply`]. The indices (ready queue, deadlines,
//! counters) follow from the items and are kept up to date item by item: nothing here ever looks
//! at all items, except loading.

mod apply;
mod budget;
mod change;
mod eligibility;
mod index;
mod invariants;
mod item;
mod ladder;
mod lifecycle;
mod patience;
mod snapshot;
mod unblocked;
mod wait;

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

pub use index::Rank;
pub use invariants::Violation;
pub use item::{Asked, Assignment, Evidence, Gates, Item, ItemNow, Phase, Review, Trial};
pub use ladder::{Reaction, Rung};
pub use lifecycle::IllegalTransition;
pub use snapshot::{ItemRecord, ItemToWrite, Unloadable};
pub use wait::{Owner, Wait, WaitCode};

use crate::id::{ItemKey, MissionId, OpId};
use crate::item::ItemSpec;
use crate::mutant::{Mutant, is_planted};
use crate::plan::Standing;
use crate::policy::Policy;
use crate::roster::Roster;
use crate::spend::Spend;
use crate::time::Time;
use index::Index;

/// The position of an item in its mission; follow-ups and what was added come after the items of the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemIx(pub u32);

impl ItemIx {
    pub(crate) const fn at(self) -> usize {
        self.0 as usize
    }
}

/// What never changes about a mission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charter {
    /// Its identity.
    pub id: MissionId,
    /// When it began.
    pub created_at: Time,
    /// What the user named at the start, as keys; see [`Mission::objectives`].
    pub objectives: Vec<String>,
    /// Its policy, frozen.
    pub policy: Policy,
    /// The items of the start, in the order of the plan.
    pub items: Vec<ItemSpec>,
}

/// Where a mission stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MissionState {
    /// Something runs, or will by itself.
    Running,
    /// Nothing runs, and every wait belongs to a person.
    Blocked,
    /// Stopped by an operator; nothing is launched and nothing changed outside.
    Stopped,
    /// Every item is done or was skipped by an operator.
    Completed,
    /// Ended otherwise.
    Failed,
}

impl MissionState {
    /// As written in `--json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Blocked => "blocked",
            Self::Stopped => "stopped",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Whether it has ended.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }

    /// Whether it may launch and change things.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Blocked)
    }
}

/// A request for somebody to look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Help {
    /// At what.
    pub reason: String,
    /// When it was asked last.
    pub asked_at: Time,
    /// How often.
    pub attempts: u32,
    /// When it was asked first.
    #[serde(default)]
    pub since: Time,
}

/// A directive that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteRecord {
    /// When.
    pub at: Time,
    /// By whom.
    pub by: String,
    /// In the operator's words.
    pub text: String,
}

/// What changes about a mission as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Where it stands.
    pub state: MissionState,
    /// Why, if it was stopped or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// It ends once every agent has been cancelled.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ending: bool,
    /// The number of its last step.
    pub seq: u64,
    /// The time of its last step; never goes back.
    pub updated_at: Time,
    /// When it last got further.
    pub progress_at: Time,
    /// An open request for help about the mission as a whole; those about an item stand with the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<Help>,
    /// What was asked last about an item, while any such request is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Help>,
    /// Launches of all items so far.
    #[serde(default)]
    pub launches: u32,
    /// What was spent, as far as agents say.
    #[serde(default, skip_serializing_if = "Spend::is_none")]
    pub spent: Spend,
    /// Which budget of the mission is used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// How often operators granted another budget.
    #[serde(default)]
    pub budgets_granted: u32,
    /// When the watchdog looked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched_at: Option<Time>,
    /// The last notes taken, at most twenty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<NoteRecord>,
    /// What was added to the mission after its start, as keys. It is here because lists read heads, not items.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<String>,
    /// How many items there are, follow-ups too.
    pub items: u32,
    /// How many of them are done.
    pub done: u32,
    /// How many ended otherwise.
    pub dropped: u32,
}

impl Head {
    /// The request that is open: about the mission as a whole, or else the last one about an item.
    pub const fn open_request(&self) -> Option<&Help> {
        match &self.help {
            Some(help) => Some(help),
            None => self.asked.as_ref(),
        }
    }
}

/// A mission.
#[derive(Debug, Clone)]
pub struct Mission {
    charter: Charter,
    head: Head,
    items: Vec<Item>,
    by_key: HashMap<ItemKey, ItemIx>,
    index: Index,
    /// The roster and the ready items with which nobody was found for any of them.
    barren: Option<(u64, u64)>,
}

impl Mission {
    /// Its identity.
    pub const fn id(&self) -> MissionId {
        self.charter.id
    }

    /// What never changes.
    pub const fn charter(&self) -> &Charter {
        &self.charter
    }

    /// What changes as a whole.
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// Its policy.
    pub const fn policy(&self) -> &Policy {
        &self.charter.policy
    }

    /// What it is about, as keys: what the user named at the start, then what was added.
    pub fn objectives(&self) -> impl Iterator<Item = &str> {
        self.charter.objectives.iter().chain(&self.head.joined).map(String::as_str)
    }

    /// All items: those of the start in the plan's order, then follow-ups and added ones as they came.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Its planned items as they stand, for whoever adds to them. Looks at all items.
    pub fn standings(&self) -> Vec<Standing> {
        let planned = self.items.iter().filter(|item| item.task.is_none());
        planned.map(|item| Standing { spec: item.as_planned(), over: item.now.phase.is_over() }).collect()
    }

    /// The item of that name.
    pub fn find(&self, key: &ItemKey) -> Option<ItemIx> {
        self.by_key.get(key).copied()
    }

    /// The item at that position.
    pub fn item(&self, ix: ItemIx) -> &Item {
        &self.items[ix.at()]
    }

    /// The item for which an effect is under way, by the effect's name.
    pub fn item_of_effect(&self, op: &OpId) -> Option<ItemIx> {
        self.index.effects.get(op).copied()
    }

    /// The items that wait for this one.
    pub fn dependents(&self, ix: ItemIx) -> &[ItemIx] {
        self.index.dependents(ix)
    }

    /// The items that this one waits for, or waited for.
    pub fn dependencies(&self, ix: ItemIx) -> &[ItemIx] {
        &self.items[ix.at()].needs
    }

    /// Those of them that are not done.
    pub(crate) fn open_dependencies(&self, ix: ItemIx) -> impl Iterator<Item = ItemIx> + '_ {
        self.dependencies(ix).iter().copied().filter(|on| !self.item(*on).satisfies_dependents())
    }

    /// Names of effects decided and not reported, in order.
    pub fn effects_under_way(&self) -> impl Iterator<Item = (&OpId, ItemIx)> {
        self.index.effects.iter().map(|(op, ix)| (op, *ix))
    }

    /// How many agent processes it counts against `max_parallel`.
    pub const fn running(&self) -> u32 {
        self.index.count.slots
    }

    /// How many reviews are not over.
    pub const fn open_reviews(&self) -> u32 {
        self.index.count.open_reviews
    }

    /// How many items are not over.
    pub const fn open_items(&self) -> u32 {
        self.index.count.open
    }

    /// Whether an item is ready and a slot is free, so that an agent would be welcome.
    pub fn wants_agents(&self) -> bool {
        let allowed = self.policy().max_parallel + u32::from(is_planted(Mutant::LimitOffByOne));
        (self.head.state.is_active() || is_planted(Mutant::ClaimedWhileStopped))
            && self.running() < allowed
            && self.head.budget.is_none()
            && self.may_launch()
            && self.index.ready.values().any(|queue| !queue.is_empty())
    }

    /// Whether it is known that no free agent may take any ready item: nothing has changed since that was tried.
    pub(crate) fn is_barren(&self, roster: &Roster) -> bool {
        self.barren == Some((roster.changes(), self.index.offers))
    }

    /// No free agent may take any ready item.
    pub(crate) fn set_barren(&mut self, roster: &Roster) {
        self.barren = Some((roster.changes(), self.index.offers));
    }

    /// The best rank among the ready items, and since when it waits.
    pub fn first_ready(&self) -> Option<Rank> {
        self.index.ready.values().filter_map(|queue| queue.first()).min().copied()
    }

    /// The queues of ready items, one for each sort of agent that may take them.
    pub(crate) fn ready_queues(&self) -> impl Iterator<Item = &BTreeSet<Rank>> {
        self.index.ready.values()
    }

    /// Items that only a person can let go on, in order.
    pub fn waiting_for_person(&self) -> impl Iterator<Item = ItemIx> + '_ {
        self.index.persons.iter().copied()
    }

    /// Whether only a person can let the item go on.
    pub(crate) fn is_persons(&self, ix: ItemIx) -> bool {
        self.index.persons.contains(&ix)
    }

    /// Items about which somebody was asked, in order.
    pub fn asked_about(&self) -> impl Iterator<Item = ItemIx> + '_ {
        self.index.asked.iter().copied()
    }

    /// Whether something goes on without agents and persons: a timer, the forge, an effect.
    pub(crate) const fn goes_on_by_itself(&self) -> bool {
        self.index.count.machine > 0
    }

    /// How many planned items failed or fell with one that did.
    pub(crate) const fn broken_promises(&self) -> u32 {
        self.index.count.unmet_promises
    }

    /// Whether an item is merged by us once its gates hold, rather than left to a person.
    pub(crate) fn is_merging(&self, ix: ItemIx) -> bool {
        self.policy().auto_merge || self.item(ix).now.merge_wanted
    }

    /// Whose merge is next.
    pub(crate) fn next_to_merge(&self) -> Option<ItemIx> {
        self.index.lane.first().map(|(_, ix)| *ix)
    }

    /// Items whose deadline has come.
    pub(crate) fn due(&self, now: Time) -> Vec<ItemIx> {
        self.index.due.iter().take_while(|(at, _)| *at <= now).map(|(_, ix)| *ix).collect()
    }

    /// Whether no time is awaited but those of asking again. Looks at everything that is due ever.
    pub(crate) fn waits_for_answers_only(&self) -> bool {
        let timed = |ix: &ItemIx| {
            let now = &self.item(*ix).now;
            now.not_before.is_some() || now.look_at.is_some()
        };
        !self.index.due.iter().any(|(_, ix)| timed(ix))
    }

    /// When something is to be done though nothing happens, if ever.
    pub fn next_deadline(&self) -> Option<Time> {
        if !self.head.state.is_active() {
            return None;
        }
        let item = self.index.due.first().map(|(at, _)| *at);
        [item, self.help_due(), self.watch_due(), self.budget_due()].into_iter().flatten().min()
    }
}
