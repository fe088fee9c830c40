//! Small parts from which properties are told.

use std::sync::Arc;
use std::time::Duration;

use tinytown_core::id::{AgentName, MissionId, OpId};
use tinytown_core::time::Time;

use super::Harness;
use crate::{
    Commit, InputId, LeaseCall, LeaseFence, LeaseReply, Mail, Mailbox, MissionWrite, Outgoing, Post, Record,
    Store, TownIdentity, TownWrite, Wait,
};

/// Long enough that only a wake-up can explain an early answer.
pub const PATIENT: Wait = Wait { upto: Duration::from_mins(1), eager: true };

/// A wake-up that takes longer than this was none. Generous: machines may be busy.
pub const PROMPT: Duration = Duration::from_secs(10);

/// A record that says `text`.
pub fn record(text: &str) -> Record {
    Record(format!(r#"{{"v":1,"d":{text:?}}}"#))
}

/// An operation's name.
pub fn op(text: &str) -> OpId {
    OpId::new(text)
}

/// An agent's name.
///
/// # Panics
/// If it is not one.
pub fn agent(text: &str) -> AgentName {
    AgentName::new(text).expect("a well-formed name")
}

/// The id of the test's `n`-th mission. Order of ids is against the order of numbers, on purpose.
///
/// # Panics
/// Never: what is formatted is a UUID.
pub fn mission_id(n: u32) -> MissionId {
    format!("{:08x}-0000-4000-8000-000000000000", u32::MAX - n).parse().expect("a UUID")
}

/// Some time.
pub fn time() -> Time {
    Time::from_millis(1_700_000_000_000)
}

/// The town's identity.
///
/// # Panics
/// Never: what is parsed is a UUID.
pub fn identity() -> TownIdentity {
    let id = "11111111-2222-4333-8444-555555555555".parse().expect("a UUID");
    TownIdentity { id, name: "testing".to_owned(), created_at: time() }
}

/// An input without long texts.
pub fn post(name: &str, text: &str) -> Post {
    Post { op: op(name), input: record(text), at: time(), blobs: Vec::new() }
}

/// A commit that changes nothing.
pub fn commit(name: &str, fence: LeaseFence) -> Commit {
    Commit::new(op(name), fence, time())
}

/// A change of one shared record.
pub fn town_write(expect: u64, key: &str, text: &str) -> TownWrite {
    TownWrite { expect, put: vec![(key.to_owned(), record(text))], ..TownWrite::default() }
}

/// A change to a mission that writes one record and tells its version in head and step.
pub fn mission_write(n: u32, expect: u64) -> MissionWrite {
    MissionWrite {
        id: mission_id(n),
        expect,
        charter: (expect == 0).then(|| record(&format!("charter {n}"))),
        head: record(&format!("head {}", expect + 1)),
        unfinished: true,
        put: vec![("#1".to_owned(), record(&format!("item {}", expect + 1)))],
        step: record(&format!("step {}", expect + 1)),
    }
}

/// A delivery.
pub fn letter(to: &Mailbox, key: &str, text: &str) -> Mail {
    Mail { to: to.clone(), key: key.to_owned(), record: record(text) }
}

/// An effect.
pub fn effect(name: &str) -> Outgoing {
    Outgoing { op: op(name), record: record(name) }
}

/// A call that takes a free lease.
pub fn take(holder: &str) -> LeaseCall {
    LeaseCall::Take { holder: record(holder), seen: None }
}

/// A handle to the place, with the town founded.
///
/// # Panics
/// If that fails.
pub async fn founded(harness: &dyn Harness) -> Arc<dyn Store> {
    let store = harness.open().await;
    store.found(&identity()).await.expect("an empty place takes a town");
    store
}

/// Founds the town through this handle and takes its lease.
///
/// # Panics
/// If that fails.
pub async fn lead(store: &dyn Store) -> LeaseFence {
    store.found(&identity()).await.expect("an empty place takes a town");
    held(store.lease(&op("lead"), &take("leader")).await.expect("the lease answers"))
}

/// A handle to the place, with the town founded and its lease taken.
///
/// # Panics
/// If that fails.
pub async fn led(harness: &dyn Harness) -> (Arc<dyn Store>, LeaseFence) {
    let store = harness.open().await;
    let fence = lead(&*store).await;
    (store, fence)
}

/// The fence of a lease that was granted.
///
/// # Panics
/// If it was not.
pub fn held(reply: LeaseReply) -> LeaseFence {
    match reply {
        LeaseReply::Held(fence) => fence,
        other => panic!("expected to hold the lease, was answered {other:?}"),
    }
}

/// The names of all waiting inputs.
///
/// # Panics
/// If they cannot be read.
pub async fn waiting(store: &dyn Store) -> Vec<String> {
    let entries = store.inbox(InputId(0), usize::MAX, Wait::NONE).await.expect("the inbox answers");
    entries.into_iter().map(|entry| entry.op.to_string()).collect()
}
