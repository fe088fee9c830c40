//! Requests for help: what is asked, why, since when, what waits for the answer, and what may answer it.

use serde_json::{Value, json};
use tinytown_core::event::{Addressee, Hold};
use tinytown_core::id::ItemKey;
use tinytown_core::letter::HelpRequest;
use tinytown_core::mission::{Item, ItemIx, Mission, WaitCode};
use tinytown_core::observation::Checks;
use tinytown_core::roster::Roster;
use tinytown_core::time::Time;

use super::explain::spawn;
use super::item::label;

/// How many of those that wait are named.
const NAMED: usize = 5;

/// A request for help, and who and what it is about.
pub(crate) struct Request<'a> {
    help: &'a HelpRequest,
    /// Without it only what the letter holds is told.
    mission: Option<&'a Mission>,
    item: Option<(ItemIx, &'a Item)>,
    roster: &'a Roster,
}

/// What there is to decide, and the commands that do.
struct Question {
    asks: &'static str,
    commands: Vec<String>,
}

impl<'a> Request<'a> {
    /// The request, of that mission if it can be read.
    pub(crate) fn new(help: &'a HelpRequest, mission: Option<&'a Mission>, roster: &'a Roster) -> Self {
        let ix = mission.and_then(|mission| mission.find(help.item.as_ref()?));
        let item = mission.zip(ix).map(|(mission, ix)| (ix, mission.item(ix)));
        Self { help, mission, item, roster }
    }

    /// The lines in which a person reads it.
    pub(crate) fn lines(&self) -> Vec<String> {
        let HelpRequest { mission, item, reason, .. } = self.help;
        let about = match (item, self.item) {
            (_, Some((_, item))) => {
                format!("{}: {} · mission {mission}", label(&item.spec), item.spec.title)
            }
            (Some(key), None) => format!("{key} · mission {mission}"),
            (None, None) => format!("Mission {mission}"),
        };
        let question = self.question();
        let mut lines = vec![format!("🆘 {about}"), format!("   {}", question.asks)];
        let named = item.as_ref().map(|key| format!("{key}: ")).unwrap_or_default();
        let reason = reason.strip_prefix(&named).unwrap_or(reason);
        let mut said = reason.lines().filter(|line| !line.trim().is_empty());
        lines.push(format!("   why:    {}", said.next().unwrap_or_default()));
        lines.extend(said.map(|line| format!("           {line}")));
        lines.extend(self.item.map(|(_, item)| evidence(item)).unwrap_or_default());
        lines.push(format!("   since:  {}", self.since()));
        lines.push(format!("   waits:  {}", self.waiting()));
        let heads = std::iter::once("   answer:").chain(std::iter::repeat("          "));
        lines.extend(heads.zip(&question.commands).map(|(head, command)| format!("{head} {command}")));
        lines.push(format!("   more:   {}", self.more()));
        lines
    }

    /// The same as data, besides what the letter holds.
    pub(crate) fn json(&self) -> Value {
        let question = self.question();
        json!({
            "title": self.item.map(|(_, item)| &item.spec.title),
            "since": self.first_asked().unwrap_or(self.help.asked_at),
            "asks": question.asks,
            "commands": question.commands,
        })
    }

    fn first_asked(&self) -> Option<Time> {
        let (_, item) = self.item?;
        item.now.asked.as_ref().map(|asked| asked.since)
    }

    fn since(&self) -> String {
        let HelpRequest { to, asked_at, attempt, .. } = self.help;
        let again = match self.first_asked() {
            Some(since) if *attempt > 1 => format!("{since}, asked again {asked_at}"),
            _ => asked_at.to_string(),
        };
        match to {
            Addressee::Conductor => format!("{again}; the conductor is asked, you may answer before it does"),
            Addressee::Person => again,
        }
    }

    fn waiting(&self) -> String {
        let count = match self.help.unblocks {
            0 => return "nothing else".to_owned(),
            1 => "1 item".to_owned(),
            count => format!("{count} items"),
        };
        let (Some(mission), Some((ix, _))) = (self.mission, self.item) else { return count };
        let waiting = mission.dependents(ix);
        let named: Vec<&str> =
            waiting.iter().take(NAMED).map(|on| mission.item(*on).spec.key.as_str()).collect();
        if named.is_empty() { count } else { format!("{count}; next {}", named.join(", ")) }
    }

    fn question(&self) -> Question {
        match (self.mission, self.item) {
            (Some(mission), Some((ix, item))) => about_item(mission, ix, item, self.roster),
            (_, None) if self.help.item.is_some() => Question { asks: "Look at it.", commands: Vec::new() },
            _ => Question {
                asks: "It stands still as a whole: see why, mend that, and let everything be looked at again.",
                commands: self
                    .mission
                    .map(|mission| missing(mission, self.roster))
                    .into_iter()
                    .flatten()
                    .chain([format!("tt mission note {} resume", self.help.mission)])
                    .collect(),
            },
        }
    }

