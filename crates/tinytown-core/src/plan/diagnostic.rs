//! What a user should know about a plan.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::ItemKey;

/// How much a diagnostic matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Good to know.
    Info,
    /// Probably not what was meant, or something to wait for.
    Warning,
    /// The plan cannot be started.
    Error,
}

/// What a diagnostic is about, for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// An objective was named more than once.
    ObjectiveRepeated,
    /// An objective is closed already and is skipped.
    ObjectiveClosed,
    /// The manifest skips an item.
    ItemSkipped,
    /// The manifest replaces dependencies that were read.
    DependenciesReplaced,
    /// The manifest says something that cannot be changed any more.
    LeftAside,
    /// A dependency outside the mission becomes an item of it.
    DependencyJoined,
    /// A dependency outside the mission is closed.
    DependencyClosed,
    /// A dependency outside the mission is open: the item waits for it.
    DependencyOutside,
    /// Items wait for each other in a circle.
    Cycle,
    /// A dependency that the forge does not know.
    Dangling,
    /// The manifest cannot be read, or does not fit the mission.
    Manifest,
    /// A document cannot be read, or has nothing of what was asked for.
    Document,
    /// An issue that the forge has, and that cannot be read.
    Unreadable,
    /// A policy that makes no sense.
    Policy,
    /// A reference that cannot be read as one.
    Reference,
    /// An objective that the forge does not know.
    UnknownObjective,
    /// A text is too long to be read for dependencies to its end.
    TextUnread,
    /// Another mission that has not ended is about it.
    AlreadyOpen,
    /// Nobody who is there may take an item.
    NoAgent,
    /// Nobody who is there may review.
    NoReviewer,
    /// Slots or agents that cannot be used.
    Parallelism,
}

impl Code {
    /// The code as written in `--json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ObjectiveRepeated => "objective-repeated",
            Self::ObjectiveClosed => "objective-closed",
            Self::ItemSkipped => "item-skipped",
            Self::DependenciesReplaced => "dependencies-replaced",
            Self::LeftAside => "left-aside",
            Self::DependencyJoined => "dependency-joined",
            Self::DependencyClosed => "dependency-closed",
            Self::DependencyOutside => "dependency-outside",
            Self::Cycle => "cycle",
            Self::Dangling => "dangling",
            Self::Manifest => "manifest",
            Self::Document => "document",
            Self::Unreadable => "unreadable-issue",
            Self::Policy => "policy",
            Self::Reference => "malformed-reference",
            Self::UnknownObjective => "unknown-objective",
            Self::TextUnread => "text-unread",
            Self::AlreadyOpen => "already-open",
            Self::NoAgent => "no-agent",
            Self::NoReviewer => "no-reviewer",
            Self::Parallelism => "parallelism",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that a user should know about a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How much it matters.
    pub level: Level,
    /// What it is about, for scripts.
    pub code: Code,
    /// The item, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemKey>,
    /// What, where, and what to do next, for people.
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
