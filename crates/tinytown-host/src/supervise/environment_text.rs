//! An environment as JSON: pairs of strings, or of byte lists where the text is not UTF-8, so that
//! nothing is lost on the way to the child.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

type Pairs = Vec<(OsString, OsString)>;

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Text {
    Plain(String),
    Bytes(Vec<u8>),
}

impl From<&OsStr> for Text {
    fn from(text: &OsStr) -> Self {
        match text.to_str() {
            Some(text) => Self::Plain(text.to_owned()),
            None => Self::Bytes(text.as_bytes().to_owned()),
        }
    }
}

impl From<Text> for OsString {
    fn from(text: Text) -> Self {
        match text {
            Text::Plain(text) => text.into(),
            Text::Bytes(bytes) => Self::from_vec(bytes),
        }
    }
}

pub(super) fn serialize<S: Serializer>(pairs: &Pairs, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(pairs.iter().map(|(name, value)| (Text::from(&**name), Text::from(&**value))))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pairs, D::Error> {
    let pairs = Vec::<(Text, Text)>::deserialize(deserializer)?;
    Ok(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holder(#[serde(with = "super")] Pairs);

    #[test]
    fn every_environment_comes_back_unchanged() {
        let odd = OsString::from_vec(vec![b'/', 0xff, 0xfe]);
        let holder = Holder(vec![("A".into(), "ä b\n".into()), ("B".into(), odd)]);
        let text = serde_json::to_string(&holder).expect("written");
        assert!(text.starts_with(r#"[["A","ä b\n"],["B",[47,"#), "{text}");
        assert_eq!(serde_json::from_str::<Holder>(&text).expect("read"), holder);
    }
}
