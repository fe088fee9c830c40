//! The tokio shell: does what the driver asks, and tells it what came of that.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tinytown_core::id::OpId;
use tinytown_core::roster::Agent;
use tinytown_core::time::Time;
use tinytown_forge::{Forge, Permit};
use tinytown_store::{MissionView, Record, Store, StoreError, TownView};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::driver::{BATCH, Call, Driver, Event, Moment, Report, Settings};
use crate::perform::perform;

/// What is known on this host of processes of this host. Both calls may block.
pub trait ProofOfDeath: Send + Sync {
    /// How it is known that the agent's worker is dead, with every process of its run files gone;
    /// `None` if that is not known.
    fn of_agent(&self, agent: &Agent) -> Option<String>;

    /// Whether the process that took the lease with this record is dead for certain.
    fn of_holder(&self, holder: &Record) -> bool;
}

/// What a dispatcher works with.
#[derive(Clone)]
pub struct Parts {
    /// Where the town lives.
    pub store: Arc<dyn Store>,
    /// Where issues and pull requests live.
    pub forge: Arc<dyn Forge>,
    /// What is known of processes on this host.
    pub proof: Arc<dyn ProofOfDeath>,
    /// Reads the wall clock.
    pub clock: fn() -> Time,
    /// Reads a clock that only goes forward and also counts while the machine is suspended, since any
    /// fixed point.
    pub uptime: fn() -> Duration,
}

