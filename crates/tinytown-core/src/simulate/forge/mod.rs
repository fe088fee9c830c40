//! A forge as a model: issues, a history of commits, pull requests, checks, merges.
//!
//! Strict and deterministic: no clock, no randomness, the same calls give the same names. Whoever
//! simulates plays everybody else through its methods: those who write issues, commit, push to branches,
//! close or merge by hand. Two commits conflict if both sides touch the same file.

mod commits;
mod perform;
mod state;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::id::{ItemKey, MissionId, OpId, Sha};
use crate::issue::{Issue, IssueRef};
use crate::item::Kind;
use crate::letter::Brief;
use crate::observation::{Checks, Comment, Pull};
use commits::{Commits, Place};
use state::Record;

/// A merge that the forge made for an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgeMerge {
    /// Whose.
    pub mission: MissionId,
    /// Of which item.
    pub item: ItemKey,
    /// Under which name.
    pub op: OpId,
    /// What was merged.
    pub head: Sha,
    /// The merge commit.
    pub commit: Sha,
    /// The checks had passed on what landed, or none are required.
    pub tested: bool,
}

/// Why an effect was not performed. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// The permit was withdrawn.
    #[error("stopped before {0}: no longer allowed to act")]
    Revoked(&'static str),
    /// The forge refuses, and will again.
    #[error("the forge refuses: {0}")]
    Refused(String),
}

/// A forge in memory, cheap enough for thousands of missions a second.
#[derive(Debug, Clone)]
pub struct ForgeModel {
    commits: Commits,
    base: Place,
    issues: BTreeMap<IssueRef, Issue>,
    branches: BTreeMap<String, Place>,
    pulls: Vec<Record>,
    merges: Vec<ForgeMerge>,
    /// Merges of heads, by the heads in their order.
    bases: BTreeMap<Vec<Place>, Place>,
    /// Merges on trial, by the base and the head.
    trials: BTreeMap<(Place, Place), Place>,
    checks_default: Checks,
    checks_script: BTreeMap<Place, VecDeque<Checks>>,
    verdicts: BTreeMap<Place, Checks>,
    check_runs: BTreeMap<Place, usize>,
    unknown_mergeability: BTreeSet<Place>,
    base_busy: Option<String>,
}

impl Default for ForgeModel {
    fn default() -> Self {
        Self::new()
    }
}

