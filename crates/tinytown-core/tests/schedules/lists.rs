//! Random list schedules: whenever an agent and a slot are free, the first item of a random list that a free agent may
//! take is given to any of those that may.

use std::collections::BTreeSet;

use crate::drawn::{Dice, Drawn, JUDGED, LOOK, MERGE, REVIEW, REVIEWER};

/// How many lists are tried.
pub(crate) const LISTS: usize = 1_000;

/// The least makespan of many random lists, in milliseconds.
pub(crate) fn best(drawn: &Drawn, seed: u64) -> u64 {
    let mut dice = Dice::new(seed ^ 0x5eed);
    let mut dependents = vec![Vec::new(); drawn.items.len()];
    for (at, work) in drawn.items.iter().enumerate() {
        work.after.iter().for_each(|on| dependents[*on].push(at));
    }
    (0..LISTS).map(|_| Schedule::new(drawn, &dependents, &mut dice).run()).min().expect("some lists")
}

/// Something that happens at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Then {
    /// An agent is free.
    Free(usize),
    /// A review may begin.
    Review(usize),
    /// An item is done.
    Done(usize),
}

/// A thing to be given out: its place in the list, its item, and whether it is the item's review.
type Entry = (u64, usize, bool);

struct Schedule<'a> {
    drawn: &'a Drawn,
    dependents: &'a [Vec<usize>],
    dice: &'a mut Dice,
    /// The place of each item in the list, and of its review.
    places: Vec<[u64; 2]>,
    missing: Vec<usize>,
    authors: Vec<usize>,
    ready: BTreeSet<Entry>,
    free: Vec<usize>,
    then: BTreeSet<(u64, Then)>,
    running: usize,
    open_reviews: usize,
}

impl<'a> Schedule<'a> {
    fn new(drawn: &'a Drawn, dependents: &'a [Vec<usize>], dice: &'a mut Dice) -> Self {
        let places: Vec<[u64; 2]> = drawn.items.iter().map(|_| [dice.next(), dice.next()]).collect();
        let missing: Vec<usize> = drawn.items.iter().map(|work| work.after.len()).collect();
        let begins = missing.iter().enumerate().filter(|(_, missing)| **missing == 0);
        let ready = begins.map(|(at, _)| (places[at][0], at, false)).collect();
        Self {
            drawn,
            dependents,
            dice,
            places,
            missing,
            authors: vec![0; drawn.items.len()],
            ready,
            free: (0..drawn.agents.len()).collect(),
            then: BTreeSet::new(),
            running: 0,
            open_reviews: 0,
        }
    }

    fn run(mut self) -> u64 {
        let mut now = 0;
        self.give_out(now);
        while let Some((at, then)) = self.then.pop_first() {
            now = at;
            self.happen(then);
            if self.then.first().is_none_or(|(next, _)| *next > now) {
                self.give_out(now);
            }
        }
        assert!(self.missing.iter().all(|missing| *missing == 0) && self.ready.is_empty(), "all was done");
        now
    }

    fn happen(&mut self, then: Then) {
        match then {
            Then::Free(agent) => {
                self.free.push(agent);
                self.running -= 1;
            }
            Then::Review(item) => {
                self.open_reviews += 1;
                self.ready.insert((self.places[item][1], item, true));
            }
            Then::Done(item) => {
                self.open_reviews -= usize::from(self.drawn.reviewed);
                for to in &self.dependents[item] {
                    self.missing[*to] -= 1;
                    if self.missing[*to] == 0 {
                        self.ready.insert((self.places[*to][0], *to, false));
                    }
                }
            }
        }
    }

    fn give_out(&mut self, now: u64) {
        while self.running < self.drawn.max_parallel && !self.free.is_empty() {
            let found = self.ready.iter().find_map(|entry| {
                let may: Vec<usize> =
                    (0..self.free.len()).filter(|at| self.may(self.free[*at], entry)).collect();
                (!may.is_empty()).then_some((*entry, may))
            });
            let Some((entry, may)) = found else { return };
            let agent = self.free.swap_remove(may[self.dice.below(may.len())]);
            self.ready.remove(&entry);
            self.begin(now, agent, entry);
        }
    }

    fn may(&self, agent: usize, (_, item, review): &Entry) -> bool {
        if *review {
            return self.drawn.may_review(agent, self.authors[*item]);
        }
        let reserved = self.open_reviews > 0 && self.drawn.agents[agent] == Some(REVIEWER);
        !reserved && self.drawn.may_work(agent, *item)
    }

    fn begin(&mut self, now: u64, agent: usize, (_, item, review): Entry) {
        self.running += 1;
        let ends = now + if review { REVIEW } else { self.drawn.items[item].takes };
        self.then.insert((ends, Then::Free(agent)));
        if review {
            self.then.insert((ends + LOOK + MERGE, Then::Done(item)));
            return;
        }
        self.authors[item] = agent;
        if self.drawn.reviewed {
            self.then.insert((ends + JUDGED, Then::Review(item)));
        } else {
            self.then.insert((ends + JUDGED + MERGE, Then::Done(item)));
        }
    }
}
