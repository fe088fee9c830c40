//! `tt work` (hidden): the process that serves one agent. Started by `tt spawn`, which reads on its
//! standard output how the beginning went; everything else it says goes to standard error, a log.

use std::io::Write as _;
use std::sync::Arc;

use clap::Args;
use serde::{Deserialize, Serialize};
use tinytown_agent::{Ended, Progress, Shutdown, WorkerError};
use tinytown_core::id::{AgentName, Role};
use tinytown_host::process;
use tokio::sync::watch;

use crate::app::App;
use crate::clock;
use crate::compose::{Composed, Hand};
use crate::failure::{ExitCode, Failure};
use crate::nudge::Nudge;
use crate::signals;
use crate::terminal::Terminal;

/// Arguments of `tt work`.
#[derive(Debug, Args)]
pub(crate) struct Work {
    name: String,
    #[arg(long)]
    cli: String,
    #[arg(long)]
    role: Option<String>,
}

/// What a worker says of its beginning, one JSON line each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Word {
    /// It has its name.
    Ready,
    /// What it waits for.
    Waiting(String),
    /// It did not come to it.
    Failed {
        /// The exit code.
        code: u8,
        /// Why.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
}

impl Word {
    /// What became of a worker that ended before it was ready.
    pub(crate) fn of(failure: &Failure) -> Self {
        let message = failure.message().to_owned();
        Self::Failed { code: failure.code() as u8, message, hint: failure.next().map(str::to_owned) }
    }

    /// The failure again, in the process that reads it.
    pub(crate) fn failure(self) -> Failure {
        let Self::Failed { code, message, hint } = self else {
            return Failure::new(ExitCode::Failed, "the worker said something unexpected");
        };
        let codes =
            [ExitCode::Usage, ExitCode::NotFound, ExitCode::Invalid, ExitCode::Unavailable, ExitCode::NotNow];
        let code = codes.into_iter().find(|known| *known as u8 == code).unwrap_or(ExitCode::Failed);
        let failure = Failure::new(code, message);
        hint.into_iter().fold(failure, Failure::hint)
    }
}

impl Work {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        // A Ctrl-C at the terminal that started us is not meant for us.
        process::leave_terminal();
        let terminal = app.terminal;
        let told = move |progress: &Progress| {
            terminal.note(format!("{} {progress}", clock::now()));
            match progress {
                Progress::Joined(_) => announce(&Word::Ready),
                Progress::NameHeld { .. } | Progress::Unanswered => {
                    announce(&Word::Waiting(progress.to_string()));
                }
                _ => {}
            }
        };
        let outcome = self.serve(app, told).await;
        if let Err(failure) = &outcome {
            announce(&Word::of(failure));
        }
        outcome
    }

    async fn serve(
        &self,
        app: &App,
        told: impl Fn(&Progress) + Send + Sync + 'static,
    ) -> Result<(), Failure> {
        let name = agent_name(&self.name)?;
        let hand = Hand { name, role: self.role.as_deref().map(Role::new), cli: self.cli.clone() };
        let composed = Composed::open(app.town()?).await?;
        let how = serve(&composed, &hand, told).await?;
        app.terminal.note(format!("{} {how}", clock::now()));
        Ok(())
    }
}

/// Serves an agent in this process until it ends, and says how that was.
pub(super) async fn serve(
    composed: &Composed,
    hand: &Hand,
    told: impl Fn(&Progress) + Send + Sync + 'static,
) -> Result<&'static str, Failure> {
    let worker = composed.worker(hand, Arc::new(Nudge::new(composed.clone())), Arc::new(told)).await?;
    let (shutdown, told) = watch::channel(Shutdown::No);
    let (stop, mut stopped) = watch::channel(false);
    signals::on_stop(stop)?;
    tokio::spawn(async move {
        if stopped.wait_for(|stop| *stop).await.is_ok() {
            let _ = shutdown.send(Shutdown::Graceful);
        }
        // The channel stays open for as long as the worker may listen to it.
        shutdown.closed().await;
    });
    match worker.run(told).await {
        Ok(Ended::Retired) => Ok("left, as it was asked to"),
        Ok(Ended::Stopped | Ended::Aborted) => Ok("stopped"),
        Ok(Ended::Superseded) => Ok("stopped: another worker has the name"),
        Err(error) => Err(failed(error, &hand.name)),
    }
}

fn failed(error: WorkerError, name: &AgentName) -> Failure {
    match error {
        WorkerError::Store(error) => error.into(),
        WorkerError::NameTaken { .. } => Failure::from_error(ExitCode::NotNow, &error)
            .hint(format!("choose another name, or end that worker with: tt kill {name}")),
        WorkerError::Refused { .. } => Failure::from_error(ExitCode::NotNow, &error),
        error => Failure::from_error(ExitCode::Failed, &error),
    }
}

/// An agent's name as it was typed.
pub(crate) fn agent_name(text: &str) -> Result<AgentName, Failure> {
    AgentName::new(text).map_err(|error| Failure::from_error(ExitCode::Invalid, &error))
}

/// Whoever started us may have gone; then nobody wants to know.
fn announce(word: &Word) {
    if let Ok(line) = serde_json::to_string(word) {
        let mut out = std::io::stdout();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}

/// The line in which a user reads that an agent is there.
pub(super) fn ready(terminal: Terminal, hand: &Hand) -> Result<(), Failure> {
    let role = hand.role.as_ref().map_or_else(|| "no role".to_owned(), |role| format!("role {role}"));
    terminal.line(format!("Agent {} ready ({role}, cli {})", hand.name, hand.cli))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_fails_tells_the_same_failure_to_whoever_started_it() {
        let failure = Failure::new(ExitCode::NotNow, "taken").hint("choose another");
        let line = serde_json::to_string(&Word::of(&failure)).expect("written");
        let again = serde_json::from_str::<Word>(&line).expect("read").failure();
        assert_eq!(
            (again.code(), again.message(), again.next()),
            (ExitCode::NotNow, "taken", Some("choose another"))
        );
    }
}
