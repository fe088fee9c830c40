//! A transcript's lines: one for each thing that matters, in words; none for bookkeeping.

use std::collections::HashMap;

use super::{ByHand, Names, What};
use crate::event::{Event, FollowUp, Hold, Outcome, SkipReason};
use crate::id::{ItemKey, Sha};
use crate::observation::{Checks, Mergeable, Observation, PullState};
use crate::roster::RosterChange;
use crate::time::Time;

/// Tells what happened, and remembers what was told already.
pub(super) struct Teller {
    begin: Time,
    pub(super) names: Names,
    /// Which items are follow-ups, and whether they are reviews.
    follow_ups: HashMap<ItemKey, bool>,
    /// From where the present attempt at each item starts.
    bases: HashMap<ItemKey, Sha>,
    /// What the last look and the last run of the checks said about each item.
    seen: HashMap<(ItemKey, &'static str), String>,
}

impl Teller {
    pub(super) fn new(begin: Time) -> Self {
        Self {
            begin,
            names: Names::default(),
            follow_ups: HashMap::new(),
            bases: HashMap::new(),
            seen: HashMap::new(),
        }
    }

    /// The lines for something that happened.
    pub(super) fn tell(&mut self, what: &What) -> Vec<String> {
        match what {
            What::Step { events, roster } => {
                let mut lines: Vec<String> = roster.iter().filter_map(change).collect();
                lines.extend(events.iter().filter_map(|event| self.event(event)));
                lines
            }
            What::ByHand(act) => vec![self.by_hand(act)],
            What::Refused { message } => {
                let message = format!("refused: {}", self.names.within(message));
                message.lines().map(str::to_owned).collect()
            }
        }
    }

    fn event(&mut self, event: &Event) -> Option<String> {
        let said = self
            .of_mission(event)
            .or_else(|| self.of_attempt(event))
            .or_else(|| self.of_pull(event))
            .or_else(|| self.of_item(event))?;
        Some(match event.item() {
            // What is asked names what it is about.
            Some(_) if matches!(event, Event::HelpAsked { .. }) => said,
            Some(item) => format!("{item} {said}"),
            None => said,
        })
    }

    fn of_mission(&mut self, event: &Event) -> Option<String> {
        Some(match event {
            Event::MissionStarted => "mission started".to_owned(),
            Event::MissionStopped { ending: false } => "mission stopped".to_owned(),
            Event::MissionStopped { ending: true } => {
                "mission stopped by force; it ends once its agents are gone".to_owned()
            }
            Event::MissionResumed => "mission resumed".to_owned(),
            Event::MissionBlocked => "mission blocked: only a person can go on".to_owned(),
            Event::MissionUnblocked => "mission goes on".to_owned(),
            Event::MissionCompleted => "mission completed".to_owned(),
            Event::MissionFailed { reason } => format!("mission failed: {reason}"),
            Event::HelpAsked { to, reason, attempt, .. } => {
                let again = if *attempt > 1 { format!(" again ({attempt})") } else { String::new() };
                format!("{} asked{again}: {}", to.as_str(), self.names.within(reason))
            }
            Event::HelpRetired { .. } => "help no longer needed".to_owned(),
            Event::BudgetReached { detail } => format!("nothing more is launched: {detail}"),
            Event::BudgetGranted => "as much again may be spent".to_owned(),
            Event::NoteTaken { text, by } => format!("note by {by}: {text}"),
            _ => return None,
        })
    }

    fn of_attempt(&mut self, event: &Event) -> Option<String> {
        Some(match event {
            Event::ItemAssigned { agent, attempt, .. } => format!("given to {agent}{}", launch(*attempt)),
            Event::ItemDelivered { item, base } => {
                self.bases.insert(item.clone(), base.clone());
                return None;
            }
            Event::ItemStarted { item, agent, .. } => match self.bases.get(item) {
                Some(base) => format!("begun by {agent} from {}", self.names.of(base)),
                None => format!("begun by {agent}"),
            },
            Event::ItemSubmitted { item, agent, head, empty, .. } => {
                let head = self.names.of(head);
                match (self.follow_ups.get(item), empty) {
                    (Some(true), _) => format!("handed in by {agent}: a verdict on {head}"),
                    (_, true) => format!("handed in by {agent}: nothing changed"),
                    (_, false) => format!("handed in by {agent}: {head}"),
                }
            }
            Event::SubmissionStale { agent, attempt, head, .. } => {
                let head =
                    head.as_ref().map_or_else(String::new, |head| format!(", {}", self.names.of(head)));
                format!("stale submission by {agent} kept{}{head}", launch(*attempt))
            }
            Event::AttemptFailed { agent, cause, detail, .. } => {
                format!("attempt by {agent} failed: {cause}{}", self.more(detail))
            }
            Event::AttemptLost { agent, detail, .. } => {
                format!("attempt by {agent} lost{}", self.more(detail))
            }
            Event::CancelAsked { .. } => "is being cancelled".to_owned(),
            Event::AttemptCancelled { detail, .. } => format!("attempt cancelled{}", self.more(detail)),
            Event::BackoffBegan { until, .. } => {
                format!("not tried again before {}", super::clock(until.since(self.begin)))
            }
            _ => return None,
        })
    }

