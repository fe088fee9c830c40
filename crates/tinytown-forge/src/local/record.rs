//! What the forge keeps as blobs in the repository, each with a version inside.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tinytown_core::id::{ItemKey, MissionId, Sha};
use tinytown_core::observation::Checks;

use crate::ForgeError;

/// Where the records of pull requests are, each under its number.
pub(super) const PULLS: &str = "refs/tinytown/pull";
/// Where verdicts are, each under its commit.
pub(super) const CHECKS: &str = "refs/tinytown/checks";

/// The version of every record that this program writes, and the newest that it reads.
const VERSION: u32 = 1;

/// A pull request. Whether it is merged is not recorded: that is a question to the base's history, where
/// our merge commits name mission and item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PullRecord {
    pub(super) mission: MissionId,
    pub(super) item: ItemKey,
    /// Its branch, by its short name.
    pub(super) branch: String,
    /// The last head that was published, in case the branch is gone.
    pub(super) head: Sha,
    pub(super) title: String,
    pub(super) body: String,
    /// The head was in the base already when it was published: there is nothing that could be merged.
    #[serde(default)]
    pub(super) empty: bool,
    /// Closed without being merged.
    #[serde(default)]
    pub(super) closed: bool,
}

/// What the checks said about a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct VerdictRecord {
    /// The SHA-256 of the command that said so: another command has not said anything yet.
    pub(super) command: String,
    pub(super) checks: Checks,
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    version: u32,
    #[serde(flatten)]
    record: T,
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

/// A record as it is stored.
pub(super) fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    serde_json::to_vec(&Versioned { version: VERSION, record }).expect("records are texts, numbers and lists")
}

/// Reads the record that stands under `name`.
pub(super) fn decode<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, ForgeError> {
    let unreadable = |e: serde_json::Error| ForgeError::Refused(format!("{name} cannot be read: {e}"));
    let VersionOnly { version } = serde_json::from_slice(bytes).map_err(unreadable)?;
    if version > VERSION {
        let newer =
            format!("{name} was written by a newer tinytown (version {version}, this one reads {VERSION})");
        return Err(ForgeError::Refused(newer));
    }
    serde_json::from_slice(bytes).map(|Versioned { record, .. }| record).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = r##"{"version":1,"mission":"0c7f6d0e-8f43-4f6e-9d8d-2b1f6a5e4c3b","item":"#2","branch":"tt/x","head":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","title":"t","body":"b","empty":false,"closed":false}"##;

    #[test]
    fn pull_requests_are_written_as_they_always_were() {
        let record: PullRecord = decode("x", GOLDEN.as_bytes()).expect("the first version is read for ever");
        assert_eq!(String::from_utf8(encode(&record)).expect("UTF-8"), GOLDEN);
    }

    #[test]
    fn a_newer_record_is_refused_and_rubbish_too() {
        let newer = GOLDEN.replacen(":1", ":2", 1);
        let refused = |bytes: &[u8]| matches!(decode::<PullRecord>("x", bytes), Err(ForgeError::Refused(_)));
        assert!(refused(newer.as_bytes()) && refused(b"{}") && refused(b""));
    }
}
