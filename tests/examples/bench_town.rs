//! What a whole town reaches on Redis: transitions per second of one dispatcher, beside commits made back
//! to back through the same client; a restart with 10,000 items; commands of a town at rest.
//! Run with: cargo xtask bench redis

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use tinytown_core::id::{AgentName, Generation, MissionId, OpId};
use tinytown_core::input::{Answer, Input, Join, MissionInput, NewMission, Submission};
use tinytown_core::letter::{Brief, Letter};
use tinytown_core::policy::Policy;
use tinytown_core::roster::{Agent, Place};
use tinytown_core::simulate::{Scenario, ScriptedIssue};
use tinytown_core::time::Time;
use tinytown_dispatcher::{Mode, Parts, ProofOfDeath, Report, Settings, apply, serve};
use tinytown_forge::FakeForge;
use tinytown_redis::RedisStore;
use tinytown_redis::testing::{RedisServer, ServerOptions};
use tinytown_store::codec::{decode, encode};
use tinytown_store::conformance::fixture::{identity, take};
use tinytown_store::records::load_letter;
use tinytown_store::{
    Archive, Commit, Committed, InboxEntry, InputId, LeaseCall, LeaseReply, MailEntry, Mailbox, MissionRow,
    MissionView, Post, Record, Scope, Store, StoreError, TownIdentity, TownView, Vitals, Wait,
};
use tinytown_tests::support::{Town, redis_server};
use tokio::sync::{mpsc, watch};

const LEASE: Duration = Duration::from_secs(10);
const ITEMS: u64 = 300;
const WORKERS: u32 = 8;

struct NobodyDies;

impl ProofOfDeath for NobodyDies {
    fn of_agent(&self, _: &Agent) -> Option<String> {
        None
    }
    fn of_holder(&self, _: &Record) -> bool {
        false
    }
}

fn clock() -> Time {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Time::from_millis(i64::try_from(since.as_millis()).unwrap_or_default())
}

fn uptime() -> Duration {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    BEGAN.get_or_init(Instant::now).elapsed()
}

fn settings(nonce: &str) -> Settings {
    Settings {
        mode: Mode::Serve,
        lease: LEASE,
        agent_lease: LEASE,
        holder: Record(nonce.to_owned()),
        nonce: nonce.to_owned(),
        engine: "bench".to_owned(),
    }
}

fn post(op: &str, input: &Input) -> Post {
    Post { op: OpId::new(op), input: encode(input), at: clock(), blobs: Vec::new() }
}

fn mission(id: MissionId, items: u64) -> NewMission {
    let issue = |number| ScriptedIssue { number, ..ScriptedIssue::default() };
    let scenario = Scenario { issues: (1..=items).map(issue).collect(), ..Scenario::default() };
    let items = scenario.plan().expect("a plan").items;
    let policy =
        Policy { reviewer_required: false, auto_merge: true, max_parallel: WORKERS, ..Policy::default() };
    let objectives = items.iter().map(|item| item.key.to_string()).collect();
    NewMission { id, policy, objectives, items }
}

/// Hands in a commit for every assignment, at once.
struct Worker {
    store: Recorded,
    forge: FakeForge,
    name: AgentName,
}

impl Worker {
    async fn work(self) -> Result<(), StoreError> {
        let place =
            Place { host: "here".into(), boot: "now".into(), pid: 1, started: 1, runs: String::new() };
        let join = Join { agent: self.name.clone(), role: None, cli: "none".to_owned(), place };
        self.say("join", &Input::Join(join)).await?;
        let (mailbox, mut after) = (Mailbox::Agent(self.name.clone()), 0);
        loop {
            for entry in self.store.mail(&mailbox, after, 8, Wait { upto: LEASE, eager: true }).await? {
                after = entry.position;
                if let Letter::Assignment(brief) = load_letter(&entry.key, &entry.record)? {
                    self.attempt(*brief).await?;
                }
            }
        }
    }

    async fn attempt(&self, brief: Brief) -> Result<(), StoreError> {
        let (mission, claim) = (brief.claim.mission, brief.claim);
        let started = MissionInput::Started { claim: claim.clone() };
        self.say(&format!("{}/started", claim.fence), &Input::Mission { mission, what: started }).await?;
        let head = self.forge.commit(&[&brief.base], &[claim.item.as_str()]);
        let submission = Submission::Work { head, empty: false, summary: "done".to_owned() };
        let op = format!("{}/submitted", claim.fence);
        let submitted = MissionInput::submitted(claim, submission);
        self.say(&op, &Input::Mission { mission, what: submitted }).await?;
        Ok(())
    }

    async fn say(&self, op: &str, input: &Input) -> Result<Answer, StoreError> {
        let post = post(&format!("{}/{op}", self.name), input);
        self.store.post(&post).await?;
        loop {
            let answer = self.store.answer(&post.op, Wait { upto: LEASE, eager: true }).await?;
            if let Some(answer) = answer {
                return decode("an answer", &answer);
            }
        }
    }
}

