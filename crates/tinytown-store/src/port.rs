//! The storage port: what a store promises to those who use it, and what its implementer owes.
//!
//! # Duties of an implementer
//!
//! - Every call is atomic: it happens whole or not at all, also when the process dies inside it.
//! - What a mutating call acknowledged is durable.
//! - Every call that carries an [`OpId`] may be repeated, also at the same time and from another
//!   process, and answers what it answered first. Names of operations are remembered for at least a day.
//! - [`Store::commit`] is refused whole if its lease fence, a version or a heartbeat is not as expected.
//! - Nothing is judged by a clock: times in records are data, and a lease is a counter.
//! - Any number of processes may use a town at once.
//! - A refusal is not remembered: a name stands for a change that was made, or for a lease call that
//!   was answered. Names of lease calls, posts and commits are apart.
//! - A blob whose text has another SHA-256 is refused ([`StoreError::Corrupt`]), with all that came with it.
//! - Before [`Store::found`], every other call answers [`StoreError::NoTown`].

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tinytown_core::id::{AgentName, Generation, MissionId, OpId, TownId};
use tinytown_core::time::Time;

/// A versioned text that the store keeps and does not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Record(pub String);

/// What guards commits, and nothing else: which life of the store, and which holder of the lease in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LeaseFence {
    /// Minted anew when the store may have lost acknowledged data; a new one means: reconcile first.
    pub incarnation: u64,
    /// One more each time the lease is taken.
    pub epoch: u64,
}

/// The lease as it stands. It is never judged by a clock: whoever has itself seen `counter`
/// unchanged for a whole lease time may take it, naming what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Which taking of the lease this is; 0 before the first.
    pub epoch: u64,
    /// 0 when it is taken, one more at each renewal.
    pub counter: u64,
    /// Who holds it, as told when it was taken; `None` if it is free.
    pub holder: Option<Record>,
}

/// A change to the town's one lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeaseCall {
    /// Take it if it is free, or if it still is exactly as `seen` (epoch and counter).
    Take {
        /// Who takes it, for others to read.
        holder: Record,
        /// What the caller believes abandoned.
        seen: Option<(u64, u64)>,
    },
    /// Show that the holder lives.
    Renew(LeaseFence),
    /// Give it back, so that the next may take it at once.
    Release(LeaseFence),
}

/// What became of a [`LeaseCall`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseReply {
    /// The caller holds the lease under this fence.
    Held(LeaseFence),
    /// The caller gave it back.
    Released,
    /// Somebody else holds it, or took it since.
    Refused(Lease),
}

/// What a new town is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TownIdentity {
    /// Minted by the caller.
    pub id: TownId,
    /// As in `tinytown.toml`.
    pub name: String,
    /// When it was founded.
    pub created_at: Time,
}

/// A text that is stored once, under its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// Lower-case hexadecimal SHA-256 of `text`.
    pub sha256: String,
    /// The text.
    pub text: String,
}

/// An input for the active dispatcher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// Names this input, and later its answer.
    pub op: OpId,
    /// The input.
    pub input: Record,
    /// When it was posted, as data.
    pub at: Time,
    /// Long texts that the input refers to.
    pub blobs: Vec<Blob>,
}

/// The position of an input in the town's inbox; later posts have larger ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InputId(pub u64);

/// An input that is not yet acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxEntry {
    /// Its position.
    pub id: InputId,
    /// Its name.
    pub op: OpId,
    /// The input.
    pub input: Record,
    /// When it was posted, as data.
    pub at: Time,
}

/// Whose mail it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Mailbox {
    /// An agent's: assignments, cancellations, messages.
    Agent(AgentName),
    /// That of whoever answers when a mission asks for help.
    Conductor,
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(name) => write!(f, "agent/{name}"),
            Self::Conductor => f.write_str("conductor"),
        }
    }
}

/// A delivery, written by a commit and removed by a later one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Whose it is.
    pub to: Mailbox,
    /// Its name in that mailbox. Written again under the same name, it is the same delivery and nothing changes.
    pub key: String,
    /// What it says.
    pub record: Record,
}

/// A delivery as it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailEntry {
    /// Later deliveries to the same mailbox have larger positions.
    pub position: u64,
    /// Its name in the mailbox.
    pub key: String,
    /// What it says.
    pub record: Record,
}

/// An effect that was decided and not yet reported as done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Its name.
    pub op: OpId,
    /// What to do.
    pub record: Record,
}

/// How often an agent's worker has said that it lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Whose.
    pub agent: AgentName,
    /// Which start of it.
    pub generation: Generation,
    /// Moves at each beat.
    pub counter: u64,
}

/// Everything an observer watches: whether the holder of the lease and the workers move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vitals {
    /// Which life of the store this is.
    pub incarnation: u64,
    /// The town's lease.
    pub lease: Lease,
    /// The latest beat of each agent, by name.
    pub beats: Vec<Heartbeat>,
}

