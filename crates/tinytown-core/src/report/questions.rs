//! What was asked of a conductor or a person, and what came of it.

use std::collections::HashMap;

use super::{Question, QuestionEnd};
use crate::event::Event;
use crate::id::ItemKey;
use crate::mission::Mission;
use crate::time::Time;

/// The questions of a mission, and which of them are open.
#[derive(Debug, Default)]
pub(super) struct Questions {
    pub(super) all: Vec<Question>,
    open: HashMap<Option<ItemKey>, usize>,
}

impl Questions {
    /// Takes in one step: what it answers, it answers with the note that it is about.
    pub(super) fn step(&mut self, events: &[Event], mission: &Mission, at: Time) {
        for event in events {
            match event {
                Event::HelpAsked { .. } => self.ask(event, at),
                Event::HelpRetired { item } => {
                    if let Some(open) = self.open.remove(item) {
                        self.all[open].end = Some((at, end(item.as_ref(), events, mission)));
                    }
                }
                _ => {}
            }
        }
    }

    fn ask(&mut self, event: &Event, at: Time) {
        let Event::HelpAsked { item, to, reason, attempt } = event else { return };
        let place = *self.open.entry(item.clone()).or_insert_with(|| {
            let (item, reason) = (item.clone(), String::new());
            self.all.push(Question { item, to: Vec::new(), reason, asked_at: at, times: 0, end: None });
            self.all.len() - 1
        });
        let question = &mut self.all[place];
        if !question.to.contains(to) {
            question.to.push(*to);
        }
        question.reason.clone_from(reason);
        question.times = *attempt;
    }
}

/// Why a question is open no more, from the other events of its step.
fn end(item: Option<&ItemKey>, events: &[Event], mission: &Mission) -> QuestionEnd {
    let answered = events.iter().find_map(|event| match event {
        Event::NoteTaken { text, by } => Some(QuestionEnd::Answered { by: by.clone(), note: text.clone() }),
        _ => None,
    });
    let given_up = |event: &Event| match event {
        Event::ItemFailed { item: failed, .. } => Some(failed) == item,
        // A mission fails of its budget only when nobody granted another one.
        Event::MissionFailed { reason } => item.is_none() && mission.head().budget.as_ref() == Some(reason),
        _ => false,
    };
    answered.unwrap_or_else(|| {
        if events.iter().any(given_up) { QuestionEnd::GivenUp } else { QuestionEnd::Withdrawn }
    })
}
