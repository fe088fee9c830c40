//! Turns inputs into the very calls that workers, operators and the dispatcher make of them, and says
//! which kinds of transitions each call makes.

use std::collections::{BTreeMap, BTreeSet};

use tinytown_core::event::Event;
use tinytown_core::id::{AgentName, Generation, MissionId, OpId};
use tinytown_core::input::{Input, MissionInput};
use tinytown_core::mission::{Mission, Phase};
use tinytown_core::roster::Agent;
use tinytown_core::time::Time;
use tinytown_core::town::{Decided, Town};
use tinytown_store::codec::encode;
use tinytown_store::conformance::fixture::{identity, record};
use tinytown_store::records::{self, Context, Versions};
use tinytown_store::{Blob, Commit, Heartbeat, InputId, LeaseCall, LeaseFence, Post};

use crate::call::Call;
use crate::kinds;

/// A call, and what it is an example of.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) call: Call,
    pub(crate) kinds: BTreeSet<String>,
}

/// A town whose every change is written down as a call.
pub(crate) struct Recorder {
    pub(crate) town: Town,
    pub(crate) now: Time,
    pub(crate) calls: Vec<Recorded>,
    pub(crate) fence: LeaseFence,
    town_version: u64,
    mission_versions: BTreeMap<MissionId, u64>,
    beats: BTreeMap<AgentName, (Generation, u64)>,
    ops: u64,
    /// How many inputs were posted.
    pub(crate) posts: u64,
}

impl Recorder {
    /// A town just founded, with a dispatcher.
    pub(crate) fn new() -> Self {
        let mut recorder = Self {
            town: Town::default(),
            now: identity().created_at,
            calls: Vec::new(),
            // The store's first life is not known here: see `in_life`.
            fence: LeaseFence { incarnation: 0, epoch: 0 },
            town_version: 0,
            mission_versions: BTreeMap::new(),
            beats: BTreeMap::new(),
            ops: 0,
            posts: 0,
        };
        recorder.call(Call::Create(identity()), "found: a new file");
        recorder.take_lease(None);
        recorder
    }

    /// Another dispatcher takes the lease, naming the counter that it saw.
    pub(crate) fn take_lease(&mut self, seen: Option<(u64, u64)>) {
        let kind = if seen.is_some() { "lease: taken from another" } else { "lease: taken" };
        let call = LeaseCall::Take { holder: record("holder"), seen };
        self.fence.epoch += 1;
        let op = self.op("lease");
        self.call(Call::Lease(op, call), kind);
    }

    /// Everything that the holder of the lease may do with it, then another takes it over.
    pub(crate) fn pass_lease_on(&mut self) {
        for (call, kind) in [
            (LeaseCall::Renew(self.fence), "lease: renewed"),
            (LeaseCall::Take { holder: record("x"), seen: Some((0, 7)) }, "lease: refused to another"),
        ] {
            let op = self.op("lease");
            self.call(Call::Lease(op.clone(), call.clone()), kind);
            self.call(Call::Lease(op, call), &format!("{kind}, asked again"));
        }
        self.take_lease(Some((self.fence.epoch, 1)));
        let old = LeaseFence { epoch: self.fence.epoch - 1, ..self.fence };
        for (call, kind) in [
            (LeaseCall::Renew(old), "lease: lost, not renewed"),
            (LeaseCall::Release(old), "lease: lost, not released"),
            (LeaseCall::Release(self.fence), "lease: released"),
        ] {
            let op = self.op("lease");
            self.call(Call::Lease(op, call), kind);
        }
        self.take_lease(None);
    }

    /// A worker says that it lives.
    pub(crate) fn beat(&mut self, agent: &AgentName, generation: Generation) {
        let kind = match self.beats.get(agent) {
            None => "beat: first",
            Some((there, _)) if *there == generation => "beat: next",
            Some((there, _)) if *there < generation => "beat: of a later start",
            Some(_) => "beat: superseded",
        };
        let beat = self.beats.entry(agent.clone()).or_insert((generation, 0));
        if beat.0 < generation {
            *beat = (generation, 0);
        }
        if beat.0 == generation {
            beat.1 += 1;
        }
        self.call(Call::Beat(agent.clone(), generation), kind);
    }

    /// Somebody posts an input, and the dispatcher applies it.
    pub(crate) fn posted(&mut self, input: &Input, blobs: Vec<Blob>) -> Decided {
        let kind = if blobs.is_empty() { "post: an input" } else { "post: an input with a long text" };
        let id = self.post(input, blobs, kind);
        self.decide(input, Some((id, self.now)), None, Vec::new())
    }

    /// Somebody posts an input, and nobody applies it yet.
    pub(crate) fn post(&mut self, input: &Input, blobs: Vec<Blob>, kind: &str) -> InputId {
        let (op, at) = (self.op("post"), self.now);
        self.call(Call::Post(Post { op, input: encode(input), at, blobs }), kind);
        self.posts += 1;
        InputId(self.posts)
    }

    /// The dispatcher decides upon something that nobody posted.
    pub(crate) fn observed(&mut self, input: &Input, blobs: Vec<Blob>) -> Decided {
        self.decide(input, None, None, blobs)
    }

