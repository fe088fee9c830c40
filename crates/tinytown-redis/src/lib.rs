//! Towns that span machines: the storage port on Redis. The only crate that knows fred, keys and Lua.
//!
//! See `docs/design/0006-redis.md` for how it works, and `keys.rs` for what lies where.

mod args;
mod commit;
mod fault;
pub mod health;
mod keys;
mod lease;
mod link;

mod reads;
mod reply;
mod script;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod tls;
mod url;
mod waiting;

pub use store::RedisStore;
pub use url::{RedisUrl, RedisUrlError};
