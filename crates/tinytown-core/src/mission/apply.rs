//! The only place where a mission's state changes.

use super::change::apply_to_item;
use super::index::Index;
use super::item::{Item, ItemNow};
use super::{Charter, Head, Help, ItemIx, Mission, MissionState, NoteRecord, Phase, lifecycle};
use crate::event::{Event, FollowUp};
use crate::id::ItemKey;
use crate::issue::IssueRef;
use crate::item::{ItemSpec, Origin};
use crate::mutant::{Mutant, is_planted};
use crate::spend::Spend;
use crate::time::Time;

const NOTES_KEPT: usize = 20;

impl Mission {
    /// A mission as it is before its first step.
    pub fn new(charter: Charter) -> Self {
        let now = charter.created_at;
        let count = u32::try_from(charter.items.len()).unwrap_or(u32::MAX);
        let head = Head {
            state: MissionState::Running,
            reason: None,
            ending: false,
            seq: 0,
            updated_at: now,
            progress_at: now,
            help: None,
            asked: None,
            launches: 0,
            spent: Spend::default(),
            budget: None,
            budgets_granted: 0,
            watched_at: None,
            notes: Vec::new(),
            joined: Vec::new(),
            items: count,
            done: 0,
            dropped: 0,
        };
        let items = charter.items.iter().map(|spec| Item::planned(spec.clone(), now)).collect();
        Self::assemble(charter, head, items)
    }

    /// Puts the parts together and builds the indices: the one place that looks at all items.
    pub(super) fn assemble(charter: Charter, head: Head, items: Vec<Item>) -> Self {
        let by_key = (0u32..).zip(&items).map(|(ix, item)| (item.spec.key.clone(), ItemIx(ix))).collect();
        let mut mission = Self { charter, head, items, by_key, index: Index::default(), barren: None };
        mission.link();
        mission
    }

    fn link(&mut self) {
        let all = || (0u32..).map(ItemIx);
        let count = self.items.len();
        for ix in all().take(count) {
            let needs: Vec<ItemIx> =
                self.item(ix).depends_on().filter_map(|(on, _)| self.find(&on)).collect();
            for on in needs {
                self.need(ix, on);
            }
        }
        // Plans are measured; only what joined one may have made its paths longer.
        if !self.head.joined.is_empty() {
            for ix in all().take(count) {
                self.lengthen(ix);
            }
        }
        for ix in all().take(count) {
            self.reindex(ix);
        }
    }

    /// From now on an item waits for another one.
    fn need(&mut self, ix: ItemIx, on: ItemIx) {
        self.index.add_dependent(on, ix);
        let open = !self.item(on).satisfies_dependents();
        let item = &mut self.items[ix.at()];
        item.needs.push(on);
        item.unmet += u32::from(open);
    }

    /// Makes the paths of what an item depends on, directly or not, as long as they must be now; what is long
    /// enough already is where that ends.
    fn lengthen(&mut self, ix: ItemIx) {
        let mut grown = vec![ix];
        while let Some(ix) = grown.pop() {
            let Item { spec, path_length, needs, .. } = self.item(ix);
            // Nobody waits for what is skipped: it is on no path.
            let length = if spec.skip { 0 } else { *path_length + 1 };
            // No path is longer, unless damaged records made a circle of it.
            if length as usize > self.items.len() {
                return;
            }
            for on in needs.clone() {
                if self.item(on).path_length < length {
                    self.items[on.at()].path_length = length;
                    self.reindex(on);
                    grown.push(on);
                }
            }
        }
    }

