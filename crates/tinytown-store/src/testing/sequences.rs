//! A backend against the strict model: random commands, equal answers, errors included, and equal ends.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};
use tinytown_core::id::Generation;

use crate::conformance::fixture::{
    agent, commit, effect, identity, letter, mission_id, mission_write, op, post, record, take, town_write,
};
use crate::{
    Archive, Commit, Heartbeat, InputId, LeaseCall, LeaseFence, Mailbox, MemoryStore, MissionWrite, Record,
    Scope, Store, TownWrite, Wait,
};

/// Runs so many random sequences of up to 60 commands against a backend and the model; `open` makes a
/// handle to an empty place each time.
///
/// # Errors
/// The shortest sequence found for which the two differ.
///
/// # Panics
/// If the machine has no threads for it.
pub fn differences<F>(sequences: u32, open: impl Fn() -> F) -> Result<(), String>
where
    F: Future<Output = Arc<dyn Store>>,
{
    run(sequences, ProptestConfig::default().max_shrink_iters, open)
}

/// Whether any of so many random sequences tells a backend from the model, without looking for the shortest.
///
/// # Panics
/// If the machine has no threads for it.
pub fn differ<F>(sequences: u32, open: impl Fn() -> F) -> bool
where
    F: Future<Output = Arc<dyn Store>>,
{
    run(sequences, 0, open).is_err()
}

fn run<F>(cases: u32, max_shrink_iters: u32, open: impl Fn() -> F) -> Result<(), String>
where
    F: Future<Output = Arc<dyn Store>>,
{
    // On one thread: handing each answer from thread to thread takes longer than the call.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a test can have a runtime");
    let config =
        ProptestConfig { cases, max_shrink_iters, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&proptest::collection::vec(command(), 1..60), |commands| {
        runtime.block_on(async { agree(open().await, &commands).await });
        Ok(())
    });
    outcome.map_err(|error| match error {
        TestError::Fail(reason, commands) => format!("{reason}\nafter {commands:#?}"),
        TestError::Abort(reason) => reason.to_string(),
    })
}

async fn agree(backend: Arc<dyn Store>, commands: &[Command]) {
    let pair = Pair::new(backend).await;
    for command in commands {
        pair.run(command).await;
    }
    pair.look(0, usize::MAX).await;
}

/// A command as it is drawn. What must fit the state (fences, versions, counters) is drawn as an
/// offset from what fits, so that most commands are granted and many are refused.
#[derive(Debug, Clone)]
enum Command {
    Take { op: u8, seen_off: Option<u8> },
    Renew { op: u8, epoch_off: u8 },
    Release { op: u8, epoch_off: u8 },
    Beat { agent: u8, generation: u64 },
    Post { op: u8, text: u8 },
    Commit(Box<Drawn>),
    Look { after: u64, limit: usize },
}

#[derive(Debug, Clone)]
struct Drawn {
    op: u8,
    epoch_off: u8,
    town_off: Option<u8>,
    mission: Option<(u8, u8, bool)>,
    acks: u8,
    unmoved: Option<(u8, u8)>,
    keys: Vec<u8>,
    done: Vec<u8>,
}

/// Mostly 0, sometimes 1 or 2.
fn off() -> impl Strategy<Value = u8> + Clone {
    prop_oneof![8 => Just(0_u8), 1 => 1..3_u8]
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let small = || proptest::collection::vec(0..4_u8, 0..3);
    let mission = proptest::option::of((0..2_u8, off(), any::<bool>()));
    let unmoved = proptest::option::weighted(0.2, (0..2_u8, off()));
    (0..40_u8, off(), proptest::option::of(off()), mission, 0..3_u8, unmoved, small(), small()).prop_map(
        |(op, epoch_off, town_off, mission, acks, unmoved, keys, done)| Drawn {
            op,
            epoch_off,
            town_off,
            mission,
            acks,
            unmoved,
            keys,
            done,
        },
    )
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        2 => (0..12_u8, proptest::option::of(off())).prop_map(|(op, seen_off)| Command::Take { op, seen_off }),
        1 => (0..12_u8, off()).prop_map(|(op, epoch_off)| Command::Renew { op, epoch_off }),
        1 => (0..12_u8, off()).prop_map(|(op, epoch_off)| Command::Release { op, epoch_off }),
        2 => (0..2_u8, 0..3_u64).prop_map(|(agent, generation)| Command::Beat { agent, generation }),
        4 => (0..12_u8, 0..12_u8).prop_map(|(op, text)| Command::Post { op, text: text / 11 }),
        8 => drawn().prop_map(|drawn| Command::Commit(Box::new(drawn))),
        1 => (0..12_u64, 0..4_usize).prop_map(|(after, limit)| Command::Look { after, limit }),
    ]
}

