//! What a step made true. A mission's state is its events applied in order, and nothing else.

use serde::{Deserialize, Serialize};

use crate::effect::{EffectKind, Stack};
use crate::id::{AgentName, Fence, Generation, ItemKey, OpId, Sha};
use crate::issue::IssueRef;
use crate::item::ItemSpec;
use crate::observation::{Checks, Observation, Pull, PullState};
use crate::spend::Spend;
use crate::time::Time;

/// One thing that became true of a mission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event {
    /// The mission began.
    MissionStarted,
    /// An operator stopped it.
    MissionStopped {
        /// It ends once every agent has been cancelled.
        ending: bool,
    },
    /// It goes on.
    MissionResumed,
    /// Nothing runs, and every wait belongs to a person.
    MissionBlocked,
    /// Something can go on again.
    MissionUnblocked,
    /// Every item is done or was skipped by an operator.
    MissionCompleted,
    /// It ended otherwise.
    MissionFailed {
        /// Why.
        reason: String,
    },
    /// Somebody should look.
    HelpAsked {
        /// At which item; at the mission as a whole if none is named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<ItemKey>,
        /// Who is asked.
        #[serde(default)]
        to: Addressee,
        /// At what.
        reason: String,
        /// Which asking this is, from 1.
        attempt: u32,
    },
    /// Nobody needs to look any more.
    HelpRetired {
        /// At which item; at the mission as a whole if none is named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<ItemKey>,
    },
    /// A budget of the mission as a whole is used up: nothing more is launched.
    BudgetReached {
        /// Which.
        detail: String,
    },
    /// An operator granted another budget of the same size.
    BudgetGranted,
    /// The watchdog looked for items that are ready and that nobody takes.
    WatchdogLooked,
    /// An operator's directive was taken.
    NoteTaken {
        /// In the operator's words.
        text: String,
        /// Who.
        by: String,
    },

    /// An operator added an item; it is a planned one like those of the start.
    ItemJoined {
        /// The item.
        item: ItemKey,
        /// All of it.
        spec: Box<ItemSpec>,
    },
    /// An issue outside the mission for which it waited has become an item of the mission: it waits for that.
    ExternalJoined {
        /// Who waits.
        item: ItemKey,
        /// For which.
        reference: IssueRef,
    },
    /// A follow-up item was added.
    ItemAdded {
        /// The follow-up.
        item: ItemKey,
        /// All of it.
        spec: Box<ItemSpec>,
        /// What it is about.
        task: FollowUp,
    },
    /// Nothing that it waits for is missing.
    ItemReady {
        /// Which.
        item: ItemKey,
    },
    /// It was given to an agent.
    ItemAssigned {
        /// Which.
        item: ItemKey,
        /// To whom.
        agent: AgentName,
        /// Which start of the agent.
        generation: Generation,
        /// Which launch of the item.
        attempt: u32,
        /// The assignment fence: this step's number.
        fence: Fence,
    },
    /// The agent's worker was told, with the commit to start from.
    ItemDelivered {
        /// Which.
        item: ItemKey,
        /// From where the work starts.
        base: Sha,
    },
    /// The agent's worker began.
    ItemStarted {
        /// Which.
        item: ItemKey,
        /// Who.
        agent: AgentName,
        /// Which launch.
        attempt: u32,
    },
    /// Work was handed in under the assignment in force.
    ItemSubmitted {
        /// Which.
        item: ItemKey,
        /// By whom.
        agent: AgentName,
        /// Which launch.
        attempt: u32,
        /// The submitted commit; for a review the one that was judged.
        head: Sha,
        /// Nothing was changed.
        empty: bool,
        /// The agent's words.
        summary: String,
        /// The agent CLI that it ran.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        cli: String,
        /// What it cost, as far as the agent says.
        #[serde(default, skip_serializing_if = "Spend::is_none")]
        spend: Spend,
    },
    /// Work was handed in under an assignment that is not in force. It is kept, and changes nothing.
    SubmissionStale {
        /// Which item.
        item: ItemKey,
        /// By whom.
        agent: AgentName,
        /// Under which launch.
        attempt: u32,
        /// Under which fence.
        fence: Fence,
        /// The submitted commit, if there was one.
        head: Option<Sha>,
    },
    /// The agent ended an attempt without success.
    AttemptFailed {
        /// Which item.
        item: ItemKey,
        /// Whose attempt.
        agent: AgentName,
        /// Which launch.
        attempt: u32,
        /// Why, as a word.
        cause: String,
        /// Why, for people.
        detail: String,
        /// What it cost, as far as the agent says.
        #[serde(default, skip_serializing_if = "Spend::is_none")]
        spend: Spend,
    },
    /// An attempt was lost with its worker, supervisor, host or store.
    AttemptLost {
        /// Which item.
        item: ItemKey,
        /// Whose attempt.
        agent: AgentName,
        /// Which launch.
        attempt: u32,
        /// What is known.
        detail: String,
        /// What it cost, as far as the agent says.
        #[serde(default, skip_serializing_if = "Spend::is_none")]
        spend: Spend,
    },
    /// The assignment was revoked, and the agent is to be stopped.
    CancelAsked {
        /// Which item.
        item: ItemKey,
        /// It is not to be launched again, for this reason.
        leaving: Option<SkipReason>,
    },
    /// The assignment is over without counting against any budget.
    AttemptCancelled {
        /// Which item.
        item: ItemKey,
        /// Why, for people.
        detail: String,
    },
    /// No launch before that time.
    BackoffBegan {
        /// Which item.
        item: ItemKey,
        /// Until when.
        until: Time,
    },
    /// It may be launched again.
    BackoffEnded {
        /// Which item.
        item: ItemKey,
    },
    /// Only a person can let it go on.
    ItemHeld {
        /// Which item.
        item: ItemKey,
        /// Why.
        hold: Hold,
    },
    /// A person let it go on.
    HoldCleared {
        /// Which item.
        item: ItemKey,
        /// One more launch than the budget allows.
        granted: bool,
    },
    /// From now on only this agent may take it.
    ItemPinned {
        /// Which item.
        item: ItemKey,
        /// Whom.
        agent: AgentName,
    },
    /// A person wants it merged though the policy leaves merging to people.
    MergeWanted {
        /// Which item.
        item: ItemKey,
    },
    /// Issues outside the mission were closed.
    ExternalsClosed {
        /// Who waited.
        item: ItemKey,
        /// For which.
        references: Vec<IssueRef>,
    },
    /// A commit that already holds everything its work starts from: a mended conflict.
    BaseMended {
        /// Which item.
        item: ItemKey,
        /// The commit.
        head: Sha,
        /// Who wrote it.
        by: AgentName,
        /// With which agent CLI.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        cli: String,
    },

    /// A fix was handed in: the pull request is to move to it.
    HeadProposed {
        /// Whose pull request.
        item: ItemKey,
        /// The commit.
        head: Sha,
        /// Who wrote it.
        by: AgentName,
        /// With which agent CLI.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        cli: String,
    },
    /// The pull request is open at the submitted head. What was judged before it is void.
    PullPublished {
        /// Whose.
        item: ItemKey,
        /// The pull request.
        pull: Pull,
    },
    /// Somebody else moved the pull request. What was judged before is void.
    HeadMoved {
        /// Whose.
        item: ItemKey,
        /// To where.
        head: Sha,
    },
    /// The forge was looked at.
    PullSeen {
        /// Whose.
        item: ItemKey,
        /// What it showed.
        seen: Box<Observation>,
    },
    /// The pull request changed its state.
    PullState {
        /// Whose.
        item: ItemKey,
        /// To this.
        state: PullState,
    },
    /// The checks on a head were observed.
    ChecksSeen {
        /// Whose.
        item: ItemKey,
        /// Of which commit.
        head: Sha,
        /// What they say.
        checks: Box<Checks>,
    },
    /// A reviewer judged a head.
    VerdictGiven {
        /// Whose work.
        item: ItemKey,
        /// Of which commit.
        head: Sha,
        /// The judge: an agent, or `operator`.
        by: String,
        /// Approved, or changes requested.
        approve: bool,
        /// In the judge's words.
        summary: String,
    },
    /// The next look is at that time.
    LookScheduled {
        /// At whose pull request.
        item: ItemKey,
        /// When.
        at: Time,
        /// Ask the checks again then, even with a verdict.
        again: bool,
    },
    /// The time for a look came.
    LookDue {
        /// At whose pull request.
        item: ItemKey,
    },
    /// Something in the user's folder is in the way of the merge.
    BaseCheckoutBusy {
        /// Whose merge.
        item: ItemKey,
        /// What git says.
        detail: String,
    },
    /// Something outside kept an effect from being done; it will be decided again.
    ForgeFailed {
        /// For which item.
        item: ItemKey,
        /// What the forge said.
        detail: String,
    },
    /// An effect was decided.
    EffectAsked {
        /// For which item.
        item: ItemKey,
        /// Its name.
        op: OpId,
        /// Which effect.
        kind: EffectKind,
    },
    /// An effect was reported, or revoked.
    EffectOver {
        /// For which item.
        item: ItemKey,
        /// Its name.
        op: OpId,
        /// Which effect.
        kind: EffectKind,
    },

    /// It is done, at its gates.
    ItemDone {
        /// Which.
        item: ItemKey,
        /// How.
        outcome: Outcome,
    },
    /// The pull request of an item that was done as accepted has been merged since.
    ItemMerged {
        /// Which.
        item: ItemKey,
        /// The commit that made it so, if known.
        commit: Option<Sha>,
    },
    /// An accepted item is not what was accepted any more: it is judged anew, and unfinished dependents wait.
    DependencyChanged {
        /// The accepted item.
        item: ItemKey,
        /// What happened to it.
        detail: String,
    },
    /// Every gate is passed; it is merged when those before it are.
    MergeQueued {
        /// Which.
        item: ItemKey,
        /// Whose number is lower comes first.
        turn: u64,
    },
    /// A gate is not passed any more: others need not wait for it.
    MergeUnqueued {
        /// Which.
        item: ItemKey,
    },
    /// Its head was merged with the base on trial.
    TrialMade {
        /// Which.
        item: ItemKey,
        /// The merge.
        commit: Sha,
    },
    /// What the checks say about that merge.
    TrialChecked {
        /// Which.
        item: ItemKey,
        /// The merge.
        commit: Sha,
        /// The verdict.
        checks: Box<Checks>,
    },
    /// Its pull request holds what it builds upon, as that is now.
    Restacked {
        /// Which.
        item: ItemKey,
        /// Where the pull request is now.
        head: Sha,
        /// What it holds.
        stack: Stack,
    },
    /// It will not be done.
    ItemSkipped {
        /// Which.
        item: ItemKey,
        /// Why.
        reason: SkipReason,
    },
    /// It cannot be done.
    ItemFailed {
        /// Which.
        item: ItemKey,
        /// Why.
        reason: String,
    },
}

