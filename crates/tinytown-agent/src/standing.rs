//! Whether this start of the worker certainly counts as alive, and until when: what an agent may be started by.
//!
//! Dispatchers declare a worker lost when they saw its beat unmoved for a whole lease. So for a lease after
//! an answered beat was begun nobody can, if no gap before it was as long. The lease is divided:
//!
//! ```text
//! beat begun ─── 1/4 ──▶ next beat; no run begins later ─── 2/3 without a ping ──▶ all is killed ─── 1/12 to spare
//! ```
//!
//! All by the clock that counts suspend: others judge us also while this machine is suspended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tinytown_core::id::Generation;
use tinytown_store::StoreError;

use crate::error::WorkerError;
use crate::join::{self, Asked, Start};
use crate::news::{Event, Events};
use crate::office::Office;

/// How long one sleep is at most: timers stand still in suspend, and we are not to.
const SLICE: Duration = Duration::from_secs(1);

/// What one start knows of how it stands.
pub(crate) struct Standing {
    pub(crate) office: Arc<Office>,
    pub(crate) generation: Generation,
    events: Events,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// When the last answered beat was begun.
    beat: Duration,
    /// Gaps so far in which we may have been declared lost.
    gaps: u64,
    /// As many of them we know to have been harmless.
    harmless: u64,
}

/// How a worker stands when it wants to begin a run.
pub(crate) enum Sure {
    /// It may, until this moment of [`Office::uptime`].
    Until(Duration),
    /// This start is over, or may be; in words.
    Not(String),
}

impl Standing {
    pub(crate) fn new(office: Arc<Office>, start: Start, events: Events) -> Self {
        let known = Mutex::new(Known { beat: start.asked, gaps: 0, harmless: 0 });
        Self { office, generation: start.generation, events, known }
    }

    /// How it stands when the name was asked for again and given anew. The answer may be to an ask before the
    /// last one, which nobody heard: for a lease or more others may have seen nothing of this start. So the
    /// first beat comes after a gap, and only an ask after it makes sure.
    pub(crate) fn anew(office: Arc<Office>, start: Start, events: Events) -> Self {
        let standing = Self::new(office, start, events);
        let lease = standing.lease();
        let mut known = standing.known();
        known.beat = known.beat.saturating_sub(lease);
        drop(known);
        standing
    }

    fn lease(&self) -> Duration {
        self.office.settings.lease
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing is done under the lock that could panic half-way.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Beats once.
    pub(crate) async fn beat(&self) -> Result<(), StoreError> {
        let begun = self.office.uptime();
        let answered = self.office.store().beat(&self.office.settings.agent, self.generation).await;
        self.office.note(&answered);
        answered?;
        let mut known = self.known();
        if self.office.uptime().saturating_sub(known.beat) >= self.lease() {
            known.gaps += 1;
            let _ = self.events.send(Event::Gap);
        }
        known.beat = known.beat.max(begun);
        Ok(())
    }

    /// Waits until the next beat is due, also if the machine is suspended meanwhile.
    pub(crate) async fn until_next_beat(&self) {
        let due = self.known().beat + self.lease() / 4;
        loop {
            match due.saturating_sub(self.office.uptime()) {
                Duration::ZERO => return,
                left => tokio::time::sleep(left.min(SLICE)).await,
            }
        }
    }

    /// Between two tries to beat.
    pub(crate) fn pause(&self) -> Duration {
        (self.lease() / 30).max(Duration::from_millis(10))
    }

    /// Asks for the name again; if we have it still, no gap before did harm.
    pub(crate) async fn ask_again(&self) -> Result<Asked, WorkerError> {
        let gaps = self.known().gaps;
        let asked = join::ask_again(&self.office).await?;
        if matches!(asked, Asked::Given(start) if start.generation == self.generation) {
            let mut known = self.known();
            known.harmless = known.harmless.max(gaps);
        }
        Ok(asked)
    }

    /// Waits, through outages, until it is certain that this start counts as alive, or is over.
    pub(crate) async fn make_sure(&self) -> Result<Sure, StoreError> {
        let mut oldest = self.lease() / 12;
        loop {
            let over = if self.is_doubted() {
                self.settle().await?
            } else if let Some(until) = self.certain_until(oldest) {
                return Ok(Sure::Until(until));
            } else {
                // A slow store's answers are old when they come.
                oldest = self.lease() / 6;
                self.beat_anew().await?
            };
            if let Some(why) = over {
                return Ok(Sure::Not(why));
            }
        }
    }

    /// Until when a run may begin, if the last beat is no older than this. The rest is for starting it.
    fn certain_until(&self, oldest: Duration) -> Option<Duration> {
        let known = self.known();
        let age = self.office.uptime().saturating_sub(known.beat);
        let is_certain = known.gaps == known.harmless && age <= oldest;
        is_certain.then(|| known.beat + self.lease() / 4)
    }

    /// Whether we may have been declared lost, and have not asked since.
    pub(crate) fn is_doubted(&self) -> bool {
        let known = self.known();
        known.gaps != known.harmless
    }

    /// Why this start is over, if it is.
    async fn settle(&self) -> Result<Option<String>, StoreError> {
        match self.ask_again().await {
            Ok(Asked::Given(start)) if start.generation == self.generation => Ok(None),
            Ok(Asked::Given(_)) => Ok(Some("the worker had been declared lost".to_owned())),
            Ok(Asked::Refused(why)) => Ok(Some(why)),
            Err(WorkerError::Store(error)) => Err(error),
            Err(error) => Ok(Some(error.to_string())),
        }
    }

    /// Why this start is over, if it is.
    async fn beat_anew(&self) -> Result<Option<String>, StoreError> {
        match self.beat().await {
            Ok(()) => Ok(None),
            Err(StoreError::Unavailable { .. }) => {
                tokio::time::sleep(self.pause()).await;
                Ok(None)
            }
            Err(error @ StoreError::Superseded { .. }) => Ok(Some(error.to_string())),
            Err(error) => Err(error),
        }
    }
}
