//! Effects at the model: looked for before they are done, and done only while that is permitted.

use super::commits::Place;
use super::state::{Record, unknown};
use super::{Denial, ForgeMerge, ForgeModel};
use crate::effect::{Effect, EffectResult, Stack};
use crate::id::{ItemKey, MissionId, OpId, Sha};
use crate::issue::{IssueRef, IssueState};
use crate::mutant::{Mutant, is_planted};
use crate::observation::{Checks, PullState};

/// Leave to change something, which may be withdrawn at any time.
pub(super) type Permit<'a> = &'a dyn Fn() -> bool;

impl ForgeModel {
    /// Performs one effect of a mission. It may be repeated under its name.
    ///
    /// # Errors
    /// [`Denial`]; nothing was changed then.
    pub fn perform(
        &mut self,
        mission: MissionId,
        op: &OpId,
        effect: &Effect,
        permit: Permit<'_>,
    ) -> Result<EffectResult, Denial> {
        match effect {
            Effect::Base { holds, candidate, .. } => self.base_for(holds, candidate.as_ref(), permit),
            Effect::Publish { pull, branch, expected, head, .. } => {
                self.publish(*pull, branch, expected.as_ref(), head, permit)
            }
            Effect::Look { pull, .. } => self.look(*pull).map(EffectResult::Looked),
            Effect::Check { head, again, .. } => {
                let checks = self.check(head, *again, permit)?;
                Ok(EffectResult::Checked { head: head.clone(), checks })
            }
            Effect::Merge { item, pull, head, tested, .. } => {
                let by = Cause { mission, item, op };
                self.merge(by, *pull, head, tested.as_ref(), permit)
            }
            Effect::Restack { pull, head, stack, .. } => self.restack(*pull, head, stack, permit),
            Effect::Issues { references, .. } => Ok(EffectResult::Issues(
                references.iter().map(|reference| (reference.clone(), self.issue_state(reference))).collect(),
            )),
        }
    }

    /// An issue that was deleted is not done.
    fn issue_state(&self, reference: &IssueRef) -> IssueState {
        self.issue(reference).map_or(IssueState::Open, |issue| issue.state)
    }

    fn base_for(
        &mut self,
        holds: &[Sha],
        candidate: Option<&Sha>,
        permit: Permit<'_>,
    ) -> Result<EffectResult, Denial> {
        let holds = holds.iter().map(|sha| self.place(sha)).collect::<Result<Vec<_>, _>>()?;
        let candidate = candidate.and_then(|sha| self.commits.find(sha));
        let ready_made = std::iter::once(self.base).chain(holds.iter().copied()).chain(candidate);
        let holds_all = |at: &Place| holds.iter().all(|head| self.commits.contains(*at, *head));
        if let Some(place) = ready_made.into_iter().find(holds_all) {
            return Ok(EffectResult::Base(self.commits.sha(place)));
        }
        self.merge_heads(&holds, permit)
    }

    fn merge_heads(&mut self, holds: &[Place], permit: Permit<'_>) -> Result<EffectResult, Denial> {
        let mut onto = holds[0];
        let mut merged = vec![onto];
        for &head in &holds[1..] {
            if self.commits.contains(onto, head) {
                continue;
            }
            let conflicts = self.commits.conflicts(onto, head);
            if !conflicts.is_empty() {
                let detail = conflicts.join(", ");
                let (onto, head) = (self.commits.sha(onto), self.commits.sha(head));
                return Ok(EffectResult::BaseConflict { onto, head, detail });
            }
            merged.push(head);
            onto = self.kept_merge(&merged, onto, head, permit)?;
        }
        Ok(EffectResult::Base(self.commits.sha(onto)))
    }

    /// The merge of these heads, made at most once.
    fn kept_merge(
        &mut self,
        heads: &[Place],
        onto: Place,
        head: Place,
        permit: Permit<'_>,
    ) -> Result<Place, Denial> {
        if let Some(made) = self.bases.get(heads) {
            return Ok(*made);
        }
        allowed(permit, "merging the heads")?;
        let made = self.commits.add(&[onto, head], &[]);
        self.bases.insert(heads.to_vec(), made);
        Ok(made)
    }