    /// Makes an event true.
    ///
    /// # Errors
    /// [`lifecycle::IllegalTransition`] if it cannot happen now; nothing was changed then.
    pub fn apply(&mut self, event: &Event, now: Time) -> Result<(), lifecycle::IllegalTransition> {
        match event.item() {
            None => self.apply_to_head(event, now),
            Some(key) => {
                match event {
                    Event::ItemAdded { spec, task, .. } => self.add(spec, task, now),
                    Event::ItemJoined { spec, .. } => self.join(spec, now),
                    _ => {}
                }
                let Some(ix) = self.find(key) else { return Ok(()) };
                let before = self.item(ix).now.phase;
                let after = lifecycle::settle(lifecycle::next(before, event)?, self.item(ix).unmet);
                let satisfied = self.item(ix).satisfies_dependents();
                let item = &mut self.items[ix.at()].now;
                if before != after {
                    item.phase = after;
                    item.since = now;
                    // What is over waits for no time.
                    if after.is_over() && !is_planted(Mutant::BackoffOutlives) {
                        item.not_before = None;
                    }
                }
                apply_to_item(item, event, now);
                self.spent(ix, event.spend());
                if let Event::ExternalJoined { reference, .. } = event {
                    self.join_external(ix, reference);
                }
                self.tally(before, after);
                self.after(ix, satisfied);
            }
        }
        match event {
            Event::ItemAssigned { .. } => self.head.launches += 1,
            Event::HelpAsked { item: Some(_), reason, attempt, .. } => {
                let reason = reason.clone();
                self.head.asked = Some(Help { reason, asked_at: now, attempts: *attempt, since: now });
            }
            Event::HelpRetired { item: Some(_) } if self.index.asked.is_empty() => self.head.asked = None,
            _ => {}
        }
        if event.is_progress() {
            self.head.progress_at = now;
        }
        Ok(())
    }

    /// Number and time of the step that is being applied.
    pub(crate) fn begin_step(&mut self, now: Time) -> (u64, Time) {
        let now = now.max(self.head.updated_at);
        self.index.dirty.clear();
        (self.head.seq + 1, now)
    }

    /// The step stands.
    pub(crate) fn end_step(&mut self, seq: u64, now: Time) {
        self.head.seq = seq;
        self.head.updated_at = now;
    }

