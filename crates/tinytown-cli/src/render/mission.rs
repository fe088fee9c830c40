//! `tt mission status ID` in words, in the style of the tutorial.

use std::collections::BTreeMap;

use tinytown_core::mission::{Help, Mission, NoteRecord, Phase};
use tinytown_core::roster::Roster;
use tinytown_core::time::Time;

use super::{count, item, objectives, span, watch};
use crate::pulse::Pulse;

/// Which parts were asked for besides the overview.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    /// Every work item.
    pub(crate) work: bool,
    /// Everything that is watched.
    pub(crate) watch: bool,
    /// The dispatcher, help requests and notes.
    pub(crate) dispatcher: bool,
}

/// All that is known when a mission is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene<'a> {
    /// The mission.
    pub(crate) mission: &'a Mission,
    /// The town's agents.
    pub(crate) roster: &'a Roster,
    /// The dispatcher.
    pub(crate) pulse: &'a Pulse,
    /// When it is shown.
    pub(crate) now: Time,
}

impl Scene<'_> {
    /// The mission in lines.
    pub(crate) fn lines(&self, parts: Parts) -> Vec<String> {
        let mut lines = self.overview();
        if parts.work {
            let waits = self.mission.waits(self.roster);
            let items = self.mission.items().iter().zip(&waits);
            lines.extend(items.map(|(item, wait)| item::line(item, wait.as_ref())));
        } else {
            lines.extend(self.waiting_for_person());
        }
        if parts.watch {
            lines.extend(watch::lines(&watch::of(self.mission), self.now));
        }
        if parts.dispatcher {
            lines.extend(self.dispatcher());
        } else {
            lines.extend(self.silence());
        }
        lines
    }

    fn overview(&self) -> Vec<String> {
        let (charter, head) = (self.mission.charter(), self.mission.head());
        let reason = head.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let age = span(self.now.since(charter.created_at));
        vec![
            format!("🚀 Mission {}: {}{reason}, started {age} ago", self.mission.id(), head.state.as_str()),
            format!("📋 Objectives: {}", objectives(&self.mission.objectives().collect::<Vec<_>>())),
            format!("📦 Work items: {}{}", head.items, self.phases()),
        ]
    }

    /// ` (1 done, 2 pending)`, in the order of an item's life.
    fn phases(&self) -> String {
        const ORDER: [Phase; 9] = [
            Phase::Done,
            Phase::Gated,
            Phase::Running,
            Phase::Assigned,
            Phase::Cancelling,
            Phase::Ready,
            Phase::Pending,
            Phase::Skipped,
            Phase::Failed,
        ];
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for item in self.mission.items() {
            *counts.entry(item.now.phase.as_str()).or_default() += 1;
        }
        let words = ORDER
            .iter()
            .filter_map(|phase| Some(format!("{} {}", counts.get(phase.as_str())?, phase.as_str())));
        let words: Vec<String> = words.collect();
        if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
    }

    /// Where only a person can help, said also when nobody asked: it is why nothing moves.
    fn waiting_for_person(&self) -> Vec<String> {
        let waits = self.mission.waits(self.roster);
        let items = self.mission.items().iter().zip(waits);
        let lines = items.filter_map(|(item, wait)| {
            let wait = wait.filter(|wait| wait.owner == "operator")?;
            Some(format!("   ⚠️  {}: {}", item::label(&item.spec), wait.detail))
        });
        lines.collect()
    }

    fn dispatcher(&self) -> Vec<String> {
        let head = self.mission.head();
        let ago = |at| format!("{} ago", span(self.now.since(at)));
        let mut lines = vec![format!("📡 Dispatcher: {}", self.holder())];
        lines.extend(self.silence().into_iter().map(|line| format!("   {line}")));
        lines.push(format!("   Last step: {}", ago(head.updated_at)));
        lines.push(format!("   Last progress: {}", ago(head.progress_at)));
        lines.push(format!("   Effects waiting: {}", self.pulse.effects_waiting));
        lines.push(format!("🆘 Help: {}", help(self.mission, head.open_request(), self.now)));
        lines.push(format!("📝 Notes: {}", head.notes.len()));
        lines.extend(head.notes.iter().map(note));
        lines
    }

    fn holder(&self) -> String {
        match (&self.pulse.holder, self.pulse.running) {
            (None, _) => "none".to_owned(),
            (Some(holder), Some(true)) => format!("{holder}, running"),
            (Some(holder), Some(false)) => format!("{holder}, which is dead"),
            (Some(holder), None) => holder.clone(),
        }
    }

    /// That nothing will happen, if nothing will.
    fn silence(&self) -> Option<String> {
        let idle = self.pulse.running != Some(false) || self.mission.head().state.is_over();
        (!idle).then(|| no_dispatcher(self.pulse))
    }
}

/// What waits because no dispatcher runs, and what to do about it.
pub(crate) fn no_dispatcher(pulse: &Pulse) -> String {
    let inputs = count(pulse.inputs_waiting, "input");
    let effects = count(pulse.effects_waiting, "effect");
    format!("No dispatcher is running: {inputs} and {effects} wait. Start it with: tt mission dispatch")
}

fn help(mission: &Mission, help: Option<&Help>, now: Time) -> String {
    let Some(help) = help else { return "none asked for".to_owned() };
    let ago = span(now.since(help.asked_at));
    let times = count(usize::try_from(help.attempts).unwrap_or(usize::MAX), "time");
    let answer = format!("tt mission note {} \"resume\"", mission.id());
    format!("{} (asked {ago} ago, {times}; answer with: {answer})", help.reason)
}

fn note(note: &NoteRecord) -> String {
    format!("   {} {}: {}", note.at, note.by, note.text)
}
