//! A worker as others see it: it takes a name, beats, reads its mail, runs agents, hands in what they
//! did. It keeps the protocol of `tinytown-agent`'s worker; processes and git are played.

use std::collections::{BTreeSet, VecDeque};

use tinytown_core::id::{AgentName, Claim, Generation, OpId, Role as Skill};
use tinytown_core::input::{Answer, AttemptEnd, Input, Join, MissionInput, Submission};
use tinytown_core::item::Kind;
use tinytown_core::letter::{Brief, Letter};
use tinytown_core::roster::Place;
use tinytown_core::simulate::{Deed, Ending, Script};
use tinytown_store::records::{load_letter, load_roster};
use tinytown_store::{MailEntry, StoreError, TownView};

use super::calls::{StoreCall, StoreReply};
use super::clocks::Ms;
use super::post::Poster;
use super::run::How;
use super::world::{LEASE, Life, Message, Pid, Plan, World};

const AGAIN: Ms = 200;
const CALM: Ms = 60_000;

/// Where a worker stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// It looks who has its name.
    Looking,
    /// It looks again at that time.
    LookLater(Ms),
    /// It says that the name's holder is gone.
    Burying(OpId),
    /// It asks for the name.
    Joining(OpId),
    /// It has the name.
    Serving,
}

/// The attempt at hand.
struct Attempt {
    brief: Brief,
    stage: AttemptStage,
    cancelled: bool,
    abandoned: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum AttemptStage {
    Telling(OpId),
    /// It may begin once the worker has made sure that it is counted as alive.
    Waiting,
    Running(usize),
    Reporting(OpId),
}

/// A worker.
pub(super) struct Worker {
    /// Which agent of the scenario it serves.
    pub agent: usize,
    /// Its name.
    pub name: AgentName,
    stage: Stage,
    /// Its start, once it has the name.
    pub generation: Option<Generation>,
    beat_due: Option<Ms>,
    /// When the last answered beat was begun, on the clock that suspend does not stop.
    answered_beat: Ms,
    /// When the name was asked for last: from then on it may have been ours, and silent.
    asked_at: Ms,
    /// When those were begun that are not answered.
    begun_beats: VecDeque<Ms>,
    mail_after: u64,
    mail_due: Option<Ms>,
    waiting: VecDeque<Brief>,
    current: Option<Attempt>,
    poster: Poster,
    asking_again: Option<OpId>,
    retiring: bool,
    ops: u64,
    read: BTreeSet<u64>,
}

impl Worker {
    /// A worker for an agent of the first scenario.
    pub(super) fn new(agent: usize, name: AgentName) -> Self {
        Self {
            agent,
            name,
            stage: Stage::LookLater(0),
            generation: None,
            beat_due: None,
            answered_beat: 0,
            asked_at: 0,
            begun_beats: VecDeque::new(),
            mail_after: 0,
            mail_due: None,
            waiting: VecDeque::new(),
            current: None,
            poster: Poster::default(),
            asking_again: None,
            retiring: false,
            ops: 0,
            read: BTreeSet::new(),
        }
    }

    pub(super) fn hear(&mut self, world: &mut World, pid: Pid, message: Message) {
        match message {
            Message::Tick => self.tick(world, pid),
            Message::Store(reply) => self.answered(world, pid, reply),
            Message::RunOver(run, how) => self.run_over(world, pid, run, how),
            Message::Stop => world.kill(pid),
            _ => {}
        }
    }

    fn op(&mut self, pid: Pid, what: &str) -> OpId {
        self.ops += 1;
        OpId::new(format!("p{pid}/{what}/{}", self.ops))
    }

    fn tick(&mut self, world: &mut World, pid: Pid) {
        let mono = world.mono(pid);
        if let Stage::LookLater(at) = self.stage {
            if at <= mono {
                self.stage = Stage::Looking;
                world.call(pid, StoreCall::Town);
            } else {
                world.alarm(pid, at);
            }
        }
        match self.beat_due {
            Some(at) if at <= mono => self.beat(world, pid),
            Some(at) => world.alarm(pid, at),
            None => {}
        }
        match self.mail_due {
            Some(at) if at <= mono => self.read_mail(world, pid),
            Some(at) => world.alarm(pid, at),
            None => {}
        }
        self.poster.tick(world, pid);
    }

