//! `tt mission retry | skip | redirect`: the notes of these names, as commands.

use clap::Args;

use super::tell::tell_note;
use crate::app::App;
use crate::failure::{ExitCode, Failure};

/// Arguments of `tt mission retry`.
#[derive(Debug, Args)]
pub(crate) struct Retry {
    /// The mission, by the beginning of its id
    id: String,
    /// The item, such as 2 or 2/fix-1; without it everything that waits for a person
    item: Option<String>,
}

/// Arguments of `tt mission skip`.
#[derive(Debug, Args)]
pub(crate) struct Skip {
    /// The mission, by the beginning of its id
    id: String,
    /// The item, such as 2 or 2/fix-1; what depends on it goes on without it
    item: String,
}

/// Arguments of `tt mission redirect`.
#[derive(Debug, Args)]
pub(crate) struct Redirect {
    /// The mission, by the beginning of its id
    id: String,
    /// The item, such as 2 or 2/fix-1
    item: String,
    /// The agent that is to do it; "to" may stand before it
    #[arg(required = true, num_args = 1..=2, value_name = "AGENT")]
    agent: Vec<String>,
}

impl Retry {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let words: Vec<&str> = std::iter::once("retry").chain(self.item.as_deref()).collect();
        note(app, &self.id, &words).await
    }
}

impl Skip {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        note(app, &self.id, &["skip", &self.item]).await
    }
}

impl Redirect {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let agent = match self.agent.as_slice() {
            [agent] => agent,
            [to, agent] if to.eq_ignore_ascii_case("to") => agent,
            other => {
                let message = format!("{:?} names no one agent", other.join(" "));
                let hint = "write it as: tt mission redirect ID ITEM AGENT";
                return Err(Failure::new(ExitCode::Usage, message).hint(hint));
            }
        };
        note(app, &self.id, &["redirect", &self.item, "to", agent]).await
    }
}

/// Each word stays one: none of them may be read as several.
async fn note(app: &App, id: &str, words: &[&str]) -> Result<(), Failure> {
    let broken = |word: &&&str| word.is_empty() || word.contains(char::is_whitespace);
    if let Some(word) = words.iter().find(broken) {
        let message = format!("there is no item and no agent {word:?}");
        return Err(Failure::new(ExitCode::NotFound, message));
    }
    tell_note(app, id, words.join(" ")).await
}
