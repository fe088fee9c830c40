//! A town of one author and two reviewers, and everything that may be told to it next.
//!
//! The forge is an adversary: whatever is under way may be answered with anything that some forge could have seen at
//! some time, of the head that the engine knows, of an earlier one, of one that somebody pushed just now.

use std::fmt;

use tinytown_core::decide::Step;
use tinytown_core::effect::{Effect, EffectResult};
use tinytown_core::event::{Event, Outcome};
use tinytown_core::id::{AgentName, Claim, ItemKey, MissionId, OpId, Role, Sha};
use tinytown_core::input::{Answer, AttemptEnd, Input, Join, MissionInput, NewMission, Submission};
use tinytown_core::item::{ItemSpec, Kind};
use tinytown_core::letter::{Brief, Letter};
use tinytown_core::mission::{Item, Mission};
use tinytown_core::observation::{CheckReport, Checks, Mergeable, Observation, Pull, PullState};
use tinytown_core::policy::Policy;
use tinytown_core::roster::Place;
use tinytown_core::simulate::{Scenario, ScriptedIssue};
use tinytown_core::text::Text;
use tinytown_core::time::Time;
use tinytown_core::town::Town;
use uuid::Uuid;

use crate::oracle::Oracle;

/// The item that is judged; [`DEPENDENT`] builds upon it, and keeps the mission open.
pub(crate) const ITEM: &str = "#1";
const DEPENDENT: &str = "#2";
const MISSION: MissionId = MissionId(Uuid::from_u128(1));
/// So many commits there are at most: the first work, fixes and pushes.
const HEADS: u64 = 4;
/// The first merge on trial; the others follow.
const TRIAL: u64 = 900;

/// The town, and what is under way in it.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) town: Town,
    pub(crate) now: Time,
    pub(crate) under_way: Vec<(OpId, Effect)>,
    pub(crate) assigned: Vec<Assigned>,
    /// What was told, or would have been told had it not been revoked: it must change nothing any more.
    pub(crate) over: Vec<MissionInput>,
    pub(crate) heads: u64,
    pub(crate) oracle: Oracle,
    /// How often the engine said that the item is accepted, and asked for its merge.
    pub(crate) accepted: u32,
    pub(crate) merges: u32,
}

/// An assignment whose agent has not ended.
#[derive(Debug, Clone)]
pub(crate) struct Assigned {
    pub(crate) claim: Claim,
    pub(crate) kind: Kind,
    pub(crate) about: Option<Sha>,
    /// The agent was told to stop.
    pub(crate) cancelled: bool,
}

/// Something that may be told to the engine.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    /// What came of an effect that is under way.
    Result(OpId, EffectResult),
    /// An agent hands in a fix.
    Fixed(Claim),
    /// A reviewer judges.
    Judged(Claim, bool),
    /// A cancelled agent is gone.
    Stopped(Claim),
    /// A person says so.
    Note(&'static str),
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Result(_, result) => write!(f, "{result:?}"),
            Self::Fixed(claim) => write!(f, "{} hands in {}", claim.agent, claim.item),
            Self::Judged(claim, approve) => {
                let judges = if *approve { "approves" } else { "asks for changes" };
                write!(f, "{} {judges} in {}", claim.agent, claim.item)
            }
            Self::Stopped(claim) => write!(f, "{} has stopped working on {}", claim.agent, claim.item),
            Self::Note(note) => write!(f, "a person says: {note}"),
        }
    }
}

fn sha(n: u64) -> Sha {
    Sha::new(&format!("{n:08x}{n:032x}")).expect("40 digits")
}

fn pull(head: &Sha, state: PullState) -> Pull {
    Pull { number: 1, url: "pull/1".to_owned(), branch: "b".to_owned(), head: head.clone(), state }
}

fn report() -> CheckReport {
    CheckReport::new("test", "exit 1", Text::default())
}

/// The item that is judged, and one that waits for it.
fn items() -> Vec<ItemSpec> {
    let first = ScriptedIssue { number: 1, ..ScriptedIssue::default() };
    let then = ScriptedIssue { number: 2, after: vec![1], ..ScriptedIssue::default() };
    Scenario { issues: vec![first, then], ..Scenario::default() }.plan().expect("it makes a plan").items
}

