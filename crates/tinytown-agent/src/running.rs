//! Running an agent's CLI, for whatever it is run, until nothing of it is left.

use std::path::PathBuf;
use std::time::Duration;

use tinytown_core::id::{ItemKey, MissionId, Role, Sha};
use tinytown_host::process::environment;
use tinytown_host::run_files::Which;
use tinytown_host::supervise::{Cause, Exit, Outcome, Run, Spec, SuperviseError};
use tinytown_store::StoreError;
use tokio::sync::watch;

use crate::attempt::{Stop, stopped};
use crate::cli::Launch;
use crate::evidence::Ending;
use crate::join::clear;
use crate::office::Office;
use crate::report::{Progress, chain};
use crate::standing::{Standing, Sure};

/// How long a cancelled agent has to end by itself.
const GRACE: Duration = Duration::from_secs(10);
/// Between two tries to begin in time. Needed only where something is wrong, for trying takes long then.
const AGAIN: Duration = Duration::from_millis(100);

/// Most milliseconds that a run may take, and that it may be silent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) time_ms: u64,
    pub(crate) stall_ms: u64,
}

/// Somebody who runs an agent's CLI.
pub(crate) struct Running<'a> {
    pub(crate) office: &'a Office,
    pub(crate) standing: &'a Standing,
    pub(crate) stop: &'a watch::Receiver<Option<Stop>>,
    /// What lines about it name.
    pub(crate) item: &'a ItemKey,
    pub(crate) limits: Limits,
}

/// A run of an agent's CLI: what to start and where, and what its environment says.
pub(crate) struct Task<'a> {
    pub(crate) launch: &'a Launch,
    /// Where it works. What changes there shows that it goes on.
    pub(crate) folder: PathBuf,
    /// For its output.
    pub(crate) log: PathBuf,
    /// Its name among the agent's runs for the mission.
    pub(crate) name: String,
    pub(crate) mission: MissionId,
    pub(crate) item: Option<&'a ItemKey>,
    pub(crate) kind: String,
    pub(crate) role: Option<&'a Role>,
    pub(crate) attempt: u32,
    pub(crate) branch: Option<&'a str>,
    pub(crate) head: Option<&'a Sha>,
    /// Where it may answer.
    pub(crate) result: PathBuf,
}

/// How it began.
pub(crate) enum Begun {
    /// It runs.
    Runs(Box<Run>),
    /// It did not come to it.
    Ended(Ending),
    /// It was not begun, for this worker may have been declared lost.
    NotOurs(String),
}

