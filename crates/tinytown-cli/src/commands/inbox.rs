//! `tt inbox`: letters that wait, newest last; requests for help by what an answer lets go on.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};
use tinytown_core::id::MissionId;
use tinytown_core::letter::Letter;
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
            Letter::Help { unblocks, .. } => Reverse(*unblocks),
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
        for request in letters.iter().filter_map(|(_, letter)| request(letter)) {
            if missions.contains_key(&request.mission) {
                continue;
            }
            if let Ok(view) = composed.store.mission(request.mission).await
                && let Ok(mission) = records::load_mission(&view)
            {
                missions.insert(request.mission, mission);
            }
        }
        Ok(Self { missions, roster })
    }

    fn json(&self, key: &str, letter: &Letter) -> Value {
        let mut value = serde_json::to_value(letter).unwrap_or_default();
        value["key"] = key.into();
        let more =
            request(letter).map(|request| request.json(self.missions.get(&request.mission), &self.roster));
        if let (Some(Value::Object(more)), Some(fields)) = (more, value.as_object_mut()) {
            fields.extend(more);
        }
        value
    }

    fn lines(&self, letter: &Letter) -> Vec<String> {
        match request(letter) {
            Some(request) => request.lines(self.missions.get(&request.mission), &self.roster),
            None => vec![words(letter)],
        }
    }
}

fn request(letter: &Letter) -> Option<Request> {
    let Letter::Help { mission, item, to, reason, unblocks, asked_at, attempt } = letter else { return None };
    Some(Request {
        mission: *mission,
        item: item.clone(),
        to: *to,
        reason: reason.clone(),
        unblocks: *unblocks,
        asked_at: *asked_at,
        attempt: *attempt,
    })
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
        Letter::Help { reason, .. } => format!("🆘 {reason}"),
    }
}