    fn answered(&mut self, world: &mut World, pid: Pid, reply: StoreReply) {
        match reply {
            StoreReply::Town(view) => self.looked(world, pid, view),
            StoreReply::Beat(counted) => self.beaten(world, pid, &counted),
            StoreReply::Mail(letters) => self.mail(world, pid, letters),
            reply => {
                if let Some((op, answer)) = self.poster.hear(world, pid, &reply) {
                    self.heard_answer(world, pid, &op, &answer);
                }
            }
        }
    }

    fn look_later(&mut self, world: &mut World, pid: Pid) {
        let at = world.mono(pid) + AGAIN;
        self.stage = Stage::LookLater(at);
        world.alarm(pid, at);
    }

    /// Who has the name?
    fn looked(&mut self, world: &mut World, pid: Pid, view: Result<TownView, StoreError>) {
        if self.stage != Stage::Looking {
            return;
        }
        let Ok(roster) = view.and_then(|view| load_roster(&view)) else {
            return self.look_later(world, pid);
        };
        let holder = roster.get(&self.name).filter(|agent| agent.is_present());
        match holder.map(|agent| (agent.place.pid as usize, agent.place.host.clone(), agent.generation)) {
            None => self.join(world, pid),
            Some((other, ..)) if other == pid => self.join(world, pid),
            Some((other, host, generation)) if host == host_name(world.procs[pid].host) => {
                if world.procs[other].life != Life::Dead {
                    return world.kill(pid);
                }
                world.sweep(other);
                let op = self.op(pid, "bury");
                let reason = "its worker's process had ended".to_owned();
                let gone = Input::Gone { agent: self.name.clone(), generation, reason };
                self.stage = Stage::Burying(op.clone());
                self.poster.post(world, pid, op, &gone, true);
            }
            Some(_) => self.look_later(world, pid),
        }
    }

    fn join(&mut self, world: &mut World, pid: Pid) {
        let op = self.op(pid, "join");
        self.stage = Stage::Joining(op.clone());
        self.ask_name(world, pid, op);
    }

    fn ask_name(&mut self, world: &mut World, pid: Pid, op: OpId) {
        let place = Place {
            host: host_name(world.procs[pid].host),
            boot: "b".to_owned(),
            pid: u32::try_from(pid).unwrap_or(u32::MAX),
            started: 1,
            runs: String::new(),
        };
        self.asked_at = world.now;
        let scripted = world.agent(self.agent);
        let (role, cli) = (scripted.role.as_deref().map(Skill::new), scripted.cli.clone());
        let join = Join { agent: self.name.clone(), role, cli, place };
        self.poster.post(world, pid, op, &Input::Join(join), true);
    }

    fn heard_answer(&mut self, world: &mut World, pid: Pid, op: &OpId, answer: &Answer) {
        match &self.stage {
            Stage::Burying(asked) if asked == op => return self.join(world, pid),
            Stage::Joining(asked) if asked == op => {
                return match answer {
                    Answer::Joined { generation } => self.serve(world, pid, *generation),
                    _ => self.look_later(world, pid),
                };
            }
            _ => {}
        }
        if self.asking_again.as_ref() == Some(op) {
            self.asking_again = None;
            match answer {
                Answer::Joined { generation } => self.rejoined(world, pid, *generation),
                _ => world.kill(pid),
            }
            return;
        }
        let refused = matches!(answer, Answer::Refused { .. });
        match self.current.as_ref().map(|current| current.stage.clone()) {
            Some(AttemptStage::Telling(asked)) if asked == *op => self.told(world, pid, refused),
            Some(AttemptStage::Reporting(asked)) if asked == *op => {
                self.current = None;
                if refused {
                    self.ask_again(world, pid);
                }
                self.next(world, pid);
            }
            _ => {}
        }
    }

