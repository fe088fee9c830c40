//! Finding or making the commit from which an item's work starts.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use tinytown_host::git::{MergeTree, Oid, RefEdit, Swap};

use super::pulls::conflict;
use super::repo::{oid, sha};
use super::words::one_line;
use super::{LocalForge, allowed};
use crate::{BaseOutcome, BaseRequest, ForgeError, Permit};

/// Where commits that contain several heads are kept, each under the hash of those heads.
pub(super) const BASES: &str = "refs/tinytown/base";

impl LocalForge {
    pub(super) async fn base_for(
        &self,
        request: &BaseRequest,
        permit: &dyn Permit,
    ) -> Result<BaseOutcome, ForgeError> {
        let asked = request.holds.iter().map(oid).collect::<Result<Vec<_>, _>>()?;
        let tip = self.repo.base_tip().await?;
        let heads = self.reduced(&asked).await?;
        if self.contains_all(&tip, &heads).await? {
            return Ok(BaseOutcome::Ready(sha(&tip)));
        }
        if let [only] = heads.as_slice() {
            return Ok(BaseOutcome::Ready(sha(only)));
        }
        let candidate = request.candidate.as_ref().map(oid).transpose()?;
        if let Some(candidate) = candidate
            && self.git().has_commit(&candidate).await?
            && self.contains_all(&candidate, &heads).await?
        {
            allowed(permit, "keeping the candidate")?;
            self.keep(&name(std::slice::from_ref(&candidate)), &candidate).await?;
            return Ok(BaseOutcome::Ready(sha(&candidate)));
        }
        self.merge_heads(&heads, &one_line(request.cause.item.as_str()), permit).await
    }

    /// The heads that are contained in no other of them, in the order asked.
    async fn reduced(&self, asked: &[Oid]) -> Result<Vec<Oid>, ForgeError> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        for head in asked {
            if !self.git().has_commit(head).await? {
                return Err(ForgeError::Refused(format!("there is no commit {head}")));
            }
        }
        let independent = self.git().independent(&asked.iter().collect::<Vec<_>>()).await?;
        let mut heads: Vec<Oid> = Vec::new();
        for head in asked {
            if independent.contains(head) && !heads.contains(head) {
                heads.push(head.clone());
            }
        }
        Ok(heads)
    }

    async fn contains_all(&self, commit: &Oid, heads: &[Oid]) -> Result<bool, ForgeError> {
        let all: Vec<&Oid> = std::iter::once(commit).chain(heads).collect();
        Ok(self.git().independent(&all).await?.as_slice() == std::slice::from_ref(commit))
    }

    /// Merges heads one after the other. Each merge is kept under the heads in it, so a repeat goes
    /// on where the last one stopped, and a conflict is always met at the same commit.
    async fn merge_heads(
        &self,
        heads: &[Oid],
        item: &str,
        permit: &dyn Permit,
    ) -> Result<BaseOutcome, ForgeError> {
        let names: Vec<String> = (1..=heads.len()).map(|n| name(&heads[..n])).collect();
        let kept = self.git().refs(&names.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        let mut onto = heads[0].clone();
        for (head, name) in heads.iter().zip(&names).skip(1) {
            if let Some(found) = kept.iter().find(|r| r.name == *name) {
                onto = found.oid.clone();
                continue;
            }
            let tree = match self.git().merge_tree(&onto, head).await? {
                MergeTree::Tree(tree) => tree,
                MergeTree::Conflict(files) => {
                    let (onto, head, detail) = (sha(&onto), sha(head), conflict(&files));
                    return Ok(BaseOutcome::Conflict { onto, head, detail });
                }
            };
            allowed(permit, "merging the heads")?;
            let message = format!("Merge what {item} depends on\n");
            let made = self.git().commit_tree(&tree, &[&onto, head], &message).await?;
            onto = self.keep(name, &made).await?;
        }
        Ok(BaseOutcome::Ready(sha(&onto)))
    }

    /// Keeps a commit from garbage collection; answers the one that is kept if there is one already.
    async fn keep(&self, name: &str, commit: &Oid) -> Result<Oid, ForgeError> {
        let edit = RefEdit::Create(name.to_owned(), commit.clone());
        match self.repo.edit(&[edit], "tinytown: base").await? {
            Swap::Done => Ok(commit.clone()),
            Swap::Elsewhere => {
                let gone = || ForgeError::Unavailable(format!("{name} was removed meanwhile"));
                self.git().rev_parse(name).await?.ok_or_else(gone)
            }
        }
    }
}

/// Where a merge of these heads is kept.
fn name(heads: &[Oid]) -> String {
    let mut hash = Sha256::new();
    for head in heads {
        hash.update(head.as_str());
        hash.update("\n");
    }
    format!("{BASES}/{}", hex(&hash.finalize()))
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
