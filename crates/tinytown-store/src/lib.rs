//! Where towns live: the storage port, its strict in-memory model, a fault decorator, the
//! conformance suite that every backend passes, and (feature `sqlite`) the embedded backend.
//!
//! Records are opaque to a store: [`Record`] is text with a version inside, written and read by
//! those who know the domain. What a store knows is who may write, what is stale, and what belongs
//! together.

pub mod codec;
pub mod conformance;
#[cfg(feature = "sqlite")]
pub mod crash;
mod faulty;
mod memory;
pub mod port;
pub mod records;
pub mod rules;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "testing")]
pub mod testing;

pub use faulty::{CallName, Fault, Faulty, Fired, Plan};
pub use memory::MemoryStore;
pub use port::*;
#[cfg(feature = "sqlite")]
pub use sqlite::{Glance, SqliteFile, SqliteHealth, SqliteStore};
