//! The embedded backend: one SQLite file in write-ahead mode, used by any number of processes of one host.
//!
//! Each handle has three connections, each on a thread of its own: one writes, one reads, one
//! notices what others commit. An acknowledged change has been synchronised to disk.

mod commit;
mod failure;
mod look;
mod open;
mod reads;
mod value;
mod watcher;
mod worker;
mod writes;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::Connection;
use tinytown_core::id::{AgentName, Generation, MissionId, OpId};

use self::failure::{Failure, unavailable};
pub use self::look::{Glance, SqliteFile, SqliteHealth};
use self::open::Access;

use self::watcher::Watcher;
use self::worker::Worker;
use crate::{
    Archive, Commit, Committed, InboxEntry, InputId, LeaseCall, LeaseReply, MailEntry, Mailbox, MissionRow,
    MissionView, Post, Record, Scope, Store, StoreError, TownIdentity, TownView, Vitals, Wait, crash, rules,
};

/// A handle to a store in a file. A clone is the same handle; another process, or another call of
/// [`SqliteStore::open`], makes an independent one.
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

struct Inner {
    writer: Worker,
    reader: Worker,
    watcher: Watcher,
}

impl SqliteStore {
    /// Makes the file (mode 0600, in a folder that must be there) unless it exists, and opens it.
    ///
    /// # Errors
    /// [`StoreError::Newer`] if a newer program made it, [`StoreError::Corrupt`] if it is something
    /// else, [`StoreError::Unavailable`] if it cannot be made.
    pub async fn create(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        Self::connect(path.into(), open::create).await
    }

    /// Opens an existing file.
    ///
    /// # Errors
    /// [`StoreError::NoTown`] if there is none; nothing is made. Otherwise as [`SqliteStore::create`].
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        Self::connect(path.into(), open::check).await
    }

    async fn connect(
        path: PathBuf,
        prepare: fn(&Path, &str) -> Result<(), StoreError>,
    ) -> Result<Self, StoreError> {
        let at: Arc<str> = path.display().to_string().into();
        let lost = unavailable(&at, "opening it was interrupted");
        let connect = move || {
            prepare(&path, &at)?;
            Inner::connect(&path, &at).map(|inner| Self { inner: Arc::new(inner) })
        };
        tokio::task::spawn_blocking(connect).await.map_err(|_| lost)?
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.reader.run(work).await
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let bell = self.inner.watcher.bell();
        let work = move |connection: &mut Connection| {
            let answer = work(connection);
            if answer.is_ok() {
                bell.ring();
            }
            crash::point("everything but the answer");
            answer
        };
        self.inner.writer.run(work).await
    }

    /// Reads until there is something, or `wait` is over; then the last answer stands. Dropped, it
    /// has itself watched no more.
    async fn wait_for<T: Send + 'static>(
        &self,
        wait: Wait,
        nothing: impl Fn(&T) -> bool,
        work: impl Fn(&mut Connection) -> Result<T, Failure> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut changes = self.inner.watcher.listen();
        let first = self.read(work.clone()).await?;
        if !nothing(&first) || wait.upto.is_zero() {
            return Ok(first);
        }
        let _watched = self.inner.watcher.wait(wait.eager);
        let later = async {
            // The bell cannot go while `self` is held.
            while changes.changed().await.is_ok() {
                let found = self.read(work.clone()).await?;
                if !nothing(&found) {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        };
        match tokio::time::timeout(wait.upto, later).await {
            Ok(found) => Ok(found?.unwrap_or(first)),
            Err(_over) => Ok(first),
        }
    }
}

impl Inner {
    fn connect(path: &Path, at: &Arc<str>) -> Result<Self, StoreError> {
        let connect = |access| open::connect(path, access).map_err(|failure| failure.at(at));
        Ok(Self {
            writer: Worker::start("tt-store-write", at, connect(Access::Write)?)?,
            watcher: Watcher::start(at, connect(Access::Read)?)?,
            reader: Worker::start("tt-store-read", at, connect(Access::Read)?)?,
        })
    }
}

#[async_trait]
impl Archive for SqliteStore {
    async fn missions(&self, ended: bool) -> Result<Vec<MissionRow>, StoreError> {
        self.read(move |connection| reads::missions(connection, ended)).await
    }

    async fn mission(&self, id: MissionId) -> Result<MissionView, StoreError> {
        self.read(move |connection| reads::mission(connection, id)).await
    }

    async fn steps(&self, scope: Scope, after: u64, limit: usize) -> Result<Vec<(u64, Record)>, StoreError> {
        self.read(move |connection| reads::steps(connection, scope, after, limit)).await
    }

    async fn blob(&self, sha256: &str) -> Result<String, StoreError> {
        let sha256 = sha256.to_owned();
        self.read(move |connection| reads::blob(connection, &sha256)).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn found(&self, identity: &TownIdentity) -> Result<(), StoreError> {
        let identity = identity.clone();
        self.write(move |connection| writes::found(connection, &identity)).await
    }

    async fn town(&self) -> Result<TownView, StoreError> {
        self.read(reads::town).await
    }

    async fn lease(&self, op: &OpId, call: &LeaseCall) -> Result<LeaseReply, StoreError> {
        let (op, call) = (op.clone(), call.clone());
        self.write(move |connection| writes::lease(connection, &op, &call)).await
    }

    async fn beat(&self, agent: &AgentName, generation: Generation) -> Result<u64, StoreError> {
        let agent = agent.clone();
        self.write(move |connection| writes::beat(connection, &agent, generation)).await
    }

    async fn vitals(&self) -> Result<Vitals, StoreError> {
        self.read(reads::vitals).await
    }

    async fn post(&self, post: &Post) -> Result<InputId, StoreError> {
        rules::check_post(post)?;
        let post = post.clone();
        self.write(move |connection| writes::post(connection, &post)).await
    }

    async fn answer(&self, op: &OpId, wait: Wait) -> Result<Option<Record>, StoreError> {
        let op = op.clone();
        self.wait_for(wait, Option::is_none, move |connection| reads::answer(connection, &op)).await
    }

    async fn inbox(&self, after: InputId, limit: usize, wait: Wait) -> Result<Vec<InboxEntry>, StoreError> {
        let wait = if limit == 0 { Wait::NONE } else { wait };
        let work = move |connection: &mut Connection| reads::inbox(connection, after, limit);
        self.wait_for(wait, Vec::is_empty, work).await
    }

    async fn mail(
        &self,
        of: &Mailbox,
        after: u64,
        limit: usize,
        wait: Wait,
    ) -> Result<Vec<MailEntry>, StoreError> {
        let wait = if limit == 0 { Wait::NONE } else { wait };
        let of = of.clone();
        let work = move |connection: &mut Connection| reads::mail(connection, &of, after, limit);
        self.wait_for(wait, Vec::is_empty, work).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Committed, StoreError> {
        rules::check_commit(commit)?;
        let commit = commit.clone();
        self.write(move |connection| commit::commit(connection, &commit)).await
    }
}
