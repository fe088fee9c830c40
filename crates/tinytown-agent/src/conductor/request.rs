//! A request for help that a conductor is to answer.

use std::cmp::Reverse;

use tinytown_core::event::Addressee;
use tinytown_core::id::{ItemKey, OpId};
use tinytown_core::letter::{HelpRequest, Letter};
use tinytown_core::time::Time;
use tinytown_store::{MailEntry, StoreError, records};

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// The letter's name. The next time that anybody asks about the same, it is the same.
    key: String,
    /// What it says.
    pub(super) help: HelpRequest,
}

impl Request {
    /// The request in a letter, if there is one and it is to a conductor.
    pub(super) fn read(entry: &MailEntry) -> Result<Option<Self>, StoreError> {
        Ok(match records::load_letter(&entry.key, &entry.record)? {
            Letter::Help(help) if help.to == Addressee::Conductor => {
                Some(Self { key: entry.key.clone(), help })
            }
            _ => None,
        })
    }

    /// What it is called, unlike any other.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.key, self.help.asked_at.as_millis())
    }

    /// What comes first: what lets most go on, then what was asked first.
    pub(super) fn urgency(&self) -> (u32, Reverse<Time>) {
        (self.help.unblocks, Reverse(self.help.asked_at))
    }

    /// The name of the `nth` note that answers it: a repeat is the same input.
    pub(super) fn op(&self, nth: usize) -> OpId {
        OpId::new(format!("answer/{}/{nth}", self.name()))
    }

    /// What lines about it name.
    pub(super) fn about(&self) -> ItemKey {
        self.help.item.clone().unwrap_or_else(|| ItemKey::new(format!("mission {}", self.help.mission)))
    }
}
