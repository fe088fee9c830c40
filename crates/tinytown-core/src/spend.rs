//! What agents cost, as far as they or their result files say so: tokens and money.

use std::fmt;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

/// An amount of money in US dollars, exact to a millionth. Written as a number, `2.5`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "f64", into = "f64")]
pub struct Usd(u64);

const MICROS: f64 = 1_000_000.0;

impl Usd {
    /// So many millionths of a dollar.
    pub const fn micros(micros: u64) -> Self {
        Self(micros)
    }

    /// So many times as much.
    #[must_use]
    pub const fn times(self, times: u64) -> Self {
        Self(self.0.saturating_mul(times))
    }

    /// Whether it is nothing at all.
    pub const fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

impl From<f64> for Usd {
    /// What is negative or no number is nothing; what is beyond all money is the most there is.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "casts from floating point saturate, and no number is 0"
    )]
    fn from(dollars: f64) -> Self {
        Self((dollars * MICROS).round() as u64)
    }
}

impl From<Usd> for f64 {
    #[expect(clippy::cast_precision_loss, reason = "exact up to nine billion dollars")]
    fn from(Usd(micros): Usd) -> Self {
        micros as Self / MICROS
    }
}

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}.{:02}", self.0 / 1_000_000, self.0 / 10_000 % 100)
    }
}

/// What was spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spend {
    /// Tokens read and written.
    #[serde(skip_serializing_if = "is_zero")]
    pub tokens: u64,
    /// Money.
    #[serde(skip_serializing_if = "Usd::is_zero")]
    pub usd: Usd,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Spend {
    /// Nothing, as far as anybody says.
    pub const NONE: Self = Self { tokens: 0, usd: Usd(0) };

    /// Whether nothing was reported.
    pub const fn is_none(&self) -> bool {
        self.tokens == 0 && self.usd.is_zero()
    }
}

impl Add for Spend {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_add(more.tokens),
            usd: Usd(self.usd.0.saturating_add(more.usd.0)),
        }
    }
}

impl AddAssign for Spend {
    fn add_assign(&mut self, more: Self) {
        *self = *self + more;
    }
}

impl fmt::Display for Spend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.tokens, self.usd.is_zero()) {
            (0, true) => f.write_str("nothing reported"),
            (0, false) => write!(f, "{}", self.usd),
            (tokens, true) => write!(f, "{tokens} tokens"),
            (tokens, false) => write!(f, "{}, {tokens} tokens", self.usd),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_a_number_in_every_format_and_never_negative() {
        assert_eq!(serde_json::from_str::<Usd>("2.5").expect("a number"), Usd::micros(2_500_000));
        assert_eq!(serde_json::from_str::<Usd>("3").expect("a number"), Usd::micros(3_000_000));
        assert_eq!(Usd::from(-1.0), Usd::default());
        assert_eq!(Usd::from(f64::NAN), Usd::default());
        assert_eq!(serde_json::to_string(&Usd::from(0.1)).expect("a number"), "0.1");
    }

    #[test]
    fn what_was_spent_adds_up_and_is_told() {
        let spent = Spend { tokens: 1200, usd: Usd::from(1.25) } + Spend { tokens: 300, usd: Usd::from(0.5) };
        assert_eq!(spent.to_string(), "$1.75, 1500 tokens");
        assert_eq!(Spend::default().to_string(), "nothing reported");
    }
}
