//! Removing what is left of runs.
//!
//! Only what is proved to belong to a run is killed: the command by its process id and start time,
//! what is below it or its supervisor, and what carries the run's marker in its environment. A process
//! that was orphaned by the supervisor's death *and* had wiped its environment is not found.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{ListedRun, Listing, RunFile, RunFileError, RunState, living};
use crate::files;
use crate::process::table::{Stat, Table};
use crate::process::{self, Incarnation, Place, ProcessError, ProcessId, Signal, signal_here};

/// How long a sweep waits for killed processes of one run to be gone. Only one that is stuck in the
/// kernel takes longer, and the next sweep looks again.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks at what is left.
const PAUSE: Duration = Duration::from_millis(2);

/// Which runs to sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those whose supervisor is dead.
    Abandoned,
    /// Those too whose supervisor lives; it is killed last.
    All,
}

/// What a sweep did.
#[derive(Debug, Default)]
pub struct Swept {
    /// Runs of which nothing is left now, their files deleted.
    pub removed: Vec<Removed>,
    /// Runs of which processes are left: that could not be killed, or that asked for this sweep. Their files stay.
    pub surviving: Vec<Surviving>,
    /// Run files of other machines or containers, left alone.
    pub elsewhere: Vec<PathBuf>,
    /// Files that say nothing we understand, left alone.
    pub unreadable: Vec<RunFileError>,
}

/// A run that a sweep removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Its name.
    pub run: String,
    /// How many processes were killed.
    pub killed: usize,
}

/// A run that a sweep could not remove whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surviving {
    /// Its name.
    pub run: String,
    /// Its run file.
    pub path: PathBuf,
    /// What is left.
    pub processes: Vec<ProcessId>,
}

/// Removes what is left of the runs in this folder. The caller and those above it are never killed,
/// whatever their environment says. Blocks until the killed processes are gone.
pub fn sweep(folder: &Path, which: Which) -> Result<Swept, RunFileError> {
    let Listing { runs, unreadable } = living(folder)?;
    let mut swept = Swept { unreadable, ..Swept::default() };
    for ListedRun { path, file, state } in runs {
        match state {
            RunState::Elsewhere => swept.elsewhere.push(path),
            RunState::Supervised if which == Which::Abandoned => {}
            RunState::Supervised | RunState::Abandoned => swept.take(path, &file)?,
        }
    }
    Ok(swept)
}

impl Swept {
    /// Removes one run, and notes what came of it.
    fn take(&mut self, path: PathBuf, file: &RunFile) -> Result<(), RunFileError> {
        let place = Place::here()?;
        let (killed, left) = if place.holds(&file.supervisor) { remove(file)? } else { (0, Vec::new()) };
        let run = file.run.clone();
        if left.is_empty() {
            files::remove(&path)?;
            self.removed.push(Removed { run, killed });
        } else {
            let processes = left.into_iter().map(|stat| place.name(stat.id)).collect();
            self.surviving.push(Surviving { run, path, processes });
        }
        Ok(())
    }
}

/// Kills until nothing is left or patience ends: how many were killed, and what is left.
fn remove(file: &RunFile) -> Result<(usize, Vec<Stat>), ProcessError> {
    let give_up = Instant::now() + PATIENCE;
    let mut killed: BTreeSet<Incarnation> = BTreeSet::new();
    loop {
        let Left { to_kill, spared } = Left::of(file)?;
        if to_kill.is_empty() || Instant::now() >= give_up {
            return Ok((killed.len(), [to_kill, spared].concat()));
        }
        for stat in to_kill {
            match signal_here(stat.id, Signal::Kill) {
                Ok(true) => _ = killed.insert(stat.id),
                // Gone meanwhile, or not ours to kill: the next look tells which.
                Ok(false) | Err(ProcessError::Signal { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        std::thread::sleep(PAUSE);
    }
}

/// The living processes of a run.
struct Left {
    /// To be killed now.
    to_kill: Vec<Stat>,
    /// The caller and those above it.
    spared: Vec<Stat>,
}

impl Left {
    /// The supervisor is to be killed only once nothing else is left: while it lives it adopts, and so
    /// keeps findable, what loses its parent.
    fn of(file: &RunFile) -> Result<Self, ProcessError> {
        let table = Table::read()?;
        let supervisor = table.get(file.supervisor.incarnation()).filter(|stat| !stat.is_dead());
        let mut tree = tree(&table, file, supervisor);
        tree.retain(|stat| Some(stat.id) != supervisor.map(|supervisor| supervisor.id));
        let protected = table.line_of(std::process::id());
        let is_protected = |stat: &Stat| protected.contains(&stat.id.pid);
        let (mut spared, mut to_kill): (Vec<_>, Vec<_>) = tree.into_iter().partition(is_protected);
        match supervisor {
            Some(supervisor) if is_protected(&supervisor) => spared.push(supervisor),
            Some(supervisor) if to_kill.is_empty() => to_kill.push(supervisor),
            _ => {}
        }
        Ok(Self { to_kill, spared })
    }
}

/// All that lives of the run, each once.
fn tree(table: &Table, file: &RunFile, supervisor: Option<Stat>) -> Vec<Stat> {
    let command = file.command.as_ref().and_then(|id| table.get(id.incarnation()));
    let marked = table.with_environment(&process::marker_of(&file.run));
    let below = |stat: &Stat| table.descendants(stat.id.pid);
    let below_supervisor = supervisor.iter().flat_map(below);
    let roots: Vec<Stat> = command.into_iter().chain(marked).chain(below_supervisor).collect();
    let mut met = BTreeSet::new();
    let all = roots.iter().flat_map(below).chain(roots.iter().copied());
    all.filter(|stat| !stat.is_dead() && met.insert(stat.id)).collect()
}
