//! Where the mission stands after a step: completed, failed, blocked; and whether somebody should look.

use super::Turn;
use crate::event::Event;
use crate::mission::MissionState;

/// Why a mission that was ended by force ended.
pub(super) const STOPPED_BY_OPERATOR: &str = "stopped-by-operator";

impl Turn<'_> {
    pub(super) fn conclude(&mut self) {
        let head = self.mission.head();
        if head.state.is_over() {
            return;
        }
        if head.ending && self.mission.running() == 0 {
            return self.end(Some(STOPPED_BY_OPERATOR.to_owned()));
        }
        if !head.state.is_active() {
            return;
        }
        if self.mission.open_items() == 0 {
            let broken = self.mission.broken_promises();
            return self.end((broken > 0).then(|| format!("{broken} items could not be done")));
        }
        if self.see_to_budget() {
            return;
        }
        self.see_if_blocked();
        self.see_if_help_is_wanted();
    }

    fn end(&mut self, failure: Option<String>) {
        let under_way: Vec<_> = self.mission.effects_under_way().map(|(_, ix)| ix).collect();
        for ix in under_way {
            self.revoke(ix);
        }
        self.withdraw_all();
        self.emit(match failure {
            Some(reason) => Event::MissionFailed { reason },
            None => Event::MissionCompleted,
        });
    }

    /// Notices that a budget is used up; whether the mission ended of that, since nobody is waited for any longer.
    fn see_to_budget(&mut self) -> bool {
        if self.mission.head().budget.is_none() {
            let Some(detail) = self.mission.overspent(self.now) else { return false };
            self.emit(Event::BudgetReached { detail });
        }
        let at_rest = self.mission.running() == 0 && !self.mission.goes_on_by_itself();
        let over = at_rest && self.mission.is_given_up(self.now);
        if over {
            self.end(self.mission.head().budget.clone());
        }
        over
    }

    fn see_if_blocked(&mut self) {
        let stalled = self.now >= self.mission.stalled_at();
        // An agent that is missing may just be starting; once somebody was asked for help, they know.
        let waited = stalled || self.mission.head().help.is_some();
        let spent = self.mission.head().budget.is_some();
        let nobody_takes_it =
            || spent || self.mission.first_ready().is_none() || (waited && !self.could_be_taken());
        let blocked = self.mission.open_items() > 0
            && self.mission.running() == 0
            && !self.mission.goes_on_by_itself()
            && nobody_takes_it();
        match (self.mission.head().state, blocked) {
            (MissionState::Running, true) => self.emit(Event::MissionBlocked),
            (MissionState::Blocked, false) => self.emit(Event::MissionUnblocked),
            _ => {}
        }
    }

    /// A mission that stands still though no single item waits for a person.
    fn see_if_help_is_wanted(&mut self) {
        let due = self.mission.help_due().is_some_and(|at| at <= self.now);
        let spent = self.mission.head().budget.is_some();
        match &self.mission.head().help {
            // Nobody is waited for, so nobody is asked.
            None if spent && self.mission.policy().person_wait().is_zero() => {}
            None if spent => {
                let budget = self.mission.head().budget.clone().unwrap_or_default();
                self.ask_help(format!(
                    "nothing more is launched: {budget}; grant as much again with: resume"
                ));
            }
            None if due => self.ask_help(self.stall()),
            Some(help) if due => {
                let reason = help.reason.clone();
                self.ask_help(reason);
            }
            Some(help)
                if self.mission.head().progress_at > help.asked_at
                    && self.mission.head().budget.is_none() =>
            {
                self.retire_help();
            }
            _ => {}
        }
    }

    /// What a stalled mission waits for.
    fn stall(&self) -> String {
        match self.mission.first_ready().map(|rank| rank.item) {
            Some(ix) => self.plight(ix).0,
            None => "nothing has moved for a while".to_owned(),
        }
    }
}
