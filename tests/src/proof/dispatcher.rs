//! A dispatcher: the real driver, and a shell that carries its calls into the world.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tinytown_core::effect::Effect;
use tinytown_core::id::{MissionId, OpId};
use tinytown_core::input::Input;
use tinytown_core::roster::Agent;
use tinytown_dispatcher::{Call, Driver, Event, Mode, Report, Settings, perform};
use tinytown_forge::Permit;
use tinytown_store::Record;
use tinytown_store::records::load_mission;

use super::calls::{StoreCall, StoreReply, at_once, millis};
use super::clocks::Ms;
use super::faults::Kind;
use super::ledger::{Kept, broken};
use super::post::Poster;
use super::worker::host_name;
use super::world::{LEASE, Life, Message, Performing, Pid, Plan, World};

/// A dispatcher.
pub(super) struct Dispatcher {
    /// The real one.
    pub driver: Driver,
    /// Until when effects may change things, on the clock that suspend does not stop.
    permit: Ms,
    /// Effects handed out, and in which handing-out.
    live: BTreeMap<OpId, u64>,
    forge_calls: u64,
    /// A command that applies one input, and goes.
    command: Option<(Poster, OpId, Input)>,
    /// The command's input is in the inbox.
    posted: bool,
    /// When it last began to decide.
    pub active_since: Option<Ms>,
    /// Missions that it could not read, and said so.
    told: BTreeSet<MissionId>,
}

impl Dispatcher {
    /// A dispatcher that serves, or a command that applies one input.
    pub(super) fn new(pid: Pid, host: usize, command: Option<(OpId, Input)>) -> Self {
        let lease = Duration::from_millis(LEASE);
        let mode = command.as_ref().map_or(Mode::Serve, |(op, _)| Mode::Apply(op.clone()));
        let settings = Settings {
            mode,
            lease,
            agent_lease: lease,
            holder: Record(format!("{}/{pid}", host_name(host))),
            nonce: format!("d{pid}"),
            engine: "proof".to_owned(),
        };
        Self {
            driver: Driver::new(settings),
            permit: 0,
            live: BTreeMap::new(),
            forge_calls: 0,
            command: command.map(|(op, input)| (Poster::default(), op, input)),
            posted: false,
            active_since: None,
            told: BTreeSet::new(),
        }
    }

    /// Whether it serves, and is no command.
    pub(super) const fn serves(&self) -> bool {
        self.command.is_none()
    }

    pub(super) fn hear(&mut self, world: &mut World, pid: Pid, message: Message) {
        if let Some((poster, op, input)) = &mut self.command {
            match &message {
                Message::Tick if !poster.is_busy() && world.procs[pid].calls == 0 => {
                    let (op, input) = (op.clone(), input.clone());
                    poster.post(world, pid, op, &input, true);
                }
                Message::Tick => poster.tick(world, pid),
                Message::Store(reply @ (StoreReply::Post(..) | StoreReply::Answer(..))) => {
                    self.posted |= matches!(reply, StoreReply::Post(_, Ok(_)));
                    if poster.hear(world, pid, reply).is_some() {
                        world.tell(pid, 0, Message::Stop);
                    }
                    return world.tell(pid, 0, Message::Tick);
                }
                _ => {}
            }
            if !self.posted {
                return;
            }
        }
        match message {
            Message::Perform(performing) => self.perform(world, *performing),
            message => {
                if let Some(event) = event_of(message) {
                    self.on(world, pid, event);
                }
            }
        }
    }

