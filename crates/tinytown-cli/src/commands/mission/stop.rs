//! `tt mission stop`: no launch and no outside change from now on.

use clap::Args;
use tinytown_core::input::MissionInput;

use crate::app::App;
use crate::failure::Failure;

use super::tell::tell;

/// Arguments of `tt mission stop`.
#[derive(Debug, Args)]
pub(crate) struct Stop {
    /// The mission, by the beginning of its id
    id: String,
    /// Also cancel its agents, and end it
    #[arg(long)]
    force: bool,
}

impl Stop {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let said = if self.force { "stopped; it ends once its agents are gone" } else { "stopped" };
        tell(app, &self.id, MissionInput::Stop { force: self.force }, said).await
    }
}
