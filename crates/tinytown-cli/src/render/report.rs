//! The report of a mission, in words and as data.

use std::time::Duration;

use serde_json::{Value, json as object};
use tinytown_core::mission::{Item, Mission, Phase};
use tinytown_core::report::{ItemReport, Report};
use tinytown_core::time::Time;

use super::{count, item, span};

/// A mission with what it took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account<'a> {
    pub(crate) mission: &'a Mission,
    pub(crate) report: &'a Report,
    pub(crate) now: Time,
}

impl<'a> Account<'a> {
    fn items(&self) -> impl Iterator<Item = (&'a Item, &'a ItemReport)> {
        self.mission.items().iter().zip(&self.report.items)
    }

    fn took(&self) -> Duration {
        self.report.ended_at.unwrap_or(self.now).since(self.mission.charter().created_at)
    }

    fn number(&self, phase: Phase) -> usize {
        self.mission.items().iter().filter(|item| item.now.phase == phase).count()
    }
}

/// For people.
pub(crate) fn lines(account: &Account<'_>) -> Vec<String> {
    let head = account.mission.head();
    let reason = head.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let took = span(account.took());
    let tense = if account.report.ended_at.is_some() { "took" } else { "has taken" };
    let mut lines = vec![
        format!("📊 Mission {} {}{reason}", account.mission.id(), head.state.as_str()),
        format!(
            "   {tense} {took}; {} of {} done, {} skipped, {} failed",
            account.number(Phase::Done),
            count(account.mission.items().len(), "item"),
            account.number(Phase::Skipped),
            account.number(Phase::Failed),
        ),
    ];
    let over = head.state.is_over();
    lines.extend(account.items().flat_map(|(item, report)| item_lines(item, report, over)));
    if !account.report.merged.is_empty() {
        let merged: Vec<&str> =
            account.report.merged.iter().map(tinytown_core::id::ItemKey::as_str).collect();
        lines.push(format!("🔀 Merged, in this order: {}", merged.join(", ")));
    }
    if !head.spent.is_none() {
        lines.push(format!("💰 Spent: {} in {} launches", head.spent, head.launches));
    }
    if account.report.help_asked > 0 {
        let times = usize::try_from(account.report.help_asked).unwrap_or(usize::MAX);
        lines.push(format!("🆘 Asked for help: {}", count(times, "time")));
    }
    lines.extend(account.report.notes.iter().map(|(at, note)| format!("📝 {at} {note}")));
    lines
}

fn item_lines(item: &Item, report: &ItemReport, over: bool) -> Vec<String> {
    let now = &item.now;
    let ended = match now.phase {
        Phase::Done => now.outcome.as_ref().map_or("done", item::outcome).to_owned(),
        Phase::Skipped => format!("skipped{}", now.skipped.map_or("", item::skipped)),
        Phase::Failed => format!("failed: {}", now.failed.as_deref().unwrap_or("no reason is known")),
        phase if over => format!("not finished, was {}", phase.as_str()),
        phase => phase.as_str().to_owned(),
    };
    let pull = now.pull.as_ref().map(|pull| format!(" (PR #{})", pull.number)).unwrap_or_default();
    let icon = item::icon(now.phase);
    let mut lines =
        vec![format!("   {icon} {}: {} · {ended}{pull}", item::label(&item.spec), item.spec.title)];
    if report.began_at.is_some() {
        let agents: Vec<&str> = report.agents.iter().map(tinytown_core::id::AgentName::as_str).collect();
        let launches =
            if now.launches == 1 { "1 launch".to_owned() } else { format!("{} launches", now.launches) };
        let spent = if now.spent.is_none() { String::new() } else { format!("; spent {}", now.spent) };
        lines.push(format!(
            "      {launches} by {}, {} lost; waited {}, worked {}, judged {}{spent}",
            agents.join(", "),
            now.losses,
            span(report.waited),
            span(report.worked),
            span(report.judged),
        ));
    }
    lines
}

/// For scripts.
pub(crate) fn json(account: &Account<'_>) -> Value {
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let items: Vec<Value> = account
        .items()
        .map(|(item, report)| {
            object!({
                "key": item.spec.key,
                "title": item.spec.title,
                "kind": item.spec.kind.as_str(),
                "state": item.now.phase.as_str(),
                "outcome": item.now.outcome.as_ref().map(item::outcome),
                "failed": item.now.failed,
                "agents": report.agents,
                "launches": item.now.launches,
                "attempts": item.now.attempts,
                "losses": item.now.losses,
                "spent": item.now.spent,
                "skipped": item.now.skipped,
                "pull_request": item.now.pull.as_ref().map(|pull| pull.number),
                "began_at": report.began_at,
                "over_at": report.over_at,
                "waited_ms": millis(report.waited),
                "worked_ms": millis(report.worked),
                "judged_ms": millis(report.judged),
            })
        })
        .collect();
    object!({
        "id": account.mission.id().to_string(),
        "state": account.mission.head().state.as_str(),
        "reason": account.mission.head().reason,
        "created_at": account.mission.charter().created_at,
        "ended_at": account.report.ended_at,
        "took_ms": millis(account.took()),
        "launches": account.mission.head().launches,
        "spent": account.mission.head().spent,
        "work_items": items,
        "merged": account.report.merged,
        "help_asked": account.report.help_asked,
        "notes": account.report.notes.iter().map(|(at, note)| object!({ "at": at, "note": note })).collect::<Vec<_>>(),
    })
}
