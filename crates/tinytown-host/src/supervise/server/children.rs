//! Reaping, and removing every process that is left.
//!
//! The kernel gives every orphan below us to us (we are their subreaper), so "no children" from
//! `waitpid` is proof that no descendant is left. `/proc` only tells whom to kill.

use std::collections::BTreeSet;
use std::os::fd::AsFd as _;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signalfd::SignalFd;
use rustix::io::Errno;
use rustix::process::{WaitOptions, WaitStatus, wait};

use crate::process::table::{Stat, Table};
use crate::process::{Incarnation, ProcessError, Signal, signal_here};
use crate::supervise::Exit;

/// Between two looks at what is left, should nobody tell us; doubled each time up to the second.
const PAUSE: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(64)];

/// The children of this process.
pub(super) struct Children {
    /// The one whose exit counts.
    command: u32,
    exit: Option<Exit>,
}

/// What [`Children::remove`] did.
pub(super) struct Removed {
    /// How the command ended; `None` only if there was none.
    pub(super) exit: Option<Exit>,
    pub(super) left_over: u32,
    pub(super) out_of_reach: u32,
}

impl Children {
    pub(super) fn of(command: u32) -> Self {
        Self { command, exit: None }
    }

    pub(super) fn command_ended(&self) -> bool {
        self.exit.is_some()
    }

    /// Takes note of all that ended, and says whether none is left.
    pub(super) fn reap(&mut self) -> bool {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => self.note(pid.as_raw_pid().unsigned_abs(), status),
                Err(Errno::INTR) => {}
                Ok(None) => return false,
                Err(_) => return true,
            }
        }
    }

    fn note(&mut self, pid: u32, status: WaitStatus) {
        // Once reaped, its number may come to one of the orphans.
        if pid == self.command && self.exit.is_none() {
            let by_signal = || status.terminating_signal().map(Exit::Signal);
            self.exit = status.exit_status().map(Exit::Code).or_else(by_signal);
        }
    }

    /// Kills until nothing is left but what may not be killed. The command itself is waited for in any
    /// case: while it runs, saying that it ended would be a lie.
    pub(super) fn remove(&mut self, child_ends: &SignalFd) -> Removed {
        let mut round = Round::default();
        let mut pause = PAUSE[0];
        let mut out_of_reach = 0;
        while !self.reap() {
            let left = left();
            let command_runs = self.exit.is_none() && left.iter().any(|stat| stat.id.pid == self.command);
            if round.kill(&left) && !command_runs {
                out_of_reach = count(left.len());
                break;
            }
            sleep(child_ends, pause);
            pause = (pause * 2).min(PAUSE[1]);
        }
        let command = self.command;
        Removed {
            exit: self.exit,
            left_over: count(round.killed.iter().filter(|id| id.pid != command).count()),
            out_of_reach,
        }
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// If `/proc` cannot be read just now, the next look will tell.
fn left() -> Vec<Stat> {
    Table::read().map(|table| table.descendants(std::process::id())).unwrap_or_default()
}

/// Takes back what the kernel said of children that ended, so that it can be heard anew. To be
/// called before [`Children::reap`]: the other way round, an end in between would go unnoticed.
pub(super) fn hear(child_ends: &SignalFd) {
    while let Ok(Some(_)) = child_ends.read_signal() {}
}

/// Wakes when a child ended, or after the pause.
fn sleep(child_ends: &SignalFd, pause: Duration) {
    let mut watched = [PollFd::new(child_ends.as_fd(), PollFlags::POLLIN)];
    let _ = poll(&mut watched, PollTimeout::try_from(pause).unwrap_or(PollTimeout::ZERO));
    hear(child_ends);
}

/// Who was met so far while removing.
#[derive(Default)]
struct Round {
    killed: BTreeSet<Incarnation>,
    refused: BTreeSet<Incarnation>,
}

impl Round {
    /// Kills all of these. True if they are all beyond our reach, and so no further round would help.
    fn kill(&mut self, left: &[Stat]) -> bool {
        for stat in left {
            match signal_here(stat.id, Signal::Kill) {
                Err(ProcessError::Signal { .. }) => self.refused.insert(stat.id),
                Ok(true) if !stat.is_dead() => self.killed.insert(stat.id),
                _ => false,
            };
        }
        !left.is_empty() && left.iter().all(|stat| self.refused.contains(&stat.id))
    }
}
