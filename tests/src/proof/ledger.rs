//! The history as an outsider keeps it: what was posted, what was committed, who holds what. It knows
//! the promises, and nothing of how the engine keeps them.

use std::collections::{BTreeMap, BTreeSet};

use tinytown_core::effect::EffectResult;
use tinytown_core::event::{Event, FollowUp, Outcome, SkipReason};
use tinytown_core::id::{AgentName, Claim, ItemKey, MissionId, OpId, Sha};
use tinytown_core::input::{Input, MissionInput};
use tinytown_core::item::ItemSpec;
use tinytown_core::mission::Charter;
use tinytown_core::observation::Checks;
use tinytown_core::roster::RosterChange;
use tinytown_store::codec::decode;
use tinytown_store::records::StepRecord;
use tinytown_store::{Commit, InputId, LeaseFence, Post, Record};

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
pub struct LedgerItem {
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
    /// It was done, and is not what was done any more.
    pub changed: bool,
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
    /// Only a person lets it go on, since a budget is used up.
    pub limited: bool,
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
    /// Its launches by process, so that none is begun twice.
    pub fences: BTreeSet<u64>,
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
pub struct LedgerMission {
    /// What never changes.
    pub charter: Charter,
    /// All items.
    pub items: BTreeMap<ItemKey, LedgerItem>,
    /// The number of its last step.
    pub seq: u64,
    /// It is stopped.
    pub stopped: bool,
    /// It has ended; with whether it was completed.
    pub over: Option<bool>,
    /// Effects decided and not reported.
    pub effects: BTreeSet<OpId>,
    /// How many steps there were.
    pub steps: u64,
}

/// All of it.
#[derive(Debug, Default)]
pub struct Ledger {
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
    /// Agents that were declared gone since somebody looked.
    pub gone: Vec<(AgentName, u64)>,
    /// How many promises were looked at, by guarantee.
    pub trials: BTreeMap<&'static str, u64>,
    /// How many commits were taken in.
    pub steps: u64,
}

type Kept = Result<(), Violation>;

impl Ledger {
    /// An input is in the inbox.
    pub fn posted(&mut self, id: InputId, post: &Post) -> Kept {
        match self.posted.insert(id.0, post.input.clone()) {
            Some(_) => Ok(()),
            None if self.posted_ops.insert(post.op.clone()) => Ok(()),
            None => broken!("G2", "the input {} is in the inbox twice", post.op),
        }
    }

    /// Inputs that were posted and that no commit has acknowledged.
    pub fn waiting(&self) -> usize {
        self.posted.len() - self.acknowledged.len()
    }

    /// A commit was accepted by the store.
    pub fn committed(&mut self, commit: &Commit) -> Kept {
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
                RosterChange::AgentJoined { agent } => {
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
        *self.trials.entry(guarantee).or_default() += 1;
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
        if begins {
            if let Input::Start(new) = &step.input {
                self.begin(id, new, step);
            }
        }
        let Some(mission) = self.missions.get_mut(&id) else {
            broken!("G2", "a step of mission {id}, which never began")
        };
        self.trials.entry("G2").and_modify(|count| *count += 1).or_insert(1);
        if expect != mission.seq {
            broken!("G2", "step {} of mission {id} follows step {expect}", mission.seq);
        }
        mission.seq += 1;
        mission.steps += 1;
        for event in &step.events {
            let mut page = Page {
                mission: &mut *mission,
                held: &mut self.held,
                input: &step.input,
                trials: &mut self.trials,
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
            charter,
            items,
            seq: 0,
            stopped: false,
            over: None,
            effects: BTreeSet::new(),
            steps: 0,
        };
        self.missions.insert(id, mission);
    }
}

impl LedgerItem {
    const fn new(spec: ItemSpec, task: Option<FollowUp>) -> Self {
        Self {
            spec,
            task,
            holder: None,
            cancelling: false,
            end: None,
            changed: false,
            launches: 0,
            failed: 0,
            lost: 0,
            granted: 0,
            cause: true,
            limited: false,
            authors: BTreeSet::new(),
            head: None,
            proposed: None,
            green: None,
            approved: None,
            fences: BTreeSet::new(),
        }
    }

    fn satisfies(&self) -> bool {
        match &self.end {
            Some(End::Done(_)) => !self.changed,
            Some(End::Skipped(reason)) => reason.satisfies(),
            _ => false,
        }
    }
}

/// One step of one mission, event by event.
struct Page<'a> {
    mission: &'a mut LedgerMission,
    held: &'a mut BTreeMap<AgentName, Claim>,
    input: &'a Input,
    trials: &'a mut BTreeMap<&'static str, u64>,
}

impl Page<'_> {
    fn tried(&mut self, guarantee: &'static str) {
        *self.trials.entry(guarantee).or_default() += 1;
    }