    // --- Living.

    fn serve(&mut self, world: &mut World, pid: Pid, generation: Generation) {
        world.say(|| format!("p{pid} serves {} in generation {generation}", self.name));
        self.stage = Stage::Serving;
        self.generation = Some(generation);
        self.mail_after = 0;
        self.answered_beat = self.asked_at;
        self.beat(world, pid);
        self.read_mail(world, pid);
    }

    fn beat(&mut self, world: &mut World, pid: Pid) {
        let Some(generation) = self.generation else { return };
        self.beat_due = None;
        self.begun_beats.push_back(world.now);
        world.call(pid, StoreCall::Beat(self.name.clone(), generation));
    }

    fn beaten(&mut self, world: &mut World, pid: Pid, counted: &Result<u64, StoreError>) {
        let mono = world.mono(pid);
        // Which one is answered is not said: at the least it is the oldest.
        let begun = self.begun_beats.pop_front().unwrap_or(self.answered_beat);
        match counted {
            Ok(_) => {
                if world.now - self.answered_beat >= LEASE {
                    self.ask_again(world, pid);
                }
                self.answered_beat = begun;
                self.beat_due = Some(mono + LEASE / 3);
                world.alarm(pid, mono + LEASE / 3);
                self.begin_if_fresh(world, pid);
            }
            Err(StoreError::Unavailable { .. }) => {
                self.beat_due = Some(mono + LEASE / 30);
                world.alarm(pid, mono + LEASE / 30);
            }
            Err(_) => world.kill(pid),
        }
    }

    /// Makes sure that the name is ours still.
    fn ask_again(&mut self, world: &mut World, pid: Pid) {
        if self.stage == Stage::Serving {
            // An answer to what was asked before the gap says nothing about the time since.
            if let Some(earlier) = self.asking_again.take() {
                self.poster.forget(&earlier);
            }
            let op = self.op(pid, "again");
            self.asking_again = Some(op.clone());
            self.ask_name(world, pid, op);
        }
    }

    fn rejoined(&mut self, world: &mut World, pid: Pid, generation: Generation) {
        if self.generation == Some(generation) {
            return self.begin_if_fresh(world, pid);
        }
        self.retiring = false;
        self.waiting.clear();
        self.abandon(world);
        self.serve(world, pid, generation);
        // An ask before this one may have given it, and nobody heard of us under it since.
        self.answered_beat = self.asked_at.saturating_sub(LEASE);
    }

    fn abandon(&mut self, world: &mut World) {
        let Some(current) = &mut self.current else { return };
        current.abandoned = true;
        match current.stage.clone() {
            AttemptStage::Running(run) => world.plan(20, Plan::KillRun(run, How::Abandoned)),
            AttemptStage::Telling(op) | AttemptStage::Reporting(op) => {
                self.poster.forget(&op);
                self.current = None;
            }
            AttemptStage::Waiting => self.current = None,
        }
    }

    // --- Mail.

    fn read_mail(&mut self, world: &mut World, pid: Pid) {
        self.mail_due = None;
        world.call(pid, StoreCall::Mail(self.name.clone(), self.mail_after, CALM));
    }

    fn mail(&mut self, world: &mut World, pid: Pid, letters: Result<Vec<MailEntry>, StoreError>) {
        let Ok(letters) = letters else {
            let at = world.mono(pid) + AGAIN;
            self.mail_due = Some(at);
            return world.alarm(pid, at);
        };
        for entry in letters {
            self.mail_after = self.mail_after.max(entry.position);
            if let Ok(letter) = load_letter(&entry.key, &entry.record) {
                self.open(world, pid, letter);
            }
        }
        if self.stage == Stage::Serving {
            self.read_mail(world, pid);
        }
    }

