//! The file in which an agent may say how it went. It was written by an agent: it is opened without
//! following links, read up to a limit, and believed only as far as evidence goes.

use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;
use tinytown_core::spend::Spend;
use tinytown_host::files::open_foreign;

/// Longest result file in bytes.
pub const LIMIT: u64 = 64 * 1024;

/// What was found in the place of the result file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultFile {
    /// Nothing.
    Absent,
    /// Something that cannot be read as one, and why. Counts as nothing.
    Broken(String),
    /// The agent's words.
    Said(Said),
}

/// What an agent says of its attempt.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Said {
    /// How it went.
    pub outcome: Outcome,
    /// In its own words.
    #[serde(default)]
    pub summary: String,
    /// What it cost, if it knows.
    #[serde(default)]
    pub usage: Usage,
    /// When a limit is lifted that it reached, as in RFC 3339, if it knows.
    #[serde(default)]
    pub until: Option<String>,
}

/// What an attempt cost, by the agent's word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
pub struct Usage {
    /// Tokens read and written.
    #[serde(default)]
    pub tokens: u64,
    /// US dollars.
    #[serde(default)]
    pub usd: f64,
}

impl Eq for Usage {}

impl ResultFile {
    /// What the attempt cost, as far as the agent says.
    pub fn spend(&self) -> Spend {
        match self {
            Self::Said(Said { usage, .. }) => Spend { tokens: usage.tokens, usd: usage.usd.into() },
            Self::Absent | Self::Broken(_) => Spend::default(),
        }
    }
}

/// How an attempt went, by the agent's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The work is done.
    Done,
    /// A review's verdict: good as it is.
    Approve,
    /// A review's verdict: to be changed.
    RequestChanges,
    /// It cannot go on without an answer.
    Stuck,
    /// Its provider lets it do no more for now.
    Limit,
}

/// Reads the result file, if there is one.
pub fn read(path: &Path) -> ResultFile {
    match content(path) {
        Ok(None) => ResultFile::Absent,
        Ok(Some(bytes)) => parse(&bytes),
        Err(why) => ResultFile::Broken(why),
    }
}

/// The bytes of a file that an agent may have written; at most [`LIMIT`]. A pipe with no writer must not hold us up.
pub(crate) fn content(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let Some(file) = open_foreign(path).map_err(|error| error.to_string())? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LIMIT {
        return Err(format!("it is longer than {LIMIT} bytes"));
    }
    Ok(Some(bytes))
}

fn parse(bytes: &[u8]) -> ResultFile {
    match serde_json::from_slice(bytes) {
        Ok(said) => ResultFile::Said(said),
        Err(error) => ResultFile::Broken(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(put: impl FnOnce(&Path)) -> ResultFile {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("result.json");
        put(&path);
        read(&path)
    }

    fn text(text: impl AsRef<[u8]>) -> ResultFile {
        found(|path| std::fs::write(path, text).expect("written"))
    }

    #[test]
    fn the_agents_words_are_read_and_more_fields_are_its_own_affair() {
        let said = |outcome, summary: &str| {
            let (summary, usage) = (summary.to_owned(), Usage::default());
            ResultFile::Said(Said { outcome, summary, usage, until: None })
        };
        assert_eq!(text(r#"{"outcome":"done"}"#), said(Outcome::Done, ""));
        let more = r#"{"outcome":"request_changes","summary":"no","model":"x"}"#;
        assert_eq!(text(more), said(Outcome::RequestChanges, "no"));
    }

    #[test]
    fn what_it_cost_is_read_and_what_is_no_amount_is_nothing() {
        let cost = text(r#"{"outcome":"done","usage":{"tokens":1200,"usd":0.25}}"#).spend();
        assert_eq!(cost, Spend { tokens: 1200, usd: 0.25.into() });
        assert_eq!(text(r#"{"outcome":"done","usage":{"usd":-3}}"#).spend(), Spend::default());
    }

    #[test]
    fn no_file_is_no_word() {
        assert_eq!(found(|_| {}), ResultFile::Absent);
    }

    #[test]
    fn what_is_no_result_is_broken_and_says_why() {
        let broken = |found: ResultFile, words: &str| match found {
            ResultFile::Broken(why) => assert!(why.contains(words), "{why}"),
            other => panic!("{other:?}"),
        };
        broken(text(""), "EOF");
        broken(text(r#"{"outcome":"great"}"#), "great");
        broken(text(r#"{"outcome":"done","summary":7}"#), "string");
        broken(text(vec![b' '; 64 * 1024 + 1]), "longer than 65536");
        broken(found(|path| std::fs::create_dir(path).expect("made")), "not a regular file");
        broken(found(|path| std::os::unix::fs::symlink("/dev/zero", path).expect("linked")), "symbolic link");
        let fifo = |path: &Path| {
            assert!(std::process::Command::new("mkfifo").arg(path).status().expect("runs").success());
        };
        broken(found(fifo), "not a regular file");
    }
}
