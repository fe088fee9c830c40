//! One work item: where it stands, who holds it, and what is known of its pull request.

use serde::{Deserialize, Serialize};

use super::{ItemIx, Rung};
use crate::effect::{EffectKind, Stack};
use crate::event::{Addressee, FollowUp, Hold, Outcome, SkipReason};
use crate::id::{AgentName, Claim, Fence, Generation, ItemKey, MissionId, OpId, Sha};
use crate::issue::IssueRef;
use crate::item::{Dependency, EdgeSource, External, ItemSpec};
use crate::mutant::{Mutant, is_planted};
use crate::observation::{Checks, Comment, Mergeable, Pull};
use crate::spend::Spend;
use crate::text::Text;
use crate::time::Time;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Where an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Something it depends on is not done.
    Pending,
    /// It could be launched.
    Ready,
    /// An agent was chosen, and has not begun.
    Assigned,
    /// Its agent is at work.
    Running,
    /// Its assignment was revoked, and its agent's processes are being stopped.
    Cancelling,
    /// Its work was handed in, and is being judged.
    Gated,
    /// Done at its gates.
    Done,
    /// Will not be done.
    Skipped,
    /// Cannot be done.
    Failed,
}

impl Phase {
    /// As written in `--json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Assigned => "assigned",
            Self::Running => "running",
            Self::Cancelling => "cancelling",
            Self::Gated => "gated",
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing more comes of it.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Skipped | Self::Failed)
    }

    /// Whether it counts against `max_parallel`.
    pub const fn holds_slot(self) -> bool {
        matches!(self, Self::Assigned | Self::Running | Self::Cancelling)
    }
}

/// Who holds an item, and since which commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Who.
    pub agent: AgentName,
    /// Which start of the agent.
    pub generation: Generation,
    /// Which launch of the item.
    pub attempt: u32,
    /// The assignment fence.
    pub fence: Fence,
    /// Where the work starts, once the agent's worker was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Sha>,
    /// When it was assigned, and then when it was started.
    pub since: Time,
}

/// What a review said about a head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// An agent's name, or `operator`.
    pub by: String,
    /// Approved, or changes requested.
    pub approve: bool,
    /// In the judge's words.
    pub summary: String,
}

/// Somebody was asked about an item, and has not answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Who.
    pub to: Addressee,
    /// When they were first asked.
    pub since: Time,
    /// When they were asked last.
    pub at: Time,
    /// How often anybody was asked about this.
    pub times: u32,
}

impl Asked {
    /// The rung of the ladder that this is.
    pub const fn rung(&self) -> Rung {
        match self.to {
            Addressee::Conductor => Rung::Conductor,
            Addressee::Person => Rung::Person,
        }
    }
}

/// A head merged with the base on trial, so that the checks see what would land.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The merge.
    pub commit: Sha,
    /// What the checks say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<Checks>,
}

/// Everything judged about one head. A new head begins with none of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Gates {
    /// What the checks say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<Checks>,
    /// How many runs of the checks could not judge it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unjudged: u32,
    /// Whether it can be merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mergeable: Option<Mergeable>,
    /// What the last review says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// Which agents approved it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<AgentName>,
    /// What bots found in it that nobody has answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Comment>,
    /// Files that it changes and that govern the mission.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub governed: Vec<String>,
    /// A person approved this head.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub person: bool,
    /// Why it could not be merged when it was tried, if something in the user's folder is in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy: Option<String>,
    /// What it is known to hold of the items that it builds upon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<Stack>,
    /// Every gate is passed, and it waits for its merge; the lowest number comes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<u64>,
    /// Its merge with the base, before that lands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Trial>,
}

impl Gates {
    /// The last word of the checks: about the merge on trial if there is one, else about the head.
    pub fn last_checks(&self) -> Option<&Checks> {
        self.trial.as_ref().and_then(|trial| trial.checks.as_ref()).or(self.checks.as_ref())
    }
}