fn parts(store: &Recorded, forge: &FakeForge) -> Parts {
    let (store, forge) = (Arc::new(store.clone()), Arc::new(forge.clone()));
    Parts { store, forge, proof: Arc::new(NobodyDies), clock, uptime }
}

/// Serves until a mission is over, or only until it was read if `once`; how long that took.
fn dispatch(
    store: &Recorded,
    forge: &FakeForge,
) -> (tokio::task::JoinHandle<()>, mpsc::UnboundedReceiver<Report>) {
    let (told, reports) = mpsc::unbounded_channel();
    let listen = move |report| drop(told.send(report));
    let (stop, stopped) = watch::channel(false);
    let (parts, settings) = (parts(store, forge), settings("dispatcher"));
    let serving = tokio::spawn(async move {
        // Kept, so that nobody is told to stop.
        let _stop = stop;
        drop(serve(parts, settings, listen, stopped).await);
    });
    (serving, reports)
}

async fn open(server: &RedisServer, town: &str) -> RedisStore {
    RedisStore::open(&server.url(), town).await.expect("the server is there")
}

/// A handle that keeps what was posted and committed through it and its clones.
#[derive(Clone)]
struct Recorded {
    store: RedisStore,
    posts: Arc<Mutex<Vec<(InputId, Post)>>>,
    commits: Arc<Mutex<Vec<Commit>>>,
}

impl Recorded {
    fn new(store: RedisStore) -> Self {
        Self { store, posts: Arc::default(), commits: Arc::default() }
    }
}

#[async_trait]
impl Archive for Recorded {
    async fn missions(&self, ended: bool) -> Result<Vec<MissionRow>, StoreError> {
        self.store.missions(ended).await
    }

    async fn mission(&self, id: MissionId) -> Result<MissionView, StoreError> {
        self.store.mission(id).await
    }

    async fn steps(&self, scope: Scope, after: u64, limit: usize) -> Result<Vec<(u64, Record)>, StoreError> {
        self.store.steps(scope, after, limit).await
    }

    async fn blob(&self, sha256: &str) -> Result<String, StoreError> {
        self.store.blob(sha256).await
    }
}

#[async_trait]
impl Store for Recorded {
    async fn found(&self, identity: &TownIdentity) -> Result<(), StoreError> {
        self.store.found(identity).await
    }

    async fn town(&self) -> Result<TownView, StoreError> {
        self.store.town().await
    }

    async fn lease(&self, op: &OpId, call: &LeaseCall) -> Result<LeaseReply, StoreError> {
        self.store.lease(op, call).await
    }

    async fn beat(&self, agent: &AgentName, generation: Generation) -> Result<u64, StoreError> {
        self.store.beat(agent, generation).await
    }

    async fn vitals(&self) -> Result<Vitals, StoreError> {
        self.store.vitals().await
    }

    async fn post(&self, post: &Post) -> Result<InputId, StoreError> {
        let id = self.store.post(post).await?;
        self.posts.lock().expect("nobody panicked").push((id, post.clone()));
        Ok(id)
    }

    async fn answer(&self, op: &OpId, wait: Wait) -> Result<Option<Record>, StoreError> {
        self.store.answer(op, wait).await
    }

    async fn inbox(&self, after: InputId, limit: usize, wait: Wait) -> Result<Vec<InboxEntry>, StoreError> {
        self.store.inbox(after, limit, wait).await
    }

