//! The hidden subcommand of `tt` that supervises checks, as a program of its own for the tests.

fn main() -> std::process::ExitCode {
    tinytown_host::supervise::main()
}
