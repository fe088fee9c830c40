//! A whole mission in one process: the store model, the fake forge, a dispatcher, and a worker of a few lines.
#![expect(clippy::print_stdout, reason = "it prints what came of it")]

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use tinytown_core::id::{AgentName, MissionId, OpId, TownId};
use tinytown_core::input::{Answer, Input, Join, MissionInput, NewMission, Submission};
use tinytown_core::letter::{Brief, Letter};
use tinytown_core::policy::Policy;
use tinytown_core::roster::{Agent, Place};
use tinytown_core::simulate::{Scenario, ScriptedIssue};
use tinytown_core::time::Time;
use tinytown_dispatcher::{Mode, Parts, ProofOfDeath, Report, Settings, apply, serve};
use tinytown_forge::FakeForge;
use tinytown_store::codec::{decode, encode};
use tinytown_store::records::{load_letter, load_mission};
use tinytown_store::{
    Archive as _, Mailbox, MemoryStore, Post, Record, Store, StoreError, TownIdentity, Wait,
};
use tokio::sync::{mpsc, watch};

const LEASE: Duration = Duration::from_secs(10);

/// Everything is in this process: nobody else can die.
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
        engine: "example".to_owned(),
    }
}

fn post(op: &str, input: &Input) -> Post {
    Post { op: OpId::new(op), input: encode(input), at: clock(), blobs: Vec::new() }
}

/// Two issues, of which the second waits for the first; nobody reviews, everything is merged.
fn mission(id: MissionId) -> Result<NewMission, Box<dyn Error>> {
    let issue = |number, after| ScriptedIssue { number, after, ..ScriptedIssue::default() };
    let items =
        Scenario { issues: vec![issue(1, vec![]), issue(2, vec![1])], ..Scenario::default() }.plan()?.items;
    let policy = Policy { reviewer_required: false, auto_merge: true, ..Policy::default() };
    let objectives = items.iter().map(|item| item.key.to_string()).collect();
    Ok(NewMission { id, policy, objectives, items })
}

/// A worker that hands in a commit for every assignment.
struct Worker {
    store: Arc<MemoryStore>,
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

/// Runs the mission and tells how it ended.
pub(crate) async fn tell() -> Result<String, Box<dyn Error>> {
    let (store, forge) = (Arc::new(MemoryStore::new()), FakeForge::new());
    let town =
        TownIdentity { id: TownId(uuid::Uuid::from_u128(1)), name: "town".to_owned(), created_at: clock() };
    store.found(&town).await?;
    let parts = || {
        let store: Arc<dyn Store> = store.clone();
        Parts { store, forge: Arc::new(forge.clone()), proof: Arc::new(NobodyDies), clock, uptime }
    };
    let (over, mut ended) = mpsc::unbounded_channel();
    let listen = move |report| {
        if let Report::Mission(mission) = report
            && mission.state.is_over()
        {
            let _ = over.send(mission.id);
        }
    };
    let (_stop, stopped) = watch::channel(false);
    let dispatcher = tokio::spawn(serve(parts(), settings("dispatcher"), listen, stopped));
    let worker = Worker { store: store.clone(), forge: forge.clone(), name: AgentName::new("ann")? };
    let worker = tokio::spawn(worker.work());

    let id = MissionId(uuid::Uuid::from_u128(2));
    let start = post("start", &Input::Start(Box::new(mission(id)?)));
    apply(parts(), settings("command"), start, LEASE).await?;
    ended.recv().await.ok_or("the dispatcher has ended")?;
    worker.abort();
    dispatcher.abort();

    let mission = load_mission(&store.mission(id).await?)?;
    Ok(format!("{} with {} merges", mission.head().state.as_str(), forge.merges().len()))
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn main() -> Result<(), Box<dyn Error>> {
    println!("{}", tell().await?);
    Ok(())
}
