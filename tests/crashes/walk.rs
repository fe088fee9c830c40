//! A town in which anything may happen next: workers, the forge, operators and the clock act by chance.

use std::collections::BTreeMap;
use std::time::Duration;

use tinytown_core::effect::{Effect, EffectResult, Stack};
use tinytown_core::id::{AgentName, Claim, Generation, MessageId, MissionId, OpId, Role, Sha};
use tinytown_core::input::{AttemptEnd, Input, Join, Message, MissionInput, NewMission, Submission};
use tinytown_core::issue::{IssueRef, IssueState};
use tinytown_core::item::{Dependency, EdgeOrigin, EdgeSource, External, ItemSpec, Kind, Origin, RoleWish};
use tinytown_core::letter::{Brief, Letter, Recipient};
use tinytown_core::mission::{Item, Mission, Phase};
use tinytown_core::observation::{CheckReport, Checks, Mergeable, Observation, Pull, PullState};
use tinytown_core::policy::Policy;
use tinytown_core::roster::{AgentState, Place};
use tinytown_core::simulate::Dice;
use tinytown_core::text::Text;
use tinytown_core::town::Decided;
use tinytown_store::Blob;
use tinytown_store::codec::intern;
use tinytown_store::conformance::fixture::identity;

use crate::record::{Recorded, Recorder};

/// How long a town may last.
const LONGEST: Duration = Duration::from_hours(20);

/// The calls of a town to which `steps` things happened; the same seed gives the same calls.
pub(crate) fn walk(seed: u64, steps: usize) -> Vec<Recorded> {
    let mut walk = Walk::new(seed);
    walk.begin();
    for _ in 0..steps {
        walk.step();
    }
    walk.recorder.calls
}

struct Walk {
    recorder: Recorder,
    dice: Dice,
    /// Here work often fails, and what others build upon often changes.
    shaky: bool,
    rolls: u64,
    effects: Vec<(MissionId, OpId, Effect)>,
    letters: Vec<Letter>,
    /// What workers are at, and what they were at.
    at_work: Vec<Brief>,
    claims: Vec<Claim>,
    pulls: BTreeMap<String, Pull>,
    heads: u64,
    missions: u64,
    unread: Option<(AgentName, MessageId)>,
}

impl Walk {
    fn new(seed: u64) -> Self {
        Self {
            recorder: Recorder::new(),
            dice: Dice::new(seed),
            shaky: seed % 4 == 3,
            rolls: 0,
            effects: Vec::new(),
            letters: Vec::new(),
            at_work: Vec::new(),
            claims: Vec::new(),
            pulls: BTreeMap::new(),
            heads: 0,
            missions: 0,
            unread: None,
        }
    }

    fn begin(&mut self) {
        for name in ["ann", "ben", "reviewer"] {
            self.join(name);
        }
        self.start();
        if self.chance(30) {
            self.recorder.pass_lease_on();
        }
    }

    fn step(&mut self) {
        if self.shaky && self.chance(10) {
            self.touch_a_pull();
            self.pass_time();
        }
        match self.roll(100) {
            0..30 => self.perform(),
            30..50 => self.read(),
            50..68 => self.finish(),
            68..81 => self.pass_time(),
            81..82 => self.send(),
            82..90 => self.note(),
            90..92 => self.operate(),
            92..94 => self.come_and_go(),
            94..96 => self.repeat_a_claim(),
            96..98 => self.touch_a_pull(),
            98..99 => self.beat(),
            _ => self.start(),
        }
    }

    // Chance.

    fn roll(&mut self, sides: u64) -> u64 {
        self.rolls += 1;
        self.dice.roll("walk", self.rolls) % sides
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        if of.is_empty() {
            return None;
        }
        let at = self.roll(of.len() as u64);
        of.get(usize::try_from(at).unwrap_or_default()).cloned()
    }

    // Missions.

