//! `tt man`: manual pages, made of the same words as `--help`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use clap_mangen::Man as Page;

use crate::app::App;
use crate::entry::command_line;
use crate::failure::{ExitCode, Failure};

/// Arguments of `tt man`.
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The folder that gets a page for each command; else tt(1) is printed
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(self, app: &App) -> Result<(), Failure> {
        let Some(folder) = &self.folder else { return app.terminal.file(&first_page()?) };
        write(folder).map_err(|error| {
            Failure::from_error(ExitCode::Failed, &error)
                .during(format!("could not write manual pages into {}", folder.display()))
                .hint("name a folder that you may write to: tt man DIR")
        })?;
        let page = folder.join("tt-mission-plan.1");
        app.terminal.note(format!("Read one with: man {}", absolute(&page).display()));
        Ok(())
    }
}

/// `man` takes a name for a file only if it holds a slash.
fn absolute(page: &Path) -> PathBuf {
    page.canonicalize().unwrap_or_else(|_| page.to_owned())
}

fn first_page() -> io::Result<String> {
    let mut written = Vec::new();
    Page::new(command_line()).render(&mut written)?;
    Ok(String::from_utf8_lossy(&written).into_owned())
}

fn write(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(command_line(), folder)
}

/// Every command that users see, as the words that name it.
#[cfg(test)]
pub(super) fn every_command() -> Vec<Vec<String>> {
    fn below(command: &clap::Command, above: &[String], found: &mut Vec<Vec<String>>) {
        for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
            let words = [above, &[command.get_name().to_owned()]].concat();
            below(command, &words, found);
            found.push(words);
        }
    }
    let mut found = Vec::new();
    below(&command_line(), &[], &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_and_what_is_hidden_has_none() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("man/man1");
        write(&folder).expect("written");
        let pages: Vec<String> =
            every_command().iter().map(|words| format!("tt-{}.1", words.join("-"))).collect();
        assert!(pages.len() > 25 && pages.contains(&"tt-mission-plan.1".to_owned()), "{pages:?}");
        for page in pages.iter().map(String::as_str).chain(["tt.1"]) {
            let text = fs::read_to_string(folder.join(page)).expect(page);
            assert!(text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"), "{page}: {text}");
        }
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), pages.len() + 1);
    }

    #[test]
    fn the_first_page_names_every_command() {
        let page = first_page().expect("rendered");
        for words in every_command().iter().filter(|words| words.len() == 1) {
            assert!(page.contains(&format!("tt\\-{}(1)", words[0])), "{words:?} in {page}");
        }
    }
}
