//! `tt`: turns a set of issues into merged work, with coding agents. The command line, and nothing
//! else: arguments and environment in, calls to the other crates, text and exit codes out.

mod app;
mod clock;
mod commands;
mod compose;
mod config;
mod entry;
mod failure;
mod git_config;
mod idle_forge;
mod nudge;
mod proof;
mod pulse;
mod remote;
mod render;
mod resolve;
mod signals;
mod terminal;
mod town;

/// A process that plans thousands of issues mostly allocates, once for each word and line.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    entry::main()
}
