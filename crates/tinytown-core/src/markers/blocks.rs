//! From Markdown to blocks of plain text: headings, list items, paragraphs and table rows.

use std::ops::Range;

use super::Anchors;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::tokens::reference;

/// Stands in a block's text for what was left out: code, struck text, an image, a foreign address.
pub(super) const GAP: char = '\u{FFFC}';

/// HTML elements whose text is code, struck or quoted.
const HIDING_ELEMENTS: [&str; 10] =
    ["del", "s", "strike", "code", "pre", "kbd", "samp", "tt", "q", "blockquote"];

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockKind {
    /// A heading of level 1 to 6.
    Heading(u8),
    /// The beginning of a list item.
    Item,
    /// A paragraph, or a later part of a list item.
    Paragraph,
    /// A row of a table.
    Row,
}

/// A block of text without formatting.
#[derive(Debug)]
pub(super) struct Block<'a> {
    /// What it is.
    pub(super) kind: BlockKind,
    /// How many lists it is in.
    pub(super) depth: usize,
    /// Its text; line breaks are kept, [`GAP`] stands for what was left out.
    pub(super) text: &'a str,
    /// Pairs of positions (in `text`, in the source): from there on, both run in step.
    origins: &'a [(usize, usize)],
}

impl Block<'_> {
    /// Where in the source a byte of the text came from. `hint` is where the last call found it, for one
    /// that asks for byte after byte; 0 at first.
    pub(super) fn source_of(&self, at: usize, hint: &mut usize) -> usize {
        let near = self.origins.get(*hint..self.origins.len().min(*hint + 64)).unwrap_or_default();
        let before = |(begin, _): &(usize, usize)| *begin <= at;
        *hint = match near.partition_point(before) {
            found if found > 0 && found < near.len() => *hint + found - 1,
            _ => self.origins.partition_point(before).saturating_sub(1),
        };
        let (begin, source) = self.origins.get(*hint).copied().unwrap_or_default();
        source + (at - begin)
    }
}

/// Reads Markdown as GitHub does, tables and strikethrough included.
pub(crate) fn parser(body: &str) -> Parser<'_> {
    let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS | Options::ENABLE_TABLES;
    Parser::new_ext(body, options)
}

/// Calls `visit` with each block that has any text, in order.
pub(super) fn for_each(body: &str, anchors: &Anchors, visit: &mut dyn FnMut(&Block<'_>)) {
    let mut builder = Builder::new(anchors, visit);
    for (event, range) in parser(body).into_offset_iter() {
        builder.event(event, range);
    }
    builder.flush();
}

struct Builder<'v> {
    anchors: &'v Anchors,
    visit: &'v mut dyn FnMut(&Block<'_>),
    text: String,
    origins: Vec<(usize, usize)>,
    kind: BlockKind,
    depth: usize,
    /// How many Markdown elements we are in whose text is left out.
    hidden: usize,
    /// The same for HTML elements; forgotten at the end of a block.
    hidden_html: usize,
    /// Links we are in: where their text begins, and their address.
    links: Vec<(usize, String)>,
}

impl<'v> Builder<'v> {
    fn new(anchors: &'v Anchors, visit: &'v mut dyn FnMut(&Block<'_>)) -> Self {
        Self {
            anchors,
            visit,
            text: String::new(),
            origins: Vec::new(),
            kind: BlockKind::Paragraph,
            depth: 0,
            hidden: 0,
            hidden_html: 0,
            links: Vec::new(),
        }
    }

    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, range.start),
            Event::End(end) => self.end(end, range.start),
            Event::Text(text) => self.push(&text, range.start),
            Event::SoftBreak | Event::HardBreak => self.push("\n", range.start),
            Event::Code(_) | Event::InlineMath(_) | Event::DisplayMath(_) => self.gap(range.start),
            Event::InlineHtml(html) => self.inline_html(&html, range.start),
            Event::Rule => self.flush(),
            Event::Html(_) | Event::TaskListMarker(_) | Event::FootnoteReference(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, at: usize) {
        match tag {
            Tag::Emphasis | Tag::Strong | Tag::Superscript | Tag::Subscript => self.end_number(at),
            Tag::TableCell => {}
            Tag::Strikethrough | Tag::Image { .. } => self.hidden += 1,
            Tag::Link { dest_url, .. } => self.links.push((self.text.len(), dest_url.into_string())),
            Tag::BlockQuote(_) | Tag::CodeBlock(_) | Tag::HtmlBlock | Tag::MetadataBlock(_) => {
                self.flush();
                self.hidden += 1;
            }
            Tag::List(_) => {
                self.flush();
                self.depth += 1;
            }
            Tag::Item => self.begin(BlockKind::Item),
            Tag::TableHead | Tag::TableRow => self.begin(BlockKind::Row),
            Tag::Heading { level, .. } => self.begin(BlockKind::Heading(level as u8)),
            _ => self.flush(),
        }
    }