impl World {
    /// The item's pull request has just been opened; its checks and a first look are under way.
    pub(crate) fn published(policy: &Policy) -> Self {
        let mut world = Self {
            town: Town::default(),
            now: Time::from_millis(0),
            under_way: Vec::new(),
            assigned: Vec::new(),
            over: Vec::new(),
            heads: 0,
            oracle: Oracle::new(policy),
            accepted: 0,
            merges: 0,
        };
        for (name, role) in [("ann", None), ("ben", Some("reviewer")), ("cleo", Some("reviewer"))] {
            world.join(name, role);
        }
        let (policy, objectives) = (policy.clone(), Vec::new());
        let new = NewMission { id: MISSION, policy, objectives, items: items() };
        world.decide(&Input::Start(Box::new(new))).expect("a mission begins");
        let first = world.assigned.first().expect("the author has the item").claim.clone();
        world.tell(&Told::Fixed(first)).expect("work is handed in");
        let (op, effect) = world.under_way.first().cloned().expect("it is published");
        let Effect::Publish { head, .. } = effect else { panic!("{effect:?}") };
        let opened = EffectResult::Published(pull(&head, PullState::Open));
        world.tell(&Told::Result(op, opened)).expect("it is published");
        world
    }

    fn join(&mut self, name: &str, role: Option<&str>) {
        let agent = AgentName::new(name).expect("a name");
        let (role, cli, place) = (role.map(Role::new), "sh".to_owned(), Place::default());
        self.decide(&Input::Join(Join { agent, role, cli, place })).expect("it joins");
    }

    pub(crate) fn mission(&self) -> Option<&Mission> {
        self.town.mission(MISSION)
    }

    pub(crate) fn item(&self) -> Option<&Item> {
        let mission = self.mission()?;
        Some(mission.item(mission.find(&ItemKey::new(ITEM))?))
    }

    /// The same at the next time at which something is due for an item, if there is one.
    ///
    /// Times at which the mission only asks for help are passed over: nothing that is judged depends on them.
    pub(crate) fn later(&self) -> Option<Result<Self, String>> {
        let items = self.mission()?.items();
        let due = items.iter().flat_map(|item| [item.now.look_at, item.now.not_before]).flatten().min()?;
        let mut later = Self { now: due, ..self.clone() };
        Some(later.decide(&in_mission(MissionInput::Wake)).map(|_| later))
    }

    /// Whatever was told, told again, and late news of what was revoked: nothing may come of it.
    pub(crate) fn tell_again(&self) -> Result<(), String> {
        let mut again = self.town.clone();
        for input in &self.over {
            let step = again.decide(&in_mission(input.clone()), self.now).step;
            let stale = |event: &Event| matches!(event, Event::SubmissionStale { .. });
            if !step.events.iter().all(stale) || !step.effects.is_empty() {
                return Err(format!("told again: {input:?} led to {:?}", step.events));
            }
        }
        let mission = self.mission().ok_or("the mission is gone")?;
        mission.check(self.town.roster()).map_err(|broken| broken.to_string())
    }

    /// Tells it, and judges what comes of it.
    pub(crate) fn tell(&mut self, told: &Told) -> Result<(), String> {
        let what = self.words(told);
        match told {
            Told::Result(op, result) => self.settle(op, result),
            Told::Fixed(claim) | Told::Judged(claim, _) | Told::Stopped(claim) => self.hand_in(claim, told),
            Told::Note(note) => self.oracle.wanted |= note.starts_with("merge"),
        }
        self.decide(&in_mission(what.clone()))?;
        self.over.extend((!matches!(told, Told::Note(_))).then_some(what));
        Ok(())
    }

    fn words(&mut self, told: &Told) -> MissionInput {
        match told {
            Told::Result(op, result) => MissionInput::Effect { op: op.clone(), result: result.clone() },
            Told::Fixed(claim) => {
                self.heads += 1;
                let (head, summary) = (sha(self.heads), String::new());
                let submission = Submission::Work { head, empty: false, summary };
                MissionInput::submitted(claim.clone(), submission)
            }
            Told::Judged(claim, approve) => {
                let submission = Submission::Verdict { approve: *approve, summary: String::new() };
                MissionInput::submitted(claim.clone(), submission)
            }
            Told::Stopped(claim) => MissionInput::ended(claim.clone(), AttemptEnd::Cancelled),
            Told::Note(text) => MissionInput::Note { text: (*text).to_owned(), by: "ada".to_owned() },
        }
    }

    fn settle(&mut self, op: &OpId, result: &EffectResult) {
        let at = self.under_way.iter().position(|(name, _)| name == op).expect("it is under way");
        let (_, effect) = self.under_way.remove(at);
        self.oracle.hears_result(&effect, result);
        self.heads += u64::from(mentions(result, &sha(self.heads + 1)));
    }

