//! Making a failing case small: fewer items, fewer faults, as long as it breaks the same promise.

use std::collections::BTreeSet;

use super::{Case, FaultId, play};

/// The smallest case found that breaks the same promise as `case` does; `case` itself if it breaks none.
pub fn minimise(case: &Case) -> Case {
    let outcome = play(case, false);
    let Some(violation) = outcome.violation else { return case.clone() };
    let breaks =
        |case: &Case| play(case, false).violation.is_some_and(|other| other.guarantee == violation.guarantee);
    let mut small = Case { only: Some(outcome.fired.iter().copied().collect()), ..case.clone() };
    if !breaks(&small) {
        return case.clone();
    }
    for items in 1..=8 {
        let fewer = Case { items: Some(items), ..small.clone() };
        if breaks(&fewer) {
            small = fewer;
            break;
        }
    }
    without_faults(small, breaks)
}

/// Leaves out ever smaller groups of faults (Zeller, Hildebrandt: Simplifying and isolating
/// failure-inducing input, 2002).
fn without_faults(mut small: Case, breaks: impl Fn(&Case) -> bool) -> Case {
    let mut size = small.only.as_ref().map_or(0, BTreeSet::len).div_ceil(2);
    while size > 0 {
        let faults: Vec<FaultId> = small.only.iter().flatten().copied().collect();
        let mut left = faults.clone();
        for group in faults.chunks(size) {
            let rest: BTreeSet<FaultId> =
                left.iter().filter(|fault| !group.contains(fault)).copied().collect();
            let fewer = Case { only: Some(rest.clone()), ..small.clone() };
            if breaks(&fewer) {
                left = rest.into_iter().collect();
                small = fewer;
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    small
}
