//! The dependency graph of a mission: without cycles by construction, and with one defined order.
//!
//! Nodes are the positions of the items as they were given; edges are their `depends_on`. An item
//! that is skipped stays a node, but nobody waits for it: it is in no wave and on no path.

mod cycle;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

pub use cycle::{Cycle, CycleEdge};

use crate::id::ItemKey;
use crate::item::ItemSpec;

/// A map that is only ever asked, never walked, and hashes alike in every process.
pub(crate) type Lookup<K, V> = HashMap<K, V, BuildHasherDefault<DefaultHasher>>;

/// Why items make no graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Items wait for each other in a circle.
    #[error("{0}")]
    Cycle(Cycle),
    /// An item depends on one that is not among the items.
    #[error("{item} depends on {on}, which is not an item of the mission")]
    UnknownItem {
        /// The item.
        item: ItemKey,
        /// What it depends on.
        on: ItemKey,
    },
    /// Two items have one key.
    #[error("two items have the key {0}")]
    DuplicateItem(ItemKey),
}

/// Items and what they wait for. An edge leads from a dependency to its dependent.
#[derive(Debug, Clone)]
pub struct Graph {
    keys: Vec<ItemKey>,
    skipped: Vec<bool>,
    edges: DiGraph<(), ()>,
    waves: Vec<Vec<usize>>,
    lengths: Vec<u32>,
}

impl Graph {
    /// Builds the graph. A dependency that is named twice counts once.
    ///
    /// # Errors
    /// Every [`GraphError`] there is: one cycle for each part of the graph that has any, the
    /// shortest there. Cycles are sought only if all items are known.
    pub fn build(items: &[ItemSpec]) -> Result<Self, Vec<GraphError>> {
        let dependencies = resolve(items)?;
        let edges = connect(&dependencies);
        let mut graph = Self {
            keys: items.iter().map(|item| item.key.clone()).collect(),
            skipped: items.iter().map(|item| item.skip).collect(),
            edges,
            waves: Vec::new(),
            lengths: vec![1; items.len()],
        };
        let Some(order) = graph.topological_order() else {
            let cycles = cycle::find(&graph.edges);
            return Err(cycles.iter().map(|nodes| GraphError::Cycle(Cycle::of(items, nodes))).collect());
        };
        graph.measure(&order);
        Ok(graph)
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key of the item at a position.
    pub fn key(&self, at: usize) -> &ItemKey {
        &self.keys[at]
    }

    /// The items that wait for this one, in the order of the items.
    pub fn dependents(&self, at: usize) -> impl Iterator<Item = usize> {
        self.edges.neighbors_directed(NodeIndex::new(at), Direction::Outgoing).map(NodeIndex::index)
    }

    /// The items that this one waits for, in the order in which it names them.
    pub fn dependencies(&self, at: usize) -> impl Iterator<Item = usize> {
        self.edges.neighbors_directed(NodeIndex::new(at), Direction::Incoming).map(NodeIndex::index)
    }

    /// Number of items that this one waits for.
    pub fn dependency_count(&self, at: usize) -> usize {
        self.dependencies(at).count()
    }

    /// What could run at the same time with agents enough: each item is in the wave after the last of
    /// its dependencies. Within a wave, the order of the items. Skipped items are in none.
    pub fn waves(&self) -> &[Vec<usize>] {
        &self.waves
    }

    /// Number of items on the longest path from here to an end of the graph, itself included.
    pub fn path_length(&self, at: usize) -> u32 {
        self.lengths[at]
    }

    /// The longest path through the graph, from its beginning; of several, the one of the earlier items.
    pub fn critical_path(&self) -> Vec<usize> {
        let mut path = Vec::new();
        let mut next = self.longest((0..self.len()).filter(|at| !self.skipped[*at]));
        while let Some(at) = next {
            path.push(at);
            next = self.longest(self.dependents(at).filter(|to| !self.skipped[*to]));
        }
        path
    }

    fn longest(&self, among: impl Iterator<Item = usize>) -> Option<usize> {
        among.min_by_key(|at| (std::cmp::Reverse(self.lengths[*at]), *at))
    }

    /// All items, each after those that it depends on.
    pub fn order(&self) -> Vec<usize> {
        self.topological_order().unwrap_or_default()
    }

    /// Every item after its dependencies, or nothing if a cycle forbids that.
    fn topological_order(&self) -> Option<Vec<usize>> {
        let mut missing: Vec<usize> = (0..self.len()).map(|at| self.dependency_count(at)).collect();
        let mut order: Vec<usize> = (0..self.len()).filter(|at| missing[*at] == 0).collect();
        let mut done = 0;
        while let Some(at) = order.get(done).copied() {
            done += 1;
            for to in self.dependents(at) {
                missing[to] -= 1;
                if missing[to] == 0 {
                    order.push(to);
                }
            }
        }
        (order.len() == self.len()).then_some(order)
    }

    /// Finds waves and path lengths, passing over skipped items.
    fn measure(&mut self, order: &[usize]) {
        let mut wave_of = vec![0; self.len()];
        for at in order.iter().copied() {
            let before = self.dependencies(at).filter(|on| !self.skipped[*on]);
            wave_of[at] = before.map(|on| wave_of[on] + 1).max().unwrap_or(0);
        }
        for at in order.iter().rev().copied() {
            let after = self.dependents(at).filter(|to| !self.skipped[*to]);
            self.lengths[at] = 1 + after.map(|to| self.lengths[to]).max().unwrap_or(0);
        }
        for (at, wave) in wave_of.into_iter().enumerate().filter(|(at, _)| !self.skipped[*at]) {
            if self.waves.len() <= wave {
                self.waves.resize(wave + 1, Vec::new());
            }
            self.waves[wave].push(at);
        }
    }
}

/// Each item's dependencies as positions, each once, in the order in which they are named.
fn resolve(items: &[ItemSpec]) -> Result<Vec<Vec<usize>>, Vec<GraphError>> {
    let mut errors = Vec::new();
    let mut positions = Lookup::default();
    for (at, item) in items.iter().enumerate() {
        if positions.insert(&item.key, at).is_some() {
            errors.push(GraphError::DuplicateItem(item.key.clone()));
        }
    }
    let mut named_by = vec![usize::MAX; items.len()];
    let mut all = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let mut dependencies = Vec::with_capacity(item.depends_on.len());
        for dependency in &item.depends_on {
            match positions.get(&dependency.on) {
                Some(on) if named_by[*on] != at => {
                    named_by[*on] = at;
                    dependencies.push(*on);
                }
                Some(_) => {}
                None => {
                    errors
                        .push(GraphError::UnknownItem { item: item.key.clone(), on: dependency.on.clone() });
                }
            }
        }
        all.push(dependencies);
    }
    if errors.is_empty() { Ok(all) } else { Err(errors) }
}

/// The edges. They are added backwards, because petgraph walks them from the latest to the first.
fn connect(dependencies: &[Vec<usize>]) -> DiGraph<(), ()> {
    let mut edges = DiGraph::with_capacity(dependencies.len(), dependencies.iter().map(Vec::len).sum());
    for _ in dependencies {
        edges.add_node(());
    }
    for (at, dependencies) in dependencies.iter().enumerate().rev() {
        for on in dependencies.iter().rev() {
            edges.add_edge(NodeIndex::new(*on), NodeIndex::new(at), ());
        }
    }
    edges
}
