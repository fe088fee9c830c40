//! Documents of the repository as objectives: one as a whole, or the entries under one of its headings.

mod outline;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::issue::IssueState;
use crate::markers::{Anchors, Lines};
use crate::objective::{DocumentRef, Objective, ObjectiveRef};
use outline::{Outline, Task};

/// Why a document gives no objectives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It has no such heading.
    #[error("{path} has no heading {heading:?}{}", listed(.known))]
    NoHeading {
        /// The document.
        path: String,
        /// As it was asked for.
        heading: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// Nothing under the heading is an entry.
    #[error("{path}:{line}: there is neither a task list (\"- [ ] …\") nor a section under {heading:?}")]
    NoEntries {
        /// The document.
        path: String,
        /// The heading's line, from 1.
        line: u32,
        /// The heading.
        heading: String,
    },
    /// Two entries give themselves the same number.
    #[error(
        "{path}:{line}: this entry is numbered {number}, as that on line {first} is: renumber one of them"
    )]
    SameNumber {
        /// The document.
        path: String,
        /// The number.
        number: u64,
        /// The second entry's line, from 1.
        line: u32,
        /// The first one's.
        first: u32,
    },
}

fn listed(headings: &[String]) -> String {
    match headings {
        [] => "; it has none at all".to_owned(),
        headings => format!("; it has {}", headings.join(", ")),
    }
}

/// An entry before it has a number.
struct Entry {
    /// What it calls itself, without its number.
    title: String,
    /// The number that it gives itself.
    number: Option<u64>,
    done: bool,
    /// Where its first line begins.
    at: usize,
    body: String,
    body_line: u32,
    /// What links call it.
    anchor: Option<String>,
}

/// Makes objectives of a document: of all of it, or of each entry under `heading`, which is named by its words or
/// by its anchor. Entries are the top-level entries of the heading's own task list, else the sections one level below.
///
/// # Errors
/// [`DocumentError`], with where.
pub fn objectives(text: &str, path: &str, heading: Option<&str>) -> Result<Vec<Objective>, DocumentError> {
    let document = Document { text, path, lines: Lines::of(text), outline: Outline::of(text) };
    match heading {
        None => Ok(vec![document.whole()]),
        Some(heading) => document.entries(heading),
    }
}

struct Document<'t> {
    text: &'t str,
    path: &'t str,
    lines: Lines,
    outline: Outline,
}

