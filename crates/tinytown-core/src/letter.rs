//! What is delivered to agents and to whoever answers when a mission asks for help.

use serde::{Deserialize, Serialize};

use crate::event::Addressee;
use crate::id::{AgentName, Claim, Fence, ItemKey, MessageId, MissionId, Role, Sha};
use crate::item::Kind;
use crate::text::Text;
use crate::time::Time;

/// Longest message to an agent, in bytes. What is longer is work, or belongs into a file of the repository.
pub const MESSAGE_LIMIT: usize = 4096;

/// Whose letter it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recipient {
    /// An agent's worker.
    Agent(AgentName),
    /// Whoever answers when a mission asks for help.
    Conductor,
}

/// A letter to be delivered, under a name that is the same however often it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Whose.
    pub to: Recipient,
    /// Its name in that mailbox.
    pub key: String,
    /// What it says.
    pub letter: Letter,
}

/// What a letter says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "letter", rename_all = "kebab-case")]
pub enum Letter {
    /// Work.
    Assignment(Box<Brief>),
    /// Stop working under this assignment.
    Cancel {
        /// Which.
        claim: Claim,
    },
    /// Leave, after the work at hand.
    Retire,
    /// Something an operator wants the agent to read with its next prompt.
    Message {
        /// Names it, in whatever start of the agent it is read.
        id: MessageId,
        /// What; at most [`MESSAGE_LIMIT`] bytes.
        text: String,
        /// From whom.
        from: String,
    },
    /// A mission asks somebody to look.
    Help {
        /// Which.
        mission: MissionId,
        /// At which item; at the mission as a whole if none is named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<ItemKey>,
        /// Who is to answer.
        #[serde(default)]
        to: Addressee,
        /// At what.
        reason: String,
        /// How many items an answer lets go on, directly or not.
        #[serde(default)]
        unblocks: u32,
        /// When.
        asked_at: Time,
        /// Which asking this is.
        attempt: u32,
    },
}

/// Everything a worker needs for one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// What entitles the agent to submit.
    pub claim: Claim,
    /// One line.
    pub title: String,
    /// What sort of work.
    pub kind: Kind,
    /// The role that was wished for.
    pub role: Option<Role>,
    /// The item's text.
    pub body: Text,
    /// For a fix, the item whose change is mended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
    /// From where the work starts; for a review the head to judge.
    pub base: Sha,
    /// The pull request's head that a fix mends or a review judges.
    pub head: Option<Sha>,
    /// Where the reviewed work began, for comparing.
    pub since: Option<Sha>,
    /// Commits that the result must contain besides the base.
    pub must_hold: Vec<Sha>,
    /// The attempt's branch; none for a review.
    pub branch: Option<String>,
    /// Why the attempt before ended, in words.
    pub before: Option<String>,
    /// Most milliseconds the attempt may take.
    pub time_limit_ms: u64,
    /// Most milliseconds without output and without a change in the checkout.
    pub stall_limit_ms: u64,
}

/// The item that a change is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// One line.
    pub title: String,
    /// Its text.
    pub body: Text,
}

/// The name of an assignment's letter.
pub fn assignment_key(mission: MissionId, fence: Fence) -> String {
    format!("assignment/{mission}/{fence}")
}

/// The name of a cancellation's letter.
pub fn cancel_key(mission: MissionId, fence: Fence) -> String {
    format!("cancel/{mission}/{fence}")
}

/// The name of a message's letter.
pub fn message_key(id: MessageId) -> String {
    format!("message/{id}")
}

/// The name of a letter that asks for help: about an item, or about the mission as a whole.
pub fn help_key(mission: MissionId, item: Option<&ItemKey>, attempt: u32) -> String {
    match item {
        Some(item) => format!("help/{mission}/{item}/{attempt}"),
        None => format!("help/{mission}/{attempt}"),
    }
}
