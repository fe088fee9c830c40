//! The conductor: an agent that answers requests for help with notes, and does nothing else.
//!
//! Which request is next follows from the mailbox, read anew each time; which were answered, from a file
//! beside each request's prompt and from the names of the notes. So a conductor that is started again
//! goes on where the last one was, and answers nothing twice.

mod answer;
mod consult;
mod dossier;
mod folder;
mod prompt;
mod request;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tinytown_store::{MailEntry, Mailbox, StoreError, Wait};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::request::Request;
use crate::attempt::Stop;
use crate::news::{Event, Events};
use crate::office::Office;
use crate::running::stop_that;
use crate::standing::Standing;

/// Most letters that are looked at: more requests than anybody can answer.
const MOST: usize = 10_000;
/// How long one look at the mail waits.
const CALM: Duration = Duration::from_mins(1);

/// A conductor at work beside its worker. Dropped, it ends, and through the closed pipe its run.
pub(crate) struct Conducting {
    task: JoinSet<()>,
    stop: watch::Sender<Option<Stop>>,
}

impl Conducting {
    /// Begins to answer, in this start of the worker.
    pub(crate) fn begin(office: Arc<Office>, standing: Arc<Standing>, events: Events) -> Self {
        let (stop, heard) = watch::channel(None);
        let mut task = JoinSet::new();
        let mut conductor = Conductor { office, standing, stop: heard, seen: BTreeSet::new() };
        task.spawn(async move {
            if let Err(error) = conductor.serve().await {
                let _ = events.send(Event::Failed(error));
            }
        });
        Self { task, stop }
    }

    /// Ends it, and waits until nothing of it runs.
    pub(crate) async fn end(mut self, why: Stop) {
        self.stop.send_replace(Some(why));
        while let Some(ended) = self.task.join_next().await {
            if let Err(error) = ended {
                std::panic::resume_unwind(error.into_panic());
            }
        }
    }
}

/// Who answers.
struct Conductor {
    office: Arc<Office>,
    standing: Arc<Standing>,
    stop: watch::Receiver<Option<Stop>>,
    /// Requests that were seen to in this start.
    seen: BTreeSet<String>,
}

impl Conductor {
    /// One request after the other, until it is told to stop.
    async fn serve(&mut self) -> Result<(), StoreError> {
        while let Some((after, next)) = self.unless_stopped(self.next()).await? {
            let Some(request) = next else {
                let wait = Wait { upto: CALM, eager: false };
                self.unless_stopped(self.mail(after, 1, wait)).await?;
                continue;
            };
            self.seen.insert(request.name());
            self.consult(&request).await?;
        }
        Ok(())
    }

    /// Of the requests to us that are open and were not seen to, the one that lets most go on; and how far
    /// the mail was read.
    async fn next(&self) -> Result<(u64, Option<Request>), StoreError> {
        let letters = self.mail(0, MOST, Wait::NONE).await?;
        let after = letters.last().map_or(0, |letter| letter.position);
        let mut open = requests(&letters)?;
        open.retain(|request| !self.seen.contains(&request.name()));
        Ok((after, open.into_iter().max_by_key(Request::urgency)))
    }

    async fn is_open(&self, request: &Request) -> Result<bool, StoreError> {
        let letters = self.mail(0, MOST, Wait::NONE).await?;
        Ok(requests(&letters)?.iter().any(|open| open.name() == request.name()))
    }

    async fn mail(&self, after: u64, most: usize, wait: Wait) -> Result<Vec<MailEntry>, StoreError> {
        self.office.persist(|| self.office.store().mail(&Mailbox::Conductor, after, most, wait)).await
    }

    /// The future's answer, or nothing if the worker is told to stop before.
    async fn unless_stopped<T>(
        &self,
        future: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<Option<T>, StoreError> {
        tokio::select! {
            biased;
            _ = stop_that(&self.stop, |_| true) => Ok(None),
            answer = future => answer.map(Some),
        }
    }
}

fn requests(letters: &[MailEntry]) -> Result<Vec<Request>, StoreError> {
    letters.iter().filter_map(|letter| Request::read(letter).transpose()).collect()
}
