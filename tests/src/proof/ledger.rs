//! The history as an outsider keeps it: what was posted, what was committed, who holds what. It knows
//! the promises, and nothing of how the engine keeps them.

use std::collections::{BTreeMap, BTreeSet};

use tinytown_core::event::{FollowUp, Outcome, SkipReason};
use tinytown_core::id::{AgentName, Claim, ItemKey, MissionId, OpId, Sha};
use tinytown_core::input::Input;
use tinytown_core::item::ItemSpec;
use tinytown_core::mission::{Charter, Mission};
use tinytown_core::roster::RosterChange;
use tinytown_store::codec::decode;
use tinytown_store::records::StepRecord;
use tinytown_store::{Commit, InputId, LeaseFence, Post, Record};

use super::page::Page;
use super::trials::Trials;

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which, such as `G1`.
    pub guarantee: &'static str,
    /// How.
    pub what: String,
}

/// Ends the look at a step with a broken promise.
macro_rules! broken {
    ($guarantee:literal, $($words:tt)*) => {
        return Err($crate::proof::ledger::Violation { guarantee: $guarantee, what: format!($($words)*) })
    };
}
pub(crate) use broken;

/// One item, as its events tell.
#[derive(Debug, Clone)]
pub(super) struct LedgerItem {
    /// As planned or added.
    pub spec: ItemSpec,
    /// What it is about, if it is a follow-up.
    pub task: Option<FollowUp>,
    /// Who holds it.
    pub holder: Option<Claim>,
    /// Its holder was told to stop.
    pub cancelling: bool,
    /// How it ended.
    pub end: Option<End>,
    /// Launches so far.
    pub launches: u32,
    /// Launches that the agent ended.
    pub failed: u32,
    /// Launches that were lost.
    pub lost: u32,
    /// Launches that operators granted.
    pub granted: u32,
    /// The last launch is over: there is a cause for another one.
    pub cause: bool,
    /// Who wrote what is proposed.
    pub authors: BTreeSet<AgentName>,
    /// The head of its pull request, and what was seen of it.
    pub head: Option<Sha>,
    /// What was proposed last.
    pub proposed: Option<Sha>,
    /// The checks passed on this head.
    pub green: Option<Sha>,
    /// Somebody who did not write it approved this head.
    pub approved: Option<Sha>,
    /// Which agents approved the head that was judged last.
    pub approvals: (Option<Sha>, BTreeSet<String>),
    /// The head that a person approved.
    pub by_person: Option<Sha>,
    /// The head in which bots found something, as the last look at it showed.
    pub found: Option<Sha>,
    /// Who ended a launch of it without success.
    pub tried: BTreeSet<AgentName>,
    /// Only one agent may take it.
    pub pinned: bool,
    /// How many runs of the checks could not judge its head, since it moved or an operator asked for more.
    pub unjudged: u32,
    /// Its launches by process, so that none is begun twice.
    pub fences: BTreeSet<u64>,
}

/// An item was accepted that builds upon accepted work.
#[derive(Debug, Clone)]
pub(super) struct Stacked {
    /// Which.
    pub item: ItemKey,
    /// At which head.
    pub head: Sha,
    /// The head upon which it builds.
    pub below: Sha,
}

/// How an item ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Done, in this way.
    Done(Outcome),
    /// Skipped.
    Skipped(SkipReason),
    /// Failed.
    Failed,
}

