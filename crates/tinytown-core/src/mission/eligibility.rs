//! Who may take an item at all, now or later.

use super::{ItemIx, Mission};
use crate::id::AgentName;
use crate::mutant::{Mutant, is_planted};
use crate::roster::{Agent, Roster};

impl Mission {
    /// Agents that are present and may take this item, whether free or not: by role, then by name.
    pub fn eligible(&self, ix: ItemIx, roster: &Roster) -> Vec<AgentName> {
        let agents = roster.all_present().filter(|agent| self.may_take(ix, roster, agent));
        agents.map(|agent| agent.name.clone()).collect()
    }

    /// Items whose assignment the roster does not know of. Looks at all items.
    pub fn disowned(&self, roster: &Roster) -> Vec<ItemIx> {
        let items = (0u32..).map(ItemIx).zip(&self.items);
        let disowned = |(ix, item): (ItemIx, &super::Item)| {
            let claim = item.claim(self.id())?;
            let known = roster.get(&claim.agent).is_some_and(|agent| agent.claim() == Some(&claim));
            (!known).then_some(ix)
        };
        items.filter_map(disowned).collect()
    }

    /// Whether the agent may take the item. The last try is for one that has not had its turn, if any is there.
    pub(crate) fn may_take(&self, ix: ItemIx, roster: &Roster, agent: &Agent) -> bool {
        let has_turn = |agent: &Agent| self.suits(ix, roster, agent) && !self.had_its_turn(ix, &agent.name);
        self.suits(ix, roster, agent)
            && (!self.had_its_turn(ix, &agent.name) || !roster.all_present().any(has_turn))
    }

    /// Whether the item's role, kind and history allow the agent.
    fn suits(&self, ix: ItemIx, roster: &Roster, agent: &Agent) -> bool {
        let item = self.item(ix);
        if agent.is_conductor() {
            return false;
        }
        if let Some(pinned) = &item.now.pinned {
            return *pinned == agent.name;
        }
        if item.is_review() {
            return self.may_review(ix, roster, agent);
        }
        match (&item.spec.role, &agent.role) {
            (Some(wish), Some(role)) if wish.required => wish.role == *role,
            _ => true,
        }
    }

    /// Reviewers who wrote nothing under review; if there is none at all, anybody who wrote nothing under review.
    fn may_review(&self, ix: ItemIx, roster: &Roster, agent: &Agent) -> bool {
        let Some(parent) = self.item(ix).parent else { return false };
        let may = |agent: &Agent| self.is_independent(parent, agent);
        may(agent) && (agent.is_reviewer() || !roster.reviewers().any(may))
    }

    /// Whether an agent wrote nothing of the item's work and has not approved it already; where the policy
    /// asks for it, its CLI wrote nothing of it either.
    fn is_independent(&self, parent: ItemIx, agent: &Agent) -> bool {
        let now = &self.item(parent).now;
        let wrote = now.authors.contains(&agent.name) && !is_planted(Mutant::OwnReviewCounted);
        let approved = now.gates.approvals.contains(&agent.name);
        let same_cli = self.policy().independent_cli && now.author_clis.contains(&agent.cli);
        !wrote && !approved && !same_cli
    }

    /// Whether the item's head needs one more approval.
    pub(crate) fn wants_review(&self, ix: ItemIx) -> bool {
        let gates = &self.item(ix).now.gates;
        let wanted = if is_planted(Mutant::OneReviewIsEnough) { 1 } else { self.policy().reviewers as usize };
        self.policy().reviewer_required && !gates.person && gates.approvals.len() < wanted
    }
}
