//! The engine's own schedule of the same graph: [`Town::decide`] among honest agents and a forge that never fails.

use std::collections::{BTreeMap, BTreeSet};

use tinytown_core::effect::{Effect, EffectResult};
use tinytown_core::event::{Event, FollowUp};
use tinytown_core::id::{AgentName, ItemKey, MissionId, Role, Sha};
use tinytown_core::input::{Input, Join, MissionInput, NewMission, Submission};
use tinytown_core::item::Kind;
use tinytown_core::letter::{Brief, Letter};
use tinytown_core::mission::MissionState;
use tinytown_core::observation::{Checks, Observation, Pull, PullState};
use tinytown_core::policy::Policy;
use tinytown_core::roster::Place;
use tinytown_core::time::Time;
use tinytown_core::town::{Decided, Town};
use uuid::Uuid;

use crate::drawn::{CHECK, Drawn, LOOK, MERGE, PUBLISH, REVIEW, REVIEWER, ROLES};

const MISSION: MissionId = MissionId(Uuid::from_u128(1));

/// What is done wrongly, to see that it is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The shortest path comes first.
    Reversed,
    /// One slot is never used.
    SlotUnused,
}

/// A mission that is run, and what an onlooker knows of it.
pub(crate) struct Engine<'a> {
    drawn: &'a Drawn,
    town: Town,
    now: u64,
    agenda: BTreeMap<(u64, u64), Input>,
    put: u64,
    heads: BTreeMap<u64, Sha>,
    seen: Seen,
    over: bool,
}

/// What follows from events and nothing else: who is at work, what could be given out.
#[derive(Debug, Default)]
struct Seen {
    busy: BTreeSet<usize>,
    missing: Vec<usize>,
    waiting: BTreeSet<usize>,
    authors: BTreeMap<usize, usize>,
    reviews: BTreeSet<usize>,
    open_reviews: usize,
}

/// The engine's makespan, in milliseconds.
///
/// # Errors
/// If an agent idles that could be at work.
pub(crate) fn makespan(drawn: &Drawn, flaw: Option<Flaw>) -> Result<u64, String> {
    let mut engine = Engine::begin(drawn, flaw)?;
    while !engine.over {
        let ((at, _), input) =
            engine.agenda.pop_first().ok_or("nothing happens, and the mission has not ended")?;
        engine.now = at;
        engine.decide(&input)?;
    }
    Ok(engine.now)
}

fn name(agent: usize) -> AgentName {
    AgentName::new(&format!("agent-{agent}")).expect("a name")
}

fn agent(name: &AgentName) -> usize {
    number(name.as_str().trim_start_matches("agent-"))
}

fn number(digits: &str) -> usize {
    digits.parse().expect("a number")
}

/// The place of the item in the plan that a key is about.
fn place(key: &ItemKey) -> usize {
    number(key.as_str().trim_start_matches('#').split('/').next().unwrap_or_default()) - 1
}

fn sha(n: u64) -> Sha {
    Sha::new(&format!("{n:040x}")).expect("40 digits")
}

impl<'a> Engine<'a> {
    fn begin(drawn: &'a Drawn, flaw: Option<Flaw>) -> Result<Self, String> {
        let missing: Vec<usize> = drawn.items.iter().map(|work| work.after.len()).collect();
        let waiting = (0..missing.len()).filter(|at| missing[*at] == 0).collect();
        let seen = Seen { missing, waiting, ..Seen::default() };
        let (town, agenda, heads) = (Town::default(), BTreeMap::new(), BTreeMap::new());
        let mut engine = Self { drawn, town, now: 0, agenda, put: 0, heads, seen, over: false };
        for (at, role) in drawn.agents.iter().enumerate() {
            let role = role.map(|role| Role::new(ROLES[role]));
            let join = Join { agent: name(at), role, cli: "sh".to_owned(), place: Place::default() };
            engine.town.decide(&Input::Join(join), Time::from_millis(0));
        }
        let unused = usize::from(flaw == Some(Flaw::SlotUnused) && drawn.max_parallel > 1);
        let policy = Policy {
            max_parallel: u32::try_from(drawn.max_parallel - unused).expect("small"),
            reviewer_required: drawn.reviewed,
            auto_merge: true,
            ..Policy::default()
        };
        let mut items = drawn.specs();
        if flaw == Some(Flaw::Reversed) {
            for item in &mut items {
                item.path_length = u32::MAX - item.path_length;
            }
        }
        let new = NewMission { id: MISSION, policy, objectives: Vec::new(), items };
        engine.decide(&Input::Start(Box::new(new)))?;
        Ok(engine)
    }

