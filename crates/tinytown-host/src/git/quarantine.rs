//! Taking work out of an agent's checkout without running anything the agent may have configured there.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::command::{Input, refusal};
use super::repository::{borrow, create_private};
use super::{Git, GitError, Oid};

/// A private repository that sees a checkout's objects and files, and none of its configuration,
/// hooks, filters or index. Removed when dropped.
#[derive(Debug)]
pub struct Quarantine {
    checkout: PathBuf,
    git_dir: PathBuf,
    head: Oid,
}

/// What was found in a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// A commit of everything there: the checkout's HEAD if nothing differs from it.
    pub commit: Oid,
    /// Whether `commit` was made for this; its only parent is the HEAD.
    pub made: bool,
    /// Git's words on files that could not be taken, such as unreadable ones; empty if all were.
    pub skipped: String,
}

/// An entry of an index for another repository's commit.
struct Gitlink {
    path: Vec<u8>,
    oid: Vec<u8>,
}

impl Quarantine {
    /// Looks at a checkout (a folder with its own `.git`) through a private repository at `git_dir`,
    /// which must not exist.
    ///
    /// # Errors
    /// [`GitError::Unborn`] if the checkout has no commit.
    pub async fn of(checkout: &Path, git_dir: &Path) -> Result<Self, GitError> {
        // The only command that reads the checkout's configuration: it resolves names, opens no
        // object and starts nothing.
        let there = untrusting(Git::at(checkout).with("GIT_DIR", checkout.join(".git")));
        let unborn = || GitError::Unborn { path: checkout.to_owned() };
        let head = there.rev_parse("HEAD").await?.ok_or_else(unborn)?;
        let layout = there.with("GIT_WORK_TREE", checkout).layout().await?;
        create_private(git_dir)?;
        let quarantine = Self { checkout: checkout.to_owned(), git_dir: git_dir.to_owned(), head };
        borrow(git_dir, true, &layout).await?;
        Ok(quarantine)
    }

    /// The commit that is checked out there.
    pub fn head(&self) -> &Oid {
        &self.head
    }

    /// Commits everything in the checkout's working tree, tracked and untracked, on top of its HEAD. Ignored
    /// files stay outside; a repository within becomes a link to its commit. The checkout itself,
    /// its index included, is not changed.
    pub async fn snapshot(&self, message: &str) -> Result<Snapshot, GitError> {
        let git = self.git();
        git.call(["read-tree"]).arg(&self.head).bytes().await?;
        let links = gitlinks(&git).await?;
        // Without links in the index, git has no reason to run anything inside of them.
        index_info(&git, links.iter().map(|link| entry(b"0", &link.oid, &link.path))).await?;
        let skipped = add_all(&git).await?;
        let absent = links.iter().filter(|link| self.is_empty_folder(&link.path));
        index_info(&git, absent.map(|link| entry(b"160000", &link.oid, &link.path))).await?;
        let tree = Oid::from_git(&git.call(["write-tree"]).bytes().await?, "git write-tree")?;
        if tree == git.tree_of(&self.head).await? {
            return Ok(Snapshot { commit: self.head.clone(), made: false, skipped });
        }
        let commit = git.commit_tree(&tree, &[&self.head], message).await?;
        Ok(Snapshot { commit, made: true, skipped })
    }

    /// Git on the private repository, with the checkout's files as working tree.
    fn git(&self) -> Git {
        let git = untrusting(Git::on(&self.git_dir, &self.checkout));
        // Agents hide their own litter with this list; it is data, and nothing in it runs.
        let exclude = self.checkout.join(".git/info/exclude");
        match exclude.to_str() {
            Some(path) if exclude.is_file() => git.configured(format!("core.excludesFile={path}")),
            _ => git,
        }
    }

    /// Whether a submodule's folder is there and empty, as git leaves it.
    fn is_empty_folder(&self, path: &[u8]) -> bool {
        let folder = self.checkout.join(std::ffi::OsStr::from_bytes(path));
        fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
    }
}

impl Drop for Quarantine {
    fn drop(&mut self) {
        // A leftover is litter in a folder of ours, nothing more.
        let _ = fs::remove_dir_all(&self.git_dir);
    }
}

impl Git {
    /// Copies a commit with its history out of a quarantine, and points a reference (`refs/…`) at it.
    pub async fn take(&self, from: &Quarantine, commit: &Oid, reference: &str) -> Result<(), GitError> {
        let private = untrusting(Git::bare(&from.git_dir));
        private.call(["update-ref", "refs/heads/taken", commit.as_str()]).bytes().await?;
        let options = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"];
        let more = ["--no-recurse-submodules", "--refmap=", "--no-show-forced-updates", "--"];
        let fetch = self.clone().configured("protocol.allow=never").configured("protocol.file.allow=always");
        let call = fetch.call(options).args(more).arg(&from.git_dir);
        call.arg(format!("+refs/heads/taken:{reference}")).bytes().await.map(drop)
    }
}

/// The same, kept from fetching what is missing.
fn untrusting(git: Git) -> Git {
    git.with("GIT_NO_LAZY_FETCH", "1").configured("protocol.allow=never")
}

/// Puts every file into the index; answers git's words on those it had to leave out.
async fn add_all(git: &Git) -> Result<String, GitError> {
    let call = git.clone().configured("advice.addEmbeddedRepo=false");
    let call = call.call(["add", "--all", "--ignore-errors"]);
    let shown = call.shown();
    let output = call.output().await?;
    match output.status.code() {
        Some(0) => Ok(String::new()),
        Some(1) => Ok(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        _ => Err(refusal(shown, &output)),
    }
}

/// The links to other repositories in the index.
async fn gitlinks(git: &Git) -> Result<Vec<Gitlink>, GitError> {
    let listed = git.call(["ls-files", "--stage", "-z"]).bytes().await?;
    let link = |line: &[u8]| {
        let rest = line.strip_prefix(b"160000 ")?;
        let tab = rest.iter().position(|b| *b == b'\t')?;
        let oid = rest[..tab].split(|b| *b == b' ').next()?.to_owned();
        Some(Gitlink { path: rest[tab + 1..].to_owned(), oid })
    };
    Ok(listed.split(|b| *b == 0).filter_map(link).collect())
}

/// One line for [`index_info`]; mode `0` removes.
pub(super) fn entry(mode: &[u8], oid: &[u8], path: &[u8]) -> Vec<u8> {
    [mode, b" ", oid, b"\t", path, b"\0"].concat()
}

/// Sets entries of an index directly.
pub(super) async fn index_info(git: &Git, entries: impl Iterator<Item = Vec<u8>>) -> Result<(), GitError> {
    let lines = entries.collect::<Vec<_>>().concat();
    if lines.is_empty() {
        return Ok(());
    }
    git.call(["update-index", "-z", "--index-info"]).input(Input::Bytes(lines)).bytes().await.map(drop)
}
