//! `cargo xtask prove`: plays missions under faults, hunts planted mutants, and says what that showed.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tinytown_tests::proof::{self, Campaign, Case, Caught, Kind, Regression, Tally, minimise, play};

/// Most of what a campaign does besides playing is to allocate.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A kind of fault counts as tried in a campaign of this size only if it fired so often.
const ENOUGH: (u64, u64) = (10_000, 100);
/// How many broken promises are told, each with its seed.
const MOST_TOLD: usize = 400;
/// How many lines of a failing case's log are shown.
const LAST_LINES: usize = 60;

const USAGE: &str = "\
usage: cargo xtask prove [--missions N] [--seed S] [--twice] [--no-mutants] [--keep FOLDER] [--case FILE] [--rate]

  --missions N   how many missions at least; 10000 if not said
  --seed S       the first seed; 0 if not said
  --twice        play every case twice and compare, instead of every tenth
  --no-mutants   do not hunt the planted mutants
  --keep FOLDER  write the smallest case found for each mutant into this folder
  --case FILE    play one kept case and tell what happened
  --rate         how many missions of 30 items are played in a second on one core
";

#[derive(Debug)]
struct Words {
    missions: u64,
    seed: u64,
    twice: bool,
    mutants: bool,
    keep: Option<String>,
    chore: Chore,
}

#[derive(Debug)]
enum Chore {
    Campaign,
    Case(String),
    Rate,
    Help,
}

