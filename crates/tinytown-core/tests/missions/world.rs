//! A small honest world around [`Town::decide`]: effects succeed, agents hand in work, time jumps to the
//! next deadline. Every step is checked against the invariants and replayed from its events.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use tinytown_core::effect::{Effect, EffectResult};
use tinytown_core::event::Event;
use tinytown_core::id::{AgentName, ItemKey, MissionId, OpId, Role, Sha};
use tinytown_core::input::{Answer, Input, Join, MissionInput, NewMission, Submission};
use tinytown_core::issue::IssueRef;
use tinytown_core::item::{Dependency, EdgeOrigin, EdgeSource, ItemSpec, Kind, Origin, RoleWish};
use tinytown_core::letter::{Brief, Letter, Recipient};
use tinytown_core::mission::{Item, Mission, MissionState};
use tinytown_core::observation::{Checks, Observation, Pull, PullState};
use tinytown_core::policy::Policy;
use tinytown_core::roster::Place;
use tinytown_core::text::Text;
use tinytown_core::time::Time;
use tinytown_core::town::{Decided, Town};

pub(crate) type Worker = Box<dyn FnMut(&Brief) -> Option<MissionInput>>;
pub(crate) type ForgeHook = Box<dyn FnMut(&Effect) -> Option<EffectResult>>;

pub(crate) struct World {
    pub(crate) town: Town,
    pub(crate) now: Time,
    pub(crate) log: String,
    pub(crate) effects: VecDeque<(MissionId, OpId, Effect)>,
    pub(crate) letters: Vec<(AgentName, Letter)>,
    pub(crate) help: Vec<String>,
    pub(crate) worker: Worker,
    pub(crate) forge: ForgeHook,
    replicas: BTreeMap<MissionId, Mission>,
    records: BTreeMap<MissionId, BTreeMap<ItemKey, String>>,
    pulls: BTreeMap<String, Pull>,
    shas: u64,
}

pub(crate) fn sha(n: u64) -> Sha {
    Sha::new(&format!("{n:040x}")).expect("40 digits")
}

pub(crate) fn mission_id(n: u128) -> MissionId {
    MissionId(uuid::Uuid::from_u128(n))
}

pub(crate) fn item(number: u64, title: &str, after: &[u64]) -> ItemSpec {
    let source = EdgeSource {
        by: EdgeOrigin::Marker,
        location: format!("issues/{number}.md").into(),
        line: Some(1),
        words: String::new(),
    };
    ItemSpec {
        key: IssueRef::own(number).key(),
        title: title.to_owned(),
        kind: Kind::Implement,
        role: None,
        pinned: None,
        priority: 0,
        body: Text::default(),
        depends_on: after
            .iter()
            .map(|on| Dependency { on: IssueRef::own(*on).key(), source: source.clone() })
            .collect(),
        external: Vec::new(),
        skip: false,
        path_length: 1,
        origin: Origin::Issue(IssueRef::own(number)),
    }
}

