//! A thread of its own for each connection: SQLite blocks, and the runtime's threads must not.

use std::sync::{Arc, mpsc};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::failure::{Failure, unavailable};
use crate::StoreError;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A connection and the thread that works on it. The thread ends when this is dropped.
pub(super) struct Worker {
    jobs: mpsc::Sender<Job>,
    at: Arc<str>,
}

impl Worker {
    /// Starts a thread for a connection to the store at `at`.
    pub(super) fn start(name: &str, at: &Arc<str>, mut connection: Connection) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let work = move || {
            for job in queue {
                job(&mut connection);
            }
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        thread.map_err(|error| unavailable(at, error))?;
        Ok(Self { jobs, at: Arc::clone(at) })
    }

    /// Does `work` when its turn comes. If the caller is gone by then, it is not begun.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (tell, told) = oneshot::channel();
        #[cfg(feature = "mutants")]
        let planted = tinytown_core::mutant::planted();
        let job = move |connection: &mut Connection| {
            #[cfg(feature = "mutants")]
            tinytown_core::mutant::plant(planted);
            if !tell.is_closed() {
                // Whoever gave up meanwhile does not hear the answer; the work is done.
                let _unheard = tell.send(work(connection));
            }
        };
        let ended = |_| unavailable(&self.at, "the thread that works on it has ended");
        self.jobs.send(Box::new(job)).map_err(|_| unavailable(&self.at, "its thread has ended"))?;
        told.await.map_err(ended)?.map_err(|failure| failure.at(&self.at))
    }
}
