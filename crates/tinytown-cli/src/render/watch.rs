//! What is watched on pull requests: checks, review, mergeability, each of one head.

use serde::Serialize;
use tinytown_core::mission::{Item, ItemIx, Mission, Phase};
use tinytown_core::observation::{Checks, Mergeable, Pull, PullState};
use tinytown_core::time::Time;

/// One thing that is watched on one pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Watch {
    /// Whose pull request.
    pub(crate) item: String,
    /// Its number.
    pub(crate) pull_request: u64,
    /// What is watched: `checks`, `review`, `mergeability`.
    pub(crate) kind: &'static str,
    /// What it shows now, as a word.
    pub(crate) state: &'static str,
    /// Of which commit.
    pub(crate) head_sha: String,
    /// When it is looked at next, if that is known.
    pub(crate) next_check_at: Option<Time>,
    /// For people: who is waited for, or what is wrong.
    pub(crate) detail: String,
}

/// Everything that is watched now, in the order of the items.
pub(crate) fn of(mission: &Mission) -> Vec<Watch> {
    let indices = (0..).map(ItemIx).zip(mission.items());
    indices.flat_map(|(ix, item)| of_item(mission, ix, item)).collect()
}

fn of_item(mission: &Mission, ix: ItemIx, item: &Item) -> Vec<Watch> {
    let now = &item.now;
    let Some(pull) = now.pull.as_ref().filter(|pull| pull.state == PullState::Open) else {
        return Vec::new();
    };
    let watched = now.phase == Phase::Gated || (now.phase == Phase::Done && now.look_at.is_some());
    if !watched || mission.item(ix).task.is_some() {
        return Vec::new();
    }
    let found = [Some(checks(item)), review(mission, item), mergeability(item)];
    found.into_iter().flatten().map(|part| watch(item, pull, part)).collect()
}

/// Kind, state, detail.
type Part = (&'static str, &'static str, String);

fn watch(item: &Item, pull: &Pull, (kind, state, detail): Part) -> Watch {
    Watch {
        item: item.spec.key.to_string(),
        pull_request: pull.number,
        kind,
        state,
        head_sha: pull.head.to_string(),
        next_check_at: item.now.look_at,
        detail,
    }
}

fn checks(item: &Item) -> Part {
    let (state, detail) = match &item.now.gates.checks {
        None | Some(Checks::Pending) => ("running", String::new()),
        Some(Checks::Green) => ("green", String::new()),
        Some(Checks::NotRequired) => ("not-required", String::new()),
        Some(Checks::Red(report)) => ("failing", format!("{}: {}", report.name, report.summary)),
        Some(Checks::CouldNotRun(report)) => {
            ("could-not-run", format!("{}: {}", report.name, report.summary))
        }
    };
    ("checks", state, detail)
}

/// A review is watched from when it was asked for.
fn review(mission: &Mission, item: &Item) -> Option<Part> {
    if let Some(review) = &item.now.gates.review {
        let state = if review.approve { "approved" } else { "changes-requested" };
        return Some(("review", state, review.by.clone()));
    }
    let open = ItemIx(item.now.open_review?);
    let reviewer = mission.item(open).now.assignment.as_ref().map(|held| held.agent.to_string());
    let who = reviewer.unwrap_or_else(|| mission.item(open).spec.key.to_string());
    Some(("review", "waiting", who))
}

/// That it merges needs no watch.
fn mergeability(item: &Item) -> Option<Part> {
    match &item.now.gates.mergeable {
        Some(Mergeable::Conflict(detail)) => Some(("mergeability", "conflict", detail.clone())),
        Some(Mergeable::Unknown) => Some(("mergeability", "unknown", String::new())),
        Some(Mergeable::Yes) | None => None,
    }
}

/// As the tutorial prints them.
pub(crate) fn lines(watches: &[Watch], now: Time) -> Vec<String> {
    let heading = format!("🚧 Watch Items: {}", watches.len());
    std::iter::once(heading).chain(watches.iter().map(|watch| line(watch, now))).collect()
}

fn line(watch: &Watch, now: Time) -> String {
    let what = match watch.kind {
        "checks" => "CI check",
        "review" => "review",
        _ => "merge",
    };
    let (icon, state) = match watch.state {
        "running" => ("⏳", "running".to_owned()),
        "waiting" => ("⏳", format!("waiting for {}", watch.detail)),
        "unknown" => ("⏳", "not known yet".to_owned()),
        "green" => ("✅", "green".to_owned()),
        "not-required" => ("✅", "not required".to_owned()),
        "approved" => ("✅", format!("approved by {}", watch.detail)),
        "changes-requested" => ("⚠️ ", format!("changes requested by {}", watch.detail)),
        "failing" => ("⚠️ ", format!("failing{}", retry(watch, now))),
        "could-not-run" => ("⚠️ ", format!("could not run{}", retry(watch, now))),
        other => ("⚠️ ", format!("{other}{}", retry(watch, now))),
    };
    format!("   {icon} PR #{} {what}: {state}", watch.pull_request)
}

/// Whole seconds until the next look, rounded up: it is never announced too early.
fn retry(watch: &Watch, now: Time) -> String {
    let Some(at) = watch.next_check_at else { return String::new() };
    match at.since(now).as_millis().div_ceil(1000) {
        0 => " (retrying now)".to_owned(),
        seconds => format!(" (retrying in {seconds}s)"),
    }
}
