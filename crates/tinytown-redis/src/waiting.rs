//! Reads that wait: one `XREAD BLOCK` on a connection of its own, which goes on from a position. It
//! takes nothing away, so whoever gives up waiting, or dies, harms nobody.

use std::time::Duration;

use fred::interfaces::ClientLike as _;
use fred::types::config::Options;
use fred::types::{ClusterHash, CustomCommand, Value};
use tinytown_core::id::OpId;
use tinytown_store::{InboxEntry, InputId, MailEntry, Mailbox, Record, Wait};
use tokio::time::Instant;

use crate::fault::Fault;
use crate::link::PATIENCE;
use crate::reads::{inbox_entry, mail_entry, most};
use crate::reply::{Entry, Items};
use crate::store::{Answer, Inner};

/// The longest that one command waits: after it, a server that is gone without a word is noticed.
const CALM: Duration = Duration::from_secs(20);
/// The same while somebody is in a hurry.
const EAGER: Duration = Duration::from_secs(3);

/// Longer than anybody waits.
const EVER: Duration = Duration::from_secs(1 << 32);

/// When a wait is over.
#[derive(Debug, Clone, Copy)]
struct Deadline {
    at: Instant,
    eager: bool,
}

impl Deadline {
    fn of(wait: Wait) -> Self {
        Self { at: Instant::now() + wait.upto.min(EVER), eager: wait.eager }
    }

    /// How long the next command may wait, if there is time left.
    fn turn(self) -> Option<Duration> {
        let left = self.at.saturating_duration_since(Instant::now());
        let most = if self.eager { EAGER } else { CALM };
        (!left.is_zero()).then_some(left.min(most))
    }
}

impl Inner {
    pub(crate) async fn inbox(
        &self,
        after: InputId,
        limit: usize,
        wait: Wait,
    ) -> Result<Vec<InboxEntry>, Fault> {
        let stream = self.keys().await?.inbox();
        self.follow(stream, after.0, limit, wait).await?.into_iter().map(inbox_entry).collect()
    }

    pub(crate) async fn mail(
        &self,
        of: &Mailbox,
        after: u64,
        limit: usize,
        wait: Wait,
    ) -> Result<Vec<MailEntry>, Fault> {
        let stream = self.keys().await?.mail(of);
        self.follow(stream, after, limit, wait).await?.into_iter().map(mail_entry).collect()
    }

    /// A page of a stream, once there is something on it or the wait is over.
    async fn follow(
        &self,
        stream: String,
        after: u64,
        limit: usize,
        wait: Wait,
    ) -> Result<Vec<Entry>, Fault> {
        let deadline = Deadline::of(wait);
        while limit > 0
            && let Some(turn) = deadline.turn()
        {
            let found = self.block(&stream, format!("{after}-0"), most(limit), turn).await?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        self.page(stream, after, limit, None).await
    }

    pub(crate) async fn answer(&self, op: &OpId, wait: Wait) -> Result<Option<Record>, Fault> {
        let deadline = Deadline::of(wait);
        let keys = self.keys().await?;
        loop {
            let Answer { mut serial, mut items, .. } = self.field(&keys, keys.answers(), op.as_str()).await?;
            let found = items.maybe()?;
            if found.is_some() {
                return Ok(found.map(Record));
            }
            // What was committed up to then has not answered it; what comes after is told by the memos.
            loop {
                let Some(turn) = deadline.turn() else { return Ok(None) };
                let after = format!("{serial}-{}", u64::MAX);
                let memos = self.block(&keys.memos(), after, 0, turn).await?;
                let is_ours = |entry: &Entry| entry.values.get(1).is_some_and(|name| name == op.as_str());
                if memos.is_empty() || memos.iter().any(is_ours) {
                    break;
                }
                serial = memos.last().map_or(serial, |entry| entry.number);
            }
        }
    }

    /// At most `most` entries after an id (0 for all that there are); nothing if none comes in time.
    async fn block(
        &self,
        stream: &str,
        after: String,
        most: usize,
        turn: Duration,
    ) -> Result<Vec<Entry>, Fault> {
        let mut words = Vec::with_capacity(7);
        if most > 0 {
            words.extend(["COUNT".to_owned(), most.to_string()]);
        }
        // Zero would be for ever, and a millisecond too few would be before the time.
        let millis = turn.as_millis() + 1;
        words.extend(["BLOCK".to_owned(), millis.to_string()]);
        words.extend(["STREAMS".to_owned(), stream.to_owned(), after]);
        let slot = ClusterHash::Custom(fred::util::redis_keyslot(stream.as_bytes()));
        let command = CustomCommand::new_static("XREAD", slot, true);
        let options = Options { timeout: Some(turn + PATIENCE), ..Options::default() };
        let link = self.links.waiting().await?;
        let found: Value = link.client.with_options(&options).custom(command, words).await?;
        self.links.keep(link);
        streams(found)
    }
}

/// The entries of the only stream that was asked for.
fn streams(found: Value) -> Result<Vec<Entry>, Fault> {
    let mut found = Items::of(found)?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let mut stream = found.list()?;
    stream.value()?;
    stream.list()?.entries()
}
