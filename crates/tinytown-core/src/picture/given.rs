//! The edges as they were given, by position.

use super::Node;
use super::words::outside;
use crate::graph::Lookup;
use crate::id::ItemKey;

/// All edges of a picture, each once.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// From a dependency to its dependent, in the order of the dependents.
    pub(super) edges: Vec<(usize, usize)>,
    /// The issues outside, each once, as shown.
    pub(super) outside: Vec<String>,
    /// From an issue outside to its dependent, in the order of the dependents.
    pub(super) from_outside: Vec<(usize, usize)>,
}

impl Given {
    pub(super) fn of(nodes: &[Node]) -> Self {
        let needs = resolve(nodes);
        let edges = needs.iter().enumerate().flat_map(|(at, on)| on.iter().map(move |on| (*on, at)));
        let mut given = Self { edges: edges.collect(), ..Self::default() };
        let mut known: Lookup<String, usize> = Lookup::default();
        for (at, node) in nodes.iter().enumerate() {
            for name in outside(node) {
                let next = given.outside.len();
                let from = *known.entry(name.clone()).or_insert(next);
                if from == next {
                    given.outside.push(name);
                }
                given.from_outside.push((from, at));
            }
        }
        given
    }
}

/// For each node the positions of the nodes it depends on, ascending, each once.
pub(super) fn resolve(nodes: &[Node]) -> Vec<Vec<usize>> {
    let mut positions: Lookup<&ItemKey, usize> = Lookup::default();
    for (at, node) in nodes.iter().enumerate() {
        positions.entry(&node.key).or_insert(at);
    }
    let needs = nodes.iter().map(|node| {
        let mut needs: Vec<usize> =
            node.depends_on.iter().filter_map(|key| positions.get(key).copied()).collect();
        needs.sort_unstable();
        needs.dedup();
        needs
    });
    needs.collect()
}
