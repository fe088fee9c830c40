//! The lane: one change to a repository's checked-out base at a time, across processes.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::GitError;

/// Time between two looks at a lane that is held.
const POLL: Duration = Duration::from_millis(5);

/// A held lock on a repository. The kernel releases it when its last holder is gone: this process,
/// and every git that was given the lane as its input. So whoever gets the lane knows that
/// no change of ours is under way, not even by the orphan of a killed process.
#[derive(Debug)]
pub struct Lane(File);

impl Lane {
    /// Takes the lane of the repository with this common git folder, and waits for it at most so long;
    /// `None` if somebody holds it still.
    ///
    /// A free lane may seem held for a moment: between fork and exec, every child that this process
    /// starts has a copy of the lock.
    pub async fn enter(common_dir: &Path, patience: Duration) -> Result<Option<Self>, GitError> {
        Self::enter_named(common_dir, "lane", patience).await
    }

    /// The same for another kind of change, which has a lane of its own.
    pub(super) async fn enter_named(
        common_dir: &Path,
        name: &str,
        patience: Duration,
    ) -> Result<Option<Self>, GitError> {
        let give_up = Instant::now() + patience;
        loop {
            match Self::try_enter(common_dir, name)? {
                None if Instant::now() < give_up => tokio::time::sleep(POLL).await,
                entered => return Ok(entered),
            }
        }
    }

    fn try_enter(common_dir: &Path, name: &str) -> Result<Option<Self>, GitError> {
        let folder = common_dir.join("tinytown");
        let path = folder.join(name);
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(GitError::io("create", &folder))?;
        let mut options = File::options();
        options.create(true).truncate(false).read(true).write(true).mode(0o600);
        let file = options.open(&path).map_err(GitError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(GitError::io("lock", &path)(source)),
        }
    }

    /// A handle for a child, which holds the lane as long as it lives.
    pub(super) fn share(&self) -> Result<File, GitError> {
        self.0.try_clone().map_err(GitError::io("share", Path::new("the merge lane")))
    }
}
