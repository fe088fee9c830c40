//! The folders into which a repository is checked out.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{Git, GitError};

/// A folder into which a repository is checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worktree {
    /// The folder.
    pub path: PathBuf,
    /// The branch checked out there, `refs/heads/…`; `None` if detached.
    pub branch: Option<String>,
}

impl Git {
    /// All folders into which the repository is checked out and which are there.
    pub async fn worktrees(&self) -> Result<Vec<Worktree>, GitError> {
        let printed = self.call(["worktree", "list", "--porcelain", "-z"]).bytes().await?;
        let mut found: Vec<Worktree> = Vec::new();
        let mut bare = false;
        for attribute in printed.split(|b| *b == 0) {
            if let Some(path) = attribute.strip_prefix(b"worktree ") {
                found.push(Worktree { path: PathBuf::from(OsStr::from_bytes(path)), branch: None });
            } else if let (Some(branch), Some(last)) = (attribute.strip_prefix(b"branch "), found.last_mut())
            {
                last.branch = Some(String::from_utf8_lossy(branch).into_owned());
            } else if attribute == b"bare" {
                bare = true;
            }
        }
        // A bare repository is listed first, as if it were a folder.
        Ok(found.into_iter().skip(usize::from(bare)).filter(|worktree| worktree.path.is_dir()).collect())
    }

    /// Whether a checkout differs from its commit, untracked files included.
    pub async fn is_dirty(&self) -> Result<bool, GitError> {
        let call = self.call(["status", "--porcelain", "-z", "--untracked-files=normal"]);
        Ok(!call.bytes().await?.is_empty())
    }
}

impl Worktree {
    /// The folder where git keeps this checkout's index and state.
    pub(super) fn git_dir(&self) -> Result<PathBuf, GitError> {
        let entry = self.path.join(".git");
        let unreadable = || GitError::io("read", &entry);
        if fs::metadata(&entry).map_err(unreadable())?.is_dir() {
            return Ok(entry);
        }
        let text = fs::read(&entry).map_err(unreadable())?;
        let named = text.trim_ascii().strip_prefix(b"gitdir: ").unwrap_or_default();
        Ok(self.path.join(Path::new(OsStr::from_bytes(named))))
    }

    /// What is unfinished here and owns the branch meanwhile, in words.
    pub fn unfinished(&self, branch: &str) -> Option<String> {
        const SIGNS: [(&str, &str); 4] = [
            ("MERGE_HEAD", "a merge"),
            ("CHERRY_PICK_HEAD", "a cherry-pick"),
            ("REVERT_HEAD", "a revert"),
            ("sequencer", "a sequence of picks"),
        ];
        let git_dir = self.git_dir().ok()?;
        let here = self.branch.as_deref() == Some(branch);
        let sign = SIGNS.iter().find(|(file, _)| here && git_dir.join(file).exists()).map(|(_, what)| *what);
        let what = sign.or_else(|| rebases(&git_dir, branch).then_some("a rebase"))?;
        Some(format!("{what} is unfinished in {}", self.path.display()))
    }
}

/// Whether a rebase of the branch is under way: HEAD is detached then, and the branch waits.
fn rebases(git_dir: &Path, branch: &str) -> bool {
    ["rebase-merge/head-name", "rebase-apply/head-name"]
        .iter()
        .any(|file| fs::read(git_dir.join(file)).is_ok_and(|name| name.trim_ascii() == branch.as_bytes()))
}
