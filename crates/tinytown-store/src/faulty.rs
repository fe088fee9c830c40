//! A fault decorator over any store: calls that fail before they run, fail after they ran, are
//! late, or are made twice. It draws nothing by chance: a [`Plan`] decides, so runs can be repeated.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tinytown_core::id::{AgentName, Generation, MissionId, OpId};

use crate::{
    Archive, Commit, Committed, InboxEntry, InputId, LeaseCall, LeaseReply, MailEntry, Mailbox, MissionRow,
    MissionView, Post, Record, Scope, Store, StoreError, TownIdentity, TownView, Vitals, Wait,
};

/// Which of the port's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the method of the same name")]
pub enum CallName {
    Missions,
    Mission,
    Steps,
    Blob,
    Found,
    Town,
    Lease,
    Beat,
    Vitals,
    Post,
    Answer,
    Inbox,
    Mail,
    Commit,
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing unusual.
    None,
    /// It is not executed, and the caller hears [`StoreError::Unavailable`].
    FailBefore,
    /// It is executed, and the caller hears [`StoreError::Unavailable`].
    FailAfter,
    /// It is executed so much later.
    Delay(Duration),
    /// It is executed twice, and the caller hears the second answer.
    Repeat,
}

/// Decides what happens to each call.
pub trait Plan: Send + Sync {
    /// The fault for the `nth` call of this decorator and its clones, counted over all calls from 1.
    fn fault(&self, call: CallName, nth: u64) -> Fault;
}

impl<F: Fn(CallName, u64) -> Fault + Send + Sync> Plan for F {
    fn fault(&self, call: CallName, nth: u64) -> Fault {
        self(call, nth)
    }
}

/// How many calls were made, and how many faults were fired, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fired {
    /// Calls, with or without a fault.
    pub calls: u64,
    /// Calls that were not executed.
    pub failed_before: u64,
    /// Calls that were executed and reported as failed.
    pub failed_after: u64,
    /// Calls that were late.
    pub delayed: u64,
    /// Calls that were executed twice.
    pub repeated: u64,
}

#[derive(Default)]
struct Counters {
    calls: AtomicU64,
    failed_before: AtomicU64,
    failed_after: AtomicU64,
    delayed: AtomicU64,
    repeated: AtomicU64,
}

/// A store with faults. A clone shares the plan and the counters.
#[derive(Clone)]
pub struct Faulty<S> {
    inner: S,
    plan: Arc<dyn Plan>,
    counters: Arc<Counters>,
}

impl<S> Faulty<S> {
    /// Puts a plan of faults over a store.
    pub fn new(inner: S, plan: impl Plan + 'static) -> Self {
        Self { inner, plan: Arc::new(plan), counters: Arc::default() }
    }

    /// Another handle to a store under the same plan and the same counters.
    #[must_use]
    pub fn with<T>(&self, inner: T) -> Faulty<T> {
        Faulty { inner, plan: Arc::clone(&self.plan), counters: Arc::clone(&self.counters) }
    }

    /// The store beneath, for looking at the truth.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// What was fired so far.
    pub fn fired(&self) -> Fired {
        let Counters { calls, failed_before, failed_after, delayed, repeated } = &*self.counters;
        Fired {
            calls: calls.load(Ordering::Relaxed),
            failed_before: failed_before.load(Ordering::Relaxed),
            failed_after: failed_after.load(Ordering::Relaxed),
            delayed: delayed.load(Ordering::Relaxed),
            repeated: repeated.load(Ordering::Relaxed),
        }
    }

    /// Makes a call as the plan wants it.
    async fn call<T, F>(&self, name: CallName, make: impl Fn() -> F + Send) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send,
        T: Send,
    {
        let nth = count(&self.counters.calls);
        match self.plan.fault(name, nth) {
            Fault::None => make().await,
            Fault::FailBefore => {
                count(&self.counters.failed_before);
                Err(unavailable(name, nth, "before"))
            }
            Fault::FailAfter => {
                count(&self.counters.failed_after);
                // Whatever it answered, the caller does not hear it.
                let _unheard = make().await;
                Err(unavailable(name, nth, "after"))
            }
            Fault::Delay(by) => {
                count(&self.counters.delayed);
                tokio::time::sleep(by).await;
                make().await
            }
            Fault::Repeat => {
                count(&self.counters.repeated);
                let _unheard = make().await;
                make().await
            }
        }
    }
}

/// One more; answers the new count.
fn count(counter: &AtomicU64) -> u64 {
    counter.fetch_add(1, Ordering::Relaxed) + 1
}

fn unavailable(name: CallName, nth: u64, when: &str) -> StoreError {
    StoreError::Unavailable {
        at: "fault plan".to_owned(),
        detail: format!("call {nth} ({name:?}) failed {when} it was executed"),
    }
}

#[async_trait]
impl<S: Store> Archive for Faulty<S> {
    async fn missions(&self, ended: bool) -> Result<Vec<MissionRow>, StoreError> {
        self.call(CallName::Missions, || self.inner.missions(ended)).await
    }

    async fn mission(&self, id: MissionId) -> Result<MissionView, StoreError> {
        self.call(CallName::Mission, || self.inner.mission(id)).await
    }

