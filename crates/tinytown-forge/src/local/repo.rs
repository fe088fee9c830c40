//! The repository, in the forge's terms: commit ids, errors, and changes to references.

use std::path::Path;

use tinytown_core::id::Sha;
use tinytown_host::git::{Git, GitError, Layout, Oid, RefEdit, Swap};

use super::LocalError;
use super::locks::LockWatch;
use crate::ForgeError;

/// The town's repository.
pub(super) struct Repo {
    pub(super) git: Git,
    pub(super) layout: Layout,
    /// The base branch's full name.
    pub(super) base: String,
    locks: LockWatch,
}

impl Repo {
    pub(super) async fn open(dir: &Path, base: &str) -> Result<Self, LocalError> {
        let found = Git::at(dir).layout().await;
        let layout = found.map_err(|error| match error {
            GitError::Failed { stderr, .. } => {
                LocalError::NotARepository { dir: dir.to_owned(), detail: stderr }
            }
            other => LocalError::Git(other),
        })?;
        let work_tree = layout.work_tree.as_deref().ok_or_else(|| LocalError::Bare(dir.to_owned()))?;
        let git = Git::on(&layout.git_dir, work_tree);
        let repo = Self { git, base: format!("refs/heads/{base}"), layout, locks: LockWatch::default() };
        if repo.git.rev_parse(&repo.base).await?.is_some() {
            return Ok(repo);
        }
        let unborn = repo.git.rev_parse("HEAD").await?.is_none();
        Err(if unborn { LocalError::Unborn(dir.to_owned()) } else { LocalError::NoBase(base.to_owned()) })
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
        let outcome = self.git.edit_refs(edits, reason).await;
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
