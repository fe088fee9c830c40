//! What goes wrong from outside, second by second, and how it is mended.

use tinytown_core::id::{MissionId, OpId};
use tinytown_core::input::{Input, MissionInput};
use tinytown_core::issue::IssueRef;
use tinytown_core::item::{Dependency, EdgeOrigin, EdgeSource, External, ItemSpec, Origin};

use super::clocks::Ms;
use super::dispatcher::Dispatcher;
use super::faults::Kind;
use super::worker::Worker;
use super::world::{Life, Pid, Plan, Role, World};

impl World {
    /// One second of a world in which things go wrong.
    pub(super) fn second(&mut self) {
        let nth = self.now / 1_000;
        if !self.quiet && self.faults.on {
            self.disturb_processes(nth);
            self.disturb_hosts(nth);
            self.disturb_missions(nth);
        }
        self.judge_second();
    }

    fn disturb_processes(&mut self, nth: u64) {
        for pid in 0..self.procs.len() {
            if self.procs[pid].life != Life::Up {
                continue;
            }
            let whom = pid as u64;
            match self.procs[pid].role {
                Role::Dispatcher(_) if self.faults.fires(Kind::KillDispatcher, whom, nth) => self.kill(pid),
                Role::Worker(_) if self.faults.fires(Kind::KillWorker, whom, nth) => self.kill(pid),
                Role::Worker(_) if self.faults.fires(Kind::PauseWorker, whom, nth) => {
                    let long = self.faults.size(Kind::PauseWorker, 200, 30_000, whom, nth);
                    self.pause(pid, long);
                }
                _ => {}
            }
        }
    }

    fn disturb_hosts(&mut self, nth: u64) {
        for host in 0..self.hosts.len() {
            let whom = host as u64;
            if self.faults.fires(Kind::Suspend, whom, nth) && self.hosts[host].suspended.is_none() {
                let long = self.faults.size(Kind::Suspend, 500, 90_000, whom, nth);
                self.suspend(host, long);
            }
            if self.faults.fires(Kind::ClockJump, whom, nth) {
                let by = i64::try_from(self.faults.size(Kind::ClockJump, 0, 7_200_000, whom, nth))
                    .unwrap_or(0)
                    - 3_600_000;
                self.say(|| format!("host{host}: its clock jumps by {by} ms"));
                self.hosts[host].wall_off += by;
            }
            if self.faults.fires(Kind::Cut, whom, nth) {
                let long = self.faults.size(Kind::Cut, 500, 30_000, whom, nth);
                self.say(|| format!("host{host}: cut off for {long} ms"));
                self.hosts[host].cut_until = self.now + long;
                self.disturbed_at = self.disturbed_at.max(self.now + long);
            }
        }
        if self.faults.fires(Kind::Outage, 0, nth) {
            let long = self.faults.size(Kind::Outage, 200, 20_000, 0, nth);
            self.say(|| format!("the store is away for {long} ms"));
            self.outage(long);
        }
    }

    fn disturb_missions(&mut self, nth: u64) {
        let missions: Vec<MissionId> = self.ledger.missions.keys().copied().collect();
        for (whom, id) in (0u64..).zip(missions) {
            if self.ledger.missions[&id].over.is_some() {
                continue;
            }
            if self.faults.fires(Kind::Unreadable, whom, nth) {
                let long = self.faults.size(Kind::Unreadable, 1_000, 20_000, whom, nth);
                self.say(|| format!("mission {id} cannot be read for {long} ms"));
                self.watched.set_unreadable(Some(id));
                self.disturbed_at = self.disturbed_at.max(self.now + long);
                self.plan(long, Plan::Readable);
                if self.faults.size(Kind::Unreadable, 1, 4, whom + 2_000, nth) == 1 {
                    self.only_a_command(id, nth);
                }
            }
            if self.faults.fires(Kind::StopResume, whom, nth) {
                let long = self.faults.size(Kind::StopResume, 100, 20_000, whom, nth);
                self.as_operator(|operator, world, pid| operator.stop(world, pid, id, true));
                self.plan(long, Plan::OperatorResumes(id));
            }
            if self.faults.fires(Kind::Meddle, whom, nth) {
                let text = self.meddling(id, whom, nth);
                self.as_operator(|operator, world, pid| operator.note(world, pid, id, &text));
            }
            if self.faults.fires(Kind::Grow, whom, nth) {
                let items = self.growth(id, whom, nth);
                self.as_operator(|operator, world, pid| operator.add(world, pid, id, items));
            }
            if self.faults.fires(Kind::Command, whom, nth) {
                let text = self.meddling(id, whom + 1_000, nth);
                self.command(id, &text, nth);
            }
        }
    }