    fn start(&mut self) {
        if self.recorder.town.missions().count() > 1 {
            return;
        }
        self.missions += 1;
        let policy = Policy {
            max_parallel: 1 + u32::try_from(self.roll(3)).unwrap_or_default(),
            reviewer_required: !self.shaky && self.chance(50),
            auto_merge: !self.shaky && self.chance(50),
            max_attempts: 2,
            max_losses: 1,
            max_launches: if self.shaky && self.chance(50) { 4 } else { 0 },
            ..Policy::default()
        };
        let first = self.missions * 10;
        let items: Vec<ItemSpec> = (first..first + 4).map(|number| self.item(first, number)).collect();
        let objectives = items.iter().map(|item| item.key.to_string()).collect();
        let id = mission_id(self.missions);
        let mut blobs = Vec::new();
        let items = items.into_iter().map(|item| long_body(item, &mut blobs)).collect();
        self.post(&Input::Start(Box::new(NewMission { id, policy, objectives, items })), blobs);
    }

    fn item(&mut self, first: u64, number: u64) -> ItemSpec {
        let source =
            EdgeSource { by: EdgeOrigin::Marker, location: "here".into(), line: None, words: String::new() };
        let depends_on = (first..number)
            .filter(|_| self.chance(if self.shaky { 80 } else { 40 }))
            .map(|on| Dependency { on: IssueRef::own(on).key(), source: source.clone() })
            .collect();
        let external = External { on: IssueRef::own(900), source: source.clone() };
        ItemSpec {
            key: IssueRef::own(number).key(),
            title: format!("Item {number}"),
            kind: Kind::Implement,
            role: self.chance(20).then(|| RoleWish { role: Role::new("writer"), required: false }),
            pinned: None,
            priority: 0,
            body: Text::inline(if number % 10 == 3 { "long ".repeat(1000) } else { String::new() }),
            depends_on,
            external: if self.chance(20) { vec![external] } else { Vec::new() },
            skip: self.chance(5),
            path_length: 1,
            origin: Origin::Issue(IssueRef::own(number)),
        }
    }

    // How inputs arrive.

    fn post(&mut self, input: &Input, blobs: Vec<Blob>) {
        let decided = self.recorder.posted(input, blobs);
        self.take(decided);
    }

    fn tell(&mut self, mission: MissionId, what: MissionInput) {
        self.post(&Input::Mission { mission, what }, Vec::new());
    }

    fn take(&mut self, decided: Decided) {
        let Decided { mission, step, .. } = decided;
        if let Some(mission) = mission {
            self.effects.extend(step.effects.into_iter().map(|(op, effect)| (mission, op, effect)));
        }
        self.effects.retain(|(_, op, _)| !step.effects_over.contains(op));
        let to_agents = step.letters.into_iter().filter(|one| one.to != Recipient::Conductor);
        self.letters.extend(to_agents.map(|one| one.letter));
    }

    fn pass_time(&mut self) {
        let now = self.recorder.now;
        if let Some(mission) = self.recorder.town.next_wake(now) {
            let decided =
                self.recorder.observed(&Input::Mission { mission, what: MissionInput::Wake }, Vec::new());
            return self.take(decided);
        }
        let due = self.recorder.town.next_deadline();
        let next = due.map_or(now, |due| due.max(now)) + Duration::from_secs(self.roll(5));
        // After a day SQLite forgets names, and the model does not.
        if next.since(identity().created_at) < LONGEST {
            self.recorder.now = next;
        }
    }

    // Workers.

    fn join(&mut self, name: &str) {
        let started = self.rolls;
        let place = Place { host: "h".into(), boot: "b".into(), pid: 1, started, runs: String::new() };
        let role = (name == "reviewer").then(|| Role::new(name));
        self.post(&Input::Join(Join { agent: agent(name), role, cli: "sh".into(), place }), Vec::new());
        self.rolls += 1;
    }

    fn read(&mut self) {
        let Some(letter) = (!self.letters.is_empty()).then(|| self.letters.remove(0)) else { return };
        match letter {
            Letter::Assignment(brief) => {
                if self.chance(80) {
                    self.tell(brief.claim.mission, MissionInput::Started { claim: brief.claim.clone() });
                }
                self.claims.push(brief.claim.clone());
                self.at_work.push(*brief);
            }
            Letter::Cancel { claim } if self.chance(70) => {
                self.at_work.retain(|brief| brief.claim != claim);
                let end = AttemptEnd::Cancelled;
                self.tell(claim.mission, MissionInput::ended(claim, end));
            }
            _ => {}
        }
    }

