//! A town in memory: the store model, the fake forge, workers that hand in work, dispatchers as tasks.
//! Time is tokio's virtual time, so that nothing sleeps for real; a machine that is suspended is one
//! whose wall clock and uptime jump ahead of that.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tinytown_core::id::{AgentName, MissionId, OpId, TownId};
use tinytown_core::input::{Answer, Input, Join, MissionInput, NewMission, Submission};
use tinytown_core::issue::IssueRef;
use tinytown_core::item::{Dependency, EdgeOrigin, EdgeSource, ItemSpec, Kind, Origin};
use tinytown_core::letter::{Brief, Letter};
use tinytown_core::mission::{Mission, MissionState};
use tinytown_core::observation::{Checks, Observation};
use tinytown_core::policy::Policy;
use tinytown_core::roster::{Agent, Place};
use tinytown_core::text::Text;
use tinytown_core::time::Time;
use tinytown_dispatcher::{Mode, Parts, ProofOfDeath, Report, Settings, apply, serve};
use tinytown_forge::{
    BaseOutcome, BaseRequest, CheckRequest, FakeForge, Forge, ForgeError, Lookup, MergeOutcome, MergeRequest,
    Permit, PublishOutcome, PublishRequest, RestackOutcome, RestackRequest,
};
use tinytown_store::codec::{decode, encode};
use tinytown_store::records::{load_letter, load_mission};
use tinytown_store::{Archive as _, Mailbox, MemoryStore, Post, Record, Store, TownIdentity, Wait};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) const LEASE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Town {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) model: MemoryStore,
    pub(crate) forge: FakeForge,
    /// What is yet to happen to changes at the forge.
    pub(crate) lapses: Arc<Lapses>,
    ops: Arc<AtomicU64>,
}

/// How often changes at the forge are yet to be kept from happening.
#[derive(Default)]
pub(crate) struct Lapses {
    /// As by a permit that lapsed.
    pub(crate) told: AtomicU64,
    /// By the machine's being suspended for an hour just before.
    pub(crate) suspends: AtomicU64,
    /// How many found their permit lapsed after that.
    pub(crate) noticed: AtomicU64,
}

/// A forge whose changes find their permit withdrawn as often as told.
struct Lapsing(FakeForge, Arc<Lapses>);

impl Lapsing {
    fn permits(&self, permit: &dyn Permit) -> Result<(), ForgeError> {
        let one_of = |count: &AtomicU64| {
            count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
        };
        if one_of(&self.1.suspends) {
            SUSPENDED.with(|slept| slept.set(slept.get() + Duration::from_hours(1)));
            self.1.noticed.fetch_add(u64::from(!permit.holds()), Ordering::SeqCst);
        }
        if one_of(&self.1.told) { Err(ForgeError::Revoked("acting")) } else { Ok(()) }
    }
}

#[async_trait]
impl Forge for Lapsing {
    async fn issues(&self, references: &[IssueRef]) -> Result<Vec<Lookup>, ForgeError> {
        self.0.issues(references).await
    }
    async fn base(&self, request: &BaseRequest, permit: &dyn Permit) -> Result<BaseOutcome, ForgeError> {
        self.permits(permit)?;
        self.0.base(request, permit).await
    }
    async fn publish(
        &self,
        request: &PublishRequest,
        permit: &dyn Permit,
    ) -> Result<PublishOutcome, ForgeError> {
        self.permits(permit)?;
        self.0.publish(request, permit).await
    }
    async fn look(&self, pull: u64) -> Result<Observation, ForgeError> {
        self.0.look(pull).await
    }
    async fn check(&self, request: &CheckRequest, permit: &dyn Permit) -> Result<Checks, ForgeError> {
        self.permits(permit)?;
        self.0.check(request, permit).await
    }
    async fn merge(&self, request: &MergeRequest, permit: &dyn Permit) -> Result<MergeOutcome, ForgeError> {
        self.permits(permit)?;
        self.0.merge(request, permit).await
    }

    async fn restack(
        &self,
        request: &RestackRequest,
        permit: &dyn Permit,
    ) -> Result<RestackOutcome, ForgeError> {
        self.permits(permit)?;
        self.0.restack(request, permit).await
    }
}

/// Knows nothing of processes.
struct NoProof;

impl ProofOfDeath for NoProof {
    fn of_agent(&self, _: &Agent) -> Option<String> {
        None
    }
    fn of_holder(&self, _: &Record) -> bool {
        false
    }
}

