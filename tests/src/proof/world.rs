//! The world: hosts, processes, the store and the forge, and one queue of what happens next.
//!
//! Everything real is real: the driver, the decisions, the records, the store model behind its fault
//! decorator, the forge model behind its own. Only time, processes and links are played.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tinytown_core::effect::{Effect, EffectResult};
use tinytown_core::id::{MissionId, OpId, TownId};
use tinytown_core::simulate::{Dice, Scenario};
use tinytown_core::time::Time;
use tinytown_forge::Faulty as FaultyForge;
use tinytown_store::{Faulty, Store, TownIdentity};

use super::calls::{StoreCall, StoreReply, at_once};
use super::case::Case;
use super::clocks::{Host, Ms, Spells};
use super::dispatcher::Dispatcher;
use super::faults::Faults;
use super::forge::ScriptedForge;
use super::ledger::{Ledger, Violation};
use super::operator::Operator;
use super::run::Run;
use super::watched::Watched;
use super::worker::Worker;

/// How long holders of the lease, and workers, may be silent.
pub(super) const LEASE: Ms = 10_000;

/// The number of a process; each start has its own.
pub(super) type Pid = usize;

/// Whether a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It does.
    Up,
    /// It is stopped, and may go on.
    Stopped,
    /// It is gone.
    Dead,
}

/// A process.
pub(super) struct Proc {
    /// Where.
    pub host: usize,
    /// Whether it runs.
    pub life: Life,
    /// Since when it is not up, or when it began.
    pub since: Ms,
    /// How many calls it made.
    pub calls: u64,
    /// What it will hear when it goes on.
    backlog: Vec<Message>,
    /// The earliest alarm that is set.
    alarm: Option<Ms>,
    /// Until when it alone cannot reach the store.
    pub cut_until: Ms,
    /// It is killed before it does anything else.
    pub(super) doomed: bool,
    /// What it does.
    pub role: Role,
}

/// What a process does.
pub(super) enum Role {
    /// It dispatches.
    Dispatcher(Box<Dispatcher>),
    /// It serves an agent.
    Worker(Box<Worker>),
    /// It is a person.
    Operator(Box<Operator>),
    /// It is being looked after just now.
    Away,
}

/// What a process hears.
#[derive(Debug, Clone)]
pub(super) enum Message {
    /// Time passed.
    Tick,
    /// The store answers.
    Store(StoreReply),
    /// Something came of an effect.
    Performed(OpId, u64, Option<EffectResult>),
    /// A permitted call is about to be made by this very process.
    Perform(Box<Performing>),
    /// A worker of this host is dead.
    Dead(tinytown_core::id::AgentName, tinytown_core::id::Generation),
    /// The holder of the lease is dead.
    HolderDead((u64, u64)),
    /// A run of this worker is over.
    RunOver(usize, super::run::How),
    /// Stop.
    Stop,
}

/// A call to the forge.
#[derive(Debug, Clone)]
pub(super) struct Performing {
    /// Whose.
    pub pid: Pid,
    /// For which mission.
    pub mission: MissionId,
    /// Under which name.
    pub op: OpId,
    /// What.
    pub effect: Effect,
    /// Which handing-out of the effect it is.
    pub ticket: u64,
    /// The permit was asked when the call was made, and this was the answer.
    pub permitted: Option<bool>,
    /// The how-manieth call of its process.
    pub nth: u64,
}

/// Something that will happen.
#[derive(Debug)]
pub(super) enum What {
    Hear(Pid, Message),
    /// A store call arrives.
    Arrive {
        pid: Pid,
        call: Box<StoreCall>,
        nth: u64,
        heard: bool,
    },
    /// A waiting read has waited long enough.
    WaitOver(u64),
    /// A second has passed.
    Second,
    /// Something planned happens.
    Plan(Plan),
}

/// Something planned.
#[derive(Debug, Clone)]
pub(super) enum Plan {
    StartDispatcher {
        host: usize,
    },
    StartWorker {
        agent: usize,
    },
    Continue(Pid),
    Resume(usize),
    KillRun(usize, super::run::How),
    RunEnds(usize),
    Readable,
    Kill(Pid),
    /// A worker or dispatcher that ended itself is started anew after a while.
    Bury(Pid, Ms),
    Forge(Box<Performing>),
    OperatorResumes(MissionId),
}

/// What will happen, in order. The heap holds numbers only: things are large, and would be moved often.
#[derive(Debug, Default)]
struct Agenda {
    /// When, in which order of planning, and where the thing lies.
    order: BinaryHeap<Reverse<(Ms, u64, usize)>>,
    things: Vec<Option<What>>,
    free: Vec<usize>,
}

