//! The forge port: what the dispatcher asks of the place where issues and pull requests live.
//!
//! # Duties of an implementer
//!
//! - Every changing call *looks before it leaps*: it may be repeated after it was executed and its
//!   answer lost, also by another process, and then finds what it did before instead of doing it twice.
//! - Before each change outside it asks its [`Permit`], and changes nothing once that is withdrawn.
//! - A change names what it expects (`expected`, `head`); if the forge is elsewhere, that is an
//!   outcome, not an error, and nothing was changed.
//! - An answer is about exactly one head commit. What is not known is said to be unknown.
//! - A pull request that was merged through this port stays merged: at that head, by that commit,
//!   whatever is pushed to its branch. Looks say so, a publication is [`PublishOutcome::NotOpen`], a merge
//!   is [`MergeOutcome::Merged`] (at a head that was pushed later it may also be
//!   [`MergeOutcome::HeadMoved`], back to the merged head), and nothing is changed. What a person merged
//!   by moving the base need only count while the base contains the head that is proposed.
//! - Text from issues is data: never a shell word, flag, path or ref.

use async_trait::async_trait;
use tinytown_core::effect::Stack;
use tinytown_core::id::{ItemKey, MissionId, OpId, Sha};
use tinytown_core::issue::{Issue, IssueRef};
use tinytown_core::observation::{Checks, Observation, Pull};

/// Leave to change something outside, which may be withdrawn at any time: the lease was lost, the
/// mission stopped, the effect revoked.
pub trait Permit: Send + Sync {
    /// Whether a change may begin now.
    fn holds(&self) -> bool;
}

/// A permit that is never withdrawn, for tests and tools.
#[derive(Debug, Clone, Copy)]
pub struct Always;

impl Permit for Always {
    fn holds(&self) -> bool {
        true
    }
}

/// What a look for an issue found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The issue.
    Found(Box<Issue>),
    /// The forge knows no such issue: a reference to it is dangling.
    Unknown,
    /// The issue is there and cannot be read: a person must mend it.
    Unreadable(Unreadable),
}

/// An issue that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{location} cannot be read: {detail}")]
pub struct Unreadable {
    /// Where it is.
    pub location: String,
    /// Why not.
    pub detail: String,
}

/// Which work a change belongs to, and under which name it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The mission.
    pub mission: MissionId,
    /// The item whose pull request it is (never a fix or a review: those have none).
    pub item: ItemKey,
    /// The effect's name.
    pub op: OpId,
}

/// From where an item's work is to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseRequest {
    /// For whom.
    pub cause: Cause,
    /// Heads that the base must contain, in the order in which they are merged if it does not.
    pub holds: Vec<Sha>,
    /// A commit that may already contain them all (a mended conflict), tried before merging.
    pub candidate: Option<Sha>,
}

/// Where an item's work starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseOutcome {
    /// From this commit, kept from garbage collection; it contains every head asked for.
    Ready(Sha),
    /// The heads do not merge.
    Conflict {
        /// The commit that was reached before the conflict; a mending starts here.
        onto: Sha,
        /// The head that did not merge into it.
        head: Sha,
        /// Which files, for people and prompts.
        detail: String,
    },
}

/// Submitted work to be shown as a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishRequest {
    /// For whom.
    pub cause: Cause,
    /// The pull request to move, if the item has one already.
    pub pull: Option<u64>,
    /// The branch of the pull request; ours, made of safe characters.
    pub branch: String,
    /// Where that branch is believed to be; `None` for a branch that is to be made.
    pub expected: Option<Sha>,
    /// The submitted commit.
    pub head: Sha,
    /// The pull request's title, one line.
    pub title: String,
    /// Its text.
    pub body: String,
}

/// What became of a publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublishOutcome {
    /// The pull request is open and proposes the submitted head.
    Published(Pull),
    /// The branch is neither where it was expected nor at the submitted head.
    HeadMoved(Sha),
    /// The pull request was closed or merged meanwhile.
    NotOpen(Pull),
}

/// A run of the checks on one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRequest {
    /// For whom.
    pub cause: Cause,
    /// The pull request.
    pub pull: u64,
    /// The commit to judge.
    pub head: Sha,
    /// Judge it again even if a verdict for this commit is on record.
    pub again: bool,
}