    fn finish(&mut self) {
        if self.shaky && self.chance(40) {
            return self.pass_time();
        }
        let Some(brief) = self.pick(&self.at_work.clone()) else { return };
        self.at_work.retain(|other| other.claim != brief.claim);
        let what = self.ending(&brief.claim, brief.kind);
        self.tell(brief.claim.mission, what);
    }

    fn ending(&mut self, claim: &Claim, kind: Kind) -> MissionInput {
        let claim = claim.clone();
        let detail = "why".to_owned();
        let end = match self.roll(if self.shaky { 30 } else { 100 }) {
            0..5 => AttemptEnd::Failed { cause: "exit".to_owned(), detail },
            5..9 => AttemptEnd::Lost { detail },
            9..12 => AttemptEnd::Stuck { summary: "which one?".to_owned() },
            12..14 => AttemptEnd::Cancelled,
            14..16 => AttemptEnd::Limited { until: None, detail },
            _ => {
                let submission = self.submission(kind);
                return MissionInput::submitted(claim, submission);
            }
        };
        MissionInput::ended(claim, end)
    }

    fn submission(&mut self, kind: Kind) -> Submission {
        let verdict = if self.chance(95) { kind == Kind::Review } else { kind != Kind::Review };
        if verdict {
            return Submission::Verdict { approve: self.chance(65), summary: "seen".to_owned() };
        }
        Submission::Work { head: self.head(), empty: self.chance(15), summary: "did it".to_owned() }
    }

    /// Some assignment that was once in force is reported upon again.
    fn repeat_a_claim(&mut self) {
        let stands = |claim: &Claim, phase| {
            let mission = self.recorder.town.mission(claim.mission);
            let item = mission.and_then(|one| Some(one.item(one.find(&claim.item)?)));
            item.is_some_and(|item| item.now.phase == phase)
        };
        // An item rarely goes back so far.
        let back = self.claims.iter().find(|claim| stands(claim, Phase::Pending)).cloned();
        let Some(claim) = back.or_else(|| self.pick(&self.claims.clone())) else { return };
        let kind = if claim.item.as_str().contains("review") { Kind::Review } else { Kind::Implement };
        let what = self.ending(&claim, kind);
        self.tell(claim.mission, what);
    }

    /// An operator says something to an agent, there or gone; or what was said is read.
    fn send(&mut self) {
        if let Some((agent, id)) = self.unread.take() {
            return self.post(&Input::MessagesRead { agent, messages: vec![id] }, Vec::new());
        }
        let agents: Vec<AgentName> =
            self.recorder.town.roster().iter().map(|agent| agent.name.clone()).collect();
        let Some(agent) = self.pick(&agents) else { return };
        let id = MessageId(uuid::Uuid::from_u128(self.rolls.into()));
        self.unread = Some((agent.clone(), id));
        let message = Message { id, agent, text: "mind the gap".to_owned(), from: "ada".to_owned() };
        self.post(&Input::Message(message), Vec::new());
    }

    fn come_and_go(&mut self) {
        let agents: Vec<_> = self.recorder.town.roster().iter().cloned().collect();
        let Some(agent) = self.pick(&agents) else { return };
        let (name, generation) = (agent.name, agent.generation);
        if agent.state == AgentState::Gone {
            self.join(name.as_str());
            return;
        }
        let busy = agent.state != AgentState::Idle;
        match self.roll(6) {
            0 => {
                let force = self.chance(50);
                self.post(&Input::Retire { agent: name, force }, Vec::new());
            }
            1 => {
                let reason = "it left".to_owned();
                self.post(&Input::Gone { agent: name, generation, reason }, Vec::new());
            }
            2 => self.join("cleo"),
            3 if busy && self.recorder.town.missions().count() > 0 => {
                for decided in self.recorder.lost_unseen(&name, generation) {
                    self.take(decided);
                }
            }
            _ => {
                let decided = self.recorder.lost(&name, generation);
                self.take(decided);
            }
        }
    }

    fn beat(&mut self) {
        let agents: Vec<_> = self.recorder.town.roster().iter().cloned().collect();
        let Some(agent) = self.pick(&agents) else { return };
        let late = u64::from(agent.generation.0 > 1 && self.chance(30));
        self.recorder.beat(&agent.name, Generation(agent.generation.0 - late));
    }