pub(crate) fn wishing(spec: ItemSpec, role: &str, required: bool) -> ItemSpec {
    ItemSpec { role: Some(RoleWish { role: Role::new(role), required }), ..spec }
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            town: Town::default(),
            now: Time::from_millis(1_000_000),
            log: String::new(),
            effects: VecDeque::new(),
            letters: Vec::new(),
            help: Vec::new(),
            worker: Box::new(honest),
            forge: Box::new(|_| None),
            replicas: BTreeMap::new(),
            records: BTreeMap::new(),
            pulls: BTreeMap::new(),
            shas: 1000,
        }
    }

    pub(crate) fn join(&mut self, name: &str, role: Option<&str>) -> Answer {
        let place = Place {
            host: "here".to_owned(),
            boot: "b".to_owned(),
            pid: u32::try_from(name.len()).expect("short"),
            started: 1,
            runs: String::new(),
        };
        self.input(&Input::Join(Join {
            agent: AgentName::new(name).expect("a name"),
            role: role.map(Role::new),
            cli: "sh".to_owned(),
            place,
        }))
    }

    pub(crate) fn start(&mut self, id: u128, policy: Policy, items: Vec<ItemSpec>) -> Answer {
        let objectives = items.iter().map(|spec| spec.key.to_string()).collect();
        self.input(&Input::Start(Box::new(NewMission { id: mission_id(id), policy, objectives, items })))
    }

    pub(crate) fn mission(&self) -> &Mission {
        self.replicas.values().next().expect("a mission")
    }

    pub(crate) fn state(&self) -> MissionState {
        self.mission().head().state
    }

    pub(crate) fn tell(&mut self, what: MissionInput) -> Answer {
        let mission = *self.replicas.keys().next().expect("a mission");
        self.input(&Input::Mission { mission, what })
    }

    pub(crate) fn note(&mut self, text: &str) -> Answer {
        self.tell(MissionInput::Note { text: text.to_owned(), by: "me".to_owned() })
    }

    pub(crate) fn gone(&mut self, name: &str) -> Answer {
        let agent = AgentName::new(name).expect("a name");
        let generation = self.town.roster().get(&agent).expect("an agent").generation;
        self.input(&Input::Gone { agent, generation, reason: "killed".to_owned() })
    }

    pub(crate) fn input(&mut self, input: &Input) -> Answer {
        let decided = self.town.decide(input, self.now);
        self.record(&decided);
        let Decided { mission, step, .. } = decided;
        if let Some(mission) = mission {
            self.effects.extend(step.effects.into_iter().map(|(op, effect)| (mission, op, effect)));
            self.effects.retain(|(_, op, _)| !step.effects_over.contains(op));
        }
        for delivery in step.letters {
            match (delivery.to, delivery.letter) {
                (Recipient::Agent(agent), letter) => self.letters.push((agent, letter)),
                (Recipient::Conductor, Letter::Help(request)) => self.help.push(request.reason),
                (Recipient::Conductor, _) => {}
            }
        }
        step.answer
    }

    /// Checks what must hold, replays the step's events, and writes them down.
    fn record(&mut self, decided: &Decided) {
        let Some(id) = decided.mission else { return };
        let Some(mission) = self.town.mission(id) else { return };
        mission.check(self.town.roster()).unwrap_or_else(|broken| panic!("{broken}\n{}", self.log));
        let now = decided.step.now;
        let replica = self.replicas.entry(id).or_insert_with(|| Mission::new(mission.charter().clone()));
        for event in &decided.step.events {
            replica.apply(event, now).expect("the events of a step can be replayed");
            if let Some(line) = describe(event) {
                writeln!(self.log, "{line}").expect("a string takes it");
            }
        }
        for (ours, theirs) in replica.items().iter().zip(mission.items()) {
            assert_eq!(ours, theirs, "replaying events gives the same items");
        }
        assert_eq!(replica.head().state, mission.head().state);
        let records = self.records.entry(id).or_default();
        load_again(mission, records);
        self.town.forget_ended(id);
    }

    /// Lets everything that can happen happen, without letting time pass.
    pub(crate) fn settle(&mut self) {
        for _ in 0..10_000 {
            if let Some((mission, op, effect)) = self.effects.pop_front() {
                let scripted = (self.forge)(&effect);
                let result = scripted.unwrap_or_else(|| self.perform(&effect));
                self.input(&Input::Mission { mission, what: MissionInput::Effect { op, result } });
            } else if !self.letters.is_empty() {
                let (_, letter) = self.letters.remove(0);
                self.read(letter);
            } else if let Some(mission) = self.town.next_wake(self.now) {
                self.input(&Input::Mission { mission, what: MissionInput::Wake });
            } else {
                return;
            }
        }
        panic!("it never comes to rest:\n{}", self.log);
    }

    /// Settles, then jumps to the next deadline, again and again, until the mission ends or nothing is due.
    pub(crate) fn run(&mut self) {
        for _ in 0..1000 {
            self.settle();
            match self.town.next_deadline() {
                Some(at) if self.town.missions().any(|mission| mission.head().open_request().is_none()) => {
                    self.now = self.now.max(at);
                }
                _ => return,
            }
        }
    }

    pub(crate) fn pass(&mut self, seconds: u64) {
        self.now = self.now + std::time::Duration::from_secs(seconds);
        self.settle();
    }

    fn read(&mut self, letter: Letter) {
        match letter {
            Letter::Assignment(brief) => {
                let started = MissionInput::Started { claim: brief.claim.clone() };
                let mission = brief.claim.mission;
                self.input(&Input::Mission { mission, what: started });
                let work = (self.worker)(&brief);
                if let Some(what) = work {
                    self.input(&Input::Mission { mission, what });
                }
            }
            Letter::Cancel { claim } => {
                let mission = claim.mission;
                let end = tinytown_core::input::AttemptEnd::Cancelled;
                self.input(&Input::Mission { mission, what: MissionInput::ended(claim, end) });
            }
            _ => {}
        }
    }

    fn perform(&mut self, effect: &Effect) -> EffectResult {
        match effect {
            Effect::Base { .. } => {
                self.shas += 1;
                EffectResult::Base(sha(self.shas))
            }
            Effect::Publish { branch, head, .. } => {
                let number = self.pulls.get(branch).map_or(self.pulls.len() as u64 + 1, |pull| pull.number);
                let pull = Pull {
                    number,
                    url: format!("pull/{number}"),
                    branch: branch.clone(),
                    head: head.clone(),
                    state: PullState::Open,
                };
                self.pulls.insert(branch.clone(), pull.clone());
                EffectResult::Published(pull)
            }
            Effect::Look { pull, .. } => {
                let pull = self.pulls.values().find(|known| known.number == *pull).expect("a pull request");
                EffectResult::Looked(Observation {
                    state: pull.state.clone(),
                    ..Observation::open(pull.head.clone())
                })
            }
            Effect::Check { head, .. } => EffectResult::Checked { head: head.clone(), checks: Checks::Green },
            Effect::Merge { .. } => EffectResult::Merged(Some(sha(9999))),
            Effect::Restack { head, stack, .. } => {
                EffectResult::Restacked { from: head.clone(), head: head.clone(), stack: stack.clone() }
            }
            Effect::Issues { references, .. } => EffectResult::Issues(
                references.iter().map(|one| (one.clone(), tinytown_core::issue::IssueState::Open)).collect(),
            ),
        }
    }
}

