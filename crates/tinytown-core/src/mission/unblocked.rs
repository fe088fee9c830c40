//! How many items wait for an item, directly or not: for one by a walk, for all of a mission in one sweep.

use super::{ItemIx, Mission};

/// How many words of descendants the sweep carries at once.
const WORDS: usize = 8;
/// So many items' descendants are told apart in one round of it.
const BLOCK: usize = WORDS * 64;

/// Which items of one block wait for an item.
type Reach = [u64; WORDS];

impl Mission {
    /// How many items wait for this one, directly or not. Walks the graph below it.
    pub(super) fn unblocked_by(&self, ix: ItemIx) -> u32 {
        let root = self.item(ix).parent.unwrap_or(ix);
        let mut seen = vec![false; self.items.len()];
        let mut stack = vec![root];
        let mut count = u32::from(root != ix);
        while let Some(at) = stack.pop() {
            for to in self.open_dependents(at) {
                if !std::mem::replace(&mut seen[to.at()], true) {
                    count += 1;
                    stack.push(to);
                }
            }
        }
        count
    }

    /// The same for every item, in the order of the items: block by block of the items that are waited with,
    /// each item's dependents before itself. So it takes items / 512 looks at every edge, and not one walk an item.
    pub(super) fn unblocked_by_each(&self) -> Vec<u32> {
        let order = self.dependents_first();
        let mut below = vec![0; self.items.len()];
        let mut reach: Vec<Reach> = vec![[0; WORDS]; self.items.len()];
        for start in (0..self.items.len()).step_by(BLOCK) {
            for ix in order.iter().copied() {
                let found = self.reach_of(ix, start, &reach);
                below[ix.at()] += found.iter().map(|word| word.count_ones()).sum::<u32>();
                reach[ix.at()] = found;
            }
        }
        let whole = |(at, item): (usize, &super::Item)| match item.parent {
            Some(parent) => below[parent.at()] + 1,
            None => below[at],
        };
        self.items.iter().enumerate().map(whole).collect()
    }

    /// Which items of the block from `start` wait for this one, its dependents being known already.
    fn reach_of(&self, ix: ItemIx, start: usize, reach: &[Reach]) -> Reach {
        let mut found = [0; WORDS];
        for to in self.open_dependents(ix) {
            for (word, more) in found.iter_mut().zip(&reach[to.at()]) {
                *word |= more;
            }
            if let Some(bit) = to.at().checked_sub(start).filter(|bit| *bit < BLOCK) {
                found[bit / 64] |= 1 << (bit % 64);
            }
        }
        found
    }

    /// Every item after all that wait for it.
    fn dependents_first(&self) -> Vec<ItemIx> {
        let all = || (0u32..).map(ItemIx).take(self.items.len());
        let mut missing: Vec<usize> = all().map(|ix| self.open_dependents(ix).count()).collect();
        let mut order: Vec<ItemIx> = all().filter(|ix| missing[ix.at()] == 0).collect();
        let mut done = 0;
        while let Some(ix) = order.get(done).copied() {
            done += 1;
            // What is over is waited for by nobody, and asked about by few.
            if self.item(ix).now.phase.is_over() {
                continue;
            }
            for on in self.dependencies(ix) {
                missing[on.at()] -= 1;
                if missing[on.at()] == 0 {
                    order.push(*on);
                }
            }
        }
        order
    }

    fn open_dependents(&self, ix: ItemIx) -> impl Iterator<Item = ItemIx> {
        self.dependents(ix).iter().copied().filter(|to| !self.item(*to).now.phase.is_over())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{Scenario, Simulation};

    #[test]
    fn the_sweep_counts_for_every_item_what_a_walk_counts() {
        let mut counted = 0;
        for seed in 0..40 {
            let scenario = Scenario::drawn(seed, 24);
            let mut simulation = Simulation::new(&scenario).expect("a plan");
            while simulation.step().is_some() {
                let Some(mission) = simulation.mission() else { continue };
                let all = (0u32..).map(ItemIx).take(mission.items().len());
                let walked: Vec<u32> = all.map(|ix| mission.unblocked_by(ix)).collect();
                assert_eq!(mission.unblocked_by_each(), walked, "seed {seed}");
                counted += walked.iter().filter(|count| **count > 1).count();
            }
        }
        assert!(counted > 1000, "only {counted} items had something to unblock");
    }
}
