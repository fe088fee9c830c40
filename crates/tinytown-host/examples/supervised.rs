//! The program under the tests of `supervise`: a binary that has the hidden subcommand, as `tt` has,
//! a client that can be stopped and killed from outside, and a sweep that can be asked for from inside a run.

use std::path::PathBuf;
use std::process::ExitCode;

use tinytown_host::run_files::{Which, sweep};
use tinytown_host::supervise::{self, Spec, Supervisor};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    match (args.next().as_deref(), args.next()) {
        (Some("supervise"), None) => supervise::main(),
        (Some("client"), Some(spec)) => client(&PathBuf::from(spec)),
        (Some("sweep-all"), Some(folder)) => {
            let swept = sweep(folder.as_ref(), Which::All).expect("the folder can be listed");
            ExitCode::from(u8::try_from(swept.surviving.len()).expect("few"))
        }
        _ => ExitCode::FAILURE,
    }
}

/// Starts the run that the file describes, and waits for its end.
fn client(spec: &PathBuf) -> ExitCode {
    let spec = std::fs::read(spec).expect("the file exists");
    let spec: Spec = serde_json::from_slice(&spec).expect("it holds a specification");
    let program = std::env::current_exe().expect("we have a path");
    let supervisor = Supervisor { program, args: vec!["supervise".into()] };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let outcome = runtime.block_on(async { supervisor.start(&spec).await?.wait().await });
    if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
