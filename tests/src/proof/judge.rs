//! Promises that the history alone does not show: about processes, about time, about the forge.

use std::collections::{BTreeMap, BTreeSet};

use tinytown_core::id::{ItemKey, MissionId};
use tinytown_store::Scope;
use tinytown_store::records::load_mission;

use super::calls::at_once;
use super::clocks::{Ms, Spells};
use super::ledger::{Kept, Stacked, Violation, broken};
use super::world::{LEASE, Life, Pid, Role, World};

/// How much later than promised something may happen that takes a few calls.
const SLACK: Ms = 1_600;

const MINUTE: Ms = 60_000;
/// More looks at one pull request than this in a minute are no watching any more.
const LOOKS: usize = 70;

/// What the judge remembers.
#[derive(Debug, Default)]
pub(super) struct Judge {
    /// When somebody decided last.
    decided_at: Ms,
    begun: BTreeSet<(MissionId, ItemKey, u64)>,
    looks: BTreeMap<u64, Vec<Ms>>,
    merges_seen: usize,
    merged: BTreeMap<(MissionId, ItemKey), u64>,
}

impl World {
    fn tried(&mut self, guarantee: &'static str) {
        self.ledger.trials.tried(guarantee);
    }

    /// A commit was accepted: was anybody robbed, and is what was declared lost gone?
    pub(super) fn judge_commit(&mut self) {
        for (name, generation) in std::mem::take(&mut self.ledger.gone) {
            self.tried("G11");
            let kept = self.judge_gone(&name, generation);
            self.break_promise(kept);
        }
        for stacked in std::mem::take(&mut self.ledger.stacks) {
            self.tried("G4");
            let kept = self.judge_stack(&stacked);
            self.break_promise(kept);
        }
    }

    fn judge_stack(&self, Stacked { item, head, below }: &Stacked) -> Kept {
        if !self.forge.fake.contains(head, below) {
            broken!("G4", "{item} was accepted at {}, which does not hold {}", head.short(), below.short());
        }
        Ok(())
    }

    fn judge_gone(&mut self, name: &tinytown_core::id::AgentName, generation: u64) -> Kept {
        let worker = self.procs.iter().position(|proc| match &proc.role {
            Role::Worker(worker) => {
                worker.name == *name && worker.generation.map(|own| own.0) == Some(generation)
            }
            _ => false,
        });
        let Some(pid) = worker else { return Ok(()) };
        let (life, since) = (self.procs[pid].life, self.procs[pid].since);
        let last_beat = self.beats.get(&(name.clone(), generation)).copied().unwrap_or(0);
        // Nobody can show that they live while the store is away, or while the only machine sleeps.
        let asleep = if self.hosts.len() == 1 { self.hosts[0].sleeps.clone() } else { Spells::default() };
        let silent = self.outages.left_of(last_beat, self.now, &asleep);
        if life != Life::Dead && silent < LEASE {
            broken!("G11", "{name} was declared lost {silent} ms after its last sign of life");
        }
        let host = &self.hosts[self.procs[pid].host];
        // Supervisors sleep with their host.
        let awake = host.suspended.is_none() && host.woke_at < since;
        let gone = match life {
            Life::Dead => self.now - since > 100,
            Life::Stopped => self.now - since >= LEASE,
            Life::Up => false,
        };
        let out_of_touch = self.now - last_beat >= LEASE;
        for run in self.runs.iter_mut().filter(|run| run.worker == pid && run.alive) {
            if gone && awake && !run.lost_touch {
                broken!("G11", "{name} was declared lost, and its agent still works on {}", run.claim.item);
            }
            // A worker that could not be heard of for a whole lease counts as lost; its agent may go on.
            run.lost_touch |= out_of_touch;
        }
        Ok(())
    }

    /// A run began: is it one too many?
    pub(super) fn judge_runs(&mut self, at: usize) {
        self.tried("G5");
        let kept = self.runs_in_bounds(at);
        self.break_promise(kept);
    }

    fn runs_in_bounds(&mut self, at: usize) -> Kept {
        let claim = self.runs[at].claim.clone();
        if !self.judge.begun.insert((claim.mission, claim.item.clone(), claim.fence.0)) {
            broken!("G1", "{} was begun twice under fence {}", claim.item, claim.fence);
        }
        let live = || self.runs.iter().filter(|run| run.alive && !run.lost_touch);
        let of_mission = live().filter(|run| run.claim.mission == claim.mission).count();
        let of_agent = live().filter(|run| run.claim.agent == claim.agent).count();
        let Some(mission) = self.ledger.missions.get(&claim.mission) else { return Ok(()) };
        let allowed = mission.charter.policy.max_parallel as usize;
        if of_mission > allowed {
            let who: Vec<String> =
                live().map(|run| format!("{} (p{})", run.claim.item, run.worker)).collect();
            broken!(
                "G5",
                "{of_mission} agents at work on the mission, {allowed} allowed: {}",
                who.join(", ")
            );
        }
        if of_agent > 1 {
            broken!("G5", "{} works on {of_agent} items", claim.agent);
        }
        Ok(())
    }

    /// Something was done at the forge: was it done before?
    pub(super) fn judge_forge(&mut self) {
        self.tried("G3");
        self.tried("G6");
        let kept = self.effects_once();
        self.break_promise(kept);
    }

    fn effects_once(&mut self) -> Kept {
        let merges = self.forge.fake.merges_after(self.judge.merges_seen);
        self.judge.merges_seen += merges.len();
        for merge in &merges {
            let times = self.judge.merged.entry((merge.mission, merge.item.clone())).or_default();
            *times += 1;
            if *times > 1 {
                broken!("G3", "{} was merged {times} times", merge.item);
            }
            if !merge.tested {
                broken!("G6", "{} landed as {}, which no checks passed", merge.item, merge.commit.short());
            }
        }
        Ok(())
    }

