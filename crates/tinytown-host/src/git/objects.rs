//! Objects: blobs, trees merged without a working tree, commits.

use super::command::{Input, refusal};
use super::{Git, GitError, Oid};

/// How a repository names its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectFormat {
    /// 40 digits.
    Sha1,
    /// 64 digits.
    Sha256,
}

/// What a merge of two commits gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeTree {
    /// This tree.
    Tree(Oid),
    /// Nothing: these files conflict (none, if the two have no common history).
    Conflict(Vec<String>),
}

impl ObjectFormat {
    /// As git calls it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }
}

impl Git {
    /// Stores bytes.
    pub async fn write_blob(&self, bytes: Vec<u8>) -> Result<Oid, GitError> {
        let call = self.call(["hash-object", "-w", "--stdin"]).input(Input::Bytes(bytes));
        let shown = call.shown();
        Oid::from_git(&call.bytes().await?, &shown)
    }

    /// Reads bytes.
    pub async fn read_blob(&self, oid: &Oid) -> Result<Vec<u8>, GitError> {
        self.call(["cat-file", "blob", oid.as_str()]).bytes().await
    }

    /// Merges two commits in the object store, touching no file and no reference.
    pub async fn merge_tree(&self, ours: &Oid, theirs: &Oid) -> Result<MergeTree, GitError> {
        let options = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"];
        let call = self.call(options).args([ours, theirs]);
        let shown = call.shown();
        let output = call.output().await?;
        let mut parts = output.stdout.split(|b| *b == 0).filter(|part| !part.is_empty());
        match output.status.code() {
            Some(0) => Ok(MergeTree::Tree(Oid::from_git(parts.next().unwrap_or_default(), &shown)?)),
            Some(1) => {
                Ok(MergeTree::Conflict(parts.skip(1).map(|f| String::from_utf8_lossy(f).into()).collect()))
            }
            _ if String::from_utf8_lossy(&output.stderr).contains("unrelated histories") => {
                Ok(MergeTree::Conflict(Vec::new()))
            }
            _ => Err(refusal(shown, &output)),
        }
    }

    /// Makes a commit, under our own name.
    pub async fn commit_tree(&self, tree: &Oid, parents: &[&Oid], message: &str) -> Result<Oid, GitError> {
        let parents = parents.iter().flat_map(|parent| ["-p", parent.as_str()]);
        let call = self.call(["commit-tree", tree.as_str()]).args(parents).args(["-F", "-"]);
        let shown = call.shown();
        let printed = call.input(Input::Bytes(message.as_bytes().to_vec())).bytes().await?;
        Oid::from_git(&printed, &shown)
    }

    /// The tree of a commit.
    pub(super) async fn tree_of(&self, commit: &Oid) -> Result<Oid, GitError> {
        let call = self.call(["rev-parse", "--verify", "--end-of-options"]).arg(format!("{commit}^{{tree}}"));
        let shown = call.shown();
        Oid::from_git(&call.bytes().await?, &shown)
    }

    /// Whether the repository has this commit.
    pub async fn has_commit(&self, commit: &Oid) -> Result<bool, GitError> {
        let call = self.call(["cat-file", "-e"]).arg(format!("{commit}^{{commit}}"));
        Ok(call.output().await?.status.success())
    }
}
