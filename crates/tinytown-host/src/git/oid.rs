//! The name of a git object.

use std::fmt;

use super::GitError;

/// The full hexadecimal name of a git object: 40 digits (SHA-1) or 64 (SHA-256), lower case.
///
/// Being nothing but digits, it can stand anywhere in an argument list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(String);

impl Oid {
    /// Checks and takes a name; `None` unless it is 40 or 64 hexadecimal digits.
    pub fn new(text: &str) -> Option<Self> {
        let well_formed = matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
        well_formed.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads what git printed as the answer to `command`.
    pub(super) fn from_git(bytes: &[u8], command: &str) -> Result<Self, GitError> {
        let text = String::from_utf8_lossy(bytes);
        Self::new(text.trim())
            .ok_or_else(|| GitError::answer(command, format!("not an object name: {text:?}")))
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<std::ffi::OsStr> for Oid {
    fn as_ref(&self) -> &std::ffi::OsStr {
        self.0.as_ref()
    }
}