/// A merge to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeRequest {
    /// For whom.
    pub cause: Cause,
    /// The pull request.
    pub pull: u64,
    /// The only head that may be merged.
    pub head: Sha,
    /// The merge commit's first line.
    pub title: String,
    /// A trial that was answered before, and on which the checks have passed since.
    pub tested: Option<Sha>,
}

/// What became of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeOutcome {
    /// The head is reachable from the base, or the pull request was merged before, at another head;
    /// this commit made it so, if that is known.
    Merged(Option<Sha>),
    /// Checks are configured, and the base holds what the head does not: nothing landed. This is the merge
    /// of both, kept from garbage collection; asked with it as `tested` while the base is still there, it lands.
    Untested(Sha),
    /// It does not merge into the base as it is now.
    Conflict(String),
    /// The pull request proposes another commit now.
    HeadMoved(Sha),
    /// The pull request was closed unmerged.
    Closed,
    /// The base is checked out in the user's folder and something there is in the way.
    BaseCheckoutBusy(String),
}

/// A pull request to be brought up to what its item builds upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestackRequest {
    /// For whom.
    pub cause: Cause,
    /// The pull request.
    pub pull: u64,
    /// Where it is believed to be.
    pub head: Sha,
    /// What it must hold.
    pub stack: Stack,
}

/// What became of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestackOutcome {
    /// The pull request is at this head, which holds everything: the same, or merges of ours on top of it.
    Restacked(Sha),
    /// Something does not merge into it; nothing was changed.
    Conflict {
        /// What.
        head: Sha,
        /// Which files, for people and prompts.
        detail: String,
    },
    /// The pull request proposes another commit now.
    HeadMoved(Sha),
    /// The pull request was closed or merged meanwhile.
    NotOpen(Pull),
}

/// Why a forge call failed. Whether a change was executed is not known unless said otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForgeError {
    /// The permit was withdrawn; nothing was changed after that.
    #[error("stopped before {0}: no longer allowed to act")]
    Revoked(&'static str),
    /// The forge could not be reached or did not answer; trying again later may help.
    #[error("the forge is not available: {0}")]
    Unavailable(String),
    /// The forge refuses, and will again: rights, settings, a missing branch.
    #[error("the forge refuses: {0}")]
    Refused(String),
}

/// A place where issues and pull requests live. See the [module](self) for what an implementer owes.
#[async_trait]
pub trait Forge: Send + Sync {
    /// Looks up issues, answering in the order asked. One that is not there or cannot be read is an answer.
    async fn issues(&self, references: &[IssueRef]) -> Result<Vec<Lookup>, ForgeError>;

    /// Finds or makes the commit from which an item's work starts. A merge of heads is kept from
    /// garbage collection and found again by the same heads.
    async fn base(&self, request: &BaseRequest, permit: &dyn Permit) -> Result<BaseOutcome, ForgeError>;

    /// Moves the pull request's branch to the submitted commit, and opens the pull request if there is none.
    async fn publish(
        &self,
        request: &PublishRequest,
        permit: &dyn Permit,
    ) -> Result<PublishOutcome, ForgeError>;

    /// Looks at a pull request. Quick: runs nothing.
    async fn look(&self, pull: u64) -> Result<Observation, ForgeError>;

    /// What the checks say about a commit. May take as long as the checks do where the forge runs
    /// them itself; the verdict for a commit is kept and answered again unless `again`.
    async fn check(&self, request: &CheckRequest, permit: &dyn Permit) -> Result<Checks, ForgeError>;

    /// Merges, if the pull request proposes exactly the expected head. One that is merged already is
    /// never merged again, whichever head is expected.
    async fn merge(&self, request: &MergeRequest, permit: &dyn Permit) -> Result<MergeOutcome, ForgeError>;

    /// Merges into a pull request what its item builds upon: heads that were accepted and are not merged, and
    /// the base, if it holds the work of one that is merged and not that very head. Where the pull request
    /// proposes to be merged into another branch than the base, that is changed as well.
    async fn restack(
        &self,
        request: &RestackRequest,
        permit: &dyn Permit,
    ) -> Result<RestackOutcome, ForgeError>;
}