impl Running<'_> {
    /// Begins the run.
    pub(crate) async fn begin(&self, task: &Task<'_>) -> Result<Begun, StoreError> {
        let started = loop {
            let sure = tokio::select! {
                biased;
                stop = stop_that(self.stop, |_| true) => return Ok(Begun::Ended(stopped(stop))),
                sure = self.standing.make_sure() => sure?,
            };
            let begin_by = match sure {
                Sure::Until(moment) => moment,
                Sure::Not(why) => return Ok(Begun::NotOurs(why)),
            };
            match self.office.settings.supervisor.start(&self.spec(task, begin_by)).await {
                Err(SuperviseError::TooLate) => tokio::time::sleep(AGAIN).await,
                started => break started,
            }
        };
        Ok(match started {
            Ok(run) => Begun::Runs(Box::new(run)),
            Err(SuperviseError::FailedToStart(why)) => Begun::Ended(Ending::NotStarted(why)),
            Err(error) => Begun::Ended(self.lost(&error).await),
        })
    }

    /// What is asked of the supervisor; to be begun by that moment of [`Office::uptime`].
    fn spec(&self, task: &Task<'_>, begin_by: Duration) -> Spec {
        let settings = &self.office.settings;
        let Task { launch, folder, log, name, mission, .. } = task;
        let run = format!("{mission}.{name}.{}.{}", settings.agent, self.standing.generation);
        let contract = self.contract(task);
        Spec {
            argv: launch.argv.clone(),
            cwd: folder.clone(),
            env: environment(settings.environment.iter().cloned(), &settings.cli.pass_env, &contract),
            stdin: launch.stdin.clone(),
            log: log.clone(),
            begin_by_ms: Some(millis(begin_by)),
            time_limit_ms: self.limits.time_ms,
            stall_limit_ms: Some(self.limits.stall_ms),
            stall_watch: Some(folder.clone()),
            ping_limit_ms: millis(settings.lease * 2 / 3),
            grace_ms: millis(GRACE),
            run_file: settings.runs().join(&run),
            run,
        }
    }

    /// What every agent finds in its environment besides the allow-list; empty where there is no such thing.
    fn contract(&self, task: &Task<'_>) -> Vec<(String, String)> {
        let settings = &self.office.settings;
        let pairs = [
            ("DIR", settings.town_dir.display().to_string()),
            ("TOWN", settings.town_name.clone()),
            ("MISSION", task.mission.to_string()),
            ("ITEM", task.item.map(ToString::to_string).unwrap_or_default()),
            ("KIND", task.kind.clone()),
            ("ROLE", task.role.map(ToString::to_string).unwrap_or_default()),
            ("AGENT", settings.agent.to_string()),
            ("ATTEMPT", task.attempt.to_string()),
            ("BRANCH", task.branch.unwrap_or_default().to_owned()),
            ("HEAD", task.head.map(ToString::to_string).unwrap_or_default()),
            ("RESULT", task.result.display().to_string()),
        ];
        pairs.into_iter().map(|(name, value)| (format!("TINYTOWN_{name}"), value)).collect()
    }

    /// Waits for the end, and passes on that it is to come sooner.
    pub(crate) async fn attend(&self, mut run: Box<Run>) -> Ending {
        let mut asked: Option<Stop> = None;
        loop {
            let outcome = tokio::select! {
                outcome = run.wait() => outcome,
                stop = stop_that(self.stop, |stop| Some(stop) != asked) => {
                    asked = Some(stop);
                    self.pass_on(&run, stop);
                    continue;
                }
            };
            match outcome {
                Ok(outcome) => return self.ending(&outcome, asked),
                Err(error) => {
                    drop(run);
                    return self.lost(&error).await;
                }
            }
        }
    }

    fn pass_on(&self, run: &Run, stop: Stop) {
        match stop {
            Stop::Cancel | Stop::Shutdown => {
                self.office.say(&Progress::Cancelling(self.item.clone()));
                run.cancel();
            }
            Stop::Abandon => run.kill(),
        }
    }

    fn ending(&self, outcome: &Outcome, asked: Option<Stop>) -> Ending {
        if outcome.out_of_reach > 0 {
            let what = format!("{} processes became another user's and may live on", outcome.out_of_reach);
            self.office.say(&Progress::Trouble(what));
        }
        match (outcome.by, outcome.exit) {
            (Cause::Itself, Exit::Code(code)) => Ending::Code(code),
            (Cause::Itself, Exit::Signal(signal)) => Ending::Signal(signal),
            (Cause::TimeLimit, _) => Ending::TimedOut(Duration::from_millis(self.limits.time_ms)),
            (Cause::Stall, _) => Ending::Stalled(Duration::from_millis(self.limits.stall_ms)),
            (Cause::Cancel | Cause::Kill, _) => stopped(asked.unwrap_or(Stop::Abandon)),
            (Cause::Orphaned, _) => Ending::Lost("the supervisor heard nothing of the worker".to_owned()),
        }
    }

    /// The supervisor is gone or cannot be understood: what it may have left is removed first.
    async fn lost(&self, error: &SuperviseError) -> Ending {
        self.office.say_if_failed(clear(self.office, &self.office.settings.runs(), Which::All).await);
        Ending::Lost(chain(error))
    }
}

/// The first stop that is of this sort.
pub(crate) async fn stop_that(stop: &watch::Receiver<Option<Stop>>, is_meant: impl Fn(Stop) -> bool) -> Stop {
    let mut stop = stop.clone();
    match stop.wait_for(|stop| stop.is_some_and(&is_meant)).await.map(|stop| *stop) {
        Ok(Some(stop)) => stop,
        // Whoever could tell us is gone.
        _ => std::future::pending().await,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