    /// Items changed since the step began, in order.
    pub fn changed(&self) -> impl Iterator<Item = ItemIx> + '_ {
        self.index.dirty.iter().copied()
    }

    fn apply_to_head(&mut self, event: &Event, now: Time) {
        let head = &mut self.head;
        match event {
            Event::MissionStopped { ending } => {
                head.state = MissionState::Stopped;
                head.ending |= ending;
                head.reason = Some("stopped by an operator".to_owned());
            }
            Event::MissionResumed | Event::MissionUnblocked => {
                head.state = MissionState::Running;
                head.reason = None;
            }
            Event::MissionBlocked => head.state = MissionState::Blocked,
            Event::MissionCompleted => head.state = MissionState::Completed,
            Event::MissionFailed { reason } => {
                head.state = MissionState::Failed;
                head.reason = Some(reason.clone());
            }
            Event::HelpAsked { reason, attempt, .. } => {
                let since = head.help.as_ref().map_or(now, |help| help.since);
                head.help = Some(Help { reason: reason.clone(), asked_at: now, attempts: *attempt, since });
            }
            Event::HelpRetired { .. } => head.help = None,
            Event::BudgetReached { detail } => head.budget = Some(detail.clone()),
            Event::BudgetGranted => {
                head.budget = None;
                head.budgets_granted += 1;
            }
            Event::WatchdogLooked => head.watched_at = Some(now),
            Event::NoteTaken { text, by } => {
                if head.notes.len() == NOTES_KEPT {
                    head.notes.remove(0);
                }
                head.notes.push(NoteRecord { at: now, by: by.clone(), text: text.clone() });
            }
            _ => {}
        }
    }

    fn add(&mut self, spec: &ItemSpec, task: &FollowUp, now: Time) {
        let mut item = Item::planned(spec.clone(), now);
        item.task = Some(task.clone());
        item.parent = match &spec.origin {
            Origin::FollowUp(of) => self.find(of),
            _ => None,
        };
        let parent = item.parent;
        let ix = self.push(item);
        if let Some(parent) = parent {
            self.follow(parent, ix, task);
        }
    }

    fn join(&mut self, spec: &ItemSpec, now: Time) {
        let ix = self.push(Item::planned(spec.clone(), now));
        self.head.joined.push(spec.key.to_string());
        let needs: Vec<ItemIx> =
            spec.depends_on.iter().filter_map(|dependency| self.find(&dependency.on)).collect();
        for on in needs {
            self.need(ix, on);
        }
        self.lengthen(ix);
    }

    fn push(&mut self, item: Item) -> ItemIx {
        let ix = ItemIx(u32::try_from(self.items.len()).unwrap_or(u32::MAX));
        self.by_key.insert(item.spec.key.clone(), ix);
        self.items.push(item);
        self.head.items += 1;
        ix
    }

    fn join_external(&mut self, ix: ItemIx, reference: &IssueRef) {
        if let Some(on) = self.find(&reference.key()) {
            self.need(ix, on);
            self.lengthen(ix);
        }
    }

    fn follow(&mut self, parent: ItemIx, ix: ItemIx, task: &FollowUp) {
        let of = &mut self.items[parent.at()].now;
        match task {
            FollowUp::Fix { .. } => {
                of.fixes += 1;
                of.open_fix = Some(ix.0);
            }
            FollowUp::Review { .. } => {
                of.reviews += 1;
                of.open_review = Some(ix.0);
            }
        }
        self.reindex(parent);
    }

    /// What an attempt cost counts for its item, for the item that it follows up, and for the mission.
    fn spent(&mut self, ix: ItemIx, spend: Spend) {
        if spend.is_none() {
            return;
        }
        self.head.spent += spend;
        let parent = self.item(ix).parent;
        for ix in std::iter::once(ix).chain(parent) {
            self.items[ix.at()].now.spent += spend;
        }
        if let Some(parent) = parent {
            self.reindex(parent);
        }
    }

    /// What an item's change means for its neighbours and for the indices.
    fn after(&mut self, ix: ItemIx, was_satisfied: bool) {
        let item = self.item(ix);
        if item.satisfies_dependents() != was_satisfied {
            let satisfied = !was_satisfied;
            for at in 0..self.index.dependents(ix).len() {
                let dependent = self.index.dependents(ix)[at];
                let unmet = &mut self.items[dependent.at()].unmet;
                *unmet = if satisfied { unmet.saturating_sub(1) } else { *unmet + 1 };
                self.withdraw(dependent);
                self.reindex(dependent);
            }
        }
        if self.item(ix).now.phase.is_over() {
            self.leave_parent(ix);
        }
        self.reindex(ix);
    }

    /// How many items are done, and how many never will be. What is done may be judged anew.
    fn tally(&mut self, before: Phase, after: Phase) {
        let dropped = |phase| matches!(phase, Phase::Skipped | Phase::Failed);
        self.head.done += u32::from(after == Phase::Done);
        self.head.done -= u32::from(before == Phase::Done);
        self.head.dropped += u32::from(dropped(after));
        self.head.dropped -= u32::from(dropped(before));
    }

    /// An item that was about to start waits again when a dependency is not what it was.
    fn withdraw(&mut self, ix: ItemIx) {
        let item = &mut self.items[ix.at()];
        item.now.phase = lifecycle::settle(item.now.phase, item.unmet);
    }

    fn leave_parent(&mut self, ix: ItemIx) {
        let Some(parent) = self.item(ix).parent else { return };
        let of = &mut self.items[parent.at()].now;
        if of.open_fix == Some(ix.0) {
            of.open_fix = None;
        }
        if of.open_review == Some(ix.0) {
            of.open_review = None;
        }
        self.reindex(parent);
    }

    /// The key of the item at that position.
    pub fn key(&self, ix: ItemIx) -> &ItemKey {
        &self.item(ix).spec.key
    }
}

impl Item {
    pub(super) fn planned(spec: ItemSpec, now: Time) -> Self {
        let state = ItemNow::new(&spec, now);
        let path_length = spec.path_length;
        Self { spec, task: None, parent: None, needs: Vec::new(), unmet: 0, path_length, now: state }
    }
}
