//! Running a scenario: virtual time that jumps to whatever is next, and the very decisions of dispatchers.

use std::time::Duration;

use uuid::Uuid;

use super::agenda::{Agenda, Due};
use super::conduct::Script;
use super::forge::ForgeModel;
use super::outside::{self, Outside};
use super::scenario::{Happening, Scenario, ScenarioError};
use super::transcript::{Entry, Finish, Transcript, What};
use super::workers::Workers;
use crate::id::MissionId;
use crate::input::{Answer, Input, MissionInput, NewMission};
use crate::issue::IssueRef;
use crate::letter::{Delivery, Recipient};
use crate::mission::{Mission, MissionState};
use crate::roster::OPERATOR;
use crate::time::Time;
use crate::town::{Decided, Town, already_open_to};

/// When every simulation begins: some time in 2023.
const BEGIN: Time = Time::from_millis(1_700_000_000_000);
/// The name of the only mission.
const MISSION: MissionId = MissionId(Uuid::from_u128(0x51_3a1a_7e00));
/// So many steps are enough for any mission, and so many more for each of its items.
const STEPS: usize = 2_000;
const STEPS_PER_ITEM: usize = 500;
/// For how long a blocked mission may look whether anything has changed.
const LOOKING_IN_VAIN: Duration = Duration::from_hours(1);
/// After how long something is tried again that could not happen when it should have.
const NEXT_CHANCE: Duration = Duration::from_secs(1);

/// Runs a scenario to its end.
///
/// # Errors
/// [`ScenarioError::Flawed`] if it makes no sense, [`ScenarioError::Plan`] if its issues make no plan.
pub fn run(scenario: &Scenario) -> Result<Transcript, ScenarioError> {
    let mut simulation = Simulation::new(scenario)?;
    while simulation.step().is_some() {}
    Ok(simulation.into_transcript())
}

/// A scenario that is being run, step by step.
#[derive(Debug)]
pub struct Simulation<'a> {
    scenario: &'a Scenario,
    town: Town,
    now: Time,
    agenda: Agenda,
    workers: Workers<'a>,
    outside: Outside<'a>,
    checking: bool,
    steps: usize,
    most: usize,
    /// The last step; what it leads to comes about before the next one.
    last: Option<(Input, Decided)>,
    entries: Vec<Entry>,
    finish: Option<Finish>,
}

/// What was just decided.
#[derive(Debug, Clone, Copy)]
pub struct Decision<'s> {
    /// When.
    pub now: Time,
    /// Upon what.
    pub input: &'s Input,
    /// What.
    pub decided: &'s Decided,
    /// The town as it is now, with its mission and its agents.
    pub town: &'s Town,
}

impl<'a> Simulation<'a> {
    /// A simulation at its beginning.
    ///
    /// # Errors
    /// [`ScenarioError::Flawed`] if it makes no sense, [`ScenarioError::Plan`] if its issues make no plan.
    pub fn new(scenario: &'a Scenario) -> Result<Self, ScenarioError> {
        let items = scenario.plan()?.items;
        let most = STEPS + STEPS_PER_ITEM * items.len();
        let script = Script::new(scenario);
        let mut agenda = Agenda::default();
        let workers = Workers::new(script, &mut agenda, BEGIN);
        let objectives = items.iter().map(|item| item.key.to_string()).collect();
        let new = NewMission { id: MISSION, policy: scenario.policy.clone(), objectives, items };
        agenda.put(BEGIN, Due::Post(Input::Start(Box::new(new))));
        for meanwhile in &scenario.meanwhile {
            agenda.put(BEGIN + meanwhile.at.get(), Due::Happen(meanwhile.what.clone()));
        }
        Ok(Self {
            scenario,
            town: Town::default(),
            now: BEGIN,
            agenda,
            workers,
            outside: Outside::new(script),
            checking: cfg!(debug_assertions),
            steps: 0,
            most,
            last: None,
            entries: Vec::new(),
            finish: None,
        })
    }

    /// Whether [`Mission::check`] is run after every step. Without a word it is in debug builds only.
    #[must_use]
    pub const fn checking(mut self, checking: bool) -> Self {
        self.checking = checking;
        self
    }

    /// The time, in the simulation.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// The town.
    pub const fn town(&self) -> &Town {
        &self.town
    }

    /// The mission, once it has begun.
    pub fn mission(&self) -> Option<&Mission> {
        self.town.mission(MISSION)
    }

    /// The forge.
    pub const fn forge(&self) -> &ForgeModel {
        &self.outside.forge
    }

