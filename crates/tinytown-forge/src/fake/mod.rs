//! A forge in memory: issues, a history of commits, pull requests, scripted checks.
//!
//! Strict and deterministic: no clock, no randomness, the same calls give the same names. A test or
//! simulator plays everybody else through the methods of [`FakeForge`]: whoever writes issues, commits,
//! pushes to branches, closes or merges by hand. Two commits conflict if both sides touch the same file.

mod commits;
mod forge;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tinytown_core::id::{ItemKey, MissionId, OpId, Sha};
use tinytown_core::issue::{Issue, IssueRef};
use tinytown_core::observation::{Checks, Pull};

use world::World;

/// A merge that the fake made for a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeMerge {
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
}

/// A forge in memory. Cheap enough for thousands of missions a second. A clone is another handle to it.
#[derive(Debug, Clone)]
pub struct FakeForge(Arc<Mutex<World>>);

impl Default for FakeForge {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeForge {
    /// A forge with one commit on its base, no issues, and checks that pass.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(World::new())))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        // A panic in one test thread says nothing about the data: every change here is total.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes an issue, or writes it anew.
    pub fn put_issue(&self, issue: Issue) {
        self.world().issues.insert(issue.reference.clone(), issue);
    }

    /// Removes an issue.
    pub fn remove_issue(&self, reference: &IssueRef) {
        self.world().issues.remove(reference);
    }

    /// The commit that the base is at.
    pub fn base_tip(&self) -> Sha {
        let world = self.world();
        world.commits.sha(world.base)
    }

    /// Makes a commit that touches these files. Unknown parents are passed over.
    pub fn commit(&self, parents: &[&Sha], touched: &[&str]) -> Sha {
        let mut world = self.world();
        let parents: Vec<_> = parents.iter().filter_map(|sha| world.commits.find(sha)).collect();
        let place = world.commits.add(&parents, touched);
        world.commits.sha(place)
    }

    /// Whether `descendant` contains `ancestor` (or is it).
    pub fn contains(&self, descendant: &Sha, ancestor: &Sha) -> bool {
        let world = self.world();
        let places = (world.commits.find(descendant), world.commits.find(ancestor));
        matches!(places, (Some(descendant), Some(ancestor)) if world.commits.contains(descendant, ancestor))
    }

    /// A person moves the base. An unknown commit changes nothing.
    pub fn move_base(&self, to: &Sha) {
        let mut world = self.world();
        if let Some(place) = world.commits.find(to) {
            world.base = place;
        }
    }

    /// Where a branch is.
    pub fn branch(&self, name: &str) -> Option<Sha> {
        let world = self.world();
        world.branches.get(name).map(|place| world.commits.sha(*place))
    }

    /// A person pushes to a branch, or deletes it. An unknown commit changes nothing.
    pub fn push(&self, name: &str, to: Option<&Sha>) {
        let mut world = self.world();
        match to.map(|sha| world.commits.find(sha)) {
            None => drop(world.branches.remove(name)),
            Some(Some(place)) => drop(world.branches.insert(name.to_owned(), place)),
            Some(None) => {}
        }
    }

    /// A person closes a pull request without merging it.
    pub fn close(&self, pull: u64) {
        if let Some(record) = self.world().pull_mut(pull) {
            record.closed = true;
        }
    }

    /// A person merges a pull request. Answers the merge commit, `None` if it is not open.
    pub fn merge_by_hand(&self, pull: u64) -> Option<Sha> {
        let mut world = self.world();
        let place = world.merge_head(pull)?;
        Some(world.commits.sha(place))
    }

    /// What checks answer where nothing else was scripted.
    pub fn set_checks(&self, answer: Checks) {
        self.world().checks_default = answer;
    }

    /// What the runs of the checks on one commit answer, in order; the last answer stays.
    pub fn script_checks(&self, head: &Sha, answers: impl IntoIterator<Item = Checks>) {
        let mut world = self.world();
        if let Some(place) = world.commits.find(head) {
            world.checks_script.insert(place, answers.into_iter().collect());
        }
    }

    /// How often checks ran on a commit.
    pub fn check_runs(&self, head: &Sha) -> usize {
        let world = self.world();
        world.commits.find(head).and_then(|place| world.check_runs.get(&place)).copied().unwrap_or(0)
    }

    /// Whether the forge does not yet know if this head can be merged.
    pub fn set_mergeability_unknown(&self, head: &Sha, unknown: bool) {
        let mut world = self.world();
        let Some(place) = world.commits.find(head) else { return };
        if unknown {
            world.unknown_mergeability.insert(place)
        } else {
            world.unknown_mergeability.remove(&place)
        };
    }

    /// Something is in the way where the base is checked out, in these words; `None`: no more.
    pub fn set_base_busy(&self, words: Option<&str>) {
        self.world().base_busy = words.map(str::to_owned);
    }

    /// All pull requests, as they are now, by number.
    pub fn pulls(&self) -> Vec<Pull> {
        let world = self.world();
        let numbers = 1..=u64::try_from(world.pulls.len()).unwrap_or(u64::MAX);
        numbers.filter_map(|number| world.pull(number)).collect()
    }

    /// All merges made for callers, in order.
    pub fn merges(&self) -> Vec<FakeMerge> {
        self.world().merges.clone()
    }
}
