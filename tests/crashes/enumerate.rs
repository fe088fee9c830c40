//! Every call, crashed at every point: what must be there afterwards, and what is.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tinytown_core::mutant::Mutant;
use tinytown_store::{LeaseCall, MemoryStore, SqliteStore, Store, StoreError};
use tokio::runtime::{Builder, Runtime};

use crate::call::Call;
use crate::everything::{Everything, Names};
use crate::record::Recorded;

/// The number of SIGKILL.
const KILLED: i32 = 9;
/// The store's file, and those beside it that belong to its state.
const FILES: [&str; 2] = ["town.db", "town.db-wal"];

/// A call to be crashed at every point, with what the model says of it.
pub(crate) struct Case {
    /// What it is the first example of.
    pub(crate) kinds: Vec<String>,
    call: Call,
    names: Names,
    /// The store as it was before, as files, and as read.
    folder: PathBuf,
    before: Option<Everything>,
    after: Option<Everything>,
    answer: String,
}

/// What became of the crashes.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) calls: usize,
    pub(crate) points: usize,
    pub(crate) before: usize,
    pub(crate) after: usize,
    pub(crate) third: Vec<String>,
}

impl Tally {
    fn and(mut self, other: Self) -> Self {
        self.calls += other.calls;
        self.points += other.points;
        self.before += other.before;
        self.after += other.after;
        self.third.extend(other.third);
        self
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, points, before, after, third } = self;
        let odd = third.len();
        write!(f, "{calls} calls, {points} crashes: {before} before, {after} after, {odd} third states")
    }
}

/// Does `work` for each number below `count`; more at once than there are cores, for most of it is waiting.
fn in_parallel<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let take = || Some(next.fetch_add(1, Ordering::SeqCst)).filter(|nth| *nth < count);
    let loops = || std::iter::from_fn(take).map(&work).collect::<Vec<T>>();
    let threads = 2 * std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(loops)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no thread panics")).collect()
    })
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// The calls of these towns that show something first, each with the store as it was before.
pub(crate) fn cases(towns: &[Vec<Recorded>], folder: &Path) -> Vec<Case> {
    let of_town = |nth: usize| runtime().block_on(cases_of(&towns[nth], folder.join(format!("town-{nth}"))));
    in_parallel(towns.len(), of_town).into_iter().flatten().collect()
}

async fn cases_of(calls: &[Recorded], folder: PathBuf) -> Vec<Case> {
    let main = folder.join("main");
    std::fs::create_dir_all(&main).expect("a folder");
    let (model, mut store) = (MemoryStore::new(), None);
    let (mut names, mut cases, mut life) = (Names::default(), Vec::new(), 0);
    for Recorded { call, kinds } in calls {
        let call = in_life(call.clone(), life);
        names.learn(&call);
        let mut case = None;
        if !kinds.is_empty() {
            let before = folder.join(cases.len().to_string());
            copy(&main, &before);
            case = Some(Case::begin(&call, kinds, &names, before, &model).await);
        }
        let answer = call.make(&model).await;
        // Made only now: the first case is about a file that is not there.
        let store = match &mut store {
            Some(store) => store,
            none => none.insert(SqliteStore::create(main.join(FILES[0])).await.expect("a file can be made")),
        };
        let made = call.make(store).await;
        assert_eq!(made, answer, "the model answers as SQLite does: {call:?}");
        if life == 0 {
            life = read(store, &names).await.expect("a town").incarnation();
            model.set_incarnation(life);
        }
        if let Some(case) = case {
            cases.push(case.end(answer, &model).await);
        }
    }
    cases
}

/// Crashes every call at every point. With `first`, no more are begun after a third state.
pub(crate) fn crash_all(cases: &[Case], mutant: Option<Mutant>, first: bool) -> Tally {
    let enough = AtomicBool::new(false);
    let crash = |nth: usize| {
        let mut tally = Tally::default();
        if !enough.load(Ordering::SeqCst) {
            runtime().block_on(cases[nth].crash(mutant, &mut tally));
            enough.fetch_or(first && !tally.third.is_empty(), Ordering::SeqCst);
        }
        tally
    };
    in_parallel(cases.len(), crash).into_iter().fold(Tally::default(), Tally::and)
}

impl Case {
    /// Keeps everything as it is before the call.
    async fn begin(
        call: &Call,
        kinds: &BTreeSet<String>,
        names: &Names,
        folder: PathBuf,
        model: &MemoryStore,
    ) -> Self {
        Self {
            kinds: kinds.iter().cloned().collect(),
            call: call.clone(),
            names: names.clone(),
            folder,
            before: read(model, names).await,
            after: None,
            answer: String::new(),
        }
    }

