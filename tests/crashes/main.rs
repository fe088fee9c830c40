//! Crash atomicity, enumerated (guarantee G7): a real process makes each kind of call to SQLite and dies
//! at each point inside it; what it left must be the model's state before or after, and nothing else.

mod call;
mod enumerate;
mod everything;
mod formalities;
mod kinds;
mod record;
mod walk;

use std::collections::BTreeSet;
use std::ops::Range;

use enumerate::{Tally, cases, crash_all};
use record::Recorded;
use tinytown_core::mutant::Mutant;

/// Seeds of towns in which so many things happen. Small towns come first: their files are copied often.
const SMALL: (Range<u64>, usize) = (0..60, 50);
const LARGE: (Range<u64>, usize) = (60..1000, 300);
/// Others, in which chance looks for something that is not known.
const OTHERS: (Range<u64>, usize) = (1000..1100, 300);

/// Towns that together show every kind, each cut short after the last that it shows first; each call
/// with the kinds that it shows first. And the kinds that none of them shows.
fn recording() -> (Vec<Vec<Recorded>>, BTreeSet<String>) {
    let mut missing = kinds::all();
    let mut towns = Vec::new();
    let formal = std::iter::once(formalities::formalities());
    for mut town in formal.chain(walks(SMALL)).chain(walks(LARGE)) {
        for one in &mut town {
            one.kinds.retain(|kind| missing.remove(kind));
        }
        let last = town.iter().rposition(|one| !one.kinds.is_empty());
        town.truncate(last.map_or(0, |last| last + 1));
        towns.push(town);
        if missing.is_empty() {
            break;
        }
    }
    towns.retain(|town| !town.is_empty());
    (towns, missing)
}

fn walks((seeds, steps): (Range<u64>, usize)) -> impl Iterator<Item = Vec<Recorded>> {
    seeds.map(move |seed| walk::walk(seed, steps))
}

#[expect(clippy::print_stdout, reason = "a proof says what it tried")]
fn say(words: &str) {
    println!("{words}");
}

#[test]
fn a_crash_at_any_point_of_any_transition_leaves_the_state_before_or_after() {
    let folder = tempfile::tempdir().expect("a folder");
    let (towns, missing) = recording();
    assert_eq!(missing, BTreeSet::new(), "kinds of transitions that no town shows");
    let cases = cases(&towns, folder.path());
    let tally = crash_all(&cases, None, false);
    say(&format!("{} kinds of transitions: {tally}", kinds::all().len()));
    assert_eq!(tally.third, Vec::<String>::new());
    assert_eq!(tally.points, tally.before + tally.after);
}

#[test]
fn the_engine_makes_no_transition_that_is_not_enumerated() {
    let known = kinds::all();
    let kinds = walks(OTHERS).flatten().flat_map(|one| one.kinds);
    let unknown: BTreeSet<String> = kinds.filter(|kind| !known.contains(kind)).collect();
    assert_eq!(unknown, BTreeSet::new(), "place them in kinds.rs");
}

fn caught(mutant: Mutant) -> Tally {
    let folder = tempfile::tempdir().expect("a folder");
    let towns = vec![formalities::formalities()];
    let tally = crash_all(&cases(&towns, folder.path()), Some(mutant), true);
    say(&format!("{mutant:?}: {tally}; {}", tally.third.first().map_or("", String::as_str)));
    tally
}

#[test]
fn a_commit_without_a_transaction_is_noticed() {
    assert!(!caught(Mutant::CommitWithoutTransaction).third.is_empty());
}

#[test]
fn an_acknowledgement_apart_from_its_commit_is_noticed() {
    assert!(!caught(Mutant::AcknowledgedApart).third.is_empty());
}
