//! Printing: data to standard output, talk to standard error, and no text of others may steer the terminal.

use std::fmt::{Display, Write as _};
use std::io::{self, ErrorKind, Write};

use anstream::{AutoStream, ColorChoice};
use serde::Serialize;

use crate::failure::Failure;

const BOLD: &str = "\u{1b}[1m";
const RED: &str = "\u{1b}[1;31m";
const YELLOW: &str = "\u{1b}[1;33m";
const CYAN: &str = "\u{1b}[1;36m";
const RESET: &str = "\u{1b}[0m";

/// Where a command talks to its user.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    quiet: bool,
    verbose: bool,
    talks: bool,
    color: ColorChoice,
}

impl Terminal {
    /// A terminal that talks as the user asked.
    pub(crate) const fn new(quiet: bool, verbose: bool, color: ColorChoice) -> Self {
        Self { quiet, verbose, talks: !quiet, color }
    }

    /// The same without hints and warnings, for a command that runs others.
    pub(crate) const fn without_talk(self) -> Self {
        Self { talks: false, ..self }
    }

    /// Whether only the bare essence was asked for.
    pub(crate) const fn is_quiet(self) -> bool {
        self.quiet
    }

    /// One line of data.
    pub(crate) fn line(self, text: impl Display) -> Result<(), Failure> {
        self.data(&clean(&text.to_string()))
    }

    /// Several lines of data, written as one piece.
    pub(crate) fn lines(self, lines: &[String]) -> Result<(), Failure> {
        let Some((first, rest)) = lines.split_first() else { return Ok(()) };
        let mut text = clean(first);
        for line in rest {
            text.push('\n');
            text.extend(line.chars().map(shown));
        }
        self.data(&text)
    }

    /// A file of ours as it is, tabs included; no text of others may be in it.
    pub(crate) fn file(self, text: &str) -> Result<(), Failure> {
        self.data(text.trim_end_matches('\n'))
    }

    /// One line of data that stands out.
    pub(crate) fn heading(self, text: impl Display) -> Result<(), Failure> {
        self.data(&format!("{BOLD}{}{RESET}", clean(&text.to_string())))
    }

    /// One object of data.
    pub(crate) fn json(self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
        self.data(&escape(text))
    }

    /// A sentence for the user that is not data.
    pub(crate) fn note(self, text: impl Display) {
        if self.talks {
            self.talk("", "", &text.to_string());
        }
    }

    /// A sentence for those who asked for more.
    pub(crate) fn detail(self, text: impl Display) {
        if self.verbose {
            self.talk("", "", &text.to_string());
        }
    }

    /// Something that the user should know.
    pub(crate) fn warn(self, text: impl Display) {
        if self.talks {
            self.talk(YELLOW, "warning: ", &text.to_string());
        }
    }

    /// Why the command failed, and what to do next.
    pub(crate) fn failure(self, failure: &Failure) {
        if !failure.message().is_empty() {
            self.talk(RED, "error: ", failure.message());
        }
        if let Some(hint) = failure.next() {
            self.talk(CYAN, "hint: ", hint);
        }
    }

    fn data(self, text: &str) -> Result<(), Failure> {
        match self.print(text) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::nobody_reads()),
            result => Ok(result?),
        }
    }

    /// Only what has styles goes through what may take them out: a long text takes time there.
    fn print(self, text: &str) -> io::Result<()> {
        let plain = !text.contains('\u{1b}');
        let color = if plain { ColorChoice::AlwaysAnsi } else { self.color };
        let mut out = AutoStream::new(io::stdout(), color);
        writeln!(out, "{text}")?;
        out.flush()
    }

    /// Nobody can be told if telling fails.
    fn talk(self, style: &str, word: &str, text: &str) {
        let mut out = AutoStream::new(io::stderr(), self.color);
        for (at, line) in text.lines().enumerate() {
            let (style, word, reset) =
                if at == 0 && !word.is_empty() { (style, word, RESET) } else { ("", "", "") };
            let _ = writeln!(out, "{style}{word}{reset}{}", clean(line));
        }
    }
}

/// The text in one line, without characters that steer a terminal or turn the order of the others around.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(shown).collect()
}

/// What is shown instead of a character.
fn shown(c: char) -> char {
    match c {
        '\n' | '\t' => ' ',
        c if steers(c) => '\u{fffd}',
        c => c,
    }
}

/// JSON whose strings hold no such characters either: outside of strings there are none but line ends.
fn escape(json: String) -> String {
    let is_bad = |c: char| c != '\n' && steers(c);
    let Some(first) = json.find(is_bad) else { return json };
    let mut out = json[..first].to_owned();
    for c in json[first..].chars() {
        if is_bad(c) {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_cannot_steer_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\r\u{9b}1mc\u{7}"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}1mc\u{fffd}");
        assert_eq!(clean("two\nlines\tand \u{202e}back"), "two lines and \u{fffd}back");
        assert_eq!(clean("🚀 ünï ⚠️"), "🚀 ünï ⚠️");
    }

    #[test]
    fn json_holds_no_steering_characters_and_means_the_same() {
        let text = "\u{1b}\u{9b}\u{7f}\u{202e} ü\n";
        let json = escape(serde_json::to_string_pretty(&vec![text]).expect("written"));
        assert!(json.chars().all(|c| c == '\n' || !steers(c)), "{json:?}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).expect("read"), [text]);
    }
}