/// Why the last attempt ended; the next one is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Which launch it was.
    pub attempt: u32,
    /// Whose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// The cause, as a word.
    pub cause: String,
    /// For people and the next prompt.
    pub detail: String,
}

/// One work item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// As planned.
    pub spec: ItemSpec,
    /// What it is about, if it is a follow-up.
    pub task: Option<FollowUp>,
    /// The item that it follows up.
    pub parent: Option<ItemIx>,
    /// The items that it depends on.
    pub needs: Vec<ItemIx>,
    /// How many of those are neither done nor satisfied.
    pub unmet: u32,
    /// Number of items on the longest path from here to an end of the graph, itself included. What is added
    /// later may make it longer than it was planned.
    pub path_length: u32,
    /// What changes.
    pub now: ItemNow,
}

/// What changes about an item; this is what a store keeps of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemNow {
    /// Where it stands.
    pub phase: Phase,
    /// Since when.
    pub since: Time,
    /// Launches so far.
    #[serde(default)]
    pub launches: u32,
    /// Launches that the agent ended without success.
    #[serde(default)]
    pub attempts: u32,
    /// Launches that were lost.
    #[serde(default)]
    pub losses: u32,
    /// Launches granted by an operator beyond the budget.
    #[serde(default)]
    pub granted: u32,
    /// No launch before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Time>,
    /// Open issues outside the mission that it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub externals: Vec<IssueRef>,
    /// Issues outside for which it waited and that are items of the mission now: it depends on those.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<IssueRef>,
    /// Who holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignment: Option<Assignment>,
    /// What becomes of it once its cancelled agent is gone, if it is not to be launched again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaving: Option<SkipReason>,
    /// Only a person can let it go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// Only this agent may take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<AgentName>,
    /// Somebody was asked about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// Why the last attempt ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Who ended an attempt without success, each once, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<AgentName>,
    /// Who wrote what is under review.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<AgentName>,
    /// Which agent CLIs they ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub author_clis: Vec<String>,
    /// What was spent on it and on its fixes and reviews, as far as agents say.
    #[serde(default, skip_serializing_if = "Spend::is_none")]
    pub spent: Spend,
    /// When it was first launched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began_at: Option<Time>,
    /// Where the submitted work started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Sha>,
    /// A commit that holds everything the work starts from: a mended conflict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mended_base: Option<Sha>,
    /// The commit that was handed in last; the pull request is to propose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed: Option<Sha>,
    /// Nothing was changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub empty: bool,
    /// The author's words about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// Its pull request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<Pull>,
    /// What was judged of the pull request's head.
    #[serde(default)]
    pub gates: Gates,
    /// Effects under way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<(EffectKind, OpId)>,
    /// When the pull request is looked at next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_at: Option<Time>,
    /// The checks are to be asked again at the next look, even with a verdict.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub check_again: bool,
    /// Why the forge could not do the last effect; cleared by the next one that it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forge_trouble: Option<String>,
    /// An operator wants it merged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub merge_wanted: bool,
    /// How many fixes were made for it.
    #[serde(default)]
    pub fixes: u32,
    /// How many reviews were made for it.
    #[serde(default)]
    pub reviews: u32,
    /// The fix that is not over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_fix: Option<u32>,
    /// The review that is not over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_review: Option<u32>,
    /// How it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Why it was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<SkipReason>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// It was accepted, is not what was accepted any more, and is judged anew: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<String>,
    /// The head that was accepted last, whatever came of it since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Sha>,
}