/// Writes what changed, as a store does, and loads the mission from all that was ever written.
fn load_again(mission: &Mission, records: &mut BTreeMap<ItemKey, String>) {
    for ix in mission.changed() {
        let record = serde_json::to_string(&mission.record_to_write(ix)).expect("it can be written");
        records.insert(mission.key(ix).clone(), record);
    }
    let read = |(key, record): (&ItemKey, &String)| {
        (key.clone(), serde_json::from_str(record).expect("it can be read"))
    };
    let (charter, head) = (mission.charter().clone(), mission.head().clone());
    let loaded = Mission::load(charter, head, records.iter().map(read)).expect("a mission");
    for (ours, theirs) in loaded.items().iter().zip(mission.items()) {
        let sorted = |item: &Item| {
            let mut needs = item.needs.clone();
            needs.sort_unstable();
            Item { needs, ..item.clone() }
        };
        assert_eq!(sorted(ours), sorted(theirs), "what was written is what there is");
    }
    assert_eq!(loaded.items().len(), mission.items().len());
    assert!(loaded.objectives().eq(mission.objectives()));
}

/// Hands in work, approves everything.
#[expect(clippy::unnecessary_wraps, reason = "a worker may also be silent")]
pub(crate) fn honest(brief: &Brief) -> Option<MissionInput> {
    let submission = match brief.kind {
        Kind::Review => Submission::Verdict { approve: true, summary: "fine".to_owned() },
        _ => work(brief, false),
    };
    Some(MissionInput::submitted(brief.claim.clone(), submission))
}

/// A commit that is different for every attempt of every item.
pub(crate) fn work(brief: &Brief, empty: bool) -> Submission {
    let name = format!("{}.{}", brief.claim.item, brief.claim.attempt);
    let number = name.bytes().fold(7u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    Submission::Work { head: sha(number), empty, summary: "did it".to_owned() }
}

fn describe(event: &Event) -> Option<String> {
    if matches!(
        event,
        Event::EffectAsked { .. }
            | Event::EffectOver { .. }
            | Event::ItemDelivered { .. }
            | Event::PullSeen { .. }
    ) {
        return None;
    }
    let value = serde_json::to_value(event).expect("events can be written");
    let field = |name: &str| value.get(name).and_then(|field| field.as_str()).unwrap_or_default().to_owned();
    let words = [field("item"), field("type"), field("agent"), field("cause"), field("by"), field("reason")];
    Some(words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
}
