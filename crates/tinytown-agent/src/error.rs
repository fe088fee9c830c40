//! Why a worker could not begin or go on.

use tinytown_core::id::AgentName;
use tinytown_host::files::FileError;
use tinytown_host::process::ProcessError;
use tinytown_host::run_files::RunFileError;
use tinytown_store::StoreError;

/// Why a worker could not begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// A living worker has the name.
    #[error("the name {agent} is held by a worker on {host} (process {pid})")]
    NameTaken {
        /// Which name.
        agent: AgentName,
        /// Where its worker runs.
        host: String,
        /// As which process.
        pid: u32,
    },
    /// The town does not take the worker.
    #[error("the town refused: {message}")]
    Refused {
        /// Its words.
        message: String,
    },
    /// The store said what no waiting mends.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This process cannot be named, so that nobody could tell whether it lives.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// What an earlier worker left running cannot be looked for.
    #[error(transparent)]
    RunFiles(#[from] RunFileError),
    /// A folder could not be made.
    #[error(transparent)]
    File(#[from] FileError),
}
