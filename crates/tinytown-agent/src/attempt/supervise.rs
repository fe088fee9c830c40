//! Running the agent's CLI until nothing of it is left.

use std::time::Duration;

use tinytown_core::id::MessageId;
use tinytown_core::input::Input;
use tinytown_core::letter::Brief;
use tinytown_host::process::environment;
use tinytown_host::run_files::Which;
use tinytown_host::supervise::{Cause, Exit, Outcome, Run, Spec, SuperviseError};
use tinytown_store::StoreError;

use super::prepare::Desk;
use super::{Attempt, PARTING, Stop, op, stopped};
use crate::evidence::Ending;
use crate::join::clear;
use crate::report::{Progress, chain};
use crate::standing::Sure;

/// How long a cancelled agent has to end by itself.
const GRACE: Duration = Duration::from_secs(10);
/// Between two tries to begin in time. Needed only where something is wrong, for trying takes long then.
const AGAIN: Duration = Duration::from_millis(100);

/// What came of an attempt to run the agent.
pub(super) enum Supervised {
    /// It ended, or was not to begin any more.
    Ended(Ending),
    /// It was not begun, for this worker may have been declared lost, and the item be another's.
    NotOurs(String),
}

impl Attempt {
    /// Runs the agent, which is so told these messages; when this returns, no process of the run is left.
    pub(super) async fn supervise(&self, desk: &Desk, told: &[MessageId]) -> Result<Supervised, StoreError> {
        let started = loop {
            let sure = tokio::select! {
                biased;
                stop = self.stop_that(|_| true) => return Ok(Supervised::Ended(stopped(stop))),
                sure = self.standing.make_sure() => sure?,
            };
            let begin_by = match sure {
                Sure::Until(moment) => moment,
                Sure::Not(why) => return Ok(Supervised::NotOurs(why)),
            };
            match self.office.settings.supervisor.start(&self.spec(desk, begin_by)).await {
                Err(SuperviseError::TooLate) => tokio::time::sleep(AGAIN).await,
                started => break started,
            }
        };
        let claim = &self.brief.claim;
        self.office.say(&Progress::Began { item: claim.item.clone(), attempt: claim.attempt });
        Ok(Supervised::Ended(match started {
            Ok(run) => {
                self.messages().told(told);
                let (ending, ()) = tokio::join!(self.attend(run), self.acknowledge(told));
                ending
            }
            Err(SuperviseError::FailedToStart(why)) => Ending::NotStarted(why),
            Err(error) => self.lost(&error).await,
        }))
    }

    /// Says that the messages were in a prompt that the agent has. If that cannot be said, the worker's next
    /// start tells them again: better twice than never.
    async fn acknowledge(&self, told: &[MessageId]) {
        if told.is_empty() {
            return;
        }
        let claim = &self.brief.claim;
        let read = Input::MessagesRead { agent: claim.agent.clone(), messages: told.to_vec() };
        let post = self.office.named(op("read", claim), &read);
        if let Err(error) = self.unless_over(self.office.post(&post), PARTING).await {
            self.office.say(&Progress::Trouble(chain(&error)));
        }
    }

    /// Waits for the end, and passes on that it is to come sooner.
    async fn attend(&self, mut run: Run) -> Ending {
        let mut asked: Option<Stop> = None;
        loop {
            let outcome = tokio::select! {
                outcome = run.wait() => outcome,
                stop = self.stop_that(|stop| Some(stop) != asked) => {
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
                self.office.say(&Progress::Cancelling(self.brief.claim.item.clone()));
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
            (Cause::TimeLimit, _) => Ending::TimedOut(Duration::from_millis(self.brief.time_limit_ms)),
            (Cause::Stall, _) => Ending::Stalled(Duration::from_millis(self.brief.stall_limit_ms)),
            (Cause::Cancel | Cause::Kill, _) => stopped(asked.unwrap_or(Stop::Abandon)),
            (Cause::Orphaned, _) => Ending::Lost("the supervisor heard nothing of the worker".to_owned()),
        }
    }

    /// The supervisor is gone or cannot be understood: what it may have left is removed first.
    async fn lost(&self, error: &SuperviseError) -> Ending {
        if let Err(error) = clear(&self.office, &self.office.settings.runs(), Which::All).await {
            self.office.say(&Progress::Trouble(chain(&error)));
        }
        Ending::Lost(chain(error))
    }

    fn spec(&self, desk: &Desk, begin_by: Duration) -> Spec {
        let settings = &self.office.settings;
        let Brief { claim, time_limit_ms, stall_limit_ms, .. } = &self.brief;
        let run =
            format!("{}.{}.{}.{}.{}", claim.mission, desk.name, claim.fence, claim.agent, claim.generation);
        Spec {
            argv: desk.launch.argv.clone(),
            cwd: desk.checkout.clone(),
            env: environment(
                settings.environment.iter().cloned(),
                &settings.cli.pass_env,
                &self.contract(desk),
            ),
            stdin: desk.launch.stdin.clone(),
            log: desk.log.clone(),
            begin_by_ms: Some(millis(begin_by)),
            time_limit_ms: *time_limit_ms,
            stall_limit_ms: Some(*stall_limit_ms),
            stall_watch: Some(desk.checkout.clone()),
            ping_limit_ms: millis(settings.lease * 2 / 3),
            grace_ms: millis(GRACE),
            run_file: settings.runs().join(&run),
            run,
        }
    }

    /// What every agent finds in its environment besides the allow-list.
    fn contract(&self, desk: &Desk) -> Vec<(String, String)> {
        let settings = &self.office.settings;
        let Brief { claim, kind, role, base, head, branch, .. } = &self.brief;
        let role = role.as_ref().or(settings.role.as_ref());
        let pairs = [
            ("DIR", settings.town_dir.display().to_string()),
            ("TOWN", settings.town_name.clone()),
            ("MISSION", claim.mission.to_string()),
            ("ITEM", claim.item.to_string()),
            ("KIND", kind.to_string()),
            ("ROLE", role.map(ToString::to_string).unwrap_or_default()),
            ("AGENT", claim.agent.to_string()),
            ("ATTEMPT", claim.attempt.to_string()),
            ("BRANCH", branch.clone().unwrap_or_default()),
            ("HEAD", head.as_ref().unwrap_or(base).to_string()),
            ("RESULT", desk.result.display().to_string()),
        ];
        pairs.into_iter().map(|(name, value)| (format!("TINYTOWN_{name}"), value)).collect()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
