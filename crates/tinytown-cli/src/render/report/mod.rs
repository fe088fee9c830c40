//! The report of a mission: how it ended and what it cost, what needs a person, what was done; in words, as
//! Markdown and as data.

mod items;
mod json;
mod needs;
mod page;
mod sections;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tinytown_core::item::Kind;
use tinytown_core::mission::{Item, Mission, Owner, Phase, Wait, WaitCode};
use tinytown_core::report::{ItemReport, Report, Waited};
use tinytown_core::time::Time;

pub(crate) use json::json;
use page::{Page, Section};

use super::{count, span};

/// A mission with what it took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account<'a> {
    /// The mission.
    pub(crate) mission: &'a Mission,
    /// What it took.
    pub(crate) report: &'a Report,
    /// What each item waits for now.
    pub(crate) waits: &'a [Option<Wait>],
    /// When it is shown.
    pub(crate) now: Time,
}

/// An item with all that is told of it.
#[derive(Debug, Clone, Copy)]
struct Told<'a> {
    item: &'a Item,
    report: &'a ItemReport,
    wait: Option<&'a Wait>,
}

impl<'a> Account<'a> {
    /// In the mission's order.
    fn items(&self) -> impl Iterator<Item = Told<'a>> + use<'a> {
        let all = self.mission.items().iter().zip(&self.report.items).zip(self.waits);
        all.map(|((item, report), wait)| Told { item, report, wait: wait.as_ref() })
    }

    /// Without fixes and reviews.
    fn planned(&self) -> impl Iterator<Item = Told<'a>> + use<'a> {
        self.items().filter(|told| told.item.task.is_none())
    }

    fn is_over(&self) -> bool {
        self.mission.head().state.is_over()
    }

    /// When it ended, or now.
    fn end(&self) -> Time {
        self.report.ended_at.unwrap_or(self.now)
    }

    fn took(&self) -> Duration {
        self.end().since(self.mission.charter().created_at)
    }

    fn page(&self) -> Page {
        Page {
            title: format!("📊 {}", self.title()),
            under: self.under(),
            sections: self.sections().into_iter().filter(|section| !section.is_empty()).collect(),
        }
    }

    fn sections(&self) -> [Section; 7] {
        [self.needed(), self.done(), self.merged(), self.asked(), self.waited(), self.crew(), self.said()]
    }

    /// How it ended, and what it cost.
    fn title(&self) -> String {
        let head = self.mission.head();
        let took = long_span(self.took());
        let took = if self.is_over() { format!(" after {took}") } else { format!(", started {took} ago") };
        let state = head.state.as_str();
        let spent = if head.spent.is_none() { String::new() } else { format!(", {}", head.spent) };
        let id = self.mission.id();
        format!("Mission {id} {state}{took}: {}; {}{spent}", self.result(), launches(head.launches))
    }

    /// `12 of 15 items done, 2 skipped, 1 failed`.
    fn result(&self) -> String {
        let number = |phase| self.planned().filter(|told| told.item.now.phase == phase).count();
        let (done, skipped, failed) = (number(Phase::Done), number(Phase::Skipped), number(Phase::Failed));
        let all = self.planned().count();
        let open = all - done - skipped - failed;
        let open = if self.is_over() && open > 0 { format!(", {open} not finished") } else { String::new() };
        format!("{done} of {} done, {skipped} skipped, {failed} failed{open}", count(all, "item"))
    }

    fn under(&self) -> Vec<String> {
        let kind = |kind| self.mission.items().iter().filter(|item| item.spec.kind == kind).count();
        let sum = |of: fn(&Item) -> u32| self.mission.items().iter().map(|item| of(item) as usize).sum();
        let (failed, lost) = (sum(|item| item.now.attempts), sum(|item| item.now.losses));
        let reviews = count(kind(Kind::Review), "review");
        let fixes = match kind(Kind::Fix) {
            1 => "1 fix".to_owned(),
            many => format!("{many} fixes"),
        };
        let tries = format!("{} failed, {lost} lost", count(failed, "attempt"));
        let reason = self.mission.head().reason.as_ref().map(|reason| format!("why: {reason}"));
        reason.into_iter().chain([format!("{fixes}, {reviews}; {tries}")]).collect()
    }
}

/// `1 launch`, `3 launches`.
fn launches(n: u32) -> String {
    if n == 1 { "1 launch".to_owned() } else { format!("{n} launches") }
}

/// For people at a terminal.
pub(crate) fn lines(account: &Account<'_>) -> Vec<String> {
    account.page().text()
}

/// For people elsewhere.
pub(crate) fn markdown(account: &Account<'_>) -> Vec<String> {
    account.page().markdown()
}

/// As [`span`], without its loss between two hours and two days: `7h 12m`.
fn long_span(long: Duration) -> String {
    match long.as_secs() {
        seconds @ 7200..=172_799 => format!("{}h {}m", seconds / 3600, seconds / 60 % 60),
        seconds @ 172_800.. => format!("{}d {}h", seconds / 86_400, seconds / 3600 % 24),
        _ => span(long),
    }
}

/// What is waited for, as `explain` names it, with whose move it is where that is not plain.
fn cause(code: WaitCode, owner: Owner) -> String {
    let whose = match (code, owner) {
        (WaitCode::NoAgent | WaitCode::NoReviewer, Owner::Person) => " (nobody there)",
        (WaitCode::NoAgent | WaitCode::NoReviewer, _) => " (all busy)",
        (WaitCode::Limit, Owner::Machine) => " (of a provider)",
        (WaitCode::Limit | WaitCode::Checks, Owner::Person) => " (a person)",
        (WaitCode::Checks | WaitCode::Bugbot | WaitCode::Mergeability, Owner::Item) => " (a fix)",
        _ => "",
    };
    format!("{}{whose}", code.as_str())
}

/// `waits: dependency 2h 3m, checks 40s`; what took less than a second is for scripts.
fn waits(waits: &[Waited]) -> Option<String> {
    let told = waits.iter().filter(|wait| wait.took >= Duration::from_secs(1));
    let told: Vec<String> =
        told.map(|wait| format!("{} {}", cause(wait.code, wait.owner), long_span(wait.took))).collect();
    (!told.is_empty()).then(|| format!("waits: {}", told.join(", ")))
}