impl Agenda {
    fn add(&mut self, at: Ms, sequence: u64, what: What) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.things.push(None);
            self.things.len() - 1
        });
        self.things[place] = Some(what);
        self.order.push(Reverse((at, sequence, place)));
    }

    fn next(&mut self) -> Option<(Ms, What)> {
        let Reverse((at, _, place)) = self.order.pop()?;
        self.free.push(place);
        Some((at, self.things[place].take()?))
    }
}

/// A read that waits for something to read.
pub(super) struct Waiter {
    pub(super) id: u64,
    pub(super) pid: Pid,
    pub(super) call: StoreCall,
}

/// Everything.
pub(super) struct World {
    /// True time.
    pub now: Ms,
    pub(super) sequence: u64,
    agenda: Agenda,
    /// What is drawn by chance besides faults.
    pub dice: Dice,
    /// What goes wrong.
    pub faults: Faults,
    /// Machines.
    pub hosts: Vec<Host>,
    /// Processes, by number.
    pub procs: Vec<Proc>,
    /// Agents' processes.
    pub runs: Vec<Run>,
    /// The store itself, normally the model.
    pub model: Arc<dyn Store>,
    /// What the model is seen through.
    pub watched: Watched,
    pub(super) store: Faulty<Watched>,
    pub(super) store_fault: Arc<AtomicU8>,
    /// The forge with its people.
    pub forge: ScriptedForge,
    pub(super) faulty_forge: FaultyForge<ScriptedForge>,
    pub(super) forge_fault: Arc<AtomicU8>,
    pub(super) waiters: Vec<Waiter>,
    /// When the store answers nobody.
    pub(super) outages: Spells,
    /// The history.
    pub ledger: Ledger,
    /// The missions, with their scripts.
    pub scenarios: Arc<BTreeMap<MissionId, Scenario>>,
    /// When something last went wrong that may keep anybody from acting.
    pub disturbed_at: Ms,
    /// When a worker's life was last counted, by agent and generation.
    pub beats: BTreeMap<(tinytown_core::id::AgentName, u64), Ms>,
    /// What was broken first.
    pub violation: Option<Violation>,
    /// How many things happened.
    pub happened: u64,
    /// A fold over all that happened: equal runs have equal ones.
    pub print: u64,
    /// What people read when something was broken.
    pub log: Option<Vec<String>>,
    /// Faults are over.
    pub quiet: bool,
    /// Further facts for the judge.
    pub judge: super::judge::Judge,
}

impl World {
    /// A world for a case, before anything happened.
    pub(super) fn new(case: &Case, telling: bool, model: Arc<dyn Store>) -> Self {
        let scenarios = Arc::new(case.scenarios());
        let identity = TownIdentity {
            id: TownId(uuid::Uuid::from_u128(1)),
            name: "town".to_owned(),
            created_at: Time::from_millis(0),
        };
        at_once(model.found(&identity)).expect("a new store takes a town");
        let watched = Watched::new(model.clone());
        let (store_fault, forge_fault) = (Arc::new(AtomicU8::new(0)), Arc::new(AtomicU8::new(0)));
        let next = Arc::clone(&store_fault);
        let store = Faulty::new(watched.clone(), move |_, _| match next.swap(0, Ordering::Relaxed) {
            1 => tinytown_store::Fault::FailBefore,
            2 => tinytown_store::Fault::FailAfter,
            3 => tinytown_store::Fault::Repeat,
            _ => tinytown_store::Fault::None,
        });
        let forge = ScriptedForge::new(Arc::clone(&scenarios));
        let next = Arc::clone(&forge_fault);
        let faulty_forge =
            FaultyForge::new(forge.clone(), move |_, _| match next.swap(0, Ordering::Relaxed) {
                1 => tinytown_forge::Fault::FailBefore,
                2 => tinytown_forge::Fault::FailAfter,
                3 => tinytown_forge::Fault::Repeat,
                _ => tinytown_forge::Fault::None,
            });
        let mut world = Self {
            now: 0,
            sequence: 0,
            agenda: Agenda::default(),
            dice: Dice::new(case.seed).of("world"),
            faults: case.faults(),
            hosts: vec![Host::default(); case.hosts()],
            procs: Vec::new(),
            runs: Vec::new(),
            model,
            watched,
            store,
            store_fault,
            forge,
            faulty_forge,
            forge_fault,
            waiters: Vec::new(),
            outages: Spells::default(),
            ledger: Ledger::default(),
            scenarios,
            disturbed_at: 0,
            beats: BTreeMap::new(),
            violation: None,
            happened: 0,
            print: 0xcbf2_9ce4_8422_2325,
            log: telling.then(Vec::new),
            quiet: false,
            judge: super::judge::Judge::default(),
        };
        world.schedule(1_000, What::Second);
        world
    }