    fn of_pull(&mut self, event: &Event) -> Option<String> {
        Some(match event {
            Event::HeadProposed { head, .. } => format!("is to move to {}", self.names.of(head)),
            Event::PullPublished { pull, .. } => {
                format!("PR {} at {}", pull.number, self.names.of(&pull.head))
            }
            Event::HeadMoved { head, .. } => format!("moved by somebody else, to {}", self.names.of(head)),
            Event::PullSeen { item, seen } => {
                let head = self.names.of(&seen.head);
                let said = format!("{head} {}", mergeable(seen));
                return self.news(item, "look", said);
            }
            Event::PullState { state: PullState::Open, .. } => "PR open again".to_owned(),
            Event::PullState { state: PullState::Merged(Some(commit)), .. } => {
                format!("PR merged as {}", self.names.of(commit))
            }
            Event::PullState { state: PullState::Merged(None), .. } => "PR merged".to_owned(),
            Event::PullState { state: PullState::Closed, .. } => "PR closed unmerged".to_owned(),
            Event::ChecksSeen { item, head, checks } => {
                let said = format!("{} checks {}", self.names.of(head), checks_words(checks));
                return self.news(item, "checks", said);
            }
            Event::VerdictGiven { head, by, approve, summary, .. } => {
                let verdict = if *approve { "approved" } else { "changes requested" };
                format!("{} {verdict} by {by}{}", self.names.of(head), self.more(summary))
            }
            Event::MergeWanted { .. } => "is to be merged".to_owned(),
            Event::TrialMade { commit, .. } => {
                format!("merged with the base on trial: {}", self.names.of(commit))
            }
            Event::TrialChecked { item, commit, checks } => {
                let said = format!("trial {} checks {}", self.names.of(commit), checks_words(checks));
                return self.news(item, "trial", said);
            }
            Event::Restacked { item, head, .. } => {
                let said = format!("{} holds what it builds upon", self.names.of(head));
                return self.news(item, "stack", said);
            }
            Event::BaseCheckoutBusy { detail, .. } => {
                format!("merge waits for the base checkout{}", self.more(detail))
            }
            Event::ForgeFailed { detail, .. } => format!("forge trouble{}", self.more(detail)),
            _ => return None,
        })
    }

    fn of_item(&mut self, event: &Event) -> Option<String> {
        Some(match event {
            Event::ItemJoined { spec, .. } => format!("added: {}", self.names.within(&spec.title)),
            Event::ExternalJoined { reference, .. } => {
                format!("waits for {reference} as an item of the mission now")
            }
            Event::ItemAdded { item, task: FollowUp::Fix { cause, .. }, spec } => {
                self.follow_ups.insert(item.clone(), false);
                format!("made ({cause}): {}", self.names.within(&spec.title))
            }
            Event::ItemAdded { item, task: FollowUp::Review { head }, .. } => {
                self.follow_ups.insert(item.clone(), true);
                format!("made: judge {}", self.names.of(head))
            }
            // A follow-up is ready as soon as it is made.
            Event::ItemReady { item } if self.follow_ups.contains_key(item) => return None,
            Event::ItemReady { .. } => "ready".to_owned(),
            Event::ItemHeld { hold, .. } => format!("held for a person: {}", self.hold(hold)),
            Event::HoldCleared { granted: true, .. } => "goes on, with one more attempt granted".to_owned(),
            Event::HoldCleared { granted: false, .. } => "goes on".to_owned(),
            Event::ItemPinned { agent, .. } => format!("only for {agent} now"),
            Event::ExternalsClosed { references, .. } => {
                let names: Vec<String> = references.iter().map(ToString::to_string).collect();
                format!("need not wait for {} any more", names.join(", "))
            }
            Event::BaseMended { head, .. } => format!("can start from {}", self.names.of(head)),
            // A follow-up is over when it is handed in, which was just told.
            Event::ItemDone { outcome: Outcome::HandedIn, .. } => return None,
            Event::ItemDone { outcome, .. } => format!("done: {}", self.outcome(outcome)),
            Event::DependencyChanged { detail, .. } => format!("accepted work changed{}", self.more(detail)),
            Event::ItemSkipped { reason, .. } => format!("skipped: {}", skipped(*reason)),
            Event::ItemFailed { reason, .. } => format!("failed: {}", self.names.within(reason)),
            // Bookkeeping: effects, timers, and what the state of a pull request says already.
            _ => return None,
        })
    }

