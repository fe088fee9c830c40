//! The driver: what a dispatcher does next, without doing it.
//!
//! At most one commit is under way at a time. Whatever comes meanwhile waits in a queue, so that a
//! decision is never made on a state that may not have become true. What is not known to have
//! failed is repeated under the same name; what was refused makes the driver stand back and load anew.

mod lease;
mod watch;
mod work;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tinytown_core::effect::{Effect, EffectResult};
use tinytown_core::id::{AgentName, Generation, MissionId, OpId};
use tinytown_core::input::Input;
use tinytown_core::mission::MissionState;
use tinytown_core::mutant::{Mutant, is_planted};
use tinytown_core::roster::Agent;
use tinytown_core::time::Time;
use tinytown_core::town::Town;
use tinytown_store::{
    Commit, Committed, Heartbeat, InboxEntry, InputId, LeaseCall, LeaseFence, LeaseReply, MissionView,
    Record, StoreError, TownView, Vitals, Wait,
};

use crate::rounds::Round;
use watch::Watch;
pub(crate) use work::BATCH;
use work::{Flight, Work};

/// How long after a store call that failed it is tried again.
const STORE_RETRY: Duration = Duration::from_millis(250);

/// What sort of dispatcher this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Serves until it is told to stop.
    Serve,
    /// Serves until nothing can be done at the moment, then gives the lease back.
    Once,
    /// Applies what was posted, up to and including this input; performs nothing.
    Apply(OpId),
}

/// How a driver is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What sort of dispatcher it is.
    pub mode: Mode,
    /// How long a holder of the lease may be silent.
    pub lease: Duration,
    /// How long an agent's worker may be silent.
    pub agent_lease: Duration,
    /// Who we are, for others to read; unlike that of any other process.
    pub holder: Record,
    /// A word that no other process uses, from which names of operations are made.
    pub nonce: String,
    /// The version of the engine, for the history.
    pub engine: String,
}

/// When something happened, on three clocks, since each has one use that the others would spoil.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// On the monotonic clock, since any fixed point; it stands still while the machine is suspended.
    /// Others are observed by it, since we see nothing of them meanwhile, and timers run on it.
    pub mono: Duration,
    /// On the wall clock, which may jump. Decisions and records carry it.
    pub wall: Time,
    /// On a monotonic clock that counts suspend too, since any fixed point. Our own permit is judged
    /// by it, since others go on observing us meanwhile.
    pub boot: Duration,
}

/// Something that a driver is told.
#[derive(Debug)]
pub enum Event {
    /// Time passed, at least until what [`Driver::deadline`] said.
    Tick,
    /// The answer to [`Call::Vitals`].
    Vitals(Result<Vitals, StoreError>),
    /// The answer to [`Call::Lease`].
    Lease {
        /// The call's name: an answer to an earlier one says nothing about the present.
        op: OpId,
        /// What was answered.
        reply: Result<LeaseReply, StoreError>,
    },
    /// The answer to [`Call::Load`].
    Loaded(Result<(TownView, Vec<MissionView>), StoreError>),
    /// The answer to [`Call::Inbox`].
    Inbox {
        /// The position that was asked about.
        after: InputId,
        /// What was read.
        entries: Result<Vec<InboxEntry>, StoreError>,
    },
    /// The answer to [`Call::Commit`].
    Committed {
        /// The commit's name.
        op: OpId,
        /// What became of it.
        outcome: Result<Committed, StoreError>,
    },
    /// The answer to [`Call::Perform`].
    Performed {
        /// The effect's name.
        op: OpId,
        /// Which handing-out of it: the answer to an earlier one says nothing about the present.
        ticket: u64,
        /// What came of it; nothing if it was kept from changing anything.
        result: Option<EffectResult>,
    },
    /// An agent's worker on this host is dead, with all its processes.
    Dead {
        /// Which agent.
        agent: AgentName,
        /// Which start of it.
        generation: Generation,
        /// How that is known.
        reason: String,
    },
    /// The process that holds the lease, seen with this epoch and counter, is dead.
    HolderDead {
        /// As seen.
        seen: (u64, u64),
    },
    /// Stop: finish what is being committed, give the lease back.
    Stop,
}

