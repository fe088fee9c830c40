//! SIGINT and SIGTERM: the first asks to end in good order, the second ends at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::failure::Failure;

/// What a shell shows of a program that was interrupted.
const INTERRUPTED: i32 = 130;

/// Sets `stop` when a signal comes.
pub(crate) fn on_stop(stop: watch::Sender<bool>) -> Result<(), Failure> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        for urgent in [false, true] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if urgent {
                std::process::exit(INTERRUPTED);
            }
            let _ = stop.send(true);
        }
    });
    Ok(())
}
