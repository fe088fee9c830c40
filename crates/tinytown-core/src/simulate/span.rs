//! Lengths of time as people write them in scenarios: `250ms`, `30s`, `2m`, `1h`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time in whole milliseconds, written with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span(Duration);

const UNITS: [(&str, u64); 4] = [("ms", 1), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];

impl Span {
    /// That many milliseconds.
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// That many seconds.
    pub const fn secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// The same as a duration.
    pub const fn get(self) -> Duration {
        self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let unit = |(unit, millis): &(&str, u64)| Some((text.strip_suffix(unit)?.trim(), *millis));
        let (digits, millis) = UNITS.iter().find_map(unit)?;
        Some(Self::millis(digits.parse::<u64>().ok()?.checked_mul(millis)?))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let largest = UNITS[1..].iter().find(|(_, unit)| millis > 0 && millis.is_multiple_of(*unit));
        match largest {
            Some((unit, size)) => write!(f, "{}{unit}", millis / size),
            None => write!(f, "{millis}ms"),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("{text:?} is no length of time: write 250ms, 30s, 2m or 1h"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_and_written_with_their_units() {
        for (text, millis) in
            [("250ms", 250), ("30s", 30_000), ("2m", 120_000), ("1h", 3_600_000), ("0ms", 0)]
        {
            let span = Span::parse(text).expect("a length");
            assert_eq!((span, span.to_string().as_str()), (Span::millis(millis), text));
        }
        assert_eq!(Span::parse("90s").map(|span| span.to_string()), Some("90s".to_owned()));
        for text in ["", "s", "1", "1d", "-1s", "1.5s"] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }
}