impl Event {
    /// Whether the store answered, if this is about a call to it.
    fn store_answered(&self) -> Option<bool> {
        let error = match self {
            Self::Vitals(reply) => reply.as_ref().err(),
            Self::Lease { reply, .. } => reply.as_ref().err(),
            Self::Loaded(reply) => reply.as_ref().err(),
            Self::Inbox { entries, .. } => entries.as_ref().err(),
            Self::Committed { outcome, .. } => outcome.as_ref().err(),
            _ => return None,
        };
        Some(!matches!(error, Some(StoreError::Unavailable { .. })))
    }
}

/// Something that a driver wants done. Every call but [`Call::Report`], [`Call::Revoke`],
/// [`Call::Permit`] and [`Call::Exit`] is answered by exactly one event, [`Call::Prove`] by any number.
#[derive(Debug, PartialEq)]
pub enum Call {
    /// Read the lease and the heartbeats.
    Vitals,
    /// Take, renew or release the lease.
    Lease(OpId, LeaseCall),
    /// Read what missions share, and every unfinished mission.
    Load,
    /// Read inputs after a position.
    Inbox(InputId, Wait),
    /// Make a decision true.
    Commit(Box<Commit>),
    /// Do something outside.
    Perform {
        /// Whose.
        mission: MissionId,
        /// Its name.
        op: OpId,
        /// Which handing-out of it, for [`Event::Performed`].
        ticket: u64,
        /// What.
        effect: Effect,
    },
    /// Begin no further change for that effect.
    Revoke(OpId),
    /// Effects may change things outside until that moment of the clock that counts suspend
    /// ([`Moment::boot`]); not at all if it is past.
    Permit(Duration),
    /// Find out which of these agents' workers are dead, if they are on this host.
    Prove(Vec<Agent>),
    /// Find out whether the holder of the lease is a dead process of this host.
    ProveHolder {
        /// Who holds it.
        holder: Record,
        /// Epoch and counter as seen.
        seen: (u64, u64),
    },
    /// Tell whoever runs us.
    Report(Report),
    /// Done; nothing is under way any more that matters.
    Exit,
}

/// Something that whoever runs a dispatcher may want to know.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// We hold the lease.
    Active,
    /// Somebody else holds the lease.
    StandingBy {
        /// Who, as told when it was taken.
        holder: Option<Record>,
    },
    /// Something changed.
    Round(Round),
    /// A mission stands here now; told once after loading, then with every change.
    Mission(Watched),
    /// Something went wrong that we go on in spite of.
    Trouble(String),
}

/// Where a mission stands, for whoever waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Which.
    pub id: MissionId,
    /// Where it stands.
    pub state: MissionState,
    /// How many effects wait or are under way.
    pub effects: usize,
}

/// Which part it plays at the moment.
#[derive(Debug)]
enum Part {
    /// Somebody else holds the lease, or nobody does yet.
    StandBy { told: bool },
    /// We asked for the lease.
    Taking,
    /// We hold it and read what there is.
    Loading,
    /// We decide.
    Active,
    /// We are giving it back.
    Leaving,
    /// It is over.
    Gone,
}

/// A dispatcher without IO: events in, calls out. At most one commit is under way at a time.
#[derive(Debug)]
pub struct Driver {
    settings: Settings,
    part: Part,
    /// Moves with every operation we name.
    ops: u64,
    fence: Option<LeaseFence>,
    /// Until when the lease is ours for certain, on the clock that counts suspend. Nothing if we must
    /// ask before we act.
    permit: Option<Duration>,
    /// What is to be performed once we know that the lease is still ours.
    held_back: Vec<Call>,
    town: Town,
    town_version: u64,
    mission_versions: BTreeMap<MissionId, u64>,
    /// The lease call that is under way, so that it can be repeated under the same name.
    asked: Option<(OpId, LeaseCall)>,
    /// Missions that are left alone, with the reason as it was told: their records cannot be read, or
    /// the engine contradicted itself about them.
    unreadable: BTreeMap<MissionId, String>,
    /// Those of them that reading anew does not mend.
    broken: BTreeMap<MissionId, String>,
    queue: VecDeque<Work>,
    /// Positions up to which inputs were read.
    read_to: InputId,
    /// The position after which a read is under way.
    reading: Option<InputId>,
    inbox_empty: bool,
    flight: Option<Box<Flight>>,
    /// Effects that were handed out or are held back, each with its ticket.
    performing: BTreeMap<OpId, u64>,
    /// Moves with every handing-out.
    tickets: u64,
    /// The time of the last event, and what the monotonic clock read then.
    reached: Option<(Time, Duration)>,
    watch: Watch,
    round: crate::rounds::Drafting,
    /// When the next call is due on the monotonic clock.
    due: Due,
    stopping: bool,
    applied: bool,
}

