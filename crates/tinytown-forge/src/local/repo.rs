//! The repository, in the forge's terms: commit ids, errors, and changes to references.

use tinytown_core::id::Sha;
use tinytown_host::git::{Git, GitError, Layout, Mirror, ObjectFormat, Oid, RefEdit, Swap, without_password};

use super::locks::LockWatch;
use super::{LocalConfig, LocalError, LocalRemote};
use crate::ForgeError;

/// The town's repository, or this machine's copy of the one that it shares with others.
pub(super) struct Repo {
    pub(super) git: Git,
    pub(super) layout: Layout,
    /// The base branch's full name.
    pub(super) base: String,
    locks: LockWatch,
    mirror: Option<Mirror>,
}

impl Repo {
    pub(super) async fn open(config: &LocalConfig) -> Result<Self, LocalError> {
        let (dir, base) = (&config.repository, &config.base);
        let found = Git::at(dir).layout().await;
        let mut layout = found.map_err(|error| match error {
            GitError::Failed { stderr, .. } => {
                LocalError::NotARepository { dir: dir.to_owned(), detail: stderr }
            }
            other => LocalError::Git(other),
        })?;
        let work_tree = layout.work_tree.as_deref().ok_or_else(|| LocalError::Bare(dir.to_owned()))?;
        let mut git = Git::on(&layout.git_dir, work_tree);
        let mirror = match &config.remote {
            Some(remote) => Some(copied(remote, layout.format).await?),
            None => None,
        };
        if let Some(mirror) = &mirror {
            git = mirror.git().clone();
            layout.common_dir = mirror.folder().to_owned();
        }
        let (base_ref, locks) = (format!("refs/heads/{base}"), LockWatch::default());
        let repo = Self { git, base: base_ref, layout, locks, mirror };
        if repo.git.rev_parse(&repo.base).await?.is_some() {
            return Ok(repo);
        }
        let unborn = repo.mirror.is_none() && repo.git.rev_parse("HEAD").await?.is_none();
        Err(if unborn { LocalError::Unborn(dir.to_owned()) } else { LocalError::NoBase(base.to_owned()) })
    }

    /// Learns what other machines did meanwhile.
    pub(super) async fn refresh(&self) -> Result<(), ForgeError> {
        match &self.mirror {
            Some(mirror) => Ok(mirror.fetch().await?),
            None => Ok(()),
        }
    }

    /// Where the base is.
    pub(super) async fn base_tip(&self) -> Result<Oid, ForgeError> {
        self.git.rev_parse(&self.base).await?.ok_or_else(|| self.no_base())
    }

    pub(super) fn no_base(&self) -> ForgeError {
        ForgeError::Refused(format!("the base {} is gone", self.base))
    }

    /// Changes references together. A lock that nobody owns any more is removed, for the next try.
    pub(super) async fn edit(&self, edits: &[RefEdit], reason: &str) -> Result<Swap, ForgeError> {
        let outcome = match &self.mirror {
            Some(mirror) => mirror.edit_refs(edits).await,
            None => self.git.edit_refs(edits, reason).await,
        };
        outcome.inspect_err(|error| self.mind_locks(error)).map_err(ForgeError::from)
    }

    /// Removes a lock on a reference that was in the way for so long that its owner must be dead.
    pub(super) fn mind_locks(&self, error: &GitError) {
        if let Some(path) =
            error.stderr().and_then(|words| self.locks.abandoned(words, &self.layout.common_dir))
        {
            // If it cannot be removed, it is in the way again, and named again.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// This machine's copy of the shared repository, up to date.
async fn copied(remote: &LocalRemote, format: ObjectFormat) -> Result<Mirror, LocalError> {
    let mirror = remote.mirror(format).await?;
    let unreadable = |source| LocalError::Remote { address: without_password(&remote.address), source };
    mirror.fetch().await.map_err(unreadable)?;
    Ok(mirror)
}

/// The object that a commit id names.
pub(super) fn oid(sha: &Sha) -> Result<Oid, ForgeError> {
    Oid::new(sha.as_str()).ok_or_else(|| ForgeError::Refused(format!("{sha:?} is not a commit id")))
}

/// The commit id of an object.
pub(super) fn sha(oid: &Oid) -> Sha {
    Sha::new(oid.as_str()).expect("an object's name is a commit id's digits")
}

impl From<GitError> for ForgeError {
    /// Most failures of git are of the moment (locks, a full disk); trying again may help.
    fn from(error: GitError) -> Self {
        match error {
            GitError::TooOld { .. } => Self::Refused(error.to_string()),
            other => Self::Unavailable(with_causes(&other)),
        }
    }
}

/// An error with everything that caused it, in one line.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |e| e.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
