//! The picture for Graphviz.

use std::fmt::Write as _;

use super::Node;
use super::given::Given;
use super::words::{caption, one_line};

/// Draws items, issues outside, edges; see [`dot`](super::Picture::dot).
pub(super) fn draw(nodes: &[Node], given: &Given) -> String {
    let mut text = String::from("digraph mission {\n  node [shape=box]\n");
    for (at, node) in nodes.iter().enumerate() {
        let _ = writeln!(text, "  n{} [label=\"{}\"{}]", at + 1, label(node), style(node));
    }
    for (at, name) in given.outside.iter().enumerate() {
        let _ = writeln!(text, "  x{} [label=\"{}\", shape=ellipse, style=dotted]", at + 1, escape(name));
    }
    for (on, at) in &given.edges {
        let _ = writeln!(text, "  n{} -> n{}", on + 1, at + 1);
    }
    for (on, at) in &given.from_outside {
        let _ = writeln!(text, "  x{} -> n{} [style=dotted]", on + 1, at + 1);
    }
    text.push_str("}\n");
    text
}

fn style(node: &Node) -> &'static str {
    match (node.critical, node.faded) {
        (false, false) => "",
        (true, false) => ", penwidth=3",
        (false, true) => ", style=dashed, color=gray, fontcolor=gray",
        (true, true) => ", penwidth=3, style=dashed, color=gray, fontcolor=gray",
    }
}

/// The caption, and the note below it.
fn label(node: &Node) -> String {
    let (above, below) = (escape(&caption(node)), escape(&one_line(&node.note)));
    if below.is_empty() { above } else { format!("{above}\\n{below}") }
}

/// Inside quotes only `"` and `\` mean something, and in labels `&` begins an HTML entity.
fn escape(line: &str) -> String {
    line.replace('\\', "\\\\").replace('"', "\\\"").replace('&', "&amp;")
}
