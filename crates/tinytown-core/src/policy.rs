//! The knobs of a mission, validated once and frozen when it starts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

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
        ];
        let outside = ranges.into_iter().filter(|(_, value, min, max)| !(min..=max).contains(&value));
        outside.map(|(key, value, min, max)| PolicyError { key, value, min, max })
    }

    /// Time between two looks at a pull request.
    pub const fn watch_interval(&self) -> Duration {
        Duration::from_secs(self.watch_interval_secs)
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
