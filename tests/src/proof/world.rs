//! The world: hosts, processes, the store and the forge, and one queue of what happens next.
//!
//! Everything real is real: the driver, the decisions, the records, the store model behind its fault
//! decorator, the forge model behind its own. Only time, processes and links are played.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tinytown_core::effect::{Effect, EffectResult};
use tinytown_core::id::{MissionId, OpId, TownId};
use tinytown_core::simulate::{Dice, Scenario};
use tinytown_core::time::Time;
use tinytown_forge::Faulty as FaultyForge;
use tinytown_store::{Faulty, LeaseReply, MemoryStore, Store as _, TownIdentity};

use super::calls::{StoreCall, StoreReply, at_once};
use super::case::Case;
use super::clocks::{Host, Ms};
use super::dispatcher::Dispatcher;
use super::faults::{Faults, Kind};
use super::forge::ScriptedForge;
use super::ledger::{Ledger, Violation};
use super::operator::Operator;
use super::run::Run;
use super::watched::{Did, Watched};
use super::worker::Worker;

/// How long holders of the lease, and workers, may be silent.
pub(super) const LEASE: Ms = 10_000;
/// An outage of this length is noticed by whoever looks every second.
const NOTICED: Ms = 2_500;
/// After this long a caller believes that a call failed which nobody answered.
const CALL_LIMIT: Ms = 5_000;

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
    doomed: bool,
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
    Performed(OpId, Option<EffectResult>),
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
    pub serial: u64,
    /// The permit was asked when the call was made, and this was the answer.
    pub permitted: Option<bool>,
    /// The how-manieth call of its process.
    pub nth: u64,
}

/// Something that will happen.
#[derive(Debug)]
enum What {
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
#[expect(missing_docs, reason = "they are what they are called")]
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

struct Scheduled(Ms, u64, What);

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}
impl Eq for Scheduled {}
impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

/// A read that waits for something to read.
struct Waiter {
    id: u64,
    pid: Pid,
    call: StoreCall,
}

/// Everything.
pub(super) struct World {
    /// True time.
    pub now: Ms,
    sequence: u64,
    queue: BinaryHeap<Reverse<Scheduled>>,
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
    /// The store model itself.
    pub model: MemoryStore,
    /// What the model is seen through.
    pub watched: Watched,
    store: Faulty<Watched>,
    store_fault: Arc<AtomicU8>,
    /// The forge with its people.
    pub forge: ScriptedForge,
    pub(super) faulty_forge: FaultyForge<ScriptedForge>,
    pub(super) forge_fault: Arc<AtomicU8>,
    waiters: Vec<Waiter>,
    /// Until when the store answers nobody.
    pub outage_until: Ms,
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
    pub(super) fn new(case: &Case, telling: bool) -> Self {
        let scenarios = Arc::new(case.scenarios());
        let model = MemoryStore::new();
        let identity = TownIdentity {
            id: TownId(uuid::Uuid::from_u128(1)),
            name: "town".to_owned(),
            created_at: Time::from_millis(0),
        };
        at_once(model.found(&identity)).expect("a new model takes a town");
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
            queue: BinaryHeap::new(),
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
            outage_until: 0,
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

    fn schedule(&mut self, after: Ms, what: What) {
        self.sequence += 1;
        self.queue.push(Reverse(Scheduled(self.now + after, self.sequence, what)));
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
            let mut text = String::new();
            let _ = write!(text, "{:>9.3}  {}", self.now as f64 / 1000.0, line());
            log.push(text);
        }
    }

