//! The state of the fake, and the questions that several calls ask of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tinytown_core::id::Sha;
use tinytown_core::issue::{Issue, IssueRef};
use tinytown_core::observation::{Checks, Pull, PullState};

use super::FakeMerge;
use super::commits::{Commits, Place};
use crate::ForgeError;

/// Everything there is.
#[derive(Debug)]
pub(super) struct World {
    pub(super) commits: Commits,
    pub(super) base: Place,
    pub(super) issues: BTreeMap<IssueRef, Issue>,
    pub(super) branches: BTreeMap<String, Place>,
    pub(super) pulls: Vec<Record>,
    pub(super) merges: Vec<FakeMerge>,
    /// Merges of heads, by the heads in their order.
    pub(super) bases: BTreeMap<Vec<Place>, Place>,
    pub(super) checks_default: Checks,
    pub(super) checks_script: BTreeMap<Place, VecDeque<Checks>>,
    pub(super) verdicts: BTreeMap<Place, Checks>,
    pub(super) check_runs: BTreeMap<Place, usize>,
    pub(super) unknown_mergeability: BTreeSet<Place>,
    pub(super) base_busy: Option<String>,
}

/// A pull request.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) branch: String,
    /// Its last head, in case the branch is gone.
    pub(super) head: Place,
    pub(super) closed: bool,
    /// Its head was in the base already when it was published: there is nothing that could be merged.
    pub(super) empty: bool,
    /// The commit that merged it.
    pub(super) merged: Option<Place>,
}

impl World {
    pub(super) fn new() -> Self {
        let mut commits = Commits::default();
        let base = commits.add(&[], &["README.md"]);
        Self {
            commits,
            base,
            issues: BTreeMap::new(),
            branches: BTreeMap::new(),
            pulls: Vec::new(),
            merges: Vec::new(),
            bases: BTreeMap::new(),
            checks_default: Checks::Green,
            checks_script: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            check_runs: BTreeMap::new(),
            unknown_mergeability: BTreeSet::new(),
            base_busy: None,
        }
    }

    /// The commit of that name, or a refusal.
    pub(super) fn place(&self, sha: &Sha) -> Result<Place, ForgeError> {
        self.commits.find(sha).ok_or_else(|| ForgeError::Refused(format!("there is no commit {sha}")))
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
        self.branches.get(&record.branch).copied().unwrap_or(record.head)
    }

    pub(super) fn state(&self, record: &Record) -> PullState {
        let in_base = self.commits.contains(self.base, self.head(record));
        if in_base && !record.empty {
            PullState::Merged(record.merged.map(|place| self.commits.sha(place)))
        } else if record.closed || !self.branches.contains_key(&record.branch) {
            PullState::Closed
        } else {
            PullState::Open
        }
    }

    pub(super) fn pull(&self, number: u64) -> Option<Pull> {
        let record = self.record(number)?;
        Some(Pull {
            number,
            url: format!("fake/pull/{number}"),
            branch: record.branch.clone(),
            head: self.commits.sha(self.head(record)),
            state: self.state(record),
        })
    }

    /// Merges what an open pull request proposes into the base.
    pub(super) fn merge_head(&mut self, number: u64) -> Option<Place> {
        let record = self.record(number).filter(|record| self.state(record) == PullState::Open)?;
        let head = self.head(record);
        let commit = self.commits.add(&[self.base, head], &[]);
        self.base = commit;
        self.pull_mut(number)?.merged = Some(commit);
        Some(commit)
    }
}

fn index(number: u64) -> Option<usize> {
    usize::try_from(number.checked_sub(1)?).ok()
}
