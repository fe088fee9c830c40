//! The two tasks that run beside the work: saying that we live, and reading the mail.

use std::sync::Arc;
use std::time::Duration;

use tinytown_core::letter::Letter;
use tinytown_store::{MailEntry, Mailbox, StoreError, Wait, records};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::news::{Event, Events};
use crate::office::Office;
use crate::standing::Standing;

/// How long after something happened more is expected, and mail is looked for more often.
const WARM: Duration = Duration::from_secs(30);
/// How long one look at the mail waits otherwise.
const CALM: Duration = Duration::from_mins(1);
/// Most letters at once.
const BATCH: usize = 64;

/// Beats until another worker has the name.
pub(crate) async fn beat(standing: Arc<Standing>, events: Events) {
    let event = loop {
        match standing.beat().await {
            Ok(()) => standing.until_next_beat().await,
            Err(StoreError::Unavailable { .. }) => tokio::time::sleep(standing.pause()).await,
            Err(StoreError::Superseded { current, .. }) => break Event::Superseded(current),
            Err(error) => break Event::Failed(error),
        }
    };
    let _ = events.send(event);
}

/// Reads the mail, eagerly while more is expected; `hurry` says that it is.
pub(crate) async fn mail(office: Arc<Office>, events: Events, hurry: Arc<Notify>) {
    let mailbox = Mailbox::Agent(office.settings.agent.clone());
    let mut after = 0;
    let mut last = Instant::now();
    loop {
        let warm = WARM.saturating_sub(last.elapsed());
        let wait =
            if warm.is_zero() { Wait { upto: CALM, eager: false } } else { Wait { upto: warm, eager: true } };
        let read = tokio::select! {
            read = office.persist(|| office.store().mail(&mailbox, after, BATCH, wait)) => read,
            () = hurry.notified() => {
                last = Instant::now();
                continue;
            }
        };
        match read.and_then(|entries| entries.iter().map(open).collect::<Result<Vec<_>, _>>()) {
            Ok(letters) => {
                for (position, letter) in letters {
                    after = position;
                    last = Instant::now();
                    let _ = events.send(Event::Letter(letter));
                }
            }
            Err(error) => {
                let _ = events.send(Event::Failed(error));
                return;
            }
        }
    }
}

fn open(entry: &MailEntry) -> Result<(u64, Letter), StoreError> {
    Ok((entry.position, records::load_letter(&entry.key, &entry.record)?))
}