fn main() -> ExitCode {
    let words = match words(std::env::args().skip(1)) {
        Ok(words) => words,
        Err(error) => {
            tell(&format!("{error}\n\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    let held = match &words.chore {
        Chore::Campaign => campaign(&words),
        Chore::Case(file) => play_kept(Path::new(file)),
        Chore::Rate => {
            rate();
            Ok(true)
        }
        Chore::Help => {
            tell(USAGE.trim_end());
            Ok(true)
        }
    };
    match held {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            tell(&error);
            ExitCode::from(2)
        }
    }
}

/// Whoever stops reading has seen enough: what became of it all is told by the exit code, too.
fn tell(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

fn words(mut given: impl Iterator<Item = String>) -> Result<Words, String> {
    let (missions, chore) = (10_000, Chore::Campaign);
    let mut words = Words { missions, seed: 0, twice: false, mutants: true, keep: None, chore };
    while let Some(word) = given.next() {
        let mut value = || given.next().ok_or(format!("{word} wants a value"));
        match word.as_str() {
            "--missions" => words.missions = number(&value()?)?,
            "--seed" => words.seed = number(&value()?)?,
            "--twice" => words.twice = true,
            "--no-mutants" => words.mutants = false,
            "--keep" => words.keep = Some(value()?),
            "--case" => words.chore = Chore::Case(value()?),
            "--rate" => words.chore = Chore::Rate,
            "--help" => words.chore = Chore::Help,
            other => return Err(format!("unknown word {other}")),
        }
    }
    check(&words)?;
    Ok(words)
}

/// What would be found out only after the campaign, or never.
fn check(words: &Words) -> Result<(), String> {
    if words.missions == 0 {
        return Err("--missions 0 shows nothing".to_owned());
    }
    // Missions are at most two to a seed.
    if words.seed.checked_add(words.missions).is_none() {
        return Err(format!("--seed {} leaves no room for {} missions", words.seed, words.missions));
    }
    match &words.keep {
        Some(folder) if !Path::new(folder).is_dir() => {
            Err(format!("--keep {folder}: there is no such folder"))
        }
        _ => Ok(()),
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.replace('_', "").parse().map_err(|_| format!("{text} is no number"))
}

/// The whole campaign; tells whether everything held.
fn campaign(words: &Words) -> Result<bool, String> {
    let began = Instant::now();
    let campaign = Campaign { seed: words.seed, missions: words.missions, twice: words.twice };
    let tally = campaign.run();
    let took = began.elapsed();
    let caught = if words.mutants { proof::hunt_all(words.seed) } else { Vec::new() };
    tell(&summary(&tally, took));
    tell(&promises(&tally, &caught));
    tell(&faults(&tally));
    if words.mutants {
        tell(&format!("mutants hunted in {:.1} s", began.elapsed().saturating_sub(took).as_secs_f64()));
    }
    for (case, violation) in tally.broken.iter().take(MOST_TOLD) {
        let what: String = violation.what.chars().take(200).collect();
        tell(&format!("seed {} breaks {}: {what}", case.seed, violation.guarantee));
    }
    if let Some((case, _)) = tally.broken.first() {
        tell_small(case);
    }
    if let Some(folder) = &words.keep {
        keep(Path::new(folder), &caught)?;
    }
    Ok(verdict(&tally, &caught))
}

fn summary(tally: &Tally, took: Duration) -> String {
    let seconds = took.as_secs_f64().max(0.001);
    let share = 100.0 * rounded(tally.ended) / rounded(tally.missions).max(1.0);
    format!(
        "{} cases, {} missions of {} items, {} ended ({share:.2} %), {} commits, {} happenings in {seconds:.1} s: {:.0} missions/s on {} cores; print {:016x}\n",
        grouped(tally.cases),
        grouped(tally.missions),
        grouped(tally.items),
        grouped(tally.ended),
        grouped(tally.steps),
        grouped(tally.happened),
        rounded(tally.missions) / seconds,
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        tally.print,
    )
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn rounded(number: u64) -> f64 {
    number as f64
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

fn promises(tally: &Tally, caught: &[Caught]) -> String {
    let mut text = String::from("promise       trials  broken  mutants, noticed after so many cases\n");
    let order = |guarantee: &str| guarantee[1..].parse::<u32>().unwrap_or(0);
    let mut guarantees: Vec<&str> = tally.trials.keys().map(String::as_str).collect();
    guarantees.extend(caught.iter().map(|one| one.mutant.guarantee()));
    guarantees.sort_by_key(|guarantee| order(guarantee));
    guarantees.dedup();
    for guarantee in guarantees {
        let trials = tally.trials.get(guarantee).copied().unwrap_or(0);
        let broken = tally.broken.iter().filter(|(_, violation)| violation.guarantee == guarantee).count();
        let mutants: Vec<String> =
            caught.iter().filter(|one| one.mutant.guarantee() == guarantee).map(noticed).collect();
        let _ = writeln!(text, "{guarantee:<8}{:>12}{broken:>8}  {}", grouped(trials), mutants.join(", "));
    }
    text
}

fn noticed(caught: &Caught) -> String {
    let name = caught.mutant.name();
    match &caught.by {
        Some((_, after, violation)) if violation.guarantee == caught.mutant.guarantee() => {
            format!("{name} {after}")
        }
        Some((_, after, violation)) => format!("{name} {after} ({})", violation.guarantee),
        None => format!("{name} NOT NOTICED in {}", caught.cases),
    }
}

fn faults(tally: &Tally) -> String {
    let mut text = String::from("fault                          fired\n");
    for (kind, count) in Kind::ALL.iter().zip(&tally.faults) {
        let _ = writeln!(text, "{:<26}{:>10}", kind.word(), grouped(*count));
    }
    text
}

/// Whether all that must hold held: no broken promise, nearly all ended, faults enough, every mutant noticed.
fn verdict(tally: &Tally, caught: &[Caught]) -> bool {
    let (missions, least) = ENOUGH;
    let few: Vec<&str> = Kind::ALL
        .iter()
        .zip(&tally.faults)
        .filter(|(_, count)| tally.missions >= missions && **count < least)
        .map(|(kind, _)| kind.word())
        .collect();
    for kind in &few {
        tell(&format!("too few of them fired to show anything: {kind}"));
    }
    let ended = tally.ended * 100 >= tally.missions * 99;
    if !ended {
        tell("too few missions came to an end");
    }
    tally.broken.is_empty() && ended && few.is_empty() && caught.iter().all(|one| one.by.is_some())
}

/// The smallest case that breaks the same promise, and what happened in it.
fn tell_small(case: &Case) {
    let small = minimise(case);
    tell(&format!("\nthe smallest case that breaks it:\n\n{}", Regression::of(&small, None).to_toml()));
    let log = play(&small, true).log;
    let from = log.len().saturating_sub(LAST_LINES);
    tell(&log[from..].join("\n"));
}

/// Writes the smallest case for each mutant that one case alone shows.
fn keep(folder: &Path, caught: &[Caught]) -> Result<(), String> {
    for one in caught {
        let Some((case, _, _)) = &one.by else { continue };
        let Some(regression) = Regression::smallest(case, one.mutant) else { continue };
        let file = folder.join(regression.file_name());
        std::fs::write(&file, regression.to_toml())
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}

fn play_kept(file: &Path) -> Result<bool, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let kept = Regression::parse(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let outcome = kept.play();
    tell(&outcome.log.join("\n"));
    Ok(outcome.violation.is_none())
}

fn rate() {
    for (items, friendly, what) in [
        (5, false, "5 items, drawn agents, reviews and forge"),
        (30, true, "30 items, honest agents, no reviews"),
        (30, false, "30 items, drawn agents, reviews and forge"),
    ] {
        let rate = proof::rate(items, friendly, 1_000);
        let missions = rounded(rate.missions);
        tell(&format!(
            "{what}: {:.0} missions a second on one core under faults, with {:.0} commits and {:.0} happenings each",
            missions / rate.took.as_secs_f64(),
            rounded(rate.steps) / missions,
            rounded(rate.happened) / missions,
        ));
    }
}