/// A change to what missions share.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TownWrite {
    /// The version this change was decided on; it becomes one more.
    pub expect: u64,
    /// Records to write, by key.
    pub put: Vec<(String, Record)>,
    /// Keys to remove, before `put` is written; unknown ones are passed over.
    pub delete: Vec<String>,
    /// The step, if the change belongs to no mission.
    pub step: Option<Record>,
}

/// A change to one mission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissionWrite {
    /// Which.
    pub id: MissionId,
    /// The version this change was decided on, 0 for a new mission; it becomes one more, and is the step's number.
    pub expect: u64,
    /// What never changes; given exactly when `expect` is 0.
    pub charter: Option<Record>,
    /// What changes with every step.
    pub head: Record,
    /// Whether it has not ended.
    pub unfinished: bool,
    /// Changed records, by key.
    pub put: Vec<(String, Record)>,
    /// The step.
    pub step: Record,
}

/// One decision with all that must become true together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Names the commit; a repeat answers what the first answered.
    pub op: OpId,
    /// Must be the present holder's.
    pub fence: LeaseFence,
    /// When it was decided, as data (and for forgetting old operation names).
    pub at: Time,
    /// The change to what missions share, if any.
    pub town: Option<TownWrite>,
    /// The change to a mission, if any.
    pub mission: Option<MissionWrite>,
    /// Heartbeats that must not have moved: what was declared lost. A generation that never beat
    /// stands at 0, also if an earlier one did beat; a later generation has moved.
    pub unmoved: Vec<Heartbeat>,
    /// Inputs that this commit applies, with the answer for whoever posted them. Each must be
    /// waiting, or the commit is refused ([`StoreError::Corrupt`]): an input counts once.
    pub acks: Vec<(InputId, Record)>,
    /// Deliveries to write.
    pub mail: Vec<Mail>,
    /// Deliveries to remove, before `mail` is written; unknown ones are passed over.
    pub mail_done: Vec<(Mailbox, String)>,
    /// Effects to remember until they are reported. One whose name is remembered already is the
    /// same effect, and nothing changes.
    pub effects: Vec<Outgoing>,
    /// Effects reported or revoked, removed before `effects` are written; unknown ones are passed over.
    pub effects_done: Vec<OpId>,
    /// Long texts that the records refer to.
    pub blobs: Vec<Blob>,
}

impl Commit {
    /// A commit that changes nothing yet.
    pub const fn new(op: OpId, fence: LeaseFence, at: Time) -> Self {
        Self {
            op,
            fence,
            at,
            town: None,
            mission: None,
            unmoved: Vec::new(),
            acks: Vec::new(),
            mail: Vec::new(),
            mail_done: Vec::new(),
            effects: Vec::new(),
            effects_done: Vec::new(),
            blobs: Vec::new(),
        }
    }
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The version of what missions share, after it.
    pub town: u64,
    /// The mission's version, after it; 0 if the commit changed none.
    pub mission: u64,
}

/// What missions share, and what is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TownView {
    /// Who the town is.
    pub identity: TownIdentity,
    /// Which life of the store this is.
    pub incarnation: u64,
    /// The version of `records`.
    pub version: u64,
    /// All shared records, by key.
    pub records: Vec<(String, Record)>,
    /// Effects decided and not reported, in the order in which they were decided.
    pub effects: Vec<Outgoing>,
}

/// A mission in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissionRow {
    /// Which.
    pub id: MissionId,
    /// Its version.
    pub version: u64,
    /// Whether it has not ended.
    pub unfinished: bool,
    /// What never changes.
    pub charter: Record,
    /// What changes with every step.
    pub head: Record,
}

/// A mission whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissionView {
    /// The row.
    pub row: MissionRow,
    /// All its records, by key.
    pub records: Vec<(String, Record)>,
}

/// Whose history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The steps that belong to no mission.
    Town,
    /// A mission's steps.
    Mission(MissionId),
}

/// How long a read waits for something to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// At most this long; zero answers at once.
    pub upto: Duration,
    /// Whether somebody is in a hurry: work is in flight. A backend that must poll does so more often.
    pub eager: bool,
}

impl Wait {
    /// Answer at once.
    pub const NONE: Self = Self { upto: Duration::ZERO, eager: false };
}

