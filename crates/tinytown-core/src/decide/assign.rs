//! Who gets what: ready items in their defined order, each to the agent that suits it best.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::Turn;
use crate::effect::Effect;
use crate::event::{Event, FollowUp, Outcome};
use crate::id::{AgentName, Fence, Role, Sha};
use crate::letter::{About, Brief, Letter, assignment_key};
use crate::markers::slug;
use crate::mission::{ItemIx, Mission, Phase, Rank};
use crate::mutant::{self, Mutant, is_planted};
use crate::roster::{Agent, RosterChange};

/// How many ready items are asked for the roles they would like, when an item must take an agent of another role.
const WINDOW: usize = 16;

/// How many items of a queue are tried: only of reviews may a free agent suit a later one and not the first.
const REVIEWS_TRIED: usize = 256;

/// The branch of an item's pull request; its attempts' branches are named after it.
pub(super) fn branch(mission: &Mission, ix: ItemIx) -> String {
    let item = mission.item(ix);
    let (root, suffix) = match (item.parent, &item.spec.key) {
        (Some(parent), key) => {
            (mission.item(parent), key.as_str().rsplit('/').next().map(|end| format!(".{end}")))
        }
        (None, _) => (item, None),
    };
    let mut name = format!("tt/{}/", mission.id().short());
    for part in root.spec.key.as_str().split(|c: char| !c.is_ascii_alphanumeric()).filter(|p| !p.is_empty()) {
        let _ = write!(name, "{}-", part.to_ascii_lowercase());
    }
    name + &slug(&root.spec.title) + &suffix.unwrap_or_default()
}