    /// Folds something into what identifies this run.
    pub(super) fn fold(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.print = (self.print ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
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
        let Some(Reverse(Scheduled(at, _, what))) = self.queue.pop() else { return false };
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

    // --- The store.

    /// A process calls the store. `false` if it was killed by that.
    pub(super) fn call(&mut self, pid: Pid, call: StoreCall) -> bool {
        if self.procs[pid].doomed {
            return false;
        }
        self.procs[pid].calls += 1;
        let (whom, nth) = (pid as u64, self.procs[pid].calls);
        let (host, cut_until) = (self.procs[pid].host, self.procs[pid].cut_until);
        if self.now < self.hosts[host].cut_until.max(cut_until) {
            self.tell(pid, 1_000, Message::Store(call.away()));
            return true;
        }
        let mut travel = self.dice.between(0, 2, "travel", whom << 32 | nth);
        let mut heard = true;
        if self.faults.fires(Kind::StoreLate, whom, nth) {
            travel += self.faults.size(Kind::StoreLate, 50, 12_000, whom, nth);
            self.disturbed_at = self.disturbed_at.max(self.now + travel);
            if travel > CALL_LIMIT {
                heard = false;
                self.tell(pid, CALL_LIMIT, Message::Store(call.away()));
            }
        }
        if self.faults.fires(Kind::StoreEcho, whom, nth) {
            let later = travel + self.faults.size(Kind::StoreEcho, 100, 20_000, whom, nth);
            self.disturbed_at = self.disturbed_at.max(self.now + later);
            self.schedule(later, What::Arrive { pid, call: Box::new(call.clone()), nth: 0, heard: false });
        }
        self.say(|| format!("p{pid} calls {} ({nth})", call.word()));
        self.schedule(travel, What::Arrive { pid, call: Box::new(call), nth, heard });
        self.survives(pid, nth)
    }

    /// Whether a process survives its `nth` call.
    fn survives(&mut self, pid: Pid, nth: u64) -> bool {
        // The operator, who is the first of all, is no process that we promise anything about.
        if pid == 0 {
            return true;
        }
        if self.faults.fires(Kind::CrashAtCall, pid as u64, nth) {
            self.plan(0, Plan::Kill(pid));
            self.procs[pid].doomed = true;
            return false;
        }
        if self.faults.fires(Kind::PauseAtCall, pid as u64, nth) {
            let long = self.faults.size(Kind::PauseAtCall, 100, 40_000, pid as u64, nth);
            self.pause(pid, long);
        }
        true
    }

    /// Stops a process for a while.
    pub(super) fn pause(&mut self, pid: Pid, long: Ms) {
        if self.procs[pid].life == Life::Up {
            self.say(|| format!("p{pid} is stopped for {long} ms"));
            self.procs[pid].life = Life::Stopped;
            self.procs[pid].since = self.now;
            self.disturbed_at = self.disturbed_at.max(self.now + long);
            self.orphan_runs(pid);
            self.plan(long, Plan::Continue(pid));
        }
    }

    fn arrive(&mut self, pid: Pid, call: &StoreCall, nth: u64, heard: bool) {
        if self.now < self.outage_until {
            if heard {
                self.tell(pid, 1, Message::Store(call.away()));
            }
            return;
        }
        let reply = self.execute(pid, call, nth);
        if heard && reply.is_nothing() && call.waits() > 0 {
            self.sequence += 1;
            let id = self.sequence;
            self.waiters.push(Waiter { id, pid, call: call.clone() });
            self.schedule(call.waits(), What::WaitOver(id));
        } else if heard {
            let travel = self.dice.between(0, 2, "return", (pid as u64) << 32 | nth);
            self.tell(pid, travel, Message::Store(reply));
        }
    }

    fn execute(&mut self, pid: Pid, call: &StoreCall, nth: u64) -> StoreReply {
        let whom = pid as u64;
        let kinds = [(Kind::StoreBefore, 1), (Kind::StoreAfter, 2), (Kind::StoreTwice, 3)];
        let fault = kinds.iter().find(|(kind, _)| nth > 0 && self.faults.fires(*kind, whom, nth));
        if let Some((kind, code)) = fault {
            self.say(|| format!("p{pid} {}: {}", call.word(), kind.word()));
            self.disturbed_at = self.disturbed_at.max(self.now);
            self.store_fault.store(*code, Ordering::Relaxed);
        }
        let reply = call.execute(&self.store);
        self.store_fault.store(0, Ordering::Relaxed);
        self.take_in(pid);
        reply
    }

    /// Looks at what the store did.
    fn take_in(&mut self, pid: Pid) {
        for did in self.watched.take() {
            match did {
                Did::Commit(commit) => {
                    self.fold(commit.op.as_str().as_bytes());
                    if let Some(write) = &commit.mission {
                        self.fold(write.step.0.as_bytes());
                        self.tell_step(pid, write);
                    }
                    let kept = self.ledger.committed(&commit);
                    self.break_promise(kept);
                    self.judge_commit(pid, &commit);
                    self.wake_waiters();
                }
                Did::Post(id, post) => {
                    let kept = self.ledger.posted(id, &post);
                    self.break_promise(kept);
                    self.wake_waiters();
                }
                Did::Lease(LeaseReply::Held(fence)) => {
                    if self.ledger.lease.is_none_or(|known| known.epoch < fence.epoch) {
                        self.say(|| format!("p{pid} holds the lease, epoch {}", fence.epoch));
                        self.ledger.lease = Some(fence);
                        self.judge.taken_at = self.now;
                    }
                }
                Did::Lease(_) => {}
                Did::Beat(agent, generation) => {
                    self.beats.insert((agent, generation.0), self.now);
                }
            }
        }
    }

    fn tell_step(&mut self, pid: Pid, write: &tinytown_store::MissionWrite) {
        if self.log.is_none() {
            return;
        }
        let Ok(step) =
            tinytown_store::codec::decode::<tinytown_store::records::StepRecord>("step", &write.step)
        else {
            return;
        };
        for change in &step.roster {
            self.say(|| format!("p{pid} step {}: {change:?}", write.expect + 1));
        }
        for event in step.events {
            let text: String = format!("{event:?}").chars().take(230).collect();
            self.say(|| format!("p{pid} step {}: {text}", write.expect + 1));
        }
    }

    fn wake_waiters(&mut self) {
        let mut woken = Vec::new();
        for at in (0..self.waiters.len()).rev() {
            let waiter = &self.waiters[at];
            if self.procs[waiter.pid].life == Life::Dead {
                self.waiters.swap_remove(at);
                continue;
            }
            let reply = waiter.call.execute(&self.model);
            if !reply.is_nothing() {
                woken.push((self.waiters.swap_remove(at), reply));
            }
        }
        woken.sort_by_key(|(waiter, _)| waiter.id);
        for (waiter, reply) in woken {
            self.tell(waiter.pid, 1, Message::Store(reply));
        }
    }

    fn wait_over(&mut self, id: u64) {
        if let Some(at) = self.waiters.iter().position(|waiter| waiter.id == id) {
            let waiter = self.waiters.swap_remove(at);
            let reply = waiter.call.execute(&self.model);
            self.tell(waiter.pid, 1, Message::Store(reply));
        }
    }

    /// Nobody reaches the store for a while.
    pub(super) fn outage(&mut self, long: Ms) {
        if long >= NOTICED {
            self.judge.outage_until = self.now + long;
        }
        self.outage_until = self.outage_until.max(self.now + long);
        self.disturbed_at = self.disturbed_at.max(self.outage_until);
        for waiter in std::mem::take(&mut self.waiters) {
            self.tell(waiter.pid, 1, Message::Store(waiter.call.away()));
        }
    }
}
