//! A case: everything that a run of the world follows from.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tinytown_core::id::MissionId;
use tinytown_core::simulate::{Dice, Scenario};

use super::clocks::Ms;
use super::faults::{FaultId, Faults, Kind};

/// A case. The seed says it all, unless something was left out of it since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What everything is drawn from.
    pub seed: u64,
    /// How many items each mission has, if not as drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<usize>,
    /// Honest agents and a friendly forge.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub friendly: bool,
    /// The faults that may fire; all that are drawn if none are named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<BTreeSet<FaultId>>,
    /// Only faults of these kinds, at their highest rates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<Kind>>,
}

impl Case {
    /// The case of a seed, with honest agents and a friendly forge, and only such faults.
    pub fn steady(seed: u64, kinds: &[Kind]) -> Self {
        Self { friendly: true, kinds: Some(kinds.to_vec()), ..Self::of(seed) }
    }

    /// The case of a seed.
    pub const fn of(seed: u64) -> Self {
        Self { seed, items: None, friendly: false, only: None, kinds: None }
    }

    fn dice(&self) -> Dice {
        Dice::new(self.seed).of("case")
    }

    fn draw(&self, least: u64, most: u64, what: &str) -> u64 {
        self.dice().between(least, most, what, 0)
    }

    /// How many missions it has.
    pub fn missions(&self) -> u64 {
        1 + u64::from(self.draw(0, 4, "missions") == 0)
    }

    /// Its missions, with their scripts.
    pub fn scenarios(&self) -> BTreeMap<MissionId, Scenario> {
        let items = self.items.unwrap_or_else(|| usize::try_from(self.draw(1, 9, "items")).unwrap_or(1));
        let draw = if self.friendly { Scenario::friendly } else { Scenario::drawn };
        (1..=self.missions())
            .map(|nth| {
                let mut scenario = draw(self.seed.wrapping_mul(31).wrapping_add(nth), items);
                // Pairs are to show that reviews end alike, too; measuring is done without.
                if self.friendly && self.kinds.is_some() {
                    scenario.policy.reviewer_required = self.draw(0, 1, "reviews") == 1;
                    scenario.chance.changes = 0.3;
                }
                // What happens besides is up to this world's own disturbances.
                scenario.meanwhile.clear();
                for issue in &mut scenario.issues {
                    issue.number += (nth - 1) * 1000;
                    for on in &mut issue.after {
                        *on += (nth - 1) * 1000;
                    }
                }
                (MissionId(uuid::Uuid::from_u128(u128::from(nth))), scenario)
            })
            .collect()
    }

    /// Its faults.
    pub fn faults(&self) -> Faults {
        let mut faults = Faults::drawn(self.seed, self.only.clone());
        if let Some(kinds) = &self.kinds {
            faults.keep(kinds);
        }
        faults
    }

    /// How many machines there are.
    pub fn hosts(&self) -> usize {
        usize::try_from(self.draw(1, 3, "hosts")).unwrap_or(1)
    }

    /// How many dispatchers there are at first.
    pub fn dispatchers(&self) -> usize {
        usize::try_from(self.draw(1, 3, "dispatchers")).unwrap_or(1)
    }

    /// How long things go wrong.
    pub fn trouble_lasts(&self) -> Ms {
        self.draw(10, 120, "trouble") * 1_000
    }
}
