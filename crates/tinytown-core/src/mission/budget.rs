//! What a mission and its items may cost: launches, time, tokens, money. 0 is no limit; an operator's grant
//! is another budget of the same size.

use super::{ItemIx, Mission};
use crate::mutant::{Mutant, is_planted};
use crate::spend::{Spend, Usd};
use crate::time::Time;

impl Mission {
    /// How many budgets of the policy's size the mission has.
    fn budgets(&self) -> u64 {
        u64::from(1 + self.head.budgets_granted)
    }

    /// Whether the mission's budget of launches has room for one more.
    pub(crate) fn may_launch(&self) -> bool {
        let most = u64::from(self.policy().max_launches) * self.budgets();
        most == 0 || u64::from(self.head.launches) < most || is_planted(Mutant::BudgetUnbounded)
    }

    /// Which budget of the mission is used up.
    pub(crate) fn overspent(&self, now: Time) -> Option<String> {
        let (policy, head) = (self.policy(), &self.head);
        let times = self.budgets();
        if !self.may_launch() {
            return Some(format!("{} launches, as many as the mission may make", head.launches));
        }
        if self.time_up().is_some_and(|at| at <= now) {
            return Some(format!("the mission's {} minutes are over", policy.max_mission_secs * times / 60));
        }
        above(head.spent, policy.max_mission_tokens, policy.max_mission_usd, times)
    }

    /// When the mission's time is over.
    fn time_up(&self) -> Option<Time> {
        let most = self.policy().max_mission_secs * self.budgets();
        (most > 0).then(|| self.charter.created_at + std::time::Duration::from_secs(most))
    }

    /// When a budget of the mission will be used up, if nothing happens before.
    pub(crate) fn budget_due(&self) -> Option<Time> {
        self.time_up().filter(|_| self.head.budget.is_none() && self.open_items() > 0)
    }

    /// Which budget of an item is used up, its fixes and reviews included.
    pub(crate) fn overspent_on(&self, ix: ItemIx, now: Time) -> Option<String> {
        let root = self.item(self.item(ix).parent.unwrap_or(ix));
        let policy = self.policy();
        let times = u64::from(1 + root.now.granted.max(self.item(ix).now.granted));
        let most = policy.max_item_secs * times;
        let began = root.now.began_at.filter(|_| most > 0);
        if began.is_some_and(|began| now.since(began).as_secs() >= most) {
            return Some(format!("its budget of {} minutes is used up", most / 60));
        }
        above(root.now.spent, policy.max_item_tokens, policy.max_item_usd, times)
    }
}

/// Which of the two limits, each so many times, is reached.
fn above(spent: Spend, tokens: u64, usd: Usd, times: u64) -> Option<String> {
    let (tokens, usd) = (tokens.saturating_mul(times), usd.times(times));
    if tokens > 0 && spent.tokens >= tokens {
        return Some(format!("{} of a budget of {tokens} tokens are spent", spent.tokens));
    }
    (!usd.is_zero() && spent.usd >= usd).then(|| format!("{} of a budget of {usd} are spent", spent.usd))
}