    /// Posts something that the scenario does not know of; it is decided when everything before it was.
    pub fn post(&mut self, input: Input) {
        self.agenda.put(self.now, Due::Post(input));
    }

    /// Decides the next input; `None` if the run is over.
    pub fn step(&mut self) -> Option<Decision<'_>> {
        self.absorb();
        if self.finish.is_some() {
            return None;
        }
        let input = match self.next_input() {
            Ok(input) => input,
            Err(finish) => {
                self.finish = Some(finish);
                return None;
            }
        };
        let decided = self.town.decide(&input, self.now);
        self.steps += 1;
        self.finish = self.broken(&decided);
        let (input, decided) = self.last.insert((input, decided));
        Some(Decision { now: self.now, input, decided, town: &self.town })
    }

    /// What must never be, if it is.
    fn broken(&self, decided: &Decided) -> Option<Finish> {
        if let Some(illegal) = &decided.step.defect {
            return Some(Finish::Contradicted(illegal.clone()));
        }
        let mission = self.mission().filter(|_| self.checking)?;
        mission.check(self.town.roster()).err().map(Finish::Violated)
    }

    /// What has happened so far.
    pub fn into_transcript(mut self) -> Transcript {
        self.absorb();
        Transcript {
            title: self.scenario.title.clone(),
            begin: BEGIN,
            took: self.now.since(BEGIN),
            steps: self.steps,
            entries: self.entries,
            finish: self.finish.unwrap_or(Finish::Unfinished),
            mission: MISSION,
            town: self.town,
        }
    }

    /// Puts another town in the place of this one, as no decision would.
    #[cfg(test)]
    pub(super) fn replace_town(&mut self, make: impl FnOnce(&Town) -> Town) {
        self.town = make(&self.town);
    }

    fn next_input(&mut self) -> Result<Input, Finish> {
        loop {
            if self.mission().is_some_and(|mission| mission.head().state.is_over()) {
                return Err(Finish::Ended);
            }
            if self.steps >= self.most {
                return Err(Finish::TooManySteps);
            }
            if let Some(due) = self.agenda.take(self.now) {
                let input = self.happen(due);
                self.tell_by_hand();
                if let Some(input) = input {
                    return Ok(input);
                }
            } else if let Some(mission) = self.town.next_wake(self.now) {
                return Ok(Input::Mission { mission, what: MissionInput::Wake });
            } else {
                self.jump()?;
            }
        }
    }

    /// Lets time pass until something is due.
    fn jump(&mut self) -> Result<(), Finish> {
        let deadline = self.town.next_deadline();
        if self.agenda.is_idle() && (deadline.is_none() || self.only_help_is_due()) {
            return Err(Finish::AtRest);
        }
        let next = [deadline, self.agenda.next()].into_iter().flatten().min();
        match next.filter(|at| *at <= BEGIN + self.scenario.until.get()) {
            Some(at) => self.now = self.now.max(at),
            None => return Err(Finish::TimeUp),
        }
        Ok(())
    }

    /// Somebody was asked for help, and nothing else is left to be done; or for a long time nothing was
    /// done but looking whether anything has changed.
    fn only_help_is_due(&self) -> bool {
        self.mission().is_some_and(|mission| {
            let head = mission.head();
            let in_vain =
                head.state == MissionState::Blocked && self.now.since(head.progress_at) >= LOOKING_IN_VAIN;
            let end = BEGIN + self.scenario.until.get();
            let asked = head.help.is_some() || mission.asked_about().next().is_some();
            let gives_up =
                mission.asked_about().any(|ix| mission.gives_up_at(ix).is_some_and(|at| at <= end));
            asked && !gives_up && (in_vain || mission.waits_for_answers_only())
        })
    }

    /// Something's time has come; it may lead to an input at once.
    fn happen(&mut self, due: Due) -> Option<Input> {
        match due {
            Due::Post(input) => Some(input),
            Due::Join(agent) => self.workers.join(agent),
            Due::End(launch) => {
                self.workers.end(*launch, &mut self.outside.forge, &mut self.agenda, self.now)
            }
            Due::Perform(op, effect) => {
                self.perform(op, &effect);
                None
            }
            Due::Happen(happening) => self.happens(happening),
        }
    }

    /// The forge does it now, unless it was revoked; the answer comes a little later.
    fn perform(&mut self, op: crate::id::OpId, effect: &crate::effect::Effect) {
        let wanted = self.mission().is_some_and(|mission| mission.item_of_effect(&op).is_some());
        if wanted {
            let result = self.outside.perform(MISSION, &op, effect);
            let answer = in_mission(MissionInput::Effect { op, result });
            self.agenda.put(self.now + outside::takes(effect.kind()) / 2, Due::Post(answer));
        }
    }

    fn happens(&mut self, happening: Happening) -> Option<Input> {
        let input = match &happening {
            Happening::Note(text) => {
                Some(in_mission(MissionInput::Note { text: text.clone(), by: OPERATOR.to_owned() }))
            }
            Happening::Stop(force) => Some(in_mission(MissionInput::Stop { force: *force })),
            Happening::Resume => Some(in_mission(MissionInput::Resume)),
            Happening::Add(number) => self.add(*number),
            Happening::Leave(name) => {
                self.workers.find(name).and_then(|agent| self.workers.leave(agent, "its worker was ended"))
            }
            Happening::Join(name) => self.workers.find(name).and_then(|agent| self.workers.join(agent)),
            _ => None,
        };
        let mission = self.town.mission(MISSION);
        let happened = match &happening {
            Happening::Leave(_) | Happening::Join(_) => input.is_some(),
            _ => mission.is_some_and(|mission| self.outside.happen(&happening, mission)),
        };
        if !happened {
            self.agenda.put_off(self.now + NEXT_CHANCE, happening);
        }
        input
    }

    /// As `tt mission add` does; what cannot be compiled is not posted.
    fn add(&mut self, number: u64) -> Option<Input> {
        let mission = self.mission()?;
        let key = IssueRef::own(number).key();
        let addition = match mission.find(&key) {
            Some(_) => Err(already_open_to(MISSION, key.as_str(), MISSION)),
            None => self.scenario.addition(number, mission).map_err(|refusals| {
                let reasons: Vec<String> = refusals.iter().map(ToString::to_string).collect();
                reasons.join("\n")
            }),
        };
        match addition {
            Ok(addition) => Some(in_mission(MissionInput::Add { items: addition.items })),
            Err(message) => {
                self.entries.push(Entry { at: self.now.since(BEGIN), what: What::Refused { message } });
                None
            }
        }
    }

    fn tell_by_hand(&mut self) {
        if !self.outside.by_hand.is_empty() {
            let at = self.now.since(BEGIN);
            let acts = std::mem::take(&mut self.outside.by_hand);
            self.entries.extend(acts.into_iter().map(|act| Entry { at, what: What::ByHand(act) }));
        }
    }

    /// What the last step leads to.
    fn absorb(&mut self) {
        let Some((input, decided)) = self.last.take() else { return };
        let step = decided.step;
        self.learn(&input, &step.answer);
        for (op, effect) in step.effects {
            let begins = self.now + outside::takes(effect.kind()) / 2;
            self.agenda.put(begins, Due::Perform(op, effect));
        }
        for Delivery { to, letter, .. } in step.letters {
            if let Recipient::Agent(name) = to {
                self.workers.read(&name, letter, &mut self.agenda, self.now);
            }
        }
        if !step.events.is_empty() || !step.roster.is_empty() {
            let what = What::Step { events: step.events, roster: step.roster };
            self.entries.push(Entry { at: self.now.since(BEGIN), what });
        }
    }

    /// What an answer means for whoever posted the input.
    fn learn(&mut self, input: &Input, answer: &Answer) {
        match (input, answer) {
            (Input::Join(join), Answer::Joined { generation }) => {
                self.workers.joined(&join.agent, *generation);
            }
            (Input::Gone { agent, generation, .. }, Answer::Applied { .. }) => {
                self.workers.gone(agent, *generation);
            }
            (input, Answer::Refused { message, .. }) if is_of_a_person(input) => {
                let what = What::Refused { message: message.clone() };
                self.entries.push(Entry { at: self.now.since(BEGIN), what });
            }
            _ => {}
        }
    }
}

fn in_mission(what: MissionInput) -> Input {
    Input::Mission { mission: MISSION, what }
}

/// Whether somebody waits for the answer, and is told if it is a refusal.
fn is_of_a_person(input: &Input) -> bool {
    let by_person = |what: &MissionInput| {
        matches!(what, MissionInput::Note { .. } | MissionInput::Stop { .. } | MissionInput::Add { .. })
    };
    match input {
        Input::Start(_) | Input::Join(_) | Input::Retire { .. } | Input::Message(_) => true,
        Input::Gone { .. } | Input::MessagesRead { .. } => false,
        Input::Mission { what, .. } => by_person(what) || *what == MissionInput::Resume,
    }
}
