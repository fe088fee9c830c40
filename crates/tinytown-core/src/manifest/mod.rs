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
use crate::spend::Usd;

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

/// One list of all knobs, for what would otherwise be four: those that a manifest may set, how each is read,
/// how they go over a policy, and their names.
macro_rules! knobs {
    ($($key:ident: $type:ty = $read:ident,)*) => {
        /// The knobs of [`Policy`] that a manifest sets.
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        #[expect(missing_docs, reason = "each field is the field of `Policy` by that name")]
        pub struct PolicyPatch {
            $(pub $key: Option<$type>,)*
        }

        impl PolicyPatch {
            /// Their names.
            const KEYS: &[&str] = &[$(stringify!($key),)*];

            /// The town's policy with these knobs set. Ranges were checked when the manifest was read.
            #[must_use]
            pub fn over(&self, base: &Policy) -> Policy {
                Policy { $($key: self.$key.clone().unwrap_or_else(|| base.$key.clone()),)* }
            }
        }

        impl reader::Reader<'_> {
            fn knob(&mut self, patch: &mut PolicyPatch, key: &reader::Key<'_>, value: &reader::Value<'_>) {
                match key.get_ref().as_ref() {
                    $(stringify!($key) => patch.$key = self.$read(key, value),)*
                    _ => self.unknown(key, &PolicyPatch::KEYS.join(", ")),
                }
            }
        }
    };
}

knobs! {
    max_parallel: u32 = count,
    reviewer_required: bool = boolean,
    auto_merge: bool = boolean,
    watch_interval_secs: u64 = count,
    max_attempts: u32 = count,
    max_losses: u32 = count,
    item_timeout_secs: u64 = count,
    stall_timeout_secs: u64 = count,
    reviewers: u32 = count,
    independent_cli: bool = boolean,
    bugbots: Vec<String> = strings,
    check_reruns: u32 = count,
    conductor_wait_secs: u64 = count,
    person_wait_secs: u64 = count,
    watchdog_secs: u64 = count,
    max_launches: u32 = count,
    max_item_secs: u64 = count,
    max_mission_secs: u64 = count,
    max_item_tokens: u64 = count,
    max_mission_tokens: u64 = count,
    max_item_usd: Usd = money,
    max_mission_usd: Usd = money,
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
