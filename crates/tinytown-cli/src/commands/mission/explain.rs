//! `tt mission explain`: why something waits, on whom, until when, and what it would unblock.

use clap::Args;
use tinytown_core::id::ItemKey;
use tinytown_core::mission::{ItemIx, Mission};
use tinytown_store::records::load_roster;

use super::log;
use crate::app::App;
use crate::clock;
use crate::compose::Composed;
use crate::failure::{ExitCode, Failure};
use crate::pulse;
use crate::render::mission::Scene;
use crate::resolve;

/// Arguments of `tt mission explain`.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The mission, by the beginning of its id
    id: String,
    /// The item, such as #2 or 2; else all that wait
    item: Option<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let composed = Composed::open(app.town()?).await?;
        let store = &*composed.store;
        let mission = resolve::loaded(store, &self.id).await?;
        let town = store.town().await?;
        let roster = load_roster(&town)?;
        let item = self.item.as_deref().map(|name| named(&mission, name)).transpose()?;
        let pulse = pulse::take(store, &town, Some(mission.id()), std::time::Duration::ZERO).await?;
        let scene = Scene { mission: &mission, roster: &roster, pulse: &pulse, now: clock::now() };
        match item {
            None if self.json => app.terminal.json(&scene.waits_json()),
            None => app.terminal.lines(&scene.waits()),
            Some(ix) => {
                let steps = log::about(store, mission.id(), &mission.item(ix).spec.key).await?;
                if self.json {
                    app.terminal.json(&scene.item_json(ix, &steps))
                } else {
                    app.terminal.lines(&scene.item(ix, &steps))
                }
            }
        }
    }
}

/// The item that a user means: by its key, or by an issue's bare number.
fn named(mission: &Mission, name: &str) -> Result<ItemIx, Failure> {
    let number = name.starts_with(|c: char| c.is_ascii_digit()).then(|| format!("#{name}"));
    let found = mission.find(&ItemKey::new(name)).or_else(|| mission.find(&ItemKey::new(number?)));
    found.ok_or_else(|| {
        let message = format!("mission {} has no item {name:?}", mission.id());
        let hint = format!("see its items with: tt mission status {} --work", mission.id());
        Failure::new(ExitCode::NotFound, message).hint(hint)
    })
}
