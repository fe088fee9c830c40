//! A town in a folder of its own: a real repository, a store in memory, a worker whose agent is a shell script.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tempfile::TempDir;
use tinytown_agent::{
    AgentCli, Applier, Ended, Ports, Progress, Prompt, Settings, Shutdown, Worker, WorkerError,
};
use tinytown_core::id::{AgentName, Claim, Fence, Generation, ItemKey, MissionId, OpId, Role, Sha, TownId};
use tinytown_core::input::{AttemptEnd, Submission};
use tinytown_core::item::Kind;
use tinytown_core::letter::Brief;
use tinytown_core::roster::Agent;
use tinytown_core::text::Text;
use tinytown_core::time::Time;
use tinytown_host::clock::uptime;
use tinytown_host::git::Identity;
use tinytown_host::process::ProcessId;
use tinytown_host::run_files::{Which, sweep};
use tinytown_host::supervise::Supervisor;
use tinytown_store::{MemoryStore, Store, TownIdentity};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::dispatcher::Dispatcher;

/// Longer than anything here takes on a busy machine; reached only by a failing test.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct World {
    place: TempDir,
    pub(crate) store: MemoryStore,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) settings: Settings,
    pub(crate) said: Arc<Mutex<Vec<Progress>>>,
    /// Milliseconds by which the workers' wall clock is ahead.
    pub(crate) ahead: Arc<AtomicI64>,
    /// Milliseconds for which the workers stood still, as their clock that counts suspend has it.
    pub(crate) slept: Arc<AtomicU64>,
}

/// A worker that runs.
pub(crate) struct Running {
    task: JoinHandle<Result<Ended, WorkerError>>,
    pub(crate) shutdown: watch::Sender<Shutdown>,
}

struct Nobody;

#[async_trait]
impl Applier for Nobody {
    async fn nudge(&self) {}
}

pub(crate) fn agent() -> AgentName {
    AgentName::new("backend").unwrap()
}

impl World {
    /// A town whose agent is this script.
    pub(crate) async fn new(script: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let repository = place.path().join("town");
        std::fs::create_dir(&repository).unwrap();
        std::fs::create_dir(place.path().join("home")).unwrap();
        git(&repository, &["init", "-q", "-b", "main"]);
        std::fs::write(repository.join("a"), "one\n").unwrap();
        commit_all(&repository, "one");
        let store = MemoryStore::new();
        let (id, created_at) = (TownId(Uuid::from_u128(1)), Time::from_millis(0));
        store.found(&TownIdentity { id, name: "town".into(), created_at }).await.unwrap();
        let dispatcher = Dispatcher::start(&store).await;
        let settings = settings(&repository, script, &place.path().join("home"));
        Self {
            place,
            store,
            dispatcher,
            settings,
            said: Arc::default(),
            ahead: Arc::default(),
            slept: Arc::default(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub(crate) fn repository(&self) -> &Path {
        &self.settings.repository
    }

    /// Starts a worker, and waits until it has its name.
    pub(crate) async fn spawn(&self) -> Running {
        let running = self.begin(Arc::new(self.store.clone()));
        self.dispatcher.agent(Agent::is_present).await;
        running
    }

    /// Starts a worker on this store.
    pub(crate) fn begin(&self, store: Arc<dyn Store>) -> Running {
        static OPERATIONS: AtomicU64 = AtomicU64::new(0);
        let (said, ahead) = (Arc::clone(&self.said), Arc::clone(&self.ahead));
        let slept = Arc::clone(&self.slept);
        let ports = Ports {
            store,
            applier: Arc::new(Nobody),
            report: Arc::new(move |progress: &Progress| said.lock().unwrap().push(progress.clone())),
            clock: Arc::new(move || Time::from_millis(now() + ahead.load(Ordering::Relaxed))),
            uptime: Arc::new(move || uptime() + Duration::from_millis(slept.load(Ordering::Relaxed))),
            mint: Arc::new(|| OpId::new(format!("op-{}", OPERATIONS.fetch_add(1, Ordering::Relaxed)))),
        };
        let worker = Worker::new(self.settings.clone(), ports);
        let (shutdown, told) = watch::channel(Shutdown::No);
        Running { task: tokio::spawn(worker.run(told)), shutdown }
    }

    /// An assignment for the first start of the agent, from the present base.
    pub(crate) fn brief(&self) -> Brief {
        let claim = Claim {
            mission: MissionId(Uuid::from_u128(0xabcd << 112)),
            item: ItemKey::new("#2"),
            agent: agent(),
            generation: Generation(1),
            attempt: 1,
            fence: Fence(7),
        };
        Brief {
            claim,
            title: "Add a login page".into(),
            kind: Kind::Implement,
            role: None,
            body: Text::inline("People want to log in.\n"),
            base: self.head("main"),
            head: None,
            since: None,
            about: None,
            must_hold: Vec::new(),
            branch: Some("tt/abcd0000/2-add-a-login-page.a1".into()),
            before: None,
            time_limit_ms: 600_000,
            stall_limit_ms: 600_000,
        }
    }

    pub(crate) fn review(&self) -> Brief {
        Brief { kind: Kind::Review, branch: None, head: Some(self.head("main")), ..self.brief() }
    }

    /// Runs one attempt from its assignment to its end.
    pub(crate) async fn attempt(&self, brief: &Brief) -> Result<Submission, AttemptEnd> {
        let worker = self.spawn().await;
        self.dispatcher.assign(brief).await;
        let outcome = self.dispatcher.outcome(&brief.claim).await;
        worker.stop().await;
        outcome
    }

    pub(crate) fn head(&self, name: &str) -> Sha {
        Sha::new(&self.git(&["rev-parse", name])).unwrap()
    }

    /// What a person types in the town's repository.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(self.repository(), arguments)
    }

    /// Whether the town's repository has such a reference.
    pub(crate) fn has_ref(&self, name: &str) -> bool {
        !self.git(&["for-each-ref", name]).is_empty()
    }

    /// The process that wrote its number into this file, once it did.
    pub(crate) async fn process(&self, name: &str) -> ProcessId {
        let file = self.path(name);
        eventually(&format!("{name} to run"), || {
            std::fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n'))
        })
        .await;
        ProcessId::of(std::fs::read_to_string(file).unwrap().trim().parse().unwrap()).unwrap()
    }

    pub(crate) fn log(&self) -> String {
        let logs = self.settings.town_dir.join(".tinytown/logs/backend");
        std::fs::read_to_string(logs.join("abcd0000-2.a1.log")).unwrap()
    }

    /// Every file or folder in which attempts work, that is there now.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        let home = self.settings.town_dir.join(".tinytown");
        let of = |sort: &str| std::fs::read_dir(home.join(sort).join("abcd0000")).into_iter().flatten();
        of("checkouts").chain(of("attempts")).map(|entry| entry.unwrap().path()).collect()
    }
}

/// Whatever a failed test left is gone when it ends.
impl Drop for World {
    fn drop(&mut self) {
        for runs in [self.settings.town_dir.join(".tinytown/run/backend"), self.path("old-runs")] {
            let _ = sweep(&runs, Which::All);
        }
    }
}

impl Running {
    /// Waits for its end.
    pub(crate) async fn ended(self) -> Result<Ended, WorkerError> {
        in_time("the worker's end", self.task).await.unwrap()
    }

