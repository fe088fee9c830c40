//! What every command has at hand.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::town::Town;

/// What every command has at hand.
#[derive(Debug)]
pub(crate) struct App {
    /// Where it talks to the user.
    pub(crate) terminal: Terminal,
    /// The town that was named, if one was.
    pub(crate) named: Option<PathBuf>,
}

impl App {
    /// The town that the user means.
    pub(crate) fn town(&self) -> Result<Town, Failure> {
        Town::find(self.named.as_deref())
    }
}
