//! The program under the worker's tests: a binary that has the hidden subcommand, as `tt` has.

use std::process::ExitCode;

fn main() -> ExitCode {
    tinytown_host::supervise::main()
}
