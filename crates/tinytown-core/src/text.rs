//! Text that may be large: short text is carried, long text is stored once and referred to.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

/// Longest text in bytes that is carried inside a record.
pub const INLINE_LIMIT: usize = 4096;

/// A text, or the SHA-256 under which the store holds it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
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

/// Written out, because a derived reader of untagged variants copies every text before it looks at it,
/// and texts are most of what a mission's record holds.
impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or the SHA-256 and the length of one that is stored")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text::inline(text))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Text, E> {
        Ok(Text::Inline(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Text, A::Error> {
        #[derive(Deserialize)]
        struct Stored {
            sha256: String,
            bytes: u64,
        }
        let Stored { sha256, bytes } = Stored::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Text::Stored { sha256, bytes })
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::Inline(String::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_it_was_written() {
        let stored = Text::Stored { sha256: "ab".to_owned(), bytes: 5000 };
        for text in [Text::inline("two\nlines, \"quoted\""), Text::default(), stored] {
            let written = serde_json::to_string(&text).expect("it can be written");
            assert_eq!(serde_json::from_str::<Text>(&written).expect("it can be read"), text);
            let value = serde_json::to_value(&text).expect("it can be written");
            assert_eq!(serde_json::from_value::<Text>(value).expect("it can be read"), text);
        }
        for wrong in ["1", "null", "[]", "{}", r#"{"sha256": "ab"}"#, r#"{"sha256": 1, "bytes": 2}"#] {
            assert!(serde_json::from_str::<Text>(wrong).is_err(), "{wrong}");
        }
    }
}
