//! `tt mission report`: what was done, by whom, and what it took.

use clap::Args;
use tinytown_core::report::report;

use super::log;
use crate::app::App;
use crate::clock;
use crate::compose::Composed;
use crate::failure::Failure;
use crate::render::report::{Account, json, lines};
use crate::resolve;

/// Arguments of `tt mission report`.
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The mission, by the beginning of its id
    id: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Report {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let composed = Composed::open(app.town()?).await?;
        let store = &*composed.store;
        let mission = resolve::loaded(store, &self.id).await?;
        let steps = log::all(store, mission.id()).await?;
        let history = steps.iter().map(|(_, step)| (step.now, step.events.as_slice()));
        let now = clock::now();
        let report = report(&mission, history, now);
        let account = Account { mission: &mission, report: &report, now };
        if self.json { app.terminal.json(&json(&account)) } else { app.terminal.lines(&lines(&account)) }
    }
}
