//! `mission.toml`: what the user says about single issues and about the mission's policy, over what was read.

mod error;
mod reader;

#[cfg(test)]
mod tests;

pub use error::{ManifestError, ManifestProblem};

use crate::id::Role;
use crate::item::Kind;
use crate::objective::ObjectiveRef;
use crate::policy::Policy;

/// A manifest as written. References are as the user wrote them, not yet relative to the town.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    /// Where it stands, for messages: a path.
    pub location: String,
    /// What it says about single issues, in its order.
    pub overrides: Vec<Override>,
    /// The knobs that it sets.
    pub policy: PolicyPatch,
}

/// What the manifest says about one issue; what it leaves out stays as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The issue, or the document.
    pub issue: ObjectiveRef,
    /// The line of `issue`, from 1.
    pub line: u32,
    /// Replaces every dependency read from the issue.
    pub depends_on: Option<DependsOn>,
    /// The role that is required.
    pub owner_role: Option<Role>,
    /// Higher is earlier.
    pub priority: Option<i32>,
    /// What sort of work it is.
    pub kind: Option<Kind>,
    /// Whether to leave it out, satisfied for its dependents.
    pub skip: Option<bool>,
}

/// A `depends_on` of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependsOn {
    /// Its line, from 1.
    pub line: u32,
    /// What it names, in its order.
    pub on: Vec<ObjectiveRef>,
}

/// The knobs of [`Policy`] that a manifest sets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "each field is the field of `Policy` by that name")]
pub struct PolicyPatch {
    pub max_parallel: Option<u32>,
    pub reviewer_required: Option<bool>,
    pub auto_merge: Option<bool>,
    pub watch_interval_secs: Option<u64>,
    pub max_attempts: Option<u32>,
    pub max_losses: Option<u32>,
    pub item_timeout_secs: Option<u64>,
    pub stall_timeout_secs: Option<u64>,
}

impl Manifest {
    /// Reads a manifest. `location` is where it stands, for messages.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of its lines; if it is no TOML, only that.
    pub fn parse(text: &str, location: &str) -> Result<Self, Vec<ManifestError>> {
        reader::read(text, location)
    }
}

impl PolicyPatch {
    /// The town's policy with these knobs set. Ranges were checked when the manifest was read.
    #[must_use]
    pub fn over(&self, base: &Policy) -> Policy {
        Policy {
            max_parallel: self.max_parallel.unwrap_or(base.max_parallel),
            reviewer_required: self.reviewer_required.unwrap_or(base.reviewer_required),
            auto_merge: self.auto_merge.unwrap_or(base.auto_merge),
            watch_interval_secs: self.watch_interval_secs.unwrap_or(base.watch_interval_secs),
            max_attempts: self.max_attempts.unwrap_or(base.max_attempts),
            max_losses: self.max_losses.unwrap_or(base.max_losses),
            item_timeout_secs: self.item_timeout_secs.unwrap_or(base.item_timeout_secs),
            stall_timeout_secs: self.stall_timeout_secs.unwrap_or(base.stall_timeout_secs),
        }
    }
}
