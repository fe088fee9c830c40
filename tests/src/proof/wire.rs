//! Between processes and the store: calls travel, arrive, are executed, fail, are repeated, wait.

use std::sync::atomic::Ordering;

use tinytown_store::LeaseReply;

use super::calls::{StoreCall, StoreReply};
use super::clocks::Ms;
use super::faults::Kind;
use super::watched::Did;
use super::world::{Life, Message, Pid, Plan, Waiter, What, World};

/// After this long a caller is told that nothing can be reached.
const CUT_TELLS: Ms = 1_000;
/// After this long a caller believes that a call failed which nobody answered.
const CALL_LIMIT: Ms = 5_000;

impl World {
    /// A process calls the store. `false` if it was killed by that.
    pub(super) fn call(&mut self, pid: Pid, call: StoreCall) -> bool {
        if self.procs[pid].doomed {
            return false;
        }
        self.procs[pid].calls += 1;
        let (whom, nth) = (pid as u64, self.procs[pid].calls);
        let (host, cut_until) = (self.procs[pid].host, self.procs[pid].cut_until);
        if self.now < self.hosts[host].cut_until.max(cut_until) {
            self.tell(pid, CUT_TELLS, Message::Store(call.away()));
            self.disturbed_at = self.disturbed_at.max(self.now + CUT_TELLS);
            return true;
        }
        let mut travel = self.dice.between(0, 2, "travel", whom << 32 | nth);
        let mut heard = true;
        if self.faults.fires(Kind::StoreLate, whom, nth) {
            travel += self.faults.size(Kind::StoreLate, 50, 12_000, whom, nth);
            self.disturbed_at = self.disturbed_at.max(self.now + travel);
            if travel > CALL_LIMIT {
                heard = false;
                self.tell(pid, CALL_LIMIT, Message::Store(call.away()));
            }
        }
        if self.faults.fires(Kind::StoreEcho, whom, nth) {
            let later = travel + self.faults.size(Kind::StoreEcho, 100, 20_000, whom, nth);
            self.disturbed_at = self.disturbed_at.max(self.now + later);
            self.schedule(later, What::Arrive { pid, call: Box::new(call.clone()), nth: 0, heard: false });
        }
        self.say(|| format!("p{pid} calls {} ({nth})", call.word()));
        self.schedule(travel, What::Arrive { pid, call: Box::new(call), nth, heard });
        self.survives(pid, nth)
    }

    /// Whether a process survives its `nth` call.
    fn survives(&mut self, pid: Pid, nth: u64) -> bool {
        // The operator, who is the first of all, is no process that we promise anything about.
        if pid == 0 {
            return true;
        }
        if self.faults.fires(Kind::CrashAtCall, pid as u64, nth) {
            self.plan(0, Plan::Kill(pid));
            self.procs[pid].doomed = true;
            return false;
        }
        if self.faults.fires(Kind::PauseAtCall, pid as u64, nth) {
            let long = self.faults.size(Kind::PauseAtCall, 100, 40_000, pid as u64, nth);
            self.pause(pid, long);
        }
        true
    }

    /// Stops a process for a while.
    pub(super) fn pause(&mut self, pid: Pid, long: Ms) {
        if self.procs[pid].life == Life::Up {
            self.say(|| format!("p{pid} is stopped for {long} ms"));
            self.procs[pid].life = Life::Stopped;
            self.procs[pid].since = self.now;
            self.disturbed_at = self.disturbed_at.max(self.now + long);
            self.orphan_runs(pid);
            self.plan(long, Plan::Continue(pid));
        }
    }

    pub(super) fn arrive(&mut self, pid: Pid, call: &StoreCall, nth: u64, heard: bool) {
        if self.outages.is_at(self.now) {
            if heard {
                self.tell(pid, 1, Message::Store(call.away()));
            }
            return;
        }
        let reply = self.execute(pid, call, nth);
        if heard && reply.is_nothing() && call.waits() > 0 {
            self.sequence += 1;
            let id = self.sequence;
            self.waiters.push(Waiter { id, pid, call: call.clone() });
            self.schedule(call.waits(), What::WaitOver(id));
        } else if heard {
            let mut travel = self.dice.between(0, 2, "return", (pid as u64) << 32 | nth);
            if nth > 0 && self.faults.fires(Kind::AnswerLate, pid as u64, nth) {
                travel += self.faults.size(Kind::AnswerLate, 50, 4_000, pid as u64, nth);
                self.disturbed_at = self.disturbed_at.max(self.now + travel);
            }
            self.tell(pid, travel, Message::Store(reply));
        }
    }

