//! Running the check command on one commit: a checkout of its own, under a supervisor.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tinytown_core::id::Sha;
use tinytown_core::observation::{CheckReport, Checks};
use tinytown_core::text::Text;
use tinytown_host::git::{CheckoutRequest, Identity, isolated_checkout};
use tinytown_host::process::environment;
use tinytown_host::supervise::{Cause, Exit, Outcome, Spec, SuperviseError, Supervisor};

use super::LocalConfig;
use super::repo::{oid, with_causes};
use super::scratch::Scratch;
use super::words::{one_line, readable_tail};
use crate::{Cause as Reason, ForgeError};

/// Longest tail of the output that a report carries, in bytes.
const OUTPUT_LIMIT: usize = 16 * 1024;

/// Runs checks.
pub(super) struct Runner {
    source: PathBuf,
    scratch: PathBuf,
    runs: PathBuf,
    logs: PathBuf,
    limit_ms: u64,
    ping_limit_ms: u64,
    supervisor: Supervisor,
}

impl Runner {
    /// Runs checks on commits of the repository at `source`.
    pub(super) fn new(config: &LocalConfig, source: &Path) -> Self {
        let LocalConfig { scratch, runs, logs, supervisor, .. } = config.clone();
        let (limit_ms, ping_limit_ms) = (config.check_limit_ms, config.ping_limit_ms);
        Self { source: source.to_owned(), scratch, runs, logs, limit_ms, ping_limit_ms, supervisor }
    }

    /// Runs `command` on a commit. Dropping the future ends the run.
    pub(super) async fn run(&self, command: &str, head: &Sha, reason: &Reason) -> Result<Checks, ForgeError> {
        let name = run_name(head);
        let busy = |e: io::Error| ForgeError::Unavailable(format!("no folder for the check: {e}"));
        let scratch = Scratch::claim(&self.scratch, &name).map_err(busy)?;
        let identity = Identity { name: "tinytown".to_owned(), email: "tinytown@localhost".to_owned() };
        let (dest, source) = (scratch.dir().to_owned(), self.source.clone());
        isolated_checkout(&CheckoutRequest { dest, source, commit: oid(head)?, branch: None, identity })
            .await?;
        let spec = self.spec(command, head, reason, &name, scratch.dir());
        let ended = self.supervise(&spec).await;
        Ok(verdict(command, &ended, &tail(&spec.log)))
    }

    async fn supervise(&self, spec: &Spec) -> Result<Outcome, SuperviseError> {
        self.supervisor.start(spec).await?.wait().await
    }

    fn spec(&self, command: &str, head: &Sha, reason: &Reason, name: &str, cwd: &Path) -> Spec {
        let told = [
            ("TINYTOWN_MISSION".to_owned(), reason.mission.to_string()),
            ("TINYTOWN_ITEM".to_owned(), one_line(reason.item.as_str())),
            ("TINYTOWN_HEAD".to_owned(), head.to_string()),
        ];
        Spec {
            run: format!("check-{name}"),
            // The one shell there is: the user's own configuration, and nothing else in it.
            argv: ["sh", "-c", command].map(str::to_owned).to_vec(),
            cwd: cwd.to_owned(),
            env: environment(std::env::vars_os(), &[], &told),
            stdin: None,
            log: self.logs.join(format!("check-{name}.log")),
            begin_by_ms: None,
            time_limit_ms: self.limit_ms,
            stall_limit_ms: None,
            stall_watch: None,
            ping_limit_ms: self.ping_limit_ms,
            grace_ms: 10_000,
            run_file: self.runs.join(format!("check-{name}")),
        }
    }
}

/// A name that no other run has, on this machine and ever.
fn run_name(head: &Sha) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{}-{}-{count}", head.short(), std::process::id(), since.as_millis())
}

/// The end of a log, as it is.
fn tail(log: &Path) -> Vec<u8> {
    // Escape sequences go, so more is read than is shown.
    const READ: u64 = 4 * OUTPUT_LIMIT as u64;
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(READ)))?;
        let mut bytes = Vec::new();
        file.take(READ).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().unwrap_or_else(|error| format!("(the output cannot be read: {error})").into_bytes())
}

/// Judges how a run ended. Only the command's own exit says anything about the commit.
fn verdict(command: &str, ended: &Result<Outcome, SuperviseError>, output: &[u8]) -> Checks {
    let report = |summary: String| {
        let summary = format!("`{}` {summary}", one_line(command));
        CheckReport::new("check", summary, Text::inline(readable_tail(output, OUTPUT_LIMIT)))
    };
    let could_not_run = |summary: String| Checks::CouldNotRun(report(summary));
    match ended {
        Err(error) => could_not_run(format!("could not be run: {}", one_line(&with_causes(error)))),
        Ok(Outcome { by: Cause::TimeLimit, .. }) => could_not_run("ran longer than allowed".to_owned()),
        Ok(Outcome { by: Cause::Itself, exit: Exit::Code(code), .. }) => match code {
            0 => Checks::Green,
            126 => could_not_run("names something that cannot be executed (exit code 126)".to_owned()),
            127 => could_not_run("names a command that does not exist (exit code 127)".to_owned()),
            code => Checks::Red(report(format!("ended with exit code {code}"))),
        },
        Ok(Outcome { exit: Exit::Signal(signal), .. }) => {
            could_not_run(format!("was ended by signal {signal}"))
        }
        Ok(_) => could_not_run("was stopped".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_commands_own_exit_judges_the_commit() {
        let ended = |exit, by| Ok(Outcome { exit, by, left_over: 0, out_of_reach: 0 });
        let judge = |ended| verdict("make", &ended, b"out");
        assert_eq!(judge(ended(Exit::Code(0), Cause::Itself)), Checks::Green);
        for code in [1, 2, 125, 128, 255] {
            assert!(matches!(judge(ended(Exit::Code(code), Cause::Itself)), Checks::Red(_)), "{code}");
        }
        let no_verdict = [
            ended(Exit::Code(126), Cause::Itself),
            ended(Exit::Code(127), Cause::Itself),
            ended(Exit::Signal(9), Cause::Itself),
            ended(Exit::Code(0), Cause::TimeLimit),
            ended(Exit::Signal(15), Cause::TimeLimit),
            ended(Exit::Code(0), Cause::Orphaned),
            ended(Exit::Code(1), Cause::Kill),
            Err(SuperviseError::SupervisorDied),
        ];
        for end in no_verdict {
            let judged = judge(end);
            assert!(
                matches!(&judged, Checks::CouldNotRun(r) if r.output == Text::inline("out")),
                "{judged:?}"
            );
        }
    }
}
