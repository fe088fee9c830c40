//! What a conductor's agent answers: notes, and nothing else.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tinytown_host::files::{FileError, write_private};

use crate::result_file;
use crate::words::summary;

/// Most notes in one answer; what comes after is not read.
const MOST: usize = 16;

/// What was answered to one request, kept beside its prompt so that nobody answers it anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    /// Which request.
    pub(super) request: String,
    /// The notes, in their order.
    pub(super) notes: Vec<String>,
}

/// What the agent wrote. What is not here is its own affair.
#[derive(Debug, Deserialize)]
struct Said {
    #[serde(default)]
    notes: Vec<String>,
}

/// The notes in a result file, or in words why there are none.
pub(super) fn notes(result: &Path) -> Result<Vec<String>, String> {
    let bytes = result_file::content(result)?.ok_or("it wrote no answer")?;
    let said: Said =
        serde_json::from_slice(&bytes).map_err(|error| format!("its answer cannot be read: {error}"))?;
    let notes: Vec<String> = said.notes.iter().map(|note| summary(note)).collect();
    let notes: Vec<String> = notes.into_iter().filter(|note| !note.is_empty()).take(MOST).collect();
    if notes.is_empty() { Err("its answer holds no notes".to_owned()) } else { Ok(notes) }
}

impl Answer {
    /// What was kept for this request; nothing if it was not answered here, or cannot be read.
    pub(super) fn kept(path: &Path, request: &str) -> Option<Self> {
        let bytes = result_file::content(path).ok().flatten()?;
        serde_json::from_slice(&bytes).ok().filter(|answer: &Self| answer.request == request)
    }

    /// Keeps it.
    pub(super) fn keep(&self, path: &Path) -> Result<(), FileError> {
        write_private(path, &serde_json::to_vec(self).expect("text can be written"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Result<Vec<String>, String> {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("result.json");
        std::fs::write(&path, text).expect("written");
        notes(&path)
    }

    #[test]
    fn notes_are_read_and_everything_beside_them_is_not() {
        let text = r#"{"outcome":"stuck","notes":[" retry #2\u001b ",""],"summary":7,"merge":true}"#;
        assert_eq!(said(text), Ok(vec!["retry #2".to_owned()]));
        let many = format!(r#"{{"notes":[{}]}}"#, vec![r#""n""#; 40].join(","));
        assert_eq!(said(&many).map(|notes| notes.len()), Ok(MOST));
    }

    #[test]
    fn an_answer_without_notes_says_why() {
        for (text, why) in [
            (r#"{"outcome":"done"}"#, "holds no notes"),
            ("retry #2", "cannot be read"),
            (r#"{"notes":"retry #2"}"#, "cannot be read"),
        ] {
            let found = said(text).expect_err("no notes");
            assert!(found.contains(why), "{found}");
        }
        assert!(notes(Path::new("/nowhere/at/all")).is_err());
    }

    #[test]
    fn what_was_answered_is_kept_for_that_request_alone() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("answer.json");
        assert_eq!(Answer::kept(&path, "one"), None);
        let answer = Answer { request: "one".to_owned(), notes: vec!["retry #2".to_owned()] };
        answer.keep(&path).expect("kept");
        assert_eq!(Answer::kept(&path, "one"), Some(answer));
        assert_eq!(Answer::kept(&path, "another"), None);
    }
}
