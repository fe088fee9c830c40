//! Places for towns: databases of servers that all tests of this program share.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tinytown_redis::testing::{RedisServer, ServerOptions};
use tinytown_redis::{RedisStore, RedisUrl};
use tinytown_store::conformance::Harness;
use tinytown_store::{Store, StoreError};

/// On a socket. It ends when this program does.
pub(crate) static BY_SOCKET: LazyLock<RedisServer> = LazyLock::new(RedisServer::start);

/// On a loopback port.
pub(crate) static BY_PORT: LazyLock<RedisServer> =
    LazyLock::new(|| RedisServer::with(&ServerOptions { tcp: true, ..ServerOptions::default() }));

/// The name of every town in these tests.
pub(crate) const TOWN: &str = "testing";

/// A handle of its own to the town there.
pub(crate) async fn open(url: &RedisUrl) -> RedisStore {
    RedisStore::open(url, TOWN).await.expect("the server is there")
}

/// A database of its own.
pub(crate) struct Place(pub(crate) RedisUrl);

#[async_trait]
impl Harness for Place {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(open(&self.0).await)
    }
}

/// The same call, under the same name, until the store is there to answer it.
pub(crate) async fn again<T>(call: impl AsyncFn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let began = Instant::now();
    loop {
        match call().await {
            Err(StoreError::Unavailable { .. }) if began.elapsed() < Duration::from_secs(30) => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            answer => return answer,
        }
    }
}