/// What a follow-up item is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "kebab-case")]
pub enum FollowUp {
    /// Mend the pull request's head.
    Fix {
        /// The head to start from.
        head: Sha,
        /// What sort of trouble: `checks`, `review`, `conflict`, `base-conflict`.
        cause: String,
        /// Commits that the mended head must contain besides.
        must_hold: Vec<Sha>,
    },
    /// Judge a head.
    Review {
        /// Which.
        head: Sha,
    },
}

/// Who is asked for help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Addressee {
    /// An agent that answers such requests, with notes.
    Conductor,
    /// A person.
    #[default]
    Person,
}

impl Addressee {
    /// As written in `--json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conductor => "conductor",
            Self::Person => "person",
        }
    }
}

/// Why only a person can let an item go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "hold", rename_all = "kebab-case")]
pub enum Hold {
    /// Its attempts, losses or fixes are used up.
    Limit {
        /// Which budget, and what happened last.
        detail: String,
    },
    /// The agent asked a question.
    Stuck {
        /// The question.
        question: String,
    },
    /// The pull request was closed unmerged.
    Closed,
    /// Its checks cannot judge it, however often they are run.
    Checks {
        /// Which, and what happened last.
        detail: String,
    },
    /// The forge refuses.
    Refused {
        /// What it said.
        detail: String,
    },
}

