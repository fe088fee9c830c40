//! `tt inbox`: letters that wait, newest last; requests for help by what an answer lets go on.

use std::cmp::Reverse;

use clap::Args;
use serde_json::{Value, json};
use tinytown_core::event::Addressee;
use tinytown_core::letter::Letter;
use tinytown_store::{Mailbox, Wait, records};

use super::work::agent_name;
use crate::app::App;
use crate::compose::Composed;
use crate::failure::Failure;

/// More letters than ever wait in one mailbox.
const MOST: usize = 10_000;

/// Arguments of `tt inbox`.
#[derive(Debug, Args)]
pub(crate) struct Inbox {
    /// An agent, or conductor: whoever answers when a mission asks for help
    #[arg(default_value = "conductor")]
    of: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Inbox {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let composed = Composed::open(app.town()?).await?;
        let mailbox = match self.of.as_str() {
            "conductor" => Mailbox::Conductor,
            name => Mailbox::Agent(agent_name(name)?),
        };
        let mut letters = Vec::new();
        for entry in composed.store.mail(&mailbox, 0, MOST, Wait::NONE).await? {
            letters.push((entry.key.clone(), records::load_letter(&entry.key, &entry.record)?));
        }
        // What lets most work go on comes first.
        letters.sort_by_key(|(_, letter)| match letter {
            Letter::Help { unblocks, .. } => Reverse(*unblocks),
            _ => Reverse(0),
        });
        if self.json {
            let letters: Vec<Value> = letters.iter().map(|(key, letter)| json(key, letter)).collect();
            return app.terminal.json(&json!({ "mailbox": self.of, "letters": letters }));
        }
        if letters.is_empty() {
            app.terminal.note(format!("No letters for {}", self.of));
        }
        letters.iter().try_for_each(|(_, letter)| app.terminal.line(words(letter)))
    }
}

fn json(key: &str, letter: &Letter) -> Value {
    let mut value = serde_json::to_value(letter).unwrap_or_default();
    value["key"] = key.into();
    value
}

fn words(letter: &Letter) -> String {
    match letter {
        Letter::Assignment(brief) => {
            let claim = &brief.claim;
            format!(
                "📦 {} of mission {} (attempt {}): {}",
                claim.item, claim.mission, claim.attempt, brief.title
            )
        }
        Letter::Cancel { claim } => format!("🛑 stop work on {} of mission {}", claim.item, claim.mission),
        Letter::Retire => "👋 leave, after the work at hand".to_owned(),
        Letter::Message { text, from, .. } => format!("✉️  from {from}: {text}"),
        Letter::Help { mission, item, to, reason, unblocks, asked_at, attempt } => {
            let whom = if *to == Addressee::Conductor { ", the conductor is asked" } else { "" };
            let lets_go = match unblocks {
                0 => String::new(),
                1 => " · 1 item waits for that".to_owned(),
                count => format!(" · {count} items wait for that"),
            };
            let answer = match item {
                Some(item) => format!("tt mission explain {mission} '{item}'"),
                None => format!("tt mission note {mission} resume"),
            };
            format!("🆘 {asked_at} ({attempt}{whom}) mission {mission}: {reason}{lets_go} · {answer}")
        }
    }
}