impl Turn<'_> {
    /// Gives out ready items while there are slots and agents.
    pub(super) fn assign(&mut self) {
        while self.step.defect.is_none()
            && self.mission.wants_agents()
            && self.roster.has_free()
            && !self.mission.is_barren(self.roster)
        {
            let Some((rank, agent)) = self.best() else {
                return self.mission.set_barren(self.roster);
            };
            self.assign_to(rank.item, &agent);
        }
    }

    /// Whether any agent that is present could take a ready item, were it free.
    pub(super) fn could_be_taken(&self) -> bool {
        let mut queues = self.mission.ready_queues();
        let takes = |rank: &Rank| {
            self.roster.all_present().any(|agent| self.mission.may_take(rank.item, self.roster, agent))
        };
        queues.any(|queue| queue.iter().take(REVIEWS_TRIED).any(takes))
    }

    /// The first item in order that a free agent may take, and the agent that suits it best.
    fn best(&self) -> Option<(Rank, AgentName)> {
        let of_queue = |queue: &BTreeSet<Rank>| {
            queue.iter().take(REVIEWS_TRIED).find_map(|rank| Some((*rank, self.agent_for(rank.item)?)))
        };
        self.mission.ready_queues().filter_map(of_queue).min_by_key(|(rank, _)| *rank)
    }

    fn agent_for(&self, ix: ItemIx) -> Option<AgentName> {
        let item = self.mission.item(ix);
        let suits = |agent: &&Agent| {
            self.mission.may_take(ix, self.roster, agent) && !self.is_reserved(item.is_review(), agent)
        };
        if let Some(pinned) = &item.now.pinned {
            return self.roster.get(pinned).filter(|agent| agent.is_free()).map(|agent| agent.name.clone());
        }
        if is_planted(Mutant::ChanceInDecision) {
            let suiting: Vec<&Agent> = self.roster.all_free().filter(suits).collect();
            let chosen = usize::try_from(mutant::count()).unwrap_or(0) % suiting.len().max(1);
            return suiting.get(chosen).map(|agent| agent.name.clone());
        }
        let again = self.mission.same_again(ix).and_then(|name| self.roster.get(name));
        if let Some(again) = again.filter(|agent| agent.is_free() && suits(agent)) {
            return Some(again.name.clone());
        }
        let of_role = |role: Option<&Role>| self.roster.free(role).find(suits);
        let wished = if item.is_review() {
            self.roster.free_reviewers().find(suits)
        } else {
            item.spec.role.as_ref().and_then(|wish| of_role(Some(&wish.role)))
        };
        let chosen = wished
            .or_else(|| of_role(None))
            .or_else(|| self.unwanted(ix, suits))
            .or_else(|| self.roster.all_free().find(suits));
        chosen.map(|agent| agent.name.clone())
    }

    /// A free agent that suits an item, with a role that the next items would not like. Reviewers last: reviews come
    /// up while they work, and nobody else may take those.
    fn unwanted(&self, ix: ItemIx, suits: impl Fn(&&Agent) -> bool + Copy) -> Option<&Agent> {
        let wanted = self.wanted_by_others(ix);
        let unwanted = |agent: &&Agent| agent.role.as_ref().is_none_or(|role| !wanted.contains(role));
        let free = || self.roster.all_free().filter(suits).filter(unwanted);
        free().find(|agent| !agent.is_reviewer()).or_else(|| free().next())
    }

    /// A reviewer takes other work only while no review is open.
    fn is_reserved(&self, for_review: bool, agent: &Agent) -> bool {
        !for_review && self.mission.open_reviews() > 0 && agent.is_reviewer()
    }

    /// Roles that the next items in order would like.
    fn wanted_by_others(&self, ix: ItemIx) -> BTreeSet<Role> {
        let mut next: Vec<Rank> =
            self.mission.ready_queues().flat_map(|queue| queue.iter().take(WINDOW).copied()).collect();
        next.sort_unstable();
        let slots = self.mission.policy().max_parallel.saturating_sub(self.mission.running()) as usize;
        next.into_iter()
            .take(slots.min(WINDOW))
            .filter(|rank| rank.item != ix)
            .filter_map(|rank| self.mission.item(rank.item).spec.role.as_ref().map(|wish| wish.role.clone()))
            .collect()
    }

    fn assign_to(&mut self, ix: ItemIx, agent: &AgentName) {
        let Some(entry) = self.roster.get(agent) else { return };
        let generation = entry.generation;
        let item = self.mission.key(ix).clone();
        let attempt = self.mission.item(ix).now.launches + 1;
        let fence = Fence(self.step.seq);
        self.emit(Event::ItemAssigned { item, agent: agent.clone(), generation, attempt, fence });
        if let Some(claim) = self.mission.item(ix).claim(self.mission.id()) {
            self.roster(RosterChange::AgentBusy { claim });
        }
        match self.mission.item(ix).task.clone() {
            Some(FollowUp::Fix { head, .. } | FollowUp::Review { head }) => self.tell(ix, head),
            None => self.ask_base(ix),
        }
    }

    fn ask_base(&mut self, ix: ItemIx) {
        let effect = Effect::Base {
            item: self.mission.key(ix).clone(),
            holds: self.heads_below(ix),
            candidate: self.mission.item(ix).now.mended_base.clone(),
        };
        self.ask(ix, effect);
    }

    /// Accepted heads that an item builds upon and that the base may not hold.
    fn heads_below(&self, ix: ItemIx) -> Vec<Sha> {
        let accepted = |on: ItemIx| match &self.mission.item(on).now.outcome {
            Some(Outcome::Accepted { head }) => Some(head.clone()),
            _ => None,
        };
        self.roots_below(ix).into_iter().filter_map(accepted).collect()
    }

    /// The items with work of their own that an item builds upon next.
    pub(super) fn roots_below(&self, ix: ItemIx) -> Vec<ItemIx> {
        let mut below = Vec::new();
        let mut seen = BTreeSet::new();
        let mut stack: Vec<ItemIx> = self.mission.dependencies(ix).iter().rev().copied().collect();
        while let Some(on) = stack.pop() {
            if !seen.insert(on) {
                continue;
            }
            match &self.mission.item(on).now.outcome {
                Some(Outcome::Accepted { .. } | Outcome::Merged { .. }) => below.push(on),
                // Nothing of its own: what it builds upon counts.
                _ => stack.extend(self.mission.dependencies(on).iter().rev()),
            }
        }
        below
    }

    /// Tells the agent's worker what to do, and from where.
    pub(super) fn tell(&mut self, ix: ItemIx, base: Sha) {
        let item = self.mission.item(ix);
        let (Phase::Assigned, Some(claim)) = (item.now.phase, item.claim(self.mission.id())) else { return };
        let brief = self.brief(ix, &claim, base.clone());
        self.emit(Event::ItemDelivered { item: claim.item.clone(), base });
        let key = assignment_key(claim.mission, claim.fence);
        self.deliver_to_agent(&claim.agent, key, Letter::Assignment(Box::new(brief)));
    }

    fn brief(&self, ix: ItemIx, claim: &crate::id::Claim, base: Sha) -> Brief {
        let item = self.mission.item(ix);
        let policy = self.mission.policy();
        let parent = item.parent.map(|parent| self.mission.item(parent));
        let before = item
            .now
            .evidence
            .as_ref()
            .map(|last| format!("attempt {} ended ({}): {}", last.attempt, last.cause, last.detail));
        let branch = format!("{}.a{}", branch(self.mission, ix), claim.attempt);
        let must_hold = match &item.task {
            Some(FollowUp::Fix { must_hold, .. }) => must_hold.clone(),
            _ => Vec::new(),
        };
        Brief {
            claim: claim.clone(),
            title: item.spec.title.clone(),
            kind: item.spec.kind,
            role: item.spec.role.as_ref().map(|wish| wish.role.clone()),
            body: item.spec.body.clone(),
            about: parent
                .filter(|_| item.is_fix())
                .map(|parent| About { title: parent.spec.title.clone(), body: parent.spec.body.clone() }),
            head: item.task.as_ref().map(|_| base.clone()),
            since: parent.and_then(|parent| parent.now.base.clone()),
            must_hold,
            branch: (!item.is_review()).then_some(branch),
            base,
            before,
            time_limit_ms: policy.item_timeout_secs.saturating_mul(1000),
            stall_limit_ms: policy.stall_timeout_secs.saturating_mul(1000),
        }
    }
}