    fn open(&mut self, world: &mut World, pid: Pid, letter: Letter) {
        match letter {
            Letter::Assignment(brief) if self.is_ours(&brief.claim) => {
                let again = self.current.as_ref().is_some_and(|current| current.brief.claim == brief.claim);
                if !again
                    && self
                        .read
                        .insert(brief.claim.fence.0 << 8 | u64::from(brief.claim.mission.0.as_bytes()[15]))
                {
                    self.waiting.push_back(*brief);
                    self.next(world, pid);
                }
            }
            Letter::Cancel { claim } if self.is_ours(&claim) => self.cancel(world, pid, &claim),
            Letter::Retire => self.retiring = true,
            _ => {}
        }
    }

    fn is_ours(&self, claim: &Claim) -> bool {
        Some(claim.generation) == self.generation && claim.agent == self.name
    }

    fn cancel(&mut self, world: &mut World, pid: Pid, claim: &Claim) {
        if let Some(current) = self.current.as_mut().filter(|current| current.brief.claim == *claim) {
            current.cancelled = true;
            if let AttemptStage::Running(run) = current.stage {
                let grace = world.dice.between(10, 3_000, "grace", run as u64);
                world.plan(grace, Plan::KillRun(run, How::Cancelled));
            }
            return;
        }
        self.waiting.retain(|brief| brief.claim != *claim);
        let what = MissionInput::ended(claim.clone(), AttemptEnd::Cancelled);
        let op = op_of("cancelled", claim);
        self.poster.post(world, pid, op, &Input::Mission { mission: claim.mission, what }, false);
    }

    // --- Attempts.

    fn next(&mut self, world: &mut World, pid: Pid) {
        if self.current.is_some() {
            return;
        }
        let Some(brief) = self.waiting.pop_front() else {
            if self.retiring {
                world.plan(1, Plan::Kill(pid));
            }
            return;
        };
        let op = op_of("started", &brief.claim);
        let what = MissionInput::Started { claim: brief.claim.clone() };
        let input = Input::Mission { mission: brief.claim.mission, what };
        let stage = AttemptStage::Telling(op.clone());
        self.current = Some(Attempt { brief, stage, cancelled: false, abandoned: false });
        self.poster.post(world, pid, op, &input, true);
    }

    fn told(&mut self, world: &mut World, pid: Pid, refused: bool) {
        let Some(current) = &mut self.current else { return };
        if refused {
            self.current = None;
            self.ask_again(world, pid);
            return self.next(world, pid);
        }
        current.stage = AttemptStage::Waiting;
        self.begin_if_fresh(world, pid);
    }

    /// Begins a run only while nobody can have declared us lost, also not until our supervisor would
    /// notice that we are silent.
    fn begin_if_fresh(&mut self, world: &mut World, pid: Pid) {
        let Some(current) = self.current.as_ref().filter(|current| current.stage == AttemptStage::Waiting)
        else {
            return;
        };
        if current.cancelled {
            return self.report(world, pid, &AttemptEnd::Cancelled.into());
        }
        if self.asking_again.is_some() {
            return;
        }
        if world.now - self.answered_beat > LEASE / 3 {
            if self.beat_due.is_some() {
                self.beat(world, pid);
            }
            return;
        }
        let deed = world.deed(self.agent, &current.brief);
        let claim = current.brief.claim.clone();
        let late = matches!(deed.end, Ending::Late { .. });
        let run = world.begin_run(pid, claim, deed);
        if let Some(current) = &mut self.current {
            current.stage = AttemptStage::Running(run);
        }
        if late && !world.quiet {
            let until = world.now + super::calls::millis(world.runs[run].deed.takes) + LEASE + 5_000;
            world.procs[pid].cut_until = until;
            world.disturbed_at = world.disturbed_at.max(until);
        }
    }