    fn hand_in(&mut self, claim: &Claim, told: &Told) {
        let at = self.assigned.iter().position(|one| one.claim == *claim).expect("it is assigned");
        let one = self.assigned.remove(at);
        match told {
            _ if one.cancelled => {}
            Told::Fixed(_) => self.oracle.hears_work(&claim.agent, &sha(self.heads)),
            Told::Judged(_, approve) => {
                let head = one.about.expect("a review is about a head");
                self.oracle.hears_verdict(&claim.agent, &head, *approve);
            }
            _ => {}
        }
    }

    fn decide(&mut self, input: &Input) -> Result<Answer, String> {
        let decided = self.town.decide(input, self.now);
        let step = decided.step;
        if let Some(defect) = &step.defect {
            return Err(format!("defect: {defect}"));
        }
        if let (Input::Mission { what: MissionInput::Note { text, .. }, .. }, Answer::Applied { .. }) =
            (input, &step.answer)
            && text.starts_with("approve")
        {
            self.approved(&step.answer)?;
        }
        self.absorb(&step)?;
        Ok(step.answer)
    }

    /// A person is told what they approved.
    fn approved(&mut self, answer: &Answer) -> Result<(), String> {
        let seen = self.oracle.proposed.as_ref().map_or("", Sha::short);
        if *answer != Answer::said(format!("approved at {seen}")) {
            return Err(format!("approved {seen}, and was answered {answer:?}"));
        }
        self.oracle.hears_approval();
        Ok(())
    }

    fn absorb(&mut self, step: &Step) -> Result<(), String> {
        for event in &step.events {
            self.oracle.judges_event(event)?;
            let accepted = |outcome: &Outcome| outcome.is_accepted();
            self.accepted += u32::from(matches!(event, Event::ItemDone { outcome, .. } if accepted(outcome)));
        }
        for (op, effect) in &step.effects {
            self.oracle.judges_effect(effect)?;
            self.merges += u32::from(matches!(effect, Effect::Merge { .. }));
            self.under_way.push((op.clone(), effect.clone()));
        }
        for delivery in &step.letters {
            match &delivery.letter {
                Letter::Assignment(brief) => {
                    self.oracle.judges_assignment(brief)?;
                    self.assigned.extend(assignment(brief));
                }
                Letter::Cancel { claim } => {
                    let of_claim = self.assigned.iter_mut().filter(|one| one.claim == *claim);
                    of_claim.for_each(|one| one.cancelled = true);
                }
                _ => {}
            }
        }
        self.drop_revoked(&step.effects_over);
        self.find_bases()
    }

    fn drop_revoked(&mut self, revoked: &[OpId]) {
        let Some(head) = self.oracle.told.clone() else { return };
        let gone: Vec<_> = self.under_way.extract_if(.., |(op, _)| revoked.contains(op)).collect();
        for (op, effect) in gone {
            let result = match effect {
                Effect::Check { head, .. } => EffectResult::Checked { head, checks: Checks::Green },
                Effect::Look { .. } => look(&head, PullState::Open, Mergeable::Yes, false),
                _ => continue,
            };
            self.over.push(MissionInput::Effect { op, result });
        }
    }

    /// From where work starts is found at once: nothing here depends on when.
    fn find_bases(&mut self) -> Result<(), String> {
        while let Some(at) =
            self.under_way.iter().position(|(_, effect)| matches!(effect, Effect::Base { .. }))
        {
            let (op, _) = self.under_way.remove(at);
            let result = EffectResult::Base(sha(0));
            self.decide(&in_mission(MissionInput::Effect { op, result }))?;
        }
        Ok(())
    }

    /// Everything that may be told now.
    pub(crate) fn tellable(&self) -> Vec<Told> {
        let results = self.under_way.iter().flat_map(|(op, effect)| {
            self.results(effect).into_iter().map(|result| Told::Result(op.clone(), result))
        });
        let by_agents = self.assigned.iter().flat_map(|one| self.by_agent(one));
        results.chain(by_agents).chain(self.by_persons()).collect()
    }

