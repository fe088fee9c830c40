//! Running the agent's CLI until nothing of it is left.

use tinytown_core::id::MessageId;
use tinytown_core::input::Input;
use tinytown_core::letter::Brief;
use tinytown_store::StoreError;

use super::prepare::Desk;
use super::{Attempt, PARTING, op};
use crate::evidence::Ending;
use crate::report::Progress;
use crate::running::{Begun, Limits, Running, Task};

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
        let start = running.begin(&self.task(desk)).await?;
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
        let posted = self.unless_over(self.office.post(&post), PARTING).await;
        self.office.say_if_failed(posted.map(drop));
    }

    fn task<'a>(&'a self, desk: &'a Desk) -> Task<'a> {
        let Brief { claim, kind, role, base, head, branch, .. } = &self.brief;
        Task {
            launch: &desk.launch,
            folder: desk.checkout.clone(),
            log: desk.log.clone(),
            name: format!("{}.{}", desk.name, claim.fence),
            mission: claim.mission,
            item: Some(&claim.item),
            kind: kind.to_string(),
            role: role.as_ref().or(self.office.settings.role.as_ref()),
            attempt: claim.attempt,
            branch: branch.as_deref(),
            head: head.as_ref().or(Some(base)),
            result: desk.result.clone(),
        }
    }
}
