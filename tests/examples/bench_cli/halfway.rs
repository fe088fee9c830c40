//! Brings a started mission halfway: honest agents, decided in this process and committed to the town's own store,
//! so that there are items in every state and a history of tens of thousands of steps.

use std::collections::VecDeque;
use std::path::Path;

use tinytown_core::effect::{Effect, EffectResult};
use tinytown_core::id::{AgentName, MissionId, OpId, Sha};
use tinytown_core::input::{Input, Join, MissionInput, Submission};
use tinytown_core::letter::Letter;
use tinytown_core::observation::{Checks, Observation, Pull, PullState};
use tinytown_core::roster::Place;
use tinytown_core::time::Time;
use tinytown_core::town::{Decided, Town};
use tinytown_store::codec::encode;
use tinytown_store::records::{self, Context, Versions};
use tinytown_store::{Archive as _, Commit, LeaseCall, LeaseFence, LeaseReply, SqliteStore, Store as _};

const AGENTS: u32 = 16;

/// Whoever decides and commits.
struct Desk {
    store: SqliteStore,
    town: Town,
    versions: Versions,
    fence: LeaseFence,
    mission: MissionId,
    now: Time,
    commits: u64,
    inputs: VecDeque<Input>,
}

/// Works until half of the mission is done; how many steps it then has.
pub(super) async fn bring(file: &Path, mission: MissionId) -> u64 {
    let mut desk = Desk::open(file, mission).await;
    desk.inputs.extend((0..AGENTS).map(join));
    while let Some(input) = desk.next() {
        desk.step(&input).await;
    }
    let release = LeaseCall::Release(desk.fence);
    desk.store.lease(&OpId::new("bench-release"), &release).await.unwrap();
    desk.commits
}

impl Desk {
    async fn open(file: &Path, mission: MissionId) -> Self {
        let store = SqliteStore::open(file).await.unwrap();
        let take = LeaseCall::Take { holder: encode(&"bench"), seen: None };
        let taken = store.lease(&OpId::new("bench-take"), &take).await.unwrap();
        let LeaseReply::Held(fence) = taken else { panic!("somebody works here") };
        let (shared, view) = (store.town().await.unwrap(), store.mission(mission).await.unwrap());
        let versions = Versions { town: shared.version, mission: view.row.version };
        let mut begun = Vec::new();
        for outgoing in &shared.effects {
            let effect: records::EffectRecord =
                tinytown_store::codec::decode("effect", &outgoing.record).unwrap();
            begun.push((outgoing.op.clone(), effect.effect));
        }
        let loaded = records::load_mission(&view).unwrap();
        let now = loaded.head().updated_at;
        let town = Town::new(records::load_roster(&shared).unwrap(), [loaded]);
        let mut desk =
            Self { store, town, versions, fence, mission, now, commits: 0, inputs: VecDeque::new() };
        for (op, effect) in begun {
            desk.perform(op, &effect);
        }
        desk
    }

    fn next(&mut self) -> Option<Input> {
        let head = self.town.mission(self.mission)?.head();
        if head.done * 2 >= head.items {
            return None;
        }
        let wake = || Input::Mission { mission: self.mission, what: MissionInput::Wake };
        self.inputs.pop_front().or_else(|| self.town.next_wake(self.now).map(|_| wake()))
    }

    async fn step(&mut self, input: &Input) {
        self.now = Time::from_millis(self.now.as_millis() + 1);
        let decided = self.town.decide(input, self.now);
        self.commit(&decided, input).await;
        for (op, effect) in decided.step.effects {
            self.perform(op, &effect);
        }
        for delivery in decided.step.letters {
            if let Letter::Assignment(brief) = delivery.letter {
                let claim = brief.claim;
                self.post(MissionInput::Started { claim: claim.clone() });
                let submission =
                    Submission::Work { head: self.sha(), empty: false, summary: "done".to_owned() };
                self.post(MissionInput::submitted(claim, submission));
            }
        }
    }

    async fn commit(&mut self, decided: &Decided, input: &Input) {
        let context = Context { engine: "bench", posted_at: None, versions: self.versions };
        let written = records::write(&self.town, decided, input, context);
        self.commits += 1;
        let op = OpId::new(format!("bench-{}", self.commits));
        let (changes_town, changes_mission) = (written.town.is_some(), written.mission.is_some());
        let commit = Commit {
            town: written.town,
            mission: written.mission,
            mail: written.mail,
            mail_done: written.mail_done,
            effects: written.effects,
            effects_done: written.effects_done,
            ..Commit::new(op, self.fence, self.now)
        };
        let done = self.store.commit(&commit).await.unwrap();
        self.versions.town = if changes_town { done.town } else { self.versions.town };
        self.versions.mission = if changes_mission { done.mission } else { self.versions.mission };
    }

    fn post(&mut self, what: MissionInput) {
        self.inputs.push_back(Input::Mission { mission: self.mission, what });
    }

    /// A commit that nobody has seen before.
    fn sha(&self) -> Sha {
        Sha::new(&format!("{:040x}", self.commits)).unwrap()
    }

    /// What a forge would say on which everything goes well.
    fn perform(&mut self, op: OpId, effect: &Effect) {
        let result = match effect {
            Effect::Base { .. } => EffectResult::Base(Sha::new(&"a".repeat(40)).unwrap()),
            Effect::Publish { branch, head, pull, .. } => EffectResult::Published(Pull {
                number: pull.unwrap_or(self.commits),
                url: format!("local:pull/{}", self.commits),
                branch: branch.clone(),
                head: head.clone(),
                state: PullState::Open,
            }),
            Effect::Look { item, .. } => EffectResult::Looked(Observation::open(self.head_of(item))),
            Effect::Check { head, .. } => EffectResult::Checked { head: head.clone(), checks: Checks::Green },
            Effect::Merge { .. } => EffectResult::Merged(None),
            Effect::Restack { head, stack, .. } => {
                EffectResult::Restacked { from: head.clone(), head: head.clone(), stack: stack.clone() }
            }
            Effect::Issues { .. } => EffectResult::Issues(Vec::new()),
        };
        self.post(MissionInput::Effect { op, result });
    }

    fn head_of(&self, item: &tinytown_core::id::ItemKey) -> Sha {
        let mission = self.town.mission(self.mission).unwrap();
        mission.item(mission.find(item).unwrap()).now.pull.as_ref().unwrap().head.clone()
    }
}

fn join(n: u32) -> Input {
    let place = Place { host: "h".into(), boot: "b".into(), pid: n, started: 1, runs: String::new() };
    let agent = AgentName::new(&format!("agent-{n}")).unwrap();
    Input::Join(Join { agent, role: None, cli: "sh".into(), place })
}
