//! `tt status`: agents and missions at a glance. Reads the store only.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tinytown_store::records;

use crate::app::App;
use crate::clock;
use crate::compose::Composed;
use crate::failure::Failure;
use crate::pulse::{self, Pulse};
use crate::render::list::{self, AgentJson, MissionRowJson};
use crate::render::mission::no_dispatcher;

/// Arguments of `tt status`.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Also agents that are gone, and missions that have ended
    #[arg(long)]
    all: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let composed = Composed::open(app.town()?).await?;
        let store = &*composed.store;
        let town = store.town().await?;
        let roster = records::load_roster(&town)?;
        let mut missions = Vec::new();
        for row in store.missions(self.all).await? {
            missions.push(records::load_outline(&row)?);
        }
        let pulse = pulse::take(store, &town, None, Duration::ZERO).await?;
        if self.json {
            let shown = roster.iter().filter(|agent| self.all || agent.is_present());
            let agents: Vec<AgentJson<'_>> = shown.map(AgentJson::of).collect();
            let missions: Vec<_> = missions.iter().map(MissionRowJson::of).collect();
            let name = &composed.town.config.name;
            let town = json!({ "name": name, "id": town.identity.id.to_string() });
            let dispatcher = dispatcher(&pulse);
            return app.terminal.json(
                &json!({ "town": town, "dispatcher": dispatcher, "agents": agents, "missions": missions }),
            );
        }
        let now = clock::now();
        app.terminal.heading(format!("🏘️  Town {}", composed.town.config.name))?;
        match (&pulse.holder, pulse.running) {
            (_, Some(false)) | (None, _) => app.terminal.line(format!("📡 {}", no_dispatcher(&pulse)))?,
            (Some(holder), _) => app.terminal.line(format!("📡 Dispatcher: {holder}"))?,
        }
        app.terminal.lines(&list::agents(&roster, self.all, now))?;
        app.terminal.line(format!("🚀 Missions: {}", missions.len()))?;
        missions.iter().try_for_each(|mission| app.terminal.line(list::mission(mission, now)))
    }
}

fn dispatcher(pulse: &Pulse) -> Value {
    json!({
        "holder": pulse.holder,
        "running": pulse.running,
        "inputs_waiting": pulse.inputs_waiting,
        "effects_waiting": pulse.effects_waiting,
    })
}
