//! The picture for a terminal.

use std::fmt::Write as _;

use super::Node;
use super::lanes::{Cell, Row, lay_out};
use super::shape::Shape;
use super::words::{caption, list, one_line, outside};

/// Draws every row; see [`text`](super::Picture::text).
pub(super) fn draw(nodes: &[Node], shape: &Shape) -> String {
    let uses = shape.uses();
    let rows = lay_out(shape, &uses);
    let width = rows.iter().map(Row::width).max().unwrap_or(0);
    let names = |rows: &[usize]| list(rows.iter().map(|row| nodes[shape.order[*row]].key.as_str()));
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        let node = &nodes[shape.order[at]];
        lanes(&mut text, node, row, width);
        words(&mut text, node);
        if !row.before.is_empty() {
            let _ = write!(text, " ← {}", names(&row.before));
        }
        if row.cramped {
            let _ = write!(text, " → {}", names(&uses[at]));
        }
        text.push('\n');
    }
    text
}

/// The item's own words: caption, note, what is outside.
fn words(text: &mut String, node: &Node) {
    text.push_str(&caption(node));
    let remark = one_line(&node.note);
    if !remark.is_empty() {
        let _ = write!(text, " · {remark}");
    }
    let outside = outside(node);
    if !outside.is_empty() {
        let _ = write!(text, " ← outside: {}", list(outside.iter().map(String::as_str)));
    }
}

/// A row's lanes, every column two characters wide.
fn lanes(text: &mut String, node: &Node, row: &Row, width: usize) {
    let (first, last) = row.legs();
    for (column, cell) in row.cells.iter().enumerate().take(width) {
        let leg = (first..last).contains(&column);
        text.push(match cell {
            Cell::Empty if leg && column > first => '─',
            Cell::Empty => ' ',
            Cell::Lane => '│',
            Cell::Cut => '↓',
            Cell::Touched => ['├', '┼', '┤'][side(column, first, last)],
            Cell::Ended => ['╰', '┴', '╯'][side(column, first, last)],
            Cell::Item => symbol(node, row.leaves),
        });
        text.push(if leg { '─' } else { ' ' });
    }
}

/// Where on the legs a column is: 0 at their left end, 2 at their right end, 1 in between.
fn side(column: usize, first: usize, last: usize) -> usize {
    if column == first { 0 } else { 1 + usize::from(column == last) }
}

/// The item's symbol, hollow if no lane leaves it: what stands right below then is not connected.
fn symbol(node: &Node, leaves: bool) -> char {
    match (node.faded, node.critical, leaves) {
        (true, _, true) => '•',
        (true, _, false) => '◦',
        (false, true, true) => '◆',
        (false, true, false) => '◇',
        (false, false, true) => '●',
        (false, false, false) => '○',
    }
}
