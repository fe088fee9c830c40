//! Whom a command means by a name, and what it is to be told.

use std::io::Read as _;

use tinytown_core::id::AgentName;
use tinytown_core::roster::{Agent, Roster};
use tinytown_store::records;

use crate::compose::Composed;
use crate::failure::{ExitCode, Failure};

/// Most bytes that are read from standard input.
const MOST: u64 = 10 * 1024 * 1024;

/// The agent of that name, present or gone.
pub(super) async fn agent(composed: &Composed, name: &AgentName) -> Result<Agent, Failure> {
    let roster = records::load_roster(&composed.store.town().await?)?;
    roster.get(name).cloned().ok_or_else(|| unknown(name, &roster))
}

fn unknown(name: &AgentName, roster: &Roster) -> Failure {
    let shown = |agent: &Agent| format!("{}{}", agent.name, if agent.is_present() { "" } else { " (gone)" });
    let there: Vec<String> = roster.iter().map(shown).collect();
    let hint = if there.is_empty() {
        format!("there is no agent yet; start this one with: tt spawn {name}")
    } else {
        format!("there are {}; start another with: tt spawn {name}", there.join(", "))
    };
    Failure::new(ExitCode::NotFound, format!("no agent {name} in this town")).hint(hint)
}

/// What was typed, or all of standard input for a single `-`; never blank.
pub(super) fn text(words: &[String]) -> Result<String, Failure> {
    let text = match words {
        [word] if word == "-" => standard_input()?,
        words => words.join(" "),
    };
    if text.trim().is_empty() {
        let hint = "write it as: NAME \"what you want to say\", or NAME - to read standard input";
        return Err(Failure::new(ExitCode::Usage, "there are no words in the text").hint(hint));
    }
    Ok(text)
}

fn standard_input() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        let message = format!("the text on standard input is longer than {} MiB", MOST / 1024 / 1024);
        return Err(Failure::new(ExitCode::Invalid, message));
    }
    String::from_utf8(bytes)
        .map_err(|_| Failure::new(ExitCode::Invalid, "the text on standard input is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_one_text_and_none_are_a_matter_of_usage() {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(text(&words(&["fix", "the login"])).expect("a text"), "fix the login");
        assert_eq!(text(&words(&["fix", "-"])).expect("a text"), "fix -");
        for blank in [&[""][..], &[" ", "\n\t"]] {
            assert_eq!(text(&words(blank)).expect_err("no words").code(), ExitCode::Usage);
        }
    }
}
