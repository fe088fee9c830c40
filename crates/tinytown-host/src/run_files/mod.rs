//! Run files: one small note per supervised run, so that what a killed supervisor left behind can
//! be found and removed by the next process that looks.
//!
//! A supervisor writes its note before it starts anything and deletes it when nothing is left, so a
//! note whose supervisor is dead means that something may be left.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files::{self, FileError};
use crate::process::{self, Fate, Place, ProcessError, ProcessId};

mod sweep;

pub use sweep::{Removed, Surviving, Swept, Which, sweep};

/// The format that we write; another is reported as unreadable.
const VERSION: u32 = 1;

/// What could not be done with run files.
#[derive(Debug, thiserror::Error)]
pub enum RunFileError {
    /// The folder could not be listed.
    #[error("could not list the run files in {}", folder.display())]
    List {
        /// Which folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A run file could not be read.
    #[error("could not read the run file {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A run file is not what we write.
    #[error("could not understand the run file {}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A run file is of another version of this program.
    #[error("the run file {} has version {found}, this program knows {VERSION}", path.display())]
    Version {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// A run file could not be written or deleted.
    #[error(transparent)]
    File(#[from] FileError),
    /// Processes could not be looked at or signalled.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// What a supervisor notes about its run. Nothing of the command's environment or arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFile {
    version: u32,
    /// The run's name, which marks the environment of its processes.
    pub run: String,
    /// The host on which it runs.
    pub host: String,
    /// The supervisor.
    pub supervisor: ProcessId,
    /// The command, once it runs.
    pub command: Option<ProcessId>,
    /// The command's program, for people.
    pub program: String,
}

impl RunFile {
    /// A note about a run that the calling process supervises.
    pub fn of_this_process(run: &str, program: &str) -> Result<Self, RunFileError> {
        Ok(Self {
            version: VERSION,
            run: run.to_owned(),
            host: process::host_name()?,
            supervisor: ProcessId::current()?,
            command: None,
            program: program.to_owned(),
        })
    }

    /// Writes it whole or not at all, for the owner alone. The folder is created if it is missing.
    pub fn write(&self, path: &Path) -> Result<(), RunFileError> {
        if let Some(folder) = path.parent() {
            files::create_private_folder(folder)?;
        }
        let text = serde_json::to_vec(self).expect("a run file has text keys only");
        Ok(files::write_private(path, &text)?)
    }

    /// Reads one; `None` if it is gone.
    pub fn read(path: &Path) -> Result<Option<Self>, RunFileError> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(RunFileError::Read { path: path.to_owned(), source }),
        };
        let malformed = |source| RunFileError::Malformed { path: path.to_owned(), source };
        // The version first: of another one nothing else need be as we know it.
        match serde_json::from_slice::<Versioned>(&text).map_err(malformed)?.version {
            VERSION => serde_json::from_slice(&text).map(Some).map_err(malformed),
            found => Err(RunFileError::Version { path: path.to_owned(), found }),
        }
    }

    /// How the run stands, as far as can be told from here.
    pub fn state(&self) -> Result<RunState, RunFileError> {
        let place = Place::here()?;
        if place.holds(&self.supervisor) {
            return Ok(match self.supervisor.fate() {
                Fate::Gone => RunState::Abandoned,
                Fate::Alive | Fate::Unknown => RunState::Supervised,
            });
        }
        let earlier_boot = self.host == process::host_name()? && self.supervisor.boot_id != place.boot_id;
        Ok(if earlier_boot { RunState::Abandoned } else { RunState::Elsewhere })
    }
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Its supervisor lives.
    Supervised,
    /// Its supervisor is dead; processes may be left.
    Abandoned,
    /// It belongs to another machine or container, and only that can tell.
    Elsewhere,
}

/// What is in a folder of run files.
#[derive(Debug, Default)]
pub struct Listing {
    /// The runs, by the name of their file.
    pub runs: Vec<ListedRun>,
    /// Files that say nothing we understand; something may run behind them.
    pub unreadable: Vec<RunFileError>,
}

/// One run of a [`Listing`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRun {
    /// Its run file.
    pub path: PathBuf,
    /// What that says.
    pub file: RunFile,
    /// How it stands.
    pub state: RunState,
}

/// Lists the runs of a folder; a missing folder has none.
pub fn living(folder: &Path) -> Result<Listing, RunFileError> {
    let mut listing = Listing::default();
    for path in paths(folder)? {
        match RunFile::read(&path) {
            Ok(Some(file)) => {
                let state = file.state()?;
                listing.runs.push(ListedRun { path, file, state });
            }
            Ok(None) => {}
            Err(error) => listing.unreadable.push(error),
        }
    }
    Ok(listing)
}

/// Files being written begin with a dot and are not run files yet.
fn paths(folder: &Path) -> Result<BTreeSet<PathBuf>, RunFileError> {
    let failed = |source| RunFileError::List { folder: folder.to_owned(), source };
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries.map_err(failed)?,
    };
    let is_hidden =
        |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let paths: Result<BTreeSet<_>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    Ok(paths.map_err(failed)?.into_iter().filter(|path| !is_hidden(path)).collect())
}
