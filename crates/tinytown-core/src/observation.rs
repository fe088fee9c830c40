//! What the forge says about pull requests. Every observation is of one head commit.

use serde::{Deserialize, Serialize};

use crate::id::Sha;
use crate::text::Text;

/// A pull request as the mission knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    /// Its number at the forge.
    pub number: u64,
    /// Its address, or for the local forge the name of its record.
    pub url: String,
    /// Its branch.
    pub branch: String,
    /// The commit it proposes.
    pub head: Sha,
    /// Open, merged or closed.
    pub state: PullState,
}

/// Where a pull request stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PullState {
    /// Can still be merged.
    Open,
    /// Its head is reachable from the base; with the commit that made it so, if known.
    Merged(Option<Sha>),
    /// Closed, and its head is not reachable from the base.
    Closed,
}

/// What CI says about one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checks {
    /// The forge has no checks configured, and says that none are required.
    NotRequired,
    /// Some check has not ended, or none has reported yet.
    Pending,
    /// Every check that counts ended well.
    Green,
    /// At least one check failed, and says so.
    Red(CheckReport),
    /// A check could not run or did not say: missing command, killed, timed out, unknown state. Never a pass.
    CouldNotRun(CheckReport),
}

impl Checks {
    /// What is to be mended, unless they passed or have not ended.
    pub const fn report(&self) -> Option<&CheckReport> {
        match self {
            Self::Red(report) | Self::CouldNotRun(report) => Some(report),
            Self::NotRequired | Self::Pending | Self::Green => None,
        }
    }

    /// Whether they say nothing about the work: they could not run, or failed for reasons of their own.
    pub const fn could_not_judge(&self) -> bool {
        match self {
            Self::CouldNotRun(_) => true,
            Self::Red(report) => report.infrastructure,
            Self::NotRequired | Self::Pending | Self::Green => false,
        }
    }
}

/// What machines and networks say when they fail, in lower case. Programs under test rarely do.
const TROUBLE: [&str; 14] = [
    "no space left on device",
    "could not resolve host",
    "temporary failure in name resolution",
    "connection reset by peer",
    "connection timed out",
    "network is unreachable",
    "tls handshake timeout",
    "cannot allocate memory",
    "502 bad gateway",
    "503 service unavailable",
    "504 gateway timeout",
    "429 too many requests",
    "the runner has received a shutdown signal",
    "lost communication with the server",
];

/// Whether the end of a failed check's output looks like trouble of the machine or the network it ran on.
pub fn looks_like_infrastructure(output: &str) -> bool {
    /// Trouble that a check goes on after is not why it failed.
    const LINES: usize = 20;
    let last = output.lines().rev().take(LINES).map(str::to_lowercase);
    last.into_iter().any(|line| TROUBLE.iter().any(|words| line.contains(words)))
}

/// What a person needs in order to mend a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// The failing check's name.
    pub name: String,
    /// One line.
    pub summary: String,
    /// It failed, and its output looks like trouble of the machine or the network it ran on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub infrastructure: bool,
    /// The tail of its output, at most 16 KiB.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub output: Text,
}

impl CheckReport {
    /// A report on a check; whether its infrastructure is to blame is not known.
    pub fn new(name: impl Into<String>, summary: impl Into<String>, output: Text) -> Self {
        Self { name: name.into(), summary: summary.into(), infrastructure: false, output }
    }
}

/// Whether a head can be merged into the base as both are now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mergeable {
    /// Yes.
    Yes,
    /// No, with what conflicts.
    Conflict(String),
    /// Not known yet. Never a pass.
    Unknown,
}

/// A quick look at a pull request: everything but the checks of the local forge, which take long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The head that all of this is about.
    pub head: Sha,
    /// Open, merged or closed.
    pub state: PullState,
    /// Whether it can be merged.
    pub mergeable: Mergeable,
    /// Files it changes that govern the mission (`tinytown.toml`, the issue folder, CI definitions), sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub governed: Vec<String>,
    /// Whether it changes anything compared with the base.
    pub has_diff: bool,
    /// Comments on its changes that nobody has answered or resolved, of whomever, in the order in which they were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<Comment>,
}

impl Observation {
    /// An open pull request at that head which changes something, governs nothing and merges.
    pub const fn open(head: Sha) -> Self {
        Self {
            head,
            state: PullState::Open,
            mergeable: Mergeable::Yes,
            governed: Vec::new(),
            has_diff: true,
            comments: Vec::new(),
        }
    }
}

/// A comment on a pull request's changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Whose account wrote it.
    pub author: String,
    /// The commit that it was made on; on a later one it may be about what is not there any more.
    pub head: Sha,
    /// What it says, at most 4 KiB.
    pub text: String,
}

impl Comment {
    /// Whether a name that matches one of the patterns wrote it; `*` stands for anything, and case does not count.
    pub fn is_by(&self, patterns: &[String]) -> bool {
        patterns.iter().any(|pattern| matches(&pattern.to_lowercase(), &self.author.to_lowercase()))
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(before) else { return false };
    let starts = std::iter::once(0).chain(name.char_indices().map(|(at, c)| at + c.len_utf8()));
    starts.into_iter().any(|at| matches(rest, &name[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authors_are_matched_by_pattern() {
        for (pattern, name, fits) in [
            ("*bugbot*", "Cursor-BugBot[bot]", true),
            ("cursor[bot]", "cursor[bot]", true),
            ("cursor[bot]", "cursor", false),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
        ] {
            assert_eq!(matches(&pattern.to_lowercase(), &name.to_lowercase()), fits, "{pattern} {name}");
        }
    }
}
