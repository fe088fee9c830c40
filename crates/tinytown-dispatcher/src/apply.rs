//! One input, applied: by the dispatcher that runs, or by ourselves if none does.

use std::sync::Arc;
use std::time::Duration;

use tinytown_core::input::Answer;
use tinytown_store::codec::decode;
use tinytown_store::{Post, StoreError, Wait};
use tokio::sync::watch;

use crate::driver::{Mode, Report, Settings};
use crate::serve::{Parts, ServeError, serve};

/// How long one read for an answer waits before it is asked again.
const ANSWER_WAIT: Duration = Duration::from_secs(2);

/// What became of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The answer.
    pub answer: Answer,
    /// We applied it ourselves, since no dispatcher runs; so many effects wait for one.
    pub effects_waiting: Option<usize>,
}

/// Why an input was not applied. It stays in the inbox if it was posted.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Neither a dispatcher nor we could apply it in time.
    #[error("posted, and not applied after {} s: {why}; it will be applied by the next dispatcher", waited.as_secs())]
    Unanswered {
        /// How long we waited.
        waited: Duration,
        /// The last trouble, or who holds the lease.
        why: String,
    },
}

impl From<ServeError> for ApplyError {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Store(error) => Self::Store(error),
        }
    }
}

/// Posts an input and returns its answer. If no dispatcher holds the lease, takes it for this one
/// step: decides and commits, and performs nothing.
///
/// # Errors
/// [`ApplyError`]; after `patience` without an answer too.
pub async fn apply(
    parts: Parts,
    settings: Settings,
    post: Post,
    patience: Duration,
) -> Result<Applied, ApplyError> {
    let op = post.op.clone();
    parts.store.post(&post).await?;
    let settings = Settings { mode: Mode::Apply(op.clone()), ..settings };
    let (stop, stopped) = watch::channel(false);
    let store = Arc::clone(&parts.store);
    let mut active = false;
    let mut trouble = String::from("another dispatcher holds the lease and has not come to it");
    let served = serve(
        parts,
        settings,
        |report| match report {
            Report::Active => active = true,
            Report::Trouble(text) => trouble = text,
            _ => {}
        },
        stopped,
    );
    let answered = async {
        loop {
            let wait = Wait { upto: ANSWER_WAIT, eager: true };
            if let Ok(Some(record)) = store.answer(&op, wait).await {
                let answer = decode::<Answer>(&format!("the answer to {op}"), &record);
                let _ = stop.send(true);
                return answer;
            }
        }
    };
    let both = async { tokio::join!(served, answered) };
    let Ok((served, answer)) = tokio::time::timeout(patience, both).await else {
        return Err(ApplyError::Unanswered { waited: patience, why: trouble });
    };
    served?;
    let effects_waiting = if active { Some(store.town().await?.effects.len()) } else { None };
    Ok(Applied { answer: answer?, effects_waiting })
}