    fn turn(&mut self, event: &Event) -> Kept {
        if self.mission.over.is_some()
            && !matches!(event, Event::SubmissionStale { .. } | Event::EffectOver { .. })
        {
            broken!("G2", "{event:?} after the end of the mission");
        }
        match event {
            Event::MissionStopped { .. } => self.mission.stopped = true,
            Event::MissionResumed => self.mission.stopped = false,
            Event::MissionCompleted => return self.completed(),
            Event::MissionFailed { .. } => self.mission.over = Some(false),
            _ => {}
        }
        match event.item() {
            Some(key) => self.item_event(&key.clone(), event),
            None => Ok(()),
        }
    }

    fn completed(&mut self) -> Kept {
        self.tried("G4");
        self.mission.over = Some(true);
        let open = self.mission.items.values().find(|item| item.task.is_none() && !item.satisfies_end());
        match open {
            Some(item) => broken!("G4", "the mission is completed, and {} is {:?}", item.spec.key, item.end),
            None => Ok(()),
        }
    }

    fn item_event(&mut self, key: &ItemKey, event: &Event) -> Kept {
        if let Event::ItemAdded { spec, task, .. } = event {
            let known =
                self.mission.items.insert(key.clone(), LedgerItem::new((**spec).clone(), Some(task.clone())));
            if known.is_some() {
                broken!("G3", "{key} was added twice");
            }
            return Ok(());
        }
        match event {
            Event::ItemAssigned { .. } => self.assigned(key, event),
            Event::ItemSubmitted { agent, head, .. } => self.submitted(key, agent, head),
            Event::SubmissionStale { .. } => self.stale(key),
            Event::AttemptFailed { agent, cause, .. } => self.attempt_failed(key, agent, cause),
            Event::AttemptLost { .. } | Event::AttemptCancelled { .. } => self.attempt_over(key, event),
            Event::ItemHeld { hold, .. } => self.held(key, hold),
            Event::EffectAsked { op, .. } => self.asked(key, op),
            Event::EffectOver { op, .. } => {
                self.mission.effects.remove(op);
                Ok(())
            }
            Event::ItemDone { outcome, .. } => self.done(key, outcome),
            _ => self.seen(key, event),
        }
    }

    fn item(&mut self, key: &ItemKey) -> Result<&mut LedgerItem, Violation> {
        match self.mission.items.get_mut(key) {
            Some(item) => Ok(item),
            None => broken!("G2", "something happened to {key}, which is no item"),
        }
    }

    fn assigned(&mut self, key: &ItemKey, event: &Event) -> Kept {
        let Event::ItemAssigned { agent, generation, attempt, fence, .. } = event else { return Ok(()) };
        self.may_start(key)?;
        let running = self.mission.items.values().filter(|item| item.holder.is_some()).count();
        let (allowed, policy) =
            (self.mission.charter.policy.max_parallel, self.mission.charter.policy.clone());
        self.tried("G5");
        if running >= allowed as usize {
            broken!("G5", "{key} was assigned while {running} of {allowed} slots were in use");
        }
        if let Some(other) = self.held.get(agent) {
            broken!("G5", "{key} was assigned to {agent}, who holds {}", other.item);
        }
        let (mission, seq) = (self.mission.charter.id, self.mission.seq);
        self.tried("G1");
        self.tried("G15");
        let item = self.item(key)?;
        if let Some(holder) = &item.holder {
            broken!("G1", "{key} was assigned to {agent} while {} holds it", holder.agent);
        }
        if fence.0 != seq || !item.fences.insert(fence.0) {
            broken!("G1", "the fence {fence} of {key} is not the number of its step, {seq}");
        }
        if *attempt != item.launches + 1 || !item.cause {
            broken!(
                "G15",
                "launch {attempt} of {key} after {} launches, cause: {}",
                item.launches,
                item.cause
            );
        }
        if item.failed >= policy.max_attempts + item.granted || item.lost > policy.max_losses + item.granted {
            broken!("G15", "{key} was launched after {} failures and {} losses", item.failed, item.lost);
        }
        item.launches += 1;
        item.cause = false;
        item.cancelling = false;
        let (agent, generation) = (agent.clone(), *generation);
        let claim = Claim { mission, item: key.clone(), agent, generation, attempt: *attempt, fence: *fence };
        item.holder = Some(claim.clone());
        self.held.insert(claim.agent.clone(), claim);
        Ok(())
    }

