//! Why something does not move: a typed reason, whose move it is, until when, and what it would unblock.

use serde::Serialize;

use super::item::Item;
use super::{ItemIx, Mission, MissionState, Phase};
use crate::effect::EffectKind;
use crate::event::{FollowUp, Hold};
use crate::id::AgentName;
use crate::observation::{Checks, Mergeable};
use crate::roster::Roster;
use crate::time::Time;

/// The name of a reason, as in `--json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitCode {
    /// Another item must be done first.
    Dependency,
    /// An issue outside the mission must be closed first.
    External,
    /// No agent that may take it is free.
    NoAgent,
    /// Nobody who wrote nothing under review is there to review.
    NoReviewer,
    /// `max_parallel` agents are at work.
    Parallel,
    /// A failed attempt is not repeated at once.
    Backoff,
    /// Its agent is at work.
    Agent,
    /// The checks on its head.
    Checks,
    /// A review of its head.
    Review,
    /// What bots found in its head, and nobody has answered.
    Bugbot,
    /// Whether its head merges into the base.
    Mergeability,
    /// Its merge.
    Merge,
    /// Nothing was changed; somebody must agree.
    EmptyChange,
    /// It changes what governs missions; a person must agree.
    Governance,
    /// Local changes in the user's folder are in the way of its merge.
    BaseCheckoutBusy,
    /// An accepted item that it builds upon is not what was accepted.
    DependencyChanged,
    /// A budget is used up.
    Limit,
    /// The forge does not answer, or is being asked.
    Forge,
    /// A person.
    Person,
    /// The mission is stopped.
    Stopped,
}

impl WaitCode {
    /// As written in `--json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dependency => "dependency",
            Self::External => "external",
            Self::NoAgent => "no-agent",
            Self::NoReviewer => "no-reviewer",
            Self::Parallel => "parallel",
            Self::Backoff => "backoff",
            Self::Agent => "agent",
            Self::Checks => "checks",
            Self::Review => "review",
            Self::Bugbot => "bugbot",
            Self::Mergeability => "mergeability",
            Self::Merge => "merge",
            Self::EmptyChange => "empty-change",
            Self::Governance => "governance",
            Self::BaseCheckoutBusy => "base-checkout-busy",
            Self::DependencyChanged => "dependency-changed",
            Self::Limit => "limit",
            Self::Forge => "forge",
            Self::Person => "person",
            Self::Stopped => "stopped",
        }
    }
}

/// Whose move it is, coarsely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// Another item of the mission, which has a wait of its own.
    Item,
    /// It goes on by itself: a timer, an agent, the forge.
    Machine,
    /// A person.
    Person,
}

/// Why an item does not move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wait {
    /// The reason.
    pub code: WaitCode,
    /// Whose move it is: an item, an agent, `dispatcher`, `forge`, `operator`.
    pub owner: String,
    /// When it is looked at next, if that is known.
    pub until: Option<Time>,
    /// For people.
    pub detail: String,
    /// How many items wait for it, directly or not.
    pub unblocks: u32,
}

/// A wait before it is dressed for people.
struct Reason {
    code: WaitCode,
    owner: Owner,
    who: String,
    detail: String,
}

fn reason(code: WaitCode, owner: Owner, who: impl Into<String>, detail: impl Into<String>) -> Reason {
    Reason { code, owner, who: who.into(), detail: detail.into() }
}

impl Mission {
    /// Whose move it is for an item that is ready or gated.
    pub(crate) fn owner_of_wait(&self, ix: ItemIx) -> Owner {
        match self.item(ix).now.phase {
            Phase::Gated => self.gated(ix).owner,
            _ => self.unlaunchable(ix).map_or(Owner::Machine, |reason| reason.owner),
        }
    }

    /// Why an item does not move, or nothing if it is over. For many items ask [`Mission::waits`].
    pub fn wait(&self, ix: ItemIx, roster: &Roster) -> Option<Wait> {
        let reason = self.why(ix, roster)?;
        Some(self.dress(ix, reason, self.unblocked_by(ix)))
    }

    /// The same for every item, in the order of the items: what they would unblock is counted in one sweep.
    pub fn waits(&self, roster: &Roster) -> Vec<Option<Wait>> {
        if self.head.state.is_over() {
            return vec![None; self.items.len()];
        }
        let each = (0..).map(ItemIx).zip(self.unblocked_by_each());
        each.map(|(ix, unblocks)| Some(self.dress(ix, self.why(ix, roster)?, unblocks))).collect()
    }

