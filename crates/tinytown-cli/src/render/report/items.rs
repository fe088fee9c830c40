//! What was done: every item, by whom, what it took and what it waited on; its fixes and reviews below it.

use std::collections::BTreeMap;

use tinytown_core::id::AgentName;
use tinytown_core::mission::{ItemIx, Phase};
use tinytown_core::report::{Try, TryEnd};

use super::page::{Entry, Section};
use super::{Account, Told, launches, long_span, waits};
use crate::render::item;

impl Account<'_> {
    pub(super) fn done(&self) -> Section {
        let mut below: BTreeMap<ItemIx, Vec<Entry>> = BTreeMap::new();
        for told in self.items() {
            if let Some(parent) = told.item.parent {
                below.entry(parent).or_default().push(self.entry(told));
            }
        }
        let entry = |(ix, told): (ItemIx, Told<'_>)| {
            let followed = below.remove(&ix).unwrap_or_default();
            Entry { below: followed, ..self.entry(told) }
        };
        let all = (0..).map(ItemIx).zip(self.items());
        let planned = all.filter(|(_, told)| told.item.parent.is_none());
        Section::new("📦 What was done", planned.map(entry).collect())
    }

    fn entry(&self, told: Told<'_>) -> Entry {
        let Told { item, report, .. } = told;
        let now = &item.now;
        let pull = now.pull.as_ref().map(|pull| format!(" (PR #{})", pull.number)).unwrap_or_default();
        let (icon, label, title) = (item::icon(now.phase), item::label(&item.spec), &item.spec.title);
        let mut more = Vec::new();
        more.extend(report.began_at.is_some().then(|| work(told)));
        more.extend(report.tries.iter().filter_map(ended));
        more.extend(waits(&report.waits));
        Entry {
            head: format!("{icon} {label}: {title} · {}{pull}", self.ended(told)),
            more,
            ..Entry::default()
        }
    }

    fn ended(&self, Told { item, report, .. }: Told<'_>) -> String {
        let now = &item.now;
        match now.phase {
            Phase::Done => now.outcome.as_ref().map_or("done", item::outcome).to_owned(),
            Phase::Skipped => {
                let root = report.root.as_ref().map(|root| format!(": {root}")).unwrap_or_default();
                format!("skipped{}{root}", now.skipped.map_or("", item::skipped))
            }
            Phase::Failed => format!("failed: {}", now.failed.as_deref().unwrap_or("no reason is known")),
            phase if self.is_over() => format!("not finished, was {}", phase.as_str()),
            phase => phase.as_str().to_owned(),
        }
    }
}

/// By whom, and how long.
fn work(Told { item, report, .. }: Told<'_>) -> String {
    let now = &item.now;
    let agents: Vec<&str> = report.agents.iter().map(AgentName::as_str).collect();
    let spent = if now.spent.is_none() { String::new() } else { format!("; spent {}", now.spent) };
    format!(
        "{} by {}, {} lost; waited {}, worked {}, judged {}{spent}",
        launches(now.launches),
        agents.join(", "),
        now.losses,
        long_span(report.waited),
        long_span(report.worked),
        long_span(report.judged),
    )
}

/// A launch that came to nothing.
fn ended(launch: &Try) -> Option<String> {
    let Try { attempt, agent, end, .. } = launch;
    let first = |detail: &str| match detail.lines().find(|line| !line.trim().is_empty()) {
        Some(line) => format!(": {line}"),
        None => String::new(),
    };
    let how = match &end.as_ref()?.1 {
        TryEnd::HandedIn => return None,
        TryEnd::Failed { cause, detail } => format!("failed: {cause}{}", first(detail)),
        TryEnd::Lost { detail } => format!("lost{}", first(detail)),
        TryEnd::Cancelled { detail } => format!("cancelled{}", first(detail)),
    };
    Some(format!("attempt {attempt} by {agent} {how}"))
}
