//! Naming processes so that the name is never another's, and signalling none but the one named.
//!
//! A process number alone is reused; together with the boot, the number space (containers have their
//! own) and the start time it is not. All of this reads `/proc` and so needs Linux; elsewhere every
//! function says [`ProcessError::Unsupported`].

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

mod environment;
mod signal;
pub(crate) mod table;

pub use environment::environment;
pub(crate) use signal::signal_here;
pub use signal::{Signal, signal};

/// The variable by which the processes of a run are known, also when whoever watched them is gone.
pub const RUN_MARKER: &str = "TINYTOWN_RUN";

/// What could not be learnt of, or done to, a process.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// This operating system has no `/proc` as Linux has it.
    #[error("processes can be named and watched on Linux only")]
    Unsupported,
    /// `/proc` could not be read.
    #[error("could not read {}", path.display())]
    Read {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// `/proc` says something that we do not understand.
    #[error("could not understand {}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
    },
    /// No process has this number.
    #[error("there is no process {0}")]
    NoSuchProcess(u32),
    /// The process lives and the system refused to signal it, for example as another user's.
    #[error("could not send {signal} to process {pid}")]
    Signal {
        /// The process.
        pid: u32,
        /// What should have been sent.
        signal: Signal,
        /// Why it was not.
        source: std::io::Error,
    },
    /// The name of this host could not be read.
    #[error("could not read the host's name")]
    HostName(#[source] std::io::Error),
}

/// One process of this machine, of all that ever have its number during this boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Incarnation {
    /// Its number.
    pub(crate) pid: u32,
    /// When it started, in clock ticks since boot.
    pub(crate) start_time: u64,
}

/// A process, named so that no other ever has the same name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProcessId {
    /// The boot of the machine, a UUID as the kernel gives it.
    pub boot_id: String,
    /// The space that `pid` counts in: containers on one machine share a boot, but not their numbers.
    pub pid_namespace: u64,
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks since boot.
    pub start_time: u64,
}

/// What can be said of a process from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It runs (or is stopped), and is not a zombie.
    Alive,
    /// Proved: it has ended.
    Gone,
    /// Nothing can be told: it belongs to another boot, machine or container, or `/proc` cannot be read.
    Unknown,
}

impl ProcessId {
    /// The calling process.
    pub fn current() -> Result<Self, ProcessError> {
        Self::of(std::process::id())
    }

    /// The process that has this number now (a zombie, too, has one).
    ///
    /// # Errors
    /// [`ProcessError::NoSuchProcess`] if none has.
    pub fn of(pid: u32) -> Result<Self, ProcessError> {
        let place = Place::here()?;
        let stat = table::stat(pid)?.ok_or(ProcessError::NoSuchProcess(pid))?;
        Ok(place.name(stat.id))
    }

    /// Whether it runs, as far as can be told from here. "No" proves nothing about a process of another
    /// machine: for that, ask [`Self::fate`] for [`Fate::Gone`].
    pub fn is_alive(&self) -> bool {
        self.fate() == Fate::Alive
    }

    /// What can be said of it from here.
    pub fn fate(&self) -> Fate {
        match Place::here() {
            Ok(place) if place.holds(self) => self.fate_here(),
            _ => Fate::Unknown,
        }
    }

    fn fate_here(&self) -> Fate {
        match table::stat(self.pid) {
            Ok(Some(stat)) if stat.id == self.incarnation() && !stat.is_dead() => Fate::Alive,
            Ok(_) => Fate::Gone,
            Err(_) => Fate::Unknown,
        }
    }

    pub(crate) fn incarnation(&self) -> Incarnation {
        Incarnation { pid: self.pid, start_time: self.start_time }
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (started at tick {})", self.pid, self.start_time)
    }
}

/// Where process numbers mean the same: one boot of one machine, one number space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) boot_id: String,
    pid_namespace: u64,
}

impl Place {
    /// Where we are.
    pub(crate) fn here() -> Result<Self, ProcessError> {
        if !cfg!(target_os = "linux") {
            return Err(ProcessError::Unsupported);
        }
        let boot_file = PathBuf::from("/proc/sys/kernel/random/boot_id");
        match std::fs::read_to_string(&boot_file) {
            Ok(text) => Ok(Self { boot_id: text.trim().to_owned(), pid_namespace: pid_namespace()? }),
            Err(source) => Err(ProcessError::Read { path: boot_file, source }),
        }
    }

    /// Whether the process lives, or lived, here.
    pub(crate) fn holds(&self, process: &ProcessId) -> bool {
        (self.boot_id.as_str(), self.pid_namespace) == (process.boot_id.as_str(), process.pid_namespace)
    }

    /// The full name of a process here.
    pub(crate) fn name(&self, id: Incarnation) -> ProcessId {
        let Incarnation { pid, start_time } = id;
        ProcessId { boot_id: self.boot_id.clone(), pid_namespace: self.pid_namespace, pid, start_time }
    }
}

/// The link reads `pid:[4026531836]`.
fn pid_namespace() -> Result<u64, ProcessError> {
    let path = PathBuf::from("/proc/self/ns/pid");
    let link = match std::fs::read_link(&path) {
        Ok(link) => link,
        Err(source) => return Err(ProcessError::Read { path, source }),
    };
    let number = link.to_str().and_then(|text| text.strip_prefix("pid:[")?.strip_suffix(']')?.parse().ok());
    number.ok_or(ProcessError::Malformed { path })
}

/// Makes this process the leader of a session of its own, so that nothing typed at the terminal that
/// started it is meant for it. A process that leads a group already stays where it is.
pub fn leave_terminal() {
    let _ = nix::unistd::setsid();
}

/// The name of this host, for people and for telling whose an old record is. Not proof of anything:
/// names can be given twice.
pub fn host_name() -> Result<String, ProcessError> {
    let name = nix::unistd::gethostname().map_err(|errno| ProcessError::HostName(errno.into()))?;
    Ok(name.to_string_lossy().into_owned())
}

/// The living processes below `pid`, at any depth, however they changed session or group. One whose own
/// parent ended is found only if it was adopted below `pid` (see `PR_SET_CHILD_SUBREAPER`).
pub fn descendants(pid: u32) -> Result<Vec<ProcessId>, ProcessError> {
    let place = Place::here()?;
    let below = table::Table::read()?.descendants(pid);
    Ok(below.into_iter().filter(|stat| !stat.is_dead()).map(|stat| place.name(stat.id)).collect())
}

/// The living processes of our own user that were started with the marker of this run in their environment.
pub fn marked(run: &str) -> Result<Vec<ProcessId>, ProcessError> {
    let place = Place::here()?;
    let found = table::Table::read()?.with_environment(&marker_of(run));
    Ok(found.into_iter().map(|stat| place.name(stat.id)).collect())
}

/// The marker as it stands in an environment.
pub(crate) fn marker_of(run: &str) -> String {
    format!("{RUN_MARKER}={run}")
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
