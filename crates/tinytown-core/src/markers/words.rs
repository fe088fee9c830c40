//! The vocabulary of dependencies: what a single word can mean.

/// What a word means to the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// `depends`, which wants an `on`.
    Depend,
    /// `blocked`, which wants a `by`.
    Blocked,
    /// A whole phrase in one word: `depends-on`, `blocked-by`, `requires`.
    Phrase,
    /// A noun that heads a list: `dependencies`.
    Label,
    /// `after`.
    After,
    /// `on`, `upon`.
    On,
    /// `by`.
    By,
    /// Joins references, and ends the reach of a negation.
    And,
    /// Joins references.
    Or,
    /// Denies what follows in its clause, or moves it to the past.
    Negation,
    /// `removes`: denies a dependency in prose; in a list it is the beginning of a title.
    Removal,
    /// `downstream`, `enables`: another relation than ours if it stands right before a colon or reference.
    Onward,
    /// Begins a clause about something else, or a condition.
    Relative,
    /// Begins a clause of its own: `but`, `because`.
    Turn,
    /// `fixes`, `closes`: the reference after it is not the sentence's subject.
    Closing,
    /// Another relation than ours: `blocks`, `related`, `parent`, `see`.
    Foreign,
    /// `required`, `needed`: ours, but reversed by `by` or `for`.
    Passive,
    /// `through`: between the ends of a range.
    Through,
    /// `for`.
    For,
    /// `issue`, `PR`: stands before a reference.
    Noun,
    /// Stands between phrase and reference without changing anything: `the completion of`.
    Filler,
    /// `in`, `from`: the same, but not between the references of a list.
    Within,
    /// `only`, `also`: stands inside a phrase.
    Adverb,
    /// `merge`, `land`: what is to happen after something.
    Verb,
    /// `merged`, `done`: the same after `should be`.
    Participle,
    /// `should`, `must`, `to`, `be`, `please`.
    Modal,
    /// `is`, `has`: the reference before it begins a sentence of its own.
    Linking,
    /// `this`, `it`: the issue itself.
    Own,
    /// Anything else.
    Other,
}

/// The longest word that means anything.
const LONGEST: usize = 16;

/// What a word means, in whatever case.
pub(super) fn class(word: &str) -> Class {
    if word.len() > 3 && (ends_with(word, "n't") || ends_with(word, "n\u{2019}t")) {
        return Class::Negation;
    }
    let mut lower = [0; LONGEST];
    let Some(lower) = lower.get_mut(..word.len()) else { return Class::Other };
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    std::str::from_utf8(lower).map_or(Class::Other, class_of_lower)
}

fn ends_with(word: &str, end: &str) -> bool {
    let tail = word.len().checked_sub(end.len()).and_then(|at| word.get(at..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

#[rustfmt::skip]
fn class_of_lower(word: &str) -> Class {
    match word {
        "depends" | "depend" | "dependent" | "dependant" => Class::Depend,
        "blocked" => Class::Blocked,
        "depends-on" | "depends_on" | "blocked-by" | "blocked_by" | "blocked-on" | "dependson" | "blockedby" | "requires" | "require" => Class::Phrase,
        "dependencies" | "dependency" | "deps" | "prerequisites" | "prerequisite" | "pre-requisites" | "pre-requisite"
        | "prereqs" | "prereq" => Class::Label,
        "after" => Class::After,
        "on" | "upon" => Class::On,
        "by" => Class::By,
        "and" => Class::And,
        "or" | "and/or" | "plus" => Class::Or,
        "no" | "not" | "none" | "never" | "nothing" | "nobody" | "neither" | "nor" | "n/a" | "na" | "without"
        | "cannot" | "longer" | "formerly" | "previously" | "originally" | "used" | "was" | "were" | "had"
        | "instead" | "maybe" | "may" | "might" | "best" | "ideally" | "preferably"
        | "possibly" | "perhaps" | "potentially"
        // The same in the languages in which people write around English markers.
        | "无" | "無" | "原" | "没有" | "なし" | "없음" | "kein" | "keine" | "nicht" | "ehemals" | "früher" | "aucun"
        | "aucune" | "anciennement" | "ninguna" | "ninguno" | "nenhuma" | "nenhum" | "nessuna" | "nessuno" | "нет"
        | "brak" | "geen" => Class::Negation,
        "remove" | "removes" | "removed" | "drop" | "drops" | "dropped" => Class::Removal,
        "downstream" | "dependents" | "enables" | "unlocks" | "soft" => Class::Onward,
        "which" | "that" | "who" | "whose" | "if" | "unless" | "whether" => Class::Relative,
        "but" | "because" | "since" | "as" | "so" | "while" | "although" | "however" | "yet" | "then" => Class::Turn,
        "fix" | "fixes" | "fixed" | "close" | "closes" | "closed" | "resolve" | "resolves" | "resolved"
        | "implements" | "addresses" | "obsoletes" | "supersedes"
        | "replaces" | "conflicts" => Class::Closing,
        "blocks" | "blocking" | "blocker" | "blockers" | "unblocks" | "unblocked" | "related" | "relates" | "parent" | "parents"
        | "child" | "children" | "epic" | "part" | "supports" | "integrates" | "works" | "duplicate" | "duplicates"
        | "follow-up" | "followup" | "optional" | "recommended" | "refs" | "ref" | "see" | "cf" => Class::Foreign,
        "required" | "needed" | "wanted" | "depended" => Class::Passive,
        "for" => Class::For,
        "through" | "thru" => Class::Through,
        "issue" | "issues" | "pr" | "prs" | "pull" | "pulls" | "request" | "requests" | "ticket" | "tickets"
        | "task" | "tasks" | "subtask" | "story" | "stories" | "mr" | "bug" => Class::Noun,
        "in" | "from" | "changes" | "change" | "work" | "implementation" | "merging" | "landing" => Class::Within,
        "the" | "completion" | "outcome"
        | "of" | "following" | "these" | "both" | "all" | "either"
        | "any" | "at" | "least" | "one" => Class::Filler,
        "only" | "also" | "directly" | "strictly" | "strongly" | "heavily" | "currently" | "still" | "now" => Class::Adverb,
        "merge" | "land" | "implement" | "start" | "begin" | "ship" | "do" | "deploy" | "release" => Class::Verb,
        "merged" | "landed" | "started" | "begun" | "shipped" | "done" | "deployed" | "released" | "scheduled"
        | "implemented" | "completed" | "executed" | "applied" | "built" | "published" | "worked" | "reviewed" | "enabled"
        | "picked" | "tackled" | "finished" => Class::Participle,
        "should" | "must" | "to" | "be" | "please" | "can" | "needs" => Class::Modal,
        "is" | "are" | "has" | "have" | "will" | "does" | "adds" | "need" | "gets" => Class::Linking,
        "this" | "it" | "we" | "i" => Class::Own,
        _ => Class::Other,
    }
}
