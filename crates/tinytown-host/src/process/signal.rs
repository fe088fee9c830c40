//! Sending signals to the process meant, and to no other that came to its number.

use std::fmt;

use super::{Incarnation, Place, ProcessError, ProcessId};

/// The signals that we send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// `SIGTERM`: please end.
    Terminate,
    /// `SIGKILL`: end.
    Kill,
    /// `SIGSTOP`: stand still.
    Stop,
    /// `SIGCONT`: go on.
    Continue,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Terminate => "SIGTERM",
            Self::Kill => "SIGKILL",
            Self::Stop => "SIGSTOP",
            Self::Continue => "SIGCONT",
        })
    }
}

/// Sends the signal, and says whether there was anybody to send it to. A process of another boot,
/// machine or container, or one that only has the same number, gets nothing.
///
/// # Errors
/// [`ProcessError::Signal`] if the process lives and the system refused.
pub fn signal(target: &ProcessId, signal: Signal) -> Result<bool, ProcessError> {
    if Place::here()?.holds(target) { signal_here(target.incarnation(), signal) } else { Ok(false) }
}

/// As [`signal`], for a process known to be of this place.
///
/// The handle pins whatever process has the number now: once the start time is seen to be right,
/// the signal cannot reach another, however fast numbers are reused.
#[cfg(target_os = "linux")]
pub(crate) fn signal_here(target: Incarnation, signal: Signal) -> Result<bool, ProcessError> {
    use rustix::io::Errno;
    use rustix::process::{PidfdFlags, kill_process, pidfd_open, pidfd_send_signal};

    let Some(pid) = i32::try_from(target.pid).ok().and_then(rustix::process::Pid::from_raw) else {
        return Ok(false);
    };
    let handle = pidfd_open(pid, PidfdFlags::empty());
    if super::table::stat(target.pid)?.is_none_or(|found| found.id != target) {
        return Ok(false);
    }
    let sent = match handle {
        Ok(handle) => pidfd_send_signal(&handle, number(signal)),
        // An old kernel, or a sandbox that knows no handles: the moment since the look is all that is left to chance.
        Err(_) => kill_process(pid, number(signal)),
    };
    match sent {
        Ok(()) => Ok(true),
        Err(Errno::SRCH) => Ok(false),
        Err(errno) => Err(ProcessError::Signal { pid: target.pid, signal, source: errno.into() }),
    }
}

#[cfg(target_os = "linux")]
fn number(signal: Signal) -> rustix::process::Signal {
    match signal {
        Signal::Terminate => rustix::process::Signal::TERM,
        Signal::Kill => rustix::process::Signal::KILL,
        Signal::Stop => rustix::process::Signal::STOP,
        Signal::Continue => rustix::process::Signal::CONT,
    }
}

/// Without `/proc` nobody can be named, and so nobody signalled.
#[cfg(not(target_os = "linux"))]
pub(crate) fn signal_here(_: Incarnation, _: Signal) -> Result<bool, ProcessError> {
    Err(ProcessError::Unsupported)
}
