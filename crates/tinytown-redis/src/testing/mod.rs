//! For tests: servers to throw away, a proxy that cuts connections, and scripts with planted defects.

mod proxy;
mod server;

use std::sync::Arc;

use tinytown_store::StoreError;

pub use proxy::{Cut, CuttingProxy};
pub use server::{RedisServer, ServerOptions};

use crate::script::Scripts;
use crate::{RedisStore, RedisUrl};

impl RedisStore {
    /// As [`RedisStore::open`], with scripts that were passed through `patch`, their name first.
    ///
    /// # Errors
    /// As [`RedisStore::open`].
    pub async fn open_patched(
        url: &RedisUrl,
        town: &str,
        patch: impl Fn(&str, String) -> String,
    ) -> Result<Self, StoreError> {
        Self::open_with(url, town, Arc::new(Scripts::patched(patch))).await
    }
}
