//! The conformance suite, once for each backend and for the decorator under faults that a caller must not notice.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tinytown_store::conformance::Harness;
use tinytown_store::{CallName, Fault, Faulty, MemoryStore, SqliteStore, Store};

struct Memory(MemoryStore);

#[async_trait]
impl Harness for Memory {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.0.clone())
    }
}

struct Wrapped(Faulty<MemoryStore>);

#[async_trait]
impl Harness for Wrapped {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.0.clone())
    }
}

/// Every call twice. Only a beat has no name to be known again by, and may move the counter twice.
fn repeat(call: CallName, _: u64) -> Fault {
    if call == CallName::Beat { Fault::None } else { Fault::Repeat }
}

/// Every third call a little late.
fn delay(_: CallName, nth: u64) -> Fault {
    if nth.is_multiple_of(3) { Fault::Delay(Duration::from_millis(1)) } else { Fault::None }
}

tinytown_store::conformance!(memory, Memory(MemoryStore::new()));
tinytown_store::conformance!(repeating, Wrapped(Faulty::new(MemoryStore::new(), repeat)));
tinytown_store::conformance!(delaying, Wrapped(Faulty::new(MemoryStore::new(), delay)));

/// Each handle has connections and threads of its own, as another process would.
struct Sqlite(tempfile::TempDir);

impl Sqlite {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder for the store"))
    }
}

#[async_trait]
impl Harness for Sqlite {
    async fn open(&self) -> Arc<dyn Store> {
        let store = SqliteStore::create(self.0.path().join("town.db")).await;
        Arc::new(store.expect("the store opens"))
    }
}

tinytown_store::conformance!(sqlite, Sqlite::new());
