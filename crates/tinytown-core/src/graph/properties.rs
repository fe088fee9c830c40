//! Random graphs by the thousand, with cycles and without, against computations that share nothing with the graph's.
//!
//! A cycle is minimal if no other cycle of its strongly connected component is shorter, which a breadth-first search
//! from every item decides. The full count is `cargo test --release -p tinytown-core --lib ten_thousand -- --ignored`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::tests::items;
use super::*;

/// A graph as it was drawn: items are positions, an edge is (item, dependency).
struct Drawn {
    count: usize,
    edges: BTreeSet<(usize, usize)>,
    skipped: Vec<bool>,
}

/// How much was looked at.
#[derive(Debug, Default)]
struct Figures {
    graphs: u64,
    items: usize,
    edges: usize,
    most_items: usize,
    cycles: usize,
    longest_cycle: usize,
    longest_path: usize,
}

impl Figures {
    fn add(&mut self, drawn: &Drawn) {
        self.graphs += 1;
        self.items += drawn.count;
        self.edges += drawn.edges.len();
        self.most_items = self.most_items.max(drawn.count);
    }
}

/// Random numbers that are the same on every machine.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            dice.below(2);
        }
        dice
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let limit = u64::try_from(limit).expect("small");
        usize::try_from((self.0 >> 16) % limit).expect("below the limit")
    }
}

impl Drawn {
    /// Up to three edges an item, each to an item that is earlier in a random order. Small graphs are as likely as
    /// large ones.
    fn acyclic(dice: &mut Dice, most: usize) -> Self {
        let magnitude = 1 << dice.below(most.ilog2() as usize + 2);
        let count = 1 + dice.below(magnitude.min(most));
        let mut order: Vec<usize> = (0..count).collect();
        (1..count).for_each(|at| order.swap(at, dice.below(at + 1)));
        let wanted = dice.below(3 * count);
        let pair = |dice: &mut Dice| (dice.below(count), dice.below(count));
        let pairs = (0..wanted).map(|_| pair(dice)).filter(|(a, b)| a != b);
        let edges = pairs.map(|(a, b)| (order[a.max(b)], order[a.min(b)])).collect();
        Self { count, edges, skipped: vec![false; count] }
    }

    /// The same with up to three rings through any items, and every third time some edges in any direction.
    fn cyclic(dice: &mut Dice, most: usize) -> Self {
        let mut drawn = Self::acyclic(dice, most);
        for _ in 0..=dice.below(3) {
            let mut ring: Vec<usize> = (0..drawn.count).collect();
            (1..drawn.count).for_each(|at| ring.swap(at, dice.below(at + 1)));
            ring.truncate(1 + dice.below(drawn.count.min(20)));
            drawn.edges.extend(ring.iter().zip(ring.iter().cycle().skip(1)).map(|(a, b)| (*a, *b)));
        }
        if dice.below(3) == 0 {
            let extra = dice.below(drawn.count);
            drawn.edges.extend((0..extra).map(|_| (dice.below(drawn.count), dice.below(drawn.count))));
        }
        drawn
    }

    fn specs(&self) -> Vec<ItemSpec> {
        let number = |at: usize| u64::try_from(at).expect("small") + 1;
        let edges: Vec<(u64, u64)> = self.edges.iter().map(|(a, b)| (number(*a), number(*b))).collect();
        let mut items = items(number(self.count) - 1, &edges);
        items.iter_mut().zip(&self.skipped).for_each(|(item, skip)| item.skip = *skip);
        items
    }

    fn dependencies(&self) -> Vec<Vec<usize>> {
        let mut on = vec![Vec::new(); self.count];
        self.edges.iter().for_each(|(item, dependency)| on[*item].push(*dependency));
        on
    }

    /// By the first item of each component that has a cycle, how long its shortest is; and which that is for an item.
    fn shortest_cycles(&self) -> (BTreeMap<usize, usize>, Vec<usize>) {
        let on = self.dependencies();
        let from: Vec<Vec<usize>> = (0..self.count).map(|at| distances(&on, at)).collect();
        let together = |a: usize, b: usize| from[a][b] != FAR && from[b][a] != FAR;
        let first = |at| (0..at).find(|other| together(*other, at)).unwrap_or(at);
        let firsts: Vec<usize> = (0..self.count).map(first).collect();
        let mut shortest = BTreeMap::new();
        for (at, component) in firsts.iter().enumerate().filter(|(at, _)| from[*at][*at] != FAR) {
            let length = shortest.entry(*component).or_insert(FAR);
            *length = from[at][at].min(*length);
        }
        (shortest, firsts)
    }

    /// The longest way to each item over edges in one direction, itself not counted: relaxed until nothing changes.
    fn levels(&self, forwards: bool) -> Vec<usize> {
        let mut levels = vec![0; self.count];
        loop {
            let mut same = true;
            for (item, on) in self.edges.iter().filter(|(a, b)| !self.skipped[*a] && !self.skipped[*b]) {
                let (later, earlier) = if forwards { (*item, *on) } else { (*on, *item) };
                same &= levels[later] > levels[earlier];
                levels[later] = levels[later].max(levels[earlier] + 1);
            }
            if same {
                return levels;
            }
        }
    }
}

const FAR: usize = usize::MAX;