    pub(crate) async fn stop(self) {
        self.shutdown.send(Shutdown::Graceful).unwrap();
        assert_eq!(self.ended().await.unwrap(), Ended::Stopped);
    }
}

fn settings(repository: &Path, script: &str, home: &Path) -> Settings {
    let environment = [
        ("PATH", std::env::var_os("PATH").unwrap()),
        ("HOME", home.into()),
        ("WORLD", home.parent().unwrap().into()),
        ("SECRET", "canary".into()),
    ];
    let environment: Vec<(OsString, OsString)> =
        environment.into_iter().map(|(name, value)| (name.into(), value)).collect();
    Settings {
        agent: agent(),
        role: Some(Role::new("backend")),
        cli_name: "script".into(),
        cli: AgentCli {
            command: ["sh", "-c", script].map(str::to_owned).to_vec(),
            prompt: Prompt::Stdin,
            pass_env: vec!["WORLD".into()],
        },
        town_dir: repository.to_owned(),
        town_name: "town".into(),
        repository: repository.to_owned(),
        remote: None,
        base_branch: "main".into(),
        base_ref: "refs/heads/main".into(),
        lease: Duration::from_secs(30),
        supervisor: Supervisor { program: program(), args: Vec::new() },
        identity: Identity { name: "backend".into(), email: "backend@localhost".into() },
        environment,
        wait_for_name: true,
    }
}

/// The example beside this test, which `cargo test` builds first.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("examples/agent_supervisor");
    assert!(program.exists(), "build the example first: cargo build -p tinytown-agent --examples");
    program
}

fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// What a person types, with an identity and no surprises.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(folder).args(arguments).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", "/nonexistent");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "person").env(format!("GIT_{who}_EMAIL"), "p@example.org");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub(crate) fn commit_all(folder: &Path, message: &str) {
    git(folder, &["add", "-A", "--", ":!.tinytown"]);
    git(folder, &["commit", "-q", "-m", message]);
}

/// The future's answer, or a failed test.
pub(crate) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(answer) => answer,
        Err(tokio::time::error::Elapsed { .. }) => panic!("waited in vain for {what}"),
    }
}

/// Waits until it is so.
pub(crate) async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let look = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    in_time(what, look).await;
}
