//! `tt mission report`: how it ended, what needs a person, what was done, by whom, and what it took.

use clap::{Args, ValueEnum};
use tinytown_core::mission::Mission;
use tinytown_core::report::{Contradiction, Moment, Report as Told, report};
use tinytown_core::roster::{AgentState, Roster, RosterChange};
use tinytown_core::time::Time;
use tinytown_store::Scope;
use tinytown_store::records::load_roster;

use super::log::{self, StepDigest};
use crate::app::App;
use crate::clock;
use crate::compose::Composed;
use crate::failure::{ExitCode, Failure};
use crate::render::report::{Account, json, lines, markdown};
use crate::resolve;

/// Arguments of `tt mission report`.
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The mission, by the beginning of its id
    id: String,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// One JSON object
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// Ways of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For terminals
    Text,
    /// For an issue, a pull request or a page
    Markdown,
}

impl Report {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let composed = Composed::open(app.town()?).await?;
        let store = &*composed.store;
        let mission = resolve::loaded(store, &self.id).await?;
        let roster = load_roster(&store.town().await?)?;
        let steps = log::digests(store, Scope::Mission(mission.id())).await?;
        let of_town = log::digests(store, Scope::Town).await?;
        let now = clock::now();
        let report = told(&mission, &roster, [&of_town, &steps], now)
            .map_err(|error| contradicted(&error, &mission))?;
        let waits = mission.waits(&roster);
        let account = Account { mission: &mission, report: &report, waits: &waits, now };
        match self.format {
            _ if self.json => app.terminal.json(&json(&account)),
            Format::Text => app.terminal.lines(&lines(&account)),
            Format::Markdown => app.terminal.lines(&markdown(&account)),
        }
    }
}

/// The report of a mission, from the steps of its town and its own.
fn told<'s>(
    mission: &Mission,
    roster: &Roster,
    steps: [&'s [(u64, StepDigest)]; 2],
    now: Time,
) -> Result<Told, Contradiction> {
    let moment = |step: &'s StepDigest| Moment { at: step.now, events: &step.events, roster: &step.roster };
    let [of_town, own] = steps;
    // The mission may have gone on since it was read.
    let own = own.iter().filter(|(seq, _)| *seq <= mission.head().seq);
    let left = gone(roster);
    let left = left.iter().map(|(at, change)| Moment { at: *at, events: &[], roster: change });
    // Of one millisecond the town's steps come first: who came was given something then.
    let mut history: Vec<Moment<'_>> =
        of_town.iter().chain(own).map(|(_, step)| moment(step)).chain(left).collect();
    history.sort_by_key(|moment| moment.at);
    report(mission.charter(), history, now)
}

/// Agents that are gone by now, perhaps while they worked for another mission, whose history is not read.
fn gone(roster: &Roster) -> Vec<(Time, [RosterChange; 1])> {
    let gone = roster.iter().filter(|agent| agent.state == AgentState::Gone);
    let change = |agent| [RosterChange::AgentGone { agent, reason: String::new() }];
    gone.map(|agent| (agent.since, change(agent.name.clone()))).collect()
}

fn contradicted(error: &Contradiction, mission: &Mission) -> Failure {
    let hint = format!("its records are damaged; see them with: tt mission log {}", mission.id());
    Failure::from_error(ExitCode::Failed, error).hint(hint)
}