    async fn steps(&self, scope: Scope, after: u64, limit: usize) -> Result<Vec<(u64, Record)>, StoreError> {
        self.call(CallName::Steps, || self.inner.steps(scope, after, limit)).await
    }

    async fn blob(&self, sha256: &str) -> Result<String, StoreError> {
        self.call(CallName::Blob, || self.inner.blob(sha256)).await
    }
}

#[async_trait]
impl<S: Store> Store for Faulty<S> {
    async fn found(&self, identity: &TownIdentity) -> Result<(), StoreError> {
        self.call(CallName::Found, || self.inner.found(identity)).await
    }

    async fn town(&self) -> Result<TownView, StoreError> {
        self.call(CallName::Town, || self.inner.town()).await
    }

    async fn lease(&self, op: &OpId, call: &LeaseCall) -> Result<LeaseReply, StoreError> {
        self.call(CallName::Lease, || self.inner.lease(op, call)).await
    }

    async fn beat(&self, agent: &AgentName, generation: Generation) -> Result<u64, StoreError> {
        self.call(CallName::Beat, || self.inner.beat(agent, generation)).await
    }

    async fn vitals(&self) -> Result<Vitals, StoreError> {
        self.call(CallName::Vitals, || self.inner.vitals()).await
    }

    async fn post(&self, post: &Post) -> Result<InputId, StoreError> {
        self.call(CallName::Post, || self.inner.post(post)).await
    }

    async fn answer(&self, op: &OpId, wait: Wait) -> Result<Option<Record>, StoreError> {
        self.call(CallName::Answer, || self.inner.answer(op, wait)).await
    }

    async fn inbox(&self, after: InputId, limit: usize, wait: Wait) -> Result<Vec<InboxEntry>, StoreError> {
        self.call(CallName::Inbox, || self.inner.inbox(after, limit, wait)).await
    }

    async fn mail(
        &self,
        of: &Mailbox,
        after: u64,
        limit: usize,
        wait: Wait,
    ) -> Result<Vec<MailEntry>, StoreError> {
        self.call(CallName::Mail, || self.inner.mail(of, after, limit, wait)).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Committed, StoreError> {
        self.call(CallName::Commit, || self.inner.commit(commit)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;
    use crate::conformance::fixture;

    /// A town whose every post meets `fault`, and nothing else does.
    async fn posts_meet(fault: Fault) -> Faulty<MemoryStore> {
        let plan = move |call, _| if call == CallName::Post { fault } else { Fault::None };
        let store = Faulty::new(MemoryStore::new(), plan);
        store.found(&fixture::identity()).await.expect("founds");
        store
    }

    async fn waiting(store: &Faulty<MemoryStore>) -> usize {
        store.inner().inbox(InputId(0), 9, Wait::NONE).await.expect("reads").len()
    }

    #[tokio::test]
    async fn a_call_that_fails_before_is_not_executed() {
        let store = posts_meet(Fault::FailBefore).await;
        let error = store.post(&fixture::post("p", "x")).await.expect_err("fails");
        assert!(matches!(error, StoreError::Unavailable { .. }));
        assert_eq!(waiting(&store).await, 0);
        assert_eq!(store.fired(), Fired { calls: 2, failed_before: 1, ..Fired::default() });
    }

    #[tokio::test]
    async fn a_call_that_fails_after_is_executed() {
        let store = posts_meet(Fault::FailAfter).await;
        let error = store.post(&fixture::post("p", "x")).await.expect_err("fails");
        assert!(matches!(error, StoreError::Unavailable { .. }));
        assert_eq!(waiting(&store).await, 1);
        assert_eq!(store.fired(), Fired { calls: 2, failed_after: 1, ..Fired::default() });
    }

    #[tokio::test]
    async fn a_repeated_call_answers_what_the_second_answered() {
        let plan = |call, _| if call == CallName::Beat { Fault::Repeat } else { Fault::None };
        let store = Faulty::new(MemoryStore::new(), plan);
        store.found(&fixture::identity()).await.expect("founds");
        assert_eq!(store.beat(&fixture::agent("a"), Generation(1)).await, Ok(2));
        assert_eq!(store.fired(), Fired { calls: 2, repeated: 1, ..Fired::default() });
    }

    #[tokio::test(start_paused = true)]
    async fn a_delayed_call_is_executed_later() {
        let store = posts_meet(Fault::Delay(Duration::from_secs(5))).await;
        let began = tokio::time::Instant::now();
        assert_eq!(store.post(&fixture::post("p", "x")).await, Ok(InputId(1)));
        assert_eq!(began.elapsed(), Duration::from_secs(5));
        assert_eq!(store.fired().delayed, 1);
    }

    #[tokio::test]
    async fn the_plan_counts_over_all_clones() {
        let nth_fails = |_, nth| if nth == 3 { Fault::FailBefore } else { Fault::None };
        let store = Faulty::new(MemoryStore::new(), nth_fails);
        let other = store.clone();
        store.found(&fixture::identity()).await.expect("first call");
        other.town().await.expect("second call");
        assert!(store.town().await.is_err());
        assert!(other.town().await.is_ok());
        assert_eq!(other.fired(), store.fired());
    }
}
