//! Which references of a block are dependencies: the rules over its words.
//!
//! Three forms count. A *phrase* in prose (`depends on #1`, `merge after #2`) counts where its
//! clause is about this issue and not denied. A *label* (`Blocked by:`) or a *heading*
//! (`## Dependencies`) counts for the rest of its line, or for the list below it. A *sentence*
//! `After #1.` counts if it says nothing else, because in prose "after #1" is nearly always about time.

use super::tokens::{Token, TokenKind};
use super::words::Class;

/// Most tokens of a remark in parentheses between two references of a list.
const LONGEST_REMARK: usize = 40;
/// Most words between a phrase and its reference, and between two references of a list.
const LONGEST_LINK: usize = 8;

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

    fn kind(&self, at: usize) -> Option<TokenKind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn class(&self, at: usize) -> Option<Class> {
        let token = self.tokens.get(at).filter(|token| token.kind == TokenKind::Word)?;
        Some(token.class)
    }

    fn is_mark(&self, at: usize, marks: &[char]) -> bool {
        matches!(self.kind(at), Some(TokenKind::Mark(c)) if marks.contains(&c))
    }

    fn skip(&self, at: usize, most: usize, classes: &[Class]) -> usize {
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
            }
            clause = match self.tokens[at].kind {
                TokenKind::Mark(')') => outer.take().unwrap_or(clause),
                TokenKind::Mark('.' | '!' | '?' | ';') => sentence,
                TokenKind::Break if self.breaks_sentence(at) => sentence,
                _ => self.step(at, clause),
            };
            at += 1;
        }
        awaiting
    }

    /// The clause after the token at `at`, which ends no sentence.
    fn step(&self, at: usize, clause: Clause) -> Clause {
        match self.tokens[at].kind {
            TokenKind::Mark(',' | ':' | '(' | '[' | ']' | '|' | '-' | '–' | '—' | '→') => clause.next(),
            TokenKind::Break | TokenKind::Mark(_) => clause,
            TokenKind::Gap => Clause { fresh: false, ..clause },
            TokenKind::Reference if clause.closing => Clause { fresh: false, ..clause },
            TokenKind::Reference => {
                Clause { fresh: false, subject: true, foreign: clause.foreign || clause.fresh, ..clause }
            }
            TokenKind::Word => self.step_word(at, clause),
        }
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
            Class::Negation | Class::Relative => Clause { fresh, barred: true, closing: false, ..clause },
            Class::And => Clause { fresh, barred: false, ..clause },
            Class::Or => Clause { fresh, ..clause },
            Class::Turn => Clause { fresh, ..clause.next() },
            Class::Closing | Class::Foreign => Clause { fresh, closing: true, ..clause },
            _ => Clause { fresh, closing: clause.closing && clause.fresh, ..clause },
        }
    }

    /// Whether a line end is also a sentence's end: not where prose was merely wrapped.
    fn breaks_sentence(&self, at: usize) -> bool {
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
        let colon = self.is_mark(end, &[':', '=', '→', '-', '–', '—']);
        if class == Class::After {
            return self.after(at, end, colon, clause, found);
        }
        let link = self.skip(end, LONGEST_LINK, &[Class::Filler, Class::Noun]);
        let ends_line = |at| matches!(self.kind(at), None | Some(TokenKind::Break));
        if ends_line(link + usize::from(self.is_mark(link, &[':'])))
            && (clause.fresh || self.is_mark(link, &[':']))
        {
            return Some(self.label_alone(link, found, awaiting));
        }
        if colon && clause.fresh {
            let taken = self.labelled_from(end + 1, at, found)?;
            let line_end = (taken..taken + LONGEST_REMARK).find(|i| self.kind(*i) == Some(TokenKind::Break));
            return Some(line_end.and_then(|end| self.leading_lines(end, found)).unwrap_or(taken));
        }
        if class == Class::Label && end == at + 1 {
            return None;
        }
        self.references(self.link(end + usize::from(colon)), at, found)
    }

    /// A label with nothing after it on its line: its references follow below.
    fn label_alone(&self, link: usize, found: &mut Vec<Found>, awaiting: &mut bool) -> usize {
        let end = link + usize::from(self.is_mark(link, &[':']));
        *awaiting = self.kind(end).is_none();
        self.leading_lines(end, found).unwrap_or(end)
    }

    /// The end of a phrase that begins at `at`, without what it refers to.
    fn phrase_end(&self, at: usize, class: Class) -> Option<usize> {
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
    fn link(&self, at: usize) -> usize {
        let mut at = at;
        if self.kind(at) == Some(TokenKind::Break) {
            at += 1;
        }
        let at = self.skip(at, LONGEST_LINK, &[Class::Filler, Class::Noun, Class::Adverb]);
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
        if colon && clause.fresh {
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
            Some(Class::Own | Class::Noun) => after - 1,
            _ => after,
        };
        let verb = if before(verb) == Some(Class::Own) { verb - 1 } else { verb };
        match before(verb) {
            Some(Class::Verb) => match before(verb - 1) {
                None => !matches!(verb.checked_sub(2).and_then(|i| self.kind(i)), Some(TokenKind::Word)),
                Some(class) => class == Class::Modal || class == Class::Adverb,
            },
            Some(Class::Participle) => matches!(before(verb - 1), Some(Class::Modal | Class::Adverb)),
            _ => false,
        }
    }

    /// The first list of references of the line that begins at `at`, unless its words speak of another relation.
    pub(super) fn labelled(&self, at: usize, found: &mut Vec<Found>) -> Option<usize> {
        self.labelled_from(at, at, found)
    }

    fn labelled_from(&self, at: usize, words: usize, found: &mut Vec<Found>) -> Option<usize> {
        let mut i = at;
        loop {
            match self.kind(i)? {
                TokenKind::Break if i > at && self.breaks_sentence(i) => return None,
                TokenKind::Mark('.' | '!' | '?' | ';') => return None,
                TokenKind::Reference => break,
                TokenKind::Word if self.reverses(i) => return None,
                _ => i += 1,
            }
        }
        let mut list = Vec::new();
        let end = self.references(i, words, &mut list)?;
        if self.is_about_itself(end) {
            return None;
        }
        found.append(&mut list);
        Some(end)
    }

    /// Whether a word before the references of a labelled line speaks of another relation.
    fn reverses(&self, at: usize) -> bool {
        match self.class(at) {
            Some(Class::Negation | Class::Relative | Class::Foreign) => true,
            // "Fixes #5" is another relation; "Fix the login (#5)" is a title.
            Some(Class::Closing) => {
                let next = self.skip(at + 1, 2, &[Class::Noun]);
                self.kind(next + usize::from(self.is_mark(next, &[':']))) == Some(TokenKind::Reference)
            }
            Some(Class::Passive) => matches!(self.class(at + 1), Some(Class::By | Class::For)),
            Some(Class::Label) => self.class(at + 1) == Some(Class::For),
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
    fn references(&self, at: usize, words: usize, found: &mut Vec<Found>) -> Option<usize> {
        if self.kind(at) != Some(TokenKind::Reference) {
            return None;
        }
        let mut at = at;
        loop {
            found.push((at, words));
            let end = self.remark_end(at + 1);
            match self.next_of_list(end) {
                Some(next) => at = next,
                None => return Some(end),
            }
        }
    }

    /// Past a remark in parentheses, if one begins here.
    fn remark_end(&self, at: usize) -> usize {
        if !self.is_mark(at, &['(']) {
            return at;
        }
        let close = (at..at + LONGEST_REMARK).find(|i| self.is_mark(*i, &[')']));
        close.map_or(at, |close| close + 1)
    }

    /// The next reference of a list whose last member ended at `end`.
    fn next_of_list(&self, end: usize) -> Option<usize> {
        let mut joined = false;
        for at in end..end + LONGEST_LINK {
            match self.kind(at)? {
                TokenKind::Break => {}
                TokenKind::Mark(',' | '/' | '&' | '+' | ';') => joined = true,
                TokenKind::Reference => {
                    let follows = joined || at == end;
                    return (follows && !self.speaks_on(at + 1)).then_some(at);
                }
                TokenKind::Word => match self.class(at)? {
                    Class::And | Class::Or => joined = true,
                    Class::Noun | Class::Adverb | Class::Filler | Class::On | Class::By if joined => {}
                    _ => return None,
                },
                _ => return None,
            }
        }
        None
    }

    /// Whether the word at `at` makes the reference before it the subject of a new sentence.
    fn speaks_on(&self, at: usize) -> bool {
        let verbs =
            [Class::Linking, Class::Closing, Class::Foreign, Class::Negation, Class::Depend, Class::Phrase];
        self.class(at).is_some_and(|class| verbs.contains(&class))
    }

    /// `## Dependencies`, `## Blocked by`: nothing but words of dependency.
    pub(super) fn is_dependency_heading(&self) -> bool {
        let mut ours = false;
        for at in 0..self.tokens.len() {
            match (self.kind(at), self.class(at)) {
                (Some(TokenKind::Reference), _) => return ours,
                (_, Some(Class::Label | Class::Phrase)) => ours = true,
                (_, Some(class @ (Class::Depend | Class::Blocked))) => {
                    ours |= self.phrase_end(at, class).is_some();
                }
                (Some(TokenKind::Mark(_) | TokenKind::Gap), _)
                | (_, Some(Class::On | Class::By | Class::And | Class::Noun | Class::Filler)) => {}
                (_, Some(Class::Other)) if self.is_heading_filler(at) => {}
                _ => return false,
            }
        }
        ours
    }

    fn is_heading_filler(&self, at: usize) -> bool {
        let fillers = ["waiting", "hard", "upstream"];
        fillers.iter().any(|filler| self.of(self.tokens[at]).eq_ignore_ascii_case(filler))
    }

    /// Whether the line that begins at `at` names another relation in its first words.
    pub(super) fn is_foreign(&self, at: usize) -> bool {
        (at..at + LONGEST_LINK).any(|i| self.reverses(i))
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
