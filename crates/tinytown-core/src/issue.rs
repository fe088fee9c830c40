//! Issues as the forge shows them, and how people refer to them.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::ItemKey;

/// The largest issue number we accept; larger ones are typing errors or attacks.
pub const MAX_ISSUE_NUMBER: u64 = 999_999_999;

/// A repository on a forge, `owner/name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RepoName(Arc<str>);

/// An issue, named relative to the town's own repository unless `repo` says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IssueRef {
    /// The repository, if it is not the town's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo: Option<RepoName>,
    /// The issue's number there, from 1.
    pub number: u64,
}

/// A reference that cannot be read as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefError {
    /// Neither a number, nor `owner/repo#N`, nor an issue's address.
    #[error("malformed issue reference {0:?}: write 23, #23, owner/repo#23 or the issue's address")]
    Malformed(String),
    /// The number is zero or beyond [`MAX_ISSUE_NUMBER`].
    #[error("no issue can have the number in {0:?}")]
    Number(String),
}

impl RepoName {
    /// Checks and takes `owner/name`: one slash, letters, digits, `-`, `_` and `.` around it.
    pub fn new(text: &str) -> Option<Self> {
        let (owner, name) = text.split_once('/')?;
        let part = |p: &str| {
            !p.is_empty()
                && p.len() <= 100
                && p != "."
                && p != ".."
                && p.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        };
        (part(owner) && part(name)).then(|| Self(text.into()))
    }

    /// `owner/name`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl IssueRef {
    /// The town's own issue of that number.
    pub const fn own(number: u64) -> Self {
        Self { repo: None, number }
    }

    /// Reads what a user typed: `23`, `#23`, `owner/repo#23`, or `https://HOST/owner/repo/issues/23`
    /// (also `/pull/23`, a trailing slash, a query and a fragment).
    ///
    /// # Errors
    /// [`RefError`] with the text as it was typed.
    pub fn parse(text: &str) -> Result<Self, RefError> {
        let malformed = || RefError::Malformed(text.to_owned());
        let trimmed = text.trim();
        let (repo, digits) = if let Some((_, rest)) = trimmed.split_once("://") {
            let path = rest.split(['?', '#']).next().unwrap_or(rest).trim_end_matches('/');
            let parts: Vec<&str> = path.split('/').collect();
            match parts.as_slice() {
                [_host, owner, name, "issues" | "pull", digits] => {
                    (Some(RepoName::new(&format!("{owner}/{name}")).ok_or_else(malformed)?), *digits)
                }
                _ => return Err(malformed()),
            }
        } else if let Some((before, digits)) = trimmed.rsplit_once('#') {
            let repo = match before {
                "" => None,
                before => Some(RepoName::new(before).ok_or_else(malformed)?),
            };
            (repo, digits)
        } else {
            (None, trimmed)
        };
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(malformed());
        }
        match digits.parse() {
            Ok(number) if (1..=MAX_ISSUE_NUMBER).contains(&number) => Ok(Self { repo, number }),
            _ => Err(RefError::Number(text.to_owned())),
        }
    }

    /// This reference as seen from the town: the town's own repository is left out. It takes `Acme/App`
    /// for `acme/app`, as GitHub does.
    #[must_use]
    pub fn relative_to(self, own: Option<&RepoName>) -> Self {
        match (self.repo, own) {
            (Some(repo), Some(own)) if repo.as_str().eq_ignore_ascii_case(own.as_str()) => {
                Self::own(self.number)
            }
            (repo, _) => Self { repo, number: self.number },
        }
    }

    /// The key of the work item made from this issue.
    pub fn key(&self) -> ItemKey {
        ItemKey::new(self.to_string())
    }
}

impl fmt::Display for IssueRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(repo) = &self.repo {
            write!(f, "{repo}")?;
        }
        write!(f, "#{}", self.number)
    }
}

/// Whether an issue is still to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IssueState {
    /// Still to be done.
    Open,
    /// Done, or given up, as the forge has it.
    Closed,
}

/// An issue as it was read from the forge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// Its name, relative to the town.
    pub reference: IssueRef,
    /// Its title, one line, as written.
    pub title: String,
    /// Its text in Markdown, as written.
    pub body: String,
    /// Its labels, sorted.
    pub labels: Vec<String>,
    /// Open or closed.
    pub state: IssueState,
    /// Where it stands, for messages: a path or an address.
    pub location: String,
    /// The line of `location` at which `body` begins, from 1.
    pub body_line: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_in_every_form_of_the_contract() {
        let far = IssueRef { repo: RepoName::new("acme/app"), number: 23 };
        for (text, want) in [
            ("23", IssueRef::own(23)),
            ("#23", IssueRef::own(23)),
            (" 23 ", IssueRef::own(23)),
            ("acme/app#23", far.clone()),
            ("https://github.com/acme/app/issues/23", far.clone()),
            ("https://github.com/acme/app/issues/23/", far.clone()),
            ("https://github.com/acme/app/pull/23?x=1#issuecomment-9", far),
        ] {
            assert_eq!(IssueRef::parse(text).as_ref(), Ok(&want), "{text}");
        }
    }

    #[test]
    fn malformed_references_are_refused_with_their_text() {
        for text in ["", "abc", "#", "#x", "acme#1", "a/b/c#1", "1.5", "-1", "../x#1", "https://x/1", "٣"] {
            assert_eq!(IssueRef::parse(text), Err(RefError::Malformed(text.to_owned())), "{text}");
        }
        for text in ["0", "#0", "99999999999999999999"] {
            assert_eq!(IssueRef::parse(text), Err(RefError::Number(text.to_owned())), "{text}");
        }
    }
}
