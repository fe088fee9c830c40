//! The strict in-memory model of the port: what the other backends are held to, and what
//! simulations run on. Nothing here is durable.

mod apply;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tinytown_core::id::{AgentName, Generation, MissionId, OpId};
use tokio::sync::watch;

use self::state::{State, Town};
use crate::{
    Archive, Commit, Committed, InboxEntry, InputId, LeaseCall, LeaseReply, MailEntry, Mailbox, MissionRow,
    MissionView, Post, Record, Scope, Store, StoreError, TownIdentity, TownView, Vitals, Wait, rules,
};

/// A store in memory. A clone is a further handle to the same town, as another process would hold.
///
/// Waiting reads wake on changes, never by polling, so that virtual time can jump.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    /// Counts changes; waiting reads listen to it.
    changes: watch::Sender<u64>,
}

impl MemoryStore {
    /// A store that holds no town yet, in its incarnation 1.
    pub fn new() -> Self {
        Self { state: Arc::new(Mutex::new(State::new())), changes: watch::Sender::new(0) }
    }

    /// Begins a new life of the store, as after a loss of acknowledged data: what was held under
    /// the lease of the old one is held no more, and the lease is free.
    pub fn set_incarnation(&self, incarnation: u64) {
        self.lock().set_incarnation(incarnation);
        self.changes.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock can only come from a failed assertion about the state itself.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, read: impl FnOnce(&Town) -> Result<T, StoreError>) -> Result<T, StoreError> {
        read(self.lock().town()?)
    }

    fn write<T>(&self, write: impl FnOnce(&mut Town) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let answer = write(self.lock().town_mut()?)?;
        self.changes.send_modify(|count| *count += 1);
        Ok(answer)
    }

    /// Reads until there is something, or `wait` is over; then the last answer stands.
    async fn wait_for<T>(
        &self,
        wait: Wait,
        nothing: impl Fn(&T) -> bool,
        read: impl Fn(&Town) -> T,
    ) -> Result<T, StoreError> {
        let mut changes = self.changes.subscribe();
        let first = self.read(|town| Ok(read(town)))?;
        if !nothing(&first) || wait.upto.is_zero() {
            return Ok(first);
        }
        let later = async {
            loop {
                changes.changed().await.map_err(|_| ended())?;
                let found = self.read(|town| Ok(read(town)))?;
                if !nothing(&found) {
                    return Ok(found);
                }
            }
        };
        tokio::time::timeout(wait.upto, later).await.unwrap_or(Ok(first))
    }
}

/// Not reachable: whoever waits holds the sender of the changes it waits for.
fn ended() -> StoreError {
    StoreError::Unavailable { at: "memory".to_owned(), detail: "the store is gone".to_owned() }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Archive for MemoryStore {
    async fn missions(&self, ended: bool) -> Result<Vec<MissionRow>, StoreError> {
        self.read(|town| Ok(town.missions(ended)))
    }

    async fn mission(&self, id: MissionId) -> Result<MissionView, StoreError> {
        self.read(|town| town.mission(id))
    }

    async fn steps(&self, scope: Scope, after: u64, limit: usize) -> Result<Vec<(u64, Record)>, StoreError> {
        self.read(|town| town.steps(scope, after, limit))
    }

    async fn blob(&self, sha256: &str) -> Result<String, StoreError> {
        self.read(|town| town.blob(sha256))
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn found(&self, identity: &TownIdentity) -> Result<(), StoreError> {
        self.lock().found(identity)?;
        self.changes.send_modify(|count| *count += 1);
        Ok(())
    }

    async fn town(&self) -> Result<TownView, StoreError> {
        self.read(|town| Ok(town.view()))
    }

    async fn lease(&self, op: &OpId, call: &LeaseCall) -> Result<LeaseReply, StoreError> {
        self.write(|town| Ok(town.change_lease(op, call)))
    }

    async fn beat(&self, agent: &AgentName, generation: Generation) -> Result<u64, StoreError> {
        self.write(|town| town.beat(agent, generation))
    }

    async fn vitals(&self) -> Result<Vitals, StoreError> {
        self.read(|town| Ok(town.vitals()))
    }

    async fn post(&self, post: &Post) -> Result<InputId, StoreError> {
        rules::check_post(post)?;
        self.write(|town| town.post(post))
    }

    async fn answer(&self, op: &OpId, wait: Wait) -> Result<Option<Record>, StoreError> {
        self.wait_for(wait, Option::is_none, |town| town.answer(op)).await
    }

    async fn inbox(&self, after: InputId, limit: usize, wait: Wait) -> Result<Vec<InboxEntry>, StoreError> {
        let wait = if limit == 0 { Wait::NONE } else { wait };
        self.wait_for(wait, Vec::is_empty, |town| town.inbox(after, limit)).await
    }

    async fn mail(
        &self,
        of: &Mailbox,
        after: u64,
        limit: usize,
        wait: Wait,
    ) -> Result<Vec<MailEntry>, StoreError> {
        let wait = if limit == 0 { Wait::NONE } else { wait };
        self.wait_for(wait, Vec::is_empty, |town| town.mail(of, after, limit)).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Committed, StoreError> {
        rules::check_commit(commit)?;
        self.write(|town| town.commit(commit))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::conformance::fixture;

    #[tokio::test(start_paused = true)]
    async fn a_wait_costs_virtual_time_only() {
        let store = MemoryStore::new();
        store.found(&fixture::identity()).await.expect("founds");
        let began = tokio::time::Instant::now();
        let wait = Wait { upto: Duration::from_hours(1), eager: false };
        assert_eq!(store.inbox(InputId(0), 1, wait).await, Ok(vec![]));
        assert_eq!(began.elapsed(), Duration::from_hours(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiting_read_wakes_without_time_passing() {
        let store = MemoryStore::new();
        store.found(&fixture::identity()).await.expect("founds");
        let began = tokio::time::Instant::now();
        let wait = Wait { upto: Duration::from_hours(1), eager: false };
        let other = store.clone();
        let post = fixture::post("p", "hello");
        let (read, posted) = tokio::join!(store.inbox(InputId(0), 1, wait), other.post(&post));
        assert_eq!(posted, Ok(InputId(1)));
        assert_eq!(read.map(|entries| entries.len()), Ok(1));
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_new_incarnation_ends_the_lease_of_the_old() {
        let store = MemoryStore::new();
        let fence = fixture::lead(&store).await;
        store.set_incarnation(7);
        let stale = store.commit(&fixture::commit("c", fence)).await;
        let theirs = crate::LeaseFence { incarnation: 7, epoch: fence.epoch };
        assert_eq!(stale, Err(StoreError::Fenced { ours: fence, theirs }));
        let call = LeaseCall::Take { holder: fixture::record("next"), seen: None };
        let taken = store.lease(&OpId::new("next"), &call).await;
        assert_eq!(taken, Ok(LeaseReply::Held(crate::LeaseFence { incarnation: 7, epoch: fence.epoch + 1 })));
    }
}