    /// The dispatcher declares an agent lost whose counter does not move.
    pub(crate) fn lost(&mut self, agent: &AgentName, generation: Generation) -> Decided {
        let beat = self.beats.get(agent).filter(|(there, _)| *there == generation);
        let counter = beat.map_or(0, |(_, counter)| *counter);
        let seen = Heartbeat { agent: agent.clone(), generation, counter };
        let input = Input::Gone { agent: agent.clone(), generation, reason: "no sign of life".to_owned() };
        self.decide(&input, None, Some(seen), Vec::new())
    }

    /// The same while the agent's mission cannot be read: so that is reconciled once it can.
    pub(crate) fn lost_unseen(&mut self, agent: &AgentName, generation: Generation) -> [Decided; 2] {
        let all: Vec<Mission> = self.town.missions().cloned().collect();
        let claim = self.town.roster().get(agent).and_then(Agent::claim);
        let id = claim.map_or(all[0].id(), |claim| claim.mission);
        let others = all.iter().filter(|mission| mission.id() != id).cloned();
        self.town = Town::new(self.town.roster().clone(), others);
        let lost = self.lost(agent, generation);
        self.town = Town::new(self.town.roster().clone(), all);
        let input = Input::Mission { mission: id, what: MissionInput::Reconcile };
        [lost, self.observed(&input, Vec::new())]
    }

    fn decide(
        &mut self,
        input: &Input,
        posted: Option<(InputId, Time)>,
        unmoved: Option<Heartbeat>,
        blobs: Vec<Blob>,
    ) -> Decided {
        let before: Vec<Mission> = self.town.missions().cloned().collect();
        let decided = self.town.decide(input, self.now);
        assert_eq!(decided.step.defect, None, "the engine contradicts itself upon {input:?}");
        if decided.step.is_empty() && posted.is_none() {
            return decided;
        }
        let unmoved = unmoved.into_iter().collect();
        let commit = Commit { unmoved, blobs, ..self.commit_of(input, &decided, posted) };
        self.town_version += u64::from(commit.town.is_some());
        if let Some(write) = &commit.mission {
            self.mission_versions.insert(write.id, write.expect + 1);
        }
        let mut kinds = kinds::of_step(input, &decided);
        kinds.extend(kinds::of_commit(&commit));
        if let Some(id) = decided.mission {
            kinds.extend(self.transitions(before.into_iter().find(|mission| mission.id() == id), &decided));
            self.town.forget_ended(id);
        }
        self.calls.push(Recorded { call: Call::Commit(Box::new(commit)), kinds });
        decided
    }

    /// As the dispatcher writes it.
    fn commit_of(&mut self, input: &Input, decided: &Decided, posted: Option<(InputId, Time)>) -> Commit {
        let mission = decided.mission.and_then(|id| self.mission_versions.get(&id)).copied().unwrap_or(0);
        let versions = Versions { town: self.town_version, mission };
        let context = Context { engine: "test", posted_at: posted.map(|(_, at)| at), versions };
        let written = records::write(&self.town, decided, input, context);
        Commit {
            town: written.town,
            mission: written.mission,
            acks: posted.iter().map(|(id, _)| (*id, encode(&decided.step.answer))).collect(),
            mail: written.mail,
            mail_done: written.mail_done,
            effects: written.effects,
            effects_done: written.effects_done,
            ..Commit::new(self.op("commit"), self.fence, self.now)
        }
    }

    /// The transitions of a step upon a mission; it begins with this step if it was not there before.
    fn transitions(&self, before: Option<Mission>, decided: &Decided) -> BTreeSet<String> {
        let after = decided.mission.and_then(|id| self.town.mission(id));
        let begun = after.map(|after| Mission::new(after.charter().clone()));
        before.or(begun).map_or_else(BTreeSet::new, |mission| transitions(mission, decided))
    }

    /// Writes down a call that changes nothing that the recorder itself must know.
    pub(crate) fn call(&mut self, call: Call, kind: &str) {
        self.calls.push(Recorded { call, kinds: BTreeSet::from([kind.to_owned()]) });
    }

    /// A name that no other call has.
    pub(crate) fn op(&mut self, sort: &str) -> OpId {
        self.ops += 1;
        OpId::new(format!("{sort}/{}", self.ops))
    }
}

/// Each event of a step, with where its item or the mission stood before it.
fn transitions(mut mission: Mission, decided: &Decided) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    for event in &decided.step.events {
        let name = kinds::event(event);
        kinds.insert(format!("{} × {name}", standing(&mission, event)));
        let ready = in_phase(&mission, Phase::Ready);
        mission.apply(event, decided.step.now).expect("the engine emits what it can apply");
        // What is about one item may take back others that were about to start.
        if !in_phase(&mission, Phase::Pending).is_disjoint(&ready) {
            kinds.insert(format!("ready × {name}"));
        }
    }
    kinds
}

fn standing(mission: &Mission, event: &Event) -> String {
    match event.item() {
        None if *event == Event::MissionStarted => "no mission".to_owned(),
        None => format!("mission {}", mission.head().state.as_str()),
        Some(key) => match mission.find(key) {
            Some(ix) => mission.item(ix).now.phase.as_str().to_owned(),
            None => "no item".to_owned(),
        },
    }
}

fn in_phase(mission: &Mission, phase: Phase) -> BTreeSet<usize> {
    let items = mission.items().iter().enumerate();
    items.filter(|(_, item)| item.now.phase == phase).map(|(at, _)| at).collect()
}
