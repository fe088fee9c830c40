//! Random and hostile texts: no panic, markers that stand where they say, bounded time.

use std::fmt::Write as _;

use proptest::prelude::*;

use crate::issue::IssueRef;
use crate::markers::{MAX_WORDS, Marker, read, slug, strip_hidden, unread_from};

/// Pieces of Markdown and of markers; a random text is some of them in a row.
const PIECES: &[&str] = &[
    "depends on ",
    "Depends on: ",
    "blocked by ",
    "requires ",
    "Dependencies",
    "after ",
    "merge after ",
    "After ",
    "not ",
    "blocks ",
    "none ",
    "#1",
    "#22",
    "#3-#5",
    "#3 through #9",
    "GH-7",
    "a/b#4",
    "#0",
    "#x",
    "https://github.com/c/d/issues/8",
    "https://e.f/g/h/pull/9/files",
    "[t](https://a.b/c/d/issues/6)",
    "[#6](x)",
    "\n",
    "\n\n",
    "\r\n",
    "    ",
    "\t",
    "- ",
    "1. ",
    "- [x] ",
    "> ",
    "# ",
    "## ",
    "===\n",
    "---\n",
    "```\n",
    "`",
    "*",
    "**",
    "_",
    "~~",
    "|",
    "|-|-|\n",
    " | ",
    "<!-- ",
    "-->",
    "<del>",
    "</del>",
    "<br>",
    "<p>",
    "</p>\n",
    "&#35;",
    "\\",
    "(",
    ")",
    "[",
    "]",
    "](",
    "[^1]",
    "[^1]: ",
    "[a]: b\n",
    ", ",
    "; ",
    " and ",
    ": ",
    ". ",
    "? ",
    "\"",
    "'",
    "“",
    "”",
    "«",
    "ä",
    "依赖",
    "\u{0}",
    "\u{202E}",
    "\u{FFFC}",
    "this ",
    "PR ",
    "(done)",
    " · ",
];

fn fragments() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![9 => proptest::sample::select(PIECES).prop_map(str::to_owned), 1 => "\\PC{0,5}"],
        0..80,
    )
    .prop_map(|pieces| pieces.concat())
}

/// Whether a line of the source shows what a marker refers to: its number, the number a range begins or
/// ends with, or a link that another line may define.
fn stands_there(line: &str, marker: &Marker) -> bool {
    let IssueRef { repo, number } = &marker.reference;
    let numbers = line.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse::<u64>().ok());
    let mut numbers = numbers.collect::<Vec<_>>();
    numbers.sort_unstable();
    let ranged = numbers.first().is_some_and(|first| first < number) && marker.words.contains(['-', 't']);
    numbers.contains(number) || (repo.is_none() && ranged) || line.contains(']')
}

proptest! {
    #[test]
    fn markers_stand_on_the_lines_they_name(body in fragments()) {
        let lines: Vec<&str> = body.split('\n').collect();
        let mut seen = std::collections::BTreeSet::new();
        for marker in read(&body) {
            prop_assert!(marker.words.chars().count() <= MAX_WORDS && !marker.words.contains('\n'));
            let line = lines.get(marker.line as usize - 1);
            prop_assert!(line.is_some_and(|line| stands_there(line, &marker)), "{marker:?} in {body:?}");
            prop_assert!(seen.insert(marker.reference));
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(body in prop_oneof![fragments(), "\\PC{0,200}", "[\\x00-\\x7f]{0,200}"]) {
        let _ = read(&body);
        prop_assert_eq!(unread_from(&body), None);
        let stripped = strip_hidden(&body);
        prop_assert!(stripped.len() <= body.len());
        let slug = slug(&body);
        prop_assert!(!slug.is_empty() && slug.len() <= 40 && !slug.starts_with('-') && !slug.ends_with('-'));
    }
}

#[test]
fn what_is_not_read_is_named_by_its_line() {
    let body = format!("Depends on #1\n{}\nDepends on #2", "[\n".repeat(1_000_000));
    let numbers: Vec<u64> = read(&body).into_iter().map(|marker| marker.reference.number).collect();
    assert_eq!((numbers, unread_from(&body)), (vec![1], Some(400_001)));
}

#[test]
fn a_short_text_cannot_name_millions_of_issues() {
    let mut body = String::new();
    for begin in (60..1_200_000).step_by(60) {
        let _ = writeln!(body, "Depends on #{begin}-{}", begin + 50);
    }
    assert!(read(&body).len() < 40_000);
}

/// Texts that make careless readers take quadratic time; a size that such a reader would not finish in minutes.
#[test]
fn hostile_texts_take_linear_time() {
    let begun = worked();
    let read_both = |body: &str| {
        let _ = read(body);
        let _ = strip_hidden(body);
    };
    for piece in [
        "depends on #1 ( ",
        "#1, ",
        "\"a ",
        "'a ",
        "[",
        "*a",
        "depends on ",
        "| depends on: ",
        "· depends on: a ",
        "(a Dependencies: ",
        "a dependencies: ",
        "depends on: a, ",
        "<!-- ",
        "- ",
        "`",
        "> ",
        "[#1](",
        "#1 and\n",
        "a|",
        "#1-#50 ",
    ] {
        // The issue at the end keeps the reader from seeing at once that there is none.
        read_both(&(piece.repeat(1_000_000 / piece.len()) + "\n\n#1"));
    }
    let deep = format!("{}\n{}", "> ".repeat(3_000), "a #1\n".repeat(200_000));
    let _ = read(&deep);
    let seconds = (worked() - begun) / 1_000_000_000;
    assert!(seconds < 60, "{seconds} s");
}

/// Nanoseconds for which this thread has run: unlike time on a clock, the same on a busy machine. Always 0
/// where the system does not say (not on Linux); then the test only shows that reading ends.
fn worked() -> u64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or(0)
}
