//! The merge lane, and work that is stacked upon other work. Merges land one after another, each only if the
//! checks passed on the very commit that lands.

use super::Turn;
use super::gate::Verdict;
use crate::effect::{Effect, EffectKind, Stack};
use crate::event::{Event, Outcome};
use crate::id::Sha;
use crate::mission::{ItemIx, Phase, Trial};
use crate::mutant::{Mutant, is_planted};
use crate::observation::Checks;

impl Turn<'_> {
    /// Every gate is passed on the head: it is merged when its turn comes.
    pub(super) fn merge(&mut self, ix: ItemIx) {
        let now = &self.mission.item(ix).now;
        if now.gates.turn.is_none() {
            let (item, turn) = (self.mission.key(ix).clone(), self.step.seq);
            self.emit(Event::MergeQueued { item, turn });
        }
        let now = &self.mission.item(ix).now;
        if self.mission.next_to_merge() != Some(ix) || now.awaits(EffectKind::Merge) {
            return;
        }
        match &now.gates.trial {
            Some(Trial { commit, checks: None }) if !is_planted(Mutant::TrialUnchecked) => {
                self.ask_check(ix, commit.clone(), false);
            }
            trial => self.land(ix, trial.as_ref().map(|trial| trial.commit.clone())),
        }
    }

    fn land(&mut self, ix: ItemIx, tested: Option<Sha>) {
        let item = self.mission.item(ix);
        let Some(pull) = &item.now.pull else { return };
        let effect = Effect::Merge {
            item: item.spec.key.clone(),
            pull: pull.number,
            head: pull.head.clone(),
            title: format!("{} ({})", item.spec.title, item.spec.key),
            tested,
        };
        self.ask(ix, effect);
    }

    /// Others need not wait for an item that does not pass.
    pub(super) fn leave_lane(&mut self, ix: ItemIx) {
        if self.mission.item(ix).now.gates.turn.is_some() {
            self.emit(Event::MergeUnqueued { item: self.mission.key(ix).clone() });
        }
    }

    /// What the checks said about the merge on trial, if there is one; everything else is passed.
    pub(super) fn verdict_on_trial(&self, ix: ItemIx) -> Verdict {
        let now = &self.mission.item(ix).now;
        let checks = now.gates.trial.as_ref().and_then(|trial| trial.checks.as_ref());
        let Some(checks) = checks.filter(|_| !is_planted(Mutant::TrialIgnored)) else {
            return Verdict::Pass;
        };
        match self.verdict_of(Some(checks), now.gates.unjudged, now.open_fix.is_some()) {
            Ok(()) => Verdict::Pass,
            Err(Verdict::Mend { cause, summary, output }) => {
                let summary = format!("merged with the base as it is now, {summary}");
                Verdict::Mend { cause, summary, output }
            }
            Err(verdict) => verdict,
        }
    }

    /// The base holds what the head does not: their merge is tried first.
    pub(super) fn untested(&mut self, ix: ItemIx, head: &Sha, trial: &Sha) {
        if self.mission.item(ix).now.phase == Phase::Gated && self.is_at(ix, head) {
            let (item, commit) = (self.mission.key(ix).clone(), trial.clone());
            self.emit(Event::TrialMade { item, commit });
        }
    }

    /// What the checks said about a merge on trial; one that is not tried any more is of no interest.
    pub(super) fn trial_checked(&mut self, ix: ItemIx, commit: &Sha, checks: &Checks) {
        let trial = self.mission.item(ix).now.gates.trial.as_ref();
        if trial.is_some_and(|trial| trial.commit == *commit) {
            let (item, commit) = (self.mission.key(ix).clone(), commit.clone());
            self.emit(Event::TrialChecked { item, commit, checks: Box::new(checks.clone()) });
        }
    }

    /// Whether the pull request must first be brought up to what its item builds upon; that is begun then.
    pub(super) fn restack(&mut self, ix: ItemIx) -> bool {
        let item = self.mission.item(ix);
        if item.unmet > 0 || item.now.open_fix.is_some() || is_planted(Mutant::StackForgotten) {
            return false;
        }
        let stack = self.stack_below(ix);
        let known = item.now.gates.stack.as_ref();
        let holds_it = known.map_or_else(|| stack.is_empty(), |known| *known == stack);
        let Some(pull) = item.now.pull.as_ref().filter(|_| !holds_it) else { return false };
        if !item.now.awaits(EffectKind::Restack) {
            let (item, pull, head) = (item.spec.key.clone(), pull.number, pull.head.clone());
            self.ask(ix, Effect::Restack { item, pull, head, stack });
        }
        true
    }

    /// What the head must hold of the items that it builds upon.
    fn stack_below(&self, ix: ItemIx) -> Stack {
        let mut stack = Stack::default();
        for on in self.roots_below(ix) {
            let now = &self.mission.item(on).now;
            match (&now.outcome, &now.accepted) {
                (Some(Outcome::Accepted { head }), _) => stack.accepted.push(head.clone()),
                (Some(Outcome::Merged { .. }), Some(head)) => stack.landed.push(head.clone()),
                _ => {}
            }
        }
        stack
    }

    /// The pull request holds what its item builds upon, perhaps at a new head.
    pub(super) fn restacked(&mut self, ix: ItemIx, from: &Sha, head: &Sha, stack: &Stack) {
        if !self.is_at(ix, from) {
            return;
        }
        if from != head {
            self.accepted_moved(ix, "what it builds upon has changed");
        }
        let (item, head, stack) = (self.mission.key(ix).clone(), head.clone(), stack.clone());
        self.emit(Event::Restacked { item, head, stack });
        self.supersede_outdated(ix);
    }

    /// Whoever mends it merges what it builds upon.
    pub(super) fn stack_conflict(&mut self, ix: ItemIx, from: &Sha, head: &Sha, detail: &str) {
        if self.is_at(ix, from) {
            self.accepted_moved(ix, "it does not merge with what it builds upon");
            self.mend_stack(ix, head.clone(), detail);
        }
    }

    /// Whether the pull request is still there, and nobody gave the item up.
    fn is_at(&self, ix: ItemIx, head: &Sha) -> bool {
        let now = &self.mission.item(ix).now;
        matches!(now.phase, Phase::Gated | Phase::Done) && now.head() == Some(head)
    }
}
