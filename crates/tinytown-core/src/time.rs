//! Points in time, as whole milliseconds since 1970 in UTC. Read by the caller, never here.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

use chrono::{DateTime, Datelike as _, SecondsFormat, Timelike as _, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time. Written as RFC 3339 with milliseconds, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i64);

impl Time {
    /// The time that many milliseconds after the start of 1970, UTC.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the start of 1970, UTC.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// RFC 3339 for years of four digits. Every record holds several times, and formatting them in general took longer
    /// than deciding.
    fn digits(self) -> Option<[u8; 24]> {
        let time = self.to_chrono();
        let year = u32::try_from(time.year()).ok().filter(|year| *year <= 9999)?;
        let mut digits = *b"0000-00-00T00:00:00.000Z";
        let mut put = |mut number: u32, end: usize, count: usize| {
            for place in (end - count..end).rev() {
                digits[place] = b'0' + u8::try_from(number % 10).unwrap_or(0);
                number /= 10;
            }
        };
        put(year, 4, 4);
        put(time.month(), 7, 2);
        put(time.day(), 10, 2);
        put(time.hour(), 13, 2);
        put(time.minute(), 16, 2);
        put(time.second(), 19, 2);
        put(time.timestamp_subsec_millis(), 23, 3);
        Some(digits)
    }

    /// The same as a chrono time; out-of-range values become the start of 1970.
    pub fn to_chrono(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }
}

impl From<DateTime<Utc>> for Time {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.timestamp_millis())
    }
}

impl Add<Duration> for Time {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.digits() {
            Some(digits) => f.write_str(str::from_utf8(&digits).unwrap_or_default()),
            None => f.write_str(&self.to_chrono().to_rfc3339_opts(SecondsFormat::Millis, true)),
        }
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.digits() {
            Some(digits) => serializer.serialize_str(str::from_utf8(&digits).unwrap_or_default()),
            None => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        DateTime::parse_from_rfc3339(&text)
            .map(|time| Self(time.timestamp_millis()))
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339_with_milliseconds() {
        let time = Time::from_millis(1_700_000_000_007);
        assert_eq!(time.to_string(), "2023-11-14T22:13:20.007Z");
        let json = serde_json::to_string(&time).expect("serialises");
        assert_eq!(serde_json::from_str::<Time>(&json).expect("parses"), time);
    }

    #[test]
    fn times_are_written_as_chrono_writes_them() {
        for millis in
            [0, 1, -1, 951_782_399_999, 1_709_164_800_123, -62_135_596_800_000, 253_402_300_799_999, i64::MAX]
        {
            let time = Time::from_millis(millis);
            let written = time.to_chrono().to_rfc3339_opts(SecondsFormat::Millis, true);
            assert_eq!(time.to_string(), written, "{millis}");
        }
    }

    #[test]
    fn a_clock_that_went_back_gives_no_negative_duration() {
        assert_eq!(Time::from_millis(5).since(Time::from_millis(9)), Duration::ZERO);
    }
}