/// One mission, as its events tell.
#[derive(Debug, Clone)]
pub(super) struct LedgerMission {
    /// What never changes.
    pub charter: Charter,
    /// All items.
    pub items: BTreeMap<ItemKey, LedgerItem>,
    /// The number of its last step.
    pub seq: u64,
    /// Launches of all items so far.
    pub launches: u32,
    /// How often operators granted another budget.
    pub budgets_granted: u32,
    /// It is stopped.
    pub stopped: bool,
    /// It has ended; with whether it was completed.
    pub over: Option<bool>,
    /// Effects decided and not reported.
    pub effects: BTreeSet<OpId>,
    /// The mission as its history gives it.
    pub replayed: Mission,
    /// How many steps there were.
    pub steps: u64,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Whose commits count now.
    pub lease: Option<LeaseFence>,
    posted: BTreeMap<u64, Record>,
    posted_ops: BTreeSet<OpId>,
    acknowledged: BTreeSet<u64>,
    commits: BTreeSet<OpId>,
    /// The missions.
    pub missions: BTreeMap<MissionId, LedgerMission>,
    /// What each agent holds.
    pub held: BTreeMap<AgentName, Claim>,
    letters: BTreeSet<(String, String)>,
    /// Agents that are counted as present, by generation.
    pub present: BTreeMap<AgentName, u64>,
    /// Those of them that were asked to leave.
    pub retiring: BTreeSet<AgentName>,
    /// Agents that were declared gone since somebody looked.
    pub gone: Vec<(AgentName, u64)>,
    /// What was accepted upon other accepted work, since somebody looked.
    pub stacks: Vec<Stacked>,
    /// How many promises were looked at, by guarantee.
    pub trials: Trials,
    /// How many commits were taken in.
    pub steps: u64,
}

pub(super) type Kept = Result<(), Violation>;

impl Ledger {
    /// An input is in the inbox.
    pub(super) fn posted(&mut self, id: InputId, post: &Post) -> Kept {
        match self.posted.insert(id.0, post.input.clone()) {
            Some(_) => Ok(()),
            None if self.posted_ops.insert(post.op.clone()) => Ok(()),
            None => broken!("G2", "the input {} is in the inbox twice", post.op),
        }
    }

    /// An input that was posted and that no commit has acknowledged.
    pub(super) fn unanswered(&self) -> Option<&Record> {
        self.posted.iter().find(|(id, _)| !self.acknowledged.contains(id)).map(|(_, input)| input)
    }

    /// A commit was accepted by the store.
    pub(super) fn committed(&mut self, commit: &Commit) -> Kept {
        if !self.commits.insert(commit.op.clone()) {
            return Ok(());
        }
        self.steps += 1;
        self.tried("G1");
        if self.lease != Some(commit.fence) {
            broken!(
                "G1",
                "commit {} was accepted under {:?} while {:?} is in force",
                commit.op,
                commit.fence,
                self.lease
            );
        }
        self.acknowledge(commit)?;
        self.delivered(commit)?;
        let step = match (&commit.mission, &commit.town) {
            (Some(write), _) => Some(&write.step),
            (None, Some(write)) => write.step.as_ref(),
            (None, None) => None,
        };
        let Some(record) = step else { return Ok(()) };
        let Ok(step) = decode::<StepRecord>("step", record) else {
            broken!("G2", "the step of commit {} cannot be read", commit.op)
        };
        self.roster(&step);
        match &commit.mission {
            Some(write) => self.mission_step(write.id, write.charter.is_some(), write.expect, &step),
            None => Ok(()),
        }
    }

    fn roster(&mut self, step: &StepRecord) {
        for change in &step.roster {
            match change {
                RosterChange::AgentRetiring { agent } => drop(self.retiring.insert(agent.clone())),
                RosterChange::AgentJoined { agent } => {
                    self.retiring.remove(&agent.name);
                    self.present.insert(agent.name.clone(), agent.generation.0);
                }
                RosterChange::AgentGone { agent, .. } => {
                    self.held.remove(agent);
                    if let Some(generation) = self.present.remove(agent) {
                        self.gone.push((agent.clone(), generation));
                    }
                }
                _ => {}
            }
        }
    }

    fn tried(&mut self, guarantee: &'static str) {
        self.trials.tried(guarantee);
    }

