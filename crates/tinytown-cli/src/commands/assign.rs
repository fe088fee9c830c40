//! `tt assign`: a mission of one item, for one agent.

use clap::Args;
use tinytown_core::plan::Errand;

use super::addressee;
use super::mission::gather::{self, NoPlan};
use super::mission::start;
use super::work::agent_name;
use crate::app::App;
use crate::compose::Composed;
use crate::failure::Failure;

/// Arguments of `tt assign`.
#[derive(Debug, Args)]
pub(crate) struct Assign {
    /// The agent's name
    name: String,
    /// What to do; the first line is the title. A single - reads it from standard input
    #[arg(required = true, value_name = "TEXT")]
    words: Vec<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Assign {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let name = agent_name(&self.name)?;
        let text = addressee::text(&self.words)?;
        let composed = Composed::open(app.town()?).await?;
        let agent = addressee::agent(&composed, &name).await?;
        let policy = composed.town.config.policy.clone();
        let errand = Errand::new(name.clone(), text);
        let plan = gather::errand(&composed, &errand).await.map_err(NoPlan::into_failure)?;
        start::create(app.terminal, &composed, policy, &plan, self.json).await?;
        if !agent.is_present() {
            app.terminal
                .warn(format!("{name} is not there: this waits until you start it with: tt spawn {name}"));
        }
        Ok(())
    }
}
