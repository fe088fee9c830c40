//! Running programs one after the other, and telling how long each took.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// Why a chore ended early, in words.
pub(crate) type Failure = String;

/// Talks to whoever runs the chore.
#[expect(clippy::print_stderr, reason = "a chore talks to the person who runs it")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
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
    }
}
