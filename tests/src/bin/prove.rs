//! The proof campaign.
use tinytown_tests::proof::{Campaign, Case, Kind, minimise, play};
fn main() {
    let words: Vec<String> = std::env::args().collect();
    if words[1] == "one" {
        let outcome = play(&Case::of(words[2].parse().unwrap()), true);
        for line in &outcome.log {
            println!("{line}");
        }
        println!("{:?}", outcome.violation);
        return;
    }
    if words[1] == "min" {
        let case = minimise(&Case::of(words[2].parse().unwrap()));
        println!("{case:?}");
        for line in &play(&case, true).log {
            println!("{line}");
        }
        return;
    }
    #[cfg(feature = "mutants")]
    if words[1] == "hunt" {
        let began = std::time::Instant::now();
        for caught in tinytown_tests::proof::hunt_all(words.get(2).map_or(0, |w| w.parse().unwrap())) {
            match &caught.by {
                Some((case, after, violation)) => println!(
                    "{:<28} {:<4} by {:<4} after {after:>5} (seed {}): {}",
                    caught.mutant.name(),
                    caught.mutant.guarantee(),
                    violation.guarantee,
                    case.seed,
                    violation.what.chars().take(120).collect::<String>()
                ),
                None => println!(
                    "{:<28} {:<4} NOT CAUGHT in {}",
                    caught.mutant.name(),
                    caught.mutant.guarantee(),
                    caught.cases
                ),
            }
        }
        println!("{:?}", began.elapsed());
        return;
    }
    let campaign =
        Campaign { seed: words[1].parse().unwrap(), missions: words[2].parse().unwrap(), twice: false };
    let began = std::time::Instant::now();
    let tally = campaign.run(|_| {});
    for (case, v) in tally.broken.iter().take(30) {
        println!("seed {}: {} {}", case.seed, v.guarantee, v.what.chars().take(300).collect::<String>());
    }
    println!(
        "{} missions ({} ended), {} items, {} steps, {} events, {} bad, {:?} {:016x}",
        tally.missions,
        tally.ended,
        tally.items,
        tally.steps,
        tally.happened,
        tally.broken.len(),
        began.elapsed(),
        tally.print
    );
    println!("{:?}", tally.trials);
    for (k, c) in Kind::ALL.iter().zip(&tally.faults) {
        println!("  {:<28} {c}", k.word());
    }
}
