//! `tt mission status ID --json`: stable names, RFC 3339 times in UTC.

use serde::Serialize;
use serde_json::Value;
use tinytown_core::id::ItemKey;
use tinytown_core::mission::{Item, ItemIx, Mission, Reaction, Wait};
use tinytown_core::observation::PullState;
use tinytown_core::policy::Policy;
use tinytown_core::roster::Roster;
use tinytown_core::spend::Spend;
use tinytown_core::time::Time;

use super::watch::{self, Watch};
use crate::pulse::Pulse;

/// One mission, whole.
#[derive(Debug, Serialize)]
pub(crate) struct MissionJson<'a> {
    id: String,
    state: &'static str,
    reason: Option<&'a str>,
    policy: &'a Policy,
    created_at: Time,
    updated_at: Time,
    next_wake_at: Option<Time>,
    launches: u32,
    spent: Spend,
    objectives: Vec<&'a str>,
    work_items: Vec<ItemJson<'a>>,
    watches: Vec<Watch>,
    dispatcher: DispatcherJson<'a>,
    notes: Value,
}

#[derive(Debug, Serialize)]
struct ItemJson<'a> {
    key: &'a str,
    title: &'a str,
    kind: &'static str,
    state: &'static str,
    role: Option<&'a str>,
    priority: i32,
    depends_on: Vec<ItemKey>,
    agent: Option<&'a str>,
    attempt: u32,
    losses: u32,
    wait: Option<Wait>,
    /// Where it stands on the ladder of reactions; null if all is well.
    reaction: Option<Reaction>,
    spent: Spend,
    pull_request: Option<PullJson<'a>>,
}

#[derive(Debug, Serialize)]
struct PullJson<'a> {
    number: u64,
    url: &'a str,
    branch: &'a str,
    head_sha: &'a str,
    state: &'static str,
}

#[derive(Debug, Serialize)]
struct DispatcherJson<'a> {
    holder: Option<&'a str>,
    running: Option<bool>,
    last_step_at: Time,
    last_progress_at: Time,
    inputs_waiting: usize,
    effects_waiting: usize,
    help: Value,
}

impl<'a> MissionJson<'a> {
    /// A mission as it stands.
    pub(crate) fn of(mission: &'a Mission, roster: &Roster, pulse: &'a Pulse) -> Self {
        let head = mission.head();
        let items = mission.items().iter().zip(mission.waits(roster));
        Self {
            id: mission.id().to_string(),
            state: head.state.as_str(),
            reason: head.reason.as_deref(),
            policy: mission.policy(),
            created_at: mission.charter().created_at,
            updated_at: head.updated_at,
            next_wake_at: mission.next_deadline(),
            launches: head.launches,
            spent: head.spent,
            objectives: mission.objectives().collect(),
            work_items: (0u32..)
                .map(ItemIx)
                .zip(items)
                .map(|(ix, (item, wait))| ItemJson::of(item, wait, mission.reaction(ix)))
                .collect(),
            watches: watch::of(mission),
            dispatcher: DispatcherJson::of(mission, pulse),
            notes: serde_json::to_value(&head.notes).unwrap_or_default(),
        }
    }
}

impl<'a> ItemJson<'a> {
    fn of(item: &'a Item, wait: Option<Wait>, reaction: Option<Reaction>) -> Self {
        let spec = &item.spec;
        Self {
            key: spec.key.as_str(),
            title: &spec.title,
            kind: spec.kind.as_str(),
            state: item.now.phase.as_str(),
            role: spec.role.as_ref().map(|wish| wish.role.as_str()),
            priority: spec.priority,
            depends_on: item.depends_on().map(|(on, _)| on).collect(),
            agent: item.now.assignment.as_ref().map(|held| held.agent.as_str()),
            attempt: item.now.launches,
            losses: item.now.losses,
            wait,
            reaction,
            spent: item.now.spent,
            pull_request: item.now.pull.as_ref().map(|pull| PullJson {
                number: pull.number,
                url: &pull.url,
                branch: &pull.branch,
                head_sha: pull.head.as_str(),
                state: match pull.state {
                    PullState::Open => "open",
                    PullState::Merged(_) => "merged",
                    PullState::Closed => "closed",
                },
            }),
        }
    }
}

impl<'a> DispatcherJson<'a> {
    fn of(mission: &Mission, pulse: &'a Pulse) -> Self {
        let head = mission.head();
        Self {
            holder: pulse.holder.as_deref(),
            running: pulse.running,
            last_step_at: head.updated_at,
            last_progress_at: head.progress_at,
            inputs_waiting: pulse.inputs_waiting,
            effects_waiting: pulse.effects_waiting,
            help: serde_json::to_value(head.open_request()).unwrap_or_default(),
        }
    }
}
