//! `cargo xtask bench cli`: what users wait for at their prompt, in towns with 1,000 and 10,000 issues.
//!
//! Every figure is the release binary's, a process start included, in a real repository on SQLite; each is the
//! median of several runs, beside its floors of the same minutes: `true`, a process that opens the store, and one
//! that reads the mission's records and decodes none.
#![expect(clippy::print_stdout, reason = "it prints a table")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made may end anywhere")]

mod halfway;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use tinytown_core::id::MissionId;
use tinytown_store::{Archive as _, SqliteStore, Store as _};

const HEADING: &str = "| command | median, ms | least | most | output, KiB |\n|---|---|---|---|---|";
/// Issues of one layer; each waits for up to three of the layer before.
const WIDTH: usize = 25;
/// What this program is called with when it is a floor.
const OPEN: &str = "--open";
const READ: &str = "--read";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [OPEN, file] => floor(file, None),
        [READ, file, id] => floor(file, Some(id.parse().unwrap())),
        [] => [1_000, 10_000].into_iter().for_each(measure_all),
        sizes => sizes.iter().for_each(|size| measure_all(size.parse().unwrap())),
    }
}

/// What every command does at the least: opens the store, and reads a mission if it shows one.
fn floor(file: &str, mission: Option<MissionId>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(Path::new(file)).await.unwrap();
        store.town().await.unwrap();
        if let Some(mission) = mission {
            store.mission(mission).await.unwrap();
        }
    });
    runtime.shutdown_background();
}

/// A town and the programs that are measured in it.
struct Bench {
    town: PathBuf,
    tt: PathBuf,
    /// How often each command runs.
    runs: usize,
}

fn measure_all(items: usize) {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::new(folder.path().join("town"), items);
    println!("{items} issues, {WIDTH} in a layer; load {}\n\n{HEADING}", load());
    bench.measure("floor: true", &mut Command::new("true"));
    bench.measure("floor: opens the store", &mut bench.floor(&[OPEN]));
    bench.tt("tt --help", &["--help"]);
    let issues: Vec<String> = (1..=items).flat_map(|n| ["-i".to_owned(), n.to_string()]).collect();
    let issues: Vec<&str> = issues.iter().map(String::as_str).collect();
    let with = |words: &[&'static str]| [words, &issues[..]].concat();
    bench.tt("tt mission plan -i …", &with(&["mission", "plan"]));
    bench.tt("tt mission plan -i … --json", &with(&["mission", "plan", "--json"]));
    bench.tt("tt mission plan --doc …", &["mission", "plan", "--doc", "plan.md#Tasks"]);
    let began = Instant::now();
    let id = bench.output(&mut bench.command(&with(&[
        "-q",
        "mission",
        "start",
        "--no-reviewer",
        "--auto-merge",
        "--max-parallel",
        "16",
    ])));
    println!("| tt mission start -i …, once | {:.1} | | | |", began.elapsed().as_secs_f64() * 1e3);
    let id = String::from_utf8(id).unwrap();
    println!("\nbegun, nobody at work; load {}\n\n{HEADING}", load());
    bench.commands_on(id.trim());
    let steps = bench.go_halfway(id.trim().parse().unwrap());
    println!("\nhalf of the items done, 16 at work, {steps} steps; load {}\n\n{HEADING}", load());
    bench.commands_on(id.trim());
    println!("\nload {}\n", load());
}

/// How busy the machine is.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

impl Bench {
    fn new(town: PathBuf, items: usize) -> Self {
        let here = std::env::current_exe().unwrap();
        let tt = here.parent().and_then(Path::parent).unwrap().join("tt");
        let bench = Self { town, tt, runs: if items > 5_000 { 11 } else { 21 } };
        bench.write_files(items);
        for words in [&["init", "-q", "-b", "main"][..], &["add", "-A"], &["commit", "-qm", "issues"]] {
            let identity = ["-c", "user.name=n", "-c", "user.email=e@x"];
            bench.output(Command::new("git").args(identity).args(words).current_dir(&bench.town));
        }
        bench.output(&mut bench.command(&["init", "--check", "true"]));
        bench
    }

    fn write_files(&self, items: usize) {
        std::fs::create_dir_all(self.town.join("issues")).unwrap();
        let mut tasks = "# Plan\n\n## Tasks\n\n".to_owned();
        for number in 1..=items {
            let on: Vec<String> = dependencies(number).iter().map(|on| format!("#{on}")).collect();
            let name = format!("issues/{number}-part-{number}.md");
            std::fs::write(self.town.join(name), issue(number, &on)).unwrap();
            let after =
                if on.is_empty() { String::new() } else { format!(" (depends on {})", on.join(", ")) };
            writeln!(tasks, "- [ ] #{number} Part {number}{after}").unwrap();
        }
        std::fs::write(self.town.join("plan.md"), tasks).unwrap();
    }

    fn commands_on(&self, id: &str) {
        self.measure("floor: reads the mission's records", &mut self.floor(&[READ, id]));
        self.tt("tt mission status", &["mission", "status", id]);
        self.tt("tt mission status --work", &["mission", "status", id, "--work"]);
        self.tt("tt mission status --json", &["mission", "status", id, "--json"]);
        self.tt("tt mission graph", &["mission", "graph", id]);
        self.tt("tt mission explain", &["mission", "explain", id]);
        self.tt("tt mission explain #30", &["mission", "explain", id, "#30"]);
        self.tt("tt mission report", &["mission", "report", id]);
        self.tt("tt mission list", &["mission", "list"]);
        self.tt("tt status", &["status"]);
    }

    /// How many steps that took.
    fn go_halfway(&self, mission: MissionId) -> u64 {
        let file = self.town.join(".tinytown/town.db");
        tokio::runtime::Runtime::new().unwrap().block_on(halfway::bring(&file, mission))
    }

    /// This program as a floor.
    fn floor(&self, words: &[&str]) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(words[0]).arg(self.town.join(".tinytown/town.db")).args(&words[1..]);
        command
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.tt);
        command.args(words).env("TINYTOWN_DIR", &self.town).current_dir(&self.town);
        command
    }

    fn tt(&self, name: &str, words: &[&str]) {
        self.measure(name, &mut self.command(words));
    }

    fn measure(&self, name: &str, command: &mut Command) {
        let mut printed = self.output(command).len();
        let run = |_| {
            let began = Instant::now();
            printed = self.output(command).len();
            began.elapsed().as_secs_f64() * 1e3
        };
        let mut times: Vec<f64> = (0..self.runs).map(run).collect();
        times.sort_by(f64::total_cmp);
        let (least, median, most) = (times[0], times[times.len() / 2], times[times.len() - 1]);
        println!("| {name} | {median:.1} | {least:.1} | {most:.1} | {} |", printed.div_ceil(1024));
    }

    /// What a command prints, all of it read, as through a pipe.
    fn output(&self, command: &mut Command) -> Vec<u8> {
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{}: {}",
            self.tt.display(),
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }
}

