//! Attempts: begun, handed in, failed, lost, cancelled.

use std::time::Duration;

use super::Turn;
use crate::event::{Event, FollowUp, Hold, Outcome, SkipReason};
use crate::id::{AgentName, Claim, Generation, Sha};
use crate::input::{Answer, AttemptEnd, Refusal, Submission};
use crate::letter::{Letter, Recipient, assignment_key, cancel_key};
use crate::mission::{ItemIx, Phase};
use crate::mutant::{self, Mutant, is_planted};
use crate::roster::RosterChange;
use crate::time::Time;

/// Time before the second attempt; each later one waits six times as long, up to [`BACKOFF_MOST`].
const BACKOFF_FIRST: Duration = Duration::from_secs(5);
const BACKOFF_MOST: Duration = Duration::from_mins(15);

/// How long an item waits after its `failures`-th failed attempt.
pub(super) fn backoff(failures: u32) -> Duration {
    let factor = 6_u32.saturating_pow(failures.saturating_sub(1));
    if is_planted(Mutant::CounterInDecision) {
        return BACKOFF_FIRST + Duration::from_millis(mutant::count());
    }
    BACKOFF_FIRST.saturating_mul(factor).min(BACKOFF_MOST)
}

/// How long an agent CLI is left alone whose provider did not say when its limit is lifted.
const LIMIT_PAUSE: Duration = Duration::from_mins(15);
/// Longest pause that is believed: limits are lifted once a week at the latest.
const LIMIT_MOST: Duration = Duration::from_hours(8 * 24);

fn stale() -> Answer {
    Answer::refused(
        Refusal::NotNow,
        "the assignment is no longer in force; the work is kept and changes nothing",
    )
}

