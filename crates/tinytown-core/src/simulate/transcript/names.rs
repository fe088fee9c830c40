//! Short names for commits, numbered in the order in which a transcript mentions them.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::id::Sha;

/// How long a commit's name is when it is written whole, and when it is written short.
const WHOLE: usize = 40;
const SHORT: usize = 8;

/// `c1`, `c2`, …
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: HashMap<Sha, usize>,
    shorts: HashMap<String, usize>,
}

impl Names {
    /// The short name of a commit.
    pub(super) fn of(&mut self, sha: &Sha) -> String {
        let next = self.numbers.len() + 1;
        let number = *self.numbers.entry(sha.clone()).or_insert(next);
        self.shorts.insert(sha.short().to_owned(), number);
        format!("c{number}")
    }

    /// A text with short names for the commits in it.
    pub(super) fn within(&mut self, text: &str) -> String {
        let mut told = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(|c: char| c.is_ascii_hexdigit()) {
            let (before, from) = rest.split_at(at);
            let end = from.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(from.len());
            let (word, after) = from.split_at(end);
            let begins = !before.ends_with(|c: char| c.is_ascii_alphanumeric());
            told.push_str(before);
            match self.known(word).filter(|_| begins) {
                Some(number) => drop(write!(told, "c{number}")),
                None => told.push_str(word),
            }
            rest = after;
        }
        told + rest
    }

    fn known(&mut self, word: &str) -> Option<usize> {
        match word.len() {
            WHOLE => {
                let sha = Sha::new(word).ok()?;
                self.of(&sha);
                self.numbers.get(&sha).copied()
            }
            SHORT => self.shorts.get(word).copied(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_numbered_as_they_come_also_within_texts() {
        let mut names = Names::default();
        let (one, two) = (Sha::new(&"1a".repeat(20)), Sha::new(&"2b".repeat(20)));
        let (one, two) = (one.expect("40 digits"), two.expect("40 digits"));
        assert_eq!(
            names.within(&format!("a fade: merge {two} into {one}, é")),
            "a fade: merge c1 into c2, é"
        );
        assert_eq!((names.of(&one), names.of(&two)), ("c2".to_owned(), "c1".to_owned()));
        assert_eq!(
            names.within("it moved to 1a1a1a1a; deadbeef and x1a1a1a1a stay"),
            "it moved to c2; deadbeef and x1a1a1a1a stay"
        );
    }
}
