//! What a work item is, before anything happened to it: its text, its kind, who should take it, what it waits for.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{AgentName, ItemKey, Role};
use crate::issue::IssueRef;
use crate::text::Text;

/// What sort of work an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Deciding how something is to be.
    Design,
    /// Building it; what an item is if nothing says otherwise.
    Implement,
    /// Writing tests.
    Test,
    /// Judging a pull request. Made by missions, never by issues.
    Review,
    /// Mending a pull request. Made by missions, never by issues.
    Fix,
    /// Writing documentation.
    Document,
}

impl Kind {
    /// The kind as written in `TINYTOWN_KIND` and `--json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Design => "design",
            Self::Implement => "implement",
            Self::Test => "test",
            Self::Review => "review",
            Self::Fix => "fix",
            Self::Document => "document",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The role an item asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleWish {
    /// The role.
    pub role: Role,
    /// Named by manifest or label: nobody with another role may take it. Otherwise it was inferred, and is a preference.
    pub required: bool,
}

/// Where an edge of the graph came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeSource {
    /// What said so.
    pub by: EdgeOrigin,
    /// Where that stands: a path or an address. Shared, since a manifest may make every edge of a mission.
    pub location: Arc<str>,
    /// Its line there, from 1, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Its words, shortened, for messages.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
}

/// What sort of statement made an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeOrigin {
    /// Words in the issue's text.
    Marker,
    /// `depends_on` in the manifest.
    Manifest,
    /// The forge's own "blocked by".
    Forge,
}

impl fmt::Display for EdgeSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.location)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.words.is_empty() {
            write!(f, " {:?}", self.words)?;
        }
        Ok(())
    }
}

/// A dependency on another item of the same mission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// The item that must be done first.
    pub on: ItemKey,
    /// Where that is said.
    pub source: EdgeSource,
}

/// A dependency on an open issue outside the mission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct External {
    /// The issue that must be closed first.
    pub on: IssueRef,
    /// Where that is said.
    pub source: EdgeSource,
}

/// What an item was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// An issue that the user named.
    Issue(IssueRef),
    /// A document that the user named, by its path in the repository.
    Document(String),
    /// A text that the user typed (`tt assign`).
    Errand,
    /// A follow-up of another item, made by the mission.
    FollowUp(ItemKey),
}

/// An item as it was planned; nothing here changes after it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemSpec {
    /// Its name.
    pub key: ItemKey,
    /// Its title, one line, without control or direction characters.
    pub title: String,
    /// What sort of work it is.
    pub kind: Kind,
    /// Who should take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleWish>,
    /// Only this agent may take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<AgentName>,
    /// Higher is earlier. 0 unless the manifest says otherwise.
    pub priority: i32,
    /// Its text, frozen as it was when the mission started.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub body: Text,
    /// Items of this mission that must be done first, in the order of their keys' first appearance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<Dependency>,
    /// Open issues outside the mission that must be closed first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external: Vec<External>,
    /// Excluded by the manifest: satisfied for its dependents from the start, with a warning.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip: bool,
    /// Number of items on the longest path from here to an end of the graph, itself included.
    pub path_length: u32,
    /// What it was made from.
    pub origin: Origin,
}

impl ItemSpec {
    /// Makes dependencies on items of those issues outside that are items of the mission; tells which.
    pub fn take_in(&mut self, is_inside: impl Fn(&ItemKey) -> bool) -> Vec<IssueRef> {
        let outside = std::mem::take(&mut self.external);
        let (inside, outside): (Vec<_>, Vec<_>) =
            outside.into_iter().partition(|external| is_inside(&external.on.key()));
        self.external = outside;
        let joined = inside.iter().map(|external| external.on.clone()).collect();
        self.depends_on
            .extend(inside.into_iter().map(|External { on, source }| Dependency { on: on.key(), source }));
        joined
    }
}
