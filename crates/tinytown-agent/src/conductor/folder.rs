//! Where a request is worked on: a folder of its own in `.tinytown/conductor/`, which stays, so that
//! nobody answers it anew.

use std::path::{Path, PathBuf};

use tinytown_host::files::{FileError, create_private_folder, write_private};

use super::request::Request;
use crate::attempt::slug;
use crate::cli::{CliError, Launch, PromptFile};
use crate::settings::Settings;

/// A request's folder.
pub(super) struct Folder {
    /// Those of one mission.
    of_mission: PathBuf,
    /// What is asked about, in the names of its requests.
    about: String,
    /// This one.
    path: PathBuf,
}

/// Why an agent cannot be asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum FolderError {
    /// A file of ours could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// What an earlier conductor left could not be removed.
    #[error("could not remove {}", path.display())]
    Leftover {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The agent CLI cannot be started as it is configured.
    #[error(transparent)]
    Cli(#[from] CliError),
}

impl Folder {
    /// The folder of a request, there or not.
    pub(super) fn of(settings: &Settings, request: &Request) -> Self {
        let of_mission = settings.requests().join(request.help.mission.short());
        let about = request.help.item.as_ref().map_or_else(|| "mission".to_owned(), slug);
        let path = of_mission.join(format!("{about}.r{}", request.help.asked_at.as_millis()));
        Self { of_mission, about, path }
    }

    /// How often a conductor was asked about the same on this host.
    pub(super) fn requests_before(&self) -> usize {
        let Ok(entries) = std::fs::read_dir(&self.of_mission) else { return 0 };
        let about = format!("{}.r", self.about);
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter(|name| name.starts_with(&about) && !self.path.ends_with(name)).count()
    }

    /// Its name, unlike others of the mission.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Where the agent works; there is nothing there.
    pub(super) fn scratch(&self) -> PathBuf {
        self.path.join("scratch")
    }

    /// Where the agent is to answer.
    pub(super) fn result(&self) -> PathBuf {
        self.path.join("result.json")
    }

    /// What we took from that, once it is known.
    pub(super) fn answer(&self) -> PathBuf {
        self.path.join("answer.json")
    }

    /// Makes it ready for a run, whatever an interrupted one left, and says what to start.
    pub(super) fn furnish(&self, settings: &Settings, text: &str) -> Result<Launch, FolderError> {
        if self.path.symlink_metadata().is_ok() {
            clear(&self.path)?;
        }
        create_private_folder(&self.scratch())?;
        create_private_folder(&settings.logs())?;
        let path = self.path.join("prompt.md");
        write_private(&path, text.as_bytes())?;
        Ok(settings.cli.launch(PromptFile { path: &path, text }, &self.path)?)
    }

    /// Removes what only the run needed.
    pub(super) fn clear_scratch(&self) -> Result<(), FolderError> {
        clear(&self.scratch())
    }
}

fn clear(path: &Path) -> Result<(), FolderError> {
    std::fs::remove_dir_all(path).map_err(|source| FolderError::Leftover { path: path.to_owned(), source })
}
