//! For workers of a town without a dispatcher: what they post is applied in their own process, so
//! that joining, starting and submitting need nobody else. Nothing is performed.

use async_trait::async_trait;
use tinytown_agent::Applier;
use tinytown_dispatcher::ProofOfDeath as _;
use tinytown_store::{InputId, StoreError, Wait};
use tokio::sync::Mutex;

use crate::compose::Composed;
use crate::proof::Proof;

/// More than ever wait; what is beyond is applied by the next nudge.
const BATCH: usize = 1000;

/// See the [module](self).
pub(crate) struct Nudge {
    composed: Composed,
    /// One at a time: several in one process would only wait for each other's lease.
    turn: Mutex<()>,
}

impl Nudge {
    /// For a worker of this town.
    pub(crate) fn new(composed: Composed) -> Self {
        Self { composed, turn: Mutex::new(()) }
    }

    /// Whether a dispatcher will come to it by itself.
    async fn is_dispatched(&self) -> Result<bool, StoreError> {
        let holder = self.composed.store.vitals().await?.lease.holder;
        Ok(holder.is_some_and(|holder| !Proof.of_holder(&holder)))
    }
}

#[async_trait]
impl Applier for Nudge {
    async fn nudge(&self) {
        let _turn = self.turn.lock().await;
        // What fails here is tried again: the worker repeats what is not answered, and a dispatcher comes some day.
        let Ok(false) = self.is_dispatched().await else { return };
        let waiting = self.composed.store.inbox(InputId(0), BATCH, Wait::NONE).await;
        if let Some(last) = waiting.ok().and_then(|mut entries| entries.pop()) {
            let _ = self.composed.apply_posted(last).await;
        }
    }
}
