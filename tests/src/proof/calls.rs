//! Calls to the store as the world carries them: made, on their way, executed, answered.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tinytown_core::id::{AgentName, Generation, OpId};
use tinytown_store::{
    Commit, Committed, InboxEntry, InputId, LeaseCall, LeaseReply, MailEntry, Mailbox, MissionView, Post,
    Record, Store, StoreError, TownView, Vitals, Wait,
};

/// A call.
#[derive(Debug, Clone)]
pub(super) enum StoreCall {
    /// Lease and heartbeats.
    Vitals,
    /// Take, renew, release.
    Lease(OpId, LeaseCall),
    /// Everything a dispatcher begins with.
    Load,
    /// Inputs after a position; waits so many milliseconds.
    Inbox(InputId, u64),
    /// A decision.
    Commit(Box<Commit>),
    /// A sign of life.
    Beat(AgentName, Generation),
    /// An input.
    Post(Box<Post>),
    /// An answer; waits so many milliseconds.
    Answer(OpId, u64),
    /// Letters after a position; waits so many milliseconds.
    Mail(AgentName, u64, u64),
    /// What missions share.
    Town,
}

/// Its answer.
#[derive(Debug, Clone)]
pub(super) enum StoreReply {
    Vitals(Result<Vitals, StoreError>),
    Lease(OpId, Result<LeaseReply, StoreError>),
    Load(Result<(TownView, Vec<MissionView>), StoreError>),
    Inbox(InputId, Result<Vec<InboxEntry>, StoreError>),
    Commit(OpId, Result<Committed, StoreError>),
    Beat(Result<u64, StoreError>),
    Post(OpId, Result<InputId, StoreError>),
    Answer(OpId, Result<Option<Record>, StoreError>),
    Mail(Result<Vec<MailEntry>, StoreError>),
    Town(Result<TownView, StoreError>),
}

/// Most inputs or letters at once.
const BATCH: usize = 64;

/// What a future answers that never waits.
///
/// # Panics
/// If it does wait: models answer at once.
pub(super) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("a model made its caller wait"),
    }
}

impl StoreCall {
    /// Executes it now.
    pub(super) fn execute<S: Store + ?Sized>(&self, store: &S) -> StoreReply {
        match self {
            Self::Vitals => StoreReply::Vitals(at_once(store.vitals())),
            Self::Lease(op, call) => StoreReply::Lease(op.clone(), at_once(store.lease(op, call))),
            Self::Load => StoreReply::Load(at_once(load(store))),
            Self::Inbox(after, _) => {
                StoreReply::Inbox(*after, at_once(store.inbox(*after, BATCH, Wait::NONE)))
            }
            Self::Commit(commit) => StoreReply::Commit(commit.op.clone(), at_once(store.commit(commit))),
            Self::Beat(agent, generation) => StoreReply::Beat(at_once(store.beat(agent, *generation))),
            Self::Post(post) => StoreReply::Post(post.op.clone(), at_once(store.post(post))),
            Self::Answer(op, _) => StoreReply::Answer(op.clone(), at_once(store.answer(op, Wait::NONE))),
            Self::Mail(agent, after, _) => {
                let of = Mailbox::Agent(agent.clone());
                StoreReply::Mail(at_once(store.mail(&of, *after, BATCH, Wait::NONE)))
            }
            Self::Town => StoreReply::Town(at_once(store.town())),
        }
    }

    /// The answer when the store could not be reached.
    pub(super) fn away(&self) -> StoreReply {
        let error = || StoreError::Unavailable { at: "model".to_owned(), detail: "no answer".to_owned() };
        match self {
            Self::Vitals => StoreReply::Vitals(Err(error())),
            Self::Lease(op, _) => StoreReply::Lease(op.clone(), Err(error())),
            Self::Load => StoreReply::Load(Err(error())),
            Self::Inbox(after, _) => StoreReply::Inbox(*after, Err(error())),
            Self::Commit(commit) => StoreReply::Commit(commit.op.clone(), Err(error())),
            Self::Beat(..) => StoreReply::Beat(Err(error())),
            Self::Post(post) => StoreReply::Post(post.op.clone(), Err(error())),
            Self::Answer(op, _) => StoreReply::Answer(op.clone(), Err(error())),
            Self::Mail(..) => StoreReply::Mail(Err(error())),
            Self::Town => StoreReply::Town(Err(error())),
        }
    }

    /// How long it waits for something to read.
    pub(super) const fn waits(&self) -> u64 {
        match self {
            Self::Inbox(_, upto) | Self::Answer(_, upto) | Self::Mail(_, _, upto) => *upto,
            _ => 0,
        }
    }

    /// Its name, for people.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Vitals => "vitals",
            Self::Lease(_, LeaseCall::Take { .. }) => "take",
            Self::Lease(_, LeaseCall::Renew(_)) => "renew",
            Self::Lease(_, LeaseCall::Release(_)) => "release",
            Self::Load => "load",
            Self::Inbox(..) => "inbox",
            Self::Commit(_) => "commit",
            Self::Beat(..) => "beat",
            Self::Post(_) => "post",
            Self::Answer(..) => "answer",
            Self::Mail(..) => "mail",
            Self::Town => "town",
        }
    }
}

impl StoreReply {
    /// Whether a read found nothing.
    pub(super) fn is_nothing(&self) -> bool {
        match self {
            Self::Inbox(_, Ok(entries)) => entries.is_empty(),
            Self::Answer(_, Ok(None)) => true,
            Self::Mail(Ok(entries)) => entries.is_empty(),
            _ => false,
        }
    }
}

/// What the shell of a dispatcher reads when it has the lease.
async fn load<S: Store + ?Sized>(store: &S) -> Result<(TownView, Vec<MissionView>), StoreError> {
    let town = store.town().await?;
    let mut missions = Vec::new();
    for row in store.missions(false).await? {
        missions.push(store.mission(row.id).await?);
    }
    Ok((town, missions))
}

/// A wait in milliseconds.
pub(super) fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}
