//! The town as its one writer sees it: the roster, the unfinished missions, and who comes first.

use std::collections::BTreeMap;

use crate::decide::{self, Grant, Step};
use crate::event::Event;
use crate::id::{AgentName, Generation, MessageId, MissionId};
use crate::input::{Answer, Input, Join, Message, MissionInput, NewMission, Refusal};
use crate::letter::{Delivery, Letter, MESSAGE_LIMIT, Recipient, message_key};
use crate::mission::Mission;
use crate::roster::{Agent, AgentState, OPERATOR, Roster, RosterChange};
use crate::time::Time;

/// One input, decided: to be committed whole, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The mission that it changed; none if it changed only the roster, or nothing.
    pub mission: Option<MissionId>,
    /// The mission began with this step.
    pub begins: bool,
    /// What is to be committed.
    pub step: Step,
}

/// Everything that the active dispatcher decides upon.
#[derive(Debug, Clone, Default)]
pub struct Town {
    roster: Roster,
    missions: BTreeMap<MissionId, Mission>,
    /// What unfinished missions are about: an objective is open in one of them at most.
    objectives: BTreeMap<String, MissionId>,
}

impl Town {
    /// A town of these agents and unfinished missions.
    pub fn new(roster: Roster, missions: impl IntoIterator<Item = Mission>) -> Self {
        let mut town = Self { roster, ..Self::default() };
        for mission in missions {
            town.insert(mission);
        }
        town
    }

    /// The agents.
    pub const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The missions that have not ended, by id.
    pub fn missions(&self) -> impl Iterator<Item = &Mission> {
        self.missions.values()
    }

    /// The mission of that id, if it has not ended.
    pub fn mission(&self, id: MissionId) -> Option<&Mission> {
        self.missions.get(&id)
    }

    /// Decides one input. The town is afterwards as the step says.
    pub fn decide(&mut self, input: &Input, now: Time) -> Decided {
        match input {
            Input::Start(new) => self.start(new, now),
            Input::Mission { mission, what } => self.in_mission(*mission, what, now),
            Input::Join(join) => self.join(join, now),
            Input::Gone { agent, generation, reason } => self.gone(agent, *generation, reason, now),
            Input::Retire { agent, force } => self.retire(agent, *force, now),
            Input::Message(message) => self.message(message, now),
            Input::MessagesRead { agent, messages } => self.messages_read(agent, messages, now),
        }
    }

    /// A mission for which something is due, or that may have its pick of the free agents now; it wants
    /// [`MissionInput::Wake`]. Missions come by priority, then by longest wait.
    pub fn next_wake(&self, now: Time) -> Option<MissionId> {
        let due = self.missions.values().find(|mission| mission.next_deadline().is_some_and(|at| at <= now));
        let lifted = self.roster.next_lifted().filter(|at| *at <= now);
        let lifts = || lifted.and_then(|_| self.any_active()).map(Mission::id);
        due.map(Mission::id).or_else(lifts).or_else(|| self.next_pick())
    }

    /// Some mission that may launch: whichever notices that a limit was lifted.
    fn any_active(&self) -> Option<&Mission> {
        self.missions.values().find(|mission| mission.head().state.is_active())
    }

    /// The earliest deadline of all missions.
    pub fn next_deadline(&self) -> Option<Time> {
        let lifted = self.any_active().and_then(|_| self.roster.next_lifted());
        self.missions.values().filter_map(Mission::next_deadline).chain(lifted).min()
    }

    /// Forgets a mission that has ended, once that is committed.
    pub fn forget_ended(&mut self, id: MissionId) {
        if self.missions.get(&id).is_some_and(|mission| mission.head().state.is_over()) {
            self.missions.remove(&id);
            self.objectives.retain(|_, mission| *mission != id);
        }
    }

    fn insert(&mut self, mission: Mission) {
        let open = mission.objectives().map(|objective| (objective.to_owned(), mission.id()));
        self.objectives.extend(open);
        self.missions.insert(mission.id(), mission);
    }

    fn next_pick(&self) -> Option<MissionId> {
        if !self.roster.has_free() {
            return None;
        }
        let hungry = self
            .missions
            .values()
            .filter(|mission| mission.wants_agents() && !mission.is_barren(&self.roster));
        hungry
            .filter_map(|mission| {
                let first = mission.first_ready()?;
                let since = mission.item(first.item).now.since;
                Some((std::cmp::Reverse(first.priority()), since, mission.id()))
            })
            .min()
            .map(|(_, _, id)| id)
    }

