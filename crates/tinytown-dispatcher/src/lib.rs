//! The dispatcher: a driver without IO that says what to read, commit and perform, and the tokio
//! shell that does it.
//!
//! One dispatcher is active in a town, the holder of its lease; others stand by and take over. The
//! [`Driver`] is a state machine: events in, calls out, so that races between dispatchers, the store
//! and effects can be played in a simulator. The [`serve`] and [`apply`] shells only fetch and perform.

mod apply;
mod driver;
mod perform;
mod rounds;
mod serve;

pub use apply::{Applied, ApplyError, apply};
pub use driver::{Call, Driver, Event, Mode, Moment, Report, Settings, Watched};
pub use perform::perform;
pub use rounds::Round;
pub use serve::{Parts, ProofOfDeath, ServeError, serve};
