//! `tt mission resume`: go on after a stop.

use clap::Args;
use tinytown_core::input::MissionInput;

use crate::app::App;
use crate::failure::Failure;

use super::tell::tell;

/// Arguments of `tt mission resume`.
#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The mission, by the beginning of its id
    id: String,
}

impl Resume {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        tell(app, &self.id, MissionInput::Resume, "resumed").await
    }
}
