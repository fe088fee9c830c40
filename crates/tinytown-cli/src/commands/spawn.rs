//! `tt spawn`: starts an agent's worker, in the background unless told otherwise.

use std::process::Stdio;
use std::time::Duration;

use clap::Args;
use tinytown_agent::Progress;
use tinytown_core::id::Role;
use tinytown_core::kinds::role_of_name;
use tinytown_host::files;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

use super::conductor::CONDUCTOR;
use super::work::{self, Word, agent_name, ready};
use crate::app::App;
use crate::compose::{Composed, Hand, program, store_concerns};
use crate::failure::{ExitCode, Failure};
use crate::terminal::Terminal;
use crate::town::STORE_VARIABLE;

/// How long a background worker may take to get its name.
const PATIENCE: Duration = Duration::from_mins(1);

/// Arguments of `tt spawn`.
#[derive(Debug, Args)]
pub(crate) struct Spawn {
    /// The agent's name
    name: String,
    /// What works as the agent: claude, codex, auggie, … or a [cli.…] of tinytown.toml
    #[arg(long)]
    cli: Option<String>,
    /// What it is good at; else what its name says
    #[arg(long)]
    role: Option<String>,
    /// Stay in the foreground
    #[arg(long)]
    foreground: bool,
}

impl Spawn {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let name = agent_name(&self.name)?;
        let composed = Composed::open(app.town()?).await?;
        for concern in store_concerns(&composed.town).await {
            app.terminal.warn(concern);
        }
        let cli = self.cli.unwrap_or_else(|| composed.town.config.default_cli.clone());
        // Whoever has that name has that mailbox.
        let conducts = (name.as_str() == CONDUCTOR).then(|| Role::new(CONDUCTOR));
        let role = self.role.as_deref().map(Role::new).or(conducts).or_else(|| role_of_name(&name));
        start(app.terminal, &composed, &Hand { name, role, cli }, self.foreground).await
    }
}

/// Starts a worker, and says that it is ready; in the foreground it returns once the worker has ended.
pub(super) async fn start(
    terminal: Terminal,
    composed: &Composed,
    hand: &Hand,
    in_foreground: bool,
) -> Result<(), Failure> {
    composed.agent_cli(&hand.cli)?;
    if in_foreground {
        return foreground(terminal, composed, hand).await;
    }
    background(terminal, composed, hand).await?;
    ready(terminal, hand)
}

async fn foreground(terminal: Terminal, composed: &Composed, hand: &Hand) -> Result<(), Failure> {
    let shown = hand.clone();
    let told = move |progress: &Progress| match progress {
        // That nobody reads our output is no reason to stop working.
        Progress::Joined(_) => drop(ready(terminal, &shown)),
        progress => terminal.note(progress),
    };
    let how = work::serve(composed, hand, told).await?;
    terminal.note(format!("Agent {} {how}", hand.name));
    Ok(())
}

/// Starts a worker process of its own, and returns once it has its name.
pub(super) async fn background(terminal: Terminal, composed: &Composed, hand: &Hand) -> Result<(), Failure> {
    let log = composed.town.log_of(&hand.name);
    files::create_private_folder(&composed.town.logs())?;
    let mut command = Command::new(program()?);
    command.arg("--town").arg(&composed.town.root).arg("work").arg("--cli").arg(&hand.cli);
    if let Some(role) = &hand.role {
        command.arg("--role").arg(role.as_str());
    }
    command.arg("--").arg(hand.name.as_str()).current_dir(&composed.town.root);
    // It must find the town where we found it.
    command.env(STORE_VARIABLE, composed.town.store.secret());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(files::open_log(&log)?);
    let mut child = command.spawn()?;
    let said = child.stdout.take().expect("its standard output is piped");
    let joining = joined(terminal, BufReader::new(said).lines());
    let shown = log.display();
    match tokio::time::timeout(PATIENCE, joining).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => {
            let message = format!("the worker of {} ended before it was ready; it wrote {shown}", hand.name);
            Err(Failure::new(ExitCode::Failed, message))
        }
        Ok(Err(failure)) => Err(failure),
        Err(_too_long) => {
            let message =
                format!("{} has not got its name yet; it goes on trying and writes {shown}", hand.name);
            Err(Failure::new(ExitCode::Failed, message).hint("see whether a dispatcher works: tt status"))
        }
    }
}

/// Reads until the worker is ready; `false` if it fell silent before.
async fn joined(terminal: Terminal, mut said: Lines<BufReader<ChildStdout>>) -> Result<bool, Failure> {
    while let Some(line) = said.next_line().await? {
        match serde_json::from_str(&line) {
            Ok(Word::Ready) => return Ok(true),
            Ok(Word::Waiting(what)) => terminal.note(what),
            Ok(failed @ Word::Failed { .. }) => return Err(failed.failure()),
            Err(_) => terminal.note(line),
        }
    }
    Ok(false)
}
