//! What a mission is about, item by item: issues of a forge, and documents of the repository or their parts.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::ItemKey;
use crate::issue::{Issue, IssueRef, IssueState, RefError, RepoName};
use crate::markers::Anchors;

/// The name of a document, or of one of its entries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DocumentRef {
    /// The document's path, as it was given.
    pub path: Arc<str>,
    /// The entry's number within it; none for the document as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
}

/// The name of an objective.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectiveRef {
    /// An issue.
    Issue(IssueRef),
    /// A document, or an entry of one.
    Document(DocumentRef),
    /// A text that somebody typed: nothing else can name it.
    Errand,
}

/// Whatever becomes one item of a mission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objective {
    /// Its name, relative to the town.
    pub name: ObjectiveRef,
    /// Its title, one line, as written.
    pub title: String,
    /// Its text in Markdown, as written.
    pub body: String,
    /// Its labels, sorted; documents have none.
    pub labels: Vec<String>,
    /// Open or closed; a ticked entry of a document is closed.
    pub state: IssueState,
    /// Where it stands, for messages: a path or an address.
    pub location: String,
    /// The line of `location` at which `body` begins, from 1.
    pub body_line: u32,
    /// Entries of the same document that its text may link to; issues have none.
    #[serde(default, skip_serializing_if = "no_anchors")]
    pub anchors: Arc<Anchors>,
}

fn no_anchors(anchors: &Anchors) -> bool {
    anchors.is_empty()
}

/// The key of an errand's item.
pub(crate) const ERRAND: &str = "errand";

impl DocumentRef {
    /// Reads `docs/plan.md` and `docs/plan.md#2`: only what ends like a Markdown file is taken for one.
    fn parse(text: &str) -> Option<Self> {
        let is_document = |path: &str| {
            let end = path.rsplit('.').next().unwrap_or_default();
            path.len() > end.len() + 1 && ["md", "markdown"].iter().any(|it| end.eq_ignore_ascii_case(it))
        };
        let (path, entry) = match text.rsplit_once('#') {
            Some((path, digits)) => (path, Some(digits.parse().ok()?)),
            None => (text, None),
        };
        (is_document(path) && !path.contains("://")).then(|| Self { path: path.into(), entry })
    }
}

impl fmt::Display for DocumentRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        match self.entry {
            Some(entry) => write!(f, "#{entry}"),
            None => Ok(()),
        }
    }
}

impl ObjectiveRef {
    /// Reads what a user typed: an issue as [`IssueRef::parse`] does, else a document's path, `docs/plan.md`
    /// or `docs/plan.md#2`.
    ///
    /// # Errors
    /// [`RefError`] with the text as it was typed.
    pub fn parse(text: &str) -> Result<Self, RefError> {
        match DocumentRef::parse(text.trim()) {
            Some(document) => Ok(Self::Document(document)),
            None => IssueRef::parse(text).map(Self::Issue),
        }
    }

    /// This name as seen from the town, as [`IssueRef::relative_to`] has it.
    #[must_use]
    pub fn relative_to(self, own: Option<&RepoName>) -> Self {
        match self {
            Self::Issue(issue) => Self::Issue(issue.relative_to(own)),
            other @ (Self::Document(_) | Self::Errand) => other,
        }
    }

    /// The issue, if it is one.
    pub const fn issue(&self) -> Option<&IssueRef> {
        match self {
            Self::Issue(issue) => Some(issue),
            Self::Document(_) | Self::Errand => None,
        }
    }

    /// The key of the work item made from it: one word, so that notes can name it.
    pub fn key(&self) -> ItemKey {
        match self {
            Self::Issue(issue) => issue.key(),
            Self::Errand => ItemKey::new(ERRAND),
            Self::Document(document) => {
                let words: Vec<String> = document.to_string().split_whitespace().map(str::to_owned).collect();
                ItemKey::new(words.join("-"))
            }
        }
    }
}

impl fmt::Display for ObjectiveRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issue(issue) => issue.fmt(f),
            Self::Document(document) => document.fmt(f),
            Self::Errand => f.write_str("the errand"),
        }
    }
}

impl From<Issue> for Objective {
    fn from(issue: Issue) -> Self {
        let Issue { reference, title, body, labels, state, location, body_line } = issue;
        let (name, anchors) = (ObjectiveRef::Issue(reference), Arc::default());
        Self { name, title, body, labels, state, location, body_line, anchors }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_and_issues_are_told_apart_by_how_they_are_written() {
        for (text, name) in [
            ("docs/plan.md", "docs/plan.md"),
            ("docs/plan.md#2", "docs/plan.md#2"),
            ("PLAN.MD", "PLAN.MD"),
            ("a b.markdown#7", "a b.markdown#7"),
        ] {
            let read = ObjectiveRef::parse(text).expect("a reference");
            assert!(matches!(&read, ObjectiveRef::Document(_)), "{text}");
            assert_eq!(read.to_string(), name);
        }
        for text in ["2", "#2", "acme/app#2", "https://github.com/acme/app.md/issues/2"] {
            assert!(matches!(ObjectiveRef::parse(text), Ok(ObjectiveRef::Issue(_))), "{text}");
        }
        for text in [".md", "plan.md#x", "plan.txt", "md"] {
            assert!(ObjectiveRef::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_key_of_a_document_is_one_word() {
        let name = ObjectiveRef::parse("my docs/the plan.md#3").expect("a reference");
        assert_eq!(name.key().as_str(), "my-docs/the-plan.md#3");
    }
}