impl Turn<'_> {
    pub(super) fn started(&mut self, claim: &Claim) -> Answer {
        let Some(ix) = self.held(claim) else { return stale() };
        self.over_letter(claim, assignment_key);
        if self.mission.item(ix).now.phase == Phase::Assigned {
            // It was told before the stop, and has not begun: then it does not begin.
            if !self.mission.head().state.is_active() && !is_planted(Mutant::BegunWhileStopped) {
                self.cancelled(ix, "the mission was stopped before its agent began");
                return stale();
            }
            let Claim { item, agent, attempt, .. } = claim.clone();
            self.emit(Event::ItemStarted { item, agent, attempt });
        }
        Answer::applied()
    }

    pub(super) fn submitted(&mut self, claim: &Claim, submission: &Submission) -> Answer {
        let Some(ix) = self.held(claim) else { return self.stale_submission(claim, submission) };
        self.over_letter(claim, assignment_key);
        if self.mission.item(ix).now.phase == Phase::Cancelling {
            let answer = self.stale_submission(claim, submission);
            self.cancelled(ix, "cancelled");
            return answer;
        }
        match (submission, self.mission.item(ix).task.clone()) {
            (Submission::Work { .. }, Some(FollowUp::Review { .. })) => {
                self.failed(ix, "no-verdict", "a review must end with approve or request_changes");
            }
            (Submission::Work { empty: true, summary, .. }, Some(FollowUp::Fix { .. })) => {
                self.failed(ix, "nothing-done", summary);
            }
            (Submission::Work { head, summary, .. }, Some(FollowUp::Fix { .. })) => {
                self.hand_in(ix, claim, head, false, summary);
                self.fixed(ix, head, &claim.agent);
            }
            (Submission::Work { head, empty, summary }, None) => {
                self.hand_in(ix, claim, head, *empty, summary);
            }
            (Submission::Verdict { approve, summary }, Some(FollowUp::Review { head })) => {
                self.hand_in(ix, claim, &head, true, summary);
                self.verdict(ix, &head, &claim.agent, *approve, summary);
            }
            (Submission::Verdict { .. }, _) => {
                self.failed(ix, "nothing-done", "a verdict was given, and nothing is under review");
            }
        }
        Answer::applied()
    }

    pub(super) fn ended(&mut self, claim: &Claim, end: &AttemptEnd) -> Answer {
        let Some(ix) = self.held(claim) else { return stale() };
        self.over_letter(claim, assignment_key);
        if self.mission.item(ix).now.phase == Phase::Cancelling {
            self.cancelled(ix, "cancelled");
            return Answer::applied();
        }
        match end {
            AttemptEnd::Failed { cause, detail } => self.failed(ix, cause, detail),
            AttemptEnd::Lost { detail } => self.lost(ix, detail),
            AttemptEnd::Stuck { summary } => self.stuck(ix, summary),
            AttemptEnd::Limited { until, detail } => {
                self.pause_cli(&claim.agent, *until);
                self.lost(ix, &format!("its agent CLI reached a limit: {detail}"));
            }
            AttemptEnd::Cancelled => self.cancelled(ix, "given back by the worker"),
        }
        Answer::applied()
    }

    pub(super) fn agent_gone(&mut self, agent: &AgentName, generation: Generation, reason: &str) -> Answer {
        let Some(entry) = self.roster.get(agent) else {
            return Answer::refused(Refusal::Unknown, format!("no agent {agent}"));
        };
        if entry.generation != generation || !entry.is_present() {
            return Answer::refused(
                Refusal::NotNow,
                format!("{agent} was started again, or is gone already"),
            );
        }
        let claim = entry.claim().cloned();
        if let Some(ix) = claim.as_ref().and_then(|claim| self.held(claim)) {
            self.forsaken(ix, reason);
        }
        if let Some(claim) = &claim {
            self.over_letter(claim, assignment_key);
        }
        self.roster(RosterChange::AgentGone { agent: agent.clone(), reason: reason.to_owned() });
        Answer::applied()
    }

    /// Its agent is gone. What was being cancelled, or was never told, counts against no budget.
    fn forsaken(&mut self, ix: ItemIx, reason: &str) {
        let now = &self.mission.item(ix).now;
        let never_told = now.assignment.as_ref().is_some_and(|held| held.base.is_none());
        if now.phase == Phase::Cancelling || never_told {
            self.cancelled(ix, reason);
        } else {
            self.lost(ix, reason);
        }
    }

    /// Gives up assignments whose agents do not hold them any more. Looks at all items.
    pub(super) fn reconcile(&mut self) -> Answer {
        let forgotten = is_planted(Mutant::LossForgotten);
        for ix in self.mission.disowned(self.roster).into_iter().filter(|_| !forgotten) {
            self.forsaken(ix, "its worker was lost while the mission could not be read");
        }
        Answer::applied()
    }

    pub(super) fn agent_retires(&mut self, agent: &AgentName, force: bool) -> Answer {
        self.roster(RosterChange::AgentRetiring { agent: agent.clone() });
        self.deliver_to_agent(agent, "retire".to_owned(), Letter::Retire);
        let claim = self.roster.get(agent).and_then(|entry| entry.claim().cloned());
        if let Some(ix) = claim.filter(|_| force).and_then(|claim| self.held(&claim)) {
            self.cancel(ix, None);
        }
        Answer::applied()
    }

    /// The item that this claim holds.
    fn held(&self, claim: &Claim) -> Option<ItemIx> {
        let ix = self.mission.find(&claim.item)?;
        let right_mission = claim.mission == self.mission.id();
        if is_planted(Mutant::StaleSubmissionAccepted) {
            return self.mission.item(ix).now.assignment.is_some().then_some(ix);
        }
        (right_mission && self.mission.item(ix).is_held_by(claim)).then_some(ix)
    }

    fn over_letter(&mut self, claim: &Claim, key: fn(crate::id::MissionId, crate::id::Fence) -> String) {
        let to = Recipient::Agent(claim.agent.clone());
        let letter = (to, key(claim.mission, claim.fence));
        if !self.step.letters_over.contains(&letter) {
            self.step.letters_over.push(letter);
        }
    }

    fn stale_submission(&mut self, claim: &Claim, submission: &Submission) -> Answer {
        if claim.mission != self.mission.id() || self.mission.find(&claim.item).is_none() {
            return Answer::refused(Refusal::Unknown, format!("no item {} in this mission", claim.item));
        }
        let head = match submission {
            Submission::Work { head, .. } => Some(head.clone()),
            Submission::Verdict { .. } => None,
        };
        let Claim { item, agent, attempt, fence, .. } = claim.clone();
        self.emit(Event::SubmissionStale { item, agent, attempt, fence, head });
        stale()
    }

    fn hand_in(&mut self, ix: ItemIx, claim: &Claim, head: &Sha, empty: bool, summary: &str) {
        let Claim { item, agent, attempt, .. } = claim.clone();
        let cli = self.cli_of(&agent);
        self.emit(Event::ItemSubmitted {
            item,
            agent,
            attempt,
            head: head.clone(),
            empty,
            summary: summary.to_owned(),
            cli,
            spend: self.spend,
        });
        self.free(claim);
        if self.mission.item(ix).task.is_some() {
            self.emit(Event::ItemDone { item: claim.item.clone(), outcome: Outcome::HandedIn });
        }
    }

    fn failed(&mut self, ix: ItemIx, cause: &str, detail: &str) {
        let Some(claim) = self.mission.item(ix).claim(self.mission.id()) else { return };
        self.free(&claim);
        let Claim { item, agent, attempt, .. } = claim;
        self.emit(Event::AttemptFailed {
            item,
            agent,
            attempt,
            cause: cause.to_owned(),
            detail: detail.to_owned(),
            spend: self.spend,
        });
        self.after_failure(ix);
    }

    /// Another try later, or the end of the budget.
    pub(super) fn after_failure(&mut self, ix: ItemIx) {
        if self.hold_if_overspent(ix) {
            return;
        }
        let item = self.mission.item(ix);
        let (attempts, allowed) = (item.now.attempts, self.mission.tries(item));
        if attempts < allowed {
            let (item, until) = (item.spec.key.clone(), self.now + backoff(attempts));
            self.emit(Event::BackoffBegan { item, until });
        } else {
            let last = item.now.evidence.as_ref().map_or("", |last| last.cause.as_str());
            let detail = format!("{attempts} of {allowed} attempts failed, the last: {last}");
            self.hold(ix, Hold::Limit { detail });
        }
    }

    fn lost(&mut self, ix: ItemIx, detail: &str) {
        if is_planted(Mutant::LossCountedAsAttempt) {
            return self.failed(ix, "lost", detail);
        }
        let Some(claim) = self.mission.item(ix).claim(self.mission.id()) else { return };
        self.free(&claim);
        let Claim { item, agent, attempt, .. } = claim;
        self.emit(Event::AttemptLost { item, agent, attempt, detail: detail.to_owned(), spend: self.spend });
        let now = &self.mission.item(ix).now;
        let allowed = self.mission.policy().max_losses + now.granted;
        if now.losses > allowed && !is_planted(Mutant::LossesUnbounded) {
            let detail = format!("lost {} times, {allowed} allowed, the last: {detail}", now.losses);
            self.hold(ix, Hold::Limit { detail });
        } else {
            self.hold_if_overspent(ix);
        }
    }

    /// No agent with that CLI takes work before the limit is lifted.
    fn pause_cli(&mut self, agent: &AgentName, until: Option<Time>) {
        let until = until.unwrap_or(self.now + LIMIT_PAUSE).clamp(self.now, self.now + LIMIT_MOST);
        let cli = self.cli_of(agent);
        let of_cli: Vec<AgentName> =
            self.roster.iter().filter(|agent| agent.cli == cli).map(|agent| agent.name.clone()).collect();
        for agent in of_cli {
            self.roster(RosterChange::AgentPaused { agent, until: Some(until) });
        }
    }

    fn stuck(&mut self, ix: ItemIx, question: &str) {
        let Some(claim) = self.mission.item(ix).claim(self.mission.id()) else { return };
        self.free(&claim);
        let Claim { item, agent, attempt, .. } = claim;
        let detail = question.to_owned();
        self.emit(Event::AttemptFailed {
            item,
            agent,
            attempt,
            cause: "stuck".to_owned(),
            detail,
            spend: self.spend,
        });
        self.hold(ix, Hold::Stuck { question: question.to_owned() });
    }

    /// The assignment is over without counting; what was meant for the item then happens.
    pub(super) fn cancelled(&mut self, ix: ItemIx, detail: &str) {
        let Some(claim) = self.mission.item(ix).claim(self.mission.id()) else { return };
        self.free(&claim);
        self.over_letter(&claim, assignment_key);
        self.over_letter(&claim, cancel_key);
        self.revoke(ix);
        let item = claim.item;
        self.emit(Event::AttemptCancelled { item: item.clone(), detail: detail.to_owned() });
        if let Some(reason) = self.mission.item(ix).now.leaving {
            self.emit(Event::ItemSkipped { item, reason });
        }
    }

    /// Revokes an assignment; the slot stays taken until the worker says that the processes are gone.
    pub(super) fn cancel(&mut self, ix: ItemIx, leaving: Option<SkipReason>) {
        let Some(claim) = self.mission.item(ix).claim(self.mission.id()) else { return };
        let now = &self.mission.item(ix).now;
        if now.phase == Phase::Cancelling {
            // It is being stopped already; what becomes of it then may be new.
            if leaving.is_some() && now.leaving.is_none() {
                self.emit(Event::CancelAsked { item: claim.item, leaving });
            }
            return;
        }
        let never_told =
            self.mission.item(ix).now.assignment.as_ref().is_some_and(|held| held.base.is_none());
        self.emit(Event::CancelAsked { item: claim.item.clone(), leaving });
        if is_planted(Mutant::AgentFreedAtCancel) {
            self.free(&claim);
        }
        if never_told {
            self.cancelled(ix, "cancelled before its agent was told");
        } else {
            let key = cancel_key(claim.mission, claim.fence);
            self.deliver_to_agent(&claim.agent.clone(), key, Letter::Cancel { claim });
        }
    }

    /// The agent may take other work, unless it does already.
    fn free(&mut self, claim: &Claim) {
        if self.roster.get(&claim.agent).is_some_and(|entry| entry.claim() == Some(claim)) {
            self.roster(RosterChange::AgentFreed { agent: claim.agent.clone() });
        }
    }
}
