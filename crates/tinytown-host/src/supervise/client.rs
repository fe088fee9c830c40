//! The side that starts supervisors: a handle for one run, with a task that pings for as long as the
//! handle is held.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::{CANCEL, KILL, Outcome, PING, Report, Spec};
use crate::clock::uptime;
use crate::files::{self, FileError};
use crate::process::ProcessId;

/// Why a run could not be started, or its outcome is not known.
#[derive(Debug, thiserror::Error)]
pub enum SuperviseError {
    /// The specification cannot be written as JSON, for example because a path is not UTF-8.
    #[error("could not write down what to run")]
    Spec(#[source] serde_json::Error),
    /// The log could not be opened.
    #[error("could not open the log of the run")]
    Log(#[source] FileError),
    /// The supervisor's own program could not be started.
    #[error("could not start the supervisor {}", program.display())]
    Start {
        /// Its program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The pipes to the supervisor failed.
    #[error("could not talk to the supervisor")]
    Talk(#[source] std::io::Error),
    /// The supervisor said something that is not in its protocol.
    #[error("the supervisor said {line:?}, which is not understood")]
    Protocol {
        /// What it said.
        line: String,
    },
    /// [`Spec::begin_by_ms`] had passed before the command began; nothing of it ran.
    #[error("the time in which the run might begin had passed")]
    TooLate,
    /// The command could not be started; nothing of it runs.
    #[error("{0}")]
    FailedToStart(String),
    /// The supervisor ended without telling an outcome: it was killed, and processes of the run may
    /// be left. Sweep its run file.
    #[error("the supervisor died; processes of the run may be left until its run file is swept")]
    SupervisorDied,
}

/// How to start a supervisor: this very program, with the arguments of its hidden subcommand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supervisor {
    /// The program, an absolute path.
    pub program: PathBuf,
    /// What makes it call [`super::main`].
    pub args: Vec<String>,
}

impl Supervisor {
    /// Starts a supervisor and, under it, the command. Returns when the command runs. Dropping the
    /// future closes the control pipe, and so ends the run.
    pub async fn start(&self, spec: &Spec) -> Result<Run, SuperviseError> {
        let mut line = serde_json::to_vec(spec).map_err(SuperviseError::Spec)?;
        line.push(b'\n');
        let mut process = self.spawn(spec)?;
        let mut control = process.stdin.take().expect("its standard input is piped");
        let reports = process.stdout.take().expect("its standard output is piped");
        let mut reports = BufReader::new(reports).lines();
        // This fails only if it is dead, and then its silence says so.
        let _ = control.write_all(&line).await;
        let command = match next_report(&mut reports).await? {
            Some(Report::Started(command)) => command,
            Some(Report::TooLate) => return Err(SuperviseError::TooLate),
            Some(Report::FailedToStart(why)) => return Err(SuperviseError::FailedToStart(why)),
            Some(Report::Ended(outcome)) => return Err(unexpected(&outcome)),
            None => return Err(SuperviseError::SupervisorDied),
        };
        let (words, to_say) = mpsc::unbounded_channel();
        tokio::spawn(keep_alive(control, to_say, spec.ping_limit() / 4));
        Ok(Run { command, process, reports, words, outcome: None })
    }

    /// The supervisor gets no environment: what it need not know, nobody can read from it. Its
    /// complaints, if it should ever panic, go to the log of the run.
    fn spawn(&self, spec: &Spec) -> Result<Child, SuperviseError> {
        let complaints = files::open_log(&spec.log).map_err(SuperviseError::Log)?;
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(complaints);
        let failed = |source| SuperviseError::Start { program: self.program.clone(), source };
        command.kill_on_drop(false).spawn().map_err(failed)
    }
}

/// One supervised command. Dropping it closes the control pipe (at the next turn of the runtime it was
/// started on): the supervisor then kills every process of the run at once.
#[derive(Debug)]
pub struct Run {
    command: ProcessId,
    process: Child,
    reports: Lines<BufReader<ChildStdout>>,
    words: mpsc::UnboundedSender<&'static str>,
    outcome: Option<Outcome>,
}

impl Run {
    /// The command's process.
    pub fn command(&self) -> &ProcessId {
        &self.command
    }

    /// The supervisor's process number, until its end was waited for.
    pub fn supervisor_pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// Asks every process of the run to end (SIGTERM), and kills what is left after the grace.
    pub fn cancel(&self) {
        // Nobody listens once the supervisor has ended, and then there is nothing to do either.
        let _ = self.words.send(CANCEL);
    }

    /// Kills every process of the run.
    pub fn kill(&self) {
        let _ = self.words.send(KILL);
    }

    /// Waits until the command ended and nothing of it is left. May be dropped and called again.
    pub async fn wait(&mut self) -> Result<Outcome, SuperviseError> {
        if self.outcome.is_none() {
            self.outcome = match next_report(&mut self.reports).await? {
                Some(Report::Ended(outcome)) => Some(outcome),
                Some(other) => return Err(unexpected(&other)),
                None => None,
            };
        }
        self.process.wait().await.map_err(SuperviseError::Talk)?;
        self.outcome.clone().ok_or(SuperviseError::SupervisorDied)
    }
}

/// The next thing that the supervisor says; `None` once it has fallen silent.
async fn next_report(reports: &mut Lines<BufReader<ChildStdout>>) -> Result<Option<Report>, SuperviseError> {
    match reports.next_line().await.map_err(SuperviseError::Talk)? {
        None => Ok(None),
        // A line cut short by the supervisor's death has nothing to say; any other cannot be misread.
        Some(line) => match serde_json::from_str(&line) {
            Ok(report) => Ok(Some(report)),
            Err(error) if error.is_eof() => Ok(None),
            Err(_) => Err(SuperviseError::Protocol { line }),
        },
    }
}

fn unexpected(said: &impl std::fmt::Debug) -> SuperviseError {
    SuperviseError::Protocol { line: format!("{said:?}") }
}

/// Owns the control pipe: pings, passes words on, and closes it when the [`Run`] is dropped or the
/// supervisor has ended.
async fn keep_alive(
    mut control: ChildStdin,
    mut words: mpsc::UnboundedReceiver<&'static str>,
    every: Duration,
) {
    let mut ticks = tokio::time::interval(every.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let word = tokio::select! {
            word = words.recv() => match word {
                Some(word) => word.to_owned(),
                None => return,
            },
            _ = ticks.tick() => format!("{PING} {}", uptime().as_millis()),
        };
        if control.write_all(format!("{word}\n").as_bytes()).await.is_err() {
            return;
        }
    }
}
