//! What a person is to do in the morning: what failed, what waits for them, what is left to be merged.

use std::collections::BTreeMap;

use tinytown_core::id::ItemKey;
use tinytown_core::mission::Phase;
use tinytown_core::observation::{Pull, PullState};

use super::page::{Entry, Section};
use super::{Account, Told};
use crate::render::{explain, item};

/// Something that waits for a person.
#[derive(Debug)]
pub(super) struct Need {
    /// About which item; about the mission as a whole if none is named.
    pub(super) item: Option<ItemKey>,
    /// Which sort: `help`, `waits`, `failed`, `unfinished`, `merge`.
    pub(super) what: &'static str,
    icon: &'static str,
    /// For people.
    pub(super) detail: String,
    /// Items that were skipped for it.
    pub(super) fallen: Vec<ItemKey>,
    /// What to type next.
    pub(super) command: Option<String>,
    title: String,
}

impl Account<'_> {
    /// The section of it; it stands even if there is nothing to do.
    pub(super) fn needed(&self) -> Section {
        let entries: Vec<Entry> = self.needs().into_iter().map(Need::entry).collect();
        let title = if entries.is_empty() { "🙋 Nothing needs you" } else { "🙋 Needs you" };
        Section { always: true, ..Section::new(title, entries) }
    }

    /// All of it: what holds others up first.
    pub(super) fn needs(&self) -> Vec<Need> {
        let help = self.mission.head().help.as_ref().filter(|_| !self.is_over());
        let help = help.map(|help| Need {
            command: Some(format!("tt mission note {} \"resume\"", self.mission.id())),
            ..Need::new(None, "help", "🆘", "The mission as a whole".to_owned(), help.reason.clone())
        });
        let waits = self.items().filter_map(|told| self.waits_for_person(told));
        let mut fallen = self.fallen();
        let failed = self.planned().filter_map(|told| failed(told, &mut fallen));
        let mut accepted: Vec<_> = self.planned().filter(|told| left_open(told).is_some()).collect();
        accepted.sort_by_key(|told| told.report.over_at);
        let left = accepted.into_iter().filter_map(|told| self.left_to_merge(told));
        help.into_iter().chain(waits).chain(failed).chain(self.unfinished()).chain(left).collect()
    }

    /// What was open when the mission ended.
    fn unfinished(&self) -> Option<Need> {
        let open = self.planned().filter(|told| self.is_over() && !told.item.now.phase.is_over());
        let keys: Vec<&str> = open.map(|told| told.item.spec.key.as_str()).collect();
        let title = "Not finished when the mission ended".to_owned();
        (!keys.is_empty()).then(|| Need::new(None, "unfinished", "⏳", title, keys.join(", ")))
    }

    fn waits_for_person(&self, told: Told<'_>) -> Option<Need> {
        let wait = told.wait.filter(|wait| wait.owner == "operator")?;
        let unblocks = match wait.unblocks {
            0 => String::new(),
            1 => "; 1 item waits for it".to_owned(),
            many => format!("; {many} items wait for it"),
        };
        let detail = format!("{}: {}{unblocks}", wait.code.as_str(), wait.detail);
        let command = explain::next(self.mission.id(), told.item, wait);
        Some(Need { command, ..Need::of(told, "waits", "⚠️ ", detail) })
    }

    /// What was skipped, by the failed item for which it was.
    fn fallen(&self) -> BTreeMap<ItemKey, Vec<ItemKey>> {
        let mut fallen: BTreeMap<ItemKey, Vec<ItemKey>> = BTreeMap::new();
        for Told { item, report, .. } in self.items() {
            if let Some(root) = &report.root {
                fallen.entry(root.clone()).or_default().push(item.spec.key.clone());
            }
        }
        fallen
    }

    fn left_to_merge(&self, told: Told<'_>) -> Option<Need> {
        let Pull { number, branch, url, .. } = left_open(&told)?;
        let detail = format!("PR #{number} is accepted, and left to you to merge: {branch} ({url})");
        let note = || explain::note(self.mission.id(), "merge", &told.item.spec.key);
        let command = if self.is_over() { None } else { note() };
        Some(Need { command, ..Need::of(told, "merge", "🔀", detail) })
    }
}

fn failed(told: Told<'_>, fallen: &mut BTreeMap<ItemKey, Vec<ItemKey>>) -> Option<Need> {
    let reason = told.item.now.failed.as_ref().filter(|_| told.item.now.phase == Phase::Failed)?;
    let fallen = fallen.remove(&told.item.spec.key).unwrap_or_default();
    Some(Need { fallen, ..Need::of(told, "failed", item::icon(Phase::Failed), format!("failed: {reason}")) })
}

/// The pull request of an item that was done as accepted, while nobody has merged or closed it.
fn left_open<'a>(told: &Told<'a>) -> Option<&'a Pull> {
    let now = &told.item.now;
    let left = now.is_accepted() && !now.merge_wanted;
    now.pull.as_ref().filter(|pull| left && pull.state == PullState::Open)
}

impl Need {
    fn new(
        item: Option<ItemKey>,
        what: &'static str,
        icon: &'static str,
        title: String,
        detail: String,
    ) -> Self {
        Self { item, what, icon, detail, fallen: Vec::new(), command: None, title }
    }

    fn of(told: Told<'_>, what: &'static str, icon: &'static str, detail: String) -> Self {
        let spec = &told.item.spec;
        let title = format!("{}: {}", item::label(spec), spec.title);
        Self::new(Some(spec.key.clone()), what, icon, title, detail)
    }

    fn entry(self) -> Entry {
        let Self { icon, title, detail, fallen, command, .. } = self;
        let fallen: Vec<&str> = fallen.iter().map(ItemKey::as_str).collect();
        let fell = (!fallen.is_empty()).then(|| format!("skipped for it: {}", fallen.join(", ")));
        Entry {
            head: format!("{icon} {title} · {detail}"),
            more: fell.into_iter().collect(),
            command,
            below: Vec::new(),
        }
    }
}