    fn acknowledge(&mut self, commit: &Commit) -> Kept {
        for (id, answer) in &commit.acks {
            self.tried("G2");
            let Some(input) = self.posted.get(&id.0) else {
                broken!("G2", "commit {} acknowledges input {}, which nobody posted", commit.op, id.0)
            };
            let open = |(id, mission): &(&MissionId, &LedgerMission)| {
                mission.over.is_none() && input.0.contains(&format!("\"mission\":\"{id}\""))
            };
            if answer.0.contains("has ended") && self.missions.iter().any(|mission| open(&mission)) {
                broken!("G2", "input {} was answered as if its mission had ended: {}", id.0, answer.0);
            }
            if !self.acknowledged.insert(id.0) {
                broken!("G2", "input {} was acknowledged twice", id.0);
            }
        }
        Ok(())
    }

    fn delivered(&mut self, commit: &Commit) -> Kept {
        for (to, key) in &commit.mail_done {
            self.letters.remove(&(to.to_string(), key.clone()));
        }
        for mail in &commit.mail {
            self.tried("G3");
            let again = !self.letters.insert((mail.to.to_string(), mail.key.clone()));
            if again && mail.key != "retire" {
                broken!("G3", "the letter {} to {} was delivered twice", mail.key, mail.to);
            }
        }
        Ok(())
    }

    fn mission_step(&mut self, id: MissionId, begins: bool, expect: u64, step: &StepRecord) -> Kept {
        if let (true, Input::Start(new)) = (begins, &step.input) {
            self.begin(id, new, step);
        }
        let Some(mission) = self.missions.get_mut(&id) else {
            broken!("G2", "a step of mission {id}, which never began")
        };
        self.trials.tried("G2");
        if expect != mission.seq {
            broken!("G2", "step {} of mission {id} follows step {expect}", mission.seq);
        }
        mission.seq += 1;
        mission.steps += 1;
        for event in &step.events {
            if let Err(illegal) = mission.replayed.apply(event, step.now) {
                broken!("G7", "step {} of mission {id}: {illegal}", mission.seq);
            }
        }
        for event in &step.events {
            let mut page = Page {
                mission: &mut *mission,
                held: &mut self.held,
                present: &self.present,
                retiring: &self.retiring,
                input: &step.input,
                trials: &mut self.trials,
                stacks: &mut self.stacks,
            };
            page.turn(event)?;
        }
        Ok(())
    }

    fn begin(&mut self, id: MissionId, new: &tinytown_core::input::NewMission, step: &StepRecord) {
        let items =
            new.items.iter().map(|spec| (spec.key.clone(), LedgerItem::new(spec.clone(), None))).collect();
        let charter = Charter {
            id,
            created_at: step.now,
            objectives: new.objectives.clone(),
            policy: new.policy.clone(),
            items: new.items.clone(),
        };
        let mission = LedgerMission {
            items,
            seq: 0,
            launches: 0,
            budgets_granted: 0,
            stopped: false,
            over: None,
            effects: BTreeSet::new(),
            replayed: Mission::new(charter.clone()),
            charter,
            steps: 0,
        };
        self.missions.insert(id, mission);
    }
}

impl LedgerItem {
    pub(super) const fn new(spec: ItemSpec, task: Option<FollowUp>) -> Self {
        Self {
            spec,
            task,
            holder: None,
            cancelling: false,
            end: None,
            launches: 0,
            failed: 0,
            lost: 0,
            granted: 0,
            cause: true,
            authors: BTreeSet::new(),
            head: None,
            proposed: None,
            green: None,
            approved: None,
            approvals: (None, BTreeSet::new()),
            by_person: None,
            found: None,
            tried: BTreeSet::new(),
            pinned: false,
            unjudged: 0,
            fences: BTreeSet::new(),
        }
    }

    pub(super) fn satisfies(&self) -> bool {
        match &self.end {
            Some(End::Done(_)) => true,
            Some(End::Skipped(reason)) => reason.satisfies(),
            _ => false,
        }
    }
}
