//! The ladder of reactions: what is tried next when something went wrong, from the cheapest to the dearest.
//!
//! A rung follows from what the item's records count already, so it survives every restart: the first
//! retry goes to the same agent, with the evidence; the last one to an agent that has not tried; those
//! between begin afresh with whoever is free. When the tries are used up the conductor is asked, then a
//! person, then the item fails. A check that could not judge is run again before any of this.

use serde::{Deserialize, Serialize};

use super::item::Item;
use super::{ItemIx, Mission, Phase};
use crate::id::AgentName;
use crate::mutant::{Mutant, is_planted};
use crate::observation::Checks;

/// One rung of the ladder, the lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rung {
    /// The check is run again: it could not judge, or failed in a way that is not the work's fault.
    Rerun,
    /// Another try by the same agent, which is told what went wrong.
    SameAgent,
    /// Another try by whoever is free.
    Fresh,
    /// The last try, by an agent that has not tried yet if one is there.
    OtherAgent,
    /// A conductor is asked.
    Conductor,
    /// A person is asked.
    Person,
}

impl Rung {
    /// As written in `--json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rerun => "rerun",
            Self::SameAgent => "same-agent",
            Self::Fresh => "fresh",
            Self::OtherAgent => "other-agent",
            Self::Conductor => "conductor",
            Self::Person => "person",
        }
    }

    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Rerun => "the check is run again",
            Self::SameAgent => "the same agent tries again, with the evidence",
            Self::Fresh => "a fresh attempt",
            Self::OtherAgent => "another agent's attempt",
            Self::Conductor => "the conductor is asked",
            Self::Person => "a person is asked",
        }
    }
}

/// Where an item stands on the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Reaction {
    /// The rung.
    pub rung: Rung,
    /// How much of the rung's budget is used, this time included.
    pub used: u32,
    /// The budget; 0 where there is none, as for questions.
    pub of: u32,
}

/// The rung of a retry: the `nth` of `allowed`, from 1.
const fn retry(nth: u32, allowed: u32) -> Rung {
    if nth >= allowed && allowed > 1 {
        Rung::OtherAgent
    } else if nth <= 1 {
        Rung::SameAgent
    } else {
        Rung::Fresh
    }
}

impl Mission {
    /// Where the item stands on the ladder; nothing if all is well.
    pub fn reaction(&self, ix: ItemIx) -> Option<Reaction> {
        let item = self.item(ix);
        let now = &item.now;
        if now.phase.is_over() {
            return None;
        }
        if let Some(asked) = &now.asked {
            return Some(Reaction { rung: asked.rung(), used: asked.times, of: 0 });
        }
        if now.phase != Phase::Gated {
            return self.retry_of(ix);
        }
        if now.open_fix.is_some() {
            return Some(self.fix_of(item));
        }
        let unjudged = now.gates.last_checks().is_some_and(Checks::could_not_judge);
        unjudged.then(|| {
            let of = self.policy().check_reruns;
            Reaction { rung: Rung::Rerun, used: now.gates.unjudged.min(of), of }
        })
    }

    /// The rung of the item's next launch, or of the one at hand: the higher of its own retries and, for a
    /// fix, of the fixes made for its item. Nothing for a first try.
    pub(crate) fn retry_of(&self, ix: ItemIx) -> Option<Reaction> {
        let item = self.item(ix);
        let fix = item.parent.filter(|_| item.is_fix()).map(|parent| self.fix_of(self.item(parent)));
        let own = (item.now.attempts > 0).then(|| {
            let of = self.tries(item).saturating_sub(1);
            Reaction { rung: retry(item.now.attempts, of), used: item.now.attempts, of }
        });
        fix.into_iter().chain(own).max_by_key(|reaction| reaction.rung)
    }

    /// How often agents may end an attempt at the item without success, and how many fixes may be made for it.
    pub(crate) fn tries(&self, item: &Item) -> u32 {
        self.policy().max_attempts + item.now.granted
    }

    fn fix_of(&self, item: &Item) -> Reaction {
        let of = self.tries(item);
        Reaction { rung: retry(item.now.fixes, of), used: item.now.fixes, of }
    }

    /// Who is to try again, if it is the same agent's turn.
    pub(crate) fn same_again(&self, ix: ItemIx) -> Option<&AgentName> {
        self.retry_of(ix).filter(|reaction| reaction.rung == Rung::SameAgent)?;
        let item = self.item(ix);
        let author = || self.item(item.parent?).now.authors.last();
        item.now.evidence.as_ref().and_then(|last| last.agent.as_ref()).or_else(author)
    }

    /// Whether the item is on its last try, and the agent has failed it before or wrote what is mended.
    pub(crate) fn had_its_turn(&self, ix: ItemIx, agent: &AgentName) -> bool {
        if is_planted(Mutant::SameAgentForEver)
            || self.retry_of(ix).is_none_or(|reaction| reaction.rung != Rung::OtherAgent)
        {
            return false;
        }
        let item = self.item(ix);
        let wrote = |parent: ItemIx| self.item(parent).now.authors.contains(agent);
        item.now.tried.contains(agent) || (item.is_fix() && item.parent.is_some_and(wrote))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_retry_is_the_same_agents_and_the_last_another_ones() {
        let rungs = |allowed| (1..=allowed).map(|nth| retry(nth, allowed).as_str()).collect::<Vec<_>>();
        assert_eq!(rungs(1), ["same-agent"]);
        assert_eq!(rungs(2), ["same-agent", "other-agent"]);
        assert_eq!(rungs(4), ["same-agent", "fresh", "fresh", "other-agent"]);
    }
}
