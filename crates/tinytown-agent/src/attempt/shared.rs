//! To and from the repository that several machines share. Networks fail for moments: what fails is tried
//! again for a while, and said.

use std::time::Duration;

use tinytown_core::letter::Brief;
use tinytown_host::git::{GitError, Mirror, RefEdit, Swap};

use super::collect::Collected;
use crate::office::Office;
use crate::report::{Progress, chain};

/// Before each further try.
const PAUSES: [Duration; 7] = [
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(30),
    Duration::from_mins(1),
    Duration::from_mins(2),
];

/// Brings our copy up to date.
pub(super) async fn fetch(office: &Office, mirror: &Mirror) -> Result<(), GitError> {
    patiently(office, "the shared repository cannot be read", || mirror.fetch()).await
}

/// Makes the attempt's branch there, so that the dispatcher finds the work wherever it runs.
///
/// # Errors
/// Why not, in words; the work is kept on this machine, and the words say where.
pub(super) async fn publish(
    office: &Office,
    mirror: &Mirror,
    brief: &Brief,
    collected: &Collected,
) -> Result<(), String> {
    let (Some((kept, head)), Some(branch)) = (&collected.kept, &brief.branch) else { return Ok(()) };
    let name = format!("refs/heads/{branch}");
    let edit = [RefEdit::Create(name.clone(), head.clone())];
    let words = "the work could not be brought to the shared repository";
    let why = match patiently(office, words, || mirror.edit_refs(&edit)).await {
        Ok(Swap::Done) => {
            let own = [RefEdit::Delete(kept.clone(), head.clone())];
            // A leftover keeps what the branch keeps as well.
            let removed = mirror.git().edit_refs(&own, "tinytown: handed in").await;
            office.say_if_failed(removed.map(drop));
            return Ok(());
        }
        Ok(Swap::Elsewhere) => format!("{name} is there already, at another commit"),
        Err(error) => chain(&error),
    };
    Err(format!("{words}; it is kept as {kept} in {}: {why}", mirror.folder().display()))
}

/// Tries until it works or has failed too often.
async fn patiently<T, F: Future<Output = Result<T, GitError>>>(
    office: &Office,
    words: &str,
    call: impl Fn() -> F,
) -> Result<T, GitError> {
    for pause in PAUSES {
        match call().await {
            Ok(answer) => return Ok(answer),
            Err(error) => office.say(&Progress::Trouble(format!("{words}, trying again: {}", chain(&error)))),
        }
        tokio::time::sleep(pause).await;
    }
    call().await
}
