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
}