    fn why(&self, ix: ItemIx, roster: &Roster) -> Option<Reason> {
        if self.head.state.is_over() {
            return None;
        }
        let item = self.item(ix);
        Some(match item.now.phase {
            Phase::Done | Phase::Skipped | Phase::Failed => return None,
            _ if self.head.state == MissionState::Stopped && !item.now.phase.holds_slot() => {
                reason(WaitCode::Stopped, Owner::Person, "operator", "the mission is stopped; resume it")
            }
            Phase::Pending => self.pending(ix),
            Phase::Ready => self
                .unlaunchable(ix)
                .or_else(|| self.throttled())
                .unwrap_or_else(|| self.unassigned(ix, roster)),
            Phase::Assigned | Phase::Running | Phase::Cancelling => held(item),
            Phase::Gated => self.gated(ix),
        })
    }

    /// What an item waits for by itself, whether the mission is stopped or not; nothing if it is over, if an agent
    /// has it, or if nothing but an agent and a slot is missing.
    pub(crate) fn own_wait(&self, ix: ItemIx) -> Option<(WaitCode, Owner)> {
        let now = &self.item(ix).now;
        let reason = match now.phase {
            Phase::Pending => return Some(self.pending_code(ix)),
            Phase::Ready => self.unlaunchable(ix)?,
            Phase::Gated => self.gated(ix),
            _ => return None,
        };
        Some((reason.code, reason.owner))
    }

    /// What keeps every ready item of the mission from being launched, whoever is there.
    pub(crate) fn common_wait(&self) -> Option<(WaitCode, Owner)> {
        if self.head.state == MissionState::Stopped {
            return Some((WaitCode::Stopped, Owner::Person));
        }
        self.throttled().map(|reason| (reason.code, reason.owner))
    }

    /// What a ready item waits for of those who are there, when nothing else is in its way.
    pub(crate) fn wait_for_agents(&self, ix: ItemIx, roster: &Roster) -> (WaitCode, Owner) {
        let reason = self.unassigned(ix, roster);
        (reason.code, reason.owner)
    }

    fn dress(&self, ix: ItemIx, reason: Reason, unblocks: u32) -> Wait {
        let now = &self.item(ix).now;
        let until = [now.not_before, now.look_at].into_iter().flatten().min();
        let Reason { code, who, detail, .. } = reason;
        Wait { code, owner: who, until, detail, unblocks }
    }

    fn pending(&self, ix: ItemIx) -> Reason {
        let item = self.item(ix);
        let open: Vec<&str> = self.open_dependencies(ix).map(|on| self.key(on).as_str()).collect();
        let (code, owner) = self.pending_code(ix);
        if let Some(first) = open.first() {
            return reason(code, owner, *first, format!("waits for {}", open.join(", ")));
        }
        let names: Vec<String> = item.now.externals.iter().map(ToString::to_string).collect();
        let detail = format!("waits for {} outside the mission to be closed", names.join(", "));
        reason(code, owner, "forge", detail)
    }

    fn pending_code(&self, ix: ItemIx) -> (WaitCode, Owner) {
        match self.open_dependencies(ix).next().map(|on| &self.item(on).now.changed) {
            Some(Some(_)) => (WaitCode::DependencyChanged, Owner::Item),
            Some(None) => (WaitCode::Dependency, Owner::Item),
            None => (WaitCode::External, Owner::Machine),
        }
    }

    /// Why a ready item may not be launched though an agent were free.
    fn unlaunchable(&self, ix: ItemIx) -> Option<Reason> {
        let item = &self.item(ix).now;
        if let Some(hold) = &item.hold {
            return Some(on_hold(hold));
        }
        if let Some(fix) = item.open_fix {
            let key = self.key(ItemIx(fix));
            let detail = format!("what it builds upon does not merge; {key} mends it");
            return Some(reason(WaitCode::Dependency, Owner::Item, key.as_str(), detail));
        }
        item.not_before.map(|_| {
            let detail = item.evidence.as_ref().map_or_else(
                || item.forge_trouble.clone().unwrap_or_default(),
                |last| format!("attempt {} ended: {}", last.attempt, last.cause),
            );
            reason(WaitCode::Backoff, Owner::Machine, "dispatcher", detail)
        })
    }

