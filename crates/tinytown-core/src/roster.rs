//! The town's agents: who is there, in which start, and what each is doing. Belongs to the town, not to a mission.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::id::{AgentName, Claim, Generation, Role};
use crate::time::Time;

/// What people are called who have no name of their own, or share theirs with an agent. No agent bears it.
pub const OPERATOR: &str = "operator";

/// Where an agent's worker runs, so that an observer on the same host can tell whether it lives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The host's name.
    pub host: String,
    /// Which boot of that host.
    pub boot: String,
    /// The worker's process id.
    pub pid: u32,
    /// When that process started, in the host's own unit; tells it from a later process with the same id.
    pub started: u64,
    /// The folder in which the worker's run files lie on that host.
    pub runs: String,
}

/// What an agent is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentState {
    /// Waiting for work.
    Idle,
    /// Holding an assignment.
    Busy(Claim),
    /// Its worker ended or was declared lost.
    Gone,
}

/// One agent of the town.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Its name.
    pub name: AgentName,
    /// Which start of it.
    pub generation: Generation,
    /// What it is good at; an agent without a role takes anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The agent CLI its worker runs, by its name in the configuration.
    pub cli: String,
    /// Where its worker runs.
    pub place: Place,
    /// What it is doing.
    pub state: AgentState,
    /// Asked to leave: takes no new work.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retiring: bool,
    /// Its agent CLI reached a limit: it takes no work before that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_until: Option<Time>,
    /// Since when it is in this state.
    pub since: Time,
}

impl Agent {
    /// Whether work may be assigned to it now.
    pub fn is_free(&self) -> bool {
        self.state == AgentState::Idle && !self.retiring && self.paused_until.is_none()
    }

    /// Whether its worker is believed to live.
    pub fn is_present(&self) -> bool {
        self.state != AgentState::Gone
    }

    /// Whether it answers requests for help, and takes no items.
    pub fn is_conductor(&self) -> bool {
        self.role.as_ref().is_some_and(Role::is_conductor)
    }

    /// Whether its role is to review.
    pub fn is_reviewer(&self) -> bool {
        self.role.as_ref().is_some_and(Role::is_reviewer)
    }

    /// The assignment it holds.
    pub fn claim(&self) -> Option<&Claim> {
        match &self.state {
            AgentState::Busy(claim) => Some(claim),
            AgentState::Idle | AgentState::Gone => None,
        }
    }
}

/// A change to the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum RosterChange {
    /// A worker took the name.
    AgentJoined {
        /// The agent as it begins.
        agent: Box<Agent>,
    },
    /// It was given an assignment.
    AgentBusy {
        /// Whose, and which.
        claim: Claim,
    },
    /// Its assignment is over.
    AgentFreed {
        /// Which agent.
        agent: AgentName,
    },
    /// It was asked to leave.
    AgentRetiring {
        /// Which agent.
        agent: AgentName,
    },
    /// Its agent CLI reached a limit, or has no longer reached it.
    AgentPaused {
        /// Which agent.
        agent: AgentName,
        /// Until when it takes no work; none if it does again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Time>,
    },
    /// Its worker ended, or was declared lost.
    AgentGone {
        /// Which agent.
        agent: AgentName,
        /// Why, for people.
        reason: String,
    },
}

/// All agents, ordered by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roster {
    agents: BTreeMap<AgentName, Agent>,
    /// Free agents by role, so that nothing has to look through all of them.
    free: BTreeMap<Option<Role>, BTreeSet<AgentName>>,
    /// Agents that are present and not retiring, by role.
    present: BTreeMap<Option<Role>, BTreeSet<AgentName>>,
    /// Agents whose CLI reached a limit, by the time at which it is lifted.
    paused: BTreeSet<(Time, AgentName)>,
    changes: u64,
}

/// Those of the reviewers, of names by role.
fn reviewers(
    by_role: &BTreeMap<Option<Role>, BTreeSet<AgentName>>,
) -> impl Iterator<Item = &BTreeSet<AgentName>> {
    by_role.iter().filter(|(role, _)| role.as_ref().is_some_and(Role::is_reviewer)).map(|(_, names)| names)
}

impl Roster {
    /// A roster of these agents.
    pub fn new(agents: impl IntoIterator<Item = Agent>) -> Self {
        let mut roster = Self::default();
        for agent in agents {
            roster.insert(agent);
        }
        roster
    }

    /// The agent of that name, present or gone.
    pub fn get(&self, name: &AgentName) -> Option<&Agent> {
        self.agents.get(name)
    }

    /// Whether somebody of that name counts as an agent: one that the town has or had, or a conductor.
    pub fn counts_as_agent(&self, name: &str) -> bool {
        let known = || AgentName::new(name).is_ok_and(|name| self.agents.contains_key(&name));
        name != OPERATOR && (Role::new(name).is_conductor() || known())
    }

    /// All agents, by name; those that are gone too.
    pub fn iter(&self) -> impl Iterator<Item = &Agent> {
        self.agents.values()
    }

