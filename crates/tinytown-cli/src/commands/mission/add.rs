//! `tt mission add`: more work for a mission that has begun, with the checks of `start`.

use clap::Args;
use tinytown_core::id::{ItemKey, MissionId};
use tinytown_core::input::{Input, MissionInput};
use tinytown_core::mission::Mission;
use tinytown_core::plan::{Addition, Diagnostic, Forecast, Level, forecast};
use tinytown_store::records::load_roster;

use super::gather::{Matter, NoPlan};
use super::start::{frozen, items_json, tell_diagnostics, warn_of_uncommitted};
use super::tell::{must_go_on, tell_waiting};
use crate::app::App;
use crate::compose::Composed;
use crate::failure::Failure;
use crate::render::plan::{PlanJson, lines};
use crate::render::{item, objectives};
use crate::resolve;
use crate::terminal::Terminal;

/// Arguments of `tt mission add`.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The mission, by the beginning of its id
    id: String,
    #[command(flatten)]
    matter: Matter,
    /// Only show what the mission would still have to do then
    #[arg(long)]
    dry_run: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Add {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        match self.add(app).await {
            Err(NoPlan::Refused(reasons)) => self.refuse(app.terminal, reasons),
            Err(failed @ NoPlan::Failed(_)) => Err(failed.into_failure()),
            Ok(()) => Ok(()),
        }
    }

    async fn add(&self, app: &App) -> Result<(), NoPlan> {
        let named = self.matter.named()?;
        let composed = Composed::open(app.town()?).await?;
        let mission = resolve::loaded(&*composed.store, &self.id).await?;
        must_go_on(mission.id(), mission.head())?;
        let addition = self.matter.gather(named, &composed, &mission).await?;
        let roster = load_roster(&composed.store.town().await?)?;
        let forecast = forecast(&addition.plan, &roster, mission.policy());
        if self.dry_run {
            return Ok(self.show(app.terminal, &mission, &addition, &forecast)?);
        }
        tell_diagnostics(app.terminal, addition.plan.diagnostics.iter().chain(news(&addition, &forecast)));
        warn_of_uncommitted(app.terminal, &composed.town).await;
        Ok(self.apply(app.terminal, &composed, mission.id(), &addition).await?)
    }

    async fn apply(
        &self,
        terminal: Terminal,
        composed: &Composed,
        mission: MissionId,
        addition: &Addition,
    ) -> Result<(), Failure> {
        let mut blobs = Vec::new();
        let what = MissionInput::Add { items: frozen(addition.items.clone(), &mut blobs) };
        let applied = composed.apply(&Input::Mission { mission, what }, blobs).await?;
        if self.json {
            terminal.json(&items_json(mission, &addition.items))?;
        } else {
            terminal.lines(&added(mission, addition))?;
        }
        tell_waiting(terminal, &applied);
        Ok(())
    }

    /// As `tt mission plan` shows a mission that is to begin.
    fn show(
        &self,
        terminal: Terminal,
        mission: &Mission,
        addition: &Addition,
        forecast: &Forecast,
    ) -> Result<(), Failure> {
        if self.json {
            return terminal.json(&PlanJson::of(&addition.plan, mission.policy(), forecast));
        }
        terminal.lines(&lines(&addition.plan, forecast))?;
        tell_diagnostics(terminal, addition.plan.diagnostics.iter().chain(&forecast.diagnostics));
        Ok(())
    }

    /// What is refused is no data, but where a plan was asked for its reasons are.
    fn refuse(&self, terminal: Terminal, reasons: Vec<Diagnostic>) -> Result<(), Failure> {
        if self.dry_run && self.json {
            terminal.json(&PlanJson::refused(&reasons))?;
        }
        Err(NoPlan::Refused(reasons).saying("nothing was added"))
    }
}

/// What stands in the way of the new items; of the others it was told before.
fn news<'f>(addition: &Addition, forecast: &'f Forecast) -> impl Iterator<Item = &'f Diagnostic> {
    forecast.diagnostics.iter().filter(|it| {
        let new = |key: &ItemKey| addition.items.iter().any(|item| item.key == *key);
        it.level == Level::Warning && it.item.as_ref().is_some_and(new)
    })
}

fn added(mission: MissionId, addition: &Addition) -> Vec<String> {
    let keys: Vec<&str> = addition.items.iter().map(|item| item.key.as_str()).collect();
    let mut lines = vec![format!("➕ Added to mission {mission}: {}", objectives(&keys))];
    lines.extend(addition.items.iter().map(item::planned));
    lines
}