    /// What keeps any ready item from being launched.
    fn throttled(&self) -> Option<Reason> {
        if let Some(budget) = &self.head.budget {
            let detail = format!("nothing more is launched: {budget}");
            return Some(reason(WaitCode::Limit, Owner::Person, "operator", detail));
        }
        let (running, most) = (self.running(), self.policy().max_parallel);
        (running >= most).then(|| {
            let detail = format!("{running} of {most} slots are in use");
            reason(WaitCode::Parallel, Owner::Machine, "dispatcher", detail)
        })
    }

    fn unassigned(&self, ix: ItemIx, roster: &Roster) -> Reason {
        let item = self.item(ix);
        let eligible = self.eligible(ix, roster);
        let busy: Vec<&str> = eligible.iter().map(crate::id::AgentName::as_str).collect();
        if item.is_review() && busy.is_empty() {
            return reason(WaitCode::NoReviewer, Owner::Person, "operator", self.no_reviewer(item));
        }
        if busy.is_empty() {
            let detail = match (&item.now.pinned, &item.spec.role) {
                (Some(name), _) => format!("{name} is not there, and nobody else may take it; spawn it"),
                (None, Some(wish)) if wish.required => {
                    format!("no agent with the role {} is there; spawn one", wish.role)
                }
                (None, _) => "no agent is there; spawn one".to_owned(),
            };
            return reason(WaitCode::NoAgent, Owner::Person, "operator", detail);
        }
        let paused = |name: &&AgentName| roster.get(name).is_some_and(|agent| agent.paused_until.is_some());
        if let Some(agent) = eligible.first().filter(|_| eligible.iter().all(|name| paused(&name))) {
            let (cli, until) = roster
                .get(agent)
                .and_then(|agent| Some((agent.cli.as_str(), agent.paused_until?)))
                .unwrap_or_default();
            let detail = format!("{cli} reached a limit of its provider; it goes on by itself at {until}");
            return reason(WaitCode::Limit, Owner::Machine, "dispatcher", detail);
        }
        let code = if item.is_review() { WaitCode::NoReviewer } else { WaitCode::NoAgent };
        reason(code, Owner::Machine, busy[0], format!("busy: {}", busy.join(", ")))
    }

    fn no_reviewer(&self, review: &Item) -> String {
        let parent = review.parent.map(|parent| self.item(parent));
        let clis = parent.map_or(String::new(), |parent| parent.now.author_clis.join(", "));
        match (self.policy().independent_cli && !clis.is_empty(), self.policy().reviewers) {
            (true, _) => format!(
                "no agent is there that wrote nothing under review and runs another CLI than {clis}; spawn such a reviewer"
            ),
            (false, 1) => "no agent is there that wrote nothing under review; spawn a reviewer".to_owned(),
            (false, wanted) => {
                let given = parent.map_or(0, |parent| parent.now.gates.approvals.len());
                format!(
                    "{given} of {wanted} approvals, and nobody else is there who wrote nothing under review; spawn a reviewer"
                )
            }
        }
    }

    /// Why a gated item is not done; the same order in which the gates are judged.
    fn gated(&self, ix: ItemIx) -> Reason {
        let item = self.item(ix);
        let now = &item.now;
        if let Some(hold) = &now.hold {
            return on_hold(hold);
        }
        if let Some(open) = now.open_fix {
            return self.follow_up(ItemIx(open), self.mended(ItemIx(open)));
        }
        if let Some(detail) = &now.forge_trouble {
            return reason(WaitCode::Forge, Owner::Machine, "forge", detail.clone());
        }
        if now.empty && now.pull.is_none() {
            return match now.open_review {
                Some(open) => self.follow_up(ItemIx(open), WaitCode::EmptyChange),
                None => reason(
                    WaitCode::EmptyChange,
                    Owner::Person,
                    "operator",
                    "nothing was changed; approve or retry it",
                ),
            };
        }
        if now.awaits(EffectKind::Publish) || now.pull.is_none() {
            return reason(WaitCode::Forge, Owner::Machine, "dispatcher", "opening the pull request");
        }
        if now.awaits(EffectKind::Restack) {
            let detail = "bringing it up to what it builds upon";
            return reason(WaitCode::Forge, Owner::Machine, "dispatcher", detail);
        }
        self.judged(ix)
    }

