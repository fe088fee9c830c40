//! Running the agent's CLI until nothing of it is left.

use std::time::Duration;

use tinytown_core::id::MessageId;
use tinytown_core::input::Input;
use tinytown_core::letter::Brief;
use tinytown_host::process::environment;
use tinytown_host::supervise::Spec;
use tinytown_store::StoreError;

use super::prepare::Desk;
use super::{Attempt, PARTING, op};
use crate::evidence::Ending;
use crate::report::{Progress, chain};
use crate::running::{Begun, GRACE, Limits, Running, millis};

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
        let Brief { claim, time_limit_ms, stall_limit_ms, .. } = &self.brief;
        let running = Running {
            office: &self.office,
            standing: &self.standing,
            stop: &self.stop,
            item: &claim.item,
            limits: Limits { time_ms: *time_limit_ms, stall_ms: *stall_limit_ms },
        };
        let start = running.begin(|begin_by| self.spec(desk, begin_by)).await?;
        let began = Progress::Began { item: claim.item.clone(), attempt: claim.attempt };
        Ok(match start {
            Begun::Runs(run) => {
                self.office.say(&began);
                self.messages().told(told);
                let (ending, ()) = tokio::join!(running.attend(run), self.acknowledge(told));
                Supervised::Ended(ending)
            }
            Begun::Ended(ending) => Supervised::Ended(ending),
            Begun::NotOurs(why) => Supervised::NotOurs(why),
        })
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
