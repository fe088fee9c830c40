//! A mission as a store keeps it: charter, head, and one record per item that ever changed.

use serde::{Deserialize, Serialize};

use super::item::{Item, ItemNow};
use super::{Charter, Head, ItemIx, Mission};
use crate::event::FollowUp;
use crate::id::ItemKey;
use crate::item::{ItemSpec, Origin};
use crate::mutant::{Mutant, is_planted};

/// What a store keeps of one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemRecord {
    /// What changes.
    pub now: ItemNow,
    /// All of a follow-up or of what was added later, which no charter holds, with its place among the items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added: Option<Box<Added>>,
}

/// An [`ItemRecord`] as it is written: nothing is copied for that. The two must have the same fields.
#[derive(Debug, Serialize)]
pub struct ItemToWrite<'a> {
    now: &'a ItemNow,
    #[serde(skip_serializing_if = "Option::is_none")]
    added: Option<AddedToWrite<'a>>,
}

/// An [`Added`] as it is written.
#[derive(Debug, Serialize)]
struct AddedToWrite<'a> {
    place: u32,
    spec: &'a ItemSpec,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<&'a FollowUp>,
}

/// An item that is in no charter, as it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Added {
    /// Its place among the mission's items, from 0.
    pub place: u32,
    /// As it was made.
    pub spec: ItemSpec,
    /// What it is about, if it is a follow-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<FollowUp>,
}

/// Records that do not make up a mission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unloadable {
    /// A record of an item that neither the charter nor the record itself describes.
    #[error("a record for {0}, which is no item of the mission")]
    UnknownItem(ItemKey),
    /// Items that came after the start do not fill their places without gaps.
    #[error("the record of the item at place {0} is missing")]
    MissingItem(u32),
}

impl Mission {
    /// What a store keeps of an item, for tests: stores write [`Mission::record_to_write`].
    #[cfg(test)]
    fn record(&self, ix: ItemIx) -> ItemRecord {
        let item = self.item(ix);
        let added = || Box::new(Added { place: ix.0, spec: item.spec.clone(), task: item.task.clone() });
        let added = self.came_later(ix).then(added);
        ItemRecord { now: item.now.clone(), added }
    }

    /// What a store keeps of an item, as an [`ItemRecord`] is written.
    pub fn record_to_write(&self, ix: ItemIx) -> ItemToWrite<'_> {
        let Item { spec, task, now, .. } = self.item(ix);
        let added = self.came_later(ix).then_some(AddedToWrite { place: ix.0, spec, task: task.as_ref() });
        ItemToWrite { now, added }
    }

    fn came_later(&self, ix: ItemIx) -> bool {
        ix.at() >= self.charter.items.len()
    }

    /// A mission from what a store kept of it.
    ///
    /// # Errors
    /// [`Unloadable`] if the records contradict each other.
    pub fn load(
        charter: Charter,
        head: Head,
        records: impl IntoIterator<Item = (ItemKey, ItemRecord)>,
    ) -> Result<Self, Unloadable> {
        let mut items: Vec<Item> =
            charter.items.iter().map(|spec| Item::planned(spec.clone(), charter.created_at)).collect();
        let places: std::collections::HashMap<ItemKey, usize> =
            items.iter().enumerate().map(|(at, item)| (item.spec.key.clone(), at)).collect();
        let mut added = Vec::new();
        for (key, mut record) in records {
            if is_planted(Mutant::BudgetForgotten) {
                record.now.attempts = 0;
            }
            match (record.added, places.get(&key)) {
                (Some(later), _) => added.push((later, record.now)),
                (None, Some(at)) => items[*at].now = record.now,
                (None, None) => return Err(Unloadable::UnknownItem(key)),
            }
        }
        added.sort_by_key(|(later, _)| later.place);
        for (later, now) in added {
            let place = u32::try_from(items.len()).unwrap_or(u32::MAX);
            if later.place != place {
                return Err(Unloadable::MissingItem(place));
            }
            let parent = parent_of(&later.spec, &items);
            let mut item = Item::planned(later.spec, now.since);
            item.task = later.task;
            item.parent = parent;
            item.now = now;
            items.push(item);
        }
        Ok(Self::assemble(charter, head, items))
    }
}

fn parent_of(spec: &ItemSpec, items: &[Item]) -> Option<ItemIx> {
    let Origin::FollowUp(of) = &spec.origin else { return None };
    (0u32..).zip(items).find(|(_, item)| item.spec.key == *of).map(|(at, _)| ItemIx(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{Scenario, Simulation};

    #[test]
    fn items_are_written_as_their_records_are_read() {
        for seed in 0..50 {
            let scenario = Scenario::drawn(seed, 5);
            let mut simulation = Simulation::new(&scenario).expect("a plan");
            while simulation.step().is_some() {}
            let mission = simulation.mission().expect("the mission");
            for ix in (0..mission.items().len()).map(|at| ItemIx(u32::try_from(at).expect("few"))) {
                let record = mission.record(ix);
                // Names every field: a new one does not compile until it is written.
                let ItemRecord { now, added } = &record;
                let added = added.as_deref().map(|Added { place, spec, task }| AddedToWrite {
                    place: *place,
                    spec,
                    task: task.as_ref(),
                });
                let named = serde_json::to_string(&ItemToWrite { now, added }).expect("it can be written");
                let written = serde_json::to_string(&mission.record_to_write(ix)).expect("it can be written");
                let whole = serde_json::to_string(&record).expect("it can be written");
                assert_eq!((&written, &named), (&whole, &whole));
            }
        }
    }
}