/// The two, and what the model says of the state that commands must fit.
struct Pair {
    model: MemoryStore,
    backend: Arc<dyn Store>,
}

/// The same question to both.
macro_rules! both {
    ($pair:expr, $store:ident => $call:expr) => {{
        let ask = async |$store: &dyn Store| $call.await;
        let (model, backend) = (ask(&$pair.model).await, ask(&*$pair.backend).await);
        assert_eq!(model, backend, "{}", stringify!($call));
        model
    }};
}

impl Pair {
    async fn new(backend: Arc<dyn Store>) -> Self {
        let model = MemoryStore::new();
        backend.found(&identity()).await.expect("founds");
        model.set_incarnation(backend.vitals().await.expect("answers").incarnation);
        model.found(&identity()).await.expect("founds");
        let pair = Self { model, backend };
        let _held = both!(pair, store => store.lease(&op("first"), &take("first")));
        pair
    }

    async fn fence(&self, off: u8) -> LeaseFence {
        let vitals = self.model.vitals().await.expect("answers");
        let epoch = vitals.lease.epoch.saturating_sub(u64::from(off));
        LeaseFence { incarnation: vitals.incarnation, epoch }
    }

    async fn run(&self, command: &Command) {
        match command {
            Command::Take { op, seen_off } => self.take(*op, *seen_off).await,
            Command::Renew { op: name, epoch_off } => {
                let call = LeaseCall::Renew(self.fence(*epoch_off).await);
                let _answer = both!(self, store => store.lease(&op(&format!("l{name}")), &call));
            }
            Command::Release { op: name, epoch_off } => {
                let call = LeaseCall::Release(self.fence(*epoch_off).await);
                let _answer = both!(self, store => store.lease(&op(&format!("l{name}")), &call));
            }
            Command::Beat { agent: n, generation } => {
                let name = agent(&format!("a{n}"));
                let _answer = both!(self, store => store.beat(&name, Generation(*generation)));
            }
            Command::Post { op, text } => {
                let new = post(&format!("p{op}"), &text.to_string());
                let _answer = both!(self, store => store.post(&new));
            }
            Command::Commit(drawn) => {
                let commit = self.commit(drawn).await;
                let _answer = both!(self, store => store.commit(&commit));
            }
            Command::Look { after, limit } => self.look(*after, *limit).await,
        }
    }

    async fn take(&self, name: u8, seen_off: Option<u8>) {
        let lease = self.model.vitals().await.expect("answers").lease;
        let seen = seen_off.map(|off| (lease.epoch, lease.counter + u64::from(off)));
        let call = LeaseCall::Take { holder: record(&format!("holder {name}")), seen };
        let _answer = both!(self, store => store.lease(&op(&format!("l{name}")), &call));
    }

    async fn commit(&self, drawn: &Drawn) -> Commit {
        let keys = |keys: &[u8]| keys.iter().map(|key| format!("k{key}")).collect::<Vec<_>>();
        let boxed =
            |key: &u8| if key.is_multiple_of(2) { Mailbox::Conductor } else { Mailbox::Agent(agent("a0")) };
        let (put, done) = (keys(&drawn.keys), keys(&drawn.done));
        Commit {
            town: self.town_write(drawn, &done).await,
            mission: self.mission_write(drawn).await,
            unmoved: self.unmoved(drawn).await,
            acks: self.acks(drawn.acks).await,
            mail: drawn.keys.iter().zip(&put).map(|(n, key)| letter(&boxed(n), key, key)).collect(),
            mail_done: drawn.done.iter().zip(&done).map(|(n, key)| (boxed(n), key.clone())).collect(),
            effects: put.iter().map(|key| effect(key)).collect(),
            effects_done: done.iter().map(|key| op(key)).collect(),
            ..commit(&format!("c{}", drawn.op), self.fence(drawn.epoch_off).await)
        }
    }