/// How an item was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// Its head is reachable from the base; with the commit that made it so, if known.
    Merged {
        /// That commit.
        commit: Option<Sha>,
    },
    /// Checks, review and mergeability hold on this head; the pull request stays open for a person.
    Accepted {
        /// The head.
        head: Sha,
    },
    /// There was nothing to change, and somebody agreed.
    Unchanged,
    /// A follow-up that was handed in.
    HandedIn,
}

/// Why an item will not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// An operator said so: satisfied for its dependents.
    Operator,
    /// The manifest said so, or it was closed before the start: satisfied for its dependents.
    Manifest,
    /// Something it depends on failed.
    DependencyFailed,
    /// A follow-up that nobody needs any more.
    Superseded,
}

impl Outcome {
    /// Whether its pull request is left to a person, who may still change it.
    pub const fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted { .. })
    }
}

impl SkipReason {
    /// Whether dependents go on as if it were done.
    pub const fn satisfies(self) -> bool {
        matches!(self, Self::Operator | Self::Manifest)
    }
}

impl Event {
    /// What an attempt cost that ends with it.
    pub(crate) const fn spend(&self) -> Spend {
        match self {
            Self::ItemSubmitted { spend, .. }
            | Self::AttemptFailed { spend, .. }
            | Self::AttemptLost { spend, .. } => *spend,
            _ => Spend::NONE,
        }
    }