    fn judged(&self, ix: ItemIx) -> Reason {
        let item = self.item(ix);
        let gates = &item.now.gates;
        match &gates.checks {
            None | Some(Checks::Pending) => {
                return reason(WaitCode::Checks, Owner::Machine, "forge", "the checks are running");
            }
            Some(Checks::Red(report)) => {
                let detail = format!("{} failed: {}", report.name, report.summary);
                return reason(WaitCode::Checks, Owner::Machine, "forge", detail);
            }
            Some(Checks::CouldNotRun(report)) => {
                let detail = format!("{} could not run: {}; it is run again", report.name, report.summary);
                return reason(WaitCode::Checks, Owner::Machine, "forge", detail);
            }
            Some(Checks::Green | Checks::NotRequired) => {}
        }
        if item.unmet > 0 {
            let key = self.open_dependencies(ix).next().map_or("", |on| self.key(on).as_str());
            let detail = format!("{key}, on which it builds, is judged anew");
            return reason(WaitCode::DependencyChanged, Owner::Item, key, detail);
        }
        if !gates.governed.is_empty() && !gates.person {
            let detail = format!("changes {}; a person must approve", gates.governed.join(", "));
            return reason(WaitCode::Governance, Owner::Person, "operator", detail);
        }
        if let Some(open) = item.now.open_review {
            return self.follow_up(ItemIx(open), WaitCode::Review);
        }
        match &gates.mergeable {
            None | Some(Mergeable::Unknown | Mergeable::Conflict(_)) => {
                reason(WaitCode::Mergeability, Owner::Machine, "forge", "whether it merges is not known yet")
            }
            Some(Mergeable::Yes) => self.merging(ix),
        }
    }

    /// Why an item that passed every gate is not merged.
    fn merging(&self, ix: ItemIx) -> Reason {
        let gates = &self.item(ix).now.gates;
        if let Some(detail) = &gates.busy {
            return reason(WaitCode::BaseCheckoutBusy, Owner::Person, "operator", detail.clone());
        }
        if let Some(next) = self.next_to_merge().filter(|next| *next != ix && gates.turn.is_some()) {
            let key = self.key(next).as_str();
            return reason(WaitCode::Merge, Owner::Item, key, format!("its turn comes after {key}"));
        }
        match gates.trial.as_ref().map(|trial| &trial.checks) {
            Some(None | Some(Checks::Pending)) => {
                let detail = "the checks are running on its merge with the base as it is now";
                reason(WaitCode::Checks, Owner::Machine, "forge", detail)
            }
            Some(Some(Checks::Red(report) | Checks::CouldNotRun(report))) => {
                let detail = format!(
                    "merged with the base as it is now, {} failed: {}; it is run again",
                    report.name, report.summary
                );
                reason(WaitCode::Checks, Owner::Machine, "forge", detail)
            }
            _ => reason(WaitCode::Merge, Owner::Machine, "dispatcher", "merging"),
        }
    }

    /// What a fix mends.
    fn mended(&self, fix: ItemIx) -> WaitCode {
        match &self.item(fix).task {
            Some(FollowUp::Fix { cause, .. }) => match cause.as_str() {
                "review" => WaitCode::Review,
                "bugbot" => WaitCode::Bugbot,
                "conflict" => WaitCode::Mergeability,
                _ => WaitCode::Checks,
            },
            _ => WaitCode::Checks,
        }
    }

    fn follow_up(&self, open: ItemIx, code: WaitCode) -> Reason {
        let key = self.key(open);
        reason(code, Owner::Item, key.as_str(), format!("waits for {key}"))
    }
}

fn held(item: &Item) -> Reason {
    let agent = item.now.assignment.as_ref().map_or("", |held| held.agent.as_str());
    let detail = match item.now.phase {
        Phase::Cancelling => format!("{agent} is being stopped"),
        Phase::Assigned => format!("assigned to {agent}"),
        _ => format!("{agent} is at work"),
    };
    reason(WaitCode::Agent, Owner::Machine, agent, detail)
}

fn on_hold(hold: &Hold) -> Reason {
    let (code, detail) = match hold {
        Hold::Limit { detail } => (WaitCode::Limit, detail.clone()),
        Hold::Checks { detail } => (WaitCode::Checks, detail.clone()),
        Hold::Stuck { question } => (WaitCode::Person, format!("the agent asks: {question}")),
        Hold::Closed => {
            (WaitCode::Person, "its pull request was closed unmerged; retry or skip it".to_owned())
        }
        Hold::Refused { detail } => (WaitCode::Person, format!("the forge refuses: {detail}")),
    };
    reason(code, Owner::Person, "operator", detail)
}
