//! Which headings, and which labels without references, begin a list of dependencies or of something else.

use std::ops::Range;

use super::grammar::{LONGEST_LINK, Text};
use super::tokens::TokenKind;
use super::words::Class;

/// Most tokens of a label of something else that has no colon.
pub(super) const LONGEST_LABEL: usize = 4;
/// Most words before the noun of a heading or label: `Known hard dependencies`.
const MOST_ADJECTIVES: usize = 3;

impl Text<'_> {
    /// `## Dependencies`, `## Blocked by`, `## Upstream dependencies (all must be merged)`: words of
    /// dependency, a few adjectives before them, remarks after them.
    pub(super) fn is_dependency_heading(&self) -> bool {
        let (mut ours, mut adjectives) = (false, 0);
        let mut at = 0;
        while let Some(kind) = self.kind(at) {
            match kind {
                TokenKind::Reference => return ours,
                TokenKind::Mark('-' | '–' | '—') if ours => return self.is_plain(at..self.tokens.len()),
                _ if ours && self.is_aside(at) => at = self.remark_end(at) - 1,
                TokenKind::Word if self.names_dependencies(at) => ours = true,
                TokenKind::Word if ours && self.class(at) == Some(Class::For) => {
                    if self.class(at + 1) != Some(Class::Own) {
                        return false;
                    }
                    at += 1;
                }
                TokenKind::Word if self.class(at) == Some(Class::Other) => adjectives += 1,
                _ => {}
            }
            if kind == TokenKind::Word && !self.fits_heading(at, ours) {
                return false;
            }
            at += 1;
        }
        ours && adjectives <= MOST_ADJECTIVES
    }

    /// Whether the word at `at` is `dependencies`, or begins `depends on`, `blocked by` and the like.
    fn names_dependencies(&self, at: usize) -> bool {
        match self.class(at) {
            Some(Class::Label) => !self.qualifies(at + 1),
            Some(Class::Phrase) => true,
            Some(class @ (Class::Depend | Class::Blocked)) => self.phrase_end(at, class).is_some(),
            _ => false,
        }
    }

    /// Whether a word may stand in such a heading; `ours` says that its noun came before.
    fn fits_heading(&self, at: usize, ours: bool) -> bool {
        match self.class(at) {
            Some(Class::On | Class::By | Class::And | Class::Noun | Class::Filler | Class::Adverb) => true,
            Some(Class::Own) => !ours || self.class(at - 1) == Some(Class::For),
            Some(Class::Other) => (!ours && !self.changes(at)) || (ours && self.follows_and(at)),
            Some(Class::Foreign) if ours => self.is_blocker(at),
            Some(Class::Foreign) => self.is_blocking(at) && self.class(at + 1) == Some(Class::Label),
            _ => self.names_dependencies(at),
        }
    }

    /// A remark after a heading's noun: in parentheses, without a word of denial or of another relation.
    fn is_aside(&self, at: usize) -> bool {
        let end = self.remark_end(at);
        end > at && self.is_plain(at..end)
    }

    /// Whether no word denies or speaks of another relation.
    fn is_plain(&self, mut words: Range<usize>) -> bool {
        let strange = [Class::Negation, Class::Foreign, Class::Relative, Class::Closing];
        !words.any(|i| self.class(i).is_some_and(|class| strange.contains(&class)))
    }

    /// Whether the word at `at` makes the noun before it an adjective: `dependency graph`.
    fn qualifies(&self, at: usize) -> bool {
        matches!(self.class(at), Some(Class::Other | Class::Noun | Class::Verb))
            && self.tokens[at - 1].end + 1 == self.tokens[at].start
    }

    /// `and risks`: what else a heading names.
    fn follows_and(&self, at: usize) -> bool {
        let before = at.checked_sub(1);
        before.is_some_and(|before| {
            self.class(before) == Some(Class::And) || self.is_mark(before, &['&', '/', '+', ','])
        })
    }

    fn is_blocking(&self, at: usize) -> bool {
        self.of(self.tokens[at]).eq_ignore_ascii_case("blocking")
    }

    fn is_blocker(&self, at: usize) -> bool {
        ["blocker", "blockers"].iter().any(|word| self.of(self.tokens[at]).eq_ignore_ascii_case(word))
    }

    /// Whether the line that begins at `at` names another relation in its first words.
    pub(super) fn is_foreign(&self, at: usize) -> bool {
        (at..at + LONGEST_LINK).any(|i| self.reverses(i))
    }

    /// `**Blocks**` alone: a few words without a reference, the first of them of another relation.
    pub(super) fn is_foreign_label(&self) -> bool {
        let short = self.tokens.len() <= LONGEST_LABEL
            && self.tokens.iter().all(|token| token.kind != TokenKind::Reference);
        short && self.reverses(0)
    }

    /// Whether the noun at `at` heads a label with adjectives: `Hard dependencies: #3`.
    pub(super) fn has_only_adjectives(&self, at: usize) -> bool {
        let words = (0..at).rev().take_while(|i| match self.class(*i) {
            Some(Class::Other) => !self.changes(*i),
            Some(Class::Foreign) => self.is_blocking(*i),
            class => matches!(class, Some(Class::Filler | Class::Adverb)),
        });
        let begin = at - words.take(MOST_ADJECTIVES + 2).count();
        let opens = begin.checked_sub(1).is_none_or(|before| {
            self.begins_segment(begin)
                || matches!(
                    self.kind(before),
                    Some(TokenKind::Break | TokenKind::Mark('.' | '!' | '?' | ';' | '(' | ')'))
                )
        });
        opens && at - begin <= MOST_ADJECTIVES + 1
    }

    /// A word about changing packages rather than about waiting: `Bump dependencies: #5`.
    pub(super) fn changes(&self, at: usize) -> bool {
        let verbs = [
            "update", "updates", "updated", "bump", "bumps", "bumped", "upgrade", "upgrades", "upgraded",
            "add", "added",
        ];
        verbs.iter().any(|verb| self.of(self.tokens[at]).eq_ignore_ascii_case(verb))
    }

    /// Whether a cell or a part between bullets (`Epic: #1 · Depends on: #2`) begins at `at`.
    pub(super) fn begins_segment(&self, at: usize) -> bool {
        at.checked_sub(1).is_some_and(|before| self.is_mark(before, &['|', '·', '•']))
    }
}
