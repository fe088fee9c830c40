//! Running one command so that nothing of it survives: neither its own end, nor a cancel or a limit,
//! nor the death of whoever started it.
//!
//! Each run has a *supervisor*, a small process of its own: the same binary with a hidden subcommand
//! whose whole body is [`main`]. It adopts every process that the command leaves behind, so that all
//! of them can be found and killed, and it lives on a *control pipe*: when that closes, or no ping comes in
//! time, it kills everything at once. The [`Supervisor`] starts one and hands back a [`Run`].
//!
//! What the two say to each other is one JSON line with the [`Spec`], then words (`ping` with the time,
//! `cancel`, `kill`), and in return one line each when the command started and when it ended ([`Report`]).
//!
//! If the supervisor itself is killed, the command dies with it, but not what the command started:
//! [`crate::run_files::sweep`] removes that by the run's marker in the environment.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::process::ProcessId;

mod client;
mod environment_text;
#[cfg(target_os = "linux")]
mod server;

pub use client::{Run, SuperviseError, Supervisor};

/// Asks nicely, and waits for [`Spec::grace_ms`] before it kills.
const CANCEL: &str = "cancel";
/// Kills at once.
const KILL: &str = "kill";
/// Shows that whoever started the supervisor lives; followed by the milliseconds of
/// [`crate::clock::uptime`] at which it was said, for it may wait long in the pipe.
const PING: &str = "ping";

/// What to run, and for how long. Times are in milliseconds, on a clock that stands still while the
/// machine is suspended if nothing else is said. Paths should be absolute.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// The run's name, unique for ever: it marks the environment of every process of the run.
    pub run: String,
    /// The program and its arguments. A program without `/` is looked for in the `PATH` of `env`.
    pub argv: Vec<String>,
    /// The working folder.
    pub cwd: PathBuf,
    /// The complete environment; only the marker is added.
    #[serde(with = "environment_text")]
    pub env: Vec<(OsString, OsString)>,
    /// What the command reads on standard input; nothing if `None`.
    #[serde(default)]
    pub stdin: Option<PathBuf>,
    /// Where both its output streams are appended.
    pub log: PathBuf,
    /// Until when it may begin, on [`crate::clock::uptime`]; `None` means at any time. Whoever may run it for
    /// a while only says so here: between asking and beginning, any process may stand still for hours.
    #[serde(default)]
    pub begin_by_ms: Option<u64>,
    /// How long it may run before it is asked to end.
    pub time_limit_ms: u64,
    /// How long it may show no sign of life before it is asked to end. Noticed at most a quarter later.
    #[serde(default)]
    pub stall_limit_ms: Option<u64>,
    /// A folder in which a change is a sign of life, as growth of the log is.
    #[serde(default)]
    pub stall_watch: Option<PathBuf>,
    /// How long the supervisor waits for a ping before it kills everything, on [`crate::clock::uptime`]. If
    /// the supervisor itself stood still, it gives another half of this from then on.
    pub ping_limit_ms: u64,
    /// How long the command may take to end after it was asked to.
    #[serde(default = "ten_seconds")]
    pub grace_ms: u64,
    /// Where the supervisor notes what runs, for [`crate::run_files`].
    pub run_file: PathBuf,
}

fn ten_seconds() -> u64 {
    10_000
}

/// Says nothing of arguments and environment: they may hold secrets.
impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = self.argv.first();
        f.debug_struct("Spec").field("run", &self.run).field("program", &program).finish_non_exhaustive()
    }
}

impl Spec {
    fn ping_limit(&self) -> Duration {
        Duration::from_millis(self.ping_limit_ms)
    }

    /// What is wrong with it, if anything.
    #[cfg(target_os = "linux")]
    fn fault(&self) -> Option<&'static str> {
        match self {
            Self { run, .. } if run.is_empty() => Some("the run has no name"),
            Self { argv, .. } if argv.is_empty() => Some("there is no command to run"),
            Self { ping_limit_ms: 0, .. } => Some("the ping limit is zero"),
            _ => None,
        }
    }
}

/// What the supervisor says, one JSON line each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// The command runs.
    Started(ProcessId),
    /// [`Spec::begin_by_ms`] had passed: it was not begun, and nothing of it runs.
    TooLate,
    /// It could not be started, and nothing of it runs.
    FailedToStart(String),
    /// It has ended, and nothing of it runs any more.
    Ended(Outcome),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How the command itself ended.
    pub exit: Exit,
    /// Why the run ended; the first reason, if there were several.
    pub by: Cause,
    /// How many processes the command left running, which were killed.
    pub left_over: u32,
    /// How many of those could not be killed, because they became another user's. They may live on.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub out_of_reach: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The command ended; if by a signal, it was not ours.
    Itself,
    /// It ran longer than allowed.
    TimeLimit,
    /// It showed no sign of life.
    Stall,
    /// [`Run::cancel`].
    Cancel,
    /// [`Run::kill`].
    Kill,
    /// Whoever started it closed the pipe or stopped pinging.
    Orphaned,
}

/// The whole body of the hidden subcommand: supervises what is asked on standard input. The exit code
/// says whether it could do so, not how the command ended.
#[cfg(target_os = "linux")]
pub fn main() -> std::process::ExitCode {
    server::main()
}

/// Without `/proc` and child subreapers there is no way to find what a command leaves behind: nothing is started.
#[cfg(not(target_os = "linux"))]
pub fn main() -> std::process::ExitCode {
    let report = Report::FailedToStart(crate::process::ProcessError::Unsupported.to_string());
    let _ = serde_json::to_writer(std::io::stdout(), &report);
    std::process::ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_supervisor_says_reads_as_documented() {
        let ended = |exit, out_of_reach| {
            let report = Report::Ended(Outcome { exit, by: Cause::TimeLimit, left_over: 2, out_of_reach });
            serde_json::to_string(&report).expect("written")
        };
        assert_eq!(
            ended(Exit::Code(0), 0),
            r#"{"ended":{"exit":{"code":0},"by":"time-limit","left_over":2}}"#
        );
        assert_eq!(
            ended(Exit::Signal(9), 1),
            r#"{"ended":{"exit":{"signal":9},"by":"time-limit","left_over":2,"out_of_reach":1}}"#
        );
        let failed = serde_json::to_string(&Report::FailedToStart("why".into())).expect("written");
        assert_eq!(failed, r#"{"failed_to_start":"why"}"#);
        assert_eq!(serde_json::to_string(&Report::TooLate).expect("written"), r#""too_late""#);
    }
}
