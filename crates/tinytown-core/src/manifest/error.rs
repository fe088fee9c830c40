//! What can be wrong with a manifest.

use crate::issue::RefError;
use crate::objective::ObjectiveRef;
use crate::policy::PolicyError;

/// Something wrong with a manifest, and where: `mission.toml:7: unknown key "ownr_role" (known: …)`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{location}:{line}: {problem}")]
pub struct ManifestError {
    /// The manifest's path.
    pub location: String,
    /// The line, from 1.
    pub line: u32,
    /// What is wrong there.
    #[source]
    pub problem: ManifestProblem,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestProblem {
    /// The file is no TOML.
    #[error("not valid TOML: {0}")]
    Syntax(String),
    /// A key that means nothing here.
    #[error("unknown key {key:?} (known: {known})")]
    UnknownKey {
        /// The key.
        key: String,
        /// The keys that could stand there.
        known: String,
    },
    /// A value of another type.
    #[error("{key} must be {expected}, found {found}")]
    Type {
        /// The key.
        key: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A key that must be there.
    #[error("this [[overrides]] has no {0:?}: say which issue it is about")]
    Missing(&'static str),
    /// A reference that cannot be read as one.
    #[error("{key}: {error}")]
    Reference {
        /// The key.
        key: String,
        /// Why.
        #[source]
        error: RefError,
    },
    /// A word that is not one of those allowed.
    #[error("{key} = {value:?}: must be {expected}")]
    Value {
        /// The key.
        key: String,
        /// What was given.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A knob outside its range.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A second override for one issue.
    #[error("{issue} has an override already, on line {first}: merge the two")]
    Doubled {
        /// The issue.
        issue: ObjectiveRef,
        /// The line of the first.
        first: u32,
    },
    /// An override for an issue that the mission does not have.
    #[error("{0} is not in this mission: name it with {how}, or remove the override", how = option(.0))]
    NotInMission(ObjectiveRef),
}

/// The option that names such an objective.
const fn option(name: &ObjectiveRef) -> &'static str {
    match name {
        ObjectiveRef::Issue(_) | ObjectiveRef::Errand => "--issue",
        ObjectiveRef::Document(_) => "--doc",
    }
}
