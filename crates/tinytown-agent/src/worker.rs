//! The worker's life: take the name, serve it, leave.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tinytown_core::id::{Claim, Role};
use tinytown_core::input::{AttemptEnd, Input, MissionInput};
use tinytown_core::letter::{Brief, Letter};
use tinytown_store::StoreError;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{JoinError, JoinSet};

use crate::attempt::{self, Attempt, Over, PARTING, Stop};
use crate::conductor::Conducting;
use crate::error::WorkerError;
use crate::join::{self, Asked, Start};
use crate::listen;
use crate::messages::Messages;
use crate::news::{Event, Events};
use crate::office::Office;
use crate::prompt::Message;
use crate::report::Progress;
use crate::settings::{Ports, Settings};
use crate::standing::Standing;

/// How urgently a worker is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Shutdown {
    /// It is not.
    #[default]
    No,
    /// Cancel what runs, keep its work, say so, end.
    Graceful,
    /// End at once; the supervisor notices, and kills what runs.
    Now,
}

/// How a worker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to leave, and its last attempt is over.
    Retired,
    /// It was told to stop.
    Stopped,
    /// It was told to stop at once.
    Aborted,
    /// Another worker has its name.
    Superseded,
}

/// The process that serves one agent.
pub struct Worker {
    office: Arc<Office>,
}

impl Worker {
    /// A worker that has not begun. Needs a tokio runtime with time and IO once it runs.
    pub fn new(settings: Settings, ports: Ports) -> Self {
        Self { office: Arc::new(Office::new(settings, ports)) }
    }

    /// Serves the agent until it ends. While the store is away it goes on trying.
    ///
    /// # Errors
    /// [`WorkerError`]; a run that was under way is killed by its supervisor.
    pub async fn run(self, mut shutdown: watch::Receiver<Shutdown>) -> Result<Ended, WorkerError> {
        let mut sooner = shutdown.clone();
        let start = tokio::select! {
            start = join::take_name(&self.office) => start?,
            () = told(&mut sooner, Shutdown::Graceful) => return Ok(Ended::Stopped),
        };
        self.office.say(&Progress::Joined(start.generation));
        let service = Service::begin(self.office, start);
        tokio::select! {
            biased;
            () = told(&mut shutdown, Shutdown::Now) => Ok(Ended::Aborted),
            ended = service.serve(sooner) => ended,
        }
    }
}

