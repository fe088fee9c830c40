//! The graph of a mission or of a plan, drawn: for a terminal, for Markdown (mermaid), for Graphviz.
//!
//! Pure, without colour, and the same bytes for the same picture. All words are data of somebody else's:
//! in no format can they add a line, an item, an edge, a link or markup.

mod dot;
mod given;
mod lanes;
mod mermaid;
mod shape;
mod text;
mod words;

#[cfg(test)]
mod follow;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use crate::id::ItemKey;
use given::Given;
use shape::Shape;

/// What the symbols of [`Picture::text`] mean, in one line.
pub const LEGEND: &str = "● item, ◆ on the critical path, • skipped; hollow (○ ◇ ◦): no line leaves it; \
                          ↓ line ends here, named further on; ← after, → before";

/// What is drawn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    /// The items, in the order of the mission.
    pub nodes: Vec<Node>,
}

/// One item of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name. Of two items with one name, edges lead to the first.
    pub key: ItemKey,
    /// Its title; may be empty.
    pub title: String,
    /// A symbol in front, such as ✅ ⏳ 🔄; may be empty.
    pub mark: String,
    /// What stands behind the title: who works on it, what it waits for; may be empty.
    pub note: String,
    /// The items that must be done first. A key that no node has is left out.
    pub depends_on: Vec<ItemKey>,
    /// The issues outside that must be closed first, as text.
    pub external: Vec<String>,
    /// Whether it is on the critical path.
    pub critical: bool,
    /// Whether it is skipped.
    pub faded: bool,
}

impl Picture {
    /// The items in topological order, one line each, with lanes beside them; [`LEGEND`] says how to read
    /// it. Ends with a line end unless there are no items.
    ///
    /// An edge that a longer path already says is left out (exactly so up to 10,240 items). No more than
    /// 12 lanes run side by side: where there would be more, the one that is needed last ends, and the
    /// edges that it does not show are named behind the titles, the first 12 of them. Dependencies in a
    /// circle, which no mission has, are named as well.
    pub fn text(&self) -> String {
        text::draw(&self.nodes, &Shape::of(&self.nodes))
    }

    /// A mermaid flowchart with every edge that was given, once; what is outside is rounded and dotted.
    ///
    /// Viewers have limits: GitHub draws no more than 500 edges.
    pub fn mermaid(&self) -> String {
        mermaid::draw(&self.nodes, &Given::of(&self.nodes))
    }

    /// A Graphviz digraph with every edge that was given, once; what is outside is rounded and dotted.
    pub fn dot(&self) -> String {
        dot::draw(&self.nodes, &Given::of(&self.nodes))
    }
}
