//! What the tasks beside the work tell the worker.

use tinytown_core::id::Generation;
use tinytown_core::letter::Letter;
use tinytown_store::StoreError;
use tokio::sync::mpsc;

use crate::join::Start;

/// What the tasks tell the worker.
#[derive(Debug)]
pub(crate) enum Event {
    /// A letter came.
    Letter(Letter),
    /// Our beats had a gap in which we may have been declared lost.
    Gap,
    /// We asked for our name again, and have it in this start.
    Rejoined(Start),
    /// We asked for our name again, and did not get it.
    NameLost(String),
    /// Another worker has our name.
    Superseded(Generation),
    /// The store said what no waiting mends.
    Failed(StoreError),
}

/// Where the tasks tell it.
pub(crate) type Events = mpsc::UnboundedSender<Event>;