/// Why a store call failed. Except where said otherwise, nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no town here yet.
    #[error("the store at {at} holds no town")]
    NoTown {
        /// Where was looked.
        at: String,
    },
    /// A town with another identity is here.
    #[error("the store already holds the town {name:?} ({id})")]
    TownExists {
        /// Its name.
        name: String,
        /// Its identity.
        id: TownId,
    },
    /// The lease fence is not the present holder's: somebody took over.
    #[error("another dispatcher has taken over (our fence {ours:?}, theirs {theirs:?})")]
    Fenced {
        /// What the call named.
        ours: LeaseFence,
        /// What is in force.
        theirs: LeaseFence,
    },
    /// A version is not as expected: decided on old state.
    #[error("stale write to {what}: decided on version {expected}, found {found}")]
    Stale {
        /// `town` or the mission's id.
        what: String,
        /// The version the change was decided on.
        expected: u64,
        /// The version in force.
        found: u64,
    },
    /// An agent that was to be declared lost has beaten since.
    #[error("agent {agent} is alive: its heartbeat moved")]
    Moved {
        /// Which.
        agent: AgentName,
    },
    /// A later start of the agent has taken its name.
    #[error("agent {agent} was started again: generation {current} is in force")]
    Superseded {
        /// Which.
        agent: AgentName,
        /// The generation in force.
        current: Generation,
    },
    /// No mission of that id.
    #[error("no mission {0} in the store")]
    NoMission(MissionId),
    /// No text under that name.
    #[error("no text {0} in the store")]
    NoBlob(String),
    /// A record was written by a newer version than this one.
    #[error(
        "{what} was written by a newer tinytown (record version {found}, this one reads up to {known}); upgrade it here"
    )]
    Newer {
        /// Which record.
        what: String,
        /// Its version.
        found: u32,
        /// The newest we read.
        known: u32,
    },
    /// A record cannot be read, or a call contradicts the store's rules.
    #[error("{what} cannot be read: {detail}")]
    Corrupt {
        /// Which record.
        what: String,
        /// Why.
        detail: String,
    },
    /// The store could not be reached, or did not answer. **Whether the call was executed is not known.**
    #[error("the store at {at} is not available: {detail}")]
    Unavailable {
        /// Where.
        at: String,
        /// What the backend said.
        detail: String,
    },
}

/// What any reader of a town may ask: its missions and their history.
#[async_trait]
pub trait Archive: Send + Sync {
    /// All missions that have not ended, and with `ended` the others too; oldest first by first commit.
    async fn missions(&self, ended: bool) -> Result<Vec<MissionRow>, StoreError>;

    /// One mission whole, as of one moment.
    async fn mission(&self, id: MissionId) -> Result<MissionView, StoreError>;

    /// At most `limit` steps after number `after`, each with its number, in order. A mission's are
    /// numbered from 1 without gaps; the town's by the version they made. An unknown mission is
    /// [`StoreError::NoMission`].
    async fn steps(&self, scope: Scope, after: u64, limit: usize) -> Result<Vec<(u64, Record)>, StoreError>;

    /// The text stored under a SHA-256.
    async fn blob(&self, sha256: &str) -> Result<String, StoreError>;
}

/// A town's store. See the [module](self) for what an implementer owes.
#[async_trait]
pub trait Store: Archive {
    /// Founds the town. Repeated with the same identity it changes nothing; with another it is refused.
    async fn found(&self, identity: &TownIdentity) -> Result<(), StoreError>;

    /// What missions share, and the effects under way, as of one moment.
    async fn town(&self) -> Result<TownView, StoreError>;

    /// Takes, renews or releases the lease. A repeat answers what was answered first, also if that
    /// was a refusal: a late repeat must not take a lease of which nobody would know.
    async fn lease(&self, op: &OpId, call: &LeaseCall) -> Result<LeaseReply, StoreError>;

    /// Says that an agent's worker lives; answers the new counter. A first beat of a later generation
    /// starts at 1 and shuts earlier generations out with [`StoreError::Superseded`].
    async fn beat(&self, agent: &AgentName, generation: Generation) -> Result<u64, StoreError>;

    /// The lease and all heartbeats, as of one moment.
    async fn vitals(&self) -> Result<Vitals, StoreError>;

    /// Puts an input into the town's inbox. A name that was used for another input is refused
    /// ([`StoreError::Corrupt`]), also after that was acknowledged; `at` and `blobs` are not compared.
    async fn post(&self, post: &Post) -> Result<InputId, StoreError>;

    /// The answer to the input of that name, once a commit has applied it.
    async fn answer(&self, op: &OpId, wait: Wait) -> Result<Option<Record>, StoreError>;

    /// At most `limit` unacknowledged inputs after a position, in order; waits while there is none
    /// (not for a limit of 0).
    async fn inbox(&self, after: InputId, limit: usize, wait: Wait) -> Result<Vec<InboxEntry>, StoreError>;

    /// At most `limit` deliveries after a position, in order; waits while there is none (not for a limit of 0).
    async fn mail(
        &self,
        of: &Mailbox,
        after: u64,
        limit: usize,
        wait: Wait,
    ) -> Result<Vec<MailEntry>, StoreError>;

    /// Makes one decision true, whole or not at all. Reasons to refuse are looked for in this order:
    /// contradictions in the call itself, the fence, the town's version, the mission's, heartbeats, inputs.
    async fn commit(&self, commit: &Commit) -> Result<Committed, StoreError>;
}
