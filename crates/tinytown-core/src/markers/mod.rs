//! Dependencies as people write them: from an issue's Markdown to the issues it waits for.
//!
//! Three small passes: `blocks` turns Markdown into blocks of plain text (code, quotes, struck
//! text and comments left out), `tokens` cuts a block into words, references and punctuation,
//! and `grammar` reads dependencies from these (`lists` and `headings` hold its rules about those), for `reader`, which knows
//! the blocks above. All of it takes time linear in the text, and `limits` bounds what hostile texts cost.
//!
//! What a reader of the rendered page sees is what counts: an escaped `\#14` reads as #14, and the
//! words of a link are its text while its address says which issue it is.

mod blocks;
mod clean;
mod grammar;
mod headings;
mod limits;
mod lists;
mod reader;
mod tokens;
mod words;

#[cfg(test)]
mod tests;

pub(crate) use blocks::parser;
pub(crate) use clean::is_invisible;
pub use clean::{clean_title, slug, strip_hidden};

use std::collections::BTreeMap;

use crate::issue::IssueRef;

/// Longest [`Marker::words`], in characters.
pub const MAX_WORDS: usize = 80;

/// A dependency found in an issue's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// The issue that must be done first, as it was written.
    pub reference: IssueRef,
    /// The line of the text on which the reference stands, from 1.
    pub line: u32,
    /// The words that say so, at most [`MAX_WORDS`] characters, for messages.
    pub words: String,
}

/// Reads the dependencies from an issue's text, in the order in which they stand there, each once. A text
/// with more than 800,000 marks of punctuation is not read to its end: [`unread_from`].
///
/// ```
/// let markers = tinytown_core::markers::read("Depends on #1, but is not blocked by #2.");
/// assert_eq!(markers.len(), 1);
/// assert_eq!(markers[0].reference.number, 1);
/// ```
pub fn read(body: &str) -> Vec<Marker> {
    read_linked(body, &Anchors::new())
}

/// Places of a document that its own text may link to (`[the design](#design)`), with the numbers that they go by.
pub type Anchors = BTreeMap<String, u64>;

/// The same as [`read`], for a text whose links to these places are references to their numbers.
pub fn read_linked(body: &str, anchors: &Anchors) -> Vec<Marker> {
    if !may_refer(body) {
        return Vec::new();
    }
    let lines = Lines::of(body);
    let mut reader = reader::Reader::new(&lines);
    let text = limits::without_depths(&body[..limits::end(body)]);
    blocks::for_each(&text, anchors, &mut |block| reader.block(block));
    reader.finish()
}

/// The first line that [`read`] does not read to its end, if the text is longer than anything people
/// write: whoever depends on all markers having been read should say so.
pub fn unread_from(body: &str) -> Option<u32> {
    let end = limits::end(body);
    (end < body.len()).then(|| Lines::of(&body[..end]).at(end))
}

/// Whether a text can name an issue at all: by `#` or `GH-`, by an address, or by a character reference
/// that stands for `#`.
fn may_refer(body: &str) -> bool {
    body.contains(['#', '&']) || ["://", "GH-", "gh-"].iter().any(|sign| body.contains(sign))
}

/// Where the lines of a text begin.
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self(std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect())
    }

    /// The same, quicker if the byte stands soon after the beginning of the line `hint`.
    pub(crate) fn at_or_after(&self, hint: u32, offset: usize) -> u32 {
        let first = hint.saturating_sub(1) as usize;
        let near = self.0.get(first..self.0.len().min(first + 64)).unwrap_or_default();
        match near.partition_point(|begin| *begin <= offset) {
            inside if inside > 0 && inside < near.len() => u32::try_from(first + inside).unwrap_or(u32::MAX),
            _ => self.at(offset),
        }
    }

    /// The line of a byte, from 1.
    pub(crate) fn at(&self, offset: usize) -> u32 {
        let lines = self.0.partition_point(|begin| *begin <= offset);
        u32::try_from(lines).unwrap_or(u32::MAX)
    }
}
