//! Which references of a block are dependencies: the rules over its words.
//!
//! Three forms count. A *phrase* in prose (`depends on #1`, `merge after #2`) counts where its
//! clause is about this issue and not denied. A *label* (`Blocked by:`) or a *heading*
//! (`## Dependencies`) counts for the rest of its line, or for the list below it. A *sentence*
//! `After #1.` counts if it says nothing else, because in prose "after #1" is nearly always about time.

use super::tokens::{Token, TokenKind};
use super::words::Class;

/// Most tokens of a remark in parentheses between two references of a list.
pub(super) const LONGEST_REMARK: usize = 40;
/// Most words between a phrase and its reference, and between two references of a list.
pub(super) const LONGEST_LINK: usize = 8;

/// What is known of the clause at some place.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "five independent facts; states would multiply them")]
struct Clause {
    /// Nothing of the sentence came before.
    fresh: bool,
    /// Denied, past, or about something else.
    barred: bool,
    /// A reference came before: the clause is about that issue.
    subject: bool,
    /// The whole sentence is about another issue: `#17: blocked by #15`.
    foreign: bool,
    /// The next reference is the object of `fixes` and the like.
    closing: bool,
}

impl Clause {
    const SENTENCE: Self =
        Self { fresh: true, barred: false, subject: false, foreign: false, closing: false };

    /// The next clause of the same sentence.
    fn next(self) -> Self {
        Self { fresh: self.fresh, foreign: self.foreign, ..Self::default() }
    }
}

/// A reference found: its token, and the token at which its words begin.
pub(super) type Found = (usize, usize);

/// A block's text and tokens, with the rules over them.
pub(super) struct Text<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: &'a [Token],
}