/// Deadlines on the monotonic clock.
#[derive(Debug, Default)]
struct Due {
    vitals: Option<Duration>,
    renew: Option<Duration>,
    commit: Option<Duration>,
    inbox: Option<Duration>,
    load: Option<Duration>,
    /// When everything is read anew: missions that cannot be read are tried again, or memory is doubted.
    reread: Option<Duration>,
}

impl Driver {
    /// A driver that stands by. Its first event should be [`Event::Tick`].
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            part: Part::StandBy { told: false },
            ops: 0,
            fence: None,
            permit: None,
            held_back: Vec::new(),
            town: Town::default(),
            town_version: 0,
            mission_versions: BTreeMap::new(),
            asked: None,
            unreadable: BTreeMap::new(),
            broken: BTreeMap::new(),
            queue: VecDeque::new(),
            read_to: InputId(0),
            reading: None,
            inbox_empty: false,
            flight: None,
            performing: BTreeMap::new(),
            tickets: 0,
            reached: None,
            watch: Watch::default(),
            round: crate::rounds::Drafting::default(),
            due: Due { vitals: Some(Duration::ZERO), ..Due::default() },
            stopping: false,
            applied: false,
        }
    }

    /// Whether we hold the lease and decide.
    pub const fn is_active(&self) -> bool {
        matches!(self.part, Part::Active)
    }

    /// What we decide upon. Empty unless active.
    pub const fn town(&self) -> &Town {
        &self.town
    }

    /// The lease fence under which we commit, while we hold the lease.
    pub const fn fence(&self) -> Option<LeaseFence> {
        self.fence
    }

    /// How many effects are handed out, or will be once we know that the lease is still ours.
    pub fn effects_under_way(&self) -> usize {
        self.performing.len()
    }

    /// When a [`Event::Tick`] is due at the latest, on the monotonic clock.
    pub fn deadline(&self, now: Moment) -> Option<Duration> {
        let due = &self.due;
        let reread = due.reread.filter(|_| self.may_reload());
        let calls = [due.vitals, due.renew, due.commit, due.inbox, due.load, reread];
        let calls = calls.into_iter().flatten().min();
        // A command leaves them to dispatchers.
        let waits =
            self.is_active() && self.flight.is_none() && !matches!(self.settings.mode, Mode::Apply(_));
        let missions = waits
            .then(|| self.town.next_deadline())
            .flatten()
            .map(|at| now.mono + at.since(self.steady(now).wall));
        [calls, missions].into_iter().flatten().min()
    }

    /// Takes an event, and says what is to be done.
    pub fn on(&mut self, event: Event, now: Moment) -> Vec<Call> {
        let mut calls = Vec::new();
        let now = self.steady(now);
        self.reach(now.wall, now);
        self.notice_sleep(now);
        self.notice_lapse(now);
        self.notice_outage(&event, now);
        match event {
            Event::Tick => {}
            Event::Vitals(vitals) => self.on_vitals(vitals, now, &mut calls),
            Event::Lease { op, reply } => self.on_lease(&op, reply, now, &mut calls),
            Event::Loaded(loaded) => self.on_loaded(loaded, now, &mut calls),
            Event::Inbox { after, entries } => self.on_inbox(after, entries, now, &mut calls),
            Event::Committed { op, outcome } => self.on_committed(&op, outcome, now, &mut calls),
            Event::Performed { op, ticket, result } => self.on_performed(&op, ticket, result, now),
            Event::Dead { agent, generation, reason } => self.on_dead(agent, generation, reason, None),
            Event::HolderDead { seen } => self.on_holder_dead(seen, now, &mut calls),
            Event::Stop => self.stopping = true,
        }
        self.pump(now, &mut calls);
        self.hold_back(&mut calls);
        calls
    }

    /// The same moment by a wall clock that is never set back: if the real one is, time goes on from where
    /// it was, as fast as the monotonic clock. Else every wait would take longer by as much.
    fn steady(&self, now: Moment) -> Moment {
        let reached = self.reached.map(|(at, mono)| at + now.mono.saturating_sub(mono));
        Moment { wall: reached.map_or(now.wall, |at| at.max(now.wall)), ..now }
    }

    /// Time is not before that: it was decided then, perhaps by a clock that is ahead of ours.
    fn reach(&mut self, at: Time, now: Moment) {
        self.reached = Some((at.max(now.wall), now.mono));
    }

    /// Whatever is due now.
    fn pump(&mut self, now: Moment, calls: &mut Vec<Call>) {
        let is_due = |at: &mut Option<Duration>| at.take_if(|at| *at <= now.mono).is_some();
        if is_due(&mut self.due.vitals) {
            calls.push(Call::Vitals);
            if self.is_active() && !matches!(self.settings.mode, Mode::Apply(_)) {
                self.prove(calls);
            }
        }
        if is_due(&mut self.due.renew) {
            self.renew(now, calls);
        }
        if self.may_reload() && is_due(&mut self.due.reread) {
            self.reload(now);
        }
        if is_due(&mut self.due.load) {
            calls.push(Call::Load);
        }
        if is_due(&mut self.due.commit)
            && let Some(flight) = &self.flight
        {
            calls.push(Call::Commit(flight.again()));
        }
        if self.is_active() {
            self.work(now, calls);
        }
        self.leave_if_done(now, calls);
    }

    fn prove(&self, calls: &mut Vec<Call>) {
        let present: Vec<Agent> =
            self.town.roster().iter().filter(|agent| agent.is_present()).cloned().collect();
        if !present.is_empty() {
            calls.push(Call::Prove(present));
        }
    }

    /// Whether we decide, and nothing is being committed: that may become true after we read.
    const fn may_reload(&self) -> bool {
        self.is_active() && self.flight.is_none()
    }

    fn next_op(&mut self, what: &str) -> OpId {
        self.ops += 1;
        OpId::new(format!("{}/{what}/{}", self.settings.nonce, self.ops))
    }

    fn on_performed(&mut self, op: &OpId, ticket: u64, result: Option<EffectResult>, now: Moment) {
        if self.performing.get(op) != Some(&ticket) {
            return;
        }
        self.performing.remove(op);
        if !self.is_active() {
            return;
        }
        match result {
            Some(result) => self.queue.push_back(Work::Effect { op: op.clone(), result }),
            // Our permit lapsed, or it was handed out before we lost the lease and took it again. The
            // mission still waits for it: what the store holds is taken up anew.
            None if is_planted(Mutant::WithheldForgotten) => {}
            None => self.reload(now),
        }
    }

    fn on_dead(
        &mut self,
        agent: AgentName,
        generation: Generation,
        reason: String,
        unmoved: Option<Heartbeat>,
    ) {
        let known = self.town.roster().get(&agent);
        let present = known.is_some_and(|known| known.generation == generation && known.is_present());
        let queued = self.queue.iter().any(|work| work.is_loss_of(&agent));
        if self.is_active() && present && !queued {
            let input = Input::Gone { agent, generation, reason };
            self.queue.push_back(Work::Loss { input, unmoved });
        }
    }
}

/// Says that something went wrong in spite of which we go on.
fn trouble(error: &StoreError, calls: &mut Vec<Call>) {
    calls.push(Call::Report(Report::Trouble(error.to_string())));
}
