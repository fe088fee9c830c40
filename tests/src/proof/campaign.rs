//! Many cases: what they showed, how much went wrong in them, and whether known defects are noticed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tinytown_core::id::ItemKey;
use tinytown_core::mutant::Mutant;

use super::faults::Kind;
use super::{Case, End, Outcome, Violation, play};

/// Every so many-th case is also played again, and as a pair with and without disturbances.
const AGAIN: u64 = 10;
/// How many cases are tried to notice a mutant.
const PATIENCE: u64 = 5_000;

/// Disturbances of what is observed and told, under which everything must end as without them.
const OBSERVATIONS: &[Kind] = &[
    Kind::StoreAfter,
    Kind::StoreLate,
    Kind::StoreTwice,
    Kind::StoreEcho,
    Kind::ForgeBefore,
    Kind::ForgeAfter,
    Kind::ForgeTwice,
    Kind::ForgeLate,
];

/// What a number of cases came to.
#[derive(Debug, Default)]
pub struct Tally {
    /// Cases played, without repetitions and pairs.
    pub cases: u64,
    /// Missions in them, and how many came to an end.
    pub missions: u64,
    /// See `missions`.
    pub ended: u64,
    /// Items of them, follow-ups apart.
    pub items: u64,
    /// Commits.
    pub steps: u64,
    /// Things that happened.
    pub happened: u64,
    /// How often each kind of fault fired, in the order of [`Kind::ALL`].
    pub faults: Vec<u64>,
    /// How often each promise was looked at.
    pub trials: BTreeMap<String, u64>,
    /// Broken promises, with the case.
    pub broken: Vec<(Case, Violation)>,
    /// A fold over all cases: equal campaigns have equal ones.
    pub print: u64,
}

impl Tally {
    /// What one case came to.
    fn of(case: &Case, outcome: Outcome) -> Self {
        Self {
            cases: 1,
            missions: outcome.missions.0,
            ended: outcome.missions.1,
            items: outcome.items,
            steps: outcome.steps,
            happened: outcome.happened,
            faults: outcome.faults,
            trials: outcome.trials,
            broken: outcome.violation.map(|violation| (case.clone(), violation)).into_iter().collect(),
            // Cases come in any order: the fold must not depend on it.
            print: outcome.print.wrapping_mul(case.seed | 1),
        }
    }

    fn tried(&mut self, guarantee: &'static str, case: &Case, kept: Result<(), String>) {
        *self.trials.entry(guarantee.to_owned()).or_default() += 1;
        if let Err(what) = kept {
            self.broken.push((case.clone(), Violation { guarantee, what }));
        }
    }

    /// A case with disturbances against the same one without. It counts only if it was disturbed.
    fn pair(&mut self, guarantee: &'static str, seed: u64, kinds: &[Kind]) {
        let (still, disturbed) = (Case::steady(seed, &[]), Case::steady(seed, kinds));
        let outcome = play(&disturbed, false);
        if !outcome.fired.is_empty() {
            let kept = ends_alike(&play(&still, false), &outcome);
            self.tried(guarantee, &disturbed, kept);
        }
    }

    fn merge(&mut self, other: Self) {
        self.cases += other.cases;
        self.missions += other.missions;
        self.ended += other.ended;
        self.items += other.items;
        self.steps += other.steps;
        self.happened += other.happened;
        self.faults.resize(Kind::ALL.len(), 0);
        for (sum, count) in self.faults.iter_mut().zip(&other.faults) {
            *sum += count;
        }
        for (guarantee, count) in other.trials {
            *self.trials.entry(guarantee).or_default() += count;
        }
        self.print = self.print.wrapping_add(other.print);
        self.broken.extend(other.broken);
    }
}

/// A mutant, and after how many cases it was noticed, and by which promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caught {
    /// Which.
    pub mutant: Mutant,
    /// The case that noticed it, after so many that did not.
    pub by: Option<(Case, u64, Violation)>,
    /// How many cases were played.
    pub cases: u64,
}

/// Cases from one seed on.
#[derive(Debug, Clone, Copy)]
pub struct Campaign {
    /// The first seed.
    pub seed: u64,
    /// How many missions at least.
    pub missions: u64,
    /// Play every case twice, instead of every tenth.
    pub twice: bool,
}

impl Campaign {
    /// Plays all cases on all cores.
    pub fn run(&self) -> Tally {
        let (next, end) = (AtomicU64::new(self.seed), self.end());
        let tallies = on_all_cores(|| {
            let mut tally = Tally::default();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= end {
                    return tally;
                }
                self.play_seed(seed, &mut tally);
            }
        });
        let mut sum = Tally::default();
        for tally in tallies {
            sum.merge(tally);
        }
        sum.broken.sort_by_key(|(case, _)| case.seed);
        sum
    }

    /// The seed after the last one: the same cases are played, however fast the cores are.
    fn end(&self) -> u64 {
        let mut missions = 0;
        (self.seed..u64::MAX)
            .find(|seed| {
                let enough = missions >= self.missions;
                missions += Case::of(*seed).missions();
                enough
            })
            .unwrap_or(u64::MAX)
    }

    fn play_seed(&self, seed: u64, tally: &mut Tally) {
        let case = Case::of(seed);
        let outcome = play(&case, false);
        let print = outcome.print;
        tally.merge(Tally::of(&case, outcome));
        if self.twice || seed.is_multiple_of(AGAIN) {
            tally.tried("G9", &case, played_alike(&case, print));
        }
        if seed % AGAIN == 1 {
            tally.pair("G14", seed, &[Kind::StopResume]);
            tally.pair("G18", seed, OBSERVATIONS);
        }
    }
}

