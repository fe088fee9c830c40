//! The workers of a simulated town: they join, read their letters, do as the script says, and leave.

use std::time::Duration;

use super::agenda::{Agenda, Due, Launch};
use super::conduct::{Deed, Ending, Script};
use super::forge::ForgeModel;
use crate::id::{AgentName, Claim, Generation, Role};
use crate::input::{AttemptEnd, Input, Join, MissionInput, Submission};
use crate::letter::{Brief, Letter};
use crate::roster::Place;
use crate::time::Time;

/// How long a worker is silent before it is declared lost.
const AGENT_LEASE: Duration = Duration::from_secs(10);
/// How long it takes to stop an agent.
const STOPPING: Duration = Duration::from_millis(200);
/// After how long a worker is started again that was lost.
const RESTART: Duration = Duration::from_secs(30);

/// Where a worker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// Not in the town.
    Away,
    /// In the town, in this start.
    There(Generation),
    /// Believed to be in the town, and not heard of.
    Silent(Generation),
}

/// One worker.
#[derive(Debug)]
struct Worker {
    presence: Presence,
    /// What it works on.
    attempt: Option<Claim>,
    retiring: bool,
    starts: u32,
}

/// All workers, in the order of the scenario's agents.
#[derive(Debug)]
pub(super) struct Workers<'a> {
    script: Script<'a>,
    all: Vec<Worker>,
}

impl<'a> Workers<'a> {
    pub(super) fn new(script: Script<'a>, agenda: &mut Agenda, now: Time) -> Self {
        let agents = &script.scenario().agents;
        for (agent, scripted) in agents.iter().enumerate() {
            agenda.put(now + scripted.joins.get(), Due::Join(agent));
        }
        let away = |_| Worker { presence: Presence::Away, attempt: None, retiring: false, starts: 0 };
        Self { script, all: agents.iter().map(away).collect() }
    }

    /// The place of the agent of that name among all agents.
    pub(super) fn find(&self, name: &AgentName) -> Option<usize> {
        self.script.scenario().agents.iter().position(|agent| agent.name == *name)
    }

    /// A worker asks for its name, unless it has it.
    pub(super) fn join(&mut self, agent: usize) -> Option<Input> {
        let worker = &mut self.all[agent];
        if worker.presence != Presence::Away {
            return None;
        }
        worker.starts += 1;
        worker.retiring = false;
        let scripted = &self.script.scenario().agents[agent];
        let pid = u32::try_from(agent).unwrap_or(u32::MAX).saturating_mul(1000).saturating_add(worker.starts);
        let place = Place {
            host: "simulated".to_owned(),
            boot: "1".to_owned(),
            pid,
            started: 1,
            runs: String::new(),
        };
        let (name, role) = (scripted.name.clone(), scripted.role.as_deref().map(Role::new));
        Some(Input::Join(Join { agent: name, role, cli: scripted.cli.clone(), place }))
    }

    /// The name was given to a worker.
    pub(super) fn joined(&mut self, agent: &AgentName, generation: Generation) {
        if let Some(agent) = self.find(agent) {
            self.all[agent].presence = Presence::There(generation);
        }
    }

    /// A worker's end is known.
    pub(super) fn gone(&mut self, agent: &AgentName, generation: Generation) {
        if let Some(agent) = self.find(agent)
            && self.all[agent].generation() == Some(generation)
        {
            (self.all[agent].presence, self.all[agent].attempt) = (Presence::Away, None);
        }
    }

    /// A worker ends now, whatever it is doing; `None` if it is not there.
    pub(super) fn leave(&mut self, agent: usize, reason: &str) -> Option<Input> {
        let worker = &self.all[agent];
        let Presence::There(generation) = worker.presence else { return None };
        let agent = self.script.scenario().agents[agent].name.clone();
        Some(Input::Gone { agent, generation, reason: reason.to_owned() })
    }

