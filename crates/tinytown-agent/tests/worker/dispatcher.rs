//! A dispatcher played by hand: it takes what is posted, decides what concerns the roster as a real one
//! would, writes down what concerns missions, and answers as it is told to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tinytown_core::id::{Claim, OpId};
use tinytown_core::input::{Answer, AttemptEnd, Input, MissionInput, Refusal, Submission};
use tinytown_core::letter::{Brief, Delivery, Letter, Recipient, assignment_key};
use tinytown_core::roster::Agent;
use tinytown_core::time::Time;
use tinytown_core::town::Town;
use tinytown_store::codec::{decode, encode};
use tinytown_store::records::{self, Context, Versions};
use tinytown_store::{
    Blob, Commit, InboxEntry, InputId, LeaseCall, LeaseFence, LeaseReply, Mail, MemoryStore, Record, Store,
    Wait,
};
use tokio::sync::watch;

use crate::world::in_time;

/// What a dispatcher has seen of missions, in order.
pub(crate) type Seen = Vec<MissionInput>;

#[derive(Clone)]
pub(crate) struct Dispatcher {
    store: MemoryStore,
    fence: LeaseFence,
    desk: Arc<Mutex<Desk>>,
    seen: watch::Sender<Seen>,
}

struct Desk {
    town: Town,
    version: u64,
    read: InputId,
    commits: u64,
    /// Refuses whatever a mission is told.
    refusing: bool,
}

impl Dispatcher {
    /// Takes the lease of a founded town, and serves its inbox until the test ends.
    pub(crate) async fn start(store: &MemoryStore) -> Self {
        let take = LeaseCall::Take { holder: Record("a test".into()), seen: None };
        let LeaseReply::Held(fence) = store.lease(&OpId::new("take"), &take).await.unwrap() else {
            panic!("the lease of a new town is free")
        };
        let desk = Desk { town: Town::default(), version: 0, read: InputId(0), commits: 0, refusing: false };
        let desk = Arc::new(Mutex::new(desk));
        let dispatcher = Self { store: store.clone(), fence, desk, seen: watch::Sender::new(Vec::new()) };
        tokio::spawn(dispatcher.clone().serve());
        dispatcher
    }

    async fn serve(self) {
        loop {
            let read = self.desk.lock().unwrap().read;
            let wait = Wait { upto: Duration::from_secs(1), eager: true };
            for entry in self.store.inbox(read, 16, wait).await.unwrap() {
                self.apply(&entry).await;
            }
        }
    }

    async fn apply(&self, entry: &InboxEntry) {
        let input: Input = decode("an input", &entry.input).unwrap();
        let commit = match &input {
            Input::Mission { what, .. } => {
                self.seen.send_modify(|seen| seen.push(what.clone()));
                let refuse = self.desk.lock().unwrap().refusing;
                let no = || Answer::refused(Refusal::NotNow, "the assignment is no longer in force");
                self.commit(entry.id, &if refuse { no() } else { Answer::applied() })
            }
            _ => self.decide(entry, &input),
        };
        self.store.commit(&commit).await.unwrap();
    }

    fn decide(&self, entry: &InboxEntry, input: &Input) -> Commit {
        let mut desk = self.desk.lock().unwrap();
        let decided = desk.town.decide(input, Time::from_millis(0));
        let versions = Versions { town: desk.version, mission: 0 };
        let written = records::write(
            &desk.town,
            &decided,
            input,
            Context { engine: "test", posted_at: Some(entry.at), versions },
        );
        desk.version += u64::from(written.town.is_some());
        drop(desk);
        let commit = self.commit(entry.id, &decided.step.answer);
        Commit { town: written.town, mail: written.mail, mail_done: written.mail_done, ..commit }
    }

    fn commit(&self, input: InputId, answer: &Answer) -> Commit {
        self.desk.lock().unwrap().read = input;
        Commit { acks: vec![(input, encode(answer))], ..self.blank() }
    }

    fn blank(&self) -> Commit {
        let mut desk = self.desk.lock().unwrap();
        desk.commits += 1;
        Commit::new(OpId::new(format!("commit-{}", desk.commits)), self.fence, Time::from_millis(0))
    }

    /// Refuses from now on whatever a mission is told, or does not.
    pub(crate) fn refuse(&self, refusing: bool) {
        self.desk.lock().unwrap().refusing = refusing;
    }

    pub(crate) async fn assign(&self, brief: &Brief) {
        let key = assignment_key(brief.claim.mission, brief.claim.fence);
        self.send(key, Letter::Assignment(Box::new(brief.clone()))).await;
    }

    pub(crate) async fn send(&self, key: impl Into<String>, letter: Letter) {
        let to = Recipient::Agent(crate::world::agent());
        let delivery = Delivery { to, key: key.into(), letter };
        let record = encode(&delivery.letter);
        let mail = Mail { to: records::mailbox(&delivery.to), key: delivery.key, record };
        self.store.commit(&Commit { mail: vec![mail], ..self.blank() }).await.unwrap();
    }

    /// Keeps long texts, as those do who refer to them.
    pub(crate) async fn keep(&self, blobs: Vec<Blob>) {
        self.store.commit(&Commit { blobs, ..self.blank() }).await.unwrap();
    }

    /// Waits for this, and answers what it finds.
    pub(crate) async fn see<T>(&self, what: &str, find: impl Fn(&MissionInput) -> Option<T>) -> T {
        let mut seen = self.seen.subscribe();
        let mut found = None;
        let wait = seen.wait_for(|seen| {
            found = seen.iter().find_map(&find);
            found.is_some()
        });
        in_time(what, wait).await.unwrap();
        found.unwrap()
    }

    /// Everything said about a claim so far.
    pub(crate) fn said(&self, claim: &Claim) -> Seen {
        let about = |input: &&MissionInput| match input {
            MissionInput::Started { claim: one }
            | MissionInput::Submitted { claim: one, .. }
            | MissionInput::Ended { claim: one, .. } => one == claim,
            _ => false,
        };
        self.seen.borrow().iter().filter(about).cloned().collect()
    }

    pub(crate) async fn started(&self, claim: &Claim) {
        let is_it = |input: &MissionInput| match input {
            MissionInput::Started { claim: one } if one == claim => Some(()),
            _ => None,
        };
        self.see("a start", is_it).await;
    }

    /// How the attempt ended.
    pub(crate) async fn outcome(&self, claim: &Claim) -> Result<Submission, AttemptEnd> {
        let end = |input: &MissionInput| match input {
            MissionInput::Submitted { claim: one, submission, .. } if one == claim => {
                Some(Ok(submission.clone()))
            }
            MissionInput::Ended { claim: one, end, .. } if one == claim => Some(Err(end.clone())),
            _ => None,
        };
        self.see("an end", end).await
    }

    /// The agent as the roster has it, once it is as asked.
    pub(crate) async fn agent(&self, is_it: impl Fn(&Agent) -> bool) -> Agent {
        let look = async {
            loop {
                let found = self.desk.lock().unwrap().town.roster().get(&crate::world::agent()).cloned();
                if let Some(agent) = found.filter(&is_it) {
                    return agent;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        in_time("the roster", look).await
    }
}