impl Document<'_> {
    fn whole(&self) -> Objective {
        let first = self.outline.headings.first();
        let title = first.map_or_else(|| self.file_name(), |heading| heading.title.clone());
        // What stands before the first heading belongs to the text; then so does the heading.
        let leads = first.filter(|heading| self.text[..heading.range.start].trim().is_empty());
        let begin = leads.map_or(0, |heading| heading.range.end);
        let (body, body_line) = self.text_of(begin..self.text.len());
        self.objective(None, Entry { title, number: None, done: false, at: 0, body, body_line, anchor: None })
    }

    fn file_name(&self) -> String {
        let name = self.path.rsplit('/').next().unwrap_or(self.path);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
    }

    fn entries(&self, heading: &str) -> Result<Vec<Objective>, DocumentError> {
        let Some(at) = self.outline.find(heading) else {
            let known = self.outline.headings.iter().map(|heading| format!("{:?}", heading.title)).collect();
            return Err(DocumentError::NoHeading {
                path: self.path.to_owned(),
                heading: heading.to_owned(),
                known,
            });
        };
        let mut entries: Vec<Entry> = self.outline.tasks_of(at).iter().map(|task| self.task(task)).collect();
        if entries.is_empty() {
            entries = self.outline.sections_of(at).map(|section| self.section(section)).collect();
        }
        if entries.is_empty() {
            let named = &self.outline.headings[at];
            let line = self.lines.at(named.range.start);
            return Err(DocumentError::NoEntries {
                path: self.path.to_owned(),
                line,
                heading: named.title.clone(),
            });
        }
        let numbers = self.numbers(&entries)?;
        let named = entries.iter().zip(&numbers);
        let anchors: Anchors =
            named.filter_map(|(entry, number)| Some((entry.anchor.clone()?, *number))).collect();
        let anchors = Arc::new(anchors);
        let objectives = entries.into_iter().zip(numbers).map(|(entry, number)| Objective {
            anchors: Arc::clone(&anchors),
            ..self.objective(Some(number), entry)
        });
        Ok(objectives.collect())
    }

    fn section(&self, at: usize) -> Entry {
        let heading = &self.outline.headings[at];
        let (number, title) = numbered(&heading.title);
        let (body, body_line) = self.text_of(heading.range.end..self.outline.end_of(at));
        let anchor = Some(heading.anchor.clone());
        Entry { title, number, done: false, at: heading.range.start, body, body_line, anchor }
    }

    fn task(&self, task: &Task) -> Entry {
        let (number, title) = numbered(&task.title);
        // What is below is indented as far as the box.
        let column = task.text.start - self.text[..task.text.start].rfind('\n').map_or(0, |end| end + 1);
        let indent = column.saturating_sub("[ ] ".len());
        let lines = self.text[task.text.clone()].trim_end().split('\n').enumerate();
        let body: Vec<&str> =
            lines.map(|(nth, line)| if nth == 0 { line } else { undent(line, indent) }).collect();
        Entry {
            title,
            number: number.or(task.number),
            done: task.done,
            at: task.text.start,
            body: body.join("\n"),
            body_line: self.lines.at(task.text.start),
            anchor: None,
        }
    }

    /// A text without empty lines around it, and the line at which it begins.
    fn text_of(&self, range: Range<usize>) -> (String, u32) {
        let text = &self.text[range.clone()];
        let blank = text.len() - text.trim_start().len();
        // The first line keeps its indentation: it may be code.
        let begin = text[..blank].rfind('\n').map_or(0, |end| end + 1);
        (text[begin..].trim_end().to_owned(), self.lines.at(range.start + blank))
    }

    /// Each entry's number: what it says, else its place, else the next that is free.
    fn numbers(&self, entries: &[Entry]) -> Result<Vec<u64>, DocumentError> {
        let mut taken: BTreeMap<u64, usize> = BTreeMap::new();
        for entry in entries {
            let Some(number) = entry.number else { continue };
            if let Some(first) = taken.insert(number, entry.at) {
                let (line, first) = (self.lines.at(entry.at), self.lines.at(first));
                return Err(DocumentError::SameNumber { path: self.path.to_owned(), number, line, first });
            }
        }
        let mut numbers = Vec::with_capacity(entries.len());
        let mut free = 1;
        for (place, entry) in (1..).zip(entries) {
            let number = entry.number.unwrap_or_else(|| {
                while taken.contains_key(&free) {
                    free += 1;
                }
                let number = if taken.contains_key(&place) { free } else { place };
                taken.insert(number, entry.at);
                number
            });
            numbers.push(number);
        }
        Ok(numbers)
    }

    fn objective(&self, number: Option<u64>, entry: Entry) -> Objective {
        let name = DocumentRef { path: Arc::from(self.path), entry: number };
        Objective {
            name: ObjectiveRef::Document(name),
            title: entry.title,
            body: entry.body,
            labels: Vec::new(),
            state: if entry.done { IssueState::Closed } else { IssueState::Open },
            location: self.path.to_owned(),
            body_line: entry.body_line,
            anchors: Arc::default(),
        }
    }
}

/// Without so many leading blanks, as far as there are any.
fn undent(line: &str, most: usize) -> &str {
    let blanks = line.bytes().take(most).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    &line[blanks..]
}

/// The number that a title begins with (`#3`, `Issue #3:`, `Step 3:`, `3.`, `3)`), and the title without it.
fn numbered(title: &str) -> (Option<u64>, String) {
    let words = ["issue", "task", "step", "item", "part", "story"];
    let (first, after) = title.split_once(' ').unwrap_or((title, ""));
    let named = words.iter().any(|word| first.eq_ignore_ascii_case(word));
    let rest = if named { after.trim_start() } else { title };
    let (hash, digits) = match rest.strip_prefix('#') {
        Some(digits) => (true, digits),
        None => (false, rest),
    };
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, tail) = digits.split_at(end);
    let closed = tail.starts_with([':', '.', ')']);
    let apart = tail.is_empty() || tail.starts_with(' ');
    let counts = closed && !tail[1..].starts_with(|c: char| !c.is_whitespace()) || (apart && hash);
    match digits.parse() {
        Ok(number) if counts && number > 0 && !(named && tail.is_empty()) => {
            let tail = tail.trim_start_matches([':', '.', ')']).trim_start();
            let tail = tail.strip_prefix(['-', '–', '—']).unwrap_or(tail).trim_start();
            (Some(number), if tail.is_empty() { title.to_owned() } else { tail.to_owned() })
        }
        _ => (None, title.to_owned()),
    }
}
