//! A sample of the campaign with Redis in the model's place: seed for seed it is the same history.

use std::sync::Arc;

use async_trait::async_trait;
use tinytown_core::id::{AgentName, Generation, MissionId, OpId};
use tinytown_redis::RedisStore;
use tinytown_redis::testing::RedisServer;
use tinytown_store::testing::rounds;
use tinytown_store::{
    Archive, Commit, Committed, InboxEntry, InputId, LeaseCall, LeaseReply, MailEntry, Mailbox, MissionRow,
    MissionView, Post, Record, Scope, Store, StoreError, TownIdentity, TownView, Vitals, Wait,
};
use tinytown_tests::proof::{Case, play, play_on};
use tokio::runtime::Runtime;

/// Redis for a world whose time stands still while it is asked.
struct Prompt {
    store: RedisStore,
    runtime: Arc<Runtime>,
}

macro_rules! promptly {
    ($self:ident, $call:ident($($argument:expr),*)) => {
        $self.runtime.block_on($self.store.$call($($argument),*))
    };
}

#[async_trait]
impl Archive for Prompt {
    async fn missions(&self, ended: bool) -> Result<Vec<MissionRow>, StoreError> {
        promptly!(self, missions(ended))
    }

    async fn mission(&self, id: MissionId) -> Result<MissionView, StoreError> {
        promptly!(self, mission(id))
    }

    async fn steps(&self, scope: Scope, after: u64, limit: usize) -> Result<Vec<(u64, Record)>, StoreError> {
        promptly!(self, steps(scope, after, limit))
    }

    async fn blob(&self, sha256: &str) -> Result<String, StoreError> {
        promptly!(self, blob(sha256))
    }
}

#[async_trait]
impl Store for Prompt {
    async fn found(&self, identity: &TownIdentity) -> Result<(), StoreError> {
        promptly!(self, found(identity))
    }

    async fn town(&self) -> Result<TownView, StoreError> {
        promptly!(self, town())
    }

    async fn lease(&self, op: &OpId, call: &LeaseCall) -> Result<LeaseReply, StoreError> {
        promptly!(self, lease(op, call))
    }

    async fn beat(&self, agent: &AgentName, generation: Generation) -> Result<u64, StoreError> {
        promptly!(self, beat(agent, generation))
    }

    async fn vitals(&self) -> Result<Vitals, StoreError> {
        promptly!(self, vitals())
    }

    async fn post(&self, post: &Post) -> Result<InputId, StoreError> {
        promptly!(self, post(post))
    }

    async fn answer(&self, op: &OpId, wait: Wait) -> Result<Option<Record>, StoreError> {
        promptly!(self, answer(op, wait))
    }

    async fn inbox(&self, after: InputId, limit: usize, wait: Wait) -> Result<Vec<InboxEntry>, StoreError> {
        promptly!(self, inbox(after, limit, wait))
    }

    async fn mail(
        &self,
        of: &Mailbox,
        after: u64,
        limit: usize,
        wait: Wait,
    ) -> Result<Vec<MailEntry>, StoreError> {
        promptly!(self, mail(of, after, limit, wait))
    }

    async fn commit(&self, commit: &Commit) -> Result<Committed, StoreError> {
        promptly!(self, commit(commit))
    }
}

#[test]
fn missions_under_faults_go_on_redis_as_they_go_on_the_model() {
    let server = RedisServer::start();
    let runtime = Runtime::new().expect("a runtime");
    let runtime = Arc::new(runtime);
    // The name of the town that the campaign founds.
    let store = runtime.block_on(RedisStore::open(&server.url(), "town")).expect("opens");
    for seed in 0..u64::from(rounds(25, 2000)) {
        server.ask(&["FLUSHALL"]);
        let case = Case::of(seed);
        let store = Prompt { store: store.clone(), runtime: Arc::clone(&runtime) };
        let outcome = play_on(&case, true, Arc::new(store));
        assert_eq!(outcome.violation, None, "seed {seed}\n{}", outcome.log.join("\n"));
        let model = play(&case, true);
        assert_eq!(outcome.log, model.log, "seed {seed}");
        assert_eq!(outcome.ends, model.ends, "seed {seed}");
    }
}