/// How many edges lead from one item to each: at least one, so that an item reaches itself by a cycle only.
fn distances(on: &[Vec<usize>], from: usize) -> Vec<usize> {
    let mut far = vec![FAR; on.len()];
    let mut queue = VecDeque::from([(from, 0)]);
    while let Some((at, steps)) = queue.pop_front() {
        for next in &on[at] {
            if far[*next] == FAR {
                far[*next] = steps + 1;
                queue.push_back((*next, steps + 1));
            }
        }
    }
    far
}

fn position(key: &ItemKey) -> usize {
    key.as_str().trim_start_matches('#').parse::<usize>().expect("a number") - 1
}

/// The items of a cycle, after judging that it is one and says where each edge was written.
fn nodes_of(cycle: &Cycle, drawn: &Drawn) -> Vec<usize> {
    let nodes: Vec<usize> = cycle.edges.iter().map(|edge| position(&edge.item)).collect();
    for (edge, next) in cycle.edges.iter().zip(nodes.iter().cycle().skip(1)) {
        assert_eq!(position(&edge.depends_on), *next, "{cycle}");
        assert!(drawn.edges.contains(&(position(&edge.item), *next)), "{cycle}");
        assert_eq!(edge.source.words, format!("Depends on {}", edge.depends_on), "{cycle}");
        assert_eq!(*edge.source.location, format!("issues/{}.md", position(&edge.item) + 1), "{cycle}");
    }
    assert_eq!(nodes.iter().collect::<BTreeSet<_>>().len(), nodes.len(), "{cycle}");
    assert_eq!(nodes.iter().min(), nodes.first(), "{cycle}");
    nodes
}

fn cyclic_graphs_are_refused(graphs: u64, most: usize) -> Figures {
    let mut figures = Figures::default();
    for seed in 0..graphs {
        let drawn = Drawn::cyclic(&mut Dice::new(seed), most);
        figures.add(&drawn);
        let errors = Graph::build(&drawn.specs()).expect_err("a ring was drawn");
        let (shortest, components) = drawn.shortest_cycles();
        let mut found = BTreeMap::new();
        for error in &errors {
            let GraphError::Cycle(cycle) = error else { panic!("seed {seed}: {error}") };
            let nodes = nodes_of(cycle, &drawn);
            figures.longest_cycle = figures.longest_cycle.max(nodes.len());
            found.insert(components[nodes[0]], nodes.len());
        }
        figures.cycles += errors.len();
        assert_eq!(found, shortest, "seed {seed}");
        assert_eq!(errors.len(), shortest.len(), "seed {seed}");
    }
    figures
}

fn acyclic_graphs_are_accepted(graphs: u64, most: usize) -> Figures {
    let mut figures = Figures::default();
    for seed in 0..graphs {
        let mut dice = Dice::new(seed);
        let mut drawn = Drawn::acyclic(&mut dice, most);
        if seed % 2 == 0 {
            drawn.skipped.iter_mut().for_each(|skip| *skip = dice.below(12) == 0);
        }
        figures.add(&drawn);
        let graph = Graph::build(&drawn.specs()).unwrap_or_else(|errors| panic!("seed {seed}: {errors:?}"));
        check_waves(&graph, &drawn, seed);
        figures.longest_path = figures.longest_path.max(check_paths(&graph, &drawn, seed));
    }
    figures
}

fn check_waves(graph: &Graph, drawn: &Drawn, seed: u64) {
    let mut waves: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, level) in drawn.levels(true).into_iter().enumerate().filter(|(at, _)| !drawn.skipped[*at]) {
        waves.entry(level).or_default().push(at);
    }
    assert_eq!(graph.waves(), waves.into_values().collect::<Vec<_>>(), "seed {seed}");
}

/// Checks path lengths and the critical path; the length of that.
fn check_paths(graph: &Graph, drawn: &Drawn, seed: u64) -> usize {
    let lengths: Vec<usize> = drawn.levels(false).iter().map(|level| level + 1).collect();
    let open = |at: &usize| !drawn.skipped[*at];
    for at in (0..drawn.count).filter(open) {
        assert_eq!(graph.path_length(at) as usize, lengths[at], "seed {seed}, item {at}");
    }
    let longest = (0..drawn.count).filter(open).map(|at| lengths[at]).max().unwrap_or(0);
    let path = graph.critical_path();
    assert_eq!(path.len(), longest, "seed {seed}");
    assert!(path.iter().all(open), "seed {seed}");
    assert!(path.windows(2).all(|step| drawn.edges.contains(&(step[1], step[0]))), "seed {seed}");
    let first = (0..drawn.count).filter(open).find(|at| lengths[*at] == longest);
    assert_eq!(path.first().copied(), first, "seed {seed}");
    path.len()
}

#[test]
fn random_cyclic_graphs_are_refused_with_a_shortest_cycle_of_each_component() {
    let figures = cyclic_graphs_are_refused(300, 100);
    assert!(figures.cycles > 300 && figures.longest_cycle > 5, "{figures:?}");
}

#[test]
fn random_acyclic_graphs_are_accepted_with_the_waves_and_paths_of_a_relaxation() {
    let figures = acyclic_graphs_are_accepted(300, 500);
    assert!(figures.longest_path > 10, "{figures:?}");
}

#[test]
#[ignore = "takes a minute; for the figures of a release"]
#[expect(clippy::print_stdout, reason = "the figures are what it is run for")]
fn ten_thousand_cyclic_and_ten_thousand_acyclic_graphs() {
    println!("refused: {:?}", cyclic_graphs_are_refused(10_000, 1_000));
    println!("accepted: {:?}", acyclic_graphs_are_accepted(10_000, 10_000));
}