    fn end(&mut self, end: TagEnd, at: usize) {
        match end {
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Superscript | TagEnd::Subscript => {
                self.end_number(at);
            }
            TagEnd::Strikethrough | TagEnd::Image => {
                self.hidden -= 1;
                self.gap(at);
            }
            TagEnd::Link => self.end_link(at),
            TagEnd::TableCell => self.push(" | ", at),
            TagEnd::BlockQuote(_) | TagEnd::CodeBlock | TagEnd::HtmlBlock | TagEnd::MetadataBlock(_) => {
                self.flush();
                self.hidden -= 1;
            }
            TagEnd::List(_) => {
                self.flush();
                self.depth -= 1;
            }
            TagEnd::Item => self.begin(BlockKind::Paragraph),
            _ => self.flush(),
        }
    }

    fn begin(&mut self, kind: BlockKind) {
        self.flush();
        self.kind = kind;
    }

    /// Hands over what was gathered. Empty blocks pass over, so that an item's kind waits for its text.
    fn flush(&mut self) {
        if !self.text.trim().is_empty() {
            let (kind, depth) = (self.kind, self.depth);
            (self.visit)(&Block { kind, depth, text: &self.text, origins: &self.origins });
            self.kind = BlockKind::Paragraph;
        }
        self.text.clear();
        self.origins.clear();
        self.links.clear();
        self.hidden_html = 0;
    }

    fn push(&mut self, text: &str, source: usize) {
        if self.hidden == 0 && self.hidden_html == 0 {
            let at = self.text.len();
            let goes_on = self.origins.last().is_some_and(|(begin, from)| from + (at - begin) == source);
            if !goes_on {
                self.origins.push((at, source));
            }
            self.text.push_str(text);
        }
    }

    fn gap(&mut self, source: usize) {
        self.push(GAP.encode_utf8(&mut [0; 4]), source);
    }

    fn inline_html(&mut self, html: &str, source: usize) {
        let (closing, rest) = match html.strip_prefix("</") {
            Some(rest) => (true, rest),
            None => (false, html.trim_start_matches('<')),
        };
        let name = rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        if name.eq_ignore_ascii_case("br") {
            self.push("\n", source);
        } else if HIDING_ELEMENTS.iter().any(|hiding| name.eq_ignore_ascii_case(hiding)) {
            if closing {
                self.hidden_html = self.hidden_html.saturating_sub(1);
                self.gap(source);
            } else {
                self.hidden_html += 1;
            }
        } else {
            self.end_number(source);
        }
    }

    /// "#1" and a "1" in other type or another element beside it are not #11.
    fn end_number(&mut self, source: usize) {
        if self.text.ends_with(|last: char| last.is_ascii_digit()) {
            self.push(" ", source);
        }
    }

    /// A link to an issue becomes the plain reference; other addresses are somebody else's `#7`.
    fn end_link(&mut self, at: usize) {
        let Some((begin, address)) = self.links.pop() else { return };
        if self.hidden > 0 || self.hidden_html > 0 {
            return;
        }
        if let Some(number) = address.strip_prefix('#').and_then(|anchor| self.anchors.get(anchor)) {
            self.cut(begin);
            return self.push(&format!(" #{number} "), at);
        }
        if !address.contains("://") {
            return;
        }
        let Some(reference) = reference(&address) else {
            self.cut(begin);
            return self.gap(at);
        };
        let label = &self.text[begin..];
        let last = label.trim_end().rfind(char::is_whitespace).map_or(0, |space| space + 1);
        // "[depends on #1](address of 1)" keeps its words; "[the design](address of 1)" is the issue itself.
        let named = label[last..].trim_end().ends_with(&format!("#{}", reference.number));
        self.cut(begin + if named { last } else { 0 });
        self.push(&format!(" {reference} "), at);
    }

    fn cut(&mut self, to: usize) {
        self.text.truncate(to);
        while self.origins.last().is_some_and(|(begin, _)| *begin >= to) {
            self.origins.pop();
        }
    }
}