    fn may_start(&mut self, key: &ItemKey) -> Kept {
        self.tried("G4");
        self.tried("G14");
        if self.mission.stopped {
            broken!("G14", "{key} was assigned while the mission is stopped");
        }
        let Some(item) = self.mission.items.get(key) else { return Ok(()) };
        let open = item
            .spec
            .depends_on
            .iter()
            .find(|edge| self.mission.items.get(&edge.on).is_none_or(|on| !on.satisfies()));
        match open {
            Some(edge) => broken!("G4", "{key} was assigned, and {} is not done", edge.on),
            None => Ok(()),
        }
    }

    /// The claim that the step's input names, if it names one.
    fn claimed(&self) -> Option<&Claim> {
        match self.input {
            Input::Mission {
                what:
                    MissionInput::Submitted { claim, .. }
                    | MissionInput::Started { claim }
                    | MissionInput::Ended { claim, .. },
                ..
            } => Some(claim),
            _ => None,
        }
    }

    fn submitted(&mut self, key: &ItemKey, agent: &AgentName, head: &Sha) -> Kept {
        self.tried("G1");
        let claim = self.claimed().cloned();
        let item = self.item(key)?;
        if item.holder.is_none() || item.holder != claim || item.cancelling {
            broken!("G1", "{key} was submitted under {claim:?}, and {:?} holds it", item.holder);
        }
        item.holder = None;
        item.cause = true;
        item.proposed = Some(head.clone());
        if item.task.is_none() {
            item.authors.insert(agent.clone());
        }
        self.held.remove(agent);
        Ok(())
    }

    fn stale(&mut self, key: &ItemKey) -> Kept {
        self.tried("G1");
        let claim = self.claimed().cloned();
        let item = self.item(key)?;
        if item.holder.is_some() && item.holder == claim && !item.cancelling {
            broken!("G1", "a submission of {key} was called stale, and its claim is in force");
        }
        Ok(())
    }

    fn attempt_failed(&mut self, key: &ItemKey, agent: &AgentName, cause: &str) -> Kept {
        self.tried("G15");
        if matches!(self.input, Input::Gone { .. }) {
            broken!("G15", "{key}: a lost worker was counted as a failed attempt");
        }
        let item = self.item(key)?;
        item.failed += 1;
        item.cause = true;
        if cause != "empty-change" {
            item.holder = None;
            self.held.remove(agent);
        }
        Ok(())
    }

    fn attempt_over(&mut self, key: &ItemKey, event: &Event) -> Kept {
        let item = self.item(key)?;
        let Some(holder) = item.holder.take() else {
            broken!("G2", "an attempt of {key} ended, and nobody holds it")
        };
        item.cause = true;
        item.cancelling = false;
        item.lost += u32::from(matches!(event, Event::AttemptLost { .. }));
        self.held.remove(&holder.agent);
        Ok(())
    }

    fn held(&mut self, key: &ItemKey, hold: &tinytown_core::event::Hold) -> Kept {
        let policy = self.mission.charter.policy.clone();
        self.tried("G15");
        let item = self.item(key)?;
        if let tinytown_core::event::Hold::Limit { detail } = hold {
            let used = item.failed >= policy.max_attempts + item.granted
                || item.lost > policy.max_losses + item.granted
                || detail.contains("fixes");
            if !used {
                broken!(
                    "G15",
                    "{key} is held for {detail}, after {} failures and {} losses",
                    item.failed,
                    item.lost
                );
            }
            item.limited = true;
        }
        Ok(())
    }

