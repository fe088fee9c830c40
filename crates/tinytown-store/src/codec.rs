//! Between the domain and a store: records in a versioned envelope, and long texts stored once.
//!
//! A record is `{"v":1,"d":…}`. Whoever changes the shape of any record raises [`RECORD_VERSION`],
//! so that an older program refuses it instead of misreading it.

use std::fmt::Write as _;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tinytown_core::text::{INLINE_LIMIT, Text};

use crate::{Archive, Blob, Record, StoreError};

/// The newest record version this program writes and reads.
pub const RECORD_VERSION: u32 = 1;

/// Most records are no longer than this, in bytes: they need not be moved while they are written.
const USUAL_LENGTH: usize = 512;

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    v: u32,
    d: T,
}

/// The version alone, for records whose content we cannot read.
#[derive(Deserialize)]
struct Version {
    v: u32,
}

/// Writes a value as a record of the present version.
///
/// # Panics
/// If the type cannot be written as JSON at all (a map with keys that are no text); that is a bug.
pub fn encode<T: Serialize>(data: &T) -> Record {
    let envelope = Envelope { v: RECORD_VERSION, d: data };
    let mut json = Vec::with_capacity(USUAL_LENGTH);
    serde_json::to_writer(&mut json, &envelope).expect("records are made of types that JSON can hold");
    Record(String::from_utf8(json).expect("JSON is UTF-8"))
}

/// Reads a record; `what` names it in the error.
///
/// # Errors
/// [`StoreError::Newer`] if a newer program wrote it, [`StoreError::Corrupt`] if it cannot be read.
pub fn decode<T: DeserializeOwned>(what: &str, record: &Record) -> Result<T, StoreError> {
    let error = match serde_json::from_str::<Envelope<T>>(&record.0) {
        Ok(Envelope { v: RECORD_VERSION, d }) => return Ok(d),
        Ok(Envelope { v, .. }) => format!("record version {v} was never in use"),
        Err(error) => error.to_string(),
    };
    match serde_json::from_str::<Version>(&record.0) {
        Ok(Version { v }) if v > RECORD_VERSION => {
            Err(StoreError::Newer { what: what.to_owned(), found: v, known: RECORD_VERSION })
        }
        _ => Err(StoreError::Corrupt { what: what.to_owned(), detail: error }),
    }
}

/// The lower-case hexadecimal SHA-256 of a text's bytes.
pub fn sha256_hex(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing into a string cannot fail");
        hex
    })
}

/// Makes a text fit for a record: a short one stays as it is, one of more than [`INLINE_LIMIT`]
/// bytes moves into `blobs`, which must be stored together with the record.
pub fn intern(blobs: &mut Vec<Blob>, text: String) -> Text {
    if text.len() <= INLINE_LIMIT {
        return Text::Inline(text);
    }
    let sha256 = sha256_hex(&text);
    let bytes = text.len() as u64;
    if blobs.iter().all(|blob| blob.sha256 != sha256) {
        blobs.push(Blob { sha256: sha256.clone(), text });
    }
    Text::Stored { sha256, bytes }
}

/// The text itself, read from the store if it is kept there.
///
/// # Errors
/// Those of [`Archive::blob`], and [`StoreError::Corrupt`] if what is kept is not that text.
pub async fn resolve(archive: &dyn Archive, text: &Text) -> Result<String, StoreError> {
    match text {
        Text::Inline(text) => Ok(text.clone()),
        Text::Stored { sha256, .. } => {
            let stored = archive.blob(sha256).await?;
            if sha256_hex(&stored) == *sha256 {
                return Ok(stored);
            }
            Err(StoreError::Corrupt {
                what: format!("text {sha256}"),
                detail: "what is stored has another SHA-256".to_owned(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<u32>, StoreError> {
        decode("the record", &Record(text.to_owned()))
    }

    #[test]
    fn a_record_is_written_with_its_version_and_read_back() {
        let record = encode(&vec![1_u32, 2]);
        assert_eq!(record.0, r#"{"v":1,"d":[1,2]}"#);
        assert_eq!(read(&record.0), Ok(vec![1, 2]));
    }

    #[test]
    fn a_newer_record_is_refused_as_newer_whether_or_not_its_content_could_be_read() {
        let newer = StoreError::Newer { what: "the record".to_owned(), found: 2, known: 1 };
        assert_eq!(read(r#"{"v":2,"d":[1]}"#), Err(newer.clone()));
        assert_eq!(read(r#"{"v":2,"d":{"other":true}}"#), Err(newer));
    }

    #[test]
    fn an_unreadable_record_is_corrupt_and_named() {
        for text in
            ["", "[]", "{}", r#"{"v":1}"#, r#"{"v":1,"d":"x"}"#, r#"{"v":0,"d":[1]}"#, r#"{"v":1,"d":[1"#]
        {
            let error = read(text).expect_err(text);
            assert!(
                matches!(&error, StoreError::Corrupt { what, .. } if what == "the record"),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn the_sha256_of_a_text_is_the_published_one() {
        assert_eq!(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn only_texts_beyond_the_limit_are_stored_and_each_once() {
        let mut blobs = Vec::new();
        let short = "x".repeat(INLINE_LIMIT);
        assert_eq!(intern(&mut blobs, short.clone()), Text::Inline(short));
        let long = "x".repeat(INLINE_LIMIT + 1);
        let first = intern(&mut blobs, long.clone());
        assert_eq!(intern(&mut blobs, long.clone()), first);
        assert_eq!(blobs, [Blob { sha256: sha256_hex(&long), text: long }]);
    }
}