    /// A mission may take agents in its own step only if no other one waits for some.
    fn grant(&self, id: MissionId, input: &MissionInput) -> Grant {
        let alone = self.missions.len() == 1;
        let offered = *input == MissionInput::Wake && self.next_pick() == Some(id);
        let others_wait = || self.missions.values().any(|other| other.id() != id && other.wants_agents());
        if alone || offered || !others_wait() { Grant::Agents } else { Grant::Nothing }
    }

    fn in_mission(&mut self, id: MissionId, input: &MissionInput, now: Time) -> Decided {
        let grant = self.grant(id, input);
        if let Some(message) = self.taken(id, input) {
            return refused(Refusal::NotNow, message, now);
        }
        let Some(mission) = self.missions.get_mut(&id) else {
            return refused(Refusal::NotNow, format!("mission {id} has ended"), now);
        };
        let step = decide::decide(mission, &mut self.roster, input, now, grant);
        for event in &step.events {
            if let Event::ItemJoined { item, .. } = event {
                self.objectives.insert(item.to_string(), id);
            }
        }
        Decided { mission: Some(id), begins: false, step }
    }

    /// Why something cannot be added: it is in an unfinished mission already, perhaps in that one.
    fn taken(&self, id: MissionId, input: &MissionInput) -> Option<String> {
        let MissionInput::Add { items } = input else { return None };
        // What has ended takes nothing, whatever it was about.
        self.missions.get(&id)?;
        items.iter().find_map(|item| {
            let mission = self.objectives.get(item.key.as_str())?;
            Some(already_open_to(id, item.key.as_str(), *mission))
        })
    }

    fn start(&mut self, new: &NewMission, now: Time) -> Decided {
        if self.missions.contains_key(&new.id) {
            return refused(Refusal::NotNow, format!("mission {} has begun already", new.id), now);
        }
        let taken = new.objectives.iter().find_map(|objective| {
            self.objectives.get(objective).map(|mission| (objective.clone(), *mission))
        });
        if let Some((objective, mission)) = taken {
            return refused(Refusal::NotNow, already_open(&objective, mission), now);
        }
        let others_wait = self.missions.values().any(Mission::wants_agents);
        let grant = if others_wait { Grant::Nothing } else { Grant::Agents };
        let (mission, step) = decide::start(new, &mut self.roster, now, grant);
        self.insert(mission);
        Decided { mission: Some(new.id), begins: true, step }
    }

    fn join(&mut self, join: &Join, now: Time) -> Decided {
        let name = &join.agent;
        if name.as_str() == OPERATOR {
            // Its verdicts and notes would count as a person's.
            let message = format!("{name} is what people are called here; choose another name");
            return refused(Refusal::Invalid, message, now);
        }
        let generation = match self.roster.get(name) {
            Some(agent) if agent.is_present() && agent.place == join.place => {
                return answered(Answer::Joined { generation: agent.generation }, now);
            }
            Some(agent) if agent.is_present() => {
                let message = format!(
                    "the name {name} is taken by a worker on {} (process {}); choose another, or end it with: tt kill {name}",
                    agent.place.host, agent.place.pid
                );
                return refused(Refusal::NotNow, message, now);
            }
            Some(agent) => Generation(agent.generation.0 + 1),
            None => Generation(1),
        };
        let agent = Agent {
            name: name.clone(),
            generation,
            role: join.role.clone(),
            cli: join.cli.clone(),
            place: join.place.clone(),
            state: AgentState::Idle,
            retiring: false,
            paused_until: self.roster.paused_until(&join.cli).filter(|until| *until > now),
            since: now,
        };
        let mut decided = answered(Answer::Joined { generation }, now);
        decided.step.letters_over.push((Recipient::Agent(name.clone()), "retire".to_owned()));
        self.change(&mut decided, RosterChange::AgentJoined { agent: Box::new(agent) }, now);
        decided
    }

