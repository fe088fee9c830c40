//! What concerns the mission as a whole: merges, questions, waits, agents, notes.

use tinytown_core::event::Addressee;
use tinytown_core::report::{AgentReport, Merge, Question, QuestionEnd};

use super::page::{Entry, Section};
use super::{Account, cause, launches, long_span};
use crate::render::count;

impl Account<'_> {
    pub(super) fn merged(&self) -> Section {
        let merge = |Merge { item, pull, .. }: &Merge| match pull {
            Some(pull) => format!("{item} (PR #{pull})"),
            None => item.to_string(),
        };
        let all: Vec<String> = self.report.merges.iter().map(merge).collect();
        let entries = if all.is_empty() { Vec::new() } else { vec![Entry::from(all.join(", "))] };
        Section::new("🔀 Merged, in this order", entries)
    }

    pub(super) fn asked(&self) -> Section {
        let questions = &self.report.questions;
        let asked = usize::try_from(self.report.help_asked).unwrap_or(usize::MAX);
        let title = format!("🆘 Asked: {}, {}", count(questions.len(), "question"), count(asked, "time"));
        Section::new(title, questions.iter().map(|question| self.question(question)).collect())
    }

    fn question(&self, question: &Question) -> Entry {
        let to: Vec<&str> = question.to.iter().copied().map(Addressee::as_str).collect();
        let open = long_span(question.open_for(self.end()));
        let end = match &question.end {
            None => format!("not answered for {open}"),
            Some((_, QuestionEnd::Answered { by, note })) => format!("answered by {by} after {open}: {note}"),
            Some((_, QuestionEnd::GivenUp)) => format!("nobody answered for {open}; given up"),
            Some((_, QuestionEnd::Withdrawn)) => {
                format!("withdrawn unanswered after {open}")
            }
        };
        let times = count(usize::try_from(question.times).unwrap_or(usize::MAX), "time");
        let said = format!("asked at {} of {}, {times}; {end}", question.asked_at, to.join(", then "));
        let about = if question.item.is_none() { "the mission as a whole: " } else { "" };
        Entry { more: vec![said], ..Entry::from(format!("{about}{}", question.reason)) }
    }

    /// What the mission waited on in the end: what waits for another item is told with that one.
    pub(super) fn waited(&self) -> Section {
        let told = self.report.waits().into_iter().filter(|wait| wait.took.as_secs() > 0);
        let told = told.map(|wait| format!("{}: {}", cause(wait.code, wait.owner), long_span(wait.took)));
        Section::new("⏳ Waits of all items together", told.map(Entry::from).collect())
    }

    pub(super) fn crew(&self) -> Section {
        let did = |agent: AgentReport| {
            let AgentReport { agent, launches: times, handed_in, failed, lost, worked, spent } = agent;
            let spent = if spent.is_none() { String::new() } else { format!("; spent {spent}") };
            let worked = long_span(worked);
            let ends = format!("{handed_in} handed in, {failed} failed, {lost} lost");
            Entry::from(format!("{agent}: {}, {ends}; worked {worked}{spent}", launches(times)))
        };
        Section::new("👷 Agents", self.report.agents(self.end()).into_iter().map(did).collect())
    }

    pub(super) fn said(&self) -> Section {
        let notes = self.report.notes.iter().map(|(at, note)| Entry::from(format!("{at} {note}")));
        Section::new("📝 Notes", notes.collect())
    }
}
