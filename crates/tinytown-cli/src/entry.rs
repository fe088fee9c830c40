//! From the process's arguments to a command, and from what came of it to an exit code.

use std::path::PathBuf;
use std::process::ExitCode as Exit;

use clap::Parser;
use clap::error::ErrorKind;

use crate::app::App;
use crate::commands::Command;
use crate::failure::{ExitCode, Failure};
use crate::terminal::{Terminal, clean};

/// Turns a set of issues into merged work, with coding agents.
#[derive(Debug, Parser)]
#[command(name = "tt", version, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    /// The town's folder; else the nearest one above that holds tinytown.toml
    #[arg(long, global = true, value_name = "DIR", env = "TINYTOWN_DIR", hide_env_values = true)]
    town: Option<PathBuf>,
    /// Whether to use colors
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    color: Color,
    /// Print the essence only
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Print more
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

/// When colors are used. `NO_COLOR` turns them off under `auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

/// Every command with its arguments, as help, completions and man pages tell them.
pub(crate) fn command_line() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// All of `tt`.
pub(crate) fn main() -> Exit {
    std::panic::set_hook(Box::new(|bug| {
        let terminal = Terminal::new(false, false, anstream::ColorChoice::Auto);
        let message = format!("this is a bug in tinytown {}: {bug}", env!("CARGO_PKG_VERSION"));
        terminal
            .failure(&Failure::new(ExitCode::Failed, message).hint("please report it, with what you ran"));
    }));
    match std::panic::catch_unwind(run) {
        Ok(code) => code,
        Err(_told_by_the_hook) => Exit::from(ExitCode::Failed as u8),
    }
}

fn run() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return explain(&error),
    };
    if matches!(cli.command, Command::Supervise) {
        return tinytown_host::supervise::main();
    }
    let color = match cli.color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    };
    let named = cli.town.filter(|folder| !folder.as_os_str().is_empty());
    let app = App { terminal: Terminal::new(cli.quiet, cli.verbose, color), named };
    let outcome = runtime().and_then(|runtime| {
        let outcome = runtime.block_on(cli.command.run(&app));
        // A read of the store that nobody waits for any more must not hold up the end.
        runtime.shutdown_background();
        outcome
    });
    let code = outcome.err().map_or(ExitCode::Done, |failure| {
        app.terminal.failure(&failure);
        failure.code()
    });
    Exit::from(code as u8)
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// Help and version go to standard output and are no failure; the rest is a matter of usage.
fn explain(error: &clap::Error) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Nobody can be told if telling fails.
            let _ = error.print();
            Exit::from(ExitCode::Done as u8)
        }
        _ => {
            // An argument may hold anything; its echo must not steer the terminal.
            let text = error.render().to_string();
            let lines: Vec<String> = text.lines().map(clean).collect();
            let terminal = Terminal::new(false, false, anstream::ColorChoice::Auto);
            terminal.note(lines.join("\n"));
            Exit::from(ExitCode::Usage as u8)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        command_line().debug_assert();
    }

    #[test]
    fn a_mission_without_issues_is_a_matter_of_usage() {
        for line in [&["tt", "mission", "start"][..], &["tt", "mission"], &["tt"], &["tt", "nonsense"]] {
            let error = Cli::try_parse_from(line).expect_err("refused");
            assert_ne!(error.exit_code(), 0, "{line:?}");
        }
    }
}