    fn publish(
        &mut self,
        pull: Option<u64>,
        branch: &str,
        expected: Option<&Sha>,
        head: &Sha,
        permit: Permit<'_>,
    ) -> Result<EffectResult, Denial> {
        let head = self.place(head)?;
        let known = self.pull_of(branch).filter(|_| !is_planted(Mutant::PublishedWithoutLooking));
        let number = pull.or(known);
        if let Some(number) = number {
            let record = self.record(number).ok_or_else(|| unknown(number))?;
            if self.state(record) != PullState::Open {
                return self.pull(number).map(EffectResult::NotOpen).ok_or_else(|| unknown(number));
            }
        }
        let believed = expected.and_then(|sha| self.commits.find(sha));
        match self.branches.get(branch) {
            Some(&at) if at != head && Some(at) != believed => {
                return Ok(EffectResult::HeadMoved(self.commits.sha(at)));
            }
            None if expected.is_some() => {
                return Err(Denial::Refused(format!("the branch {branch} is gone")));
            }
            _ => allowed(permit, "publishing")?,
        }
        self.branches.insert(branch.to_owned(), head);
        let number = self.open(number, branch, head);
        self.pull(number).map(EffectResult::Published).ok_or_else(|| unknown(number))
    }

    /// Records the head of a pull request, a new one if it has no number; answers its number.
    fn open(&mut self, number: Option<u64>, branch: &str, head: Place) -> u64 {
        let empty = self.commits.contains(self.base, head);
        if let Some((record, number)) = number.and_then(|n| Some((self.pull_mut(n)?, n))) {
            (record.head, record.empty) = (head, empty);
            return number;
        }
        self.pulls.push(Record {
            branch: branch.to_owned(),
            head,
            comments: Vec::new(),
            closed: false,
            empty,
            merged: None,
        });
        u64::try_from(self.pulls.len()).unwrap_or(u64::MAX)
    }

    fn check(&mut self, head: &Sha, again: bool, permit: Permit<'_>) -> Result<Checks, Denial> {
        let head = self.place(head)?;
        if self.checks_default == Checks::NotRequired {
            return Ok(Checks::NotRequired);
        }
        if let Some(verdict) = self.verdicts.get(&head).filter(|_| !again) {
            return Ok(verdict.clone());
        }
        allowed(permit, "running the checks")?;
        *self.check_runs.entry(head).or_default() += 1;
        let scripted = self.checks_script.get_mut(&head).and_then(|answers| {
            if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
        });
        let verdict = scripted.unwrap_or_else(|| self.checks_default.clone());
        if matches!(verdict, Checks::Green | Checks::Red(_)) {
            self.verdicts.insert(head, verdict.clone());
        }
        Ok(verdict)
    }

    fn merge(
        &mut self,
        by: Cause<'_>,
        pull: u64,
        head: &Sha,
        tested: Option<&Sha>,
        permit: Permit<'_>,
    ) -> Result<EffectResult, Denial> {
        let place = self.place(head)?;
        let record = self.record(pull).ok_or_else(|| unknown(pull))?;
        let (state, at) = (self.state(record), self.head(record));
        let again = is_planted(Mutant::MergedWithoutLooking);
        let merged = matches!(state, PullState::Merged(_));
        if (merged || self.commits.contains(self.base, place)) && !again {
            let commit = if let PullState::Merged(commit) = state { commit } else { None };
            return Ok(EffectResult::Merged(commit));
        }
        if state == PullState::Closed {
            return Ok(EffectResult::Closed);
        }
        if at != place {
            return Ok(EffectResult::HeadMoved(self.commits.sha(at)));
        }
        let conflicts = self.commits.conflicts(self.base, place);
        if !conflicts.is_empty() {
            return Ok(EffectResult::MergeConflict(conflicts.join(", ")));
        }
        if let Some(words) = &self.base_busy {
            return Ok(EffectResult::BaseCheckoutBusy(words.clone()));
        }
        if self.checks_default != Checks::NotRequired && !self.commits.contains(place, self.base) {
            let trial = self.trial_of(place, permit)?;
            if tested.and_then(|tested| self.commits.find(tested)) != Some(trial) {
                return Ok(EffectResult::Untested { head: head.clone(), trial: self.commits.sha(trial) });
            }
            return self.merge_for(by, pull, head, Some(trial), permit);
        }
        self.merge_for(by, pull, head, None, permit)
    }