    async fn town_write(&self, drawn: &Drawn, delete: &[String]) -> Option<TownWrite> {
        let version = self.model.town().await.expect("answers").version;
        let expect = version.saturating_sub(u64::from(drawn.town_off?));
        let step = drawn.op.is_multiple_of(2).then(|| record("a step"));
        let put = town_write(expect, &format!("k{}", drawn.acks), &drawn.op.to_string());
        Some(TownWrite { delete: delete.to_vec(), step, ..put })
    }

    async fn mission_write(&self, drawn: &Drawn) -> Option<MissionWrite> {
        let (n, off, unfinished) = drawn.mission?;
        let version = self.model.mission(mission_id(n.into())).await.map_or(0, |view| view.row.version);
        let write = mission_write(n.into(), version.saturating_sub(u64::from(off)));
        let key = format!("#{}", drawn.op % 3);
        Some(MissionWrite { unfinished, put: vec![(key, record(&drawn.op.to_string()))], ..write })
    }

    async fn unmoved(&self, drawn: &Drawn) -> Vec<Heartbeat> {
        let Some((n, off)) = drawn.unmoved else { return Vec::new() };
        let agent = agent(&format!("a{n}"));
        let beats = self.model.vitals().await.expect("answers").beats;
        let latest = beats.into_iter().find(|beat| beat.agent == agent);
        let beat = latest.unwrap_or(Heartbeat { agent, generation: Generation(0), counter: 0 });
        vec![Heartbeat { counter: beat.counter + u64::from(off), ..beat }]
    }

    async fn acks(&self, n: u8) -> Vec<(InputId, Record)> {
        let waiting = self.model.inbox(InputId(0), n.into(), Wait::NONE).await.expect("answers");
        waiting.into_iter().map(|entry| (entry.id, record(&format!("answer {n}")))).collect()
    }

    /// Everything that can be read is the same.
    async fn look(&self, after: u64, limit: usize) {
        let (model, backend) = (&self.model, &*self.backend);
        assert_eq!(everything(model, after, limit).await, everything(backend, after, limit).await);
    }
}

/// Everything that can be read, in words; asked for at once, because nothing changes meanwhile.
async fn everything(store: &dyn Store, after: u64, limit: usize) -> Vec<String> {
    let [one, two] = [0, 1].map(mission_id);
    let agents = Mailbox::Agent(agent("a0"));
    let shared = async {
        let (town, vitals, inbox, all, open) = tokio::join!(
            store.town(),
            store.vitals(),
            store.inbox(InputId(after), limit, Wait::NONE),
            store.missions(true),
            store.missions(false),
        );
        format!("{town:?}\n{vitals:?}\n{inbox:?}\n{all:?}\n{open:?}")
    };
    let mail = async {
        let (agents, conductor) = tokio::join!(
            store.mail(&agents, after, limit, Wait::NONE),
            store.mail(&Mailbox::Conductor, after, limit, Wait::NONE),
        );
        format!("{agents:?}\n{conductor:?}")
    };
    let missions = async {
        let (one, two) = tokio::join!(store.mission(one), store.mission(two));
        format!("{one:?}\n{two:?}")
    };
    let steps = async {
        let (town, one, two) = tokio::join!(
            store.steps(Scope::Town, after, limit),
            store.steps(Scope::Mission(one), after, limit),
            store.steps(Scope::Mission(two), after, limit),
        );
        format!("{town:?}\n{one:?}\n{two:?}")
    };
    let (shared, mail, missions, steps, first, second, third) =
        tokio::join!(shared, mail, missions, steps, answers(store, 0), answers(store, 4), answers(store, 8),);
    vec![shared, mail, missions, steps, first, second, third]
}

/// The answers to four inputs.
async fn answers(store: &dyn Store, from: u8) -> String {
    let [one, two, three, four] = [0, 1, 2, 3].map(|n| op(&format!("p{}", from + n)));
    let answers = tokio::join!(
        store.answer(&one, Wait::NONE),
        store.answer(&two, Wait::NONE),
        store.answer(&three, Wait::NONE),
        store.answer(&four, Wait::NONE),
    );
    format!("{answers:?}")
}