    /// A pull request was looked at: is it asked without end?
    pub(super) fn judge_look(&mut self, pull: u64) {
        self.tried("G17");
        let now = self.now;
        let looks = self.judge.looks.entry(pull).or_default();
        looks.push(now);
        looks.retain(|at| at + MINUTE > now);
        let many = looks.len();
        if many > LOOKS {
            let what = format!("pull request {pull} was looked at {many} times in a minute");
            self.break_promise(Err(Violation { guarantee: "G17", what }));
        }
    }

    /// Every second: is somebody late?
    pub(super) fn judge_second(&mut self) {
        if self.active().is_some() {
            self.judge.decided_at = self.now;
        }
        if self.now <= self.disturbed_at + LEASE + SLACK {
            return;
        }
        self.tried("G12");
        if self.now > self.judge.decided_at + LEASE + SLACK {
            let kept = self.somebody_decides();
            self.break_promise(kept);
        }
        self.tried("G11");
        let kept = self.nobody_is_forgotten();
        self.break_promise(kept);
    }

    fn active(&self) -> Option<(Pid, Ms)> {
        (0..self.procs.len()).find_map(|pid| match &self.procs[pid].role {
            Role::Dispatcher(dispatcher)
                if self.runs(pid) && dispatcher.serves() && dispatcher.driver.is_active() =>
            {
                Some((pid, dispatcher.active_since.unwrap_or(self.now)))
            }
            _ => None,
        })
    }

    /// The town as the active dispatcher sees it.
    pub(super) fn decided(&self) -> Option<&tinytown_core::town::Town> {
        let (pid, _) = self.active()?;
        match &self.procs[pid].role {
            Role::Dispatcher(dispatcher) => Some(dispatcher.driver.town()),
            _ => None,
        }
    }

    fn somebody_decides(&self) -> Kept {
        let ready = (0..self.procs.len()).find(|pid| {
            matches!(&self.procs[*pid].role, Role::Dispatcher(dispatcher) if dispatcher.serves())
                && self.runs(*pid)
                && self.procs[*pid].since <= self.disturbed_at
        });
        match (ready, self.active()) {
            (Some(pid), None) => {
                broken!(
                    "G12",
                    "p{pid} is there, and nobody decides {} ms after the last trouble",
                    self.now - self.disturbed_at
                )
            }
            _ => Ok(()),
        }
    }

    fn nobody_is_forgotten(&self) -> Kept {
        let Some((_, since)) = self.active() else { return Ok(()) };
        for proc in &self.procs {
            let Role::Worker(worker) = &proc.role else { continue };
            let Some(generation) = worker.generation.filter(|_| proc.life == Life::Dead) else { continue };
            let present = self.ledger.present.get(&worker.name) == Some(&generation.0);
            let from = proc.since.max(since).max(self.disturbed_at);
            if present && self.now > from + LEASE + SLACK {
                broken!(
                    "G11",
                    "{} is dead for {} ms, and counted as present",
                    worker.name,
                    self.now - proc.since
                );
            }
        }
        Ok(())
    }

    /// What the active dispatcher believes, checked whole.
    pub(super) fn judge_belief(&mut self, town: &tinytown_core::town::Town) {
        for mission in town.missions() {
            if let Err(violation) = mission.check(town.roster()) {
                let kept = invariant(&violation);
                self.break_promise(kept);
            }
        }
    }

    /// At the end: is the history whole, and does it give what the store holds?
    pub(super) fn judge_end(&mut self) {
        self.tried("G7");
        let missions: Vec<MissionId> = self.ledger.missions.keys().copied().collect();
        for id in missions {
            let kept = self.history_gives_state(id);
            self.break_promise(kept);
        }
        let kept = self.pulls_once();
        self.break_promise(kept);
    }

    fn history_gives_state(&self, id: MissionId) -> Kept {
        let Ok(stored) = at_once(self.model.mission(id)).and_then(|view| load_mission(&view)) else {
            broken!("G2", "mission {id} cannot be read")
        };
        let known = &self.ledger.missions[&id];
        let steps = at_once(self.model.steps(Scope::Mission(id), 0, usize::MAX));
        let steps = steps.map(|steps| steps.len() as u64).unwrap_or_default();
        if steps != known.seq {
            broken!("G2", "mission {id} took {} steps, and its history holds {steps}", known.seq);
        }
        let replayed = &known.replayed;
        for (stored, replayed) in stored.items().iter().zip(replayed.items()) {
            if stored != replayed {
                broken!(
                    "G7",
                    "{} is {:?} in the store, and {:?} by its history",
                    stored.spec.key,
                    stored.now,
                    replayed.now
                );
            }
        }
        if stored.items().len() != replayed.items().len() || stored.head().state != replayed.head().state {
            broken!("G7", "mission {id} is not what its history gives");
        }
        Ok(())
    }

    fn pulls_once(&self) -> Kept {
        let mut branches = BTreeSet::new();
        for pull in self.forge.fake.pulls() {
            if !branches.insert(pull.branch.clone()) {
                broken!("G3", "{} has two pull requests", pull.branch);
            }
        }
        Ok(())
    }
}

fn invariant(violation: &tinytown_core::mission::Violation) -> Kept {
    use tinytown_core::mission::Violation as V;
    match violation {
        V::TooManyRunning { .. } => broken!("G5", "{violation}"),
        V::TooEarly { .. } | V::Gate { .. } | V::OwnReview { .. } => broken!("G4", "{violation}"),
        V::Launches { .. } => broken!("G15", "{violation}"),
        _ => broken!("G2", "{violation}"),
    }
}