    /// What the model says after the call.
    async fn end(mut self, answer: String, model: &MemoryStore) -> Self {
        self.answer = answer;
        self.after = self.read(model).await;
        self
    }

    /// Crashes the call at its first point, at its second, until it is answered.
    async fn crash(&self, mutant: Option<Mutant>, tally: &mut Tally) {
        tally.calls += 1;
        let (before, after) = (tally.before, tally.after);
        for point in 1.. {
            let scratch = tempfile::tempdir().expect("a folder");
            copy(&self.folder, scratch.path());
            let path = scratch.path().join(FILES[0]);
            let output = self.make_in_a_process(&path, point, mutant);
            let words = String::from_utf8_lossy(&output.stderr);
            let (store, left) = self.find(&path).await;
            let crashed = output.status.signal() == Some(KILLED);
            if crashed {
                tally.points += 1;
                self.judge(left.as_ref(), words.trim(), tally);
            } else {
                assert!(output.status.success(), "{:?}: {words}", self.call);
                let answer = String::from_utf8_lossy(&output.stdout);
                if answer.trim() != self.answer || left != self.after {
                    tally.third.push(self.told(&format!("answered {answer}, and left something else")));
                }
            }
            self.repeat(&store, left, words.trim(), tally).await;
            if !crashed {
                break;
            }
        }
        let both_sides = tally.before > before && tally.after > after;
        assert!(both_sides || self.before == self.after, "{:?} was not crashed on both sides", self.kinds);
    }

    /// Opens what is there, as the next process would, and reads it.
    async fn find(&self, path: &Path) -> (SqliteStore, Option<Everything>) {
        let store = match SqliteStore::open(path).await {
            Err(StoreError::NoTown { .. }) => SqliteStore::create(path).await,
            store => store,
        };
        let store = store.expect("what a crash left can be opened");
        let left = self.read(&store).await;
        (store, left)
    }

    fn judge(&self, left: Option<&Everything>, words: &str, tally: &mut Tally) {
        if left == self.before.as_ref() {
            tally.before += 1;
        } else if left == self.after.as_ref() {
            tally.after += 1;
        } else {
            let odd = match (left, &self.before, &self.after) {
                (Some(left), Some(before), Some(after)) => left.odd_parts(before, after),
                _ => vec!["whether there is a town"],
            };
            let odd = if odd.is_empty() { vec!["some parts before, some after"] } else { odd };
            tally.third.push(self.told(&format!("{words}: {odd:?}")));
        }
    }

    /// The same call under the same name is answered as if nothing had been, and leaves what it should.
    async fn repeat(&self, store: &SqliteStore, left: Option<Everything>, words: &str, tally: &mut Tally) {
        // A beat has no name: the next one counts again.
        if matches!(self.call, Call::Beat(..)) && left != self.before {
            return;
        }
        let answer = self.call.make(store).await;
        if answer != self.answer || self.read(store).await != self.after {
            tally.third.push(self.told(&format!("{words}: made again, it answers {answer}")));
        }
    }

    async fn read(&self, store: &dyn Store) -> Option<Everything> {
        let read = read(store, &self.names).await;
        // Each founding begins another life.
        let founding = self.before.is_none();
        read.map(|read| if founding { read.in_any_life() } else { read })
    }

    fn told(&self, what: &str) -> String {
        format!("{}: {what}", self.kinds.join(", "))
    }

    fn make_in_a_process(&self, path: &Path, point: u64, mutant: Option<Mutant>) -> Output {
        let call = path.with_file_name("call.json");
        std::fs::write(&call, serde_json::to_vec(&self.call).expect("a call is data"))
            .expect("it is written");
        let mutant = mutant.map_or("none".to_owned(), |mutant| format!("{mutant:?}"));
        Command::new(env!("CARGO_BIN_EXE_crashing"))
            .args([path.as_os_str(), point.to_string().as_ref(), mutant.as_ref()])
            .stdin(File::open(call).expect("it is there"))
            .output()
            .expect("the process starts")
    }
}

async fn read(store: &dyn Store, names: &Names) -> Option<Everything> {
    Everything::read(store, names).await.expect("a store can be read")
}

/// The same call in another life of the store.
fn in_life(mut call: Call, incarnation: u64) -> Call {
    let fence = match &mut call {
        Call::Lease(_, LeaseCall::Renew(fence) | LeaseCall::Release(fence)) => Some(fence),
        Call::Commit(commit) => Some(&mut commit.fence),
        _ => None,
    };
    if let Some(fence) = fence {
        fence.incarnation = incarnation;
    }
    call
}

/// Copies a store that nobody is writing to.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for file in FILES.map(|name| (from.join(name), to.join(name))).iter().filter(|(from, _)| from.exists()) {
        std::fs::copy(&file.0, &file.1).expect("it can be copied");
    }
}