    fn gone(&mut self, name: &AgentName, generation: Generation, reason: &str, now: Time) -> Decided {
        let agent = match self.present(name, now) {
            Ok(agent) if agent.generation == generation => agent,
            Ok(_) => return refused(Refusal::NotNow, format!("{name} was started again"), now),
            Err(refusal) => return *refusal,
        };
        if let Some(mission) = self.mission_of(agent) {
            let (agent, reason) = (name.clone(), reason.to_owned());
            return self.in_mission(mission, &MissionInput::AgentGone { agent, generation, reason }, now);
        }
        let mut decided = answered(Answer::applied(), now);
        let change = RosterChange::AgentGone { agent: name.clone(), reason: reason.to_owned() };
        self.change(&mut decided, change, now);
        decided
    }

    fn retire(&mut self, name: &AgentName, force: bool, now: Time) -> Decided {
        let agent = match self.present(name, now) {
            Ok(agent) => agent,
            Err(refusal) => return *refusal,
        };
        if let Some(mission) = self.mission_of(agent) {
            return self.in_mission(mission, &MissionInput::AgentRetires { agent: name.clone(), force }, now);
        }
        let mut decided = answered(Answer::applied(), now);
        self.change(&mut decided, RosterChange::AgentRetiring { agent: name.clone() }, now);
        let to = Recipient::Agent(name.clone());
        decided.step.letters.push(Delivery { to, key: "retire".to_owned(), letter: Letter::Retire });
        decided
    }

    /// A letter, and nothing else: nothing that is decided depends on it.
    fn message(&self, message: &Message, now: Time) -> Decided {
        let Message { id, agent, text, from } = message;
        if self.roster.get(agent).is_none() {
            return unknown(agent, now);
        }
        if text.trim().is_empty() || text.len() > MESSAGE_LIMIT {
            let told = format!("a message has 1 to {MESSAGE_LIMIT} bytes, this one has {}", text.len());
            return refused(Refusal::Invalid, told, now);
        }
        let letter = Letter::Message { id: *id, text: text.clone(), from: from.clone() };
        let to = Recipient::Agent(agent.clone());
        let mut decided = answered(Answer::applied(), now);
        decided.step.letters.push(Delivery { to, key: message_key(*id), letter });
        decided
    }

    /// Whichever start of the agent read them: they were in a prompt.
    fn messages_read(&self, agent: &AgentName, messages: &[MessageId], now: Time) -> Decided {
        if self.roster.get(agent).is_none() {
            return unknown(agent, now);
        }
        let mut decided = answered(Answer::applied(), now);
        let letter = |id: &MessageId| (Recipient::Agent(agent.clone()), message_key(*id));
        decided.step.letters_over = messages.iter().map(letter).collect();
        decided
    }

    fn present(&self, name: &AgentName, now: Time) -> Result<&Agent, Box<Decided>> {
        match self.roster.get(name) {
            Some(agent) if agent.is_present() => Ok(agent),
            Some(_) => Err(Box::new(refused(Refusal::NotNow, format!("{name} is gone already"), now))),
            None => Err(Box::new(unknown(name, now))),
        }
    }

    fn mission_of(&self, agent: &Agent) -> Option<MissionId> {
        agent.claim().map(|claim| claim.mission).filter(|mission| self.missions.contains_key(mission))
    }

    fn change(&mut self, decided: &mut Decided, change: RosterChange, now: Time) {
        self.roster.apply(&change, now);
        decided.step.roster.push(change);
    }
}

fn answered(answer: Answer, now: Time) -> Decided {
    let step = Step { answer, ..Step::new(0, now) };
    Decided { mission: None, begins: false, step }
}

fn unknown(agent: &AgentName, now: Time) -> Decided {
    refused(Refusal::Unknown, format!("no agent {agent} in this town"), now)
}

fn refused(why: Refusal, message: String, now: Time) -> Decided {
    answered(Answer::refused(why, message), now)
}

/// Why a mission over that objective cannot start: another one is about it, and has not ended.
pub fn already_open(objective: &str, mission: MissionId) -> String {
    format!(
        "{objective} is already in the unfinished mission {mission}; end that with: tt mission stop {mission} --force"
    )
}

/// The same for what is to be added to the mission `to`, which may be that one itself: nothing need be ended then.
pub fn already_open_to(to: MissionId, objective: &str, mission: MissionId) -> String {
    if to == mission {
        return format!(
            "{objective} is already in the unfinished mission {mission}, to which it was to be added"
        );
    }
    already_open(objective, mission)
}
