//! Kept cases of the proof: each breaks its promise with its mutant planted, and breaks none without.

#[cfg(feature = "stories")]
mod redis;

use std::collections::BTreeSet;

use tinytown_core::mutant::Mutant;
use tinytown_tests::proof::{OF_GATES, OF_SQLITE, Regression, play};

fn kept() -> Vec<(String, Regression)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/regressions");
    let mut kept = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder of kept cases").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(entry.path()).expect("a file that can be read");
        kept.push((name.clone(), Regression::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"))));
    }
    kept.sort_by(|one, other| one.0.cmp(&other.0));
    kept
}

#[test]
fn kept_cases_break_no_promise() {
    for (name, kept) in kept() {
        let outcome = play(&kept.case, true);
        assert_eq!(outcome.violation, None, "{name}\n{}", outcome.log.join("\n"));
    }
}

#[test]
fn kept_cases_notice_their_mutants() {
    for (name, kept) in kept() {
        let Some(breaks) = &kept.breaks else { continue };
        let broken = kept.play().violation;
        assert_eq!(broken.map(|violation| violation.guarantee), Some(breaks.as_str()), "{name}");
    }
}

/// What no single case shows: only playing twice, or in pairs, does.
const SHOWN_BY_PAIRS: &[Mutant] = &[Mutant::CounterInDecision, Mutant::ChanceInDecision];

#[test]
fn every_mutant_has_a_kept_case() {
    let known: BTreeSet<String> = kept().into_iter().filter_map(|(_, kept)| kept.mutant).collect();
    let without = [OF_SQLITE, OF_GATES, SHOWN_BY_PAIRS].concat();
    for mutant in Mutant::ALL.iter().filter(|mutant| !without.contains(mutant)) {
        assert!(known.contains(mutant.name()), "{} has no kept case", mutant.name());
    }
}