    async fn mail(
        &self,
        of: &Mailbox,
        after: u64,
        limit: usize,
        wait: Wait,
    ) -> Result<Vec<MailEntry>, StoreError> {
        self.store.mail(of, after, limit, wait).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Committed, StoreError> {
        let committed = self.store.commit(commit).await?;
        self.commits.lock().expect("nobody panicked").push(commit.clone());
        Ok(committed)
    }
}

/// The very same commits a second time, one after the other, on a server like the first; how many a second.
async fn floor(durable: bool, recorded: &Recorded) -> f64 {
    let server = RedisServer::with(&ServerOptions { durable, ..ServerOptions::default() });
    let store = open(&server, "town").await;
    store.found(&identity_named("town")).await.expect("founds");
    let LeaseReply::Held(lease) = store.lease(&OpId::new("take"), &take("floor")).await.expect("answers")
    else {
        panic!("a free lease is given")
    };
    let mut posts = recorded.posts.lock().expect("nobody panicked").clone();
    posts.sort_by_key(|(id, _)| *id);
    posts.dedup_by_key(|(id, _)| *id);
    for (_, post) in &posts {
        store.post(post).await.expect("posts");
    }
    let commits = recorded.commits.lock().expect("nobody panicked").clone();
    let count = f64::from(u32::try_from(commits.len()).expect("not that many"));
    let began = Instant::now();
    for commit in commits {
        store.commit(&Commit { fence: lease, ..commit }).await.expect("commits");
    }
    count / began.elapsed().as_secs_f64()
}

/// Transitions a second of one dispatcher while workers do nothing but hand in, and what it recorded.
async fn transitions(durable: bool) -> (f64, Recorded) {
    let server = RedisServer::with(&ServerOptions { durable, ..ServerOptions::default() });
    let (store, forge) = (Recorded::new(open(&server, "town").await), FakeForge::new());
    store.found(&identity_named("town")).await.expect("founds");
    let began = Instant::now();
    let (serving, mut reports) = dispatch(&store, &forge);
    let mut workers = tokio::task::JoinSet::new();
    for n in 0..WORKERS {
        let name = AgentName::new(&format!("agent-{n}")).expect("a name");
        let store = Recorded { store: open(&server, "town").await, ..store.clone() };
        workers.spawn(Worker { store, forge: forge.clone(), name }.work());
    }
    let id = MissionId(uuid::Uuid::from_u128(2));
    let start = post("start", &Input::Start(Box::new(mission(id, ITEMS))));
    apply(parts(&store, &forge), settings("command"), start, LEASE).await.expect("starts");
    while let Some(report) = reports.recv().await {
        if matches!(&report, Report::Mission(mission) if mission.state.is_over()) {
            break;
        }
    }
    let took = began.elapsed().as_secs_f64();
    serving.abort();
    workers.abort_all();
    let commits = store.commits.lock().expect("nobody panicked").len();
    (f64::from(u32::try_from(commits).expect("not that many")) / took, store)
}

fn identity_named(name: &str) -> TownIdentity {
    TownIdentity { name: name.to_owned(), ..identity() }
}

/// From the start of a dispatcher to its first word about a mission of so many items.
async fn restart(items: u64) -> f64 {
    let server = RedisServer::start();
    let (store, forge) = (Recorded::new(open(&server, "town").await), FakeForge::new());
    store.found(&identity_named("town")).await.expect("founds");
    let start = post("start", &Input::Start(Box::new(mission(MissionId(uuid::Uuid::from_u128(2)), items))));
    apply(parts(&store, &forge), settings("command"), start, LEASE).await.expect("starts");
    let began = Instant::now();
    let (serving, mut reports) = dispatch(&Recorded::new(open(&server, "town").await), &forge);
    while let Some(report) = reports.recv().await {
        if matches!(report, Report::Active) {
            break;
        }
    }
    let took = began.elapsed().as_secs_f64();
    serving.abort();
    took * 1000.0
}

/// Commands a second that a town at rest sends: a dispatcher and two workers, with leases of ten seconds.
fn idle() -> f64 {
    const WATCHED: Duration = Duration::from_secs(30);
    let town = Town::new();
    town.configure("timing.dispatcher_lease_ms", "10000");
    town.configure("timing.agent_lease_ms", "10000");
    let _dispatcher = town.dispatcher();
    town.spawn_worker("one", None);
    town.spawn_worker("two", None);
    std::thread::sleep(Duration::from_secs(5));
    let before = asked();
    std::thread::sleep(WATCHED);
    let after = asked();
    let mut told: Vec<String> = Vec::new();
    let mut sum = 0.0;
    for (name, count) in after {
        let more = count - before.get(&name).copied().unwrap_or_default();
        if more > 0 {
            sum += f64::from(more);
            told.push(format!("{name} {more}"));
        }
    }
    say(&format!("commands in {} s: {}", WATCHED.as_secs(), told.join(", ")));
    sum / WATCHED.as_secs_f64()
}

/// How often clients called each command. What scripts call inside is not told apart by name, but scripts
/// call none of these.
fn asked() -> BTreeMap<String, u32> {
    let told = redis_server().ask(&["INFO", "commandstats"]);
    let line = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let outside = ["evalsha", "eval", "xread", "info", "ping", "config|get", "client|setname", "hello"];
        let count = rest.split(',').next()?.parse().ok()?;
        outside.contains(&name).then(|| (name.to_owned(), count))
    };
    told.lines().filter_map(line).collect()
}

#[expect(clippy::print_stdout, reason = "a measurement prints its tables")]
fn say(line: &str) {
    println!("{line}");
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    say("append-only file        commits/s  transitions/s    share");
    for (name, durable) in [("none", false), ("always", true)] {
        let (reached, floor) = runtime.block_on(async {
            let (reached, recorded) = transitions(durable).await;
            (reached, floor(durable, &recorded).await)
        });
        say(&format!("{name:<20} {floor:>12.0} {reached:>14.0} {:>6.0} %", 100.0 * reached / floor));
    }
    let took = runtime.block_on(restart(10_000));
    say(&format!("\na dispatcher with a mission of 10,000 items is at work after {took:.0} ms"));
    say(&format!("a dispatcher and two workers at rest send {:.2} commands/s", idle()));
}
