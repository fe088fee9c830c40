//! What must hold after every step, as code that can be run after every step.

use super::{ItemIx, Mission, Phase};
use crate::id::ItemKey;
use crate::roster::{AgentState, Roster};

/// Something that must never be true.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// More agent processes than `max_parallel`.
    #[error("{running} agents at work, {allowed} allowed")]
    TooManyRunning {
        /// How many hold a slot.
        running: u32,
        /// The policy's `max_parallel`.
        allowed: u32,
    },
    /// The counters or indices do not agree with the items.
    #[error("the index says {index} {what}, the items say {items}")]
    Index {
        /// Which counter.
        what: &'static str,
        /// What the index holds.
        index: usize,
        /// What counting gives.
        items: usize,
    },
    /// An item was launched before its dependencies were done.
    #[error("{item} is {phase:?} with {unmet} dependencies open")]
    TooEarly {
        /// Which item.
        item: ItemKey,
        /// Where it stands.
        phase: Phase,
        /// How many dependencies are not done.
        unmet: u32,
    },
    /// Phase and assignment do not agree.
    #[error("{item} is {phase:?}, and its assignment says otherwise")]
    Assignment {
        /// Which item.
        item: ItemKey,
        /// Where it stands.
        phase: Phase,
    },
    /// The roster and an assignment do not agree.
    #[error("{item} is assigned to {agent}, and the roster says otherwise")]
    Roster {
        /// Which item.
        item: ItemKey,
        /// To whom.
        agent: String,
    },
    /// More launches than the budgets allow.
    #[error("{item} was launched {launches} times, {allowed} allowed")]
    Launches {
        /// Which item.
        item: ItemKey,
        /// How often.
        launches: u32,
        /// `max_attempts` + `max_losses` + granted + cancelled without counting.
        allowed: u32,
    },
    /// An accepted pull request without every gate.
    #[error("{item} is done, and {gate} was never passed on its head")]
    Gate {
        /// Which item.
        item: ItemKey,
        /// Which gate.
        gate: &'static str,
    },
    /// An author judged their own work.
    #[error("{item} was approved by {agent}, who wrote it")]
    OwnReview {
        /// Which item.
        item: ItemKey,
        /// Who.
        agent: String,
    },
}

impl Mission {
    /// Checks everything, looking at all items: for tests and for the proof, never for a decision.
    ///
    /// # Errors
    /// The first [`Violation`] found.
    pub fn check(&self, roster: &Roster) -> Result<(), Violation> {
        self.check_counters()?;
        for ix in (0..self.items.len()).map(|at| ItemIx(u32::try_from(at).unwrap_or(u32::MAX))) {
            self.check_item(ix)?;
            self.check_holder(ix, roster)?;
        }
        Ok(())
    }

    fn check_counters(&self) -> Result<(), Violation> {
        let allowed = self.policy().max_parallel;
        if self.running() > allowed {
            return Err(Violation::TooManyRunning { running: self.running(), allowed });
        }
        let (mut slots, mut open, mut effects, mut launchable) = (0, 0, 0, 0);
        for (ix, item) in (0u32..).zip(&self.items) {
            slots += usize::from(item.now.phase.holds_slot());
            open += usize::from(!item.now.phase.is_over());
            effects += item.now.effects.len();
            launchable += usize::from(self.is_launchable(ItemIx(ix)));
        }
        let ready: usize = self.index.ready.values().map(std::collections::BTreeSet::len).sum();
        for (what, index, items) in [
            ("slots", self.running() as usize, slots),
            ("open items", self.open_items() as usize, open),
            ("effects", self.index.effects.len(), effects),
            ("ready items", ready, launchable),
        ] {
            if index != items {
                return Err(Violation::Index { what, index, items });
            }
        }
        Ok(())
    }

    fn check_item(&self, ix: ItemIx) -> Result<(), Violation> {
        let item = self.item(ix);
        let key = || item.spec.key.clone();
        let phase = item.now.phase;
        let open = self.open_dependencies(ix).count();
        if open != item.unmet as usize {
            return Err(Violation::Index {
                what: "open dependencies",
                index: item.unmet as usize,
                items: open,
            });
        }
        // A running item keeps running when what it builds upon changes; it must not start then.
        if matches!(phase, Phase::Ready) && item.unmet > 0 {
            return Err(Violation::TooEarly { item: key(), phase, unmet: item.unmet });
        }
        if phase.holds_slot() != item.now.assignment.is_some() {
            return Err(Violation::Assignment { item: key(), phase });
        }
        let policy = self.policy();
        if item.now.attempts > policy.max_attempts + item.now.granted {
            let allowed = policy.max_attempts + item.now.granted;
            return Err(Violation::Launches { item: key(), launches: item.now.attempts, allowed });
        }
        check_done(item)
    }

    fn check_holder(&self, ix: ItemIx, roster: &Roster) -> Result<(), Violation> {
        let item = self.item(ix);
        let Some(claim) = item.claim(self.id()) else { return Ok(()) };
        match roster.get(&claim.agent).map(|agent| &agent.state) {
            Some(AgentState::Busy(held)) if *held == claim => Ok(()),
            _ => Err(Violation::Roster { item: item.spec.key.clone(), agent: claim.agent.to_string() }),
        }
    }
}

fn check_done(item: &super::Item) -> Result<(), Violation> {
    let Some(crate::event::Outcome::Accepted { head }) = &item.now.outcome else { return Ok(()) };
    let key = || item.spec.key.clone();
    if item.now.changed.is_none() && item.now.head() != Some(head) {
        return Err(Violation::Gate { item: key(), gate: "its accepted head" });
    }
    if let Some(review) = &item.now.gates.review
        && item.now.authors.iter().any(|author| author.as_str() == review.by)
    {
        return Err(Violation::OwnReview { item: key(), agent: review.by.clone() });
    }
    Ok(())
}
