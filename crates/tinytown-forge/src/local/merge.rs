//! Merging a pull request: one merge commit with our trailers on the base as it is, and the folder in which
//! the base is checked out brought along.

use std::sync::Arc;
use std::time::Duration;

use tinytown_host::git::{Advance, AdvanceRequest, Lane, MergeTree, Oid, RefEdit, Swap, Worktree};

use super::merged::Merge;
use super::pulls::{Standing, conflict};
use super::repo::{Repo, oid, sha};
use super::words::merge_message;
use super::{LocalForge, allowed};
use crate::{ForgeError, MergeOutcome, MergeRequest, Permit};

/// Where merges on trial are kept, each under the number of its pull request.
pub(super) const TRIALS: &str = "refs/tinytown/trial";
/// How often a merge is made anew because the base moved under it.
const TRIES: usize = 10;
/// How long another process's merge is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

impl LocalForge {
    pub(super) async fn merge_pull(
        &self,
        request: &MergeRequest,
        permit: &dyn Permit,
    ) -> Result<MergeOutcome, ForgeError> {
        let _turn = self.merging.lock().await;
        allowed(permit, "merging")?;
        let lane = Lane::enter(&self.repo.layout.common_dir, PATIENCE).await?;
        let lane =
            lane.ok_or_else(|| ForgeError::Unavailable("another process is merging here".to_owned()))?;
        let lane = Arc::new(lane);
        for _ in 0..TRIES {
            let folders = self.repo.base_folders(&lane).await?;
            if let Some(outcome) = self.try_merge(request, &folders, &lane, permit).await? {
                return Ok(outcome);
            }
        }
        Err(ForgeError::Unavailable("the base does not come to rest".to_owned()))
    }

    /// One look and one leap; `None` if the base moved in between.
    async fn try_merge(
        &self,
        request: &MergeRequest,
        folders: &[Worktree],
        lane: &Arc<Lane>,
        permit: &dyn Permit,
    ) -> Result<Option<MergeOutcome>, ForgeError> {
        let standing = self.standing(request.pull).await?;
        let head = oid(&request.head)?;
        if let Some(outcome) = self.settled(&standing, &head).await? {
            return Ok(Some(outcome));
        }
        let tree = match self.git().merge_tree(&standing.base, &head).await? {
            MergeTree::Tree(tree) => tree,
            MergeTree::Conflict(files) => return Ok(Some(MergeOutcome::Conflict(conflict(&files)))),
        };
        let record = &standing.record;
        let (mission, item) = (record.mission, &record.item);
        let message = merge_message(&request.title, mission, item, &request.cause.op);
        let commit = if self.wants_trial(&standing.base, &head).await? {
            let trial = self.trial(&standing, &head, &tree, &message, permit).await?;
            if request.tested.as_ref() != Some(&sha(&trial)) {
                return Ok(Some(MergeOutcome::Untested(sha(&trial))));
            }
            trial
        } else {
            self.git().commit_tree(&tree, &[&standing.base, &head], &message).await?
        };
        allowed(permit, "merging")?;
        Ok(match self.repo.move_base(&standing.base, &commit, folders, lane).await? {
            Advance::Done => {
                let merged = sha(&commit);
                self.merges.made(&standing.base, Merge::new(commit, head, mission, item)).await;
                Some(MergeOutcome::Merged(Some(merged)))
            }
            Advance::Refused(words) => Some(MergeOutcome::BaseCheckoutBusy(words)),
            Advance::Elsewhere => None,
        })
    }

    /// Whether checks see something new in the merge: not where the head holds all of the base.
    async fn wants_trial(&self, base: &Oid, head: &Oid) -> Result<bool, ForgeError> {
        Ok(self.config.check.is_some() && !self.git().is_ancestor(base, head).await?)
    }

    /// The merge on trial of the head with the base as it is now: the one that is kept, or a new one.
    async fn trial(
        &self,
        standing: &Standing,
        head: &Oid,
        tree: &Oid,
        message: &str,
        permit: &dyn Permit,
    ) -> Result<Oid, ForgeError> {
        let name = format!("{TRIALS}/{}", standing.number);
        let kept = self.git().rev_parse(&name).await?;
        if let Some(kept) = &kept
            && self.git().parents(kept).await? == [standing.base.clone(), head.clone()]
        {
            return Ok(kept.clone());
        }
        let made = self.git().commit_tree(tree, &[&standing.base, head], message).await?;
        allowed(permit, "keeping the merge on trial")?;
        let edit = match kept {
            Some(old) => RefEdit::Move(name, made.clone(), old),
            None => RefEdit::Create(name, made.clone()),
        };
        match self.repo.edit(&[edit], "tinytown: trial").await? {
            Swap::Done => Ok(made),
            Swap::Elsewhere => Err(ForgeError::Unavailable("another process is merging here".to_owned())),
        }
    }

    /// The outcome, if there is nothing to merge (any more).
    async fn settled(&self, standing: &Standing, head: &Oid) -> Result<Option<MergeOutcome>, ForgeError> {
        if !self.git().has_commit(head).await? {
            return Err(ForgeError::Refused(format!("there is no commit {head}")));
        }
        if standing.merge.is_some() || self.git().is_ancestor(head, &standing.base).await? {
            return Ok(Some(MergeOutcome::Merged(standing.merge_commit())));
        }
        match &standing.tip {
            None => Ok(Some(MergeOutcome::Closed)),
            Some(tip) if tip != head => Ok(Some(MergeOutcome::HeadMoved(sha(tip)))),
            Some(_) => Ok(standing.record.closed.then_some(MergeOutcome::Closed)),
        }
    }
}

impl Repo {
    /// The folders in which the base is checked out (or being rebased), whatever a killed process left
    /// there finished.
    async fn base_folders(&self, lane: &Lane) -> Result<Vec<Worktree>, ForgeError> {
        let mut folders = self.git.worktrees().await?;
        folders.retain(|w| w.branch.as_ref() == Some(&self.base) || w.unfinished(&self.base).is_some());
        for folder in &folders {
            self.git.finish_advance(folder, lane).await?;
        }
        Ok(folders)
    }

    /// Moves the base from `old` to `new`, and the folder in which it is checked out with it.
    async fn move_base(
        self: &Arc<Self>,
        old: &Oid,
        new: &Oid,
        folders: &[Worktree],
        lane: &Arc<Lane>,
    ) -> Result<Advance, ForgeError> {
        let reason = "tinytown: merge";
        let worktree = match folders {
            [] => {
                let edit = RefEdit::Move(self.base.clone(), new.clone(), old.clone());
                let swap = self.edit(&[edit], reason).await?;
                return Ok(if swap == Swap::Done { Advance::Done } else { Advance::Elsewhere });
            }
            [one] => one.clone(),
            several => {
                let places: Vec<String> = several.iter().map(|w| w.path.display().to_string()).collect();
                return Ok(Advance::Refused(format!(
                    "{} is checked out in {}",
                    self.base,
                    places.join(" and ")
                )));
            }
        };
        let (branch, old, new, reason) = (self.base.clone(), old.clone(), new.clone(), reason.to_owned());
        let request = AdvanceRequest { worktree, branch, old, new, reason };
        let (repo, lane) = (Arc::clone(self), Arc::clone(lane));
        // In a task of its own: once begun it is carried through, even if nobody waits for it any more.
        let advancing = tokio::spawn(async move { repo.git.advance(&request, &lane).await });
        let outcome = advancing.await.map_err(|join| ForgeError::Unavailable(join.to_string()))?;
        Ok(outcome.inspect_err(|error| self.mind_locks(error))?)
    }
}
