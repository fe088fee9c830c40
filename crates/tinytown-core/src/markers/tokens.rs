//! Words, references and punctuation of a block's text.

use super::blocks::GAP;
use super::words::{Class, class};
use crate::issue::{IssueRef, MAX_ISSUE_NUMBER};

/// What a token is. Its text is found by its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A word, or something as opaque as one (`#109a`, `1.5`).
    Word,
    /// A reference that [`IssueRef::parse`] accepts.
    Reference,
    /// A punctuation mark, or several of the same in a row.
    Mark(char),
    /// The end of a line.
    Break,
    /// Something left out.
    Gap,
}

/// A token, with the bytes of the block's text that it covers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// What it means, if it is a word; [`Class::Other`] else.
    pub(super) class: Class,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What can begin a quotation, which is one token.
pub(super) const QUOTES: [char; 6] = ['"', '\'', '\u{2018}', '\u{201C}', '\u{201E}', '\u{AB}'];

/// Cuts a text into tokens, replacing what is in `tokens`.
pub(super) fn tokenize(text: &str, tokens: &mut Vec<Token>) {
    tokens.clear();
    let mut quotes = Quotes::default();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let start = at;
        let kind;
        (kind, at) = match c {
            '\n' => (TokenKind::Break, at + 1),
            GAP => (TokenKind::Gap, at + c.len_utf8()),
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '#' => number(text, at),
            c if c.is_alphanumeric() => word(text, at),
            c => match quotes.end(text, at, c) {
                Some(end) => (TokenKind::Gap, end),
                None => (TokenKind::Mark(c), skip(text, at, |other| other == c)),
            },
        };
        let class = if kind == TokenKind::Word { class(&text[start..at]) } else { Class::Other };
        tokens.push(Token { kind, class, start, end: at });
    }
}

/// The end of the run of characters that satisfy `is`.
fn skip(text: &str, at: usize, is: impl Fn(char) -> bool) -> usize {
    text[at..].find(|c| !is(c)).map_or(text.len(), |length| at + length)
}

/// `#12`, unless it goes on (`#12a`, `#12-15`, `#1.5`).
fn number(text: &str, at: usize) -> (TokenKind, usize) {
    let end = run(text, at + 1);
    // "#3-7" is a range: a reference, a hyphen and a number.
    if let Some((first, last)) = text[at + 1..end].split_once('-')
        && is_number(first)
        && is_number(last)
    {
        return (TokenKind::Reference, at + 1 + first.len());
    }
    if end == at + 1 {
        (TokenKind::Mark('#'), skip(text, at, |c| c == '#'))
    } else {
        let (end, kind) = possessive(text, at, end);
        (kind, end)
    }
}

/// Whether a text is nothing but ASCII digits.
pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The issue that a token or an address names: what [`IssueRef::parse`] reads, `GH-12`, and the address
/// of a part of a pull request (`…/pull/12/files`).
pub(super) fn reference(text: &str) -> Option<IssueRef> {
    // By far the most frequent form, and read several times: kept short.
    if let Some(digits) = text.strip_prefix('#').filter(|digits| is_number(digits)) {
        let number = digits.parse().ok().filter(|number| (1..=MAX_ISSUE_NUMBER).contains(number))?;
        return Some(IssueRef::own(number));
    }
    if let Some(digits) = text.get(..3).filter(|gh| gh.eq_ignore_ascii_case("gh-")).map(|_| &text[3..]) {
        return is_number(digits).then(|| IssueRef::parse(digits).ok())?;
    }
    if let Some((_, path)) = text.split_once("://")
        && let Some(at) = path.match_indices('/').nth(4).map(|(at, _)| text.len() - path.len() + at)
        && text[..at].contains("/pull/")
    {
        return IssueRef::parse(&text[..at]).ok();
    }
    IssueRef::parse(text).ok()
}

/// A word, `owner/repo#12`, `GH-12` or an address.
fn word(text: &str, at: usize) -> (TokenKind, usize) {
    let rest = &text[at..];
    if rest.starts_with("http://") || rest.starts_with("https://") {
        return address(text, at);
    }
    let end = run(text, at);
    let gh = text[at..end].get(..3).is_some_and(|begin| begin.eq_ignore_ascii_case("gh-"));
    if !gh && !text[at..end].contains('#') {
        return (TokenKind::Word, end);
    }
    let (end, kind) = possessive(text, at, end);
    (kind, end)
}

/// Whether a run with a number sign is a reference, also before a possessive: `#16's`.
fn possessive(text: &str, at: usize, end: usize) -> (usize, TokenKind) {
    let bare = text[at..end].find(['\'', '\u{2019}']).map_or(end, |length| at + length);
    match reference(&text[at..bare]) {
        Some(_) => (bare, TokenKind::Reference),
        None => (end, TokenKind::Word),
    }
}

/// The end of a run of letters and digits, with single joints such as `-` and `/` inside.
fn run(text: &str, at: usize) -> usize {
    let mut end = at;
    loop {
        end = skip(text, end, |c| c.is_alphanumeric() || c == '_');
        let mut next = text[end..].chars();
        match (next.next(), next.next()) {
            // "#9/#10" are two, "owner/repo#10" is one.
            (Some(joint), Some(after))
                if end > at
                    && matches!(joint, '-' | '\'' | '\u{2019}' | '/' | '.' | '@' | '#')
                    && after.is_alphanumeric() =>
            {
                end += joint.len_utf8();
            }
            _ => return end,
        }
    }
}

/// An address: a reference if it is an issue's, else opaque.
fn address(text: &str, at: usize) -> (TokenKind, usize) {
    let stop =
        |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`' | '|' | ')' | ']' | ',' | GAP);
    let end = skip(text, at, |c| !stop(c));
    let address = text[at..end].trim_end_matches(['.', ';', ':', '!', '?', '\'', '*', '_', '~']);
    let kind = if reference(address).is_some() { TokenKind::Reference } else { TokenKind::Gap };
    (kind, at + address.len())
}

/// Quoted words are somebody else's: `it said "Blocked by: #15"`.
#[derive(Default)]
struct Quotes {
    /// Quotation marks that were sought in vain from here on; so the search stays linear.
    unclosed: Vec<char>,
}

impl Quotes {
    /// The end of the quotation that begins at `at`, if one does and if it ends.
    fn end(&mut self, text: &str, at: usize, c: char) -> Option<usize> {
        let close = match c {
            '"' => '"',
            '\'' => '\'',
            '\u{2018}' => '\u{2019}',
            '\u{201C}' | '\u{201E}' => '\u{201D}',
            '\u{AB}' => '\u{BB}',
            _ => return None,
        };
        let body = at + c.len_utf8();
        let opens = text[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric())
            && text[body..].chars().next().is_some_and(|after| !after.is_whitespace());
        if !opens || self.unclosed.contains(&close) {
            return None;
        }
        let Some(length) = text[body..].find(close) else {
            self.unclosed.push(close);
            return None;
        };
        Some(body + length + close.len_utf8())
    }
}
