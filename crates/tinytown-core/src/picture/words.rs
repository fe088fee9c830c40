//! Words of others on one line, and lists that stay short.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::Node;
use crate::markers::is_invisible;

/// Longest text that is shown, in characters.
const LONGEST: usize = 200;
/// How many items a list names before it only counts.
pub(super) const NAMED: usize = 12;

/// A text on one line: white space folded, no control characters, nothing invisible, at most
/// [`LONGEST`] characters.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(4 * LONGEST));
    let mut length = 0;
    for c in text.trim().chars() {
        let c = if c.is_whitespace() || c.is_control() { ' ' } else { c };
        if shows_nothing(c) || (c == ' ' && (line.is_empty() || line.ends_with(' '))) {
            continue;
        }
        if length == LONGEST {
            line.pop();
            line.push('…');
            break;
        }
        line.push(c);
        length += 1;
    }
    line.truncate(line.trim_end().len());
    line
}

/// Whether a character shows nothing. The variation selectors 15 and 16 stay: symbols such as ⚠️ have them.
const fn shows_nothing(c: char) -> bool {
    is_invisible(c) && !matches!(c, '\u{FE0E}' | '\u{FE0F}')
}

/// An item's words without its note: `⏳ #2 Implement auth endpoints`. What is empty leaves no gap,
/// and there always is something: mermaid refuses empty labels.
pub(super) fn caption(node: &Node) -> String {
    let parts = [one_line(&node.mark), one_line(node.key.as_str()), one_line(&node.title)];
    let caption = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    if caption.is_empty() { "untitled".to_owned() } else { caption }
}

/// The issues outside that an item waits for, each once.
pub(super) fn outside(node: &Node) -> Vec<String> {
    let mut known = BTreeSet::new();
    let names = node.external.iter().map(|name| one_line(name));
    names.filter(|name| !name.is_empty() && known.insert(name.clone())).collect()
}

/// `#3, #17`; of a long list the beginning, and how many more there are.
pub(super) fn list<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let mut list = names.take(NAMED).map(one_line).collect::<Vec<_>>().join(", ");
    if more > 0 {
        let _ = write!(list, " and {more} more");
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_on_one_line_and_within_bounds() {
        assert_eq!(one_line(" a\r\n\tb\u{202e}\u{2028}c\u{1b}[31m \u{200b} ⚠️ "), "a b c [31m ⚠️");
        assert_eq!(one_line("\n\u{200b}\n"), "");
        assert_eq!(one_line(&"ü".repeat(200)), "ü".repeat(200));
        assert_eq!(one_line(&"ü".repeat(201)), "ü".repeat(199) + "…");
    }

    #[test]
    fn long_lists_are_counted() {
        let names: Vec<String> = (1..=14).map(|n| format!("#{n}")).collect();
        let of = |n: usize| list(names[..n].iter().map(String::as_str));
        assert_eq!(of(2), "#1, #2");
        assert!(of(12).ends_with("#11, #12"));
        assert!(of(14).ends_with("#11, #12 and 2 more"));
    }
}