    /// The merge of a head with the base as it is now, made at most once.
    fn trial_of(&mut self, head: Place, permit: Permit<'_>) -> Result<Place, Denial> {
        if let Some(made) = self.trials.get(&(self.base, head)) {
            return Ok(*made);
        }
        allowed(permit, "trying the merge")?;
        let made = self.commits.add(&[self.base, head], &[]);
        self.trials.insert((self.base, head), made);
        Ok(made)
    }

    fn restack(
        &mut self,
        pull: u64,
        from: &Sha,
        stack: &Stack,
        permit: Permit<'_>,
    ) -> Result<EffectResult, Denial> {
        let place = self.place(from)?;
        let record = self.record(pull).ok_or_else(|| unknown(pull))?;
        let (state, at, branch) = (self.state(record), self.head(record), record.branch.clone());
        if state != PullState::Open {
            return self.pull(pull).map(EffectResult::NotOpen).ok_or_else(|| unknown(pull));
        }
        if at != place {
            return Ok(EffectResult::HeadMoved(self.commits.sha(at)));
        }
        let accepted = stack.accepted.iter().map(|sha| self.place(sha)).collect::<Result<Vec<_>, _>>()?;
        let landed = stack.landed.iter().map(|sha| self.place(sha)).collect::<Result<Vec<_>, _>>()?;
        let squashed = landed.iter().any(|head| !self.commits.contains(self.base, *head));
        let mut onto = place;
        for head in accepted.into_iter().chain(squashed.then_some(self.base)) {
            if self.commits.contains(onto, head) {
                continue;
            }
            let conflicts = self.commits.conflicts(onto, head);
            if !conflicts.is_empty() {
                let (head, detail) = (self.commits.sha(head), conflicts.join(", "));
                return Ok(EffectResult::StackConflict { from: from.clone(), head, detail });
            }
            onto = self.commits.add(&[onto, head], &[]);
        }
        if onto != place {
            allowed(permit, "restacking")?;
            self.branches.insert(branch, onto);
        }
        let (from, head, stack) = (from.clone(), self.commits.sha(onto), stack.clone());
        Ok(EffectResult::Restacked { from, head, stack })
    }

    fn merge_for(
        &mut self,
        by: Cause<'_>,
        pull: u64,
        head: &Sha,
        trial: Option<Place>,
        permit: Permit<'_>,
    ) -> Result<EffectResult, Denial> {
        allowed(permit, "merging")?;
        let landing = trial.map_or_else(|| self.place(head), Ok)?;
        let tested =
            self.checks_default == Checks::NotRequired || self.verdicts.get(&landing) == Some(&Checks::Green);
        let Some(commit) = self.merge_head(pull, trial).map(|place| self.commits.sha(place)) else {
            return Ok(EffectResult::Merged(None));
        };
        self.merges.push(ForgeMerge {
            mission: by.mission,
            item: by.item.clone(),
            op: by.op.clone(),
            head: head.clone(),
            commit: commit.clone(),
            tested,
        });
        Ok(EffectResult::Merged(Some(commit)))
    }
}

/// For whom a merge is made, and under which name.
#[derive(Clone, Copy)]
struct Cause<'a> {
    mission: MissionId,
    item: &'a ItemKey,
    op: &'a OpId,
}

/// Goes on only while the permit holds.
fn allowed(permit: Permit<'_>, before: &'static str) -> Result<(), Denial> {
    if permit() { Ok(()) } else { Err(Denial::Revoked(before)) }
}
