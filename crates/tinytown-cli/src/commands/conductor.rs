//! `tt conductor`: starts the agent that answers requests for help.

use clap::Args;
use tinytown_core::id::Role;

use super::spawn::start;
use super::work::agent_name;
use crate::app::App;
use crate::compose::{Composed, Hand};
use crate::failure::Failure;

/// The role of whoever answers, and the name under which this command starts one.
pub(super) const CONDUCTOR: &str = "conductor";

/// Arguments of `tt conductor`.
#[derive(Debug, Args)]
pub(crate) struct Conductor {
    /// What works as the conductor: claude, codex, auggie, … or a [cli.…] of tinytown.toml
    #[arg(long)]
    cli: Option<String>,
    /// Stay in the foreground
    #[arg(long)]
    foreground: bool,
}

impl Conductor {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let composed = Composed::open(app.town()?).await?;
        let cli = self.cli.unwrap_or_else(|| composed.town.config.default_cli.clone());
        let hand = Hand { name: agent_name(CONDUCTOR)?, role: Some(Role::new(CONDUCTOR)), cli };
        start(app.terminal, &composed, &hand, self.foreground).await
    }
}
