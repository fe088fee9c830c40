//! The worker's side of the store: posting, and waiting for answers, through outages.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tinytown_core::id::OpId;
use tinytown_core::input::{Answer, Input};
use tinytown_store::codec::{decode, encode};
use tinytown_store::{Archive, Post, Store, StoreError, Wait};

use crate::report::{Progress, chain};
use crate::settings::{Ports, Settings};

/// Between two tries of a store that does not answer: the first pause, and the longest.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MOST: Duration = Duration::from_secs(2);

/// How long an answer may take before it is said that nobody seems to be there.
const SOON: Duration = Duration::from_secs(3);
/// After that, how long between two reminders of what was posted.
const LATER: Duration = Duration::from_secs(30);

/// Everything that the parts of a worker share.
pub(crate) struct Office {
    pub(crate) settings: Settings,
    ports: Ports,
    away: AtomicBool,
}

impl Office {
    pub(crate) fn new(settings: Settings, ports: Ports) -> Self {
        Self { settings, ports, away: AtomicBool::new(false) }
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.ports.store
    }

    pub(crate) fn archive(&self) -> &dyn Archive {
        self.store()
    }

    pub(crate) fn say(&self, progress: &Progress) {
        self.ports.report.say(progress);
    }

    /// Says what did not go as it should, where the work goes on without it.
    pub(crate) fn say_if_failed(&self, outcome: Result<(), impl std::error::Error>) {
        if let Err(error) = outcome {
            self.say(&Progress::Trouble(chain(&error)));
        }
    }

    pub(crate) fn now(&self) -> tinytown_core::time::Time {
        (self.ports.clock)()
    }

    /// The clock that counts suspend.
    pub(crate) fn uptime(&self) -> Duration {
        (self.ports.uptime)()
    }

    /// An input under a name of its own.
    pub(crate) fn letter(&self, input: &Input) -> Post {
        self.named((self.ports.mint)(), input)
    }

    /// An input under this name.
    pub(crate) fn named(&self, op: OpId, input: &Input) -> Post {
        Post { op, input: encode(input), at: self.now(), blobs: Vec::new() }
    }

    /// Posts, however long it takes, and lets the applier know. A repeat changes nothing.
    pub(crate) async fn post(&self, post: &Post) -> Result<(), StoreError> {
        self.persist(|| self.store().post(post)).await?;
        let applier = Arc::clone(&self.ports.applier);
        // On its own: whoever applies must not be broken off because we go on.
        tokio::spawn(async move { applier.nudge().await });
        Ok(())
    }

    /// Posts, and waits until the applier has had its turn: for the last words of a worker.
    pub(crate) async fn part(&self, post: &Post) -> Result<(), StoreError> {
        self.persist(|| self.store().post(post)).await?;
        self.ports.applier.nudge().await;
        Ok(())
    }

    /// Waits for the answer to what was posted.
    pub(crate) async fn answer(&self, post: &Post) -> Result<Answer, StoreError> {
        let mut upto = SOON;
        loop {
            let wait = Wait { upto, eager: true };
            if let Some(record) = self.persist(|| self.store().answer(&post.op, wait)).await? {
                return decode(&format!("the answer to {}", post.op), &record);
            }
            if upto == SOON {
                self.say(&Progress::Unanswered);
            }
            upto = LATER;
            // The store may have lost it, and the applier may have failed.
            self.post(post).await?;
        }
    }

    /// Posts, and waits for the answer.
    pub(crate) async fn ask(&self, post: &Post) -> Result<Answer, StoreError> {
        self.post(post).await?;
        self.answer(post).await
    }

    /// Calls until the store answers.
    pub(crate) async fn persist<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        call: impl Fn() -> F,
    ) -> Result<T, StoreError> {
        let mut pause = PAUSE_FIRST;
        loop {
            let answered = call().await;
            self.note(&answered);
            match answered {
                Err(StoreError::Unavailable { .. }) => tokio::time::sleep(pause).await,
                answered => return answered,
            }
            pause = (pause * 2).min(PAUSE_MOST);
        }
    }

    /// Says once that the store is away, and once that it is back.
    pub(crate) fn note<T>(&self, answered: &Result<T, StoreError>) {
        match answered {
            Err(error @ StoreError::Unavailable { .. }) => {
                if !self.away.swap(true, Ordering::Relaxed) {
                    self.say(&Progress::StoreAway(error.to_string()));
                }
            }
            _ => {
                if self.away.swap(false, Ordering::Relaxed) {
                    self.say(&Progress::StoreBack);
                }
            }
        }
    }
}