    fn execute(&mut self, pid: Pid, call: &StoreCall, nth: u64) -> StoreReply {
        let whom = pid as u64;
        let kinds = [(Kind::StoreBefore, 1), (Kind::StoreAfter, 2), (Kind::StoreTwice, 3)];
        let fault = kinds.iter().find(|(kind, _)| nth > 0 && self.faults.fires(*kind, whom, nth));
        if let Some((kind, code)) = fault {
            self.say(|| format!("p{pid} {}: {}", call.word(), kind.word()));
            self.disturbed_at = self.disturbed_at.max(self.now);
            self.store_fault.store(*code, Ordering::Relaxed);
        }
        let reply = call.execute(&self.store);
        self.store_fault.store(0, Ordering::Relaxed);
        self.take_in(pid, call);
        reply
    }

    /// Looks at what the store did.
    fn take_in(&mut self, pid: Pid, call: &StoreCall) {
        for did in self.watched.take() {
            match (did, call) {
                (Did::Commit, StoreCall::Commit(commit)) => {
                    self.fold_commit(commit);
                    if let Some(write) = &commit.mission {
                        self.tell_step(pid, write);
                    }
                    let kept = self.ledger.committed(commit);
                    self.break_promise(kept);
                    self.judge_commit();
                    self.wake_waiters(|call| !matches!(call, StoreCall::Inbox(..)));
                }
                (Did::Post(id), StoreCall::Post(post)) => {
                    let kept = self.ledger.posted(id, post);
                    self.break_promise(kept);
                    self.wake_waiters(|call| matches!(call, StoreCall::Inbox(..)));
                }
                (Did::Lease(LeaseReply::Held(fence)), _) => {
                    if self.ledger.lease.is_none_or(|known| known.epoch < fence.epoch) {
                        self.say(|| format!("p{pid} holds the lease, epoch {}", fence.epoch));
                        self.ledger.lease = Some(fence);
                    }
                }
                (Did::Beat(agent, generation), _) => {
                    self.beats.insert((agent, generation.0), self.now);
                }
                (Did::Commit | Did::Post(_) | Did::Lease(_), _) => {}
            }
        }
    }

    /// Folds all that a commit writes, and when.
    fn fold_commit(&mut self, commit: &tinytown_store::Commit) {
        self.fold(&self.now.to_le_bytes());
        self.fold(commit.op.as_str().as_bytes());
        let town = commit
            .town
            .iter()
            .flat_map(|write| write.put.iter().map(|(_, record)| record).chain(&write.step));
        let mission = commit
            .mission
            .iter()
            .flat_map(|write| write.put.iter().map(|(_, record)| record).chain([&write.head, &write.step]));
        let rest =
            commit.acks.iter().map(|(_, answer)| answer).chain(commit.mail.iter().map(|mail| &mail.record));
        for record in town.chain(mission).chain(rest) {
            self.fold(record.0.as_bytes());
        }
    }

    fn tell_step(&mut self, pid: Pid, write: &tinytown_store::MissionWrite) {
        if self.log.is_none() {
            return;
        }
        let Ok(step) =
            tinytown_store::codec::decode::<tinytown_store::records::StepRecord>("step", &write.step)
        else {
            return;
        };
        for change in &step.roster {
            self.say(|| format!("p{pid} step {}: {change:?}", write.expect + 1));
        }
        for event in step.events {
            let text: String = format!("{event:?}").chars().take(230).collect();
            self.say(|| format!("p{pid} step {}: {text}", write.expect + 1));
        }
    }

    /// Lets those reads look again that may find something now.
    fn wake_waiters(&mut self, may_find: impl Fn(&StoreCall) -> bool) {
        let mut woken = Vec::new();
        for at in (0..self.waiters.len()).rev() {
            let waiter = &self.waiters[at];
            if self.procs[waiter.pid].life == Life::Dead {
                self.waiters.swap_remove(at);
                continue;
            }
            if !may_find(&waiter.call) {
                continue;
            }
            let reply = waiter.call.execute(&*self.model);
            if !reply.is_nothing() {
                woken.push((self.waiters.swap_remove(at), reply));
            }
        }
        woken.sort_by_key(|(waiter, _)| waiter.id);
        for (waiter, reply) in woken {
            self.tell(waiter.pid, 1, Message::Store(reply));
        }
    }

    pub(super) fn wait_over(&mut self, id: u64) {
        if let Some(at) = self.waiters.iter().position(|waiter| waiter.id == id) {
            let waiter = self.waiters.swap_remove(at);
            let reply = waiter.call.execute(&*self.model);
            self.tell(waiter.pid, 1, Message::Store(reply));
        }
    }

    /// Nobody reaches the store for a while.
    pub(super) fn outage(&mut self, long: Ms) {
        self.outages.add(self.now, self.now + long);
        self.disturbed_at = self.disturbed_at.max(self.now + long);
        for waiter in std::mem::take(&mut self.waiters) {
            self.tell(waiter.pid, 1, Message::Store(waiter.call.away()));
        }
    }
}
