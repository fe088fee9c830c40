//! `tt completions`: what makes a shell complete words of `tt`.

use clap::Args;
use clap_complete::Shell;

use crate::app::App;
use crate::entry::command_line;
use crate::failure::Failure;

/// Arguments of `tt completions`.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, app: &App) -> Result<(), Failure> {
        app.terminal.file(&script(self.shell))
    }
}

fn script(shell: Shell) -> String {
    let mut written = Vec::new();
    clap_complete::generate(shell, &mut visible(), "tt", &mut written);
    String::from_utf8_lossy(&written).into_owned()
}

/// Without the commands that are hidden, which the scripts would offer all the same.
fn visible() -> clap::Command {
    let all = command_line();
    let commands = all.get_subcommands().filter(|command| !command.is_hide_set());
    clap::Command::new("tt").args(all.get_arguments()).subcommands(commands)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;

    #[test]
    fn every_shell_learns_every_command() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            for words in super::super::man::every_command() {
                let last = words.last().expect("a command has a name");
                assert!(script.contains(last.as_str()), "{shell}: no {words:?}");
            }
            assert!(!script.contains("supervise"), "{shell} offers what is hidden");
            for option in ["--no-reviewer", "--max-parallel", "--dispatcher"] {
                // Fish writes options without their dashes.
                assert!(script.contains(option.trim_start_matches('-')), "{shell}: no {option}");
            }
        }
    }
}
