//! Which references of a text are dependencies: the state from block to block.
//!
//! A heading such as `## Dependencies` and a label at the end of a block reach into the blocks below
//! them; what counts inside a block is decided by [`Text`].

use std::collections::BTreeSet;

use super::blocks::{Block, BlockKind};
use super::grammar::{Found, Text};
use super::headings::LONGEST_LABEL;
use super::tokens::{QUOTES, Token, reference, tokenize};
use super::{Lines, MAX_WORDS, Marker};
use crate::issue::IssueRef;

/// From so many markers on a range counts for its first issue only, lest a short text name millions.
const MOST_BY_RANGES: usize = 10_000;

/// Reads blocks in order and gathers markers.
pub(super) struct Reader<'l> {
    lines: &'l Lines,
    tokens: Vec<Token>,
    markers: Vec<Marker>,
    /// The town's own issues among `markers`, by number.
    own: BTreeSet<u64>,
    /// The others.
    far: BTreeSet<IssueRef>,
    /// Where the last marker stands; the next one is seldom before it.
    line: u32,
    section: Section,
    /// A label whose references are to follow in the next blocks.
    awaiting: Option<Awaiting>,
    /// The depth of a list item that begins with a reference: it and what is below it are about that issue.
    other: Option<usize>,
}

/// The part of the text below a heading such as `## Dependencies`.
#[derive(Default)]
struct Section {
    /// The heading's level.
    level: Option<u8>,
    /// A heading below it that is about something else (`### Blocks`).
    muted: Option<u8>,
}

/// A label at the end of a block.
#[derive(Clone, Copy)]
struct Awaiting {
    /// How many lists it is in; its list is deeper.
    depth: usize,
    /// Whether it asks for dependencies, or for something else (`Blocks:`).
    ours: bool,
    /// Whether its list has begun.
    begun: bool,
}

impl<'l> Reader<'l> {
    pub(super) fn new(lines: &'l Lines) -> Self {
        Self {
            lines,
            tokens: Vec::new(),
            markers: Vec::new(),
            own: BTreeSet::new(),
            far: BTreeSet::new(),
            line: 1,
            section: Section::default(),
            awaiting: None,
            other: None,
        }
    }

    pub(super) fn finish(self) -> Vec<Marker> {
        self.markers
    }

    /// Reads the next block.
    pub(super) fn block(&mut self, block: &Block<'_>) {
        let mut tokens = std::mem::take(&mut self.tokens);
        if is_idle(block.kind, block.text) {
            tokens.clear();
        } else {
            tokenize(block.text, &mut tokens);
        }
        let sentence = Text { text: block.text, tokens: &tokens };
        if let BlockKind::Heading(level) = block.kind {
            self.heading(level, &sentence);
        }
        let mut found = self.listed(block, &sentence);
        let foreign = self.is_about_other(block, &sentence);
        let label = sentence.prose(foreign, &mut found);
        self.await_more(block, &sentence, label);
        self.take(block, &sentence, found);
        self.tokens = tokens;
    }

    /// Enters or leaves a section.
    fn heading(&mut self, level: u8, text: &Text<'_>) {
        self.awaiting = None;
        if self.section.level.is_some_and(|open| level <= open) {
            self.section = Section::default();
        }
        if self.section.muted.is_some_and(|muted| level <= muted) {
            self.section.muted = None;
        }
        if text.is_dependency_heading() {
            self.section = Section { level: Some(level), muted: None };
        } else if self.section.level.is_some() && self.section.muted.is_none() && text.is_foreign(0) {
            self.section.muted = Some(level);
        }
    }

    /// The references that a label or heading above makes dependencies.
    fn listed(&mut self, block: &Block<'_>, text: &Text<'_>) -> Vec<Found> {
        let Some((base, label)) = self.scope(block) else { return Vec::new() };
        let mut found = Vec::new();
        match block.kind {
            BlockKind::Heading(_) => {}
            BlockKind::Item if block.depth == base + 1 => {
                text.labelled(0, &mut found);
            }
            BlockKind::Item | BlockKind::Paragraph | BlockKind::Row => {
                text.leading_lines(0, &mut found);
            }
        }
        if label && block.kind == BlockKind::Paragraph && block.depth == base && found.is_empty() {
            self.awaiting = None;
        }
        found
    }

    /// Whether a block is below a label or in a section: from which depth its lists count, and whether it is a label's.
    fn scope(&mut self, block: &Block<'_>) -> Option<(usize, bool)> {
        if let Some(awaiting) = &mut self.awaiting {
            if block.depth > awaiting.depth {
                awaiting.begun = true;
                return awaiting.ours.then_some((awaiting.depth, true));
            }
            let paragraph = block.kind == BlockKind::Paragraph && !awaiting.begun && awaiting.ours;
            let base = awaiting.depth;
            self.awaiting = None;
            if paragraph && block.depth == base {
                return Some((base, true));
            }
        }
        (self.section.level.is_some() && self.section.muted.is_none()).then_some((0, false))
    }

    /// Whether a block belongs to a list item about another issue: `- #17: …` and what is below it.
    fn is_about_other(&mut self, block: &Block<'_>, text: &Text<'_>) -> bool {
        let item = block.kind == BlockKind::Item;
        if self.other.is_some_and(|depth| block.depth < depth || (item && block.depth == depth)) {
            self.other = None;
        }
        if item && self.other.is_none() && text.begins_with_reference() {
            self.other = Some(block.depth);
        }
        // A row about another issue says nothing about the rows below it.
        self.other.is_some() || (block.kind == BlockKind::Row && text.begins_with_reference())
    }

