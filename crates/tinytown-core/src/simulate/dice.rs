//! What is left to chance: a number for each question, from the seed and the question alone.
//!
//! Nothing is drawn one after the other, so that one question more or less, or asked earlier or later,
//! changes no other answer. The numbers are the same on every machine and in every version.

use std::time::Duration;

/// Answers questions by chance, always the same question in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dice {
    seed: u64,
}

impl Dice {
    /// Dice of that seed.
    pub const fn new(seed: u64) -> Self {
        Self { seed: mix(seed ^ 0x9e37_79b9_7f4a_7c15) }
    }

    /// Other dice of the same seed, for questions of another sort.
    #[must_use]
    pub const fn of(&self, sort: &str) -> Self {
        Self { seed: mix(self.seed ^ fold(sort.as_bytes())) }
    }

    /// The number for a question: the `nth` about `what`.
    pub const fn roll(&self, what: &str, nth: u64) -> u64 {
        mix(self.seed ^ fold(what.as_bytes()) ^ mix(nth.wrapping_add(0x9e37_79b9_7f4a_7c15)))
    }

    /// Whether something happens that does so with this probability.
    pub fn happens(&self, probability: f64, what: &str, nth: u64) -> bool {
        probability > 0.0 && unit(self.roll(what, nth)) < probability
    }

    /// A number from `least` to `most`, both possible.
    pub const fn between(&self, least: u64, most: u64, what: &str, nth: u64) -> u64 {
        let span = most.saturating_sub(least).saturating_add(1);
        least + self.roll(what, nth) % span
    }

    /// A duration from `least` to `most`, in whole milliseconds.
    pub fn time(&self, least: Duration, most: Duration, what: &str, nth: u64) -> Duration {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.between(millis(least), millis(most), what, nth))
    }
}

/// A number from 0 to 1, 1 excluded.
#[expect(clippy::cast_precision_loss, reason = "53 bits are what a double holds")]
fn unit(roll: u64) -> f64 {
    (roll >> 11) as f64 / (1_u64 << 53) as f64
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// FNV-1a.
const fn fold(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_has_one_answer_whatever_else_is_asked() {
        let dice = Dice::new(7);
        let first = dice.roll("conduct of #1", 3);
        assert_eq!((dice.roll("other", 1), dice.roll("conduct of #1", 3)), (dice.roll("other", 1), first));
        assert_ne!(first, dice.roll("conduct of #1", 4));
        assert_ne!(first, dice.of("sort").roll("conduct of #1", 3));
        assert_ne!(first, Dice::new(8).roll("conduct of #1", 3));
    }

    #[test]
    fn the_numbers_are_those_of_every_other_machine() {
        assert_eq!(Dice::new(1).roll("x", 1), 8_863_791_835_650_350_245);
    }

    #[test]
    fn probabilities_are_kept() {
        let dice = Dice::new(1);
        let often = (0..10_000).filter(|nth| dice.happens(0.3, "rain", *nth)).count();
        assert!((2_800..3_200).contains(&often), "{often}");
        assert!((0..10_000).all(|nth| !dice.happens(0.0, "rain", nth) && dice.happens(1.0, "rain", nth)));
        assert!((0..10_000).map(|nth| dice.between(3, 5, "die", nth)).all(|n| (3..=5).contains(&n)));
    }
}
