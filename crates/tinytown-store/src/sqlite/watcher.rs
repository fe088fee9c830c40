//! Notices changes by any process, so that waiting reads look again.
//!
//! SQLite tells other processes nothing; `PRAGMA data_version` on a connection of its own changes
//! when anybody else has committed. It is asked only while somebody waits. What the same handle
//! commits is told at once.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::watch;

use super::failure::unavailable;
use crate::StoreError;

/// Between two looks while somebody is in a hurry.
const EAGER: Duration = Duration::from_millis(2);

/// Between two looks otherwise: with the look itself under 100 ms, and under a thousandth of a core,
/// of which most goes into waking up at all.
const CALM: Duration = Duration::from_millis(95);

/// Watches the store while there are waiters. Its thread ends when this is dropped.
pub(super) struct Watcher {
    shared: Arc<Shared>,
}

/// Announces a change; those who listen look again.
#[derive(Clone)]
pub(super) struct Bell(watch::Sender<u64>);

/// One who waits; dropped, it waits no more.
pub(super) struct Waiter {
    shared: Arc<Shared>,
    eager: bool,
}

struct Shared {
    bell: Bell,
    waiters: Mutex<Waiters>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiters {
    eager: usize,
    calm: usize,
    closed: bool,
}

impl Bell {
    pub(super) fn ring(&self) {
        self.0.send_modify(|count| *count += 1);
    }
}

impl Watcher {
    /// Starts watching through a connection that nobody else uses.
    pub(super) fn start(at: &Arc<str>, connection: Connection) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared {
            bell: Bell(watch::Sender::new(0)),
            waiters: Mutex::default(),
            changed: Condvar::new(),
        });
        // Seen before any read of this handle: whatever is committed after a read differs from it.
        let first = data_version(&connection);
        let watched = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("tt-store-watch".to_owned());
        let started = thread.spawn(move || watched.watch(&connection, first));
        started.map_err(|error| unavailable(at, error))?;
        Ok(Self { shared })
    }

    /// What to ring after a commit of one's own.
    pub(super) fn bell(&self) -> Bell {
        self.shared.bell.clone()
    }

    /// Listens from now on, whether or not anybody watches yet.
    pub(super) fn listen(&self) -> watch::Receiver<u64> {
        self.shared.bell.0.subscribe()
    }

    /// Has the store watched for as long as the answer lives.
    pub(super) fn wait(&self, eager: bool) -> Waiter {
        let mut waiters = self.shared.lock();
        let (nobody, no_eager) = (waiters.calm + waiters.eager == 0, waiters.eager == 0);
        *waiters.count(eager) += 1;
        drop(waiters);
        if nobody || (eager && no_eager) {
            self.shared.changed.notify_one();
        }
        Waiter { shared: Arc::clone(&self.shared), eager }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        *self.shared.lock().count(self.eager) -= 1;
    }
}

impl Waiters {
    fn count(&mut self, eager: bool) -> &mut usize {
        if eager { &mut self.eager } else { &mut self.calm }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiters> {
        // Nothing panics under this lock; counts stay right in any case.
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, connection: &Connection, mut last: Option<i64>) {
        while self.pause() {
            let now = data_version(connection);
            // A store that cannot be looked at is a change too: those who wait hear the error themselves.
            if now.is_none() || now != last {
                self.bell.ring();
            }
            last = now;
        }
    }

    /// Until the next look, which is never while nobody waits; false when all is over.
    fn pause(&self) -> bool {
        let idle = |waiters: &mut Waiters| waiters.eager + waiters.calm == 0 && !waiters.closed;
        let waiters = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        if waiters.closed {
            return false;
        }
        let upto = if waiters.eager > 0 { EAGER } else { CALM };
        let waited = self.changed.wait_timeout(waiters, upto);
        !waited.unwrap_or_else(PoisonError::into_inner).0.closed
    }
}

/// A number that differs when another connection has committed; `None` if the store does not answer.
fn data_version(connection: &Connection) -> Option<i64> {
    let mut statement = connection.prepare_cached("PRAGMA data_version").ok()?;
    statement.query_row([], |row| row.get(0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_watched_for_once_the_last_waiter_is_dropped() {
        let connection = Connection::open_in_memory().expect("opens");
        let watcher = Watcher::start(&"memory".into(), connection).expect("starts");
        let waiters = || {
            let waiters = watcher.shared.lock();
            (waiters.eager, waiters.calm)
        };
        let (eager, calm) = (watcher.wait(true), watcher.wait(false));
        assert_eq!(waiters(), (1, 1));
        drop(eager);
        assert_eq!(waiters(), (0, 1));
        drop(calm);
        assert_eq!(waiters(), (0, 0));
    }
}
