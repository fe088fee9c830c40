//! What to do next: one small function per input, deterministic and total.
//!
//! [`decide`] takes a mission and the roster to their next state and says what must happen outside.
//! It changes state through events only ([`Mission::apply`]), so that the returned step, applied to
//! the state before, gives the state after.

mod add;
mod ask;
mod assign;
mod attempt;
mod conclude;
mod effect;
mod follow_up;
mod gate;
mod lane;
mod note;
mod operate;

use std::collections::VecDeque;

use crate::effect::Effect;
use crate::event::{Event, Hold};
use crate::id::{AgentName, OpId};
use crate::input::{Answer, MissionInput, NewMission};
use crate::letter::{Delivery, Letter, Recipient};
use crate::mission::{Charter, IllegalTransition, ItemIx, Mission, Phase};
use crate::roster::{Roster, RosterChange};
use crate::spend::Spend;
use crate::time::Time;

/// One input, decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its number in the mission; the first is 1. The assignment fence of what it assigns.
    pub seq: u64,
    /// When it was decided: never before the step before it.
    pub now: Time,
    /// What became true.
    pub events: Vec<Event>,
    /// What changed among the agents.
    pub roster: Vec<RosterChange>,
    /// What is to be done outside.
    pub effects: Vec<(OpId, Effect)>,
    /// Effects that are over or must not be begun any more.
    pub effects_over: Vec<OpId>,
    /// What is to be delivered.
    pub letters: Vec<Delivery>,
    /// Deliveries that are over.
    pub letters_over: Vec<(Recipient, String)>,
    /// For whoever posted the input.
    pub answer: Answer,
    /// The engine contradicted itself: nothing of this step may be committed.
    pub defect: Option<Defect>,
}

/// A contradiction of the engine with itself: a bug of tinytown, never of its inputs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// An event that cannot happen was decided.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// One thing led to another without end.
    #[error("a step that does not come to an end, after {events} events")]
    Endless {
        /// How many events were decided.
        events: usize,
    },
}

/// More events than this for each item of a mission are decided in no step that is well.
const EVENTS_PER_ITEM: usize = 50;

impl Step {
    pub(crate) fn new(seq: u64, now: Time) -> Self {
        Self {
            seq,
            now,
            events: Vec::new(),
            roster: Vec::new(),
            effects: Vec::new(),
            effects_over: Vec::new(),
            letters: Vec::new(),
            letters_over: Vec::new(),
            answer: Answer::applied(),
            defect: None,
        }
    }

    /// A step in which nothing happens but a refusal.
    pub fn refusing(answer: Answer, now: Time) -> Self {
        Self { answer, ..Self::new(0, now) }
    }

    /// Whether nothing happened, so that nothing need be committed.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.roster.is_empty()
            && self.effects.is_empty()
            && self.effects_over.is_empty()
            && self.letters.is_empty()
            && self.letters_over.is_empty()
    }
}

/// Whether a step may take free agents, or must leave them to another mission that comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// It may.
    Agents,
    /// It must not.
    Nothing,
}

/// Begins a mission: its first step.
pub fn start(new: &NewMission, roster: &mut Roster, now: Time, grant: Grant) -> (Mission, Step) {
    let mut mission = Mission::new(Charter {
        id: new.id,
        created_at: now,
        objectives: new.objectives.clone(),
        policy: new.policy.clone(),
        items: new.items.clone(),
    });
    let mut turn = Turn::begin(&mut mission, roster, now);
    turn.emit(Event::MissionStarted);
    turn.skip_excluded();
    turn.touch_all();
    let step = turn.finish(grant);
    (mission, step)
}

/// Decides one input. The mission and the roster are afterwards as the step says.
pub fn decide(
    mission: &mut Mission,
    roster: &mut Roster,
    input: &MissionInput,
    now: Time,
    grant: Grant,
) -> Step {
    let mut turn = Turn::begin(mission, roster, now);
    let answer = match input {
        MissionInput::Started { claim } => turn.started(claim),
        MissionInput::Submitted { claim, submission, spend } => {
            turn.spend = *spend;
            turn.submitted(claim, submission)
        }
        MissionInput::Ended { claim, end, spend } => {
            turn.spend = *spend;
            turn.ended(claim, end)
        }
        MissionInput::Effect { op, result } => turn.effect(op, result),
        MissionInput::Note { text, by } => turn.note(text, by),
        MissionInput::Stop { force } => turn.stop(*force),
        MissionInput::Resume => turn.resume(),
        MissionInput::Add { items } => turn.add(items),
        MissionInput::AgentGone { agent, generation, reason } => turn.agent_gone(agent, *generation, reason),
        MissionInput::AgentRetires { agent, force } => turn.agent_retires(agent, *force),
        MissionInput::Reconcile => turn.reconcile(),
        MissionInput::Wake => turn.wake(),
    };
    turn.step.answer = answer;
    turn.finish(grant)
}