    /// Free agents of that role (`None`: without a role), by name.
    pub fn free(&self, role: Option<&Role>) -> impl Iterator<Item = &Agent> {
        self.named(self.free.get(&role.cloned()))
    }

    /// Free agents whose role is to review, by name.
    pub(crate) fn free_reviewers(&self) -> impl Iterator<Item = &Agent> {
        reviewers(&self.free).flat_map(|names| self.named(Some(names)))
    }

    /// Agents whose role is to review, present and not retiring, by name.
    pub(crate) fn reviewers(&self) -> impl Iterator<Item = &Agent> {
        reviewers(&self.present).flat_map(|names| self.named(Some(names)))
    }

    /// Whether an agent is there that answers requests for help.
    pub fn has_conductor(&self) -> bool {
        let conducts = |(role, names): (&Option<Role>, &BTreeSet<AgentName>)| {
            role.as_ref().is_some_and(Role::is_conductor) && !names.is_empty()
        };
        self.present.iter().any(conducts)
    }

    /// All free agents: by role, then by name.
    pub fn all_free(&self) -> impl Iterator<Item = &Agent> {
        self.free.values().flat_map(|names| self.named(Some(names)))
    }

    /// Whether any agent is free.
    pub fn has_free(&self) -> bool {
        self.free.values().any(|names| !names.is_empty())
    }

    /// Agents of that role that are present and not retiring, free or busy.
    pub fn present(&self, role: Option<&Role>) -> impl Iterator<Item = &Agent> {
        self.named(self.present.get(&role.cloned()))
    }

    /// All agents that are present and not retiring: by role, then by name.
    pub fn all_present(&self) -> impl Iterator<Item = &Agent> {
        self.present.values().flat_map(|names| self.named(Some(names)))
    }

    /// When the next limit of an agent CLI is lifted.
    pub fn next_lifted(&self) -> Option<Time> {
        self.paused.first().map(|(until, _)| *until)
    }

    /// Agents whose limit is lifted by now.
    pub(crate) fn lifted(&self, now: Time) -> Vec<AgentName> {
        self.paused.iter().take_while(|(until, _)| *until <= now).map(|(_, name)| name.clone()).collect()
    }

    /// Until when agents with that CLI take no work.
    pub(crate) fn paused_until(&self, cli: &str) -> Option<Time> {
        let of_cli =
            |(_, name): &&(Time, AgentName)| self.agents.get(name).is_some_and(|agent| agent.cli == cli);
        self.paused.iter().rev().find(of_cli).map(|(until, _)| *until)
    }

    /// Moves with every change; two equal numbers of one roster mean that nothing changed between them.
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Makes a change true. Changes of agents that are not there change nothing.
    pub fn apply(&mut self, change: &RosterChange, now: Time) {
        match change {
            RosterChange::AgentJoined { agent } => self.insert(Agent::clone(agent)),
            RosterChange::AgentBusy { claim } => {
                self.update(&claim.agent, now, |agent| agent.state = AgentState::Busy(claim.clone()));
            }
            RosterChange::AgentFreed { agent } => {
                self.update(agent, now, |agent| agent.state = AgentState::Idle);
            }
            RosterChange::AgentRetiring { agent } => self.update(agent, now, |agent| agent.retiring = true),
            RosterChange::AgentPaused { agent, until } => {
                if let Some(mut entry) = self.agents.get(agent).cloned() {
                    entry.paused_until = *until;
                    self.insert(entry);
                }
            }
            RosterChange::AgentGone { agent, .. } => {
                self.update(agent, now, |agent| agent.state = AgentState::Gone);
            }
        }
    }

    fn named<'a>(&'a self, names: Option<&'a BTreeSet<AgentName>>) -> impl Iterator<Item = &'a Agent> {
        names.into_iter().flatten().filter_map(|name| self.agents.get(name))
    }

    fn update(&mut self, name: &AgentName, now: Time, change: impl FnOnce(&mut Agent)) {
        if let Some(mut agent) = self.agents.get(name).cloned() {
            change(&mut agent);
            agent.since = now;
            self.insert(agent);
        }
    }

    fn insert(&mut self, agent: Agent) {
        if let Some(old) = self.agents.get(&agent.name) {
            if let Some(until) = old.paused_until {
                self.paused.remove(&(until, old.name.clone()));
            }
            for index in [&mut self.free, &mut self.present] {
                if let Some(names) = index.get_mut(&old.role) {
                    names.remove(&old.name);
                }
            }
        }
        if agent.is_free() {
            self.free.entry(agent.role.clone()).or_default().insert(agent.name.clone());
        }
        if agent.is_present() && !agent.retiring {
            self.present.entry(agent.role.clone()).or_default().insert(agent.name.clone());
        }
        if let Some(until) = agent.paused_until {
            self.paused.insert((until, agent.name.clone()));
        }
        self.agents.insert(agent.name.clone(), agent);
        self.changes += 1;
    }
}
