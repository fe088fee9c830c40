//! What came of a mission: a fold over its history, beside how it stands now.

use std::collections::HashMap;
use std::time::Duration;

use crate::event::Event;
use crate::id::{AgentName, ItemKey};
use crate::mission::Mission;
use crate::time::Time;

/// What a mission took, item by item.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// When it ended, if it has.
    pub ended_at: Option<Time>,
    /// One for each item of the mission, in its order.
    pub items: Vec<ItemReport>,
    /// What was merged, in the order in which it was.
    pub merged: Vec<ItemKey>,
    /// How often somebody was asked for help.
    pub help_asked: u32,
    /// What operators said, in order.
    pub notes: Vec<(Time, String)>,
}

/// What one item took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemReport {
    /// Who worked on it, each once, in order.
    pub agents: Vec<AgentName>,
    /// When it was first given out.
    pub began_at: Option<Time>,
    /// When it was over.
    pub over_at: Option<Time>,
    /// How long it was ready, and nobody worked on it.
    pub waited: Duration,
    /// How long agents had it.
    pub worked: Duration,
    /// How long it was judged: checks, review, merge.
    pub judged: Duration,
}

/// What an item is doing, in the eyes of the fold.
#[derive(Debug, Clone, Copy, Default)]
enum Doing {
    #[default]
    Nothing,
    Waits(Time),
    Works(Time),
    IsJudged(Time),
}

/// Reports on a mission, from the events of its steps with the times at which they were decided. What goes on
/// still counts until `now`.
pub fn report<'e>(
    mission: &Mission,
    history: impl IntoIterator<Item = (Time, &'e [Event])>,
    now: Time,
) -> Report {
    let places: HashMap<&ItemKey, usize> =
        mission.items().iter().map(|item| &item.spec.key).zip(0..).collect();
    let mut fold = Fold {
        report: Report { items: vec![ItemReport::default(); mission.items().len()], ..Report::default() },
        doing: vec![Doing::Nothing; mission.items().len()],
    };
    for (at, events) in history {
        for event in events {
            fold.of_mission(at, event);
            if let Some(place) = event.item().and_then(|item| places.get(item)) {
                fold.of_item(*place, at, event);
            }
        }
    }
    let end = fold.report.ended_at.unwrap_or(now);
    for place in 0..fold.doing.len() {
        fold.now(place, end, Doing::Nothing);
    }
    fold.report
}

struct Fold {
    report: Report,
    doing: Vec<Doing>,
}

impl Fold {
    fn of_mission(&mut self, at: Time, event: &Event) {
        match event {
            Event::MissionCompleted | Event::MissionFailed { .. } => self.report.ended_at = Some(at),
            Event::HelpAsked { .. } => self.report.help_asked += 1,
            Event::NoteTaken { text, by } => self.report.notes.push((at, format!("{by}: {text}"))),
            _ => {}
        }
    }

    fn of_item(&mut self, place: usize, at: Time, event: &Event) {
        match event {
            Event::ItemReady { .. } => self.now(place, at, Doing::Waits(at)),
            Event::ItemAssigned { agent, .. } => {
                let item = &mut self.report.items[place];
                item.began_at.get_or_insert(at);
                if !item.agents.contains(agent) {
                    item.agents.push(agent.clone());
                }
                self.now(place, at, Doing::Works(at));
            }
            Event::ItemSubmitted { .. } => self.now(place, at, Doing::IsJudged(at)),
            Event::AttemptFailed { .. } | Event::AttemptLost { .. } | Event::AttemptCancelled { .. } => {
                self.now(place, at, Doing::Waits(at));
            }
            Event::ItemDone { item, outcome } => {
                if matches!(outcome, crate::event::Outcome::Merged { .. }) {
                    self.report.merged.push(item.clone());
                }
                self.over(place, at);
            }
            Event::ItemSkipped { .. } | Event::ItemFailed { .. } => self.over(place, at),
            _ => {}
        }
    }

    fn over(&mut self, place: usize, at: Time) {
        self.now(place, at, Doing::Nothing);
        self.report.items[place].over_at = Some(at);
    }

    /// What it was doing ends, and something else begins.
    fn now(&mut self, place: usize, at: Time, next: Doing) {
        let item = &mut self.report.items[place];
        match std::mem::replace(&mut self.doing[place], next) {
            Doing::Nothing => {}
            Doing::Waits(since) => item.waited += at.since(since),
            Doing::Works(since) => item.worked += at.since(since),
            Doing::IsJudged(since) => item.judged += at.since(since),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{Scenario, run};

    fn told(scenario: &str) -> String {
        let scenario = Scenario::parse(scenario).expect("a scenario");
        let transcript = run(&scenario).expect("a plan");
        let events: Vec<(Duration, Event)> =
            transcript.events().map(|(after, event)| (after, event.clone())).collect();
        let began = transcript.mission().charter().created_at;
        let history = events.iter().map(|(after, event)| (began + *after, std::slice::from_ref(event)));
        let report = report(transcript.mission(), history, began);
        let mut lines: Vec<String> = transcript
            .mission()
            .items()
            .iter()
            .zip(&report.items)
            .map(|(item, took)| {
                let agents: Vec<&str> = took.agents.iter().map(AgentName::as_str).collect();
                let (waited, worked, judged) = (took.waited, took.worked, took.judged);
                let agents = agents.join(", ");
                format!(
                    "{} by {agents}: waited {waited:?}, worked {worked:?}, judged {judged:?}",
                    item.spec.key
                )
            })
            .collect();
        let merged: Vec<&str> = report.merged.iter().map(ItemKey::as_str).collect();
        lines.push(format!("merged {}; help {}", merged.join(", "), report.help_asked));
        lines.push(format!("took {:?}", report.ended_at.map(|at| at.since(began))));
        lines.join("\n")
    }

    #[test]
    fn what_each_item_took_is_told_apart_by_who_had_it() {
        insta::assert_snapshot!(told(
            r#"
            policy = { auto_merge = true, reviewer_required = true }
            issue = [{ number = 1, attempts = ["exits-early"] }, { number = 2, after = [1] }]
            agent = [{ name = "ann", takes = "2m" }, { name = "ben", takes = "30s" }]
            "#
        ));
    }
}