    /// A worker reads a letter, if it is there to read it.
    pub(super) fn read(&mut self, name: &AgentName, letter: Letter, agenda: &mut Agenda, now: Time) {
        let Some(agent) = self.find(name) else { return };
        if !matches!(self.all[agent].presence, Presence::There(_)) {
            return;
        }
        match letter {
            Letter::Assignment(brief) => self.begin(agent, *brief, agenda, now),
            Letter::Cancel { claim } => {
                self.all[agent].attempt.take_if(|held| *held == claim);
                let end = MissionInput::ended(claim.clone(), AttemptEnd::Cancelled);
                agenda.put(now + STOPPING, Due::Post(of_mission(&claim, end)));
                self.leave_if_asked(agent, agenda, now + STOPPING);
            }
            Letter::Retire => {
                self.all[agent].retiring = true;
                self.leave_if_asked(agent, agenda, now);
            }
            Letter::Message { .. } | Letter::Help(_) => {}
        }
    }

    fn begin(&mut self, agent: usize, brief: Brief, agenda: &mut Agenda, now: Time) {
        let Deed { takes, end } = self.script.deed(&self.script.scenario().agents[agent], &brief);
        let claim = brief.claim.clone();
        let started = MissionInput::Started { claim: claim.clone() };
        agenda.put(now, Due::Post(of_mission(&claim, started)));
        let mut ends = now + takes;
        if let Ending::Late { after, .. } = &end {
            let (agent, generation) = (claim.agent.clone(), claim.generation);
            let reason = format!("no heartbeat for {} s", AGENT_LEASE.as_secs());
            agenda.put(now + AGENT_LEASE, Due::Post(Input::Gone { agent, generation, reason }));
            ends = now + AGENT_LEASE + *after;
        }
        let worker = &mut self.all[agent];
        worker.attempt = Some(claim.clone());
        if matches!(end, Ending::Late { .. }) {
            worker.presence = Presence::Silent(claim.generation);
        }
        agenda.put(ends, Due::End(Box::new(Launch { agent, brief, end })));
    }

    /// What a worker reports at the end of a launch, unless it was stopped before.
    pub(super) fn end(
        &mut self,
        launch: Launch,
        forge: &mut ForgeModel,
        agenda: &mut Agenda,
        now: Time,
    ) -> Option<Input> {
        let late = matches!(launch.end, Ending::Late { .. });
        if self.all[launch.agent].attempt.take_if(|held| *held == launch.brief.claim).is_none() && !late {
            return None;
        }
        let Launch { agent, brief, end } = launch;
        let claim = brief.claim.clone();
        let spend = self.script.scenario().agents[agent].costs;
        let work = |forge: &mut ForgeModel, touches: &[String]| MissionInput::Submitted {
            claim: claim.clone(),
            submission: work(forge, &brief, touches),
            spend,
        };
        let what = match end {
            Ending::Work { touches } => work(forge, &touches),
            Ending::Verdict { approve } => {
                let summary = if approve { "fine" } else { "not yet" }.to_owned();
                MissionInput::Submitted {
                    claim: claim.clone(),
                    submission: Submission::Verdict { approve, summary },
                    spend,
                }
            }
            Ending::Without(end) => MissionInput::Ended { claim: claim.clone(), end, spend },
            Ending::Late { touches, .. } => {
                agenda.put(now, Due::Join(agent));
                work(forge, &touches)
            }
            Ending::Dead => {
                agenda.put(now + RESTART, Due::Join(agent));
                return self.leave(agent, "its process has ended");
            }
        };
        self.leave_if_asked(agent, agenda, now);
        Some(of_mission(&claim, what))
    }

    /// A worker that was asked to leave does so once it has nothing to do.
    fn leave_if_asked(&mut self, agent: usize, agenda: &mut Agenda, now: Time) {
        if self.all[agent].retiring
            && self.all[agent].attempt.is_none()
            && let Some(gone) = self.leave(agent, "it was asked to leave")
        {
            agenda.put(now, Due::Post(gone));
        }
    }
}

impl Worker {
    const fn generation(&self) -> Option<Generation> {
        match self.presence {
            Presence::Away => None,
            Presence::There(generation) | Presence::Silent(generation) => Some(generation),
        }
    }
}

fn work(forge: &mut ForgeModel, brief: &Brief, touches: &[String]) -> Submission {
    let made = forge.work(brief, touches);
    let (empty, summary) = if made.is_some() { (false, "done") } else { (true, "it is all done") };
    Submission::Work { head: made.unwrap_or_else(|| brief.base.clone()), empty, summary: summary.to_owned() }
}

pub(super) fn of_mission(claim: &Claim, what: MissionInput) -> Input {
    Input::Mission { mission: claim.mission, what }
}
