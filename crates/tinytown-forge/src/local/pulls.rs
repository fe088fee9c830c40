//! Where pull requests stand, worked out from the references.

use tinytown_core::id::Sha;
use tinytown_core::observation::{Mergeable, Observation, Pull, PullState};
use tinytown_host::git::{MergeTree, Oid, Ref, RefContent, RefEdit, Swap};

use super::merged::Merge;
use super::record::{PULLS, PullRecord, decode, encode};
use super::repo::{oid, sha};
use super::{LocalForge, allowed};
use crate::{ForgeError, Permit, governed_files};

/// A pull request and the references that matter to it, as of one moment.
pub(super) struct Standing {
    pub(super) number: u64,
    pub(super) record: PullRecord,
    /// The record's blob.
    pub(super) blob: Oid,
    /// Where its branch is; `None` if it was deleted.
    pub(super) tip: Option<Oid>,
    /// Where the base is.
    pub(super) base: Oid,
    /// The merge that we made of it.
    pub(super) merge: Option<Merge>,
}

impl Standing {
    /// What it proposes; what we merged, once we did, wherever its branch is by now.
    pub(super) fn head(&self) -> Result<Oid, ForgeError> {
        let merged = self.merge.as_ref().map(|merge| &merge.head);
        merged.or(self.tip.as_ref()).map_or_else(|| oid(&self.record.head), |head| Ok(head.clone()))
    }

    /// The commit of ours that merged it.
    pub(super) fn merge_commit(&self) -> Option<Sha> {
        self.merge.as_ref().map(|merge| sha(&merge.commit))
    }

    /// Whether it is open, merged or closed; `merge_base` is that of the base and its head.
    ///
    /// What a person merged is merged while the base contains the branch: if it does not, nobody knows
    /// which came first, the merge or the push, and calling it merged could lose the push. (The base may
    /// have got the older head with the work of a dependent.)
    fn state(&self, merge_base: Option<&Oid>) -> Result<PullState, ForgeError> {
        let in_base = merge_base == Some(&self.head()?) && !self.record.empty;
        if self.merge.is_some() || in_base {
            return Ok(PullState::Merged(self.merge_commit()));
        }
        let closed = self.record.closed || self.tip.is_none();
        Ok(if closed { PullState::Closed } else { PullState::Open })
    }

    /// Its record's reference.
    pub(super) fn name(&self) -> String {
        format!("{PULLS}/{}", self.number)
    }

    fn pull(&self, head: Sha, state: PullState) -> Pull {
        let (number, url, branch) = (self.number, self.name(), self.record.branch.clone());
        Pull { number, url, branch, head, state }
    }
}

/// The full name of a branch.
pub(super) fn full(branch: &str) -> String {
    format!("refs/heads/{branch}")
}

pub(super) fn unknown(pull: u64) -> ForgeError {
    ForgeError::Refused(format!("there is no pull request {pull}"))
}

impl LocalForge {
    /// The pull request of that number.
    pub(super) async fn standing(&self, number: u64) -> Result<Standing, ForgeError> {
        let name = format!("{PULLS}/{number}");
        let found = self.git().refs_with_content(&[&name]).await?;
        let content = found.into_iter().find(|r| r.name == name).ok_or_else(|| unknown(number))?;
        self.with_refs(content).await
    }

    /// The pull request of that branch, and the first number that no pull request has.
    pub(super) async fn standing_of(&self, branch: &str) -> Result<(Option<Standing>, u64), ForgeError> {
        let all = self.git().refs_with_content(&[PULLS]).await?;
        let next = all.iter().filter_map(|r| number_of(&r.name)).max().unwrap_or(0) + 1;
        for content in all {
            let record: PullRecord = decode(&content.name, &content.content)?;
            if record.branch == branch {
                return Ok((Some(self.with_refs(content).await?), next));
            }
        }
        Ok((None, next))
    }

    async fn with_refs(&self, content: RefContent) -> Result<Standing, ForgeError> {
        let record: PullRecord = decode(&content.name, &content.content)?;
        let branch = full(&record.branch);
        let refs = self.git().refs(&[&branch, &self.repo.base]).await?;
        let at = |name: &str| refs.iter().find(|r: &&Ref| r.name == name).map(|r| r.oid.clone());
        let base = at(&self.repo.base).ok_or_else(|| self.repo.no_base())?;
        let merge = self.merges.of(self.git(), &base, record.mission, &record.item).await?;
        let number = number_of(&content.name).unwrap_or_default();
        Ok(Standing { number, blob: content.oid, tip: at(&branch), base, merge, record })
    }

    /// The pull request as the mission knows it.
    pub(super) async fn describe(&self, standing: &Standing) -> Result<Pull, ForgeError> {
        let head = standing.head()?;
        let merge_base = self.git().merge_base(&standing.base, &head).await?;
        let state = standing.state(merge_base.as_ref())?;
        Ok(standing.pull(sha(&head), state))
    }

    pub(super) async fn observe(&self, number: u64) -> Result<Observation, ForgeError> {
        let standing = self.standing(number).await?;
        let head = standing.head()?;
        let git = self.git();
        let merge_base = git.merge_base(&standing.base, &head).await?;
        let since = merge_base.as_ref().unwrap_or(&standing.base);
        let (changed, merged) =
            tokio::try_join!(git.changed_files(since, &head), git.merge_tree(&standing.base, &head))?;
        let issues = self.config.issues.to_str().map(|path| path.trim_start_matches("./"));
        let issues = issues.filter(|path| !path.starts_with(['/', '.']));
        Ok(Observation {
            head: sha(&head),
            state: standing.state(merge_base.as_ref())?,
            mergeable: mergeable(&merged),
            governed: governed_files(changed.iter().map(String::as_str), &self.repo.layout.prefix, issues),
            has_diff: !changed.is_empty(),
            comments: Vec::new(),
        })
    }

    pub(super) async fn close_pull(&self, number: u64, permit: &dyn Permit) -> Result<bool, ForgeError> {
        let standing = self.standing(number).await?;
        if self.describe(&standing).await?.state != PullState::Open {
            return Ok(false);
        }
        allowed(permit, "closing")?;
        let record = PullRecord { closed: true, ..standing.record.clone() };
        let blob = self.git().write_blob(encode(&record)).await?;
        let edit = RefEdit::Move(standing.name(), blob, standing.blob);
        Ok(self.repo.edit(&[edit], "tinytown: close").await? == Swap::Done)
    }
}

/// The number of a pull request from the name of its record.
fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix(PULLS)?.strip_prefix('/')?.parse().ok()
}

fn mergeable(merged: &MergeTree) -> Mergeable {
    match merged {
        MergeTree::Tree(_) => Mergeable::Yes,
        MergeTree::Conflict(files) => Mergeable::Conflict(conflict(files)),
    }
}

/// Conflicting files in words.
pub(super) fn conflict(files: &[String]) -> String {
    if files.is_empty() { "no common history".to_owned() } else { files.join(", ") }
}
