//! `tt inbox`: letters that wait, newest last; requests for help by what an answer lets go on.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};
use tinytown_core::id::MissionId;
use tinytown_core::letter::{HelpRequest, Letter};
use tinytown_core::mission::Mission;
use tinytown_core::roster::Roster;
use tinytown_store::{Mailbox, StoreError, Wait, records};

use super::work::agent_name;
use crate::app::App;
use crate::compose::Composed;
use crate::failure::Failure;
use crate::render::help::Request;

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
            Letter::Help(help) => Reverse(help.unblocks),
            _ => Reverse(0),
        });
        let known = Known::gather(&composed, &letters).await?;
        if self.json {
            let letters: Vec<Value> = letters.iter().map(|(key, letter)| known.json(key, letter)).collect();
            return app.terminal.json(&json!({ "mailbox": self.of, "letters": letters }));
        }
        if letters.is_empty() {
            app.terminal.note(format!("No letters for {}", self.of));
        }
        letters
            .iter()
            .flat_map(|(_, letter)| known.lines(letter))
            .try_for_each(|line| app.terminal.line(line))
    }
}

/// What letters are about.
struct Known {
    missions: BTreeMap<MissionId, Mission>,
    roster: Roster,
}

impl Known {
    /// The missions that ask. What became of one that cannot be read any more, its letters tell without it.
    async fn gather(composed: &Composed, letters: &[(String, Letter)]) -> Result<Self, StoreError> {
        let roster = records::load_roster(&composed.store.town().await?)?;
        let mut missions = BTreeMap::new();
        for (_, letter) in letters {
            let Letter::Help(HelpRequest { mission: id, .. }) = letter else { continue };
            if !missions.contains_key(id)
                && let Ok(view) = composed.store.mission(*id).await
                && let Ok(mission) = records::load_mission(&view)
            {
                missions.insert(*id, mission);
            }
        }
        Ok(Self { missions, roster })
    }

    fn json(&self, key: &str, letter: &Letter) -> Value {
        let mut value = serde_json::to_value(letter).unwrap_or_default();
        value["key"] = key.into();
        if let Letter::Help(help) = letter
            && let (Value::Object(more), Some(fields)) = (self.request(help).json(), value.as_object_mut())
        {
            fields.extend(more);
        }
        value
    }

    fn lines(&self, letter: &Letter) -> Vec<String> {
        match letter {
            Letter::Help(help) => self.request(help).lines(),
            Letter::Assignment(brief) => {
                let claim = &brief.claim;
                vec![format!(
                    "📦 {} of mission {} (attempt {}): {}",
                    claim.item, claim.mission, claim.attempt, brief.title
                )]
            }
            Letter::Cancel { claim } => {
                vec![format!("🛑 stop work on {} of mission {}", claim.item, claim.mission)]
            }
            Letter::Retire => vec!["👋 leave, after the work at hand".to_owned()],
            Letter::Message { text, from, .. } => vec![format!("✉️  from {from}: {text}")],
        }
    }

    fn request<'a>(&'a self, help: &'a HelpRequest) -> Request<'a> {
        Request::new(help, self.missions.get(&help.mission), &self.roster)
    }
}