    fn more(&self) -> String {
        let HelpRequest { mission, item, .. } = self.help;
        match item.as_ref().and_then(word) {
            Some(word) => format!("tt mission explain {mission} {word}"),
            None => format!("tt mission explain {mission}"),
        }
    }
}

/// What there is to decide about an item, by what it waits for.
fn about_item(mission: &Mission, ix: ItemIx, item: &Item, roster: &Roster) -> Question {
    let id = mission.id();
    // A key that a shell might misread stands in no command.
    let Some(word) = word(&item.spec.key) else {
        return Question { asks: "Look at it.", commands: Vec::new() };
    };
    let (retry, skip) = (format!("tt mission retry {id} {word}"), format!("tt mission skip {id} {word}"));
    let approve = format!("tt mission note {id} \"approve {word}\"");
    let resume = format!("tt mission note {id} resume");
    if let Some(hold) = &item.now.hold {
        let (asks, first) = match hold {
            Hold::Limit { .. } => ("One more try, or go on without it?", None),
            Hold::Stuck { .. } => (
                "Its agent cannot go on without an answer: send it one, then retry; or go on without it.",
                answer_to_agent(item, roster),
            ),
            Hold::Closed => ("Its pull request was closed: make it anew, or go on without it?", None),
            Hold::Checks { .. } => {
                ("Mend what its check needs, then have it run again; or go on without it.", None)
            }
            Hold::Refused { .. } => {
                ("Mend what the forge refuses, then try again; or go on without it.", None)
            }
        };
        return Question { asks, commands: first.into_iter().chain([retry, skip]).collect() };
    }
    let (asks, commands) = match mission.wait(ix, roster).map(|wait| wait.code) {
        Some(WaitCode::NoAgent) => {
            ("Nobody is there who may take it: start somebody.", vec![spawn(item), skip])
        }
        Some(WaitCode::NoReviewer) => (
            "Nobody is there who may review it: start a reviewer.",
            vec!["tt spawn reviewer".to_owned(), skip],
        ),
        Some(WaitCode::EmptyChange) => ("Nothing was changed: is that right?", vec![approve, retry, skip]),
        Some(WaitCode::Governance) => ("It changes what governs missions: may it?", vec![approve, skip]),
        Some(WaitCode::BaseCheckoutBusy) => {
            ("Put your local changes aside, then let it merge.", vec![resume])
        }
        _ => ("See why, mend that, and let it be looked at again.", vec![retry, skip]),
    };
    Question { asks, commands }
}

/// What came of the last attempt, and of the check if it did not pass.
fn evidence(item: &Item) -> Vec<String> {
    let first = |text: &str| text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
    let last = item.now.evidence.as_ref().map(|last| {
        let by = last.agent.as_ref().map_or(String::new(), |agent| format!(" by {agent}"));
        format!("   last:   attempt {}{by} ended: {}: {}", last.attempt, last.cause, first(&last.detail))
    });
    let check = item.now.gates.last_checks().and_then(Checks::report);
    let check = check.map(|check| format!("   check:  {}: {}", check.name, first(&check.summary)));
    last.into_iter().chain(check).collect()
}

/// Whom to start, each once, so that somebody takes what is ready.
fn missing(mission: &Mission, roster: &Roster) -> Vec<String> {
    let waits = mission.items().iter().zip(mission.waits(roster));
    let absent = waits.filter(|(_, wait)| {
        wait.as_ref().is_some_and(|wait| wait.code == WaitCode::NoAgent && wait.owner == "operator")
    });
    let mut commands: Vec<String> = absent.map(|(item, _)| spawn(item)).collect();
    commands.sort_unstable();
    commands.dedup();
    commands.truncate(NAMED);
    commands
}

/// How the agent that asked is told the answer, if it is there still.
fn answer_to_agent(item: &Item, roster: &Roster) -> Option<String> {
    let agent = item.now.evidence.as_ref()?.agent.as_ref()?;
    roster.get(agent).filter(|agent| agent.is_present())?;
    Some(format!("tt send {agent} \"YOUR ANSWER\""))
}

/// An item's key as one word of a command, if it can be one.
fn word(key: &ItemKey) -> Option<String> {
    let key = key.as_str();
    let bare = key.strip_prefix('#').unwrap_or(key);
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '#');
    let starts = bare.starts_with(|c: char| c.is_alphanumeric());
    (starts && bare.chars().all(plain)).then(|| bare.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_key_stands_in_a_command() {
        for (key, want) in [
            ("#2", Some("2")),
            ("#2/fix-1", Some("2/fix-1")),
            ("acme/app#7", Some("acme/app#7")),
            ("docs/x.md", Some("docs/x.md")),
            ("a b", None),
            ("$(reboot)", None),
            ("--help", None),
        ] {
            assert_eq!(word(&ItemKey::new(key)).as_deref(), want, "{key}");
        }
    }
}
