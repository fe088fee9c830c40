//! Pull requests of the model, and the questions that several effects ask of them.

use super::commits::Place;
use super::{Denial, ForgeModel};
use crate::governed::governed_files;
use crate::id::Sha;
use crate::mutant::{Mutant, is_planted};
use crate::observation::{Comment, Mergeable, Observation, Pull, PullState};

/// A pull request.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) branch: String,
    /// Its last head, in case the branch is gone.
    pub(super) head: Place,
    /// Comments that nobody has resolved.
    pub(super) comments: Vec<Comment>,
    pub(super) closed: bool,
    /// Its head was in the base already when it was published: there is nothing that could be merged.
    pub(super) empty: bool,
    /// The commit that merged it.
    pub(super) merged: Option<Place>,
}

impl ForgeModel {
    /// A pull request as it is now.
    pub fn pull(&self, number: u64) -> Option<Pull> {
        let record = self.record(number)?;
        Some(Pull {
            number,
            url: format!("fake/pull/{number}"),
            branch: record.branch.clone(),
            head: self.commits.sha(self.head(record)),
            state: self.state(record),
        })
    }

    /// What a look at a pull request shows.
    ///
    /// # Errors
    /// [`Denial::Refused`] if there is none of that number.
    pub fn look(&self, pull: u64) -> Result<Observation, Denial> {
        let record = self.record(pull).ok_or_else(|| unknown(pull))?;
        let head = self.head(record);
        let changed = self.commits.changed(self.base, head);
        let conflicts = self.commits.conflicts(self.base, head);
        let mergeable = if self.unknown_mergeability.contains(&head) {
            Mergeable::Unknown
        } else if conflicts.is_empty() {
            Mergeable::Yes
        } else {
            Mergeable::Conflict(conflicts.join(", "))
        };
        Ok(Observation {
            head: self.commits.sha(head),
            state: self.state(record),
            mergeable,
            has_diff: !changed.is_empty(),
            comments: record.comments.clone(),
            governed: governed_files(changed, "", Some("issues")),
        })
    }

    /// The commit of that name, or a refusal.
    pub(super) fn place(&self, sha: &Sha) -> Result<Place, Denial> {
        self.commits.find(sha).ok_or_else(|| Denial::Refused(format!("there is no commit {sha}")))
    }

    pub(super) fn record(&self, number: u64) -> Option<&Record> {
        self.pulls.get(index(number)?)
    }

    pub(super) fn pull_mut(&mut self, number: u64) -> Option<&mut Record> {
        self.pulls.get_mut(index(number)?)
    }

    /// The pull request of that branch.
    pub(super) fn pull_of(&self, branch: &str) -> Option<u64> {
        let at = self.pulls.iter().position(|record| record.branch == branch)?;
        u64::try_from(at + 1).ok()
    }

    /// What it proposes now.
    pub(super) fn head(&self, record: &Record) -> Place {
        let moved = self.branches.get(&record.branch).copied().filter(|_| record.merged.is_none());
        moved.unwrap_or(record.head)
    }

    pub(super) fn state(&self, record: &Record) -> PullState {
        let in_base = self.commits.contains(self.base, self.head(record));
        // Once merged it stays so, whatever is pushed to its branch later.
        if record.merged.is_some() || (in_base && !record.empty) {
            PullState::Merged(record.merged.map(|place| self.commits.sha(place)))
        } else if record.closed || !self.branches.contains_key(&record.branch) {
            PullState::Closed
        } else {
            PullState::Open
        }
    }

    /// Merges what an open pull request proposes into the base; by the merge that was on trial, if there is one.
    pub(super) fn merge_head(&mut self, number: u64, trial: Option<Place>) -> Option<Place> {
        let open = |record: &&Record| self.state(record) == PullState::Open;
        let record =
            self.record(number).filter(|record| open(record) || is_planted(Mutant::MergedWithoutLooking))?;
        let head = self.head(record);
        let commit = trial.unwrap_or_else(|| self.commits.add(&[self.base, head], &[]));
        self.base = commit;
        let record = self.pull_mut(number)?;
        (record.head, record.merged) = (head, Some(commit));
        Some(commit)
    }
}

pub(super) fn unknown(pull: u64) -> Denial {
    Denial::Refused(format!("there is no pull request {pull}"))
}

fn index(number: u64) -> Option<usize> {
    usize::try_from(number.checked_sub(1)?).ok()
}
