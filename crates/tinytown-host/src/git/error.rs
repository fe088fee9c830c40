//! Why a git command failed.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a git command failed. `command` is what was run, without configuration and secrets.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// Git could not be started.
    #[error("cannot start `{command}`")]
    Start {
        /// What was to run.
        command: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Git ran and said no.
    #[error("`{command}` failed ({exit}): {stderr}")]
    Failed {
        /// What was run.
        command: String,
        /// How it ended, such as `exit status: 128`.
        exit: String,
        /// The tail of what it said.
        stderr: String,
    },
    /// Git did not come to an end in time, and was ended.
    #[error("`{command}` did not end within {} s", limit.as_secs())]
    Slow {
        /// What was run.
        command: String,
        /// How long it had.
        limit: Duration,
    },
    /// Git answered something unexpected.
    #[error("`{command}` gave an answer that cannot be read: {detail}")]
    Answer {
        /// What was run.
        command: String,
        /// What is wrong with it.
        detail: String,
    },
    /// Git is older than 2.38, the first with `merge-tree --write-tree`.
    #[error("git {found} is too old: 2.38 or newer is needed")]
    TooOld {
        /// The version found.
        found: String,
    },
    /// A file of a repository could not be read or written.
    #[error("cannot {action} {path}")]
    Io {
        /// What was to be done.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it could not.
        #[source]
        source: io::Error,
    },
    /// A checkout has no commit to stand on.
    #[error("{path} has no commit checked out")]
    Unborn {
        /// Which checkout.
        path: PathBuf,
    },
}

impl GitError {
    /// An answer that cannot be read.
    pub(super) fn answer(command: &str, detail: impl Into<String>) -> Self {
        Self::Answer { command: command.to_owned(), detail: detail.into() }
    }

    /// Wraps an error of the file system, for `map_err`.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// What git said, if it ran and said no.
    pub fn stderr(&self) -> Option<&str> {
        match self {
            Self::Failed { stderr, .. } => Some(stderr),
            _ => None,
        }
    }
}
