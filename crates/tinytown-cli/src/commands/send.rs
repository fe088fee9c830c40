//! `tt send`: something that an agent reads with its next prompt.

use clap::Args;
use tinytown_core::id::MessageId;
use tinytown_core::input::{Input, Message};
use tinytown_core::letter::MESSAGE_LIMIT;

use super::addressee;
use super::work::agent_name;
use crate::app::App;
use crate::clock;
use crate::compose::{self, Composed};
use crate::failure::{ExitCode, Failure};

/// Arguments of `tt send`.
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// The agent's name
    name: String,
    /// What to say, at most 4096 bytes. A single - reads it from standard input
    #[arg(required = true, value_name = "TEXT")]
    words: Vec<String>,
}

impl Send {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let name = agent_name(&self.name)?;
        let text = short(addressee::text(&self.words)?)?;
        let composed = Composed::open(app.town()?).await?;
        let agent = addressee::agent(&composed, &name).await?;
        let (id, from) = (MessageId(clock::new_id()), compose::operator());
        let message = Message { id, agent: name.clone(), text, from };
        let applied = composed.apply(&Input::Message(message), Vec::new()).await?;
        app.terminal.line(format!("✉️  {name} reads it with its next prompt"))?;
        if !agent.is_present() {
            app.terminal
                .warn(format!("{name} is not there: it waits until you start it with: tt spawn {name}"));
        }
        if applied.effects_waiting.is_some() {
            app.terminal.note(format!(
                "No dispatcher is running: {name} gets no next prompt before one does. Start it with: tt mission dispatch"
            ));
        }
        Ok(())
    }
}

fn short(text: String) -> Result<String, Failure> {
    if text.len() <= MESSAGE_LIMIT {
        return Ok(text);
    }
    let message = format!("the message has {} bytes, and {MESSAGE_LIMIT} are the most", text.len());
    Err(Failure::new(ExitCode::Invalid, message)
        .hint("name a file of the repository in it, or make it work of its own with: tt assign"))
}
