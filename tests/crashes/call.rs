//! One call that changes a store, as data: so that another process can make it.

use serde::{Deserialize, Serialize};
use tinytown_core::id::{AgentName, Generation, OpId};
use tinytown_store::{Commit, LeaseCall, Post, Store, TownIdentity};

/// A call that changes a store.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Call {
    /// Make the file, and found the town in it.
    Create(TownIdentity),
    Found(TownIdentity),
    Lease(OpId, LeaseCall),
    Beat(AgentName, Generation),
    Post(Post),
    Commit(Box<Commit>),
}

impl Call {
    /// Makes the call; what it answered, as text that can be compared.
    pub(crate) async fn make(&self, store: &dyn Store) -> String {
        match self {
            Self::Create(identity) | Self::Found(identity) => format!("{:?}", store.found(identity).await),
            Self::Lease(op, call) => format!("{:?}", store.lease(op, call).await),
            Self::Beat(agent, generation) => format!("{:?}", store.beat(agent, *generation).await),
            Self::Post(post) => format!("{:?}", store.post(post).await),
            Self::Commit(commit) => format!("{:?}", store.commit(commit).await),
        }
    }
}
