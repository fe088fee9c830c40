//! All sequences of so many tellings, each state looked at once.
//!
//! Before each telling time may pass up to the next deadline, or not. States that are the same ([`state`]) have the
//! same future, so that each is continued once; how many sequences that stands for is counted.

use std::collections::HashMap;
use std::fmt;

use crate::state::{State, state};
use crate::world::{Told, World};

/// What was explored.
#[derive(Debug, Default)]
pub(crate) struct Explored {
    /// Sequences of one telling or more.
    pub(crate) sequences: u128,
    /// Different states that were continued.
    pub(crate) states: usize,
    /// Tellings decided.
    pub(crate) tellings: u64,
    /// How many of them led to an acceptance, and to a request to merge.
    pub(crate) accepted: u64,
    /// See `accepted`.
    pub(crate) merges: u64,
    /// The first sequence that must not be.
    pub(crate) violation: Option<Violation>,
}

/// A sequence at whose end the engine does what it must not.
#[derive(Debug)]
pub(crate) struct Violation {
    path: Vec<String>,
    why: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
        write!(f, "then {}", self.why)
    }
}

struct Node {
    world: Option<World>,
    /// From where it was reached first: the state, whether time passed, and what was told.
    from: Option<(usize, bool, Told)>,
    /// The states that follow, as often as something leads there.
    next: Vec<usize>,
    /// How many tellings are possible in it.
    tellings: u64,
}

#[derive(Default)]
struct Explorer {
    nodes: Vec<Node>,
    known: HashMap<State, usize>,
    explored: Explored,
}

/// Tells the world everything that can be told, in all orders, up to so many things.
pub(crate) fn explore(start: World, depth: usize) -> Explored {
    let mut explorer = Explorer::default();
    let mut frontier = vec![explorer.add(start, None)];
    for left in (0..depth).rev() {
        for at in std::mem::take(&mut frontier) {
            if let Err(violation) = explorer.expand(at, left == 0, &mut frontier) {
                explorer.explored.violation = Some(violation);
                return explorer.explored;
            }
        }
    }
    explorer.explored.states = explorer.nodes.len();
    explorer.explored.sequences = explorer.count(depth);
    explorer.explored
}

impl Explorer {
    fn add(&mut self, world: World, from: Option<(usize, bool, Told)>) -> usize {
        self.nodes.push(Node { world: Some(world), from, next: Vec::new(), tellings: 0 });
        self.nodes.len() - 1
    }

    fn expand(&mut self, at: usize, last: bool, frontier: &mut Vec<usize>) -> Result<(), Violation> {
        let world = self.nodes[at].world.take().expect("a state is continued once");
        world.tell_again().map_err(|why| self.violation(at, None, why))?;
        let later = world.later().transpose().map_err(|why| self.violation(at, None, why))?;
        for (waited, world) in [(false, Some(world)), (true, later)] {
            let Some(world) = world else { continue };
            for told in world.tellable() {
                self.tell(at, &world, waited, told, last, frontier)?;
            }
        }
        Ok(())
    }

    fn tell(
        &mut self,
        at: usize,
        world: &World,
        waited: bool,
        told: Told,
        last: bool,
        frontier: &mut Vec<usize>,
    ) -> Result<(), Violation> {
        let mut after = world.clone();
        after.tell(&told).map_err(|why| self.violation(at, Some((waited, &told)), why))?;
        self.nodes[at].tellings += 1;
        self.explored.tellings += 1;
        self.explored.accepted += u64::from(after.accepted > world.accepted);
        self.explored.merges += u64::from(after.merges > world.merges);
        if last {
            return Ok(());
        }
        let state = state(&after);
        let next = self.known.get(&state).copied().unwrap_or_else(|| {
            let next = self.add(after, Some((at, waited, told)));
            self.known.insert(state, next);
            frontier.push(next);
            next
        });
        self.nodes[at].next.push(next);
        Ok(())
    }

    /// Counts sequences by how many ways lead to each state after each telling.
    fn count(&self, depth: usize) -> u128 {
        let mut ways = vec![0_u128; self.nodes.len()];
        ways[0] = 1;
        let mut sequences = 0;
        for _ in 0..depth {
            let mut after = vec![0; self.nodes.len()];
            for (node, ways) in self.nodes.iter().zip(ways).filter(|(_, ways)| *ways > 0) {
                sequences += ways * u128::from(node.tellings);
                node.next.iter().for_each(|next| after[*next] += ways);
            }
            ways = after;
        }
        sequences
    }

    fn violation(&self, mut at: usize, last: Option<(bool, &Told)>, why: String) -> Violation {
        let mut path: Vec<String> = last.into_iter().map(|(waited, told)| line(waited, told)).collect();
        while let Some((from, waited, told)) = &self.nodes[at].from {
            path.push(line(*waited, told));
            at = *from;
        }
        path.reverse();
        Violation { path, why }
    }
}

fn line(waited: bool, told: &Told) -> String {
    format!("{}{told}", if waited { "time passes; " } else { "" })
}
