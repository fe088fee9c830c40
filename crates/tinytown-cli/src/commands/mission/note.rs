//! `tt mission note`: an operator's directive.

use clap::Args;

use crate::app::App;
use crate::failure::Failure;

use super::tell::tell_note;

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
        tell_note(app, &self.id, self.words.join(" ")).await
    }
}
