//! A handle to one town on a Redis server.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use fred::interfaces::ClientLike as _;
use fred::types::{ClusterHash, CustomCommand, Value};
use tinytown_core::id::{AgentName, Generation, MissionId, OpId};
use tinytown_store::codec::{decode, encode, sha256_hex};
use tinytown_store::{
    Archive, Commit, Committed, InboxEntry, InputId, LeaseCall, LeaseReply, MailEntry, Mailbox, MissionRow,
    MissionView, Post, Record, Scope, Store, StoreError, TownIdentity, TownView, Vitals, Wait, rules,
};

use crate::args::Args;
use crate::fault::Fault;
use crate::keys::{self, Keys, LAYOUT};
use crate::link::Links;
use crate::reply::{Items, text};
use crate::script::{Script, Scripts};
use crate::url::RedisUrl;
use crate::{commit, lease, reads};

/// A handle to the town of one name on a Redis server. A clone is the same handle; another process, or
/// another call of [`RedisStore::open`], makes an independent one.
///
/// Lost connections are made anew by themselves, for as long as it takes; a call meanwhile waits a few
/// seconds, and then is [`StoreError::Unavailable`].
#[derive(Clone)]
pub struct RedisStore {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    /// Where it is and which town, for errors.
    pub(crate) at: String,
    name: String,
    pub(crate) links: Links,
    pub(crate) scripts: Arc<Scripts>,
    /// The town's keys, once it is known which town goes by the name.
    keys: Mutex<Option<Arc<Keys>>>,
    told: Mutex<Told>,
}

/// The most that this handle was ever told of the store's life.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    life: u64,
    serial: u64,
}

/// What a script answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) word: String,
    /// The store's incarnation.
    pub(crate) life: u64,
    /// How many changes there were in it.
    pub(crate) serial: u64,
    /// The rest.
    pub(crate) items: Items,
}

impl RedisStore {
    /// Connects to the server; `town` is the name of the town that the handle is for, which need not
    /// be there yet.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the server cannot be reached, or does not let us in.
    pub async fn open(url: &RedisUrl, town: &str) -> Result<Self, StoreError> {
        Self::open_with(url, town, Scripts::ours()).await
    }

    pub(crate) async fn open_with(
        url: &RedisUrl,
        town: &str,
        scripts: Arc<Scripts>,
    ) -> Result<Self, StoreError> {
        let at = format!("{url} (town {town})");
        let links = Links::open(url.clone()).await.map_err(|fault| fault.at(&at))?;
        let (keys, told) = Default::default();
        Ok(Self { inner: Arc::new(Inner { at, name: town.to_owned(), links, scripts, keys, told }) })
    }

    /// The same call as the port says it.
    async fn said<T>(&self, call: impl Future<Output = Result<T, Fault>>) -> Result<T, StoreError> {
        call.await.map_err(|fault| fault.at(&self.inner.at))
    }
}

/// Whatever may have happened to a thread that held it, the value is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number that no earlier life of any store had; 53 bits pass through any JSON.
fn mint() -> u64 {
    u64::try_from(uuid::Uuid::new_v4().as_u128() & 0x1f_ffff_ffff_ffff).unwrap_or_default() | 1
}

/// The layout that a script found too new.
fn newer(items: &mut Items) -> Result<Fault, Fault> {
    Ok(Fault::Newer(u32::try_from(items.number()?).unwrap_or(u32::MAX)))
}

impl Inner {
    /// The town's keys; asks once who goes by the name.
    pub(crate) async fn keys(&self) -> Result<Arc<Keys>, Fault> {
        if let Some(keys) = lock(&self.keys).clone() {
            return Ok(keys);
        }
        match self.plain("GET", vec![keys::name(&self.name)]).await? {
            Value::Null => Err(Fault::NoTown),
            found => Ok(self.keep(&self.identity(found)?)),
        }
    }

    /// A command that is no script.
    async fn plain(&self, name: &'static str, words: Vec<String>) -> Result<Value, Fault> {
        let command = CustomCommand::new_static(name, ClusterHash::FirstKey, false);
        self.links.call(async move |client| Ok(client.custom(command, words).await?)).await
    }