/// A decision in the making.
struct Turn<'a> {
    mission: &'a mut Mission,
    roster: &'a mut Roster,
    now: Time,
    step: Step,
    /// What the attempt cost that the input is about.
    spend: Spend,
    /// Items to be looked at before the step ends.
    queue: VecDeque<ItemIx>,
}

impl<'a> Turn<'a> {
    fn begin(mission: &'a mut Mission, roster: &'a mut Roster, now: Time) -> Self {
        let (seq, now) = mission.begin_step(now);
        Self {
            mission,
            roster,
            now,
            step: Step::new(seq, now),
            spend: Spend::default(),
            queue: VecDeque::new(),
        }
    }

    /// Makes an event true and remembers whom it concerns.
    fn emit(&mut self, event: Event) {
        let merging = self.mission.next_to_merge();
        if let Err(illegal) = self.mission.apply(&event, self.now) {
            self.step.defect.get_or_insert(illegal.into());
            return;
        }
        let next = self.mission.next_to_merge();
        self.queue.extend(next.filter(|_| next != merging));
        if let Some(ix) = event.item().and_then(|key| self.mission.find(key)) {
            self.touch_around(ix, &event);
        }
        self.step.events.push(event);
    }

    fn touch_around(&mut self, ix: ItemIx, event: &Event) {
        self.queue.push_back(ix);
        if self.mission.item(ix).now.phase.is_over() {
            self.queue.extend(self.mission.item(ix).parent);
            if !matches!(event, Event::EffectOver { .. } | Event::EffectAsked { .. }) {
                self.queue.extend(self.mission.dependents(ix).iter().copied());
            }
        }
    }

    fn touch_all(&mut self) {
        let count = u32::try_from(self.mission.items().len()).unwrap_or(u32::MAX);
        self.queue.extend((0..count).map(ItemIx));
    }

    /// The agent CLI that an agent runs.
    fn cli_of(&self, agent: &AgentName) -> String {
        self.roster.get(agent).map_or_else(String::new, |entry| entry.cli.clone())
    }

    /// Only a person, or whoever answers for one, can let the item go on.
    fn hold(&mut self, ix: ItemIx, hold: Hold) {
        let item = self.mission.key(ix).clone();
        self.emit(Event::ItemHeld { item, hold });
    }

    /// Holds the item if one of its budgets is used up; whether it did.
    fn hold_if_overspent(&mut self, ix: ItemIx) -> bool {
        let overspent = self.mission.overspent_on(ix, self.now);
        overspent.map(|detail| self.hold(ix, Hold::Limit { detail })).is_some()
    }

    fn roster(&mut self, change: RosterChange) {
        self.roster.apply(&change, self.now);
        self.step.roster.push(change);
    }

    fn ask(&mut self, ix: ItemIx, effect: Effect) {
        let op =
            OpId::new(format!("{}/{}/{}", self.mission.id(), self.step.seq, self.step.effects.len() + 1));
        let item = self.mission.key(ix).clone();
        self.emit(Event::EffectAsked { item, op: op.clone(), kind: effect.kind() });
        self.step.effects.push((op, effect));
    }

    /// Takes back whatever is under way for an item.
    fn revoke(&mut self, ix: ItemIx) {
        for (kind, op) in self.mission.item(ix).now.effects.clone() {
            self.step.effects_over.push(op.clone());
            self.emit(Event::EffectOver { item: self.mission.key(ix).clone(), op, kind });
        }
    }

    fn deliver(&mut self, to: Recipient, key: String, letter: Letter) {
        self.step.letters.push(Delivery { to, key, letter });
    }

    fn deliver_to_agent(&mut self, agent: &AgentName, key: String, letter: Letter) {
        self.deliver(Recipient::Agent(agent.clone()), key, letter);
    }

    /// Looks at every item that something happened to, then gives out work, then sees where the mission stands.
    fn finish(mut self, grant: Grant) -> Step {
        self.settle();
        if grant == Grant::Agents {
            self.assign();
            self.settle();
        }
        self.see_to_asks();
        self.settle();
        self.conclude();
        if !self.step.is_empty() {
            self.mission.end_step(self.step.seq, self.now);
        }
        self.step
    }

    fn settle(&mut self) {
        let most = (self.mission.items().len() + 10) * EVENTS_PER_ITEM;
        while let Some(ix) = self.queue.pop_front() {
            if self.step.events.len() > most {
                let events = self.step.events.len();
                self.step.defect.get_or_insert(Defect::Endless { events });
                return;
            }
            if self.mission.head().state.is_active() {
                self.advance(ix);
            }
        }
    }

    /// The next thing to do for one item, if there is any. Doing nothing twice is safe.
    fn advance(&mut self, ix: ItemIx) {
        match self.mission.item(ix).now.phase {
            Phase::Pending => self.promote(ix),
            Phase::Gated => self.judge(ix),
            Phase::Done => self.watch(ix),
            Phase::Failed => {
                self.failed_for(ix);
                self.drop_dependents(ix);
            }
            Phase::Skipped => self.skipped(ix),
            Phase::Ready | Phase::Assigned | Phase::Running | Phase::Cancelling => {}
        }
    }
}
