//! Every chore of the project, one word each: `cargo xtask WORD`.

mod ci;
mod components;
mod steps;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask WORD

  test    everything that must pass: tidy, unit and conformance tests, stories through the real binary;
          --long: more of what is random, newer servers (hours), else as `cargo test`
  tidy    lengths of functions and files per crate, and the arrows between crates
  ci      what .ci/run runs: fmt, clippy, doc, test, prove; prints what each stage took
  prove   missions under faults with planted mutants: prove [--missions N] [--seed S], more with --help
  markers what the reader of dependency markers makes of issues: markers < cases.jsonl, one JSON object a line
  bench   measurements: bench core | bench cli [ITEMS …] | bench handoff | bench redis
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["test", rest @ ..] => ci::test(rest),
        ["tidy"] => tidy::run(),
        ["ci"] => ci::all(),
        ["prove", rest @ ..] => ci::prove(rest),
        ["markers"] => ci::markers(),
        ["bench", rest @ ..] => ci::bench(rest),
        _ => {
            steps::say(USAGE);
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            steps::say(&format!("\nxtask: {error}"));
            ExitCode::FAILURE
        }
    }
}
