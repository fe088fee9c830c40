//! What a whole town reaches on Redis: transitions per second of one dispatcher, beside commits made back
//! to back through the same client; a restart with 10,000 items; commands of a town at rest.
//! Run with: cargo xtask bench redis

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use tinytown_core::id::{AgentName, MissionId, OpId};
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
use tinytown_store::conformance::fixture::{commit, identity, lead, mission_write};
use tinytown_store::records::load_letter;
use tinytown_store::{Archive as _, Commit, Mailbox, Post, Record, Scope, Store, StoreError, Wait};
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
    store: RedisStore,
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

fn parts(store: &RedisStore, forge: &FakeForge) -> Parts {
    let (store, forge) = (Arc::new(store.clone()), Arc::new(forge.clone()));
    Parts { store, forge, proof: Arc::new(NobodyDies), clock, uptime }
}

/// Serves until a mission is over, or only until it was read if `once`; how long that took.
async fn dispatch(
    store: &RedisStore,
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

/// Commits a second, one after the other, each a mission's step as small as a dispatcher's.
async fn floor(durable: bool) -> f64 {
    const ROUNDS: u32 = 2000;
    let server = RedisServer::with(&ServerOptions { durable, ..ServerOptions::default() });
    let store = open(&server, "floor").await;
    let fence = lead(&store).await;
    let began = Instant::now();
    for n in 0..u64::from(ROUNDS) {
        let step = Commit { mission: Some(mission_write(1, n)), ..commit(&format!("s{n}"), fence) };
        store.commit(&step).await.expect("commits");
    }
    f64::from(ROUNDS) / began.elapsed().as_secs_f64()
}

/// Transitions a second of one dispatcher while workers do nothing but hand in.
async fn transitions(durable: bool) -> f64 {
    let server = RedisServer::with(&ServerOptions { durable, ..ServerOptions::default() });
    let (store, forge) = (open(&server, "town").await, FakeForge::new());
    store.found(&identity_named("town")).await.expect("founds");
    let (serving, mut reports) = dispatch(&store, &forge).await;
    let mut workers = tokio::task::JoinSet::new();
    for n in 0..WORKERS {
        let name = AgentName::new(&format!("agent-{n}")).expect("a name");
        workers.spawn(Worker { store: open(&server, "town").await, forge: forge.clone(), name }.work());
    }
    let id = MissionId(uuid::Uuid::from_u128(2));
    let start = post("start", &Input::Start(Box::new(mission(id, ITEMS))));
    let began = Instant::now();
    apply(parts(&store, &forge), settings("command"), start, LEASE).await.expect("starts");
    while let Some(report) = reports.recv().await {
        if matches!(&report, Report::Mission(mission) if mission.state.is_over()) {
            break;
        }
    }
    let took = began.elapsed().as_secs_f64();
    serving.abort();
    workers.abort_all();
    let steps = store.steps(Scope::Mission(id), 0, usize::MAX).await.expect("reads").len();
    f64::from(u32::try_from(steps).expect("not that many")) / took
}

fn identity_named(name: &str) -> tinytown_store::TownIdentity {
    tinytown_store::TownIdentity { name: name.to_owned(), ..identity() }
}

/// From the start of a dispatcher to its first word about a mission of so many items.
async fn restart(items: u64) -> f64 {
    let server = RedisServer::start();
    let (store, forge) = (open(&server, "town").await, FakeForge::new());
    store.found(&identity_named("town")).await.expect("founds");
    let start = post("start", &Input::Start(Box::new(mission(MissionId(uuid::Uuid::from_u128(2)), items))));
    apply(parts(&store, &forge), settings("command"), start, LEASE).await.expect("starts");
    let began = Instant::now();
    let (serving, mut reports) = dispatch(&open(&server, "town").await, &forge).await;
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
    let count = || {
        let told = redis_server().ask(&["INFO", "stats"]);
        let line = told.lines().find_map(|line| line.strip_prefix("total_commands_processed:"));
        line.and_then(|number| number.trim().parse::<f64>().ok()).expect("a number")
    };
    let before = count();
    std::thread::sleep(WATCHED);
    // Our own question is one of them.
    (count() - before - 1.0) / WATCHED.as_secs_f64()
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
        let (floor, reached) = runtime.block_on(async { (floor(durable).await, transitions(durable).await) });
        say(&format!("{name:<20} {floor:>12.0} {reached:>14.0} {:>6.0} %", 100.0 * reached / floor));
    }
    let took = runtime.block_on(restart(10_000));
    say(&format!("\na dispatcher with a mission of 10,000 items is at work after {took:.0} ms"));
    say(&format!("a dispatcher and two workers at rest send {:.2} commands/s", idle()));
}
