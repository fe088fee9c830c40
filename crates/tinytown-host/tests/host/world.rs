//! One run in a folder of its own, and the processes that it leaves about.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tinytown_host::process::{ProcessId, Signal, signal};
use tinytown_host::run_files::{Swept, Which, sweep};
use tinytown_host::supervise::{Outcome, Run, Spec, SuperviseError, Supervisor};

/// Longer than anything here takes on a busy machine; reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(30);

/// A command that does all that commands do to get away: it and its helpers ignore SIGTERM, one helper
/// has a session of its own, and another below it is orphaned at once.
const ESCAPE_ARTIST: &str = r#"
trap '' TERM HUP INT
setsid sh -c '
    (sh -c "echo \$\$ > deep; exec sleep 1000" &)
    echo $$ > daemon; exec sleep 1000
' &
echo $$ > command
"#;

/// The names under which the escape artist's processes write down their numbers.
const ESCAPED: [&str; 2] = ["daemon", "deep"];

pub(crate) struct World {
    place: TempDir,
    pub(crate) spec: Spec,
}

impl World {
    /// A run of this shell script.
    pub(crate) fn new(script: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        let run = format!("test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        std::fs::create_dir(at("work")).unwrap();
        let spec = Spec {
            argv: ["sh", "-c", script].map(String::from).to_vec(),
            cwd: at("work"),
            env: vec![("PATH".into(), std::env::var_os("PATH").unwrap())],
            stdin: None,
            log: at("log"),
            begin_by_ms: None,
            time_limit_ms: 600_000,
            stall_limit_ms: None,
            stall_watch: None,
            // Out of sight, so that no test passes by it that does not mean to.
            ping_limit_ms: 600_000,
            grace_ms: 60_000,
            run_file: at("runs").join(&run),
            run,
        };
        Self { place, spec }
    }

    /// A run of the escape artist, which then goes on with `then`.
    pub(crate) fn escaping(then: &str) -> Self {
        Self::new(&format!("{ESCAPE_ARTIST}\n{then}"))
    }

    pub(crate) async fn start(&self) -> Run {
        supervisor().start(&self.spec).await.unwrap()
    }

    /// Runs it to its end.
    pub(crate) async fn outcome(&self) -> Result<Outcome, SuperviseError> {
        supervisor().start(&self.spec).await?.wait().await
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// A file in the command's working folder.
    pub(crate) fn work(&self, name: &str) -> PathBuf {
        self.spec.cwd.join(name)
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.spec.log).unwrap()
    }

    pub(crate) fn runs(&self) -> PathBuf {
        self.path("runs")
    }

    pub(crate) fn sweep(&self, which: Which) -> Swept {
        sweep(&self.runs(), which).unwrap()
    }

    /// The process that wrote its number into this file of the working folder, once it did so whole.
    pub(crate) fn process(&self, name: &str) -> ProcessId {
        let read = || std::fs::read_to_string(self.work(name)).unwrap_or_default();
        eventually(&format!("{name} to run"), || read().ends_with('\n'));
        ProcessId::of(read().trim().parse().unwrap()).unwrap()
    }

    /// All processes of the escape artist, once they run.
    pub(crate) fn escaped(&self) -> Vec<ProcessId> {
        let mut all: Vec<_> = ESCAPED.map(|name| self.process(name)).to_vec();
        all.push(self.process("command"));
        all
    }

    /// A supervisor that was told nothing yet, and what it is to be told.
    pub(crate) fn supervisor(&self) -> (Child, Vec<u8>) {
        let mut command = Command::new(program());
        let command = command.arg("supervise").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut line = serde_json::to_vec(&self.spec).unwrap();
        line.push(b'\n');
        (command.spawn().unwrap(), line)
    }

    /// A client of its own that runs this.
    pub(crate) fn client(&self) -> Process {
        let spec = self.path("spec");
        std::fs::write(&spec, serde_json::to_vec(&self.spec).unwrap()).unwrap();
        Process(Command::new(program()).arg("client").arg(spec).spawn().unwrap())
    }
}

/// Whatever a failed test left is gone when it ends.
impl Drop for World {
    fn drop(&mut self) {
        let _ = sweep(&self.runs(), Which::All);
    }
}

/// A process of the test itself, killed and reaped at its end.
pub(crate) struct Process(Child);

impl Process {
    /// A process that looks just like one of the escape artist's.
    pub(crate) fn decoy() -> Self {
        Self(Command::new("sleep").arg("1000").process_group(0).stdin(Stdio::null()).spawn().unwrap())
    }

    pub(crate) fn id(&self) -> ProcessId {
        ProcessId::of(self.0.id()).unwrap()
    }

    pub(crate) fn send(&self, what: Signal) {
        assert!(signal(&self.id(), what).unwrap());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How supervisors are started here.
pub(crate) fn supervisor() -> Supervisor {
    Supervisor { program: program(), args: vec!["supervise".into()] }
}

/// The example beside this test, which `cargo test` builds first.
pub(crate) fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("examples/supervised");
    assert!(program.exists(), "build the example `supervised` first: cargo build --examples");
    program
}

/// Waits until it is so.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let give_up = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < give_up, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until all of them are gone.
pub(crate) fn eventually_gone(processes: &[ProcessId]) {
    eventually("all processes to be gone", || processes.iter().all(|process| !process.is_alive()));
}

/// None of them is left, now.
pub(crate) fn assert_gone(processes: &[ProcessId]) {
    let left: Vec<_> = processes.iter().filter(|process| process.is_alive()).collect();
    assert!(left.is_empty(), "still running: {left:?}");
}
