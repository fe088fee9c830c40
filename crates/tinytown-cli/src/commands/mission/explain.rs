//! `tt mission explain`: why something waits, on whom, until when, and what it would unblock.

use clap::Args;
use tinytown_core::id::ItemKey;
use tinytown_core::mission::{ItemIx, Mission};
use tinytown_store::records::{load_mission, load_roster};

use super::log;
use crate::app::App;
use crate::clock;
use crate::compose::Composed;
use crate::failure::{ExitCode, Failure};
use crate::pulse;
use crate::render::explain::Explanation;
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
        let id = resolve::mission(store, &self.id).await?;
        let mission = load_mission(&store.mission(id).await?)?;
        let town = store.town().await?;
        let roster = load_roster(&town)?;
        let item = self.item.as_deref().map(|name| named(&mission, name)).transpose()?;
        let pulse = pulse::take(store, &town, Some(id), std::time::Duration::ZERO).await?;
        let explanation =
            Explanation { mission: &mission, roster: &roster, pulse: &pulse, now: clock::now() };
        match item {
            None if self.json => app.terminal.json(&explanation.waits_json()),
            None => app.terminal.lines(&explanation.waits()),
            Some(ix) => {
                let steps = log::about(store, id, &mission.item(ix).spec.key).await?;
                if self.json {
                    app.terminal.json(&explanation.item_json(ix, &steps))
                } else {
                    app.terminal.lines(&explanation.item(ix, &steps))
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
