//! Agents' processes: begun by workers, ended by themselves, by their worker, or by their supervisor.

use tinytown_core::id::Claim;
use tinytown_core::simulate::Deed;

use super::clocks::Ms;
use super::world::{LEASE, Life, Message, Pid, Plan, Role, World};

/// How soon a supervisor notices that its worker is dead.
const ORPHANED_AFTER: Ms = 50;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// By itself.
    Itself,
    /// Its worker cancelled it.
    Cancelled,
    /// Its worker gave it up, since the assignment is not in force.
    Abandoned,
    /// Its supervisor heard nothing of the worker.
    Orphaned,
}

/// An agent's process.
#[derive(Debug, Clone)]
pub(super) struct Run {
    /// Under which assignment.
    pub claim: Claim,
    /// Of which worker.
    pub worker: Pid,
    /// What it does.
    pub deed: Deed,
    /// It lives.
    pub alive: bool,
    /// When it ends by itself, on its host's monotonic clock.
    ends: Ms,
    /// Its worker was out of touch for a whole lease: the run may outlive its assignment.
    pub lost_touch: bool,
}

impl World {
    /// Begins a run.
    pub(super) fn begin_run(&mut self, worker: Pid, claim: Claim, deed: Deed) -> usize {
        let ends = self.mono(worker) + super::calls::millis(deed.takes);
        let run = Run { claim, worker, deed, alive: true, ends, lost_touch: false };
        self.say(|| {
            format!("p{worker} runs {} attempt {} for {}", run.claim.item, run.claim.attempt, run.claim.agent)
        });
        self.runs.push(run);
        let at = self.runs.len() - 1;
        self.await_end(at);
        self.judge_runs(at);
        at
    }

    fn await_end(&mut self, at: usize) {
        let run = &self.runs[at];
        let when = self.hosts[self.procs[run.worker].host].when(run.ends).max(self.now + 1);
        self.plan(when - self.now, Plan::RunEnds(at));
    }

    /// The time of its end has come, if its host did not sleep.
    pub(super) fn run_ends(&mut self, at: usize) {
        let run = &self.runs[at];
        if !run.alive {
            return;
        }
        let host = &self.hosts[self.procs[run.worker].host];
        if host.suspended.is_some() || host.mono(self.now) < run.ends {
            if host.suspended.is_none() {
                self.await_end(at);
            }
            return;
        }
        self.end_run(at, How::Itself);
    }

    /// A run is over, and its worker hears of it.
    pub(super) fn end_run(&mut self, at: usize, how: How) {
        let worker = self.runs[at].worker;
        let asleep = self.hosts[self.procs[worker].host].suspended.is_some();
        if asleep {
            self.plan(1_000, Plan::KillRun(at, how));
            return;
        }
        if std::mem::replace(&mut self.runs[at].alive, false) {
            self.say(|| format!("run {at} is over: {how:?}"));
            self.tell(worker, 1, Message::RunOver(at, how));
        }
    }

    /// The supervisors of a process that was killed or stopped will notice.
    pub(super) fn orphan_runs(&mut self, pid: Pid) {
        if !matches!(self.procs[pid].role, Role::Worker(_) | Role::Away) {
            return;
        }
        let after = if self.procs[pid].life == Life::Dead { ORPHANED_AFTER } else { LEASE * 2 / 3 };
        for at in 0..self.runs.len() {
            if self.runs[at].alive && self.runs[at].worker == pid {
                self.plan(after, Plan::KillRun(at, How::Orphaned));
            }
        }
    }

    /// What a supervisor does when the time comes: kills, unless its worker came back.
    pub(super) fn kill_run(&mut self, at: usize, how: How) {
        let worker = self.runs[at].worker;
        let stopped_for = self.now - self.procs[worker].since;
        let back = how == How::Orphaned
            && (self.procs[worker].life == Life::Up
                || (self.procs[worker].life == Life::Stopped && stopped_for < LEASE * 2 / 3));
        if !back && self.runs[at].alive {
            self.end_run(at, how);
        }
    }

    /// Runs begun while the clocks of a host stood still end later.
    pub(super) fn reschedule_runs(&mut self, host: usize) {
        for at in 0..self.runs.len() {
            if self.runs[at].alive && self.procs[self.runs[at].worker].host == host {
                self.await_end(at);
            }
        }
    }

    /// Whether everything that a worker ran is gone.
    pub(super) fn nothing_left(&self, worker: Pid) -> bool {
        self.runs.iter().all(|run| !run.alive || run.worker != worker)
    }
}
