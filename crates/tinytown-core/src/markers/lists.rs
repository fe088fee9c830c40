//! Lists of references: after a phrase, on a labelled line, or at the beginnings of lines.

use super::grammar::{Found, LONGEST_LINK, LONGEST_REMARK, Text};
use super::tokens::{TokenKind, is_number, reference};
use super::words::Class;

/// Most issues that a range such as `#3-#7` stands for; a longer one is no enumeration.
const LONGEST_RANGE: u64 = 50;
/// Most tokens between a label and its first reference.
const LONGEST_LINE: usize = 48;

impl Text<'_> {
    /// The first list of references of the line that begins at `at`, unless its words speak of another relation.
    pub(super) fn labelled(&self, at: usize, found: &mut Vec<Found>) -> Option<usize> {
        self.labelled_from(at, at, found)
    }

    pub(super) fn labelled_from(&self, at: usize, words: usize, found: &mut Vec<Found>) -> Option<usize> {
        let mut i = at;
        loop {
            if i > at + LONGEST_LINE {
                return None;
            }
            match self.kind(i)? {
                TokenKind::Break if i > at && self.breaks_sentence(i) => return None,
                TokenKind::Mark('.' | '!' | '?' | ';' | '|' | '·' | '•') => return None,
                TokenKind::Reference => break,
                TokenKind::Word if self.reverses(i) => return None,
                _ => i += 1,
            }
        }
        let mut list = Vec::new();
        let mut end = self.references(i, words, &mut list)?;
        if self.is_about_itself(end) {
            return None;
        }
        let titles_first = i > self.link(at);
        while let Some(next) = self.next_titled(end, titles_first) {
            end = self.references(next, words, &mut list)?;
        }
        found.append(&mut list);
        Some(end)
    }

    /// The next member of a list whose members carry their titles: `#3 Sign in, #4 Sign out`, or, if
    /// `titles_first`, `Sign in (#3), Sign out (#4)`.
    fn next_titled(&self, end: usize, titles_first: bool) -> Option<usize> {
        let mut comma = None;
        for at in end..end + LONGEST_REMARK {
            match self.kind(at)? {
                TokenKind::Mark(',' | ';') => comma = Some(at),
                TokenKind::Reference => {
                    let direct =
                        comma.is_some_and(|comma| self.skip(comma + 1, 2, &[Class::Noun, Class::And]) == at);
                    let next = direct || (titles_first && comma.is_some());
                    return (next && !self.speaks_on(at + 1)).then_some(at);
                }
                TokenKind::Word if self.begins_clause(at) => return None,
                TokenKind::Mark('.' | '!' | '?' | '|' | '·' | '•') | TokenKind::Break => return None,
                _ => {}
            }
        }
        None
    }

    /// Whether the word at `at` cannot be a title's: a statement begins, or another relation.
    fn begins_clause(&self, at: usize) -> bool {
        use Class::{Closing, Foreign, Linking, Modal, Negation, Own, Relative, Turn};
        let strange = [Negation, Relative, Turn, Closing, Foreign, Own, Linking, Modal];
        self.class(at).is_some_and(|class| strange.contains(&class)) && !self.is_over(at)
    }

    /// Whether a word before the references of a labelled line speaks of another relation.
    pub(super) fn reverses(&self, at: usize) -> bool {
        match self.class(at) {
            Some(Class::Negation | Class::Relative | Class::Foreign) => true,
            // "Fixes #5" is another relation; "Fix the login (#5)" is a title.
            Some(Class::Closing) => {
                let next = self.skip(at + 1, 2, &[Class::Noun]);
                self.kind(next + usize::from(self.is_mark(next, &[':']))) == Some(TokenKind::Reference)
            }
            Some(Class::Onward) => {
                let next = self.skip(at + 1, 2, &[Class::Noun]);
                self.is_mark(next, &[':']) || matches!(self.kind(next), None | Some(TokenKind::Reference))
            }
            Some(Class::Passive) => matches!(self.class(at + 1), Some(Class::By | Class::For)),
            // "Update dependency parser to 2.0 (#3)" is about a package.
            Some(Class::Label) if at > 0 && self.changes(at - 1) => true,
            Some(Class::Label) => {
                self.class(at + 1) == Some(Class::For) && self.class(at + 2) != Some(Class::Own)
            }
            _ => false,
        }
    }

    /// Whether what follows a reference says that it waits itself: `#5 depends on this`.
    fn is_about_itself(&self, end: usize) -> bool {
        let verb = self.skip(end, 2, &[Class::Linking, Class::Adverb]);
        self.class(verb)
            .and_then(|class| self.phrase_end(verb, class))
            .is_some_and(|_| !matches!(self.class(verb), Some(Class::After | Class::Label)))
    }

    /// References at the beginnings of successive lines, from the line that begins at `at`.
    pub(super) fn leading_lines(&self, at: usize, found: &mut Vec<Found>) -> Option<usize> {
        let mut end = None;
        let mut line = at;
        loop {
            let first = if self.kind(line) == Some(TokenKind::Break) { line + 1 } else { line };
            let reference = self.skip(first, 2, &[Class::Noun]);
            let speaks = self.speaks_on(reference + 1);
            if (line > 0 && first == line) || self.kind(reference) != Some(TokenKind::Reference) || speaks {
                return end;
            }
            line = self.references(reference, reference, found)?;
            end = Some(line);
            line = (line..self.tokens.len()).find(|i| self.kind(*i) == Some(TokenKind::Break))?;
        }
    }

    /// A list of references that begins exactly at `at`; the end of it.
    pub(super) fn references(&self, at: usize, words: usize, found: &mut Vec<Found>) -> Option<usize> {
        if self.kind(at) != Some(TokenKind::Reference) {
            return None;
        }
        let mut at = at;
        loop {
            found.push((at, words));
            let member = self.range(at).map_or(at + 1, |(end, _)| end);
            let end = self.remark_end(member);
            match self.next_of_list(end) {
                Some(next) => at = next,
                None => return Some(end),
            }
        }
    }

    /// The end of a range of the town's own issues that begins at `at`, and its last number: `#3-#7`,
    /// `#3–7`, `#3 through #7`.
    pub(super) fn range(&self, at: usize) -> Option<(usize, u64)> {
        // Most references are none: nothing is parsed before the next token says so.
        if !matches!(self.kind(at + 1)?, TokenKind::Mark('-' | '–' | '—' | '…' | '.') | TokenKind::Word)
        {
            return None;
        }
        let first = self.own_number(at)?;
        let glued = |at: usize| self.tokens[at].end == self.tokens[at + 1].start;
        let last = match self.kind(at + 1)? {
            TokenKind::Mark('-' | '–' | '—' | '…' | '.') if glued(at) && self.kind(at + 2).is_some() => {
                let last = glued(at + 1).then(|| self.of(self.tokens[at + 2]))?;
                self.own_number(at + 2).or_else(|| is_number(last).then(|| last.parse().ok())?)?
            }
            TokenKind::Word if self.class(at + 1)? == Class::Through => self.own_number(at + 2)?,
            _ => return None,
        };
        (first < last && last - first <= LONGEST_RANGE).then_some((at + 3, last))
    }

    /// The number of a reference such as `#7`, without a repository.
    fn own_number(&self, at: usize) -> Option<u64> {
        let token = self.tokens.get(at).filter(|token| token.kind == TokenKind::Reference)?;
        let reference = reference(self.of(*token))?;
        reference.repo.is_none().then_some(reference.number)
    }

    /// Past a remark in parentheses, if one begins here.
    pub(super) fn remark_end(&self, at: usize) -> usize {
        if !self.is_mark(at, &['(']) {
            return at;
        }
        let close = (at..at + LONGEST_REMARK).find(|i| self.is_mark(*i, &[')']));
        close.map_or(at, |close| close + 1)
    }

    /// The next reference of a list whose last member ended at `end`.
    fn next_of_list(&self, end: usize) -> Option<usize> {
        let mut joined = false;
        let mut at = end;
        while at < end + LONGEST_LINK {
            match self.kind(at)? {
                TokenKind::Break => {}
                TokenKind::Mark(',' | '/' | '&' | '+' | ';') => joined = true,
                TokenKind::Reference => {
                    let follows = joined || at == end;
                    return (follows && !self.speaks_on(at + 1)).then_some(at);
                }
                TokenKind::Word => match self.class(at)? {
                    Class::And | Class::Or => joined = true,
                    Class::Turn if self.says(at, &["as", "well", "as"]) => (joined, at) = (true, at + 2),
                    Class::Turn if joined && self.says(at, &["then"]) => {}
                    Class::Noun | Class::Adverb | Class::Filler | Class::On | Class::By if joined => {}
                    _ => return None,
                },
                _ => return None,
            }
            at += 1;
        }
        None
    }

    /// Whether exactly these words begin at `at`.
    fn says(&self, at: usize, words: &[&str]) -> bool {
        let here = (at..).map(|at| self.tokens.get(at).map(|token| self.of(*token)));
        here.zip(words).all(|(token, word)| token.is_some_and(|token| token.eq_ignore_ascii_case(word)))
    }

    /// Whether the word at `at` makes the reference before it the subject of a new sentence.
    fn speaks_on(&self, at: usize) -> bool {
        let verbs =
            [Class::Linking, Class::Closing, Class::Foreign, Class::Negation, Class::Depend, Class::Phrase];
        self.class(at).is_some_and(|class| verbs.contains(&class)) && !self.is_over(at)
    }

    /// `#3, #4 resolved first`: the state of an issue, not what it does to others.
    fn is_over(&self, at: usize) -> bool {
        ["fixed", "closed", "resolved"].iter().any(|word| self.says(at, &[word]))
    }
}
