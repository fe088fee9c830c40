//! One attempt: told, prepared, run, judged, handed in, cleaned up.
//!
//! What an attempt posts is named after its claim, so that a repeat is the same input. The agent is
//! started only while the assignment is known to be in force, and the end is posted only once
//! nothing of the run is left.

mod collect;
mod prepare;
mod shared;
mod supervise;

pub(crate) use prepare::slug;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tinytown_core::id::{Claim, MessageId, OpId};
use tinytown_core::input::{Answer, AttemptEnd, Input, MissionInput, Submission};
use tinytown_core::item::Kind;
use tinytown_core::letter::Brief;
use tinytown_store::{Archive, Post, StoreError, codec};
use tokio::sync::watch;

use self::collect::Collected;
use self::prepare::{Desk, PrepareError};
use self::supervise::Supervised;
use crate::evidence::{Ending, Facts, Judged, Left, judge};
use crate::messages::Messages;
use crate::office::Office;
use crate::report::{Progress, chain};
use crate::result_file;
use crate::running::stop_that;
use crate::standing::Standing;

/// How long a worker that is told to stop goes on trying to post what it has.
pub(crate) const PARTING: Duration = Duration::from_secs(5);

/// Why an attempt is to end before its agent does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The mission cancelled it.
    Cancel,
    /// The worker is told to stop.
    Shutdown,
    /// The assignment is not ours any more; nothing is posted.
    Abandon,
}

/// What became of an attempt, as far as the worker must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// It was begun and its end was posted and answered, or nobody waits for that.
    Settled,
    /// We were told that the assignment is not in force, or that we may have been declared lost.
    Refused,
}

/// One attempt.
pub(crate) struct Attempt {
    pub(crate) office: Arc<Office>,
    pub(crate) standing: Arc<Standing>,
    pub(crate) brief: Brief,
    pub(crate) stop: watch::Receiver<Option<Stop>>,
    pub(crate) messages: Arc<Mutex<Messages>>,
}

impl Attempt {
    /// From the assignment to its end.
    pub(crate) async fn run(self) -> Result<Over, StoreError> {
        let messages = self.messages().next();
        let prepared = prepare::prepare(&self.office, &self.brief, &messages, self.body());
        let (told, desk) = tokio::join!(self.tell_start(), prepared);
        match told? {
            Some(Answer::Applied { .. } | Answer::Joined { .. }) => {}
            Some(Answer::Refused { message, .. }) => {
                self.say_dropped(message);
                self.discard(desk.ok());
                return Ok(Over::Refused);
            }
            None => {
                self.say_dropped("the worker stops".to_owned());
                self.discard(desk.ok());
                return Ok(Over::Settled);
            }
        }
        match desk {
            Ok(desk) => {
                let told: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
                self.work(desk, &told).await
            }
            Err(error) => self.give_back(&error).await,
        }
    }

    /// Says that the attempt begins; no answer if the worker stops before there is one.
    async fn tell_start(&self) -> Result<Option<Answer>, StoreError> {
        let post = self.post_of("started", MissionInput::Started { claim: self.brief.claim.clone() });
        self.unless_over(self.office.ask(&post), Duration::ZERO).await
    }

    /// The item's text; nothing if the worker stops before it is known.
    async fn body(&self) -> Result<Option<String>, StoreError> {
        let read = || read_body(self.office.archive(), &self.brief);
        self.unless_over(self.office.persist(read), Duration::ZERO).await
    }

    /// Runs the agent and hands in what came of it.
    async fn work(&self, desk: Desk, told: &[MessageId]) -> Result<Over, StoreError> {
        let Brief { claim, kind, .. } = &self.brief;
        let ending = match self.supervise(&desk, told).await? {
            Supervised::Ended(ending) => ending,
            Supervised::NotOurs(why) => {
                self.say_dropped(why);
                self.discard(Some(desk));
                return Ok(Over::Refused);
            }
        };
        let result = result_file::read(&desk.result);
        let collected = match kind {
            Kind::Review => Collected::unseen(),
            _ => collect::collect(&self.office, &self.brief, &desk, &result).await,
        };
        let spend = result.spend();
        let facts = Facts { kind: *kind, ending, left: collected.left.clone(), result };
        let judged = self.shared(judge(&facts), &collected).await;
        self.office.say(&Progress::Ended { item: claim.item.clone(), how: describe(&judged) });
        let handed_in = matches!(judged, Judged::Submit(Submission::Work { .. }));
        let post = self.post_of("ended", judged.into_input(claim.clone(), spend));
        let (posted, ()) = tokio::join!(self.hand_in(&post), async {
            if handed_in && self.office.settings.remote.is_none() {
                collect::publish(&self.office, &self.brief, &collected).await;
            }
        });
        // Only what is safe in the town's repository, and told, may go.
        if posted? && collected.complete {
            self.discard(Some(desk));
        }
        self.settle(&post).await
    }

    /// What is handed in must be where every machine finds it first; else it is not handed in.
    async fn shared(&self, judged: Judged, collected: &Collected) -> Judged {
        let Some(mirror) = &self.office.settings.remote else { return judged };
        if !matches!(judged, Judged::Submit(Submission::Work { .. })) {
            return judged;
        }
        tokio::select! {
            published = shared::publish(&self.office, mirror, &self.brief, collected) => match published {
                Ok(()) => judged,
                Err(detail) => Judged::End(AttemptEnd::Lost { detail }),
            },
            _stop = stop_that(&self.stop, |stop| stop != Stop::Cancel) => {
                Judged::End(AttemptEnd::Lost { detail: "worker stopped before its work was shared".to_owned() })
            }
        }
    }