    /// Remembers a label at the block's end.
    fn await_more(&mut self, block: &Block<'_>, text: &Text<'_>, label: bool) {
        let colon = text.ends_with_colon() && text.is_foreign(text.last_line());
        let alone = matches!(block.kind, BlockKind::Item | BlockKind::Paragraph) && text.is_foreign_label();
        let foreign = !label && (colon || alone);
        if label || foreign {
            self.awaiting = Some(Awaiting { depth: block.depth, ours: label, begun: false });
        }
    }

    /// Keeps what was found, in the order of the text, each reference once.
    fn take(&mut self, block: &Block<'_>, text: &Text<'_>, mut found: Vec<Found>) {
        found.sort_unstable();
        let mut hint = 0;
        for (at, from) in found {
            let token = text.tokens[at];
            let Some(first) = reference(text.of(token)) else { continue };
            let range = text.range(at).filter(|_| self.markers.len() < MOST_BY_RANGES);
            let (end, last) = range.unwrap_or((at + 1, first.number));
            let words = text.tokens[from].start..text.tokens[end - 1].end;
            for number in first.number..=last {
                let reference = IssueRef { repo: first.repo.clone(), number };
                if self.is_new(&reference) {
                    self.line = self.lines.at_or_after(self.line, block.source_of(token.start, &mut hint));
                    let words = shorten(&block.text[words.clone()]);
                    self.markers.push(Marker { reference, line: self.line, words });
                }
            }
        }
    }

    fn is_new(&mut self, reference: &IssueRef) -> bool {
        match reference.repo {
            None => self.own.insert(reference.number),
            Some(_) => self.far.insert(reference.clone()),
        }
    }
}

/// Whether a block's words can mean nothing to us, so that they need not be read: most paragraphs. It names no issue;
/// it ends as sentences do, so it is no label of what follows; and it is longer than `Not needed.`, which is a label
/// of something else.
fn is_idle(kind: BlockKind, text: &str) -> bool {
    let refers = || text.contains('#') || ["://", "h-", "H-"].iter().any(|sign| text.contains(sign));
    // A quotation is one token however long.
    let long =
        || text.split(QUOTES).next().is_some_and(|it| it.split_whitespace().nth(LONGEST_LABEL).is_some());
    let sentence = text.ends_with(['.', '!', '?']) && !matches!(kind, BlockKind::Heading(_));
    sentence && !refers() && long()
}

/// A text on one line, of at most [`MAX_WORDS`] characters.
fn shorten(text: &str) -> String {
    let mut short = String::with_capacity(text.len().min(4 * MAX_WORDS));
    for word in text.split_whitespace() {
        if !short.is_empty() {
            short.push(' ');
        }
        short.extend(word.chars().take(MAX_WORDS + 1));
        if short.len() > 4 * MAX_WORDS {
            break;
        }
    }
    if let Some((cut, _)) = short.char_indices().nth(MAX_WORDS) {
        let keep = short[..cut].char_indices().next_back().map_or(0, |(last, _)| last);
        short.truncate(keep);
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Words and marks of every class, and what could be mistaken for the end of a sentence.
    const PIECES: &[&str] = &[
        "depends",
        "on",
        "Blocked",
        "by",
        "requires",
        "dependencies",
        "after",
        "and",
        "or",
        "not",
        "removes",
        "enables",
        "which",
        "but",
        "fixes",
        "blocks",
        "required",
        "through",
        "for",
        "the",
        "issue",
        "in",
        "only",
        "merge",
        "done",
        "should",
        "is",
        "this",
        "a",
        "session",
        "(",
        ")",
        ":",
        ",",
        ";",
        ".",
        "?",
        "!",
        "|",
        "-",
        "\n",
        "\"",
        "'",
        "“",
        "”",
        "don't",
        "e.g.",
        "1.5",
        "gh",
        "GH-7",
        "#1",
        "#",
        "a/b#4",
        "https://a.b/c/d/pull/9",
        "high-level",
        "\u{FFFC}",
        "依赖",
    ];

    fn text() -> impl Strategy<Value = String> {
        let words = proptest::collection::vec(proptest::sample::select(PIECES), 0..12);
        (words, prop_oneof![4 => Just("."), 1 => Just("?"), 1 => Just(" ."), 1 => Just("")], any::<bool>())
            .prop_map(|(words, end, apart)| words.join(if apart { " " } else { "" }) + end)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn the_words_of_an_idle_block_say_nothing(text in text(), foreign in any::<bool>()) {
            if !is_idle(BlockKind::Paragraph, &text) {
                return Ok(());
            }
            let mut tokens = Vec::new();
            tokenize(&text, &mut tokens);
            let (text, mut found) = (Text { text: &text, tokens: &tokens }, Vec::new());
            prop_assert!(!text.prose(foreign, &mut found), "a label");
            prop_assert!(!text.ends_with_colon() && !text.is_foreign_label(), "a label of something else");
            prop_assert!(!text.begins_with_reference(), "another issue");
            prop_assert_eq!(text.labelled(0, &mut found).or(text.leading_lines(0, &mut found)), None);
            prop_assert_eq!(found, []);
        }
    }

    #[test]
    fn paragraphs_are_idle_and_whatever_may_name_an_issue_or_a_list_is_not() {
        let idle = |text| is_idle(BlockKind::Paragraph, text);
        assert!(idle("Today every request looks up its session twice, and we don't want that."));
        for text in [
            "Not needed.",
            "It \"depends on what you mean by that, as ever\".",
            "These are the ones that it depends on:",
            "What this needs to be done, and depends on",
            "This is what depends on #1 and on the rest.",
            "This is what depends on Gh-1 and on the rest.",
            "This is what depends on https://a.b/c/d/issues/1, see there.",
        ] {
            assert!(!idle(text), "{text}");
        }
        assert!(!is_idle(BlockKind::Heading(2), "A heading that is a whole sentence."));
    }
}
