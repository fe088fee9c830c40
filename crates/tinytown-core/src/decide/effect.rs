//! What came of effects. A result counts once, and only while the mission waits for it.

use std::time::Duration;

use super::{Turn, gate};
use crate::effect::{EffectKind, EffectResult};
use crate::event::{Event, Hold, Outcome};
use crate::id::{OpId, Sha};
use crate::input::Answer;
use crate::issue::{IssueRef, IssueState};
use crate::mission::{ItemIx, Phase};
use crate::mutant::{Mutant, is_planted};
use crate::observation::{Checks, Mergeable, Observation, PullState};

/// How soon something is tried again that the forge could not do.
const FORGE_RETRY: Duration = Duration::from_secs(5);

impl Turn<'_> {
    pub(super) fn effect(&mut self, op: &OpId, result: &EffectResult) -> Answer {
        let Some(ix) = self.mission.item_of_effect(op) else { return Answer::applied() };
        let kind =
            self.mission.item(ix).now.effects.iter().find(|(_, name)| name == op).map(|(kind, _)| *kind);
        let Some(kind) = kind else { return Answer::applied() };
        self.step.effects_over.push(op.clone());
        let item = self.mission.key(ix).clone();
        self.emit(Event::EffectOver { item, op: op.clone(), kind });
        if !self.mission.item(ix).now.phase.is_over() || self.mission.item(ix).now.phase == Phase::Done {
            self.result(ix, kind, result);
        }
        Answer::applied()
    }

    fn result(&mut self, ix: ItemIx, kind: EffectKind, result: &EffectResult) {
        let item = self.mission.key(ix).clone();
        match result {
            EffectResult::Base(base) => self.base_found(ix, base),
            EffectResult::BaseConflict { onto, head, detail } => {
                self.base_conflict(ix, onto, head, detail);
            }
            // A person may have ended it meanwhile.
            EffectResult::Published(_) | EffectResult::BaseCheckoutBusy(_)
                if self.mission.item(ix).now.phase != Phase::Gated => {}
            EffectResult::Published(pull) => {
                self.emit(Event::PullPublished { item, pull: pull.clone() });
                self.supersede_outdated(ix);
            }
            EffectResult::HeadMoved(head) => self.head_moved(ix, head),
            EffectResult::NotOpen(pull) => self.pull_state(ix, &pull.state),
            EffectResult::Looked(seen) => self.looked(ix, seen),
            EffectResult::Checked { head, checks } => self.checked(ix, head, checks),
            EffectResult::Merged(commit) => self.pull_state(ix, &PullState::Merged(commit.clone())),
            EffectResult::MergeConflict(detail) => self.merge_conflict(ix, detail),
            EffectResult::Untested { head, trial } => self.untested(ix, head, trial),
            EffectResult::Restacked { from, head, stack } => self.restacked(ix, from, head, stack),
            EffectResult::StackConflict { from, head, detail } => {
                self.stack_conflict(ix, from, head, detail);
            }
            EffectResult::Closed => self.pull_state(ix, &PullState::Closed),
            EffectResult::BaseCheckoutBusy(detail) => {
                self.emit(Event::BaseCheckoutBusy { item, detail: detail.clone() });
                self.look_at(ix, gate::BUSY_RETRY, false);
            }
            EffectResult::Issues(states) => self.issues_seen(ix, states),
            EffectResult::Failed { again, detail } => self.forge_failed(ix, kind, *again, detail),
        }
    }

    /// The agent that was chosen can be told now.
    fn base_found(&mut self, ix: ItemIx, base: &Sha) {
        let now = &self.mission.item(ix).now;
        let waiting = now.assignment.as_ref().is_some_and(|held| held.base.is_none());
        if now.phase == Phase::Assigned && waiting {
            self.tell(ix, base.clone());
        }
    }

    fn base_conflict(&mut self, ix: ItemIx, onto: &Sha, head: &Sha, detail: &str) {
        if self.mission.item(ix).now.phase == Phase::Assigned {
            self.cancelled(ix, "what it builds upon does not merge");
            self.mend_base(ix, onto.clone(), head.clone(), detail);
        }
    }

    fn head_moved(&mut self, ix: ItemIx, head: &Sha) {
        let item = self.mission.key(ix).clone();
        self.emit(Event::HeadMoved { item, head: head.clone() });
        self.accepted_moved(ix, &format!("its pull request moved to {}", head.short()));
        self.supersede_outdated(ix);
        self.supersede_unbegun_fix(ix);
    }

    fn looked(&mut self, ix: ItemIx, seen: &Observation) {
        let now = &self.mission.item(ix).now;
        let Some(pull) = now.pull.clone() else { return };
        let accepted = now.phase == Phase::Done;
        if seen.state != pull.state {
            self.pull_state(ix, &seen.state);
        }
        let same_head = seen.head == pull.head || is_planted(Mutant::OldHeadCounts);
        let item = self.mission.key(ix).clone();
        match (&seen.state, same_head, accepted) {
            (PullState::Open, false, _) => return self.head_moved(ix, &seen.head),
            (PullState::Closed, false, false) => {
                self.emit(Event::HeadMoved { item: item.clone(), head: seen.head.clone() });
            }
            (PullState::Open, true, _) | (_, true, false) => {}
            // It is over, or what was seen is not about the head that we know.
            (PullState::Closed | PullState::Merged(_), ..) => return,
        }
        // Whose comments count is the policy's, and what was said of an earlier head is not about this one.
        let mut seen = seen.clone();
        let bots = &self.mission.policy().bugbots;
        seen.comments.retain(|comment| comment.head == seen.head && comment.is_by(bots));
        let answered = seen.comments.is_empty() && self.open_fix_cause(ix) == Some("bugbot");
        self.emit(Event::PullSeen { item, seen: Box::new(seen) });
        if answered {
            self.supersede_unbegun_fix(ix);
        }
    }

    fn pull_state(&mut self, ix: ItemIx, state: &PullState) {
        let item = self.mission.key(ix).clone();
        let done = self.mission.item(ix).now.phase == Phase::Done;
        self.emit(Event::PullState { item: item.clone(), state: state.clone() });
        match state {
            PullState::Merged(commit) if done => {
                self.emit(Event::ItemMerged { item, commit: commit.clone() });
            }
            PullState::Merged(commit) => {
                let commit = commit.clone();
                self.revoke(ix);
                self.done(ix, Outcome::Merged { commit });
            }
            PullState::Closed => self.accepted_moved(ix, "its pull request was closed"),
            PullState::Open => {}
        }
    }

    fn checked(&mut self, ix: ItemIx, head: &Sha, checks: &Checks) {
        if self.mission.item(ix).now.head() != Some(head) && !is_planted(Mutant::LateChecksCount) {
            return self.trial_checked(ix, head, checks);
        }
        let (item, head, checks) = (self.mission.key(ix).clone(), head.clone(), Box::new(checks.clone()));
        let passed = matches!(*checks, Checks::Green | Checks::NotRequired);
        self.emit(Event::ChecksSeen { item, head, checks });
        let by_checks = self.open_fix_cause(ix) == Some("checks");
        if passed && by_checks {
            self.supersede_unbegun_fix(ix);
        }
    }

    fn open_fix_cause(&self, ix: ItemIx) -> Option<&str> {
        let open = self.mission.item(ix).now.open_fix?;
        match &self.mission.item(ItemIx(open)).task {
            Some(crate::event::FollowUp::Fix { cause, .. }) => Some(cause),
            _ => None,
        }
    }

    fn merge_conflict(&mut self, ix: ItemIx, detail: &str) {
        let now = &self.mission.item(ix).now;
        let Some(head) = now.head().cloned() else { return };
        if now.phase != Phase::Gated {
            return;
        }
        let seen = Observation {
            mergeable: Mergeable::Conflict(detail.to_owned()),
            governed: now.gates.governed.clone(),
            comments: now.gates.findings.clone(),
            ..Observation::open(head)
        };
        let item = self.mission.key(ix).clone();
        self.emit(Event::PullSeen { item, seen: Box::new(seen) });
    }

    fn issues_seen(&mut self, ix: ItemIx, states: &[(IssueRef, IssueState)]) {
        let closed: Vec<IssueRef> = states
            .iter()
            .filter(|(_, state)| *state == IssueState::Closed)
            .map(|(reference, _)| reference.clone())
            .collect();
        let item = self.mission.key(ix).clone();
        if !closed.is_empty() {
            self.emit(Event::ExternalsClosed { item, references: closed });
        }
        if !self.mission.item(ix).now.externals.is_empty() {
            self.look_at(ix, self.mission.policy().watch_interval(), false);
        }
    }

    fn forge_failed(&mut self, ix: ItemIx, kind: EffectKind, again: bool, detail: &str) {
        let item = self.mission.key(ix).clone();
        self.emit(Event::ForgeFailed { item: item.clone(), detail: detail.to_owned() });
        if kind == EffectKind::Base {
            if self.mission.item(ix).now.phase != Phase::Assigned {
                return;
            }
            self.cancelled(ix, detail);
            let until = self.now + FORGE_RETRY;
            if again {
                return self.emit(Event::BackoffBegan { item, until });
            }
        }
        let gone = self.mission.item(ix).now.phase.is_over();
        if again || gone {
            self.look_at(ix, FORGE_RETRY, kind == EffectKind::Check);
        } else if matches!(self.mission.item(ix).now.phase, Phase::Ready | Phase::Gated) {
            self.hold(ix, Hold::Refused { detail: detail.to_owned() });
        }
    }
}