    /// A note that nobody asked for.
    fn meddling(&self, id: MissionId, whom: u64, nth: u64) -> String {
        let mission = &self.ledger.missions[&id];
        let size = |what: &str, most: u64| self.dice.of(what).between(0, most, "meddle", whom << 32 | nth);
        let keys: Vec<_> = mission.items.keys().collect();
        let key = keys[usize::try_from(size("item", keys.len() as u64 - 1)).unwrap_or(0)];
        let agents = &self.scenarios.values().next().expect("a mission").agents;
        let agent = &agents[usize::try_from(size("agent", agents.len() as u64 - 1)).unwrap_or(0)].name;
        match size("word", 11) {
            0 | 1 => format!("retry {key}"),
            2 => "retry".to_owned(),
            3 => format!("approve {key}"),
            4 => format!("skip {key}"),
            5 => format!("merge {key}"),
            6 | 7 => format!("redirect {key} to {agent}"),
            8 => "resume".to_owned(),
            9 => "look at this later".to_owned(),
            10 => "pause".to_owned(),
            _ => "refresh".to_owned(),
        }
    }

    /// Two more items: one that depends on an item that is there, and on the other as if that were outside.
    fn growth(&self, id: MissionId, whom: u64, nth: u64) -> Vec<ItemSpec> {
        let mission = &self.ledger.missions[&id];
        let planned: Vec<_> = mission.items.values().filter(|item| item.task.is_none()).collect();
        let most = planned.len() as u64 - 1;
        let at = self.dice.of("upon").between(0, most, "growth", whom << 32 | nth);
        let upon = &planned[usize::try_from(at).unwrap_or(0)].spec;
        let source = EdgeSource {
            by: EdgeOrigin::Marker,
            location: "growth".into(),
            line: None,
            words: String::new(),
        };
        let item = |number| {
            let reference = IssueRef::own(number);
            ItemSpec {
                key: reference.key(),
                title: format!("Issue {number}"),
                pinned: None,
                depends_on: Vec::new(),
                external: Vec::new(),
                skip: false,
                origin: Origin::Issue(reference),
                ..upon.clone()
            }
        };
        let number = 100_000 + 1_000 * nth + 2 * whom;
        let (mut first, second) = (item(number), item(number + 1));
        first.depends_on.push(Dependency { on: upon.key.clone(), source: source.clone() });
        first.external.push(External { on: IssueRef::own(number + 1), source });
        vec![first, second]
    }

    /// All dispatchers are killed, and a command finds the lease free, or takes it over.
    fn only_a_command(&mut self, id: MissionId, nth: u64) {
        for pid in 0..self.procs.len() {
            if matches!(self.procs[pid].role, Role::Dispatcher(_)) {
                self.kill(pid);
            }
        }
        self.command(id, "look at this", nth);
    }

    /// A command that takes the lease for one step if nobody has it.
    fn command(&mut self, mission: MissionId, text: &str, nth: u64) {
        let pid = self.procs.len();
        let op = OpId::new(format!("command/{pid}"));
        let what = MissionInput::Note { text: text.to_owned(), by: "command".to_owned() };
        let host = usize::try_from(nth).unwrap_or(0) % self.hosts.len();
        self.say(|| format!("p{pid} is a command: {text}"));
        self.disturbed_at = self.disturbed_at.max(self.now);
        let command = Dispatcher::new(pid, host, Some((op, Input::Mission { mission, what })));
        self.start(host, Role::Dispatcher(Box::new(command)));
    }

    /// Lets the operator do something.
    pub(super) fn as_operator(&mut self, act: impl FnOnce(&mut super::operator::Operator, &mut Self, Pid)) {
        let Some(pid) = self.procs.iter().position(|proc| matches!(proc.role, Role::Operator(_))) else {
            return;
        };
        if let Role::Operator(mut operator) = std::mem::replace(&mut self.procs[pid].role, Role::Away) {
            act(&mut operator, self, pid);
            self.procs[pid].role = Role::Operator(operator);
        }
    }

    /// Something planned happens.
    pub(super) fn happen(&mut self, plan: Plan) {
        match plan {
            Plan::StartDispatcher { host } => self.start_dispatcher(host),
            Plan::StartWorker { agent } => self.start_worker(agent),
            Plan::Continue(pid) => self.go_on(pid),
            Plan::Resume(host) => self.resume(host),
            Plan::KillRun(run, how) => self.kill_run(run, how),
            Plan::RunEnds(run) => self.run_ends(run),
            Plan::Readable => self.watched.set_unreadable(None),
            Plan::Kill(pid) => self.kill(pid),
            Plan::Bury(pid, again) => self.replace(pid, again),
            Plan::Forge(performing) => drop(self.act(&performing)),
            Plan::OperatorResumes(id) => {
                self.as_operator(|operator, world, pid| operator.stop(world, pid, id, false));
            }
        }
    }