    fn identity(&self, found: Value) -> Result<TownIdentity, Fault> {
        Ok(decode(&format!("the record of the town called {}", self.name), &Record(text(found)?))?)
    }

    fn keep(&self, identity: &TownIdentity) -> Arc<Keys> {
        let keys = Arc::new(Keys::new(identity.id));
        *lock(&self.keys) = Some(Arc::clone(&keys));
        keys
    }

    /// Calls a script that only reads.
    pub(crate) async fn read(
        &self,
        script: &Script,
        keys: Vec<String>,
        more: impl FnOnce(&mut Args),
    ) -> Result<Answer, Fault> {
        let mut args = Args::default();
        args.word(&u64::from(LAYOUT));
        more(&mut args);
        self.heard(self.links.call(|client| script.call(client, keys, args)).await?)
    }

    /// Calls a script that changes something.
    async fn change(
        &self,
        script: &Script,
        keys: Vec<String>,
        more: impl FnOnce(&mut Args),
    ) -> Result<Answer, Fault> {
        let Told { life, serial } = *lock(&self.told);
        let mut args = Args::default();
        args.word(&u64::from(LAYOUT)).word(&mint()).word(&life).word(&serial);
        more(&mut args);
        self.heard(self.links.call(|client| script.call(client, keys, args)).await?)
    }

    /// Takes in what a script says of the store, or why it did nothing.
    fn heard(&self, mut items: Items) -> Result<Answer, Fault> {
        let word = items.text()?;
        match word.as_str() {
            "no-town" => {
                // Who goes by the name is asked again: the server may have been emptied.
                *lock(&self.keys) = None;
                Err(Fault::NoTown)
            }
            "newer" => Err(newer(&mut items)?),
            _ => {
                let (life, serial) = (items.number()?, items.number()?);
                let mut told = lock(&self.told);
                let before = if told.life == life { told.serial } else { 0 };
                *told = Told { life, serial: serial.max(before) };
                drop(told);
                Ok(Answer { word, life, serial, items })
            }
        }
    }

    async fn found(&self, identity: &TownIdentity) -> Result<(), Fault> {
        let there = self.claim(identity).await?;
        let keys = Keys::new(there.id);
        let mut args = Args::default();
        args.word(&u64::from(LAYOUT)).word(&mint()).word(&there.id.to_string()).word(&there.name);
        args.word(&there.created_at.as_millis());
        // Also if it is another's: whoever claimed the name may have died before it founded the town.
        let script = &self.scripts.found;
        let mut items = self.links.call(|client| script.call(client, vec![keys.town()], args)).await?;
        let there = match items.text()?.as_str() {
            "there" => reads::identity(&mut items)?,
            "newer" => return Err(newer(&mut items)?),
            _ => there,
        };
        self.keep(&there);
        if there == *identity {
            return Ok(());
        }
        Err(StoreError::TownExists { name: there.name, id: there.id }.into())
    }

    /// Claims the handle's name for the town, unless it is claimed; whose it is then.
    async fn claim(&self, identity: &TownIdentity) -> Result<TownIdentity, Fault> {
        let Record(record) = encode(identity);
        let words = [keys::name(&self.name), record, "NX".to_owned(), "GET".to_owned()];
        match self.plain("SET", words.to_vec()).await? {
            Value::Null => Ok(identity.clone()),
            found => self.identity(found),
        }
    }

    async fn lease(&self, op: &OpId, call: &LeaseCall) -> Result<LeaseReply, Fault> {
        let keys = self.keys().await?;
        let named = vec![keys.town(), keys.leases(), keys.lease_log()];
        let mut answer = self.change(&self.scripts.lease, named, |args| lease::args(args, op, call)).await?;
        lease::reply(&answer.items.text()?)
    }