    // Operators.

    fn note(&mut self) {
        let mission = {
            let all: Vec<_> = self.recorder.town.missions().map(Mission::id).collect();
            self.pick(&all)
        };
        let Some(id) = mission else { return };
        let items: Vec<Item> =
            self.recorder.town.mission(id).map_or(Vec::new(), |mission| mission.items().to_vec());
        let Some(Item { spec, now, .. }) = self.pick(&items) else { return };
        let item = spec.key;
        let words: &[&str] = match now.phase {
            Phase::Cancelling => &["redirect #"],
            Phase::Done => &["approve #", "merge #"],
            _ => &["approve #", "retry #", "merge #", "redirect #", "skip #", "resume", "retry", "hello"],
        };
        let text = match self.pick(words) {
            Some("redirect #") => {
                let to = self.pick(&["ann", "ben"]).unwrap_or_default();
                format!("redirect {item} to {to}")
            }
            // Less often, or nothing would be left to do.
            Some("skip #") if self.chance(60) => return,
            Some(word) => word.replace('#', item.as_str()),
            None => return,
        };
        self.tell(id, MissionInput::Note { text, by: "me".to_owned() });
    }

    fn operate(&mut self) {
        let all: Vec<_> = self.recorder.town.missions().map(Mission::id).collect();
        let Some(mission) = self.pick(&all) else { return };
        let stopped = self.recorder.town.mission(mission).is_some_and(|one| !one.head().state.is_active());
        let what = match self.roll(10) {
            0 => MissionInput::Stop { force: true },
            1..5 => return self.add(mission),
            _ if stopped => MissionInput::Resume,
            _ => MissionInput::Stop { force: false },
        };
        self.tell(mission, what);
    }

    /// An issue for which others may wait outside, or another one.
    fn add(&mut self, mission: MissionId) {
        let first = self.missions * 10;
        let number = if self.chance(50) { 900 } else { first + 5 };
        let mut blobs = Vec::new();
        let item = ItemSpec { external: Vec::new(), ..self.item(number, number) };
        let item = long_body(item, &mut blobs);
        self.post(&Input::Mission { mission, what: MissionInput::Add { items: vec![item] } }, blobs);
    }

    // The forge.

    fn head(&mut self) -> Sha {
        self.heads += 1;
        Sha::new(&format!("{:040x}", self.heads)).expect("40 digits")
    }

    /// Somebody does something to a pull request by hand.
    fn touch_a_pull(&mut self) {
        let branches: Vec<String> = self.pulls.keys().cloned().collect();
        let Some(branch) = self.pick(&branches) else { return };
        let (sort, head) = (self.roll(4), self.head());
        let Some(pull) = self.pulls.get_mut(&branch) else { return };
        match sort {
            0 if !self.shaky => pull.state = PullState::Merged(None),
            1 => pull.state = PullState::Closed,
            2 => pull.state = PullState::Open,
            _ => pull.head = head,
        }
    }

    fn perform(&mut self) {
        let Some((mission, op, effect)) = self.pick(&self.effects.clone()) else { return };
        self.effects.retain(|(_, other, _)| *other != op);
        let mut blobs = Vec::new();
        let result = if self.chance(8) {
            EffectResult::Failed { again: self.chance(60), detail: "the forge is away".to_owned() }
        } else {
            self.result(&effect, &mut blobs)
        };
        let what = MissionInput::Effect { op, result };
        let decided = self.recorder.observed(&Input::Mission { mission, what }, blobs);
        self.take(decided);
    }

    fn result(&mut self, effect: &Effect, blobs: &mut Vec<Blob>) -> EffectResult {
        match effect {
            Effect::Base { holds, .. } => match holds.first() {
                Some(head) if self.chance(30) => EffectResult::BaseConflict {
                    onto: self.head(),
                    head: head.clone(),
                    detail: String::new(),
                },
                _ => EffectResult::Base(self.head()),
            },
            Effect::Publish { branch, head, .. } => self.publish(branch, head),
            Effect::Look { pull, .. } => self.look(*pull),
            Effect::Check { head, .. } => {
                EffectResult::Checked { head: head.clone(), checks: self.checks(blobs) }
            }
            Effect::Merge { pull, head, tested, .. } => self.merge(*pull, head, tested.is_some()),
            Effect::Restack { head, stack, .. } => self.restack(head, stack),
            Effect::Issues { references, .. } => {
                let state = if self.chance(60) { IssueState::Closed } else { IssueState::Open };
                EffectResult::Issues(references.iter().map(|one| (one.clone(), state)).collect())
            }
        }
    }

