//! A forge in memory: the model that simulations use ([`ForgeModel`]), behind the port.
//!
//! Strict and deterministic: no clock, no randomness, the same calls give the same names. A test or
//! simulator plays everybody else through the methods of [`FakeForge`]: whoever writes issues, commits,
//! pushes to branches, closes or merges by hand. Two commits conflict if both sides touch the same file.

mod forge;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tinytown_core::id::Sha;
use tinytown_core::issue::{Issue, IssueRef};
use tinytown_core::letter::Brief;
use tinytown_core::observation::{Checks, Pull};
use tinytown_core::simulate::ForgeModel;

/// A merge that the fake made for a caller.
pub use tinytown_core::simulate::ForgeMerge as FakeMerge;

/// A forge in memory. Cheap enough for thousands of missions a second. A clone is another handle to it.
#[derive(Debug, Clone)]
pub struct FakeForge(Arc<Mutex<ForgeModel>>);

impl Default for FakeForge {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeForge {
    /// A forge with one commit on its base, no issues, and checks that pass.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(ForgeModel::new())))
    }

    fn model(&self) -> MutexGuard<'_, ForgeModel> {
        // A panic in one test thread says nothing about the data: every change here is total.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes an issue, or writes it anew.
    pub fn put_issue(&self, issue: Issue) {
        self.model().put_issue(issue);
    }

    /// Removes an issue.
    pub fn remove_issue(&self, reference: &IssueRef) {
        self.model().remove_issue(reference);
    }

    /// The commit that the base is at.
    pub fn base_tip(&self) -> Sha {
        self.model().base_tip()
    }

    /// Makes a commit that touches these files. Unknown parents are passed over.
    pub fn commit(&self, parents: &[&Sha], touched: &[&str]) -> Sha {
        self.model().commit(parents, touched)
    }

    /// Makes the commit that an attempt comes to; none if it touches nothing.
    pub fn work(&self, brief: &Brief, touched: &[String]) -> Option<Sha> {
        self.model().work(brief, touched)
    }

    /// Whether `descendant` contains `ancestor` (or is it).
    pub fn contains(&self, descendant: &Sha, ancestor: &Sha) -> bool {
        self.model().contains(descendant, ancestor)
    }

    /// A person moves the base. An unknown commit changes nothing.
    pub fn move_base(&self, to: &Sha) {
        self.model().move_base(to);
    }

    /// Where a branch is.
    pub fn branch(&self, name: &str) -> Option<Sha> {
        self.model().branch(name)
    }

    /// A person pushes to a branch, or deletes it. An unknown commit changes nothing.
    pub fn push(&self, name: &str, to: Option<&Sha>) {
        self.model().push(name, to);
    }

    /// Somebody comments on what a pull request proposes now.
    pub fn comment(&self, pull: u64, author: &str, text: &str) {
        self.model().comment(pull, author, text);
    }

    /// Somebody resolves all comments on a pull request.
    pub fn resolve_comments(&self, pull: u64) {
        self.model().resolve_comments(pull);
    }

    /// A person closes a pull request without merging it.
    pub fn close(&self, pull: u64) {
        self.model().close(pull);
    }

    /// A person merges a pull request. Answers the merge commit, `None` if it is not open.
    pub fn merge_by_hand(&self, pull: u64) -> Option<Sha> {
        self.model().merge_by_hand(pull)
    }

    /// What checks answer where nothing else was scripted.
    pub fn set_checks(&self, answer: Checks) {
        self.model().set_checks(answer);
    }

    /// What the runs of the checks on one commit answer, in order; the last answer stays.
    pub fn script_checks(&self, head: &Sha, answers: impl IntoIterator<Item = Checks>) {
        self.model().script_checks(head, answers);
    }

    /// How often checks ran on a commit.
    pub fn check_runs(&self, head: &Sha) -> usize {
        self.model().check_runs(head)
    }

    /// Whether the forge does not yet know if this head can be merged.
    pub fn set_mergeability_unknown(&self, head: &Sha, unknown: bool) {
        self.model().set_mergeability_unknown(head, unknown);
    }

    /// Something is in the way where the base is checked out, in these words; `None`: no more.
    pub fn set_base_busy(&self, words: Option<&str>) {
        self.model().set_base_busy(words);
    }

    /// All pull requests, as they are now, by number.
    pub fn pulls(&self) -> Vec<Pull> {
        self.model().pulls()
    }

    /// The pull request of that number, as it is now.
    pub fn pull(&self, number: u64) -> Option<Pull> {
        self.model().pull(number)
    }

    /// The merges made for callers after the first `seen` of them, in order.
    pub fn merges_after(&self, seen: usize) -> Vec<FakeMerge> {
        self.model().merges().get(seen..).unwrap_or_default().to_vec()
    }

    /// All merges made for callers, in order.
    pub fn merges(&self) -> Vec<FakeMerge> {
        self.model().merges().to_vec()
    }
}
