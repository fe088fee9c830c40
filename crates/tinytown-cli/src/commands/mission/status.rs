//! `tt mission status`: reads the store only, never the forge.

use std::time::Duration;

use clap::Args;
use tinytown_core::id::MissionId;
use tinytown_store::records;

use crate::app::App;
use crate::compose::Composed;
use crate::failure::Failure;
use crate::render::mission::{Parts, Scene};
use crate::render::mission_json::MissionJson;
use crate::{clock, pulse, resolve};

use super::list;

/// Arguments of `tt mission status`.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The mission, by the beginning of its id; else the only one that has not ended, or the last that ended, or a list
    id: Option<String>,
    #[command(flatten)]
    more: More,
    /// One JSON object; without an id all missions that have not ended
    #[arg(long)]
    json: bool,
}

/// What is shown besides the overview.
#[derive(Debug, Args)]
struct More {
    /// Every work item
    #[arg(long)]
    work: bool,
    /// What is watched on pull requests: CI, review, mergeability
    #[arg(long)]
    watch: bool,
    /// The dispatcher, help requests and notes
    #[arg(long)]
    dispatcher: bool,
}

impl Status {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let composed = Composed::open(app.town()?).await?;
        match self.chosen(&composed).await? {
            Some(mission) => self.show(app, &composed, mission).await,
            None => list::show(app, &composed, false, self.json).await,
        }
    }

    async fn chosen(&self, composed: &Composed) -> Result<Option<MissionId>, Failure> {
        match &self.id {
            Some(prefix) => Ok(Some(resolve::mission(&*composed.store, prefix).await?)),
            None if self.json => Ok(None),
            None => match composed.store.missions(false).await?.as_slice() {
                [one] => Ok(Some(one.id)),
                // Nothing runs: whoever asks wants to know how it ended.
                [] => Ok(composed.store.missions(true).await?.last().map(|row| row.id)),
                _ => Ok(None),
            },
        }
    }

    async fn show(&self, app: &App, composed: &Composed, id: MissionId) -> Result<(), Failure> {
        let store = &*composed.store;
        let mission = records::load_mission(&store.mission(id).await?)?;
        let town = store.town().await?;
        let roster = records::load_roster(&town)?;
        let lease = Duration::from_millis(composed.town.config.timing.dispatcher_lease_ms);
        let patience = if self.more.dispatcher { lease } else { Duration::ZERO };
        let pulse = pulse::take(store, &town, Some(id), patience).await?;
        if self.json {
            return app.terminal.json(&MissionJson::of(&mission, &roster, &pulse));
        }
        let scene = Scene { mission: &mission, roster: &roster, pulse: &pulse, now: clock::now() };
        let More { work, watch, dispatcher } = self.more;
        let parts = Parts { work, watch, dispatcher };
        app.terminal.lines(&scene.lines(parts))
    }
}
