//! The store model with a window: everything that it executed, whatever the caller came to hear.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tinytown_core::id::{AgentName, Generation, MissionId, OpId};
use tinytown_store::{
    Archive, Commit, Committed, InboxEntry, InputId, LeaseCall, LeaseReply, MailEntry, Mailbox, MissionRow,
    MissionView, Post, Record, Scope, Store, StoreError, TownIdentity, TownView, Vitals, Wait,
};

/// Something that the store did.
#[derive(Debug)]
pub(super) enum Did {
    /// It took in the commit that it was called with.
    Commit,
    /// It took in the input that it was called with.
    Post(InputId),
    /// It answered a lease call.
    Lease(LeaseReply),
    /// It counted a sign of life.
    Beat(AgentName, Generation),
}

/// The model, watched.
#[derive(Clone)]
pub(super) struct Watched {
    model: Arc<dyn Store>,
    did: Arc<Mutex<Vec<Did>>>,
    unreadable: Arc<Mutex<Option<MissionId>>>,
}

impl Watched {
    /// Watches a model.
    pub(super) fn new(model: Arc<dyn Store>) -> Self {
        Self { model, did: Arc::default(), unreadable: Arc::default() }
    }

    /// What was done since the last call.
    pub(super) fn take(&self) -> Vec<Did> {
        std::mem::take(&mut *self.did.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on a record of that mission cannot be read, or every record can.
    pub(super) fn set_unreadable(&self, mission: Option<MissionId>) {
        *self.unreadable.lock().unwrap_or_else(PoisonError::into_inner) = mission;
    }

    fn saw(&self, did: Did) {
        self.did.lock().unwrap_or_else(PoisonError::into_inner).push(did);
    }

    /// The mission of which a record cannot be read.
    pub(super) fn unreadable(&self) -> Option<MissionId> {
        *self.unreadable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Archive for Watched {
    async fn missions(&self, ended: bool) -> Result<Vec<MissionRow>, StoreError> {
        self.model.missions(ended).await
    }

    async fn mission(&self, id: MissionId) -> Result<MissionView, StoreError> {
        let mut view = self.model.mission(id).await?;
        if self.unreadable() == Some(id) {
            match view.records.last_mut() {
                Some((_, record)) => record.0.truncate(record.0.len() / 2),
                None => view.row.head.0.truncate(5),
            }
        }
        Ok(view)
    }

    async fn steps(&self, scope: Scope, after: u64, limit: usize) -> Result<Vec<(u64, Record)>, StoreError> {
        self.model.steps(scope, after, limit).await
    }

    async fn blob(&self, sha256: &str) -> Result<String, StoreError> {
        self.model.blob(sha256).await
    }
}

#[async_trait]
impl Store for Watched {
    async fn found(&self, identity: &TownIdentity) -> Result<(), StoreError> {
        self.model.found(identity).await
    }

    async fn town(&self) -> Result<TownView, StoreError> {
        self.model.town().await
    }

    async fn lease(&self, op: &OpId, call: &LeaseCall) -> Result<LeaseReply, StoreError> {
        let reply = self.model.lease(op, call).await?;
        self.saw(Did::Lease(reply.clone()));
        Ok(reply)
    }

    async fn beat(&self, agent: &AgentName, generation: Generation) -> Result<u64, StoreError> {
        let counter = self.model.beat(agent, generation).await?;
        self.saw(Did::Beat(agent.clone(), generation));
        Ok(counter)
    }

    async fn vitals(&self) -> Result<Vitals, StoreError> {
        self.model.vitals().await
    }

    async fn post(&self, post: &Post) -> Result<InputId, StoreError> {
        let id = self.model.post(post).await?;
        self.saw(Did::Post(id));
        Ok(id)
    }

    async fn answer(&self, op: &OpId, wait: Wait) -> Result<Option<Record>, StoreError> {
        self.model.answer(op, wait).await
    }

    async fn inbox(&self, after: InputId, limit: usize, wait: Wait) -> Result<Vec<InboxEntry>, StoreError> {
        self.model.inbox(after, limit, wait).await
    }

    async fn mail(
        &self,
        of: &Mailbox,
        after: u64,
        limit: usize,
        wait: Wait,
    ) -> Result<Vec<MailEntry>, StoreError> {
        self.model.mail(of, after, limit, wait).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Committed, StoreError> {
        let committed = self.model.commit(commit).await?;
        self.saw(Did::Commit);
        Ok(committed)
    }
}