    fn on(&mut self, world: &mut World, pid: Pid, event: Event) {
        let now = world.hosts[world.procs[pid].host].moment(world.now);
        let committed = matches!(event, Event::Committed { .. });
        let read = if self.driver.is_active() { Vec::new() } else { readable(&event) };
        let calls = self.driver.on(event, now);
        if self.driver.is_active() {
            let kept = self.tells_what_it_cannot_read(pid, &read, &calls);
            world.break_promise(kept);
        }
        if committed {
            world.judge_belief(self.driver.town());
        }
        for call in calls {
            if !self.carry(world, pid, call) {
                return;
            }
        }
        if !self.driver.is_active() {
            self.active_since = None;
        } else if self.active_since.is_none() {
            self.active_since = Some(world.now);
            world.say(|| format!("p{pid} is active"));
        }
        if let Some(at) = self.driver.deadline(now) {
            // Never early, lest it be asked again and again.
            let at = u64::try_from(at.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
            world.alarm(pid, at);
        }
    }

    /// It said that it cannot read a mission when that began.
    fn tells_what_it_cannot_read(&mut self, pid: Pid, read: &[(MissionId, bool)], calls: &[Call]) -> Kept {
        for (mission, readable) in read {
            let name = format!("mission {mission}");
            let says =
                |call: &Call| matches!(call, Call::Report(Report::Trouble(what)) if what.contains(&name));
            if *readable {
                self.told.remove(mission);
            } else if self.told.insert(*mission) && !calls.iter().any(says) {
                broken!("G2", "p{pid} read {name}, which cannot be read, and says nothing");
            }
        }
        Ok(())
    }

    /// Carries a call out; `false` if the process was killed by that.
    fn carry(&mut self, world: &mut World, pid: Pid, call: Call) -> bool {
        match call {
            Call::Vitals => world.call(pid, StoreCall::Vitals),
            Call::Lease(op, call) => world.call(pid, StoreCall::Lease(op, call)),
            Call::Load => world.call(pid, StoreCall::Load),
            Call::Inbox(after, wait) => world.call(pid, StoreCall::Inbox(after, millis(wait.upto))),
            Call::Commit(commit) => world.call(pid, StoreCall::Commit(commit)),
            Call::Perform { mission, op, ticket, effect } => {
                self.forge_calls += 1;
                let nth = self.forge_calls;
                let performing = Performing { pid, mission, op, effect, ticket, permitted: None, nth };
                self.hand_out(world, performing)
            }
            Call::Revoke(op) => {
                self.live.remove(&op);
                true
            }
            Call::Permit(until) => {
                self.permit = millis(until);
                true
            }
            Call::Prove(agents) => {
                prove(world, pid, &agents);
                true
            }
            Call::ProveHolder { holder, seen } => {
                prove_holder(world, pid, &holder, seen);
                true
            }
            Call::Report(report) => {
                if let Report::Trouble(what) = &report {
                    world.heard_trouble(what);
                }
                true
            }
            Call::Exit => {
                world.plan(0, Plan::Kill(pid));
                true
            }
        }
    }

    fn hand_out(&mut self, world: &mut World, performing: Performing) -> bool {
        let Performing { pid, ticket, nth, .. } = performing;
        self.live.insert(performing.op.clone(), ticket);
        let whom = pid as u64;
        let mut travel = world.dice.between(5, 300, "forge", whom << 32 | nth);
        let late = world.faults.fires(Kind::ForgeLate, whom, nth);
        if !late && world.faults.fires(Kind::ForgeSlow, whom, nth) {
            travel += world.faults.size(Kind::ForgeSlow, 1_000, 60_000, whom, nth);
        }
        let permitted = late.then(|| self.permits(world, &performing));
        if late {
            travel += world.faults.size(Kind::ForgeLate, 100, 15_000, whom, nth);
        }
        let performing = Performing { permitted, ..performing };
        if late {
            // It is on its way, whatever becomes of its sender.
            world.plan(travel, Plan::Forge(Box::new(performing)));
        } else {
            world.tell(pid, travel, Message::Perform(Box::new(performing)));
        }
        true
    }

    fn permits(&self, world: &World, performing: &Performing) -> bool {
        let Performing { pid, op, ticket, .. } = performing;
        let boot = millis(world.hosts[world.procs[*pid].host].moment(world.now).boot);
        self.live.get(op) == Some(ticket) && boot < self.permit
    }

    fn perform(&mut self, world: &mut World, mut performing: Performing) {
        let pid = performing.pid;
        let permitted = self.permits(world, &performing);
        let fence = self.driver.fence();
        performing.permitted = Some(permitted);
        let acted = world.act(&performing);
        let wanted = world.ledger.missions.get(&performing.mission);
        if acted && wanted.is_some_and(|mission| !mission.effects.contains(&performing.op)) {
            world.break_promise(revoked(pid, &performing));
        }
        if acted && world.ledger.lease != fence {
            let (ours, theirs) = (fence, world.ledger.lease);
            world.break_promise(deposed(pid, &performing, ours, theirs));
        }
    }
}

fn revoked(pid: Pid, performing: &Performing) -> Kept {
    broken!("G14", "p{pid} acted ({}) after that was revoked", performing.op)
}

fn deposed(
    pid: Pid,
    performing: &Performing,
    ours: Option<tinytown_store::LeaseFence>,
    theirs: Option<tinytown_store::LeaseFence>,
) -> Kept {
    broken!("G12", "p{pid} acted ({}) under {ours:?} while {theirs:?} is in force", performing.op)
}

/// Which missions were read, and whether they could be.
fn readable(event: &Event) -> Vec<(MissionId, bool)> {
    match event {
        Event::Loaded(Ok((_, views))) => {
            views.iter().map(|view| (view.row.id, load_mission(view).is_ok())).collect()
        }
        _ => Vec::new(),
    }
}

/// A permit whose answer is known.
struct Known {
    permitted: bool,
    asked: AtomicBool,
}

impl Permit for Known {
    fn holds(&self) -> bool {
        self.asked.store(true, Ordering::Relaxed);
        self.permitted
    }
}

impl World {
    /// Performs an effect at the forge; tells whether something was changed by leave of its permit.
    pub(super) fn act(&mut self, performing: &Performing) -> bool {
        let Performing { pid, mission, op, effect, ticket, permitted, nth } = performing;
        if let Effect::Look { pull, .. } = effect {
            self.judge_look(*pull);
        }
        let (whom, nth) = (*pid as u64, *nth);
        let kinds = [(Kind::ForgeBefore, 1), (Kind::ForgeAfter, 2), (Kind::ForgeTwice, 3)];
        if let Some((kind, code)) = kinds.iter().find(|(kind, _)| self.faults.fires(*kind, whom, nth)) {
            self.say(|| format!("p{pid} {op}: {}", kind.word()));
            self.forge_fault.store(*code, Ordering::Relaxed);
        }
        let permit = Known { permitted: permitted.unwrap_or(false), asked: AtomicBool::new(false) };
        let result = at_once(perform(&self.faulty_forge, *mission, op.clone(), effect.clone(), &permit));
        self.forge_fault.store(0, Ordering::Relaxed);
        self.say(|| format!("p{pid} performs {op} {effect:?}: {result:?}"));
        self.judge_forge();
        let travel = self.dice.between(5, 1_500, "forge return", whom << 32 | nth);
        self.tell(*pid, travel, Message::Performed(op.clone(), *ticket, result));
        permit.permitted && permit.asked.load(Ordering::Relaxed)
    }
}

fn event_of(message: Message) -> Option<Event> {
    Some(match message {
        Message::Tick => Event::Tick,
        Message::Store(reply) => match reply {
            StoreReply::Vitals(vitals) => Event::Vitals(vitals),
            StoreReply::Lease(op, reply) => Event::Lease { op, reply },
            StoreReply::Load(loaded) => Event::Loaded(loaded),
            StoreReply::Inbox(after, entries) => Event::Inbox { after, entries },
            StoreReply::Commit(op, outcome) => Event::Committed { op, outcome },
            _ => return None,
        },
        Message::Performed(op, ticket, result) => Event::Performed { op, ticket, result },
        Message::Dead(agent, generation) => {
            Event::Dead { agent, generation, reason: "its process is gone".to_owned() }
        }
        Message::HolderDead(seen) => Event::HolderDead { seen },
        Message::Stop => Event::Stop,
        Message::Perform(_) | Message::RunOver(..) => return None,
    })
}

/// Which of these agents' workers are dead processes of this host, with nothing left of their runs?
fn prove(world: &mut World, pid: Pid, agents: &[Agent]) {
    let here = host_name(world.procs[pid].host);
    for agent in agents.iter().filter(|agent| agent.place.host == here) {
        let worker = agent.place.pid as usize;
        if world.procs[worker].life == Life::Dead && world.nothing_left(worker) {
            world.tell(pid, 2, Message::Dead(agent.name.clone(), agent.generation));
        }
    }
}

fn prove_holder(world: &mut World, pid: Pid, holder: &Record, seen: (u64, u64)) {
    let here = host_name(world.procs[pid].host);
    let Some((host, other)) = holder.0.split_once('/') else { return };
    let dead = other.parse::<usize>().is_ok_and(|other| world.procs[other].life == Life::Dead);
    if host == here && dead {
        world.tell(pid, 2, Message::HolderDead(seen));
    }
}
