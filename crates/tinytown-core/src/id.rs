//! Names of things: missions, items, agents, attempts, commits and operations.
//!
//! Identifiers are minted outside (the core draws no randomness) and are opaque here, except
//! [`ItemKey`], which is readable and stable: `#2`, `owner/repo#7`, `docs/design.md`, `#2/fix-1`.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A malformed name, with what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// An agent's name has other characters or length than allowed.
    #[error(
        "malformed agent name {0:?}: use 1 to 40 letters, digits, '-', '_' or '.', beginning with a letter or digit"
    )]
    Agent(String),
    /// Not the hexadecimal name of a git object.
    #[error("malformed commit id {0:?}: expected 40 or 64 hexadecimal digits")]
    Sha(String),
}

macro_rules! uuid_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_name! {
    /// A town's identity, minted once by `init`. Its name may change, this does not.
    TownId
}
uuid_name! {
    /// A mission's identity (UUIDv4). Order among missions is by creation time, not by id.
    MissionId
}
uuid_name! {
    /// What an operator said to an agent once.
    MessageId
}

impl MissionId {
    /// Its first eight characters: enough for names of branches and folders, and for people.
    pub fn short(&self) -> String {
        self.to_string().chars().take(8).collect()
    }
}

macro_rules! text_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

text_name! {
    /// A work item's name within its mission: readable, stable, unique there.
    ItemKey
}
text_name! {
    /// A worker's name within its town.
    AgentName
}
text_name! {
    /// The hexadecimal name of a git commit.
    Sha
}
text_name! {
    /// The name of one intended change, the same however often the change is attempted.
    OpId
}
text_name! {
    /// What an agent is good at: `designer`, `backend`, `tester`, `reviewer`, or any word of the user's.
    Role
}

impl ItemKey {
    /// A key from its text, as written by [`fmt::Display`].
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The key of this item's `n`-th follow-up of the given sort, such as `#2/fix-1`.
    #[must_use]
    pub fn follow_up(&self, sort: &str, n: u32) -> Self {
        Self(format!("{self}/{sort}-{n}").into())
    }
}

impl AgentName {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// [`NameError::Agent`] unless it is 1 to 40 of letters, digits, `-`, `_`, `.`, beginning with a letter or digit.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let begins_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if begins_well && text.len() <= 40 && text.chars().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(NameError::Agent(text.to_owned()))
        }
    }
}

impl Sha {
    /// Checks and takes a commit id, lower-cased.
    ///
    /// # Errors
    /// [`NameError::Sha`] unless it is 40 or 64 hexadecimal digits.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let right_length = matches!(text.len(), 40 | 64);
        if right_length && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase().into()))
        } else {
            Err(NameError::Sha(text.to_owned()))
        }
    }

    /// The first eight digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }
}

impl OpId {
    /// An operation's name from its text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }
}

impl Role {
    /// A role from its text, lower-cased, so that `Reviewer` and `reviewer` are one.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_lowercase().into())
    }

    /// Whether this is the role that reviews.
    pub fn is_reviewer(&self) -> bool {
        self.as_str() == "reviewer"
    }

    /// Whether this is the role that answers requests for help, and takes no items.
    pub fn is_conductor(&self) -> bool {
        self.as_str() == "conductor"
    }
}

/// Which start of an agent this is: 1 for its first, one more each time a worker takes the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub u64);

/// The sequence number, within the mission, of the commit that assigned: the assignment fence.
///
/// Not to be mixed with the store's lease fence, which guards commits and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fence(pub u64);

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What entitles an agent to submit: exactly this work item, agent generation, attempt and fence.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Claim {
    /// The mission that assigned.
    pub mission: MissionId,
    /// The item assigned.
    pub item: ItemKey,
    /// Whom it was assigned to.
    pub agent: AgentName,
    /// Which start of that agent.
    pub generation: Generation,
    /// Which launch of the item, from 1; losses count too.
    pub attempt: u32,
    /// The commit that assigned.
    pub fence: Fence,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agent_names_are_safe_as_words_and_file_names() {
        for good in ["designer", "a", "Backend-2", "x_y.z", "7up"] {
            assert!(AgentName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "-x", ".hidden", "a b", "a/b", "a\n", "é", &"x".repeat(41)] {
            assert!(AgentName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn commit_ids_are_hexadecimal_and_lower_case() {
        let sha = Sha::new(&"AB".repeat(20)).expect("40 digits");
        assert_eq!(sha.short(), "abababab");
        assert!(Sha::new("abc").is_err());
        assert!(Sha::new(&"zz".repeat(20)).is_err());
    }
}
