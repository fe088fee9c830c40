//! Everything that can happen to a town, as data: what workers, the forge, operators and the clock report.

use serde::{Deserialize, Serialize};

use crate::effect::EffectResult;
use crate::id::{AgentName, Claim, Generation, MessageId, MissionId, OpId, Role, Sha};
use crate::item::ItemSpec;
use crate::policy::Policy;
use crate::roster::Place;
use crate::spend::Spend;
use crate::time::Time;

/// Something that happened, as it is posted to the town's inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "input", rename_all = "kebab-case")]
pub enum Input {
    /// Begin a mission.
    Start(Box<NewMission>),
    /// Something that concerns one mission.
    Mission {
        /// Which.
        mission: MissionId,
        /// What.
        what: MissionInput,
    },
    /// A worker asks for a name.
    Join(Join),
    /// A worker ends, or is known to have ended.
    Gone {
        /// Which agent.
        agent: AgentName,
        /// Which start of it; later ones are not touched.
        generation: Generation,
        /// How that is known, for people.
        reason: String,
    },
    /// An operator asks an agent to leave.
    Retire {
        /// Which agent.
        agent: AgentName,
        /// Even if it is at work: the attempt is cancelled.
        force: bool,
    },
    /// An operator says something to an agent.
    Message(Message),
    /// A worker handed messages to its agent, in a prompt: they are delivered.
    MessagesRead {
        /// Which agent.
        agent: AgentName,
        /// Which messages.
        messages: Vec<MessageId>,
    },
}

/// What an operator says to an agent. It waits in the agent's mailbox, in whatever start of it, until it was
/// in a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Minted by the caller.
    pub id: MessageId,
    /// To which agent; one that is gone reads it once it is there again.
    pub agent: AgentName,
    /// The words, at most [`MESSAGE_LIMIT`](crate::letter::MESSAGE_LIMIT) bytes.
    pub text: String,
    /// Who says it.
    pub from: String,
}

/// A mission to begin. All of it is frozen at that moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMission {
    /// Minted by the caller.
    pub id: MissionId,
    /// The policy, validated.
    pub policy: Policy,
    /// What the user named, as keys.
    pub objectives: Vec<String>,
    /// The compiled plan's items, in its order.
    pub items: Vec<ItemSpec>,
}

/// A worker that asks for a name. Whoever knows that the name's holder is dead posts [`Input::Gone`] before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// The name.
    pub agent: AgentName,
    /// What it is good at.
    pub role: Option<Role>,
    /// The agent CLI that it runs.
    pub cli: String,
    /// Where it runs.
    pub place: Place,
}

/// Something that happened to one mission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum MissionInput {
    /// A worker began on its assignment.
    Started {
        /// Which assignment.
        claim: Claim,
    },
    /// An agent's work, with evidence.
    Submitted {
        /// Under which assignment.
        claim: Claim,
        /// The work.
        submission: Submission,
        /// What it cost, as far as the agent says.
        #[serde(default, skip_serializing_if = "Spend::is_none")]
        spend: Spend,
    },
    /// An attempt ended without a submission.
    Ended {
        /// Which assignment.
        claim: Claim,
        /// How.
        end: AttemptEnd,
        /// What it cost, as far as the agent says.
        #[serde(default, skip_serializing_if = "Spend::is_none")]
        spend: Spend,
    },
    /// Something came of an effect.
    Effect {
        /// The effect's name.
        op: OpId,
        /// What.
        result: EffectResult,
    },
    /// An operator's directive.
    Note {
        /// In the operator's words; the first word, whole, decides.
        text: String,
        /// Who.
        by: String,
    },
    /// Stop: launch nothing, change nothing outside.
    Stop {
        /// Also cancel agents, and end the mission.
        force: bool,
    },
    /// Go on after a stop.
    Resume,
    /// An operator adds work: all of it, or nothing if any of it does not fit.
    Add {
        /// The compiled items, frozen at that moment. They may depend on each other and on items of the mission.
        items: Vec<ItemSpec>,
    },
    /// The worker of an agent that holds an assignment here has ended, or was declared lost.
    AgentGone {
        /// Which agent.
        agent: AgentName,
        /// Which start of it.
        generation: Generation,
        /// How that is known.
        reason: String,
    },
    /// An agent that holds an assignment here was asked to leave.
    AgentRetires {
        /// Which agent.
        agent: AgentName,
        /// Its attempt is to be cancelled.
        force: bool,
    },
    /// The roster may have changed while this mission's records could not be read, or were lost: see who
    /// holds what still.
    Reconcile,
    /// A deadline came, or agents became free: see what can go on.
    Wake,
}

impl MissionInput {
    /// Work that costs nothing, as far as anybody says.
    pub const fn submitted(claim: Claim, submission: Submission) -> Self {
        Self::Submitted { claim, submission, spend: Spend::NONE }
    }

    /// An end that costs nothing, as far as anybody says.
    pub const fn ended(claim: Claim, end: AttemptEnd) -> Self {
        Self::Ended { claim, end, spend: Spend::NONE }
    }
}

/// What an agent hands in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "kebab-case")]
pub enum Submission {
    /// Commits on top of the assignment's base.
    Work {
        /// The submitted commit; it contains the base.
        head: Sha,
        /// Whether its content is the same as the base's: nothing was changed.
        empty: bool,
        /// The agent's words, at most 4 KiB.
        summary: String,
    },
    /// A judgement of the head that the assignment named.
    Verdict {
        /// Approved, or changes requested.
        approve: bool,
        /// The reviewer's words, at most 4 KiB.
        summary: String,
    },
}

/// How an attempt ended without a submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum AttemptEnd {
    /// The agent ended it: counts against `max_attempts`.
    Failed {
        /// Why, as a short kebab-case word: `nothing-done`, `exit`, `timed-out`, `stalled`, `no-verdict`, …
        cause: String,
        /// For people and the next prompt, at most 4 KiB.
        detail: String,
    },
    /// Worker, supervisor, host or store was lost, or a signal that is not ours: counts against `max_losses`.
    Lost {
        /// What is known, for people.
        detail: String,
    },
    /// The agent says that it cannot go on without an answer. Ends the attempt.
    Stuck {
        /// Its question.
        summary: String,
    },
    /// Its agent CLI reached a limit of its provider: counts as a loss, and pauses that CLI for the whole town.
    Limited {
        /// When the limit is lifted, if that was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Time>,
        /// What the CLI said.
        detail: String,
    },
    /// We cancelled it, and its processes are gone.
    Cancelled,
}

/// What is answered to whoever posted an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// Applied.
    Applied {
        /// What came of it, in one line for people; may be empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        message: String,
    },
    /// A worker has the name, in this start.
    Joined {
        /// Which start.
        generation: Generation,
    },
    /// Nothing was changed.
    Refused {
        /// What kind of refusal.
        why: Refusal,
        /// What, where and what to do next, for people.
        message: String,
    },
}

/// Kinds of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// No such mission, item or agent.
    Unknown,
    /// Not in this state.
    NotNow,
    /// The input contradicts itself.
    Invalid,
}

impl Answer {
    /// Applied, with nothing to say.
    pub const fn applied() -> Self {
        Self::Applied { message: String::new() }
    }

    /// Applied, with something to say.
    pub fn said(message: impl Into<String>) -> Self {
        Self::Applied { message: message.into() }
    }

    /// Refused.
    pub fn refused(why: Refusal, message: impl Into<String>) -> Self {
        Self::Refused { why, message: message.into() }
    }
}
