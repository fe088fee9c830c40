//! `tt mission plan`: what `start` would check and decide, without starting anything.

use clap::Args;
use tinytown_core::plan::{Diagnostic, forecast};
use tinytown_core::town;
use tinytown_store::records::load_roster;

use super::gather::{NoPlan, Wanted, already_open};
use super::start::{UNCOMMITTED, has_uncommitted, tell_diagnostics};
use crate::app::App;
use crate::compose::Composed;
use crate::failure::{ExitCode, Failure};
use crate::render::plan::{PlanJson, lines};

/// Arguments of `tt mission plan`.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    wanted: Wanted,
    /// One JSON object; also if the plan cannot be started
    #[arg(long)]
    json: bool,
}

impl Plan {
    /// What `start --dry-run` does.
    pub(super) const fn new(wanted: Wanted, json: bool) -> Self {
        Self { wanted, json }
    }

    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        match self.show(app).await {
            Ok(()) => Ok(()),
            Err(NoPlan::Refused(reasons)) => self.refuse(app, reasons),
            Err(NoPlan::Failed(failure)) => Err(failure),
        }
    }

    async fn show(&self, app: &App) -> Result<(), NoPlan> {
        let named = self.wanted.named()?;
        let composed = Composed::open(app.town()?).await?;
        // Git looks through the folder while the issues are read.
        let uncommitted = async { !self.json && has_uncommitted(&composed.town).await };
        let (gathered, uncommitted) = tokio::join!(self.wanted.gather(named, &composed), uncommitted);
        let gathered = gathered?;
        let roster = load_roster(&composed.store.town().await?)?;
        let mut forecast = forecast(&gathered.plan, &roster, &gathered.policy);
        let objectives = gathered.plan.objectives().into_iter().collect();
        let open = already_open(&composed, &objectives, town::already_open).await?;
        if self.json {
            forecast.diagnostics.extend(open.iter().cloned());
            app.terminal.json(&PlanJson::of(&gathered.plan, &gathered.policy, &forecast))?;
        } else {
            app.terminal.lines(&lines(&gathered.plan, &forecast))?;
            tell_diagnostics(app.terminal, gathered.plan.diagnostics.iter().chain(&forecast.diagnostics));
            if uncommitted {
                app.terminal.warn(UNCOMMITTED);
            }
        }
        match open.first() {
            Some(first) => Err(Failure::new(ExitCode::NotNow, first.to_string()).into()),
            None => Ok(()),
        }
    }

    /// A refused plan is no plan, but its reasons are data where data is asked for.
    fn refuse(&self, app: &App, reasons: Vec<Diagnostic>) -> Result<(), Failure> {
        if self.json {
            app.terminal.json(&PlanJson::refused(&reasons))?;
        }
        Err(NoPlan::Refused(reasons).into_failure())
    }
}
