//! Text that may be large: short text is carried, long text is stored once and referred to.

use serde::{Deserialize, Serialize};

/// Longest text in bytes that is carried inside a record.
pub const INLINE_LIMIT: usize = 4096;

/// A text, or the SHA-256 under which the store holds it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// The text itself.
    Inline(String),
    /// A longer text, kept by the store.
    Stored {
        /// Lower-case hexadecimal SHA-256 of the text's bytes.
        sha256: String,
        /// Its length in bytes.
        bytes: u64,
    },
}

impl Text {
    /// A text carried as it is.
    pub fn inline(text: impl Into<String>) -> Self {
        Self::Inline(text.into())
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Inline(text) if text.is_empty())
    }

    /// The text if it is carried here.
    pub fn as_inline(&self) -> Option<&str> {
        match self {
            Self::Inline(text) => Some(text),
            Self::Stored { .. } => None,
        }
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::Inline(String::new())
    }
}