    fn results(&self, effect: &Effect) -> Vec<EffectResult> {
        let failed = |again| EffectResult::Failed { again, detail: "no answer".to_owned() };
        let moved = self.fresh().map(EffectResult::HeadMoved);
        let closed = |state| self.oracle.told.as_ref().map(|head| EffectResult::NotOpen(pull(head, state)));
        match effect {
            Effect::Look { .. } => self.looks().chain([failed(true)]).collect(),
            Effect::Check { head, .. } => self.checks(head).chain([failed(true)]).collect(),
            Effect::Merge { head, .. } => [
                EffectResult::Merged(None),
                EffectResult::Untested { head: head.clone(), trial: sha(TRIAL + self.oracle.trials()) },
                EffectResult::MergeConflict("README.md".to_owned()),
                EffectResult::BaseCheckoutBusy("README.md".to_owned()),
                EffectResult::Closed,
                failed(true),
                failed(false),
            ]
            .into_iter()
            .chain(moved)
            .collect(),
            Effect::Publish { head, .. } => [
                Some(EffectResult::Published(pull(head, PullState::Open))),
                closed(PullState::Closed),
                closed(PullState::Merged(None)),
                moved,
                Some(failed(true)),
            ]
            .into_iter()
            .flatten()
            .collect(),
            // The item that is judged builds upon nothing.
            Effect::Base { .. } | Effect::Issues { .. } | Effect::Restack { .. } => Vec::new(),
        }
    }

    /// What a look may show.
    fn looks(&self) -> impl Iterator<Item = EffectResult> {
        use Mergeable::{Conflict, Unknown, Yes};
        let oracle = &self.oracle;
        let now = oracle.told.clone().expect("there is a pull request");
        let others =
            [self.fresh(), oracle.earlier.clone(), oracle.proposed.clone().filter(|one| *one != now)];
        let of_others: Vec<_> =
            others.into_iter().flatten().map(|head| look(&head, PullState::Open, Yes, false)).collect();
        [
            look(&now, PullState::Open, Yes, false),
            look(&now, PullState::Open, Yes, true),
            look(&now, PullState::Open, Unknown, false),
            look(&now, PullState::Open, Conflict("README.md".to_owned()), false),
            look(&now, PullState::Closed, Yes, false),
            look(&now, PullState::Merged(None), Yes, false),
        ]
        .into_iter()
        .chain(of_others)
    }

    /// What the checks may say, of the head that was asked about or of another one.
    fn checks(&self, head: &Sha) -> impl Iterator<Item = EffectResult> {
        let answers = [Checks::Green, Checks::Red(report()), Checks::Pending, Checks::CouldNotRun(report())];
        let other = [&self.oracle.told, &self.oracle.earlier].into_iter().flatten().find(|one| *one != head);
        let other = other.into_iter().chain(self.oracle.other_trial(head));
        let other = other.map(|other| (other.clone(), Checks::Green));
        let of_head: Vec<_> = answers.into_iter().map(|checks| (head.clone(), checks)).chain(other).collect();
        of_head.into_iter().map(|(head, checks)| EffectResult::Checked { head, checks })
    }

    fn by_agent(&self, one: &Assigned) -> Vec<Told> {
        let claim = || one.claim.clone();
        let mut told = match one.kind {
            Kind::Review if one.cancelled => vec![Told::Judged(claim(), true)],
            Kind::Review => vec![Told::Judged(claim(), true), Told::Judged(claim(), false)],
            _ if self.heads < HEADS => vec![Told::Fixed(claim())],
            _ => Vec::new(),
        };
        told.extend(one.cancelled.then(|| Told::Stopped(claim())));
        told
    }

    fn by_persons(&self) -> impl Iterator<Item = Told> {
        let held = self.item().is_some_and(|item| item.now.hold.is_some());
        let merge = !self.oracle.auto_merge && !self.oracle.wanted;
        let notes = [(true, "approve #1"), (merge, "merge #1"), (held, "retry #1")];
        notes.into_iter().filter(|(may, _)| *may).map(|(_, note)| Told::Note(note))
    }

    /// A commit that somebody pushes.
    fn fresh(&self) -> Option<Sha> {
        (self.heads < HEADS).then(|| sha(self.heads + 1))
    }
}

fn assignment(brief: &Brief) -> Option<Assigned> {
    let Brief { claim, kind, head, .. } = brief.clone();
    (claim.item.as_str() != DEPENDENT).then_some(Assigned { claim, kind, about: head, cancelled: false })
}

fn look(head: &Sha, state: PullState, mergeable: Mergeable, governs: bool) -> EffectResult {
    let governed = if governs { vec!["tinytown.toml".to_owned()] } else { Vec::new() };
    EffectResult::Looked(Observation { state, mergeable, governed, ..Observation::open(head.clone()) })
}

/// Whether a result is about that head.
fn mentions(result: &EffectResult, head: &Sha) -> bool {
    match result {
        EffectResult::Looked(seen) => seen.head == *head,
        EffectResult::HeadMoved(moved) => moved == head,
        _ => false,
    }
}

fn in_mission(what: MissionInput) -> Input {
    Input::Mission { mission: MISSION, what }
}
