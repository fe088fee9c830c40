//! What operators wrote to the agent and no prompt has told yet.
//!
//! A message lies in the mailbox until it was in a prompt that was handed to the agent's process, and that
//! was taken note of. So it is read again by the next start of the worker, and by this one whenever it reads
//! its mailbox anew; in one worker's life it is told once.

use std::collections::BTreeSet;

use tinytown_core::id::MessageId;

use crate::prompt::{MESSAGES_LIMIT, Message};

/// The messages of one worker.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    waiting: Vec<Message>,
    seen: BTreeSet<MessageId>,
}

impl Messages {
    /// Takes one from the mailbox; what was taken before changes nothing.
    pub(crate) fn take(&mut self, message: Message) {
        if self.seen.insert(message.id) {
            self.waiting.push(message);
        }
    }

    /// Those that the next prompt is to tell, oldest first: as many as fit, and one at least.
    pub(crate) fn next(&self) -> Vec<Message> {
        let mut bytes = 0;
        let fits = |(at, message): &(usize, &Message)| {
            bytes += message.text.len();
            *at == 0 || bytes <= MESSAGES_LIMIT
        };
        self.waiting.iter().enumerate().take_while(fits).map(|(_, message)| message.clone()).collect()
    }

    /// These were told.
    pub(crate) fn told(&mut self, told: &[MessageId]) {
        self.waiting.retain(|message| !told.contains(&message.id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn message(id: u128, bytes: usize) -> Message {
        Message { id: MessageId(Uuid::from_u128(id)), from: "ada".to_owned(), text: "x".repeat(bytes) }
    }

    fn next(messages: &Messages) -> Vec<u128> {
        messages.next().iter().map(|message| message.id.0.as_u128()).collect()
    }

    #[test]
    fn a_message_that_is_read_anew_is_told_once() {
        let mut messages = Messages::default();
        messages.take(message(1, 1));
        messages.take(message(1, 1));
        assert_eq!(next(&messages), [1]);
        messages.told(&[message(1, 1).id]);
        messages.take(message(1, 1));
        assert_eq!(next(&messages), [0; 0]);
    }

    #[test]
    fn what_does_not_fit_into_one_prompt_waits_for_the_next_in_its_order() {
        let mut messages = Messages::default();
        for (id, bytes) in [(3, MESSAGES_LIMIT + 1), (1, MESSAGES_LIMIT / 2), (2, MESSAGES_LIMIT / 2), (4, 1)]
        {
            messages.take(message(id, bytes));
        }
        let mut told = Vec::new();
        while !next(&messages).is_empty() {
            told.push(next(&messages));
            let ids: Vec<MessageId> = messages.next().iter().map(|message| message.id).collect();
            messages.told(&ids);
        }
        assert_eq!(told, [vec![3], vec![1, 2], vec![4]]);
    }
}