impl ForgeModel {
    /// A forge with one commit on its base, no issues, and checks that pass.
    pub fn new() -> Self {
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
            trials: BTreeMap::new(),
            checks_default: Checks::Green,
            checks_script: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            check_runs: BTreeMap::new(),
            unknown_mergeability: BTreeSet::new(),
            base_busy: None,
        }
    }

    /// Writes an issue, or writes it anew.
    pub fn put_issue(&mut self, issue: Issue) {
        self.issues.insert(issue.reference.clone(), issue);
    }

    /// Removes an issue.
    pub fn remove_issue(&mut self, reference: &IssueRef) {
        self.issues.remove(reference);
    }

    /// The issue of that name.
    pub fn issue(&self, reference: &IssueRef) -> Option<&Issue> {
        self.issues.get(reference)
    }

    /// The commit that the base is at.
    pub fn base_tip(&self) -> Sha {
        self.commits.sha(self.base)
    }

    /// Makes a commit that touches these files. Unknown parents are passed over.
    pub fn commit(&mut self, parents: &[&Sha], touched: &[&str]) -> Sha {
        let parents: Vec<Place> = parents.iter().filter_map(|sha| self.commits.find(sha)).collect();
        let place = self.commits.add(&parents, touched);
        self.commits.sha(place)
    }

    /// Makes the commit that an attempt comes to, on top of where it started; none if it touches nothing.
    /// A fix brings in what it must hold, and the base, so that it mends conflicts.
    pub fn work(&mut self, brief: &Brief, touched: &[String]) -> Option<Sha> {
        if touched.is_empty() {
            return None;
        }
        let tip = (brief.kind == Kind::Fix).then(|| self.base_tip());
        let parents: Vec<&Sha> = std::iter::once(&brief.base).chain(&brief.must_hold).chain(&tip).collect();
        let touched: Vec<&str> = touched.iter().map(String::as_str).collect();
        Some(self.commit(&parents, &touched))
    }

    /// Whether `descendant` contains `ancestor` (or is it).
    pub fn contains(&self, descendant: &Sha, ancestor: &Sha) -> bool {
        let places = (self.commits.find(descendant), self.commits.find(ancestor));
        matches!(places, (Some(descendant), Some(ancestor)) if self.commits.contains(descendant, ancestor))
    }

    /// A person moves the base. An unknown commit changes nothing.
    pub fn move_base(&mut self, to: &Sha) {
        self.base = self.commits.find(to).unwrap_or(self.base);
    }

    /// Where a branch is.
    pub fn branch(&self, name: &str) -> Option<Sha> {
        self.branches.get(name).map(|place| self.commits.sha(*place))
    }

    /// A person pushes to a branch, or deletes it. An unknown commit changes nothing.
    pub fn push(&mut self, name: &str, to: Option<&Sha>) {
        match to.map(|sha| self.commits.find(sha)) {
            None => drop(self.branches.remove(name)),
            Some(Some(place)) => drop(self.branches.insert(name.to_owned(), place)),
            Some(None) => {}
        }
    }

    /// Somebody comments on what a pull request proposes now.
    pub fn comment(&mut self, pull: u64, author: &str, text: &str) {
        let Some(head) = self.pull(pull).map(|pull| pull.head) else { return };
        let comment = Comment { author: author.to_owned(), head, text: text.to_owned() };
        if let Some(record) = self.pull_mut(pull) {
            record.comments.push(comment);
        }
    }

    /// Somebody resolves all comments on a pull request.
    pub fn resolve_comments(&mut self, pull: u64) {
        if let Some(record) = self.pull_mut(pull) {
            record.comments.clear();
        }
    }

    /// A person closes a pull request without merging it.
    pub fn close(&mut self, pull: u64) {
        if let Some(record) = self.pull_mut(pull) {
            record.closed = true;
        }
    }

    /// A person merges a pull request. Answers the merge commit, `None` if it is not open.
    pub fn merge_by_hand(&mut self, pull: u64) -> Option<Sha> {
        let place = self.merge_head(pull, None)?;
        Some(self.commits.sha(place))
    }

    /// What checks answer where nothing else was scripted.
    pub fn set_checks(&mut self, answer: Checks) {
        self.checks_default = answer;
    }

    /// What the runs of the checks on one commit answer, in order; the last answer stays.
    pub fn script_checks(&mut self, head: &Sha, answers: impl IntoIterator<Item = Checks>) {
        if let Some(place) = self.commits.find(head) {
            self.checks_script.insert(place, answers.into_iter().collect());
        }
    }

    /// How often checks ran on a commit.
    pub fn check_runs(&self, head: &Sha) -> usize {
        self.commits.find(head).and_then(|place| self.check_runs.get(&place)).copied().unwrap_or(0)
    }

    /// The verdict on a commit that is kept, and answered again until somebody asks for another run.
    pub fn verdict(&self, head: &Sha) -> Option<&Checks> {
        self.verdicts.get(&self.commits.find(head)?)
    }

    /// Whether the forge does not yet know if this head can be merged.
    pub fn set_mergeability_unknown(&mut self, head: &Sha, unknown: bool) {
        let Some(place) = self.commits.find(head) else { return };
        if unknown {
            self.unknown_mergeability.insert(place)
        } else {
            self.unknown_mergeability.remove(&place)
        };
    }

    /// Something is in the way where the base is checked out, in these words; `None`: no more.
    pub fn set_base_busy(&mut self, words: Option<&str>) {
        self.base_busy = words.map(str::to_owned);
    }

    /// All pull requests, as they are now, by number.
    pub fn pulls(&self) -> Vec<Pull> {
        let numbers = 1..=u64::try_from(self.pulls.len()).unwrap_or(u64::MAX);
        numbers.filter_map(|number| self.pull(number)).collect()
    }

    /// All merges made for effects, in order.
    pub fn merges(&self) -> &[ForgeMerge] {
        &self.merges
    }
}
