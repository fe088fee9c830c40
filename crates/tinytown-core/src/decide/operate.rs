//! Starting, stopping, resuming, waking up; and how items become ready or fall away.

use super::Turn;
use crate::effect::{Effect, EffectKind};
use crate::event::{Event, SkipReason};
use crate::input::{Answer, Refusal};
use crate::mission::{ItemIx, MissionState};
use crate::mutant::{Mutant, is_planted};
use crate::roster::RosterChange;

impl Turn<'_> {
    /// Items that the manifest excludes are skipped before anything else.
    pub(super) fn skip_excluded(&mut self) {
        let items = self.mission.items();
        let excluded: Vec<_> =
            items.iter().filter(|item| item.spec.skip).map(|item| item.spec.key.clone()).collect();
        for item in excluded {
            self.emit(Event::ItemSkipped { item, reason: SkipReason::Manifest });
        }
    }

    /// A pending item becomes ready when nothing is missing.
    pub(super) fn promote(&mut self, ix: ItemIx) {
        let item = self.mission.item(ix);
        if item.unmet > u32::from(is_planted(Mutant::DependencyIgnored)) {
            return;
        }
        let key = item.spec.key.clone();
        if item.now.externals.is_empty() {
            self.emit(Event::ItemReady { item: key });
        } else if item.now.look_at.is_none() && !item.now.awaits(EffectKind::Issues) {
            let references = item.now.externals.clone();
            self.ask(ix, Effect::Issues { item: key, references });
        }
    }

    /// What a skipped item means for those that wait for it.
    pub(super) fn skipped(&mut self, ix: ItemIx) {
        if self.mission.item(ix).now.skipped == Some(SkipReason::DependencyFailed) {
            self.drop_dependents(ix);
        }
    }

    /// Descendants of an item that cannot be done are not started, and begun ones (it was accepted before) given up.
    pub(super) fn drop_dependents(&mut self, ix: ItemIx) {
        for on in self.mission.dependents(ix).to_vec() {
            let now = &self.mission.item(on).now;
            if now.phase.is_over() || now.leaving.is_some() {
                continue;
            }
            self.skip_for(on, SkipReason::DependencyFailed);
        }
    }

    /// Takes an item out of the mission, once its agent is gone if it has one.
    pub(super) fn skip_for(&mut self, ix: ItemIx, reason: SkipReason) {
        self.supersede_follow_ups(ix);
        self.revoke(ix);
        if self.mission.item(ix).now.phase.holds_slot() {
            return self.cancel(ix, Some(reason));
        }
        let item = self.mission.key(ix).clone();
        self.emit(Event::ItemSkipped { item, reason });
    }

    pub(super) fn stop(&mut self, force: bool) -> Answer {
        match self.mission.head().state {
            state if state.is_over() => {
                return Answer::refused(
                    Refusal::NotNow,
                    format!("the mission is {} already", state.as_str()),
                );
            }
            MissionState::Stopped if !force => return Answer::said("it is stopped already"),
            _ => {}
        }
        self.emit(Event::MissionStopped { ending: force });
        self.revoke_everything();
        if force {
            for ix in self.held_items() {
                self.cancel(ix, None);
            }
        }
        Answer::said(if force {
            "stopping agents; the mission ends"
        } else {
            "stopped; running agents finish"
        })
    }

    /// Nothing outside is begun any more; it is decided again at `resume`.
    fn revoke_everything(&mut self) {
        let under_way: Vec<ItemIx> = self.mission.effects_under_way().map(|(_, ix)| ix).collect();
        for ix in under_way {
            let never_told =
                self.mission.item(ix).now.assignment.as_ref().is_some_and(|held| held.base.is_none());
            if never_told {
                self.cancelled(ix, "the mission was stopped before its agent was told");
            } else {
                self.revoke(ix);
            }
        }
    }

    fn held_items(&self) -> Vec<ItemIx> {
        (0u32..)
            .zip(self.mission.items())
            .filter(|(_, item)| item.now.phase.holds_slot())
            .map(|(ix, _)| ItemIx(ix))
            .collect()
    }

    pub(super) fn resume(&mut self) -> Answer {
        match self.mission.head().state {
            MissionState::Stopped if self.mission.head().ending => {
                Answer::refused(Refusal::NotNow, "the mission is being ended; start another one")
            }
            MissionState::Stopped => {
                self.emit(Event::MissionResumed);
                if !is_planted(Mutant::RevokedForgotten) {
                    self.touch_all();
                }
                Answer::said("resumed")
            }
            state if state.is_over() => {
                let message = format!("the mission is {} and cannot be resumed", state.as_str());
                Answer::refused(Refusal::NotNow, message)
            }
            _ => Answer::said("it is running already"),
        }
    }

    /// Deadlines that came, and nothing else.
    pub(super) fn wake(&mut self) -> Answer {
        if self.mission.head().state.is_active() {
            for ix in self.mission.due(self.now) {
                self.due(ix);
            }
            self.watch_over();
            for agent in self.roster.lifted(self.now) {
                self.roster(RosterChange::AgentPaused { agent, until: None });
            }
        }
        Answer::applied()
    }

    fn due(&mut self, ix: ItemIx) {
        let now = &self.mission.item(ix).now;
        let item = self.mission.key(ix).clone();
        let over = |at: Option<crate::time::Time>| at.is_some_and(|at| at <= self.now);
        let (backoff, look, ask) = (over(now.not_before), over(now.look_at), over(self.mission.ask_due(ix)));
        if backoff {
            self.emit(Event::BackoffEnded { item: item.clone() });
        }
        if look {
            self.emit(Event::LookDue { item });
        }
        if ask {
            self.ask_further(ix);
        }
    }

    /// Looks at one pull request as if its time had come, and asks the checks again unless they passed.
    pub(super) fn look_now(&mut self, ix: ItemIx) {
        use crate::observation::Checks;
        let checks = self.mission.item(ix).now.gates.last_checks();
        let again = matches!(checks, Some(Checks::Red(_) | Checks::CouldNotRun(_) | Checks::Pending));
        let item = self.mission.key(ix).clone();
        self.emit(Event::LookScheduled { item: item.clone(), at: self.now, again });
        self.emit(Event::LookDue { item });
    }

    /// Every watch, at an operator's word. Looks at all items.
    pub(super) fn look_everywhere(&mut self) {
        let watched: Vec<ItemIx> = (0u32..)
            .zip(self.mission.items())
            .filter(|(_, item)| item.now.look_at.is_some() && item.now.hold.is_none())
            .map(|(ix, _)| ItemIx(ix))
            .collect();
        for ix in watched {
            self.look_now(ix);
        }
    }
}
