//! `cargo xtask markers < CASES`: what the reader of dependency markers makes of issues, for scoring it
//! against people's judgement.
//!
//! A line of the input is a JSON object with `url`, `repo`, `number` and `body`; a line of the output is
//! `{"url": …, "depends_on": ["owner/repo#N", …]}`.

use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use tinytown_core::issue::IssueRef;
use tinytown_core::markers;

#[derive(Debug, Deserialize)]
struct Case {
    url: String,
    repo: String,
    number: u64,
    body: String,
}

#[derive(Debug, Serialize)]
struct Prediction {
    url: String,
    depends_on: Vec<String>,
}

fn main() -> ExitCode {
    let mut out = std::io::stdout().lock();
    for (line, text) in (1..).zip(std::io::stdin().lock().lines()) {
        let text = match text {
            Ok(text) if text.trim().is_empty() => continue,
            Ok(text) => text,
            Err(error) => return complain(line, &error.to_string()),
        };
        let case: Case = match serde_json::from_str(&text) {
            Ok(case) => case,
            Err(error) => return complain(line, &error.to_string()),
        };
        let written = serde_json::to_string(&predict(case)).expect("strings can be written");
        // Whoever stops reading has seen enough.
        if writeln!(out, "{written}").is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}

fn predict(case: Case) -> Prediction {
    let own = IssueRef { repo: None, number: case.number };
    let canonical = |reference: &IssueRef| match &reference.repo {
        Some(repo) => format!("{repo}#{}", reference.number),
        None => format!("{}#{}", case.repo, reference.number),
    };
    let found = markers::read(&case.body);
    let others = found.iter().map(|marker| &marker.reference).filter(|on| canonical(on) != canonical(&own));
    let mut depends_on: Vec<String> = others.map(canonical).collect();
    depends_on.sort();
    depends_on.dedup();
    Prediction { url: case.url, depends_on }
}

#[expect(clippy::print_stderr, reason = "a chore talks to the person who runs it")]
fn complain(line: u32, why: &str) -> ExitCode {
    eprintln!("line {line} is no case: {why}");
    ExitCode::from(2)
}
