//! A page of the ledger: one step of one mission, event by event, held against the promises.

use std::collections::{BTreeMap, BTreeSet};

use tinytown_core::effect::{EffectKind, EffectResult};
use tinytown_core::event::{Event, Hold, Outcome};
use tinytown_core::id::{AgentName, Claim, ItemKey, OpId, Sha};
use tinytown_core::input::{Input, MissionInput};
use tinytown_core::issue::IssueRef;
use tinytown_core::observation::{Checks, Pull};

use super::ledger::{End, Kept, LedgerItem, LedgerMission, Stacked, Violation, broken};
use super::trials::Trials;

/// One step of one mission, event by event.
pub(super) struct Page<'a> {
    pub(super) mission: &'a mut LedgerMission,
    pub(super) held: &'a mut BTreeMap<AgentName, Claim>,
    pub(super) present: &'a BTreeMap<AgentName, u64>,
    pub(super) retiring: &'a BTreeSet<AgentName>,
    pub(super) input: &'a Input,
    pub(super) trials: &'a mut Trials,
    pub(super) stacks: &'a mut Vec<Stacked>,
}

impl Page<'_> {
    fn tried(&mut self, guarantee: &'static str) {
        self.trials.tried(guarantee);
    }

    pub(super) fn turn(&mut self, event: &Event) -> Kept {
        if self.mission.over.is_some()
            && !matches!(event, Event::SubmissionStale { .. } | Event::EffectOver { .. })
        {
            broken!("G2", "{event:?} after the end of the mission");
        }
        match event {
            Event::MissionStopped { .. } => self.mission.stopped = true,
            Event::BudgetGranted => self.mission.budgets_granted += 1,
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
        let open = self.mission.items.values().find(|item| item.task.is_none() && !item.satisfies());
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
        if let Event::ItemJoined { spec, .. } = event {
            let known = self.mission.items.insert(key.clone(), LedgerItem::new((**spec).clone(), None));
            if known.is_some() {
                broken!("G2", "{key} was added, and there was an item of that name");
            }
            return Ok(());
        }
        match event {
            Event::ExternalJoined { reference, .. } => self.joined(key, reference),
            Event::ItemAssigned { .. } => self.assigned(key, event),
            Event::ItemStarted { .. } => self.started(key),
            Event::ItemSubmitted { agent, head, .. } => self.submitted(key, agent, head),
            Event::SubmissionStale { .. } => self.stale(key),
            Event::AttemptFailed { agent, cause, .. } => self.attempt_failed(key, agent, cause),
            Event::AttemptLost { .. } | Event::AttemptCancelled { .. } => self.attempt_over(key, event),
            Event::ItemHeld { hold, .. } => self.held(key, hold),
            Event::EffectAsked { op, kind, .. } => self.asked(key, op, *kind),
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
        self.last_try(key, agent)?;
        let most = policy.max_launches * (1 + self.mission.budgets_granted);
        if most > 0 && self.mission.launches >= most {
            broken!("G15", "{key} was launched after {} launches of {most}", self.mission.launches);
        }
        self.mission.launches += 1;
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

    /// The last of several tries is not for one who failed, if another is there who may have it.
    fn last_try(&mut self, key: &ItemKey, agent: &AgentName) -> Kept {
        let (present, retiring) = (self.present, self.retiring);
        let allowed = self.mission.charter.policy.max_attempts;
        let item = self.item(key)?;
        let retries = (allowed + item.granted).saturating_sub(1);
        let last = item.failed > 1 && item.failed >= retries;
        let anybodys =
            item.task.is_none() && !item.pinned && item.spec.role.as_ref().is_none_or(|role| !role.required);
        let other = present.keys().find(|name| !item.tried.contains(*name) && !retiring.contains(*name));
        match other {
            Some(other) if last && anybodys && item.tried.contains(agent) => {
                broken!("G15", "the last try of {key} went to {agent} again, and {other} has not tried")
            }
            _ => Ok(()),
        }
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

    /// From now on it waits for an item of the mission, as it did for the issue.
    fn joined(&mut self, key: &ItemKey, reference: &IssueRef) -> Kept {
        let on = reference.key();
        if !self.mission.items.contains_key(&on) {
            broken!("G4", "{key} waits for {on} as an item, and there is none");
        }
        if let Some(item) = self.mission.items.get_mut(key) {
            item.spec.take_in(|key| *key == on);
        }
        Ok(())
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

    fn started(&mut self, key: &ItemKey) -> Kept {
        self.tried("G14");
        if self.mission.stopped {
            broken!("G14", "{key} was begun while the mission is stopped");
        }
        self.held_by_whom_it_says(key)
    }

    /// What a worker says about an item counts only if it holds it.
    fn held_by_whom_it_says(&mut self, key: &ItemKey) -> Kept {
        self.tried("G1");
        let Some(claim) = self.claimed().filter(|claim| claim.item == *key).cloned() else { return Ok(()) };
        let item = self.item(key)?;
        if item.holder.as_ref() != Some(&claim) {
            broken!("G1", "{claim:?} counted for {key}, and {:?} holds it", item.holder);
        }
        Ok(())
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
        if cause != "empty-change" {
            self.held_by_whom_it_says(key)?;
        }
        let item = self.item(key)?;
        item.failed += 1;
        item.tried.insert(agent.clone());
        item.cause = true;
        if cause != "empty-change" {
            item.holder = None;
            self.held.remove(agent);
        }
        Ok(())
    }

    fn attempt_over(&mut self, key: &ItemKey, event: &Event) -> Kept {
        if !matches!(self.input, Input::Mission { what: MissionInput::Submitted { .. }, .. }) {
            self.held_by_whom_it_says(key)?;
        }
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

    fn held(&mut self, key: &ItemKey, hold: &Hold) -> Kept {
        let policy = self.mission.charter.policy.clone();
        self.tried("G15");
        let item = self.item(key)?;
        if let Hold::Limit { detail } = hold {
            let used = item.failed >= policy.max_attempts + item.granted
                || item.lost > policy.max_losses + item.granted
                || detail.contains(" fixes did not help")
                || detail.contains("budget of");
            if !used {
                broken!(
                    "G15",
                    "{key} is held for {detail}, after {} failures and {} losses",
                    item.failed,
                    item.lost
                );
            }
        }
        Ok(())
    }

    fn asked(&mut self, key: &ItemKey, op: &OpId, kind: EffectKind) -> Kept {
        if kind == EffectKind::Merge {
            self.may_merge(key)?;
        }
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

    /// A merge of ours is judged like an acceptance.
    fn may_merge(&mut self, key: &ItemKey) -> Kept {
        self.tried("G4");
        let reviewed = self.mission.charter.policy.reviewer_required;
        let item = self.item(key)?;
        let passed = |what: &Option<Sha>| item.head.is_some() && *what == item.head;
        if item.found.is_some() && passed(&item.found) && !passed(&item.by_person) {
            broken!("G4", "{key} is to be merged with findings that nobody answered");
        }
        if !passed(&item.green) || (reviewed && !passed(&item.approved)) {
            broken!("G4", "{key} is to be merged at {:?}, where not every gate was passed", item.head);
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
            if passed(&item.found, head) && !passed(&item.by_person, head) {
                broken!("G4", "{key} was accepted at {} with findings that nobody answered", head.short());
            }
            if policy.reviewer_required && !passed(&item.approved, head) {
                broken!("G4", "{key} was accepted at {}, which nobody else approved", head.short());
            }
        }
        if *outcome == Outcome::Unchanged && item.approved.is_none() {
            broken!("G4", "{key} changed nothing, and nobody agreed");
        }
        item.end = Some(End::Done(outcome.clone()));
        self.stacked(key, outcome);
        Ok(())
    }

    /// What was accepted holds what it builds upon; the forge is asked about that.
    fn stacked(&mut self, key: &ItemKey, outcome: &Outcome) {
        let (Outcome::Accepted { head }, Some(item)) = (outcome, self.mission.items.get(key)) else { return };
        let below = item.spec.depends_on.iter().filter_map(|edge| self.mission.items.get(&edge.on));
        for on in below {
            if let Some(End::Done(Outcome::Accepted { head: below })) = &on.end {
                self.stacks.push(Stacked { item: key.clone(), head: head.clone(), below: below.clone() });
            }
        }
    }

    /// What the forge showed, and what was judged.
    fn seen(&mut self, key: &ItemKey, event: &Event) -> Kept {
        let truth = self.truth();
        let by_note = matches!(self.input, Input::Mission { what: MissionInput::Note { .. }, .. });
        let found = self.found();
        let reviewers = self.mission.charter.policy.reviewers as usize;
        let reruns = self.mission.charter.policy.check_reruns;
        let item = self.item(key)?;
        match event {
            Event::CancelAsked { .. } => item.cancelling = true,
            Event::ItemPinned { .. } => item.pinned = true,
            Event::LookScheduled { .. } if by_note => item.unjudged = 0,
            Event::HoldCleared { granted, .. } => {
                item.unjudged = 0;
                item.granted += u32::from(*granted);
            }
            Event::HeadProposed { head, by, .. } => {
                item.proposed = Some(head.clone());
                item.authors.insert(by.clone());
            }
            Event::BaseMended { by, .. } => drop(item.authors.insert(by.clone())),
            Event::PullPublished { pull: Pull { head, .. }, .. } | Event::HeadMoved { head, .. } => {
                item.head = Some(head.clone());
                item.unjudged = 0;
            }
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
                item.unjudged += u32::from(checks.could_not_judge());
                if item.unjudged > reruns + 1 {
                    broken!("G15", "checks of {key} that cannot judge were run {} times", item.unjudged);
                }
            }
            Event::VerdictGiven { head, by, approve, .. } => {
                if item.authors.iter().any(|author| author.as_str() == by) {
                    broken!("G4", "{by} judged {key}, and wrote it");
                }
                if item.approvals.0.as_ref() != Some(head) {
                    item.approvals = (Some(head.clone()), BTreeSet::new());
                }
                let person = by == "operator";
                if *approve {
                    item.approvals.1.insert(by.clone());
                }
                let enough = person || item.approvals.1.len() >= reviewers;
                item.approved = (*approve && enough).then(|| head.clone());
                if *approve && person {
                    item.by_person = Some(head.clone());
                }
                if item.by_person.as_ref() == Some(head) {
                    item.approved = Some(head.clone());
                }
            }
            Event::PullSeen { seen, .. } if item.head.as_ref() == Some(&seen.head) => {
                item.found = found.filter(|head| *head == seen.head);
            }
            Event::PullSeen { seen, .. } => {
                broken!(
                    "G18",
                    "a look at {} counts for {key}, whose head is {:?}",
                    seen.head.short(),
                    item.head
                )
            }
            Event::ItemMerged { commit, .. } => {
                item.end = Some(End::Done(Outcome::Merged { commit: commit.clone() }));
            }
            Event::DependencyChanged { .. } => item.end = None,
            Event::TrialChecked { commit, checks, .. } => {
                let passed = matches!(**checks, Checks::Green | Checks::NotRequired);
                if truth.is_some_and(|(seen, green)| seen != *commit || green != passed) {
                    broken!("G6", "checks of another commit count for the merge {} of {key}", commit.short());
                }
                item.unjudged += u32::from(checks.could_not_judge());
            }
            Event::Restacked { head, .. } if item.head.as_ref() != Some(head) => {
                item.head = Some(head.clone());
                item.proposed = Some(head.clone());
                item.unjudged = 0;
            }
            Event::ItemSkipped { reason, .. } => item.end = Some(End::Skipped(*reason)),
            Event::ItemFailed { .. } => item.end = Some(End::Failed),
            _ => {}
        }
        Ok(())
    }

    /// The head in which bots found something, by the look that is the step's input.
    fn found(&self) -> Option<Sha> {
        let Input::Mission { what: MissionInput::Effect { result: EffectResult::Looked(seen), .. }, .. } =
            self.input
        else {
            return None;
        };
        let bots = &self.mission.charter.policy.bugbots;
        let found = seen.comments.iter().any(|comment| comment.head == seen.head && comment.is_by(bots));
        found.then(|| seen.head.clone())
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
