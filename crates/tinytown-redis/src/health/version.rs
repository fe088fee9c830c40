//! Versions, and which of them have known holes that a client of ours, or its neighbour, could use.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::Concern;

/// Which program answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// Redis.
    Redis,
    /// Valkey, which also tells the version of Redis that it answers like.
    Valkey,
}

/// A version in three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

/// The oldest that we are tested with.
pub(super) const OLDEST: Version = Version(7, 0, 0);

/// A hole, and the version of each line that mended it. A line that is missing never was.
struct Hole {
    name: &'static str,
    flavour: Flavour,
    /// The first version that has it.
    since: Version,
    mended: &'static [Version],
}

/// As published by the projects up to November 2026. What distributions mend on their own cannot be seen from a version.
const HOLES: &[Hole] = &[
    Hole {
        name: "CVE-2025-49844, code execution by a Lua script",
        flavour: Flavour::Redis,
        since: Version(2, 6, 0),
        mended: &[Version(7, 2, 11), Version(7, 4, 6), Version(8, 0, 4), Version(8, 2, 2)],
    },
    Hole {
        name: "CVE-2026-23479, code execution by a blocked client",
        flavour: Flavour::Redis,
        since: Version(7, 2, 0),
        mended: &[Version(7, 2, 14), Version(7, 4, 9), Version(8, 2, 6), Version(8, 4, 3), Version(8, 6, 3)],
    },
    Hole {
        name: "CVE-2026-81934, code execution over TLS by anybody",
        flavour: Flavour::Redis,
        since: Version(6, 0, 0),
        mended: &[
            Version(7, 2, 16),
            Version(7, 4, 11),
            Version(8, 2, 9),
            Version(8, 4, 6),
            Version(8, 6, 6),
            Version(8, 8, 2),
            Version(8, 10, 1),
        ],
    },
    Hole {
        name: "CVE-2025-49844, code execution by a Lua script",
        flavour: Flavour::Valkey,
        since: Version(7, 2, 4),
        mended: &[Version(7, 2, 11), Version(8, 0, 6), Version(8, 1, 4)],
    },
    Hole {
        name: "CVE-2025-67733, answers forged by a Lua script",
        flavour: Flavour::Valkey,
        since: Version(7, 2, 4),
        mended: &[Version(7, 2, 12), Version(8, 0, 7), Version(8, 1, 6), Version(9, 0, 2)],
    },
    Hole {
        name: "CVE-2026-56684, code execution over TLS by a client",
        flavour: Flavour::Valkey,
        since: Version(8, 1, 0),
        mended: &[Version(8, 1, 9), Version(9, 0, 5)],
    },
];

impl fmt::Display for Flavour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redis => "Redis",
            Self::Valkey => "Valkey",
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(major, minor, patch) = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

impl FromStr for Version {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut numbers = text.splitn(3, '.').map(str::parse);
        let mut next = || numbers.next().unwrap_or(Ok(0));
        Ok(Self(next()?, next()?, next()?))
    }
}

/// What a server says that it is.
pub(super) fn of(info: &BTreeMap<String, String>) -> (Flavour, Option<Version>) {
    let version = |name: &str| info.get(name).and_then(|text| text.parse().ok());
    match info.get("valkey_version") {
        Some(_) => (Flavour::Valkey, version("valkey_version")),
        None => (Flavour::Redis, version("redis_version")),
    }
}

/// What is known against that version.
pub(super) fn concerns(flavour: Flavour, version: Option<Version>) -> Vec<Concern> {
    let Some(version) = version else { return vec![Concern::UnknownVersion] };
    if version < OLDEST {
        return vec![Concern::TooOld { flavour, version }];
    }
    let holes = HOLES.iter().filter(|hole| hole.flavour == flavour && hole.is_in(version));
    holes
        .map(|hole| Concern::KnownHole {
            flavour,
            version,
            name: hole.name,
            mended: hole.mended_for(version),
        })
        .collect()
}

impl Hole {
    fn is_in(&self, version: Version) -> bool {
        // A line that is newer than all that needed mending never had it.
        let newest = self.mended.iter().max().is_some_and(|newest| version >= *newest);
        let mended = self.mended_for(version).is_some_and(|mended| version >= mended);
        version >= self.since && !newest && !mended
    }

    /// The version of the same line that mended it.
    fn mended_for(&self, Version(major, minor, _): Version) -> Option<Version> {
        self.mended.iter().copied().find(|mended| (mended.0, mended.1) == (major, minor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holes(flavour: Flavour, version: &str) -> usize {
        concerns(flavour, version.parse().ok()).len()
    }

    #[test]
    fn a_hole_is_known_up_to_the_version_of_its_line_that_mended_it() {
        let cases = [
            (Flavour::Redis, "7.0.15", 2),
            (Flavour::Redis, "7.2.10", 3),
            (Flavour::Redis, "7.2.11", 2),
            (Flavour::Redis, "7.2.16", 0),
            (Flavour::Redis, "8.2.1", 3),
            (Flavour::Redis, "8.2.6", 1),
            (Flavour::Redis, "8.10.1", 0),
            (Flavour::Valkey, "8.1.3", 3),
            (Flavour::Valkey, "8.1.4", 2),
            (Flavour::Valkey, "9.0.1", 2),
            (Flavour::Valkey, "9.1.2", 0),
        ];
        for (flavour, version, known) in cases {
            assert_eq!(holes(flavour, version), known, "{flavour} {version}");
        }
    }

    #[test]
    fn what_is_too_old_is_said_to_be_that_and_no_more() {
        let version = Version(6, 2, 5);
        let old = Concern::TooOld { flavour: Flavour::Redis, version };
        assert_eq!(concerns(Flavour::Redis, Some(version)), [old]);
        assert_eq!(concerns(Flavour::Redis, None), [Concern::UnknownVersion]);
    }

    #[test]
    fn versions_are_read_and_compared_by_their_numbers() {
        assert_eq!("7.0.15".parse(), Ok(Version(7, 0, 15)));
        assert_eq!("8".parse(), Ok(Version(8, 0, 0)));
        assert!(Version(7, 10, 0) > Version(7, 9, 9));
        assert!("7.0.x".parse::<Version>().is_err());
    }
}
