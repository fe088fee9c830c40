//! The shape of a picture: the order of its rows, and which rows each needs.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Node;
use super::given::resolve;

/// So many rows are reduced together. Reducing takes a bit for each pair of rows in a stretch, 13 MB at
/// most; of edges between stretches, all stay.
const STRETCH: usize = 10_240;
/// How many words of 64 bits may be joined while reducing, so that no graph takes longer than some 20 ms.
/// Random layers of 10,000 items with three dependencies each need some three million. Edges met after
/// it is used up may stay although a longer path says them.
const JOINS: usize = 100_000_000;

/// Rows in the order in which they are drawn, and the edges between them.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Which node stands in each row: topological, of the ready ones the earliest given first. Items in a
    /// circle, and those behind one, come last, as given.
    pub(super) order: Vec<usize>,
    /// For each row the rows that it needs, ascending, each once. They are above, but in a circle.
    pub(super) needs: Vec<Vec<usize>>,
}

impl Shape {
    /// The shape of a picture, without the edges that a longer path says.
    pub(super) fn of(nodes: &[Node]) -> Self {
        let needs = resolve(nodes);
        let order = order(&needs);
        let mut row_of = vec![0; nodes.len()];
        for (row, at) in order.iter().enumerate() {
            row_of[*at] = row;
        }
        let rows = order.iter().map(|at| {
            let mut rows: Vec<usize> = needs[*at].iter().map(|on| row_of[*on]).collect();
            rows.sort_unstable();
            rows
        });
        let mut needs: Vec<Vec<usize>> = rows.collect();
        let mut budget = JOINS;
        for (nth, stretch) in needs.chunks_mut(STRETCH).enumerate() {
            Reach::new(nth * STRETCH, stretch.len()).reduce(stretch, &mut budget);
        }
        Self { order, needs }
    }

    /// For each row the rows that need it and are below it, ascending.
    pub(super) fn uses(&self) -> Vec<Vec<usize>> {
        let mut uses = vec![Vec::new(); self.needs.len()];
        for (row, needs) in self.needs.iter().enumerate() {
            for need in needs.iter().copied().filter(|need| *need < row) {
                uses[need].push(row);
            }
        }
        uses
    }
}

/// Every node after those that it needs; of the ready ones, the earliest first.
fn order(needs: &[Vec<usize>]) -> Vec<usize> {
    let mut missing: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut dependents = vec![Vec::new(); needs.len()];
    for (at, on) in needs.iter().enumerate().flat_map(|(at, needs)| needs.iter().map(move |on| (at, *on))) {
        dependents[on].push(at);
    }
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..needs.len()).filter(|at| missing[*at] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(needs.len());
    while let Some(Reverse(at)) = ready.pop() {
        order.push(at);
        for dependent in &dependents[at] {
            missing[*dependent] -= 1;
            if missing[*dependent] == 0 {
                ready.push(Reverse(*dependent));
            }
        }
    }
    order.extend((0..needs.len()).filter(|at| missing[*at] > 0));
    order
}

/// Which rows of a stretch each row of it comes after: a bit for each.
struct Reach {
    /// The stretch's first row.
    first: usize,
    /// Words for each row.
    width: usize,
    bits: Vec<u64>,
    /// For each row its first word that is not zero.
    lowest: Vec<usize>,
}

impl Reach {
    fn new(first: usize, rows: usize) -> Self {
        let width = rows.div_ceil(64);
        Self { first, width, bits: vec![0; rows * width], lowest: vec![width; rows] }
    }

    /// Takes out of each row's needs those that it reaches through another. The nearest is looked at
    /// first: when a farther one's turn comes, every path to it is known.
    fn reduce(&mut self, stretch: &mut [Vec<usize>], budget: &mut usize) {
        for (at, needs) in stretch.iter_mut().enumerate() {
            let (first, row) = (self.first, self.first + at);
            needs.reverse();
            needs.retain(|need| {
                let inside = (first..row).contains(need);
                !inside || self.join(at, need - first, budget)
            });
            needs.reverse();
        }
    }

    /// Notes that a row comes after another and all that comes before that, if it was not known.
    fn join(&mut self, at: usize, need: usize, budget: &mut usize) -> bool {
        let (begin, word) = (at * self.width, need / 64);
        if self.bits[begin + word] >> (need % 64) & 1 == 1 {
            return false;
        }
        self.bits[begin + word] |= 1 << (need % 64);
        self.lowest[at] = self.lowest[at].min(word);
        let from = self.lowest[need];
        let words = (word + 1).saturating_sub(from);
        if words > 0 && words <= *budget {
            *budget -= words;
            self.lowest[at] = self.lowest[at].min(from);
            let (above, own) = self.bits.split_at_mut(begin);
            let above = &above[need * self.width..][from..=word];
            own[from..=word].iter_mut().zip(above).for_each(|(own, above)| *own |= above);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chain whose last row names the first as well.
    fn chain(rows: usize) -> Vec<Vec<usize>> {
        let mut needs: Vec<Vec<usize>> =
            (0..rows).map(|row| row.checked_sub(1).into_iter().collect()).collect();
        needs[rows - 1].insert(0, 0);
        needs
    }

    #[test]
    fn an_edge_that_a_chain_says_is_left_out_however_long() {
        let mut needs = chain(500);
        Reach::new(0, 500).reduce(&mut needs, &mut JOINS.clone());
        assert_eq!(needs[499], [498]);
    }

    #[test]
    fn when_the_budget_is_used_up_edges_stay() {
        let mut needs = chain(500);
        Reach::new(0, 500).reduce(&mut needs, &mut 0);
        assert_eq!(needs, chain(500));
    }

    #[test]
    fn edges_between_stretches_stay() {
        let mut needs = chain(500).split_off(100);
        Reach::new(100, 400).reduce(&mut needs, &mut JOINS.clone());
        assert_eq!(needs[399], [0, 498]);
    }
}
