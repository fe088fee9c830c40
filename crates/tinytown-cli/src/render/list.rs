//! Missions in a list, and the town at a glance.

use serde::Serialize;
use tinytown_core::roster::{Agent, AgentState, Roster};
use tinytown_core::time::Time;
use tinytown_store::records::Outline;

use super::{objectives, span};

/// One mission in a list.
#[derive(Debug, Serialize)]
pub(crate) struct MissionRowJson {
    id: String,
    state: &'static str,
    reason: Option<String>,
    created_at: Time,
    updated_at: Time,
    objectives: Vec<String>,
    items: u32,
    done: u32,
    help: Option<String>,
}

/// `{missions: […]}`
#[derive(Debug, Serialize)]
pub(crate) struct MissionsJson {
    /// Oldest first.
    pub(crate) missions: Vec<MissionRowJson>,
}

/// One agent at a glance.
#[derive(Debug, Serialize)]
pub(crate) struct AgentJson<'a> {
    name: &'a str,
    generation: u64,
    role: Option<&'a str>,
    cli: &'a str,
    state: &'static str,
    retiring: bool,
    mission: Option<String>,
    item: Option<&'a str>,
    host: &'a str,
    pid: u32,
    since: Time,
}

impl MissionRowJson {
    /// A mission in a list.
    pub(crate) fn of(mission: &Outline) -> Self {
        let head = &mission.head;
        Self {
            id: mission.id.to_string(),
            state: head.state.as_str(),
            reason: head.reason.clone(),
            created_at: mission.created_at,
            updated_at: head.updated_at,
            objectives: mission.objectives.clone(),
            items: head.items,
            done: head.done,
            help: head.open_request().map(|help| help.reason.clone()),
        }
    }
}

impl<'a> AgentJson<'a> {
    /// An agent at a glance.
    pub(crate) fn of(agent: &'a Agent) -> Self {
        let claim = agent.claim();
        Self {
            name: agent.name.as_str(),
            generation: agent.generation.0,
            role: agent.role.as_ref().map(tinytown_core::id::Role::as_str),
            cli: &agent.cli,
            state: state(agent),
            retiring: agent.retiring,
            mission: claim.map(|claim| claim.mission.to_string()),
            item: claim.map(|claim| claim.item.as_str()),
            host: &agent.place.host,
            pid: agent.place.pid,
            since: agent.since,
        }
    }
}

/// An agent's state as written in `--json`.
const fn state(agent: &Agent) -> &'static str {
    match agent.state {
        AgentState::Idle => "idle",
        AgentState::Busy(_) => "busy",
        AgentState::Gone => "gone",
    }
}

/// One mission in a line.
pub(crate) fn mission(mission: &Outline, now: Time) -> String {
    let head = &mission.head;
    let age = span(now.since(mission.created_at));
    let issues = objectives(&mission.objectives);
    let help = head.open_request().map(|help| format!(" · 🆘 {}", help.reason)).unwrap_or_default();
    format!(
        "   {}  {:<9}  {} of {} items done, {issues}, started {age} ago{help}",
        mission.id,
        head.state.as_str(),
        head.done,
        head.items
    )
}

/// The agents in lines. Those that are gone only if they are all that was asked for.
pub(crate) fn agents(roster: &Roster, gone: bool, now: Time) -> Vec<String> {
    let shown: Vec<&Agent> = roster.iter().filter(|agent| gone || agent.is_present()).collect();
    let heading = format!("👥 Agents: {}", shown.len());
    std::iter::once(heading).chain(shown.into_iter().map(|one| agent(one, now))).collect()
}

fn agent(agent: &Agent, now: Time) -> String {
    let role = agent.role.as_ref().map_or("no role", |role| role.as_str());
    let doing = match &agent.state {
        AgentState::Idle if agent.retiring => "leaving".to_owned(),
        AgentState::Idle => "idle".to_owned(),
        AgentState::Busy(claim) => format!("at work on {} (attempt {})", claim.item, claim.attempt),
        AgentState::Gone => "gone".to_owned(),
    };
    let since = span(now.since(agent.since));
    format!(
        "   {} (role {role}, cli {}): {doing} for {since}, process {} on {}",
        agent.name, agent.cli, agent.place.pid, agent.place.host
    )
}