impl Text<'_> {
    pub(super) fn of(&self, token: Token) -> &str {
        &self.text[token.start..token.end]
    }

    pub(super) fn kind(&self, at: usize) -> Option<TokenKind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    pub(super) fn class(&self, at: usize) -> Option<Class> {
        let token = self.tokens.get(at).filter(|token| token.kind == TokenKind::Word)?;
        Some(token.class)
    }

    pub(super) fn is_mark(&self, at: usize, marks: &[char]) -> bool {
        matches!(self.kind(at), Some(TokenKind::Mark(c)) if marks.contains(&c))
    }

    pub(super) fn skip(&self, at: usize, most: usize, classes: &[Class]) -> usize {
        let run =
            (at..at + most).take_while(|i| self.class(*i).is_some_and(|class| classes.contains(&class)));
        at + run.count()
    }

    /// Reads phrases, labels and sentences; `foreign` says that all of it is about another issue.
    /// True if the block ends with a label whose list is still to come.
    pub(super) fn prose(&self, foreign: bool, found: &mut Vec<Found>) -> bool {
        let sentence = Clause { foreign, ..Clause::SENTENCE };
        let mut clause = sentence;
        let mut outer = None;
        let mut awaiting = false;
        let mut at = 0;
        while at < self.tokens.len() {
            awaiting = false;
            if let Some(end) = self.phrase(at, clause, found, &mut awaiting) {
                (at, clause) = (end, Clause { foreign, ..Clause::default() });
                continue;
            }
            if self.is_mark(at, &['(']) {
                outer = Some(clause);
                clause = self.remark(at, clause);
                at += 1;
                continue;
            }
            clause = match self.tokens[at].kind {
                TokenKind::Mark(')') => outer.take().unwrap_or(clause),
                TokenKind::Mark(';') if outer.is_some() => Clause { foreign: clause.foreign, ..sentence },
                TokenKind::Mark('.' | '!' | '?' | ';') => sentence,
                TokenKind::Break if self.breaks_sentence(at) => sentence,
                _ => self.step(at, clause),
            };
            at += 1;
        }
        awaiting
    }

    /// The clause inside a parenthesis that begins at `at`.
    fn remark(&self, at: usize, clause: Clause) -> Clause {
        let before = at.checked_sub(1);
        // "none (formerly blocked by #9)": the remark is about the past as well.
        if before.and_then(|before| self.class(before)) == Some(Class::Negation) {
            return clause;
        }
        // "#17 (blocked by #15)", "(#17, blocked by #15)": it is about that issue.
        let named = before.is_some_and(|before| self.kind(before) == Some(TokenKind::Reference));
        let opened = self.kind(self.skip(at + 1, 2, &[Class::Noun])) == Some(TokenKind::Reference);
        let foreign = clause.foreign || ((named || opened) && !clause.closing);
        Clause { foreign, ..clause.next() }
    }

    /// The clause after the token at `at`, which ends no sentence.
    fn step(&self, at: usize, clause: Clause) -> Clause {
        match self.tokens[at].kind {
            TokenKind::Mark(',' | ':' | '[' | ']' | '|' | '-' | '–' | '—' | '→' | '·' | '•') => {
                clause.next()
            }
            TokenKind::Break | TokenKind::Mark(_) => clause,
            TokenKind::Gap => Clause { fresh: false, ..clause },
            TokenKind::Reference if clause.closing => Clause { fresh: false, ..clause },
            TokenKind::Reference => {
                let foreign = clause.foreign || (clause.fresh && !self.is_value(at));
                Clause { fresh: false, subject: true, foreign, ..clause }
            }
            TokenKind::Word => self.step_word(at, clause),
        }
    }

    /// Whether a colon stands before the reference at `at`: `Issue: #17 · Depends on: #15`.
    fn is_value(&self, at: usize) -> bool {
        at.checked_sub(1).is_some_and(|before| self.is_mark(before, &[':']))
    }

    fn step_word(&self, at: usize, clause: Clause) -> Clause {
        let fresh = false;
        // "#11-18 depend on #4" is about others, although no single issue is named.
        if self.of(self.tokens[at]).starts_with('#') {
            return Clause { fresh, subject: true, ..clause };
        }
        match self.class(at).unwrap_or(Class::Other) {
            // "PR #5 is …" is about #5 like "#5 is …".
            Class::Noun => clause,
            Class::Negation | Class::Relative | Class::Removal => {
                Clause { fresh, barred: true, closing: false, ..clause }
            }
            Class::And => Clause { fresh, barred: false, ..clause },
            Class::Turn => Clause { fresh, ..clause.next() },
            Class::Closing | Class::Foreign | Class::Onward => Clause { fresh, closing: true, ..clause },
            // "Part of #5", "a follow-up to #5".
            Class::Or | Class::Filler | Class::Modal | Class::For | Class::On => Clause { fresh, ..clause },
            _ => Clause { fresh, closing: clause.closing && clause.fresh, ..clause },
        }
    }

    /// Whether a line end is also a sentence's end: not where prose was merely wrapped.
    pub(super) fn breaks_sentence(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.kind(before));
        !self.wraps(at)
            || matches!(before, None | Some(TokenKind::Reference | TokenKind::Gap | TokenKind::Break))
    }

    /// Whether the next line goes on in lower case.
    fn wraps(&self, at: usize) -> bool {
        let next = self.tokens.get(at + 1).filter(|next| next.kind == TokenKind::Word);
        next.is_some_and(|next| self.of(*next).starts_with(char::is_lowercase))
    }

    /// A phrase that begins at `at` and makes references dependencies; the end of what it took.
    fn phrase(
        &self,
        at: usize,
        clause: Clause,
        found: &mut Vec<Found>,
        awaiting: &mut bool,
    ) -> Option<usize> {
        let class = self.class(at)?;
        let end = self.phrase_end(at, class)?;
        if clause.barred || ((clause.subject || clause.foreign) && !self.is_own(at)) {
            return None;
        }
        let end = self.past_remark(end, clause);
        let colon = self.is_mark(end, &[':', '=', '→', '-', '–', '—']);
        let labels = clause.fresh || self.begins_segment(at);
        if self.is_asked(end) {
            return None;
        }
        if labels && self.is_mark(end, &['|']) {
            return self.references(self.link(end + 1), at, found);
        }
        if class == Class::After {
            return self.after(at, end, colon, clause, found);
        }
        let link = self.skip(end, LONGEST_LINK, &[Class::Filler, Class::Noun]);
        let ends_line = |at| matches!(self.kind(at), None | Some(TokenKind::Break));
        if ends_line(link + usize::from(self.is_mark(link, &[':']))) && (labels || self.is_mark(link, &[':']))
        {
            return Some(self.label_alone(link, found, awaiting));
        }
        let qualified =
            class == Class::Label && !labels && self.is_mark(end, &[':']) && self.has_only_adjectives(at);
        if colon && self.is_commit_prefix(at, end) {
            return None;
        }
        if colon && (labels || qualified) {
            let taken = self.labelled_from(end + 1, at, found)?;
            let line_end = (taken..taken + LONGEST_REMARK).find(|i| self.kind(*i) == Some(TokenKind::Break));
            return Some(line_end.and_then(|end| self.leading_lines(end, found)).unwrap_or(taken));
        }
        if class == Class::Label && end == at + 1 {
            return None;
        }
        self.references(self.link(end + usize::from(colon)), at, found)
    }

    /// `deps: upgrade the parser (#3)`: a kind of commit, not a label, unless a reference follows at once.
    fn is_commit_prefix(&self, at: usize, end: usize) -> bool {
        self.class(at) == Some(Class::Label)
            && self.of(self.tokens[at]).starts_with(char::is_lowercase)
            && self.kind(self.link(end + 1)) != Some(TokenKind::Reference)
    }

    /// A label with nothing after it on its line: its references follow below.
    fn label_alone(&self, link: usize, found: &mut Vec<Found>, awaiting: &mut bool) -> usize {
        let end = link + usize::from(self.is_mark(link, &[':']));
        *awaiting = self.kind(end).is_none();
        self.leading_lines(end, found).unwrap_or(end)
    }

    /// Past what may stand between phrase and colon: `Depends on (hard):`, `Blocked by upstream:`.
    fn past_remark(&self, end: usize, clause: Clause) -> usize {
        let words = if clause.fresh { self.skip(end, 2, &[Class::Other]) } else { end };
        let past = self.remark_end(words);
        let denied = (end..past).any(|i| matches!(self.class(i), Some(Class::Negation | Class::Foreign)));
        if past > end && self.is_mark(past, &[':']) && !denied { past } else { end }
    }

    /// Whether the sentence around `at` ends with a question mark.
    fn is_asked(&self, at: usize) -> bool {
        let ends = |i: &usize| {
            self.is_mark(*i, &['.', '!', '?', ';', ')', '|'])
                || (self.kind(*i) == Some(TokenKind::Break) && self.breaks_sentence(*i))
        };
        (at..self.tokens.len().min(at + LONGEST_REMARK)).find(ends).is_some_and(|i| self.is_mark(i, &['?']))
    }

    /// The end of a phrase that begins at `at`, without what it refers to.
    pub(super) fn phrase_end(&self, at: usize, class: Class) -> Option<usize> {
        let inner = self.skip(at + 1, 2, &[Class::Adverb]);
        match class {
            Class::Label if self.class(at + 1) == Some(Class::On) => Some(at + 2),
            Class::Phrase | Class::Label | Class::After => Some(at + 1),
            Class::Depend if self.is_mark(at + 1, &[':']) => Some(at + 1),
            Class::Depend => (self.class(inner) == Some(Class::On)).then_some(inner + 1),
            Class::Blocked => matches!(self.class(inner), Some(Class::By | Class::On)).then_some(inner + 1),
            _ => None,
        }
    }

    /// Whether the phrase at `at` has `this`, `it` or `this PR` as its subject.
    fn is_own(&self, at: usize) -> bool {
        let back = |at: usize, classes: &[Class]| {
            let run =
                (0..at).rev().take(3).take_while(|i| self.class(*i).is_some_and(|c| classes.contains(&c)));
            at - run.count()
        };
        let subject = back(back(at, &[Class::Linking, Class::Adverb]), &[Class::Noun]);
        subject.checked_sub(1).and_then(|i| self.class(i)) == Some(Class::Own)
    }

    /// Past the words that may stand between a phrase and its reference.
    pub(super) fn link(&self, at: usize) -> usize {
        let mut at = at;
        if self.kind(at) == Some(TokenKind::Break) {
            at += 1;
        }
        let between = [Class::Filler, Class::Noun, Class::Adverb, Class::Within];
        let at = self.skip(at, LONGEST_LINK, &between);
        at + usize::from(self.is_mark(at, &['[', '(']))
    }

    /// `After #1.` as a whole sentence, `After: #1`, and `merge after #1`.
    fn after(
        &self,
        at: usize,
        end: usize,
        colon: bool,
        clause: Clause,
        found: &mut Vec<Found>,
    ) -> Option<usize> {
        if colon && (clause.fresh || self.is_ordered(at)) {
            return self.labelled_from(end + 1, at, found);
        }
        let mut list = Vec::new();
        let taken = self.references(self.link(end), at, &mut list)?;
        let closed = match self.kind(taken) {
            None => true,
            Some(TokenKind::Break) => !self.wraps(taken),
            _ => self.is_mark(taken, &['.', '!', ';']),
        };
        if (clause.fresh && closed) || self.is_ordered(at) {
            found.append(&mut list);
            return Some(taken);
        }
        None
    }

    /// Whether the words before `after` say what is to happen: `merge`, `should be done`.
    fn is_ordered(&self, after: usize) -> bool {
        let before = |at: usize| at.checked_sub(1).and_then(|at| self.class(at));
        let verb = match before(after) {
            Some(Class::Own | Class::Noun | Class::Adverb) => after - 1,
            _ => after,
        };
        let verb = if before(verb) == Some(Class::Own) { verb - 1 } else { verb };
        match before(verb) {
            Some(Class::Verb) => match before(verb - 1) {
                None => !matches!(verb.checked_sub(2).and_then(|i| self.kind(i)), Some(TokenKind::Word)),
                Some(class) => matches!(class, Class::Modal | Class::Adverb | Class::And | Class::Or),
            },
            Some(Class::Participle) => matches!(before(verb - 1), Some(Class::Modal | Class::Adverb)),
            _ => false,
        }
    }

    /// Whether it begins with a reference: `#17: …`, `PR #17 …`.
    pub(super) fn begins_with_reference(&self) -> bool {
        self.kind(self.skip(0, 2, &[Class::Noun])) == Some(TokenKind::Reference)
    }

    pub(super) fn ends_with_colon(&self) -> bool {
        self.tokens.last().is_some_and(|token| token.kind == TokenKind::Mark(':'))
    }

    /// Where the last line begins.
    pub(super) fn last_line(&self) -> usize {
        self.tokens.iter().rposition(|token| token.kind == TokenKind::Break).map_or(0, |at| at + 1)
    }
}