    fn publish(&mut self, branch: &str, head: &Sha) -> EffectResult {
        let number = self.pulls.len() as u64 + 1;
        let (moved, refused) = (self.chance(5), self.chance(5));
        let pull = self.pulls.entry(branch.to_owned()).or_insert_with(|| Pull {
            number,
            url: format!("pull/{number}"),
            branch: branch.to_owned(),
            head: head.clone(),
            state: PullState::Open,
        });
        if pull.state != PullState::Open || refused {
            return EffectResult::NotOpen(Pull { state: PullState::Closed, ..pull.clone() });
        }
        if moved {
            return EffectResult::HeadMoved(pull.head.clone());
        }
        pull.head = head.clone();
        EffectResult::Published(pull.clone())
    }

    fn look(&mut self, number: u64) -> EffectResult {
        let mergeable = match self.roll(10) {
            0 => Mergeable::Unknown,
            1 => Mergeable::Conflict("both changed it".to_owned()),
            _ => Mergeable::Yes,
        };
        let governed = if self.chance(10) { vec!["tinytown.toml".to_owned()] } else { Vec::new() };
        match self.pulls.values().find(|pull| pull.number == number).cloned() {
            Some(Pull { head, state, .. }) => {
                EffectResult::Looked(Observation { state, mergeable, governed, ..Observation::open(head) })
            }
            None => EffectResult::Failed { again: true, detail: "no such pull request".to_owned() },
        }
    }

    fn checks(&mut self, blobs: &mut Vec<Blob>) -> Checks {
        let report = |output| CheckReport::new("check", "exit 1", output);
        match self.roll(10) {
            0 => Checks::Pending,
            1 => Checks::Red(report(Text::inline("boom"))),
            2 => Checks::CouldNotRun(report(intern(blobs, "boom ".repeat(1000)))),
            _ => Checks::Green,
        }
    }

    fn restack(&mut self, from: &Sha, stack: &Stack) -> EffectResult {
        let (from, head) = (from.clone(), self.head());
        match self.roll(20) {
            0 => EffectResult::StackConflict { from, head, detail: "both changed it".to_owned() },
            1 => EffectResult::HeadMoved(head),
            2 | 3 => EffectResult::Restacked { from, head, stack: stack.clone() },
            _ => EffectResult::Restacked { head: from.clone(), from, stack: stack.clone() },
        }
    }

    fn merge(&mut self, number: u64, from: &Sha, tested: bool) -> EffectResult {
        let head = self.head();
        let sort = self.roll(10);
        if !tested && self.chance(40) {
            return EffectResult::Untested { head: from.clone(), trial: head };
        }
        let Some(pull) = self.pulls.values_mut().find(|pull| pull.number == number) else {
            return EffectResult::Closed;
        };
        match (sort, &pull.state) {
            (_, PullState::Closed) => EffectResult::Closed,
            (0 | 3, _) => EffectResult::BaseCheckoutBusy("local changes".to_owned()),
            (1, _) => EffectResult::MergeConflict("both changed it".to_owned()),
            (2, _) => EffectResult::HeadMoved(head),
            _ => {
                pull.state = PullState::Merged(Some(head.clone()));
                EffectResult::Merged(Some(head))
            }
        }
    }
}

fn mission_id(n: u64) -> MissionId {
    MissionId(uuid::Uuid::from_u128(n.into()))
}

fn agent(name: &str) -> AgentName {
    AgentName::new(name).expect("a name")
}

/// A long text travels beside the item.
fn long_body(item: ItemSpec, blobs: &mut Vec<Blob>) -> ItemSpec {
    match item.body {
        Text::Inline(text) => ItemSpec { body: intern(blobs, text), ..item },
        Text::Stored { .. } => item,
    }
}
