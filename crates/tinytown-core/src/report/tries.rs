//! Launches: by whom, and how each ended.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{ItemReport, Report, Try, TryEnd};
use crate::event::Event;
use crate::id::AgentName;
use crate::spend::Spend;
use crate::time::Time;

/// What one agent did in a mission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentReport {
    /// Who.
    pub agent: AgentName,
    /// How often it was given something.
    pub launches: u32,
    /// How many of those ended with work or a verdict.
    pub handed_in: u32,
    /// How many ended without.
    pub failed: u32,
    /// How many were lost.
    pub lost: u32,
    /// How long it had something.
    pub worked: Duration,
    /// What it cost, as far as it says.
    pub spent: Spend,
}

impl ItemReport {
    /// Takes in what an event says of the item's launches.
    pub(super) fn tried(&mut self, event: &Event, at: Time) {
        let end = match event {
            Event::ItemAssigned { agent, attempt, .. } => return self.begin(agent, *attempt, at),
            Event::ItemSubmitted { .. } => TryEnd::HandedIn,
            Event::AttemptFailed { cause, detail, .. } => {
                TryEnd::Failed { cause: cause.clone(), detail: detail.clone() }
            }
            Event::AttemptLost { detail, .. } => TryEnd::Lost { detail: detail.clone() },
            Event::AttemptCancelled { detail, .. } => TryEnd::Cancelled { detail: detail.clone() },
            _ => return,
        };
        if let Some(last) = self.tries.last_mut() {
            // What was handed in may fail later: a reviewer does not agree that nothing had to be changed.
            let ended = last.end.as_ref().map_or(at, |(ended, _)| *ended);
            last.end = Some((ended, end));
            last.spent += event.spend();
        }
    }

    fn begin(&mut self, agent: &AgentName, attempt: u32, at: Time) {
        self.began_at.get_or_insert(at);
        if !self.agents.contains(agent) {
            self.agents.push(agent.clone());
        }
        let (agent, spent) = (agent.clone(), Spend::NONE);
        self.tries.push(Try { attempt, agent, began_at: at, end: None, spent });
    }
}

impl Report {
    /// What each agent did, by name. What goes on still counts until `now`.
    pub fn agents(&self, now: Time) -> Vec<AgentReport> {
        let mut agents = BTreeMap::new();
        for launch in self.items.iter().flat_map(|item| &item.tries) {
            let agent = &launch.agent;
            agents.entry(agent).or_insert_with(|| AgentReport::new(agent)).add(launch, now);
        }
        agents.into_values().collect()
    }
}

impl AgentReport {
    fn new(agent: &AgentName) -> Self {
        let agent = agent.clone();
        let (worked, spent) = (Duration::ZERO, Spend::NONE);
        Self { agent, launches: 0, handed_in: 0, failed: 0, lost: 0, worked, spent }
    }

    fn add(&mut self, launch: &Try, now: Time) {
        self.launches += 1;
        let (ended, end) = launch.end.as_ref().map_or((now, None), |(at, end)| (*at, Some(end)));
        match end {
            Some(TryEnd::HandedIn) => self.handed_in += 1,
            Some(TryEnd::Failed { .. }) => self.failed += 1,
            Some(TryEnd::Lost { .. }) => self.lost += 1,
            Some(TryEnd::Cancelled { .. }) | None => {}
        }
        self.worked += ended.since(launch.began_at);
        self.spent += launch.spent;
    }
}