    fn start_dispatcher(&mut self, host: usize) {
        let pid = self.procs.len();
        self.disturbed_at = self.disturbed_at.max(self.now);
        self.say(|| format!("p{pid} is a dispatcher on host{host}"));
        let dispatcher = Dispatcher::new(pid, host, None);
        self.start(host, Role::Dispatcher(Box::new(dispatcher)));
    }

    fn start_worker(&mut self, agent: usize) {
        let name = self.agent(agent).name.clone();
        let pid = self.procs.len();
        let host = agent % self.hosts.len();
        self.say(|| format!("p{pid} is a worker for {name} on host{host}"));
        self.start(host, Role::Worker(Box::new(Worker::new(agent, name))));
    }

    /// Kills a process; somebody will start another one in its place.
    pub(super) fn kill(&mut self, pid: Pid) {
        if self.procs[pid].life == Life::Dead {
            return;
        }
        self.say(|| format!("p{pid} is gone"));
        self.procs[pid].life = Life::Dead;
        self.procs[pid].since = self.now;
        self.orphan_runs(pid);
        let again = self.dice.between(200, 25_000, "again", pid as u64);
        match &self.procs[pid].role {
            // It ends itself in the middle of what it does.
            Role::Away => self.plan(0, Plan::Bury(pid, again)),
            _ => self.replace(pid, again),
        }
    }

    /// Somebody starts another process in place of one that is gone.
    fn replace(&mut self, pid: Pid, again: Ms) {
        match &self.procs[pid].role {
            Role::Worker(worker) => {
                let agent = worker.agent;
                let other = self.procs.iter().any(|proc| {
                    proc.life != Life::Dead
                        && matches!(&proc.role, Role::Worker(other) if other.agent == agent)
                });
                if !other {
                    self.plan(again, Plan::StartWorker { agent });
                }
            }
            Role::Dispatcher(dispatcher) if dispatcher.serves() => {
                let host = self.procs[pid].host;
                self.disturbed_at = self.disturbed_at.max(self.now);
                self.plan(again, Plan::StartDispatcher { host });
            }
            _ => {}
        }
    }

    fn go_on(&mut self, pid: Pid) {
        if self.procs[pid].life == Life::Stopped {
            self.say(|| format!("p{pid} goes on"));
            self.procs[pid].life = Life::Up;
            self.procs[pid].since = self.now;
            self.disturbed_at = self.disturbed_at.max(self.now);
            self.catch_up(pid);
        }
    }

    fn suspend(&mut self, host: usize, long: Ms) {
        self.say(|| format!("host{host} is suspended for {long} ms"));
        self.hosts[host].suspend(self.now);
        self.disturbed_at = self.disturbed_at.max(self.now + long);
        self.plan(long, Plan::Resume(host));
    }

    fn resume(&mut self, host: usize) {
        if self.hosts[host].suspended.is_none() {
            return;
        }
        self.say(|| format!("host{host} resumes"));
        self.hosts[host].resume(self.now);
        self.disturbed_at = self.disturbed_at.max(self.now);
        for pid in 0..self.procs.len() {
            if self.procs[pid].host == host {
                self.catch_up(pid);
            }
        }
        self.reschedule_runs(host);
    }

    /// Faults are over: what was cut is healed, who was stopped goes on.
    pub(super) fn heal(&mut self) {
        self.say(|| "nothing goes wrong any more".to_owned());
        self.quiet = true;
        self.faults.on = false;
        self.forge.be_quiet();
        self.outages.end(self.now);
        self.watched.set_unreadable(None);
        for host in 0..self.hosts.len() {
            self.hosts[host].cut_until = self.now;
            self.resume(host);
        }
        for pid in 0..self.procs.len() {
            self.procs[pid].cut_until = self.procs[pid].cut_until.min(self.now);
            self.go_on(pid);
        }
        self.disturbed_at = self.disturbed_at.max(self.now);
    }

    /// Something that a dispatcher was troubled by.
    pub(super) fn heard_trouble(&mut self, what: &str) {
        if what.contains("a defect of tinytown") {
            let (guarantee, what) = ("G2", what.to_owned());
            self.break_promise(Err(super::ledger::Violation { guarantee, what }));
        }
        self.say(|| format!("trouble: {what}"));
    }
}
