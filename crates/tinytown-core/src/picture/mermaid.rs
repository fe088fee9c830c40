//! The picture for Markdown: a mermaid flowchart that GitHub draws.

use std::fmt::Write as _;

use super::Node;
use super::given::Given;
use super::words::{caption, one_line};

/// Draws items, issues outside, edges, classes; see [`mermaid`](super::Picture::mermaid).
pub(super) fn draw(nodes: &[Node], given: &Given) -> String {
    let mut text = String::from("flowchart TD\n");
    for (at, node) in nodes.iter().enumerate() {
        let _ = writeln!(text, "  n{}[\"{}\"]", at + 1, label(node));
    }
    for (at, name) in given.outside.iter().enumerate() {
        let _ = writeln!(text, "  x{}(\"{}\")", at + 1, escape(name));
    }
    for (on, at) in &given.edges {
        let _ = writeln!(text, "  n{} --> n{}", on + 1, at + 1);
    }
    for (on, at) in &given.from_outside {
        let _ = writeln!(text, "  x{} -.-> n{}", on + 1, at + 1);
    }
    // Colours are the reader's theme; these styles are seen in a dark one as well as in a light one.
    class(&mut text, nodes, |node| node.critical, "critical", "stroke-width:3px");
    class(&mut text, nodes, |node| node.faded, "faded", "opacity:0.5,stroke-dasharray:4 4");
    text
}

/// A class and whom it holds, if anybody.
fn class(text: &mut String, nodes: &[Node], held: fn(&Node) -> bool, name: &str, style: &str) {
    let ids = nodes.iter().enumerate().filter(|(_, node)| held(node)).map(|(at, _)| format!("n{}", at + 1));
    let ids = ids.collect::<Vec<_>>().join(",");
    if !ids.is_empty() {
        let _ = write!(text, "  classDef {name} {style}\n  class {ids} {name}\n");
    }
}

/// The caption, and the note below it.
fn label(node: &Node) -> String {
    let (above, below) = (escape(&caption(node)), escape(&one_line(&node.note)));
    if below.is_empty() { above } else { format!("{above}<br/>{below}") }
}

/// Writes every sign as a mermaid entity (`#35;`), so that none means anything to mermaid, to the Markdown
/// in its labels or to HTML: quotes end labels, `%%{` begins a directive wherever it stands, `www.` makes a
/// link. What mermaid looks for once more when entities are characters again (`$$` for formulas, `\n`,
/// `fa:fa-car`, its own `ﬂ°` and `¶ß`) is parted by an invisible joiner.
fn escape(line: &str) -> String {
    let mut safe = String::with_capacity(line.len() + 16);
    let mut last = ' ';
    for c in line.chars() {
        if matches!(last, '$' | '\\' | ':' | 'ﬂ' | '¶') && c != ' ' {
            safe.push_str("#8288;");
        }
        if c.is_alphanumeric() || c > '\u{ff}' || matches!(c, ' ' | ',' | '-') {
            safe.push(c);
        } else {
            let _ = write!(safe, "#{};", u32::from(c));
        }
        last = c;
    }
    safe
}
