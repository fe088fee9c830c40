//! The proof campaign.
use tinytown_tests::proof::{Case, Kind, play};
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
    let (from, n): (u64, u64) = (words[1].parse().unwrap(), words[2].parse().unwrap());
    let began = std::time::Instant::now();
    let mut counts = vec![0u64; Kind::ALL.len()];
    let (mut ended, mut missions, mut steps, mut happened, mut passed, mut bad, mut items) =
        (0, 0, 0, 0, 0, 0, 0);
    let mut most = (0, 0);
    for seed in from..from + n {
        let outcome = play(&Case::of(seed), false);
        for (a, b) in counts.iter_mut().zip(&outcome.faults) {
            *a += b;
        }
        missions += outcome.missions.0;
        ended += outcome.missions.1;
        steps += outcome.steps;
        happened += outcome.happened;
        passed += outcome.passed;
        items += outcome.items;
        if outcome.happened > most.0 {
            most = (outcome.happened, seed);
        }
        if let Some(v) = outcome.violation {
            bad += 1;
            if bad < 30 {
                println!("seed {seed}: {} {}", v.guarantee, v.what.chars().take(300).collect::<String>());
            }
        }
    }
    println!(
        "{missions} missions ({ended} ended), {items} items, {steps} steps, {happened} events, {} s virtual, {bad} bad, {:?}, most {most:?}",
        passed / 1000,
        began.elapsed()
    );
    for (k, c) in Kind::ALL.iter().zip(&counts) {
        println!("  {:<28} {c}", k.word());
    }
}