    fn decide(&mut self, input: &Input) -> Result<(), String> {
        let decided = self.town.decide(input, Time::from_millis(i64::try_from(self.now).expect("small")));
        if let Input::Mission { what: MissionInput::Submitted { claim, .. }, .. } = input {
            self.seen.busy.remove(&agent(&claim.agent));
        }
        let mission = self.town.mission(MISSION).ok_or("the mission is there")?;
        self.over = mission.head().state == MissionState::Completed;
        self.absorb(&decided);
        self.seen.idle(self.drawn).map_or(Ok(()), |idle| Err(format!("after {input:?}: {idle}")))
    }

    fn absorb(&mut self, decided: &Decided) {
        for event in &decided.step.events {
            self.seen.take(event, self.drawn);
        }
        for (op, effect) in &decided.step.effects {
            let (takes, result) = self.perform(effect);
            let what = MissionInput::Effect { op: op.clone(), result };
            self.put(takes, what);
        }
        for delivery in &decided.step.letters {
            if let Letter::Assignment(brief) = &delivery.letter {
                self.work(brief);
            }
        }
    }

    fn put(&mut self, after: u64, what: MissionInput) {
        self.put += 1;
        self.agenda.insert((self.now + after, self.put), Input::Mission { mission: MISSION, what });
    }

    fn work(&mut self, brief: &Brief) {
        let claim = brief.claim.clone();
        self.put(0, MissionInput::Started { claim: claim.clone() });
        let summary = String::new();
        let (takes, submission) = match brief.kind {
            Kind::Review => (REVIEW, Submission::Verdict { approve: true, summary }),
            _ => (
                self.drawn.items[place(&claim.item)].takes,
                Submission::Work { head: sha(claim.fence.0), empty: false, summary },
            ),
        };
        self.put(takes, MissionInput::submitted(claim, submission));
    }

    /// Nothing fails.
    fn perform(&mut self, effect: &Effect) -> (u64, EffectResult) {
        match effect {
            Effect::Base { .. } => (0, EffectResult::Base(sha(0))),
            Effect::Publish { item, branch, head, .. } => {
                let number = u64::try_from(place(item)).expect("small") + 1;
                self.heads.insert(number, head.clone());
                let (url, branch, head) = (String::new(), branch.clone(), head.clone());
                let pull = Pull { number, url, branch, head, state: PullState::Open };
                (PUBLISH, EffectResult::Published(pull))
            }
            Effect::Look { pull, .. } => {
                (LOOK, EffectResult::Looked(Observation::open(self.heads[pull].clone())))
            }
            Effect::Check { head, .. } => {
                (CHECK, EffectResult::Checked { head: head.clone(), checks: Checks::Green })
            }
            Effect::Merge { .. } => (MERGE, EffectResult::Merged(None)),
            Effect::Restack { head, stack, .. } => {
                (0, EffectResult::Restacked { from: head.clone(), head: head.clone(), stack: stack.clone() })
            }
            Effect::Issues { .. } => (0, EffectResult::Issues(Vec::new())),
        }
    }
}

impl Seen {
    fn take(&mut self, event: &Event, drawn: &Drawn) {
        match event {
            Event::ItemAdded { item, task: FollowUp::Review { .. }, .. } => {
                self.reviews.insert(place(item));
                self.open_reviews += 1;
            }
            Event::ItemAssigned { item, agent: name, .. } => {
                self.busy.insert(agent(name));
                if is_review(item) {
                    self.reviews.remove(&place(item));
                } else {
                    self.waiting.remove(&place(item));
                    self.authors.insert(place(item), agent(name));
                }
            }
            Event::ItemDone { item, .. } if is_review(item) => self.open_reviews -= 1,
            Event::ItemDone { item, .. } => self.done(place(item), drawn),
            _ => {}
        }
    }

    fn done(&mut self, item: usize, drawn: &Drawn) {
        for (at, work) in drawn.items.iter().enumerate().filter(|(_, work)| work.after.contains(&item)) {
            self.missing[at] -= 1;
            if self.missing[at] == 0 && !work.after.is_empty() {
                self.waiting.insert(at);
            }
        }
    }

    /// Somebody who idles though something could be given to them now.
    fn idle(&self, drawn: &Drawn) -> Option<String> {
        if self.busy.len() > drawn.max_parallel {
            return Some(format!("{} agents are at work, {} allowed", self.busy.len(), drawn.max_parallel));
        }
        if self.busy.len() == drawn.max_parallel {
            return None;
        }
        (0..drawn.agents.len()).filter(|agent| !self.busy.contains(agent)).find_map(|agent| {
            let review = self.reviews.iter().find(|item| drawn.may_review(agent, self.authors[*item]));
            let reserved = self.open_reviews > 0 && drawn.agents[agent] == Some(REVIEWER);
            let work = self.waiting.iter().filter(|_| !reserved).find(|item| drawn.may_work(agent, **item));
            let item = review.or(work)?;
            Some(format!("agent-{agent} idles, and could take #{}", item + 1))
        })
    }
}

fn is_review(key: &ItemKey) -> bool {
    key.as_str().contains("/review-")
}