/// What an issue waits for: up to three of the layer before its own.
fn dependencies(number: usize) -> Vec<usize> {
    let layer = (number - 1) / WIDTH;
    if layer == 0 {
        return Vec::new();
    }
    let place = |step: usize| (layer - 1) * WIDTH + (number * 7 + step * 11) % WIDTH + 1;
    let mut on: Vec<usize> = (0..=number % 3).map(place).collect();
    on.sort_unstable();
    on.dedup();
    on
}

/// An issue of the length that people write.
fn issue(number: usize, on: &[String]) -> String {
    let mut text = format!(
        "---\nlabels: [backend, \"area: {}\"]\n---\n# Implement part {number} of the service\n\n{BODY}",
        number % 9
    );
    if !on.is_empty() {
        write!(text, "\n## Dependencies\n\nDepends on {}.\n", on.join(", ")).unwrap();
    }
    text
}

const BODY: &str = "\
## Context

Today every request looks up its session twice: once in the middleware and once in the handler, which costs a round
trip to the database and makes the two disagree when a session ends in between. We want *one* place that knows.

## What to do

- Read the session in the middleware and hand it down with the request.
- Remove the look-ups in the handlers; see `src/handlers/` and [the notes](https://example.org/notes/sessions).
- Keep the old header for one release, with a warning in the log.

```rust
fn session(request: &Request) -> Option<&Session> {
    request.extensions().get::<Session>()
}
```

> The old behaviour was there for the mobile clients, which are gone since spring.

## Acceptance criteria

- [ ] one look-up for each request, shown by a test that counts
- [ ] a request whose session has ended gets 401 from the middleware
- [ ] the benchmark in `benches/` is no slower than before
";