    fn run_over(&mut self, world: &mut World, pid: Pid, run: usize, how: How) {
        let Some(current) =
            self.current.as_ref().filter(|current| current.stage == AttemptStage::Running(run))
        else {
            return;
        };
        if current.abandoned {
            self.current = None;
            return self.next(world, pid);
        }
        let brief = current.brief.clone();
        let deed = world.runs[run].deed.clone();
        let came = match how {
            How::Itself if deed.end == Ending::Dead => return world.kill(pid),
            How::Itself => outcome(world, &brief, &deed),
            How::Cancelled => AttemptEnd::Cancelled.into(),
            How::Abandoned => AttemptEnd::Lost { detail: "the assignment was revoked".to_owned() }.into(),
            How::Orphaned => {
                AttemptEnd::Lost { detail: "the supervisor heard nothing of the worker".to_owned() }.into()
            }
        };
        self.report(world, pid, &came);
    }

    fn report(&mut self, world: &mut World, pid: Pid, came: &Came) {
        let Some(current) = &mut self.current else { return };
        let claim = current.brief.claim.clone();
        let op = op_of("ended", &claim);
        current.stage = AttemptStage::Reporting(op.clone());
        let mission = claim.mission;
        let spend = world.agent(self.agent).costs;
        let what = match came.clone() {
            Came::Submission(submission) => MissionInput::Submitted { claim, submission, spend },
            Came::End(end) => MissionInput::Ended { claim, end, spend },
        };
        self.poster.post(world, pid, op, &Input::Mission { mission, what }, true);
    }
}

/// What came of a run.
#[derive(Debug, Clone)]
enum Came {
    Submission(Submission),
    End(AttemptEnd),
}

impl From<AttemptEnd> for Came {
    fn from(end: AttemptEnd) -> Self {
        Self::End(end)
    }
}

fn outcome(world: &World, brief: &Brief, deed: &Deed) -> Came {
    let summary = "done".to_owned();
    match &deed.end {
        Ending::Work { touches } | Ending::Late { touches, .. } if brief.kind == Kind::Review => {
            let approve = !touches.is_empty();
            Came::Submission(Submission::Verdict { approve, summary })
        }
        Ending::Work { touches } | Ending::Late { touches, .. } => {
            let head = world.forge.fake.work(brief, touches);
            let (empty, head) = (head.is_none(), head.unwrap_or_else(|| brief.base.clone()));
            Came::Submission(Submission::Work { head, empty, summary })
        }
        Ending::Verdict { approve } => Came::Submission(Submission::Verdict { approve: *approve, summary }),
        Ending::Without(end) => Came::End(end.clone()),
        Ending::Dead => Came::End(AttemptEnd::Lost { detail: "the worker was lost".to_owned() }),
    }
}

fn op_of(what: &str, claim: &Claim) -> OpId {
    OpId::new(format!("{what}/{}/{}/{}", claim.mission, claim.item, claim.fence))
}

/// A host's name.
pub(super) fn host_name(host: usize) -> String {
    format!("host{host}")
}

impl World {
    /// What an agent does under an assignment.
    fn deed(&self, agent: usize, brief: &Brief) -> Deed {
        let agent = self.agent(agent);
        let scenario = self.scenarios.get(&brief.claim.mission).or_else(|| self.scenarios.values().next());
        let scenario = scenario.expect("every case has a mission");
        if self.quiet {
            let end = match brief.kind {
                Kind::Review => Ending::Verdict { approve: true },
                _ => Ending::Work { touches: Script::new(scenario).files(&brief.claim.item) },
            };
            return Deed { takes: agent.takes.get(), end };
        }
        Script::new(scenario).deed(agent, brief)
    }

    /// An agent of the town.
    pub(super) fn agent(&self, agent: usize) -> &tinytown_core::simulate::ScriptedAgent {
        let first = self.scenarios.values().next().expect("every case has a mission");
        &first.agents[agent]
    }

    /// Kills what a dead worker left running.
    pub(super) fn sweep(&mut self, worker: Pid) {
        for at in 0..self.runs.len() {
            if self.runs[at].worker == worker && self.runs[at].alive {
                self.end_run(at, How::Orphaned);
            }
        }
    }
}
