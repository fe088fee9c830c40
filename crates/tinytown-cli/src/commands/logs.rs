//! `tt logs`: what an agent's worker wrote.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::time::Duration;

use clap::Args;

use super::work::agent_name;
use crate::app::App;
use crate::failure::{ExitCode, Failure};

/// Between two looks for more.
const PAUSE: Duration = Duration::from_millis(200);

/// Arguments of `tt logs`.
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The agent's name
    name: String,
    /// Go on until interrupted
    #[arg(short, long)]
    follow: bool,
}

impl Logs {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let town = app.town()?;
        let name = agent_name(&self.name)?;
        let path = town.log_of(&name);
        let file = File::open(&path).map_err(|error| {
            let failure =
                Failure::from_error(ExitCode::NotFound, &error).during(format!("no log {}", path.display()));
            failure.hint("see who is there with: tt status")
        })?;
        app.terminal
            .note(format!("The agent's own output is in {}", town.logs().join(name.as_str()).display()));
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        loop {
            let more = reader.read_until(b'\n', &mut line)? > 0;
            // A line that is still being written is shown once it is whole, or at the end.
            if line.ends_with(b"\n") || (!more && !self.follow && !line.is_empty()) {
                app.terminal.line(String::from_utf8_lossy(&line).trim_end_matches('\n'))?;
                line.clear();
            }
            match (more, self.follow) {
                (true, _) => {}
                (false, true) => tokio::time::sleep(PAUSE).await,
                (false, false) => return Ok(()),
            }
        }
    }
}
