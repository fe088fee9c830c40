//! `tt mission note`: an operator's directive.

use clap::Args;
use tinytown_core::input::MissionInput;

use crate::app::App;
use crate::compose;
use crate::failure::Failure;

use super::tell::tell;

/// Arguments of `tt mission note`.
#[derive(Debug, Args)]
pub(crate) struct Note {
    /// The mission, by the beginning of its id
    id: String,
    /// resume · pause · retry (ITEM) · redirect ITEM to AGENT · approve ITEM · skip ITEM · merge ITEM · or any words
    #[arg(required = true, value_name = "WORDS")]
    words: Vec<String>,
}

impl Note {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let what = MissionInput::Note { text: self.words.join(" "), by: compose::operator() };
        tell(app, &self.id, what, "noted").await
    }
}