    /// Said only if it is something else than the last time.
    fn news(&mut self, item: &ItemKey, about: &'static str, said: String) -> Option<String> {
        let before = self.seen.insert((item.clone(), about), said.clone());
        (before.as_ref() != Some(&said)).then_some(said)
    }

    fn by_hand(&mut self, act: &ByHand) -> String {
        match act {
            ByHand::Pushed { pull, head } => format!("somebody pushes {} to PR {pull}", self.names.of(head)),
            ByHand::Commented { pull, author } => format!("{author} comments on PR {pull}"),
            ByHand::Resolved { pull } => format!("somebody resolves the comments on PR {pull}"),
            ByHand::Closed { pull } => format!("somebody closes PR {pull}"),
            ByHand::Merged { pull, commit } => {
                format!("somebody merges PR {pull} as {}", self.names.of(commit))
            }
            ByHand::BaseMoved { base } => format!("somebody moves the base to {}", self.names.of(base)),
            ByHand::IssueClosed(reference) => format!("somebody closes issue {reference}"),
            ByHand::Busy(true) => "somebody has changes in the base checkout".to_owned(),
            ByHand::Busy(false) => "nobody has changes in the base checkout any more".to_owned(),
        }
    }

    pub(super) fn outcome(&mut self, outcome: &Outcome) -> String {
        match outcome {
            Outcome::Merged { commit: Some(commit) } => format!("merged as {}", self.names.of(commit)),
            Outcome::Merged { commit: None } => "merged".to_owned(),
            Outcome::Accepted { head } => format!("accepted at {}", self.names.of(head)),
            Outcome::Unchanged => "nothing had to be changed".to_owned(),
            Outcome::HandedIn => "handed in".to_owned(),
        }
    }

    fn hold(&mut self, hold: &Hold) -> String {
        match hold {
            Hold::Limit { detail } | Hold::Checks { detail } | Hold::Refused { detail } => {
                self.names.within(detail)
            }
            Hold::Stuck { question } => format!("the agent asks: {question}"),
            Hold::Closed => "its pull request was closed unmerged".to_owned(),
        }
    }

    fn more(&mut self, detail: &str) -> String {
        match detail.lines().next().unwrap_or_default().trim() {
            "" => String::new(),
            first => format!(": {}", self.names.within(first)),
        }
    }
}

fn change(change: &RosterChange) -> Option<String> {
    Some(match change {
        RosterChange::AgentJoined { agent } => {
            let role = agent.role.as_ref().filter(|role| role.as_str() != agent.name.as_str());
            let role = role.map_or_else(String::new, |role| format!(" as {role}"));
            let again = if agent.generation.0 > 1 { " again" } else { "" };
            format!("{} joins{again}{role}", agent.name)
        }
        RosterChange::AgentGone { agent, reason } => format!("{agent} is gone: {reason}"),
        RosterChange::AgentPaused { agent, until: Some(until) } => {
            format!("{agent} takes no work: its CLI reached a limit, until {until}")
        }
        RosterChange::AgentPaused { agent, until: None } => format!("{agent} takes work again"),
        RosterChange::AgentRetiring { agent } => format!("{agent} was asked to leave"),
        RosterChange::AgentBusy { .. } | RosterChange::AgentFreed { .. } => return None,
    })
}

/// First launches go without saying.
fn launch(attempt: u32) -> String {
    if attempt > 1 { format!(" (launch {attempt})") } else { String::new() }
}

fn mergeable(seen: &Observation) -> String {
    match (&seen.state, &seen.mergeable) {
        (PullState::Merged(_), _) => "is merged".to_owned(),
        (PullState::Closed, _) => "is closed".to_owned(),
        (PullState::Open, Mergeable::Yes) => "can be merged".to_owned(),
        (PullState::Open, Mergeable::Conflict(files)) => format!("conflicts with the base: {files}"),
        (PullState::Open, Mergeable::Unknown) => "can be merged or not: not known yet".to_owned(),
    }
}

fn checks_words(checks: &Checks) -> String {
    match checks {
        Checks::NotRequired => "not required".to_owned(),
        Checks::Pending => "running".to_owned(),
        Checks::Green => "green".to_owned(),
        Checks::Red(report) => format!("red: {}, {}", report.name, report.summary),
        Checks::CouldNotRun(report) => format!("could not run: {}, {}", report.name, report.summary),
    }
}

pub(super) const fn skipped(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::Operator => "an operator said so",
        SkipReason::Manifest => "the manifest says so",
        SkipReason::DependencyFailed => "something it depends on failed",
        SkipReason::Superseded => "nobody needs it any more",
    }
}