pub(crate) struct Dispatcher {
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) task: JoinHandle<()>,
    pub(crate) reports: Arc<Mutex<Vec<Report>>>,
}

impl Dispatcher {
    pub(crate) fn lines(&self) -> Vec<String> {
        let reports = self.reports.lock().expect("no test panics while holding it");
        let rounds = reports.iter().filter_map(|report| match report {
            Report::Round(round) => Some(round),
            _ => None,
        });
        rounds.flat_map(|round| round.missions.iter().map(|(_, line)| line.clone())).collect()
    }
}

thread_local! {
    /// For how long the machine of this test was suspended; a test runs in one thread.
    static SUSPENDED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// The uptime of these tests moves with tokio's clock, and while the machine is suspended.
fn uptime() -> Duration {
    static BEGAN: std::sync::OnceLock<tokio::time::Instant> = std::sync::OnceLock::new();
    let began = *BEGAN.get_or_init(tokio::time::Instant::now);
    tokio::time::Instant::now().saturating_duration_since(began) + SUSPENDED.get()
}

/// The wall clock of these tests, which nobody sets.
fn clock() -> Time {
    Time::from_millis(1_700_000_000_000) + uptime()
}

impl Town {
    pub(crate) async fn found() -> Self {
        let model = MemoryStore::new();
        Self::over(model.clone(), Arc::new(model)).await
    }

    pub(crate) async fn over(model: MemoryStore, store: Arc<dyn Store>) -> Self {
        let identity = TownIdentity {
            id: TownId(uuid::Uuid::from_u128(7)),
            name: "town".to_owned(),
            created_at: Time::from_millis(0),
        };
        model.found(&identity).await.expect("a new town");
        Self {
            store,
            model,
            forge: FakeForge::new(),
            lapses: Arc::default(),
            ops: Arc::new(AtomicU64::new(0)),
        }
    }

    /// The same town through its healthy model.
    pub(crate) fn healthy(&self) -> Self {
        let store: Arc<dyn Store> = Arc::new(self.model.clone());
        Self {
            store,
            model: self.model.clone(),
            forge: self.forge.clone(),
            lapses: Arc::clone(&self.lapses),
            ops: Arc::clone(&self.ops),
        }
    }

    fn parts(&self) -> Parts {
        let store = Arc::clone(&self.store);
        let forge = Arc::new(Lapsing(self.forge.clone(), Arc::clone(&self.lapses)));
        Parts { store, forge, proof: Arc::new(NoProof), clock, uptime }
    }

    fn settings(&self, mode: Mode) -> Settings {
        let n = self.ops.fetch_add(1, Ordering::Relaxed);
        Settings {
            mode,
            lease: LEASE,
            agent_lease: LEASE,
            holder: Record(format!("dispatcher {n}")),
            nonce: format!("d{n}"),
            engine: "test".to_owned(),
        }
    }

    pub(crate) fn dispatcher(&self, mode: Mode) -> Dispatcher {
        let (stop, stopped) = watch::channel(false);
        let reports = Arc::new(Mutex::new(Vec::new()));
        let (heard, parts, settings) = (Arc::clone(&reports), self.parts(), self.settings(mode));
        let task = tokio::spawn(async move {
            let hear = move |report| heard.lock().expect("no test panics while holding it").push(report);
            serve(parts, settings, hear, stopped).await.expect("the town is there");
        });
        Dispatcher { stop, task, reports }
    }

    fn post(&self, input: &Input) -> Post {
        let n = self.ops.fetch_add(1, Ordering::Relaxed);
        Post { op: OpId::new(format!("input-{n}")), input: encode(input), at: clock(), blobs: Vec::new() }
    }

    /// Applies an input as a command does; tells how many effects wait if no dispatcher runs.
    pub(crate) async fn command(&self, input: &Input) -> (Answer, Option<usize>) {
        let settings = self.settings(Mode::Serve);
        let applied = apply(self.parts(), settings, self.post(input), PATIENCE).await.expect("applied");
        (applied.answer, applied.effects_waiting)
    }

    pub(crate) async fn start(&self, items: Vec<ItemSpec>) -> (Answer, Option<usize>) {
        let policy = Policy { reviewer_required: false, auto_merge: true, ..Policy::default() };
        let objectives = items.iter().map(|item| item.key.to_string()).collect();
        self.command(&Input::Start(Box::new(NewMission { id: mission(), policy, objectives, items }))).await
    }

    pub(crate) async fn mission(&self) -> Mission {
        let view = self.model.mission(mission()).await.expect("the mission is there");
        load_mission(&view).expect("its records can be read")
    }

    /// Waits until the mission stands there.
    pub(crate) async fn until(&self, state: MissionState) {
        for _ in 0..2_000 {
            if self.mission().await.head().state == state {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("still {:?}", self.mission().await.head().state);
    }

    /// A worker that hands in a commit for every assignment, until its task is aborted.
    pub(crate) fn worker(&self, name: &str) -> JoinHandle<()> {
        self.worker_that(name, |_| true)
    }

    /// A worker that takes assignments, and hands in work for those that it likes.
    pub(crate) fn worker_that(&self, name: &str, likes: fn(&Brief) -> bool) -> JoinHandle<()> {
        let desk = Desk {
            store: Arc::new(self.model.clone()),
            forge: self.forge.clone(),
            name: AgentName::new(name).expect("a name"),
            likes,
        };
        tokio::spawn(desk.serve())
    }
}

struct Desk {
    store: Arc<dyn Store>,
    forge: FakeForge,
    name: AgentName,
    likes: fn(&Brief) -> bool,
}

impl Desk {
    async fn serve(self) {
        let place = Place { host: "h".into(), boot: "b".into(), pid: 1, started: 1, runs: String::new() };
        let join = Join { agent: self.name.clone(), role: None, cli: "sh".into(), place };
        let Answer::Joined { generation } = self.say("join", &Input::Join(join)).await else { return };
        let (store, name) = (Arc::clone(&self.store), self.name.clone());
        let beats = async move {
            loop {
                store.beat(&name, generation).await.expect("nobody takes the name");
                tokio::time::sleep(LEASE / 3).await;
            }
        };
        let mut after = 0;
        let work = async {
            loop {
                let wait = Wait { upto: Duration::from_mins(1), eager: true };
                let of = Mailbox::Agent(self.name.clone());
                for entry in self.store.mail(&of, after, 8, wait).await.expect("the model answers") {
                    after = entry.position;
                    let letter = load_letter(&entry.key, &entry.record).expect("a letter");
                    if let Letter::Assignment(brief) = letter {
                        self.attempt(*brief).await;
                    }
                }
            }
        };
        tokio::join!(beats, work);
    }

    async fn attempt(&self, brief: Brief) {
        let (mission, claim) = (brief.claim.mission, brief.claim.clone());
        let tell = |what| Input::Mission { mission, what };
        let started = tell(MissionInput::Started { claim: claim.clone() });
        let answer = self.say(&format!("started/{}", claim.fence), &started).await;
        if matches!(answer, Answer::Refused { .. }) || !(self.likes)(&brief) {
            return;
        }
        let path = format!("{}-{}", claim.item, claim.attempt);
        let head = self.forge.commit(&[&brief.base], &[&path]);
        let submission = Submission::Work { head, empty: false, summary: "done".to_owned() };
        let fence = claim.fence;
        self.say(&format!("submitted/{fence}"), &tell(MissionInput::submitted(claim, submission))).await;
    }

    async fn say(&self, what: &str, input: &Input) -> Answer {
        let op = OpId::new(format!("{}/{what}", self.name));
        let post = Post { op: op.clone(), input: encode(input), at: clock(), blobs: Vec::new() };
        self.store.post(&post).await.expect("the model takes it");
        loop {
            let wait = Wait { upto: Duration::from_hours(1), eager: true };
            if let Some(answer) = self.store.answer(&op, wait).await.expect("the model answers") {
                return decode("an answer", &answer).expect("an answer");
            }
        }
    }
}

pub(crate) fn mission() -> MissionId {
    MissionId(uuid::Uuid::from_u128(0xabc))
}

pub(crate) fn chain(count: u64) -> Vec<ItemSpec> {
    (1..=count).map(|number| item(number, number.checked_sub(1).filter(|on| *on > 0))).collect()
}

fn item(number: u64, after: Option<u64>) -> ItemSpec {
    let source = EdgeSource { by: EdgeOrigin::Marker, location: "".into(), line: None, words: String::new() };
    ItemSpec {
        key: IssueRef::own(number).key(),
        title: format!("Item {number}"),
        kind: Kind::Implement,
        role: None,
        pinned: None,
        priority: 0,
        body: Text::default(),
        depends_on: after.map(|on| Dependency { on: IssueRef::own(on).key(), source }).into_iter().collect(),
        external: Vec::new(),
        skip: false,
        path_length: 1,
        origin: Origin::Issue(IssueRef::own(number)),
    }
}