/// Whether a case, played again, is byte by byte what it was.
fn played_alike(case: &Case, print: u64) -> Result<(), String> {
    let again = play(case, false).print;
    if again == print { Ok(()) } else { Err(format!("played twice, it is {print:016x} and {again:016x}")) }
}

/// Whether two cases brought every item to the same end.
fn ends_alike(one: &Outcome, other: &Outcome) -> Result<(), String> {
    let (one, other) = (ends(one)?, ends(other)?);
    match one.iter().find(|(key, end)| other.get(*key) != Some(*end)) {
        Some((key, end)) => {
            Err(format!("{} is {end} undisturbed, and {:?} otherwise", key.1, other.get(key)))
        }
        None => Ok(()),
    }
}

/// How every planned item ended, in a word.
fn ends(outcome: &Outcome) -> Result<BTreeMap<(u128, ItemKey), &'static str>, String> {
    if let Some(violation) = &outcome.violation {
        return Err(format!("{}: {}", violation.guarantee, violation.what));
    }
    let planned = outcome.ends.iter().filter(|((_, key), _)| !key.as_str().contains('/'));
    Ok(planned.map(|(key, end)| (key.clone(), word(end.as_ref()))).collect())
}

const fn word(end: Option<&End>) -> &'static str {
    use tinytown_core::event::Outcome as O;
    match end {
        Some(End::Done(O::Merged { .. })) => "merged",
        Some(End::Done(O::Accepted { .. })) => "accepted",
        Some(End::Done(O::Unchanged | O::HandedIn)) => "unchanged",
        Some(End::Skipped(_)) => "skipped",
        Some(End::Failed) => "failed",
        None => "open",
    }
}

/// Plays cases with a mutant until one notices it. Needs the feature `mutants`.
pub fn hunt(mutant: Mutant, seed: u64) -> Caught {
    tinytown_core::mutant::plant(Some(mutant));
    let mut tally = Tally::default();
    let campaign = Campaign { seed, missions: 0, twice: mutant.guarantee() == "G9" };
    let mut by = None;
    for nth in 0..PATIENCE {
        campaign.play_seed(seed + nth, &mut tally);
        if let Some((case, violation)) = tally.broken.pop() {
            by = Some((case, nth, violation));
            break;
        }
    }
    tinytown_core::mutant::plant(None);
    Caught { mutant, by, cases: tally.cases }
}

/// Hunts all mutants that live in this world, on all cores; those of SQLite and of the gates are caught elsewhere.
pub fn hunt_all(seed: u64) -> Vec<Caught> {
    let next = AtomicUsize::new(0);
    let caught = on_all_cores(|| {
        let mutants = std::iter::from_fn(|| Mutant::ALL.get(next.fetch_add(1, Ordering::Relaxed)));
        let elsewhere = [super::OF_SQLITE, super::OF_GATES].concat();
        let of_world = mutants.filter(|mutant| !elsewhere.contains(mutant));
        of_world.map(|mutant| hunt(*mutant, seed)).collect::<Vec<_>>()
    });
    let mut caught: Vec<Caught> = caught.into_iter().flatten().collect();
    caught.sort_by_key(|one| one.mutant);
    caught
}

/// Does the same on each core at once; they share out the work among themselves.
fn on_all_cores<T: Send>(work: impl Fn() -> T + Sync) -> Vec<T> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(&work)).collect();
        let joined = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined.map(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

/// What a number of missions of the same size cost on one core.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rate {
    /// Missions played.
    pub missions: u64,
    /// Commits in them.
    pub steps: u64,
    /// Things that happened in them.
    pub happened: u64,
    /// How long that took.
    pub took: Duration,
}

/// Plays missions of so many items on one core, with the real driver, the store model and faults; with
/// honest agents and no reviews, or as drawn.
pub fn rate(items: usize, friendly: bool, missions: u64) -> Rate {
    let began = std::time::Instant::now();
    let mut rate = Rate::default();
    for seed in 1.. {
        if rate.missions >= missions {
            break;
        }
        let outcome = play(&Case { items: Some(items), friendly, ..Case::of(seed) }, false);
        rate.missions += outcome.missions.0;
        rate.steps += outcome.steps;
        rate.happened += outcome.happened;
    }
    Rate { took: began.elapsed(), ..rate }
}
