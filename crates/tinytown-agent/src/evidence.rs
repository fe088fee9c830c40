//! Judging an attempt by evidence: pure, from what was found to what is reported.
//!
//! Exit codes alone prove nothing (agent CLIs exit 0 after giving up), and neither do words. What
//! counts for work is new commits or changed files, or an explicit `done`; for a review an explicit
//! verdict.

use std::time::Duration;

use tinytown_core::id::{Claim, Sha};
use tinytown_core::input::{AttemptEnd, MissionInput, Submission};
use tinytown_core::item::Kind;
use tinytown_core::spend::Spend;

use crate::result_file::{Outcome, ResultFile, Said};
use crate::words::summary;

#[cfg(test)]
mod tests;

/// Everything that an attempt is judged by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What sort of work it was.
    pub kind: Kind,
    /// How the agent's run ended.
    pub ending: Ending,
    /// What it left in its checkout.
    pub left: Left,
    /// What it said.
    pub result: ResultFile,
}

/// How an agent's run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this code.
    Code(i32),
    /// By this signal, which was not ours.
    Signal(i32),
    /// It took longer than this.
    TimedOut(Duration),
    /// It showed no sign of life for this long.
    Stalled(Duration),
    /// We cancelled it, as we were told to.
    Cancelled,
    /// Something other than the agent ended it, in words.
    Lost(String),
    /// The CLI could not be started, in words.
    NotStarted(String),
}

/// What an agent left in its checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// Nobody looked: a review's checkout is thrown away.
    Unseen,
    /// It could not be read, in words; the checkout is kept.
    Unreadable(String),
    /// This.
    Work(Work),
}

/// Work, as git has it, with what was uncommitted committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The commit.
    pub head: Sha,
    /// Whether that is another one than the base.
    pub moved: bool,
    /// Whether its content is the same as the base's.
    pub empty: bool,
    /// Whether it contains the base.
    pub holds_base: bool,
    /// Commits that it should contain and does not.
    pub lacking: Vec<Sha>,
    /// What its newest commit says, in one line.
    pub subject: String,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// This is handed in.
    Submit(Submission),
    /// It ended without.
    End(AttemptEnd),
}

impl Judged {
    /// As it is posted.
    pub fn into_input(self, claim: Claim, spend: Spend) -> MissionInput {
        match self {
            Self::Submit(submission) => MissionInput::Submitted { claim, submission, spend },
            Self::End(end) => MissionInput::Ended { claim, end, spend },
        }
    }
}

/// Judges an attempt. An explicit `stuck` counts however the run ended, unless it was not the agent that ended it.
pub fn judge(facts: &Facts) -> Judged {
    let failed = |cause, detail: &str| failed(cause, detail, &facts.result);
    match &facts.ending {
        Ending::Cancelled => return Judged::End(AttemptEnd::Cancelled),
        Ending::Lost(why) => return lost(why),
        Ending::NotStarted(why) => return failed("not-started", why),
        _ => {}
    }
    if let ResultFile::Said(Said { outcome: Outcome::Stuck, summary: question, .. }) = &facts.result {
        return Judged::End(AttemptEnd::Stuck { summary: summary(question) });
    }
    if let ResultFile::Said(Said { outcome: Outcome::Limit, summary: said, until, .. }) = &facts.result {
        // What is no time is not known.
        let until = until.as_deref().and_then(|until| serde_json::from_value(until.into()).ok());
        return Judged::End(AttemptEnd::Limited { until, detail: summary(said) });
    }
    match &facts.ending {
        Ending::TimedOut(limit) => failed("timed-out", &format!("it ran longer than {limit:?}")),
        Ending::Stalled(limit) => failed("stalled", &format!("it showed no sign of life for {limit:?}")),
        Ending::Signal(signal) => {
            lost(&format!("the agent was ended by signal {signal}, which was not ours"))
        }
        Ending::Code(0) if facts.kind == Kind::Review => verdict(&facts.result),
        Ending::Code(0) => work(&facts.left, &facts.result),
        Ending::Code(code) => failed("exit", &format!("the agent ended with exit code {code}")),
        Ending::Cancelled | Ending::Lost(_) | Ending::NotStarted(_) => unreachable!("judged above"),
    }
}

fn verdict(result: &ResultFile) -> Judged {
    let approve = match result {
        ResultFile::Said(Said { outcome: Outcome::Approve, .. }) => true,
        ResultFile::Said(Said { outcome: Outcome::RequestChanges, .. }) => false,
        _ => return failed("no-verdict", "the agent gave neither approve nor request_changes", result),
    };
    Judged::Submit(Submission::Verdict { approve, summary: words(result).unwrap_or_default() })
}

fn work(left: &Left, result: &ResultFile) -> Judged {
    let work = match left {
        Left::Work(work) => work,
        Left::Unreadable(why) => return failed("work-unreadable", why, result),
        Left::Unseen => return failed("nothing-done", "there is no work to look at", result),
    };
    let says_done = matches!(result, ResultFile::Said(Said { outcome: Outcome::Done, .. }));
    if !work.moved && !says_done {
        return failed("nothing-done", "the agent left no commit and no changed file", result);
    }
    if !work.holds_base {
        let detail = format!("the branch ended at {}, which does not contain its base", work.head);
        return failed("base-missing", &detail, result);
    }
    if !work.lacking.is_empty() {
        let lacking: Vec<&str> = work.lacking.iter().map(Sha::as_str).collect();
        let detail = format!("the branch does not contain {}", lacking.join(", "));
        return failed("must-hold-missing", &detail, result);
    }
    let summary = words(result).unwrap_or_else(|| summary(&work.subject));
    Judged::Submit(Submission::Work { head: work.head.clone(), empty: work.empty, summary })
}

/// The agent's own words, if it had any.
fn words(result: &ResultFile) -> Option<String> {
    match result {
        ResultFile::Said(said) => Some(summary(&said.summary)).filter(|words| !words.is_empty()),
        ResultFile::Absent | ResultFile::Broken(_) => None,
    }
}

fn lost(why: &str) -> Judged {
    Judged::End(AttemptEnd::Lost { detail: summary(why) })
}

/// A failure says what the agent said too: the next attempt reads it.
fn failed(cause: &str, detail: &str, result: &ResultFile) -> Judged {
    let detail = match (result, words(result)) {
        (ResultFile::Broken(why), _) => format!("{detail}; the result file cannot be read: {why}"),
        (_, Some(words)) => format!("{detail}; it said: {words}"),
        (_, None) => detail.to_owned(),
    };
    Judged::End(AttemptEnd::Failed { cause: cause.to_owned(), detail: summary(&detail) })
}