impl ItemNow {
    /// An item as it begins.
    pub fn new(spec: &ItemSpec, now: Time) -> Self {
        Self {
            phase: Phase::Pending,
            since: now,
            launches: 0,
            attempts: 0,
            losses: 0,
            granted: 0,
            not_before: None,
            externals: spec.external.iter().map(|external| external.on.clone()).collect(),
            joined: Vec::new(),
            assignment: None,
            leaving: None,
            hold: None,
            pinned: spec.pinned.clone(),
            asked: None,
            evidence: None,
            tried: Vec::new(),
            authors: Vec::new(),
            author_clis: Vec::new(),
            spent: Spend::default(),
            began_at: None,
            base: None,
            mended_base: None,
            proposed: None,
            empty: false,
            summary: String::new(),
            pull: None,
            gates: Gates::default(),
            effects: Vec::new(),
            look_at: None,
            check_again: false,
            forge_trouble: None,
            merge_wanted: false,
            fixes: 0,
            reviews: 0,
            open_fix: None,
            open_review: None,
            outcome: None,
            skipped: None,
            failed: None,
            changed: None,
            accepted: None,
        }
    }

    /// Whether such an effect is under way.
    pub fn awaits(&self, kind: EffectKind) -> bool {
        self.effects.iter().any(|(under_way, _)| *under_way == kind)
    }

    /// Whether it was accepted, and is still what was accepted.
    pub fn is_accepted(&self) -> bool {
        self.outcome.as_ref().is_some_and(Outcome::is_accepted)
    }

    /// The head that a pull request proposes, if there is one.
    pub fn head(&self) -> Option<&Sha> {
        self.pull.as_ref().map(|pull| &pull.head)
    }
}

impl Item {
    /// What it depends on, and where that is said: as planned, and what has joined the mission since.
    pub fn depends_on(&self) -> impl Iterator<Item = (ItemKey, &EdgeSource)> {
        let planned = self.spec.depends_on.iter().map(|edge| (edge.on.clone(), &edge.source));
        let joined = self.spec.external.iter().filter(|outside| self.now.joined.contains(&outside.on));
        planned.chain(joined.map(|outside| (outside.on.key(), &outside.source)))
    }

    /// The issues outside the mission on which it depends, closed by now or not.
    pub fn outside(&self) -> impl Iterator<Item = &External> {
        self.spec.external.iter().filter(|external| !self.now.joined.contains(&external.on))
    }

    /// The item as it would be planned now: without its text, and with what it still waits for.
    pub fn as_planned(&self) -> ItemSpec {
        let depends_on = self.depends_on().map(|(on, source)| Dependency { on, source: source.clone() });
        let open = self.outside().filter(|outside| self.now.externals.contains(&outside.on));
        ItemSpec {
            body: Text::default(),
            depends_on: depends_on.collect(),
            external: open.cloned().collect(),
            pinned: self.now.pinned.clone(),
            path_length: self.path_length,
            ..self.spec.clone()
        }
    }

    /// Whether it is a review.
    pub const fn is_review(&self) -> bool {
        matches!(self.task, Some(FollowUp::Review { .. }))
    }

    /// Whether it is a fix.
    pub const fn is_fix(&self) -> bool {
        matches!(self.task, Some(FollowUp::Fix { .. }))
    }

    /// The claim of whoever holds it.
    pub fn claim(&self, mission: MissionId) -> Option<Claim> {
        let held = self.now.assignment.as_ref()?;
        Some(Claim {
            mission,
            item: self.spec.key.clone(),
            agent: held.agent.clone(),
            generation: held.generation,
            attempt: held.attempt,
            fence: held.fence,
        })
    }

    /// Whether this claim is exactly the one in force.
    pub fn is_held_by(&self, claim: &Claim) -> bool {
        self.now.assignment.as_ref().is_some_and(|held| {
            held.fence == claim.fence
                && held.attempt == claim.attempt
                && held.generation == claim.generation
                && held.agent == claim.agent
        })
    }

    /// Whether its dependents may start.
    pub fn satisfies_dependents(&self) -> bool {
        match self.now.phase {
            Phase::Done => true,
            // It is on its way into the base, and nothing is wrong with it so far.
            Phase::Gated => {
                self.now.outcome.is_some() || self.now.changed.is_some() && is_planted(Mutant::ChangedIsDone)
            }
            Phase::Skipped => self.now.skipped.is_some_and(SkipReason::satisfies),
            _ => false,
        }
    }
}