    fn asked(&mut self, key: &ItemKey, op: &OpId) -> Kept {
        self.tried("G3");
        self.tried("G14");
        if self.mission.stopped {
            broken!("G14", "an effect for {key} was decided while the mission is stopped");
        }
        if !self.mission.effects.insert(op.clone()) {
            broken!("G3", "the effect {op} was decided twice");
        }
        Ok(())
    }

    fn done(&mut self, key: &ItemKey, outcome: &Outcome) -> Kept {
        self.tried("G4");
        let policy = self.mission.charter.policy.clone();
        let item = self.item(key)?;
        if item.holder.is_some() {
            broken!("G1", "{key} is done while {:?} holds it", item.holder);
        }
        let passed = |what: &Option<Sha>, head: &Sha| what.as_ref() == Some(head);
        if let Outcome::Accepted { head } = outcome {
            if !passed(&item.head, head) || !passed(&item.green, head) {
                broken!("G4", "{key} was accepted at {}, where the checks did not pass", head.short());
            }
            if policy.reviewer_required && !passed(&item.approved, head) {
                broken!("G4", "{key} was accepted at {}, which nobody else approved", head.short());
            }
        }
        item.end = Some(End::Done(outcome.clone()));
        Ok(())
    }

    /// What the forge showed, and what was judged.
    fn seen(&mut self, key: &ItemKey, event: &Event) -> Kept {
        let truth = self.truth();
        let item = self.item(key)?;
        match event {
            Event::CancelAsked { .. } => item.cancelling = true,
            Event::HoldCleared { granted, .. } => {
                item.granted += u32::from(*granted);
                item.limited = false;
            }
            Event::HeadProposed { head, by, .. } => {
                item.proposed = Some(head.clone());
                item.authors.insert(by.clone());
            }
            Event::BaseMended { by, .. } => drop(item.authors.insert(by.clone())),
            Event::PullPublished { pull, .. } => item.head = Some(pull.head.clone()),
            Event::HeadMoved { head, .. } => item.head = Some(head.clone()),
            Event::ChecksSeen { head, checks, .. } => {
                let passed = matches!(**checks, Checks::Green | Checks::NotRequired);
                let told = truth.is_none_or(|(seen, green)| seen == *head && green == passed);
                if !told || item.head.as_ref() != Some(head) {
                    broken!(
                        "G18",
                        "checks of {key} on {} count, and its head is {:?}",
                        head.short(),
                        item.head
                    );
                }
                item.green = passed.then(|| head.clone());
            }
            Event::VerdictGiven { head, by, approve, .. } => {
                if item.authors.iter().any(|author| author.as_str() == by) {
                    broken!("G4", "{by} judged {key}, and wrote it");
                }
                item.approved = approve.then(|| head.clone());
            }
            Event::PullSeen { seen, .. } if item.head.as_ref() != Some(&seen.head) => {
                broken!(
                    "G18",
                    "a look at {} counts for {key}, whose head is {:?}",
                    seen.head.short(),
                    item.head
                )
            }
            Event::ItemMerged { commit, .. } => {
                item.end = Some(End::Done(Outcome::Merged { commit: commit.clone() }));
                item.changed = false;
            }
            Event::DependencyChanged { .. } => item.changed = true,
            Event::DependencySettled { .. } => {
                item.changed = false;
                if let (Some(End::Done(Outcome::Accepted { head: accepted })), Some(head)) =
                    (&mut item.end, &item.head)
                {
                    accepted.clone_from(head);
                }
            }
            Event::ItemSkipped { reason, .. } => item.end = Some(End::Skipped(*reason)),
            Event::ItemFailed { .. } => item.end = Some(End::Failed),
            _ => {}
        }
        Ok(())
    }

    /// What the checks said in the step's input: of which head, and whether they passed.
    fn truth(&self) -> Option<(Sha, bool)> {
        match self.input {
            Input::Mission {
                what: MissionInput::Effect { result: EffectResult::Checked { head, checks }, .. },
                ..
            } => Some((head.clone(), matches!(checks, Checks::Green | Checks::NotRequired))),
            _ => None,
        }
    }
}

impl LedgerItem {
    fn satisfies_end(&self) -> bool {
        match &self.end {
            Some(End::Done(_)) => true,
            Some(End::Skipped(reason)) => reason.satisfies(),
            _ => false,
        }
    }
}
