//! The one place of the command line that reads the clock and draws ids.

use std::time::{SystemTime, UNIX_EPOCH};

use tinytown_core::id::OpId;
use tinytown_core::time::Time;
use uuid::Uuid;

/// The wall clock, as data for records and for people. Nothing is judged by it.
pub(crate) fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A new random id.
pub(crate) fn new_id() -> Uuid {
    Uuid::new_v4()
}

/// A new name for an operation that is meant once, such as one call of a command.
pub(crate) fn new_op(what: &str) -> OpId {
    OpId::new(format!("{what}/{}", new_id()))
}
