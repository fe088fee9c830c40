//! Dependencies as people write them: from an issue's Markdown to the issues it waits for.
//!
//! Three small passes: `blocks` turns Markdown into blocks of plain text (code, quotes, struck
//! text and comments left out), `tokens` cuts a block into words, references and punctuation,
//! and `grammar` reads dependencies from these (`lists` and `headings` hold its rules about those), for `reader`, which knows the blocks above. All of it takes time linear in the text.
//!
//! What a reader of the rendered page sees is what counts: an escaped `\#14` reads as #14, and the
//! words of a link are its text while its address says which issue it is.

mod blocks;
mod clean;
mod grammar;
mod headings;
mod lists;
mod reader;
mod tokens;
mod words;

#[cfg(test)]
mod tests;

pub(crate) use blocks::parser;
pub use clean::{clean_title, slug, strip_hidden};

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

/// Reads the dependencies from an issue's text, in the order in which they stand there, each once.
///
/// ```
/// let markers = tinytown_core::markers::read("Depends on #1, but is not blocked by #2.");
/// assert_eq!(markers.len(), 1);
/// assert_eq!(markers[0].reference.number, 1);
/// ```
pub fn read(body: &str) -> Vec<Marker> {
    if !may_refer(body) {
        return Vec::new();
    }
    let lines = Lines::of(body);
    let mut reader = reader::Reader::new(&lines);
    blocks::for_each(body, &mut |block| reader.block(block));
    reader.finish()
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

    /// The line of a byte, from 1.
    pub(crate) fn at(&self, offset: usize) -> u32 {
        let lines = self.0.partition_point(|begin| *begin <= offset);
        u32::try_from(lines).unwrap_or(u32::MAX)
    }
}
