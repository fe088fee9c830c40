//! What every backend refuses and grants, as pure functions: so that backends differ in how they
//! store, not in what they answer.

use std::collections::BTreeSet;
use std::fmt::Display;

use tinytown_core::id::{AgentName, Generation};

use crate::codec::sha256_hex;
use crate::{Blob, Commit, Heartbeat, Lease, LeaseCall, LeaseFence, LeaseReply, Post, StoreError};

/// What can be said against a commit without looking into the store.
///
/// # Errors
/// [`StoreError::Corrupt`] if a charter is given for an old mission or missing for a new one, an
/// input is acknowledged twice, or a text is not the one its SHA-256 names.
pub fn check_commit(commit: &Commit) -> Result<(), StoreError> {
    if let Some(mission) = &commit.mission
        && mission.charter.is_some() != (mission.expect == 0)
    {
        return Err(contradiction(
            format!("commit {}", commit.op),
            "a charter is given exactly when the mission is new",
        ));
    }
    let mut seen = BTreeSet::new();
    if let Some((id, _)) = commit.acks.iter().find(|(id, _)| !seen.insert(*id)) {
        return Err(contradiction(
            format!("commit {}", commit.op),
            format!("it acknowledges input {} twice", id.0),
        ));
    }
    check_blobs(&commit.blobs)
}

/// What can be said against a post without looking into the store.
///
/// # Errors
/// [`StoreError::Corrupt`] if a text is not the one its SHA-256 names.
pub fn check_post(post: &Post) -> Result<(), StoreError> {
    check_blobs(&post.blobs)
}

fn check_blobs(blobs: &[Blob]) -> Result<(), StoreError> {
    match blobs.iter().find(|blob| sha256_hex(&blob.text) != blob.sha256) {
        None => Ok(()),
        Some(blob) => Err(contradiction(format!("text {}", blob.sha256), "its SHA-256 is another")),
    }
}

/// A call that contradicts the store's rules, or the store itself.
pub(crate) fn contradiction(what: impl Into<String>, detail: impl Into<String>) -> StoreError {
    StoreError::Corrupt { what: what.into(), detail: detail.into() }
}

/// The refusal of a second post under a name that was used for another input.
pub fn other_content(post: &Post) -> StoreError {
    contradiction(format!("post {}", post.op), "its name was used for another input")
}

/// The refusal of an acknowledgement for an input that does not wait.
pub fn not_waiting(input: u64) -> StoreError {
    contradiction(format!("input {input}"), "it does not wait in the inbox")
}

/// Applies a lease call to the lease, which changes only if the call is granted.
pub(crate) fn lease(incarnation: u64, lease: &mut Lease, call: &LeaseCall) -> LeaseReply {
    match call {
        LeaseCall::Take { holder, seen } => {
            let free = lease.holder.is_none() || *seen == Some((lease.epoch, lease.counter));
            if !free {
                return LeaseReply::Refused(lease.clone());
            }
            *lease = Lease { epoch: lease.epoch + 1, counter: 0, holder: Some(holder.clone()) };
            LeaseReply::Held(LeaseFence { incarnation, epoch: lease.epoch })
        }
        LeaseCall::Renew(fence) if holds(incarnation, lease, *fence).is_ok() => {
            lease.counter += 1;
            LeaseReply::Held(*fence)
        }
        LeaseCall::Release(fence) if holds(incarnation, lease, *fence).is_ok() => {
            lease.holder = None;
            LeaseReply::Released
        }
        LeaseCall::Renew(_) | LeaseCall::Release(_) => LeaseReply::Refused(lease.clone()),
    }
}

/// Refuses a fence that is not the present holder's; that of a lease given back is nobody's.
pub(crate) fn holds(incarnation: u64, lease: &Lease, ours: LeaseFence) -> Result<(), StoreError> {
    let theirs = LeaseFence { incarnation, epoch: lease.epoch };
    if ours == theirs && lease.holder.is_some() { Ok(()) } else { Err(StoreError::Fenced { ours, theirs }) }
}

/// Refuses a version that is not the one in force.
pub(crate) fn fresh(what: impl Display, expected: u64, found: u64) -> Result<(), StoreError> {
    if expected == found {
        Ok(())
    } else {
        Err(StoreError::Stale { what: what.to_string(), expected, found })
    }
}

/// The counter after a beat of `generation`, given the latest beat.
pub(crate) fn beat(
    agent: &AgentName,
    latest: Option<(Generation, u64)>,
    generation: Generation,
) -> Result<u64, StoreError> {
    match latest {
        Some((current, _)) if current > generation => {
            Err(StoreError::Superseded { agent: agent.clone(), current })
        }
        Some((current, counter)) if current == generation => Ok(counter + 1),
        Some(_) | None => Ok(1),
    }
}

/// Refuses if the agent has beaten since `seen`. A generation that never beat stands at 0.
pub(crate) fn unmoved(seen: &Heartbeat, latest: Option<(Generation, u64)>) -> Result<(), StoreError> {
    let still = match latest {
        Some((generation, counter)) if generation == seen.generation => counter == seen.counter,
        Some((generation, _)) if generation > seen.generation => false,
        Some(_) | None => seen.counter == 0,
    };
    if still { Ok(()) } else { Err(StoreError::Moved { agent: seen.agent.clone() }) }
}