    pub(super) fn schedule(&mut self, after: Ms, what: What) {
        self.sequence += 1;
        self.agenda.add(self.now + after, self.sequence, what);
    }

    /// Something is to happen later.
    pub(super) fn plan(&mut self, after: Ms, plan: Plan) {
        self.schedule(after, What::Plan(plan));
    }

    /// A process is to hear something later.
    pub(super) fn tell(&mut self, pid: Pid, after: Ms, message: Message) {
        self.schedule(after, What::Hear(pid, message));
    }

    /// Writes a line for people, if anybody reads them.
    pub(super) fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(log) = &mut self.log {
            let (seconds, millis) = (self.now / 1_000, self.now % 1_000);
            log.push(format!("{seconds:>6}.{millis:03}  {}", line()));
        }
    }

    /// Folds something into what identifies this run.
    pub(super) fn fold(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        let rest = rest.iter().fold(bytes.len() as u64, |sum, byte| sum << 8 | u64::from(*byte));
        for word in words.iter().map(|word| u64::from_le_bytes(*word)).chain([rest]) {
            self.print = (self.print ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(29);
        }
    }

    /// A broken promise; the first one counts.
    pub(super) fn break_promise(&mut self, kept: Result<(), Violation>) {
        if let Err(violation) = kept {
            self.say(|| format!("{} BROKEN: {}", violation.guarantee, violation.what));
            self.violation.get_or_insert(violation);
        }
    }

    /// Lets the next thing happen; `false` if there is nothing.
    pub(super) fn step(&mut self) -> bool {
        let Some((at, what)) = self.agenda.next() else { return false };
        self.now = at;
        self.happened += 1;
        match what {
            What::Hear(pid, message) => self.hear(pid, message),
            What::Arrive { pid, call, nth, heard } => self.arrive(pid, &call, nth, heard),
            What::WaitOver(id) => self.wait_over(id),
            What::Second => {
                self.second();
                self.schedule(1_000, What::Second);
            }
            What::Plan(plan) => self.happen(plan),
        }
        true
    }

    // --- Processes.

    /// Starts a process; it hears a tick first.
    pub(super) fn start(&mut self, host: usize, role: Role) -> Pid {
        let pid = self.procs.len();
        self.procs.push(Proc {
            host,
            life: Life::Up,
            since: self.now,
            calls: 0,
            backlog: Vec::new(),
            alarm: None,
            cut_until: 0,
            doomed: false,
            role,
        });
        self.tell(pid, 0, Message::Tick);
        pid
    }

    /// Whether a process can do anything now.
    pub(super) fn runs(&self, pid: Pid) -> bool {
        let proc = &self.procs[pid];
        proc.life == Life::Up && self.hosts[proc.host].suspended.is_none()
    }

    fn hear(&mut self, pid: Pid, message: Message) {
        if self.procs[pid].life == Life::Dead || self.procs[pid].doomed {
            return;
        }
        if matches!(message, Message::Tick) && self.procs[pid].alarm == Some(self.now) {
            self.procs[pid].alarm = None;
        }
        if !self.runs(pid) {
            if !matches!(message, Message::Tick) {
                self.procs[pid].backlog.push(message);
            }
            return;
        }
        match std::mem::replace(&mut self.procs[pid].role, Role::Away) {
            Role::Dispatcher(mut dispatcher) => {
                dispatcher.hear(self, pid, message);
                self.procs[pid].role = Role::Dispatcher(dispatcher);
            }
            Role::Worker(mut worker) => {
                worker.hear(self, pid, message);
                self.procs[pid].role = Role::Worker(worker);
            }
            Role::Operator(mut operator) => {
                operator.hear(self, pid, message);
                self.procs[pid].role = Role::Operator(operator);
            }
            Role::Away => {}
        }
    }

    /// Sets the alarm of a process to when its host's monotonic clock reads so much.
    pub(super) fn alarm(&mut self, pid: Pid, mono: Ms) {
        let at = self.hosts[self.procs[pid].host].when(mono).max(self.now + 1);
        if self.procs[pid].alarm.is_none_or(|set| set > at || set <= self.now) {
            self.procs[pid].alarm = Some(at);
            self.tell(pid, at - self.now, Message::Tick);
        }
    }

    /// The monotonic clock of a process's host.
    pub(super) fn mono(&self, pid: Pid) -> Ms {
        self.hosts[self.procs[pid].host].mono(self.now)
    }

    /// Whatever was kept back for a process, now that it goes on.
    pub(super) fn catch_up(&mut self, pid: Pid) {
        if !self.runs(pid) {
            return;
        }
        for message in std::mem::take(&mut self.procs[pid].backlog) {
            self.tell(pid, 0, message);
        }
        self.procs[pid].alarm = None;
        self.tell(pid, 0, Message::Tick);
    }
}
