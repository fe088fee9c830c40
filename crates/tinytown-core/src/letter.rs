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
    Help(HelpRequest),
}

/// A mission's request for help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelpRequest {
    /// Which mission asks.
    pub mission: MissionId,
    /// About which item; about the mission as a whole if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemKey>,
    /// Who is to answer.
    #[serde(default)]
    pub to: Addressee,
    /// At what to look.
    pub reason: String,
    /// How many items an answer lets go on, directly or not.
    #[serde(default)]
    pub unblocks: u32,
    /// When it was asked.
    pub asked_at: Time,
    /// Which asking this is.
    pub attempt: u32,
}

impl HelpRequest {
    /// The name of its letter.
    pub fn key(&self) -> String {
        help_key(self.mission, self.item.as_ref(), self.attempt)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_for_help_is_written_flat_beside_the_letters_name() {
        let help = HelpRequest {
            mission: MissionId(uuid::Uuid::from_u128(7)),
            item: Some(ItemKey::new("#2")),
            to: Addressee::Conductor,
            reason: "#2: 3 of 3 attempts failed".to_owned(),
            unblocks: 4,
            asked_at: Time::from_millis(1_700_000_000_000),
            attempt: 1,
        };
        let written = concat!(
            r##"{"letter":"help","mission":"00000000-0000-0000-0000-000000000007","item":"#2","to":"conductor","##,
            r##""reason":"#2: 3 of 3 attempts failed","unblocks":4,"asked_at":"2023-11-14T22:13:20.000Z","attempt":1}"##,
        );
        let letter = Letter::Help(help);
        assert_eq!(serde_json::to_string(&letter).expect("written"), written);
        assert_eq!(serde_json::from_str::<Letter>(written).expect("read"), letter);
    }

    #[test]
    fn a_request_of_the_first_version_is_to_a_person_about_the_mission() {
        let first = r#"{"letter":"help","mission":"00000000-0000-0000-0000-000000000007","reason":"look","asked_at":"2023-11-14T22:13:20.000Z","attempt":1}"#;
        let Letter::Help(help) = serde_json::from_str(first).expect("read") else { panic!("{first}") };
        assert_eq!((help.item, help.to, help.unblocks), (None, Addressee::Person, 0));
    }
}
