//! All that can be read of a store, so that two of them can be compared.

use std::collections::BTreeSet;
use std::time::Duration;

use tinytown_core::id::{MissionId, OpId};
use tinytown_store::conformance::fixture::identity;
use tinytown_store::{
    InboxEntry, InputId, MailEntry, Mailbox, MissionView, Record, Scope, Store, StoreError, TownView, Vitals,
    Wait,
};

use crate::call::Call;

/// For how long a store remembers names at least.
const DAY: Duration = Duration::from_hours(24);

/// Names that a reader must know in order to ask.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    posts: BTreeSet<OpId>,
    mailboxes: BTreeSet<Mailbox>,
    blobs: BTreeSet<String>,
}

impl Names {
    /// Whatever this call may leave behind.
    pub(crate) fn learn(&mut self, call: &Call) {
        match call {
            Call::Post(post) => {
                self.posts.insert(post.op.clone());
                self.blobs.extend(post.blobs.iter().map(|blob| blob.sha256.clone()));
            }
            Call::Commit(commit) => {
                // What is a day old may be forgotten.
                if commit.at.since(identity().created_at) > DAY {
                    self.posts.clear();
                }
                self.mailboxes.extend(commit.mail.iter().map(|mail| mail.to.clone()));
                self.blobs.extend(commit.blobs.iter().map(|blob| blob.sha256.clone()));
            }
            Call::Create(_) | Call::Found(_) | Call::Lease(..) | Call::Beat(..) => {}
        }
    }
}

/// All that can be read of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Everything {
    town: TownView,
    vitals: Vitals,
    unfinished: Vec<MissionId>,
    missions: Vec<MissionView>,
    steps: Vec<Vec<(u64, Record)>>,
    inbox: Vec<InboxEntry>,
    answers: Vec<Option<Record>>,
    mail: Vec<Vec<MailEntry>>,
    blobs: Vec<Result<String, StoreError>>,
}

impl Everything {
    /// Reads a store; `None` if no town was founded in it.
    pub(crate) async fn read(store: &dyn Store, names: &Names) -> Result<Option<Self>, StoreError> {
        let town = match store.town().await {
            Err(StoreError::NoTown { .. }) => return Ok(None),
            town => town?,
        };
        let mut read = Self {
            town,
            vitals: store.vitals().await?,
            unfinished: store.missions(false).await?.into_iter().map(|row| row.id).collect(),
            missions: Vec::new(),
            steps: vec![store.steps(Scope::Town, 0, usize::MAX).await?],
            inbox: store.inbox(InputId(0), usize::MAX, Wait::NONE).await?,
            answers: Vec::new(),
            mail: Vec::new(),
            blobs: Vec::new(),
        };
        read.read_missions(store).await?;
        for post in &names.posts {
            read.answers.push(store.answer(post, Wait::NONE).await?);
        }
        for mailbox in &names.mailboxes {
            read.mail.push(store.mail(mailbox, 0, usize::MAX, Wait::NONE).await?);
        }
        for blob in &names.blobs {
            read.blobs.push(store.blob(blob).await);
        }
        Ok(Some(read))
    }

    async fn read_missions(&mut self, archive: &dyn Store) -> Result<(), StoreError> {
        for row in archive.missions(true).await? {
            let mission = archive.mission(row.id).await?;
            assert_eq!(mission.row, row, "a mission is the same in the list and by itself");
            self.missions.push(mission);
            self.steps.push(archive.steps(Scope::Mission(row.id), 0, usize::MAX).await?);
        }
        Ok(())
    }

    /// Which parts of it are neither as before nor as after.
    pub(crate) fn odd_parts(&self, before: &Self, after: &Self) -> Vec<&'static str> {
        let odd = [
            ("town", self.town != before.town && self.town != after.town),
            ("lease or beats", self.vitals != before.vitals && self.vitals != after.vitals),
            ("unfinished", self.unfinished != before.unfinished && self.unfinished != after.unfinished),
            ("missions", self.missions != before.missions && self.missions != after.missions),
            ("steps", self.steps != before.steps && self.steps != after.steps),
            ("inbox", self.inbox != before.inbox && self.inbox != after.inbox),
            ("answers", self.answers != before.answers && self.answers != after.answers),
            ("mail", self.mail != before.mail && self.mail != after.mail),
            ("blobs", self.blobs != before.blobs && self.blobs != after.blobs),
        ];
        odd.into_iter().filter(|(_, odd)| *odd).map(|(part, _)| part).collect()
    }

    /// Which life of the store this is.
    pub(crate) const fn incarnation(&self) -> u64 {
        self.town.incarnation
    }

    /// The same, whichever life of the store it is: no two towns are founded in the same.
    pub(crate) fn in_any_life(mut self) -> Self {
        self.town.incarnation = 0;
        self.vitals.incarnation = 0;
        self
    }
}