/// Returns once the shutdown is at least so urgent.
async fn told(shutdown: &mut watch::Receiver<Shutdown>, urgency: Shutdown) {
    if shutdown.wait_for(|now| *now >= urgency).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// A worker that has its name. Dropped, it ends everything: tasks, and through the closed pipe the run.
struct Service {
    office: Arc<Office>,
    standing: Arc<Standing>,
    events: Events,
    heard: mpsc::UnboundedReceiver<Event>,
    listening: JoinSet<()>,
    errands: JoinSet<()>,
    attempts: JoinSet<Result<Over, StoreError>>,
    conducting: Option<Conducting>,
    current: Option<Current>,
    waiting: VecDeque<Brief>,
    messages: Arc<Mutex<Messages>>,
    hurry: Arc<Notify>,
    retiring: bool,
    asking_again: bool,
}

/// The attempt that runs.
struct Current {
    claim: Claim,
    stop: watch::Sender<Option<Stop>>,
}

impl Service {
    fn begin(office: Arc<Office>, start: Start) -> Self {
        let (events, heard) = mpsc::unbounded_channel();
        let standing = Arc::new(Standing::new(Arc::clone(&office), start, events.clone()));
        let mut service = Self {
            office,
            standing,
            events,
            heard,
            listening: JoinSet::new(),
            errands: JoinSet::new(),
            attempts: JoinSet::new(),
            conducting: None,
            current: None,
            waiting: VecDeque::new(),
            messages: Arc::default(),
            hurry: Arc::new(Notify::new()),
            retiring: false,
            asking_again: false,
        };
        service.listen();
        service
    }

    /// Beats and reads mail in the present generation, and in no other.
    fn listen(&mut self) {
        self.listening.abort_all();
        self.listening.spawn(listen::beat(Arc::clone(&self.standing), self.events.clone()));
        let (office, events) = (Arc::clone(&self.office), self.events.clone());
        self.listening.spawn(listen::mail(office, events, Arc::clone(&self.hurry)));
        if self.office.settings.role.as_ref().is_some_and(Role::is_conductor) {
            let (office, standing) = (Arc::clone(&self.office), Arc::clone(&self.standing));
            self.conducting = Some(Conducting::begin(office, standing, self.events.clone()));
        }
    }

    async fn serve(mut self, mut shutdown: watch::Receiver<Shutdown>) -> Result<Ended, WorkerError> {
        loop {
            if self.current.is_none() {
                match self.waiting.pop_front() {
                    Some(brief) => self.start(brief),
                    None if self.retiring => {
                        self.end_attempt(Stop::Shutdown).await?;
                        return self.leave("left", Ended::Retired).await;
                    }
                    None => {}
                }
            }
            let ended = tokio::select! {
                Some(event) = self.heard.recv() => self.hear(event).await?,
                Some(over) = self.attempts.join_next() => self.finished(over)?,
                Some(_) = self.errands.join_next() => None,
                () = told(&mut shutdown, Shutdown::Graceful) => {
                    self.end_attempt(Stop::Shutdown).await?;
                    return self.leave("worker stopped", Ended::Stopped).await;
                }
            };
            if let Some(ended) = ended {
                return Ok(ended);
            }
        }
    }

    async fn hear(&mut self, event: Event) -> Result<Option<Ended>, WorkerError> {
        match event {
            Event::Letter(letter) => self.open(letter),
            Event::Gap => self.ask_again(),
            Event::Rejoined(start) => self.rejoined(start),
            Event::NameLost(why) => {
                self.office.say(&Progress::Trouble(why));
                return self.superseded().await.map(Some);
            }
            Event::Superseded(generation) => {
                self.office.say(&Progress::Superseded(generation));
                return self.superseded().await.map(Some);
            }
            Event::Failed(error) => {
                self.end_attempt(Stop::Abandon).await?;
                return Err(error.into());
            }
        }
        Ok(None)
    }

    fn open(&mut self, letter: Letter) {
        match letter {
            Letter::Assignment(brief) => self.assigned(*brief),
            Letter::Cancel { claim } => self.cancel(&claim),
            Letter::Retire => {
                self.retiring = true;
                self.office.say(&Progress::Retiring);
            }
            Letter::Message { id, text, from } => {
                let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
                messages.take(Message { id, from, text });
            }
            Letter::Help(_) => {}
        }
    }

    /// One after the other: the next may come before we have heard that the last one's end is known.
    fn assigned(&mut self, brief: Brief) {
        if self.is_ours(&brief.claim) {
            self.waiting.push_back(brief);
        }
    }

    fn is_ours(&self, claim: &Claim) -> bool {
        claim.generation == self.standing.generation && claim.agent == self.office.settings.agent
    }

    fn start(&mut self, brief: Brief) {
        let (stop, heard) = watch::channel(None);
        self.current = Some(Current { claim: brief.claim.clone(), stop });
        let (office, messages) = (Arc::clone(&self.office), Arc::clone(&self.messages));
        let standing = Arc::clone(&self.standing);
        self.attempts.spawn(Attempt { office, standing, brief, stop: heard, messages }.run());
    }

    /// An attempt that is not there has ended, or never began: then nothing of it runs, and that is what is asked.
    fn cancel(&mut self, claim: &Claim) {
        if !self.is_ours(claim) {
            return;
        }
        if let Some(current) = self.current.as_ref().filter(|current| current.claim == *claim) {
            current.stop.send_replace(Some(Stop::Cancel));
            return;
        }
        self.waiting.retain(|brief| brief.claim != *claim);
        let what = MissionInput::ended(claim.clone(), AttemptEnd::Cancelled);
        let input = Input::Mission { mission: claim.mission, what };
        let post = self.office.named(attempt::op("cancelled", claim), &input);
        let (office, events) = (Arc::clone(&self.office), self.events.clone());
        self.errands.spawn(async move {
            if let Err(error) = office.post(&post).await {
                let _ = events.send(Event::Failed(error));
            }
        });
    }

    fn finished(
        &mut self,
        over: Result<Result<Over, StoreError>, JoinError>,
    ) -> Result<Option<Ended>, WorkerError> {
        self.current = None;
        self.hurry.notify_one();
        if unwrap(over)? == Over::Refused {
            // Perhaps because we had been declared lost.
            self.ask_again();
        }
        Ok(None)
    }

    /// Makes sure that we have our name still: asking for it again answers our generation if so.
    fn ask_again(&mut self) {
        if std::mem::replace(&mut self.asking_again, true) {
            return;
        }
        let (standing, events) = (Arc::clone(&self.standing), self.events.clone());
        self.errands.spawn(async move {
            let event = match standing.ask_again().await {
                Ok(Asked::Given(start)) => Event::Rejoined(start),
                Ok(Asked::Refused(message)) => Event::NameLost(message),
                Err(WorkerError::Store(error)) => Event::Failed(error),
                Err(error) => Event::NameLost(error.to_string()),
            };
            let _ = events.send(event);
        });
    }

    fn rejoined(&mut self, start: Start) {
        self.asking_again = false;
        if start.generation == self.standing.generation {
            if self.standing.is_doubted() {
                // There was another gap since we asked.
                self.ask_again();
            }
            return;
        }
        self.office.say(&Progress::Rejoined(start.generation));
        self.standing = Arc::new(Standing::anew(Arc::clone(&self.office), start, self.events.clone()));
        self.retiring = false;
        self.waiting.clear();
        if let Some(current) = &self.current {
            current.stop.send_replace(Some(Stop::Abandon));
        }
        self.listen();
    }

    async fn superseded(&mut self) -> Result<Ended, WorkerError> {
        self.end_attempt(Stop::Abandon).await?;
        Ok(Ended::Superseded)
    }

    /// Ends what runs, and waits until it has.
    async fn end_attempt(&mut self, why: Stop) -> Result<(), WorkerError> {
        self.waiting.clear();
        if let Some(current) = &self.current {
            current.stop.send_replace(Some(why));
        }
        while let Some(over) = self.attempts.join_next().await {
            unwrap(over)?;
        }
        self.current = None;
        if let Some(conducting) = self.conducting.take() {
            conducting.end(why).await;
        }
        Ok(())
    }

    /// The last words.
    async fn leave(self, reason: &str, ended: Ended) -> Result<Ended, WorkerError> {
        let agent = self.office.settings.agent.clone();
        let gone = Input::Gone { agent, generation: self.standing.generation, reason: reason.to_owned() };
        let post = self.office.letter(&gone);
        // With the store away nobody hears them, and the lease tells.
        if let Ok(said) = tokio::time::timeout(PARTING, self.office.part(&post)).await {
            said?;
        }
        Ok(ended)
    }
}

/// An attempt's panic is ours.
fn unwrap(over: Result<Result<Over, StoreError>, JoinError>) -> Result<Over, StoreError> {
    match over {
        Ok(over) => over,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