    /// Posts the end, unless it is nobody's affair any more; `false` if it could not be posted.
    async fn hand_in(&self, post: &Post) -> Result<bool, StoreError> {
        if *self.stop.borrow() == Some(Stop::Abandon) {
            return Ok(true);
        }
        let posted = self.unless_over(self.office.post(post), PARTING).await?;
        Ok(posted.is_some())
    }

    /// Waits until the end was taken note of.
    async fn settle(&self, post: &Post) -> Result<Over, StoreError> {
        match self.unless_over(self.office.answer(post), Duration::ZERO).await? {
            Some(Answer::Refused { message, .. }) => {
                let item = self.brief.claim.item.clone();
                self.office.say(&Progress::Stale { item, why: message });
                Ok(Over::Refused)
            }
            _ => Ok(Over::Settled),
        }
    }

    /// Nothing could be prepared: that is this host's trouble, not the agent's.
    async fn give_back(&self, error: &PrepareError) -> Result<Over, StoreError> {
        let Claim { item, .. } = &self.brief.claim;
        let detail = format!("the attempt could not be prepared: {}", chain(error));
        self.office.say(&Progress::Ended { item: item.clone(), how: detail.clone() });
        let end = AttemptEnd::Lost { detail };
        let post = self.post_of("ended", MissionInput::ended(self.brief.claim.clone(), end));
        self.hand_in(&post).await?;
        self.settle(&post).await
    }

    fn post_of(&self, what: &str, input: MissionInput) -> Post {
        let mission = self.brief.claim.mission;
        self.office.named(op(what, &self.brief.claim), &Input::Mission { mission, what: input })
    }

    /// The future's answer, or nothing if the worker is told to stop and so much time has passed since.
    async fn unless_over<T>(
        &self,
        future: impl Future<Output = Result<T, StoreError>>,
        grace: Duration,
    ) -> Result<Option<T>, StoreError> {
        let over = async {
            stop_that(&self.stop, |stop| stop != Stop::Cancel).await;
            tokio::time::sleep(grace).await;
        };
        tokio::select! {
            biased;
            answer = future => answer.map(Some),
            () = over => Ok(None),
        }
    }

    fn messages(&self) -> MutexGuard<'_, Messages> {
        // Nothing is done under the lock that could panic half-way.
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say_dropped(&self, why: String) {
        self.office.say(&Progress::Dropped { item: self.brief.claim.item.clone(), why });
    }

    /// Removes checkout and private folder, beside the work.
    fn discard(&self, desk: Option<Desk>) {
        let Some(desk) = desk else { return };
        let office = Arc::clone(&self.office);
        tokio::task::spawn_blocking(move || {
            for folder in [&desk.checkout, &desk.private] {
                if let Err(error) = std::fs::remove_dir_all(folder) {
                    let what = format!("could not remove {}: {error}", folder.display());
                    office.say(&Progress::Trouble(what));
                }
            }
        });
    }
}

/// The name of what is posted about a claim.
pub(crate) fn op(what: &str, claim: &Claim) -> OpId {
    OpId::new(format!("{what}/{}/{}/{}", claim.mission, claim.item, claim.fence))
}

fn describe(judged: &Judged) -> String {
    match judged {
        Judged::Submit(Submission::Work { head, empty: false, .. }) => format!("handed in {}", head.short()),
        Judged::Submit(Submission::Work { .. }) => "handed in, with nothing changed".to_owned(),
        Judged::Submit(Submission::Verdict { approve: true, .. }) => "approved".to_owned(),
        Judged::Submit(Submission::Verdict { .. }) => "changes requested".to_owned(),
        Judged::End(AttemptEnd::Failed { cause, detail }) => format!("failed ({cause}): {detail}"),
        Judged::End(AttemptEnd::Lost { detail }) => format!("lost: {detail}"),
        Judged::End(AttemptEnd::Stuck { summary }) => format!("stuck: {summary}"),
        Judged::End(AttemptEnd::Limited { detail, .. }) => format!("reached a limit: {detail}"),
        Judged::End(AttemptEnd::Cancelled) => "cancelled".to_owned(),
    }
}

/// Why the run is to end, as it is judged.
pub(crate) fn stopped(stop: Stop) -> Ending {
    match stop {
        Stop::Cancel => Ending::Cancelled,
        Stop::Shutdown => Ending::Lost("worker stopped".to_owned()),
        Stop::Abandon => Ending::Lost("the assignment was revoked".to_owned()),
    }
}

/// For what nobody looked at.
impl Collected {
    fn unseen() -> Self {
        Self { left: Left::Unseen, kept: None, complete: true }
    }
}

/// The item's text; for a fix also that of the item whose change it mends.
async fn read_body(archive: &dyn Archive, brief: &Brief) -> Result<String, StoreError> {
    let body = codec::resolve(archive, &brief.body).await?;
    let Some(about) = &brief.about else { return Ok(body) };
    let wanted = codec::resolve(archive, &about.body).await?;
    Ok(format!("{body}\n\nThe item that the change is for:\n\n{}\n\n{wanted}", about.title))
}
