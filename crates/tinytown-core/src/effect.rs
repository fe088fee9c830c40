//! What a mission asks to be done outside, and what may come of it.
//!
//! An effect is decided and committed before anybody performs it, under a name ([`crate::id::OpId`])
//! that stays the same however often it is tried. What came of it returns as an input under that name.

use serde::{Deserialize, Serialize};

use crate::id::{ItemKey, Sha};
use crate::issue::{IssueRef, IssueState};
use crate::observation::{Checks, Observation, Pull};

/// Something to be done at the forge, for one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Effect {
    /// Find or make the commit from which the item's work starts.
    Base {
        /// For whom.
        item: ItemKey,
        /// Heads that it must contain; empty for the base as it is.
        holds: Vec<Sha>,
        /// A commit that may already contain them (a mended conflict).
        candidate: Option<Sha>,
    },
    /// Show submitted work as a pull request.
    Publish {
        /// Whose pull request.
        item: ItemKey,
        /// Its number, if there is one already.
        pull: Option<u64>,
        /// Its branch.
        branch: String,
        /// Where the branch is believed to be.
        expected: Option<Sha>,
        /// The submitted commit.
        head: Sha,
        /// One line.
        title: String,
        /// What was done, in the agent's words.
        body: String,
    },
    /// Look at the pull request; runs nothing.
    Look {
        /// Whose.
        item: ItemKey,
        /// Its number.
        pull: u64,
    },
    /// Ask what the checks say about the head.
    Check {
        /// Whose.
        item: ItemKey,
        /// Its number.
        pull: u64,
        /// The commit to judge.
        head: Sha,
        /// Even if there is a verdict already.
        again: bool,
    },
    /// Merge the pull request.
    Merge {
        /// Whose.
        item: ItemKey,
        /// Its number.
        pull: u64,
        /// The only head that may be merged.
        head: Sha,
        /// The merge commit's first line.
        title: String,
        /// The merge of that head with the base on which the checks passed: it may land, if the base is still there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tested: Option<Sha>,
    },
    /// Bring the pull request up to what its item builds upon, as that is now.
    Restack {
        /// Whose.
        item: ItemKey,
        /// Its number.
        pull: u64,
        /// Where it is now.
        head: Sha,
        /// What it must hold.
        stack: Stack,
    },
    /// Look whether issues outside the mission are closed.
    Issues {
        /// Who waits.
        item: ItemKey,
        /// For which.
        references: Vec<IssueRef>,
    },
}

/// What an item's head must hold of the items that it builds upon.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stack {
    /// Accepted heads that are not merged yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<Sha>,
    /// Heads that were accepted and are merged since. Where the base came to hold their work in another way (a
    /// squash), it must hold the base instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub landed: Vec<Sha>,
}

impl Stack {
    /// Whether it builds upon the base alone.
    pub const fn is_empty(&self) -> bool {
        self.accepted.is_empty() && self.landed.is_empty()
    }
}

/// Which effect it is, apart from its details. An item has at most one of a kind under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectKind {
    /// [`Effect::Base`]
    Base,
    /// [`Effect::Publish`]
    Publish,
    /// [`Effect::Look`]
    Look,
    /// [`Effect::Check`]
    Check,
    /// [`Effect::Merge`]
    Merge,
    /// [`Effect::Restack`]
    Restack,
    /// [`Effect::Issues`]
    Issues,
}

impl Effect {
    /// The item for which it is.
    pub const fn item(&self) -> &ItemKey {
        match self {
            Self::Base { item, .. }
            | Self::Publish { item, .. }
            | Self::Look { item, .. }
            | Self::Check { item, .. }
            | Self::Merge { item, .. }
            | Self::Restack { item, .. }
            | Self::Issues { item, .. } => item,
        }
    }

    /// Which effect it is.
    pub const fn kind(&self) -> EffectKind {
        match self {
            Self::Base { .. } => EffectKind::Base,
            Self::Publish { .. } => EffectKind::Publish,
            Self::Look { .. } => EffectKind::Look,
            Self::Check { .. } => EffectKind::Check,
            Self::Merge { .. } => EffectKind::Merge,
            Self::Restack { .. } => EffectKind::Restack,
            Self::Issues { .. } => EffectKind::Issues,
        }
    }
}

/// What came of an effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectResult {
    /// Work starts from this commit.
    Base(Sha),
    /// The heads that the work needs do not merge.
    BaseConflict {
        /// The commit reached before the conflict; a mending starts here.
        onto: Sha,
        /// The head that did not merge into it.
        head: Sha,
        /// What conflicts, for people and prompts.
        detail: String,
    },
    /// The pull request is open at the submitted head.
    Published(Pull),
    /// The pull request's branch is at a commit that nobody submitted.
    HeadMoved(Sha),
    /// The pull request is closed or merged.
    NotOpen(Pull),
    /// What the look showed.
    Looked(Observation),
    /// What the checks say about the head that was asked about.
    Checked {
        /// That head.
        head: Sha,
        /// The verdict.
        checks: Checks,
    },
    /// The head is reachable from the base.
    Merged(Option<Sha>),
    /// The head does not merge into the base.
    MergeConflict(String),
    /// The base holds what the head does not, so that no checks ever saw what would land; they may now.
    Untested {
        /// The head that was to be merged.
        head: Sha,
        /// Its merge with the base as it is now. Nothing has landed.
        trial: Sha,
    },
    /// The pull request holds what its item builds upon.
    Restacked {
        /// Where it was.
        from: Sha,
        /// Where it is now: the same head, if that held everything.
        head: Sha,
        /// What it holds.
        stack: Stack,
    },
    /// The pull request does not merge with what its item builds upon.
    StackConflict {
        /// Where it is.
        from: Sha,
        /// What does not merge into it.
        head: Sha,
        /// What conflicts, for people and prompts.
        detail: String,
    },
    /// The pull request was closed unmerged.
    Closed,
    /// Local changes in the user's folder are in the way of the merge.
    BaseCheckoutBusy(String),
    /// How the issues stand that were asked about.
    Issues(Vec<(IssueRef, IssueState)>),
    /// It was not done. Whether something was changed is not known; the next try looks first.
    Failed {
        /// Whether trying again later may help.
        again: bool,
        /// Why, for people.
        detail: String,
    },
}