/// Why a dispatcher could not begin. Once it runs, no error of store or forge ends it.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// There is no town, or it cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Serves the town until the driver is done, or `stop` says so. Reports are passed on as they come.
///
/// # Errors
/// [`ServeError`] if the store has no town, before anything was done.
pub async fn serve(
    parts: Parts,
    settings: Settings,
    mut report: impl FnMut(Report) + Send,
    mut stop: watch::Receiver<bool>,
) -> Result<(), ServeError> {
    parts.store.town().await?;
    let mut shell = Shell::new(parts);
    let mut driver = Driver::new(settings);
    let mut event = Event::Tick;
    let mut stopped = false;
    loop {
        for call in driver.on(event, shell.now()) {
            match call {
                Call::Report(said) => report(said),
                Call::Exit => return Ok(()),
                call => shell.call(call),
            }
        }
        let deadline = driver.deadline(shell.now()).map(|at| shell.began + at);
        event = tokio::select! {
            Some(event) = shell.events.recv() => event,
            () = sleep_until(deadline) => Event::Tick,
            asked = told_to_stop(&mut stop), if !stopped => {
                stopped = true;
                if asked { Event::Stop } else { Event::Tick }
            }
        };
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Whether we were told to stop; false if nobody is left who could tell us.
async fn told_to_stop(stop: &mut watch::Receiver<bool>) -> bool {
    stop.wait_for(|stop| *stop).await.is_ok()
}

/// Leave to change things outside: while the lease is ours and the effect was not revoked.
struct Leave {
    /// A clock that counts suspend: who wakes up must not believe that no time has passed.
    uptime: fn() -> Duration,
    /// Until which millisecond of that clock the lease is ours.
    until: Arc<AtomicU64>,
    revoked: Arc<AtomicBool>,
}

impl Permit for Leave {
    fn holds(&self) -> bool {
        let until = Duration::from_millis(self.until.load(Ordering::SeqCst));
        !self.revoked.load(Ordering::SeqCst) && (self.uptime)() < until
    }
}

struct Shell {
    parts: Parts,
    began: Instant,
    until: Arc<AtomicU64>,
    revoked: HashMap<OpId, Arc<AtomicBool>>,
    sender: mpsc::UnboundedSender<Event>,
    events: mpsc::UnboundedReceiver<Event>,
    /// Everything we started ends with us.
    tasks: tokio::task::JoinSet<()>,
}

impl Shell {
    fn new(parts: Parts) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        Self {
            parts,
            began: Instant::now(),
            until: Arc::new(AtomicU64::new(0)),
            revoked: HashMap::new(),
            sender,
            events,
            tasks: tokio::task::JoinSet::new(),
        }
    }

    fn now(&self) -> Moment {
        let Parts { clock, uptime, .. } = self.parts;
        Moment { mono: self.began.elapsed(), wall: clock(), boot: uptime() }
    }

    /// Starts what the driver asks for; its answer comes as an event.
    fn call(&mut self, call: Call) {
        while self.tasks.try_join_next().is_some() {}
        self.revoked.retain(|_, revoked| Arc::strong_count(revoked) > 1);
        let store = Arc::clone(&self.parts.store);
        match call {
            Call::Vitals => self.answer(async move { Event::Vitals(store.vitals().await) }),
            Call::Lease(op, call) => self.answer(async move {
                let reply = store.lease(&op, &call).await;
                Event::Lease { op, reply }
            }),
            Call::Load => self.answer(async move { Event::Loaded(load(&*store).await) }),
            Call::Inbox(after, wait) => {
                self.answer(
                    async move { Event::Inbox { after, entries: store.inbox(after, BATCH, wait).await } },
                );
            }
            Call::Commit(commit) => self.answer(async move {
                Event::Committed { op: commit.op.clone(), outcome: store.commit(&commit).await }
            }),
            Call::Perform { mission, op, ticket, effect } => {
                let revoked = Arc::new(AtomicBool::new(false));
                // One that was handed out before and is under way still must not act beside the new one.
                if let Some(earlier) = self.revoked.insert(op.clone(), Arc::clone(&revoked)) {
                    earlier.store(true, Ordering::SeqCst);
                }
                let leave = Leave { uptime: self.parts.uptime, until: Arc::clone(&self.until), revoked };
                let (forge, sender) = (Arc::clone(&self.parts.forge), self.sender.clone());
                self.tasks.spawn(async move {
                    let result = perform(&*forge, mission, op.clone(), effect, &leave).await;
                    let _ = sender.send(Event::Performed { op, ticket, result });
                });
            }
            Call::Revoke(op) => {
                if let Some(revoked) = self.revoked.remove(&op) {
                    revoked.store(true, Ordering::SeqCst);
                }
            }
            Call::Permit(until) => {
                let millis = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
                self.until.store(millis, Ordering::SeqCst);
            }
            Call::Prove(agents) => self.prove(agents),
            Call::ProveHolder { holder, seen } => {
                let (proof, sender) = (Arc::clone(&self.parts.proof), self.sender.clone());
                self.tasks.spawn_blocking(move || {
                    if proof.of_holder(&holder) {
                        let _ = sender.send(Event::HolderDead { seen });
                    }
                });
            }
            Call::Report(_) | Call::Exit => {}
        }
    }

    fn answer(&mut self, event: impl Future<Output = Event> + Send + 'static) {
        let sender = self.sender.clone();
        self.tasks.spawn(async move {
            let _ = sender.send(event.await);
        });
    }

    fn prove(&mut self, agents: Vec<Agent>) {
        let (proof, sender) = (Arc::clone(&self.parts.proof), self.sender.clone());
        self.tasks.spawn_blocking(move || {
            for agent in agents {
                if let Some(reason) = proof.of_agent(&agent) {
                    let Agent { name, generation, .. } = agent;
                    let _ = sender.send(Event::Dead { agent: name, generation, reason });
                }
            }
        });
    }
}

/// How often a town is read anew that was changed while it was read.
const LOADS: usize = 5;

/// What missions share, and every unfinished mission, of one moment: a commit of ours whose answer we
/// did not wait for may still become true in between. One that ends meanwhile is passed over.
pub(crate) async fn load(store: &dyn Store) -> Result<(TownView, Vec<MissionView>), StoreError> {
    for _ in 0..LOADS {
        let version = store.town().await?.version;
        let mut missions = Vec::new();
        for row in store.missions(false).await? {
            missions.push(store.mission(row.id).await?);
        }
        let town = store.town().await?;
        if town.version == version {
            return Ok((town, missions));
        }
    }
    let detail = "it was changed each time while it was read".to_owned();
    Err(StoreError::Unavailable { at: "the town".to_owned(), detail })
}