    /// The item that it is about, if it is about one.
    pub fn item(&self) -> Option<&ItemKey> {
        match self {
            Self::MissionStarted
            | Self::MissionStopped { .. }
            | Self::MissionResumed
            | Self::MissionBlocked
            | Self::MissionUnblocked
            | Self::MissionCompleted
            | Self::MissionFailed { .. }
            | Self::WatchdogLooked
            | Self::BudgetReached { .. }
            | Self::BudgetGranted
            | Self::NoteTaken { .. } => None,
            Self::HelpAsked { item, .. } | Self::HelpRetired { item } => item.as_ref(),
            Self::ItemJoined { item, .. }
            | Self::ExternalJoined { item, .. }
            | Self::ItemAdded { item, .. }
            | Self::ItemReady { item }
            | Self::ItemAssigned { item, .. }
            | Self::ItemDelivered { item, .. }
            | Self::ItemStarted { item, .. }
            | Self::ItemSubmitted { item, .. }
            | Self::SubmissionStale { item, .. }
            | Self::AttemptFailed { item, .. }
            | Self::AttemptLost { item, .. }
            | Self::CancelAsked { item, .. }
            | Self::AttemptCancelled { item, .. }
            | Self::BackoffBegan { item, .. }
            | Self::BackoffEnded { item }
            | Self::ItemHeld { item, .. }
            | Self::HoldCleared { item, .. }
            | Self::ItemPinned { item, .. }
            | Self::MergeWanted { item }
            | Self::ExternalsClosed { item, .. }
            | Self::BaseMended { item, .. }
            | Self::HeadProposed { item, .. }
            | Self::PullPublished { item, .. }
            | Self::HeadMoved { item, .. }
            | Self::PullSeen { item, .. }
            | Self::PullState { item, .. }
            | Self::ChecksSeen { item, .. }
            | Self::VerdictGiven { item, .. }
            | Self::LookScheduled { item, .. }
            | Self::LookDue { item }
            | Self::BaseCheckoutBusy { item, .. }
            | Self::ForgeFailed { item, .. }
            | Self::EffectAsked { item, .. }
            | Self::EffectOver { item, .. }
            | Self::ItemDone { item, .. }
            | Self::ItemMerged { item, .. }
            | Self::DependencyChanged { item, .. }
            | Self::MergeQueued { item, .. }
            | Self::MergeUnqueued { item }
            | Self::TrialMade { item, .. }
            | Self::TrialChecked { item, .. }
            | Self::Restacked { item, .. }
            | Self::ItemSkipped { item, .. }
            | Self::ItemFailed { item, .. } => Some(item),
        }
    }

    /// Whether something moved by it: what a stall is measured from.
    pub const fn is_progress(&self) -> bool {
        matches!(
            self,
            Self::MissionStarted
                | Self::MissionResumed
                | Self::ItemJoined { .. }
                | Self::ItemReady { .. }
                | Self::ItemAssigned { .. }
                | Self::ItemStarted { .. }
                | Self::ItemSubmitted { .. }
                | Self::AttemptFailed { .. }
                | Self::AttemptLost { .. }
                | Self::AttemptCancelled { .. }
                | Self::PullPublished { .. }
                | Self::VerdictGiven { .. }
                | Self::ItemDone { .. }
                | Self::ItemFailed { .. }
                | Self::ItemMerged { .. }
                | Self::NoteTaken { .. }
        )
    }
}
