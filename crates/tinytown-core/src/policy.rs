//! The knobs of a mission, validated once and frozen when it starts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::spend::Usd;

/// How a mission is run. Deserialised values are unchecked until [`Policy::validate`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Most agent processes of the mission at once (assigned, running, being cancelled), 1 to 1000.
    pub max_parallel: u32,
    /// Whether another agent must approve each pull request.
    pub reviewer_required: bool,
    /// Whether done means merged. Otherwise done means accepted, and the pull request stays open for a person.
    pub auto_merge: bool,
    /// Seconds between two looks at a pull request on which nothing is known to move.
    pub watch_interval_secs: u64,
    /// Most launches of an item that its agent may end without success.
    pub max_attempts: u32,
    /// Most launches of an item that may be lost with their worker, host or store.
    pub max_losses: u32,
    /// Most seconds one launch may take.
    pub item_timeout_secs: u64,
    /// Most seconds an agent may be silent: no output and no change in its checkout.
    pub stall_timeout_secs: u64,
    /// How many different agents must approve each pull request, 1 to 9, if any must.
    pub reviewers: u32,
    /// Whether a reviewer must run another agent CLI than whoever wrote what is reviewed.
    pub independent_cli: bool,
    /// Whose comments on a pull request are findings that must be answered: names in which `*` stands for anything.
    pub bugbots: Vec<String>,
    /// How often a check is run again by itself that could not run, or failed in a way that is not the work's fault.
    pub check_reruns: u32,
    /// Seconds that a conductor has for an answer before a person is asked.
    pub conductor_wait_secs: u64,
    /// Seconds that a person has for an answer before an item that ran out of tries fails; 0 waits for nobody.
    pub person_wait_secs: u64,
    /// Seconds that an item may be ready without anybody there who may take it before help is asked.
    pub watchdog_secs: u64,
    /// Most launches of a whole mission, fixes and reviews too; 0 for no limit.
    pub max_launches: u32,
    /// Most seconds from an item's first launch to its last one; 0 for no limit.
    pub max_item_secs: u64,
    /// Seconds from a mission's start after which it launches nothing more; 0 for no limit.
    pub max_mission_secs: u64,
    /// Most tokens spent on one item, its fixes and reviews included, as far as agents report them; 0 for no limit.
    pub max_item_tokens: u64,
    /// The same for a whole mission.
    pub max_mission_tokens: u64,
    /// Most money spent on one item, as far as agents report it; 0 for no limit.
    pub max_item_usd: Usd,
    /// The same for a whole mission.
    pub max_mission_usd: Usd,
}

/// A value outside its range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy {key} = {value}: must be {min} to {max}")]
pub struct PolicyError {
    /// The knob's name as in `tinytown.toml`.
    pub key: &'static str,
    /// What was given.
    pub value: u64,
    /// Least allowed.
    pub min: u64,
    /// Most allowed.
    pub max: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_parallel: 2,
            reviewer_required: true,
            auto_merge: false,
            watch_interval_secs: 180,
            max_attempts: 3,
            max_losses: 10,
            item_timeout_secs: 7200,
            stall_timeout_secs: 600,
            reviewers: 1,
            independent_cli: false,
            bugbots: ["*bugbot*", "cursor[bot]"].map(str::to_owned).to_vec(),
            check_reruns: 2,
            conductor_wait_secs: 900,
            person_wait_secs: 3 * 86_400,
            watchdog_secs: 1800,
            max_launches: 0,
            max_item_secs: 0,
            max_mission_secs: 0,
            max_item_tokens: 0,
            max_mission_tokens: 0,
            max_item_usd: Usd::default(),
            max_mission_usd: Usd::default(),
        }
    }
}

impl Policy {
    /// Checks every knob against its range.
    ///
    /// # Errors
    /// The first knob that is out of range.
    pub fn validate(self) -> Result<Self, PolicyError> {
        match self.faults().next() {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    /// Every knob that is out of range.
    pub fn faults(&self) -> impl Iterator<Item = PolicyError> + use<> {
        const MONTH: u64 = 31 * 86_400;
        let ranges = [
            ("max_parallel", u64::from(self.max_parallel), 1, 1000),
            ("watch_interval_secs", self.watch_interval_secs, 1, MONTH),
            ("max_attempts", u64::from(self.max_attempts), 1, 100),
            ("max_losses", u64::from(self.max_losses), 0, 10_000),
            ("item_timeout_secs", self.item_timeout_secs, 1, MONTH),
            ("stall_timeout_secs", self.stall_timeout_secs, 1, MONTH),
            ("reviewers", u64::from(self.reviewers), 1, 9),
            ("check_reruns", u64::from(self.check_reruns), 0, 100),
            ("conductor_wait_secs", self.conductor_wait_secs, 1, MONTH),
            ("person_wait_secs", self.person_wait_secs, 0, MONTH),
            ("watchdog_secs", self.watchdog_secs, 1, MONTH),
            ("max_item_secs", self.max_item_secs, 0, 12 * MONTH),
            ("max_mission_secs", self.max_mission_secs, 0, 12 * MONTH),
        ];
        let outside = ranges.into_iter().filter(|(_, value, min, max)| !(min..=max).contains(&value));
        outside.map(|(key, value, min, max)| PolicyError { key, value, min, max })
    }

    /// Time between two looks at a pull request.
    pub const fn watch_interval(&self) -> Duration {
        Duration::from_secs(self.watch_interval_secs)
    }

    /// Time that a conductor has for an answer.
    pub(crate) const fn conductor_wait(&self) -> Duration {
        Duration::from_secs(self.conductor_wait_secs)
    }

    /// Time that a person has for an answer.
    pub(crate) const fn person_wait(&self) -> Duration {
        Duration::from_secs(self.person_wait_secs)
    }

    /// Time that an item may be ready though nobody may take it.
    pub(crate) const fn watchdog(&self) -> Duration {
        Duration::from_secs(self.watchdog_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_policy_is_valid() {
        assert_eq!(Policy::default().validate(), Ok(Policy::default()));
    }

    #[test]
    fn a_mission_that_could_never_run_is_refused() {
        let error = Policy { max_parallel: 0, ..Policy::default() }.validate().expect_err("zero slots");
        assert_eq!(error.to_string(), "policy max_parallel = 0: must be 1 to 1000");
    }
}
