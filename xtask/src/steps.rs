//! Running programs one after the other, and telling how long each took.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Why a chore ended early, in words.
pub(crate) type Failure = String;

/// Talks to whoever runs the chore.
#[expect(clippy::print_stderr, reason = "a chore talks to the person who runs it")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}

/// Passes on what tests print.
#[expect(clippy::print_stdout, reason = "what tests print is what was asked for")]
pub(crate) fn tell(line: &str) {
    println!("{line}");
}

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), std::path::Path::to_path_buf)
}

/// Stages, with the time that each took.
#[derive(Debug, Default)]
pub(crate) struct Stages {
    took: Vec<(String, Duration)>,
    sum: Option<Sum>,
}

/// How many tests ended how, over all programs.
#[derive(Debug, Default)]
struct Sum {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Sum {
    fn run(&mut self, words: &[&str], environment: &[(&str, &str)]) -> Result<(), Failure> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        // Snapshots are compared, never written; hidden backtraces keep failures readable.
        command.envs(environment.iter().copied());
        command.args(words).env("INSTA_UPDATE", "no").env("RUST_BACKTRACE", "0").current_dir(root());
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cargo cannot be run: {error}"))?;
        for line in child.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines) {
            let line = line.map_err(|error| format!("cargo's output cannot be read: {error}"))?;
            self.add(&line);
            tell(&line);
        }
        let status = child.wait().map_err(|error| format!("cargo was lost: {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("cargo {} failed: {status}", words.join(" "))) }
    }

    /// Takes in a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn add(&mut self, line: &str) {
        let Some(counts) = line.strip_prefix("test result: ") else { return };
        let count = |what: &str| {
            let before = counts.split(&format!(" {what}")).next().unwrap_or_default();
            before.rsplit(' ').next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0)
        };
        self.passed += count("passed");
        self.failed += count("failed");
        self.skipped += count("ignored");
    }
}

impl Stages {
    /// Runs cargo with these words as one stage.
    pub(crate) fn cargo(&mut self, name: &str, words: &[&str]) -> Result<(), Failure> {
        self.cargo_with(name, words, &[])
    }

    /// Runs cargo with these words and additional environment as one stage.
    pub(crate) fn cargo_with(
        &mut self,
        name: &str,
        words: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<(), Failure> {
        self.stage(name, || {
            let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let mut command = Command::new(cargo);
            command.args(words).envs(environment.iter().copied()).current_dir(root());
            let status = command.status().map_err(|error| format!("cargo cannot be run: {error}"))?;
            if status.success() { Ok(()) } else { Err(format!("cargo {} failed: {status}", words.join(" "))) }
        })
    }

    /// Runs cargo's tests with additional environment as one stage, and sums up what its many programs say.
    pub(crate) fn tests(
        &mut self,
        name: &str,
        words: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<(), Failure> {
        let mut sum = self.sum.take().unwrap_or_default();
        let outcome = self.stage(name, || sum.run(words, environment));
        self.sum = Some(sum);
        outcome
    }

    /// Runs one stage.
    pub(crate) fn stage(
        &mut self,
        name: &str,
        run: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        say(&format!("\n== {name}"));
        let began = Instant::now();
        let outcome = run();
        self.took.push((name.to_owned(), began.elapsed()));
        outcome.map_err(|error| format!("{name}: {error}"))
    }

    /// Tells what each stage took.
    pub(crate) fn tell(&self) {
        say("\nstage                      seconds");
        for (name, took) in &self.took {
            say(&format!("{name:<26} {:>7.1}", took.as_secs_f64()));
        }
        let total: Duration = self.took.iter().map(|(_, took)| *took).sum();
        say(&format!("{:<26} {:>7.1}", "in all", total.as_secs_f64()));
        if let Some(Sum { passed, failed, skipped }) = &self.sum {
            tell(&format!("{passed} passed, {failed} failed, {skipped} skipped"));
        }
    }
}
