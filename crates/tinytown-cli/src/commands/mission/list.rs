//! `tt mission list`.

use clap::Args;
use tinytown_store::records;

use crate::app::App;
use crate::clock;
use crate::compose::Composed;
use crate::failure::Failure;
use crate::render::list::{self, MissionRowJson, MissionsJson};

/// Arguments of `tt mission list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Also those that have ended
    #[arg(long)]
    all: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let composed = Composed::open(app.town()?).await?;
        show(app, &composed, self.all, self.json).await
    }
}

/// Prints the town's missions, oldest first.
pub(super) async fn show(app: &App, composed: &Composed, all: bool, json: bool) -> Result<(), Failure> {
    let mut missions = Vec::new();
    for row in composed.store.missions(all).await? {
        missions.push(records::load_outline(&row)?);
    }
    missions.sort_by_key(|mission| (mission.created_at, mission.id));
    if json {
        let missions = missions.iter().map(MissionRowJson::of).collect();
        return app.terminal.json(&MissionsJson { missions });
    }
    if missions.is_empty() {
        app.terminal.note("No missions. Start one with: tt mission start --issue N");
        return Ok(());
    }
    app.terminal.heading(format!("🚀 Missions: {}", missions.len()))?;
    let now = clock::now();
    missions.iter().try_for_each(|mission| app.terminal.line(list::mission(mission, now)))
}
