//! Cycles: which items, edge by edge, and where each edge was written.

use std::collections::VecDeque;
use std::fmt;

use petgraph::Direction;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::id::ItemKey;
use crate::item::{EdgeSource, ItemSpec};

/// Items that wait for each other in a circle, beginning with the first of them in the order of the items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// Each edge's `depends_on` is the next edge's `item`, and the last one's is the first.
    pub edges: Vec<CycleEdge>,
}

/// One step of a cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CycleEdge {
    /// Who waits.
    pub item: ItemKey,
    /// For whom.
    pub depends_on: ItemKey,
    /// Where that is said.
    pub source: EdgeSource,
}

impl Cycle {
    /// The cycle through these positions, each depending on the next.
    pub(super) fn of(items: &[ItemSpec], nodes: &[usize]) -> Self {
        let next = nodes.iter().cycle().skip(1);
        let edges = nodes.iter().zip(next).filter_map(|(from, to)| {
            let (item, on) = (&items[*from], &items[*to].key);
            let dependency = item.depends_on.iter().find(|dependency| dependency.on == *on)?;
            Some(CycleEdge {
                item: item.key.clone(),
                depends_on: on.clone(),
                source: dependency.source.clone(),
            })
        });
        Self { edges: edges.collect() }
    }
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cycle: ")?;
        for edge in &self.edges {
            write!(f, "{} → ", edge.item)?;
        }
        if let Some(first) = self.edges.first() {
            write!(f, "{}", first.item)?;
        }
        for edge in &self.edges {
            write!(f, "\n  {} depends on {} ({})", edge.item, edge.depends_on, edge.source)?;
        }
        Ok(())
    }
}

/// The shortest cycle of each strongly connected component that has one, in the order of their first nodes.
pub(super) fn find(edges: &DiGraph<(), ()>) -> Vec<Vec<usize>> {
    // Kosaraju's walk is iterative; Tarjan's, in petgraph, overflows the stack on long chains.
    let components = kosaraju_scc(edges);
    let mut search = Search::new(edges, &components);
    let mut cycles: Vec<Vec<usize>> = components.iter().filter_map(|nodes| search.shortest(nodes)).collect();
    cycles.sort_unstable();
    cycles
}

const DIRECTIONS: [Direction; 2] = [Direction::Incoming, Direction::Outgoing];

/// A breadth-first search for short cycles, with its working memory.
struct Search<'g> {
    edges: &'g DiGraph<(), ()>,
    /// Which component a node is in; nodes through which no unseen cycle leads are taken out.
    component: Vec<Option<usize>>,
    /// How many neighbours in its component each node has left, by direction.
    degrees: [Vec<usize>; 2],
    /// How each node was reached: in which search, at which depth, from where.
    reached: Vec<(usize, usize, usize)>,
}

impl<'g> Search<'g> {
    fn new(edges: &'g DiGraph<(), ()>, components: &[Vec<NodeIndex>]) -> Self {
        let mut component = vec![None; edges.node_count()];
        for (number, nodes) in components.iter().enumerate() {
            for node in nodes {
                component[node.index()] = Some(number);
            }
        }
        let reached = vec![(usize::MAX, 0, 0); edges.node_count()];
        let mut search = Self { edges, component, degrees: [Vec::new(), Vec::new()], reached };
        search.degrees = DIRECTIONS.map(|way| search.count(way));
        search
    }

    fn count(&self, way: Direction) -> Vec<usize> {
        (0..self.component.len()).map(|at| self.neighbours(at, way).count()).collect()
    }

    /// The shortest cycle of a component. Nodes are tried in order; each is taken out after its turn,
    /// with all that is then on no cycle, so the work shrinks as the search goes on.
    fn shortest(&mut self, nodes: &[NodeIndex]) -> Option<Vec<usize>> {
        let mut nodes: Vec<usize> = nodes.iter().map(|node| node.index()).collect();
        nodes.sort_unstable();
        let mut best: Option<Vec<usize>> = None;
        for from in nodes {
            if self.component[from].is_none() {
                continue;
            }
            let limit = best.as_ref().map_or(usize::MAX, |cycle| cycle.len() - 1);
            if let Some(cycle) = self.through(from, limit) {
                best = Some(cycle);
            }
            self.take_out(from);
        }
        best
    }

    /// The neighbours of a node in its own component: what it depends on, or who depends on it.
    fn neighbours(&self, at: usize, direction: Direction) -> impl Iterator<Item = usize> {
        let nodes = self.edges.neighbors_directed(NodeIndex::new(at), direction).map(NodeIndex::index);
        nodes.filter(move |to| self.component[*to].is_some() && self.component[*to] == self.component[at])
    }

    /// The shortest cycle through a node, of at most `limit` nodes.
    fn through(&mut self, from: usize, limit: usize) -> Option<Vec<usize>> {
        let mut queue = VecDeque::from([from]);
        self.reached[from] = (from, 1, from);
        while let Some(at) = queue.pop_front() {
            let depth = self.reached[at].1;
            if depth > limit {
                return None;
            }
            let next: Vec<usize> = self.neighbours(at, Direction::Incoming).collect();
            if next.contains(&from) {
                return Some(self.path(from, at));
            }
            for to in next {
                if self.reached[to].0 != from {
                    self.reached[to] = (from, depth + 1, at);
                    queue.push_back(to);
                }
            }
        }
        None
    }

    /// The path by which the present search reached a node.
    fn path(&self, from: usize, to: usize) -> Vec<usize> {
        let mut path = vec![to];
        let mut at = to;
        while at != from {
            at = self.reached[at].2;
            path.push(at);
        }
        path.reverse();
        path
    }

    /// Takes a node out, and whatever is then on no cycle.
    fn take_out(&mut self, node: usize) {
        let mut dead = vec![node];
        while let Some(at) = dead.pop() {
            for (way, back) in [(0, 1), (1, 0)] {
                let around: Vec<usize> = self.neighbours(at, DIRECTIONS[way]).collect();
                for near in around {
                    self.degrees[back][near] -= 1;
                    if self.degrees[back][near] == 0 {
                        dead.push(near);
                    }
                }
            }
            self.component[at] = None;
        }
    }
}