    async fn beat(&self, agent: &AgentName, generation: Generation) -> Result<u64, Fault> {
        let keys = self.keys().await?;
        let more = |args: &mut Args| {
            args.word(agent.as_str()).word(&generation.0);
        };
        let Answer { word, mut items, .. } =
            self.change(&self.scripts.beat, vec![keys.town(), keys.beats()], more).await?;
        let number = items.number()?;
        match word.as_str() {
            "beat" => Ok(number),
            "superseded" => {
                Err(StoreError::Superseded { agent: agent.clone(), current: Generation(number) }.into())
            }
            other => Err(Fault::Odd(format!("answered {other:?} to a beat"))),
        }
    }

    async fn post(&self, post: &Post) -> Result<InputId, Fault> {
        let keys = self.keys().await?;
        let named = vec![keys.town(), keys.inbox(), keys.posts(), keys.blobs()];
        let more = |args: &mut Args| {
            args.word(post.op.as_str()).word(&post.input).word(&sha256_hex(&post.input.0));
            args.word(&post.at.as_millis());
            for blob in &post.blobs {
                args.word(&blob.sha256).word(&blob.text);
            }
        };
        let Answer { word, mut items, .. } = self.change(&self.scripts.post, named, more).await?;
        match word.as_str() {
            "posted" => Ok(InputId(items.number()?)),
            "other-content" => Err(rules::other_content(post).into()),
            other => Err(Fault::Odd(format!("answered {other:?} to a post"))),
        }
    }

    async fn commit(&self, commit: &Commit) -> Result<Committed, Fault> {
        let keys = self.keys().await?;
        let (named, boxes) = commit::keys(&keys, commit);
        let more = |args: &mut Args| commit::args(args, commit, &boxes);
        commit::outcome(commit, self.change(&self.scripts.commit, named, more).await?)
    }
}

#[async_trait]
impl Archive for RedisStore {
    async fn missions(&self, ended: bool) -> Result<Vec<MissionRow>, StoreError> {
        self.said(self.inner.missions(ended)).await
    }

    async fn mission(&self, id: MissionId) -> Result<MissionView, StoreError> {
        self.said(self.inner.mission(id)).await
    }

    async fn steps(&self, scope: Scope, after: u64, limit: usize) -> Result<Vec<(u64, Record)>, StoreError> {
        self.said(self.inner.steps(scope, after, limit)).await
    }

    async fn blob(&self, sha256: &str) -> Result<String, StoreError> {
        self.said(self.inner.blob(sha256)).await
    }
}

#[async_trait]
impl Store for RedisStore {
    async fn found(&self, identity: &TownIdentity) -> Result<(), StoreError> {
        self.said(self.inner.found(identity)).await
    }

    async fn town(&self) -> Result<TownView, StoreError> {
        self.said(self.inner.town()).await
    }

    async fn lease(&self, op: &OpId, call: &LeaseCall) -> Result<LeaseReply, StoreError> {
        self.said(self.inner.lease(op, call)).await
    }

    async fn beat(&self, agent: &AgentName, generation: Generation) -> Result<u64, StoreError> {
        self.said(self.inner.beat(agent, generation)).await
    }

    async fn vitals(&self) -> Result<Vitals, StoreError> {
        self.said(self.inner.vitals()).await
    }

    async fn post(&self, post: &Post) -> Result<InputId, StoreError> {
        rules::check_post(post)?;
        self.said(self.inner.post(post)).await
    }

    async fn answer(&self, op: &OpId, wait: Wait) -> Result<Option<Record>, StoreError> {
        self.said(self.inner.answer(op, wait)).await
    }

    async fn inbox(&self, after: InputId, limit: usize, wait: Wait) -> Result<Vec<InboxEntry>, StoreError> {
        self.said(self.inner.inbox(after, limit, wait)).await
    }

    async fn mail(
        &self,
        of: &Mailbox,
        after: u64,
        limit: usize,
        wait: Wait,
    ) -> Result<Vec<MailEntry>, StoreError> {
        self.said(self.inner.mail(of, after, limit, wait)).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Committed, StoreError> {
        rules::check_commit(commit)?;
        self.said(self.inner.commit(commit)).await
    }
}
