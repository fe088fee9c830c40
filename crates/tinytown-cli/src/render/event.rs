//! The log: every event as JSON, and as one line for people.

use serde_json::{Map, Value};
use tinytown_core::event::{Event, FollowUp, Hold};
use tinytown_core::observation::{Checks, Mergeable, Observation, PullState};
use tinytown_core::time::Time;
use tinytown_store::records::StepRecord;

use super::item;

/// The events of one step, `{seq, at, type, item, agent, attempt, fence, …}` each.
pub(crate) fn json(seq: u64, step: &StepRecord) -> Vec<Value> {
    step.events.iter().map(|event| one_json(seq, step.now, event)).collect()
}

fn one_json(seq: u64, at: Time, event: &Event) -> Value {
    let mut fields = match serde_json::to_value(event) {
        Ok(Value::Object(fields)) => fields,
        // Events are plain data with named fields; there is nothing else they could become.
        _ => Map::new(),
    };
    // An event's own time is when something is to happen, and must not hide when it was decided.
    if let Some(due) = fields.remove("at") {
        fields.insert("due_at".to_owned(), due);
    }
    fields.insert("seq".to_owned(), seq.into());
    fields.insert("at".to_owned(), at.to_string().into());
    for key in ["item", "agent", "attempt", "fence"] {
        fields.entry(key).or_insert(Value::Null);
    }
    Value::Object(fields)
}

/// The events of one step for people, one line each.
pub(crate) fn lines(seq: u64, step: &StepRecord) -> Vec<String> {
    step.events.iter().map(|event| format!("{} {seq:>4}  {}", step.now, words(event))).collect()
}

/// An event in words: what it is about, then what happened.
pub(crate) fn words(event: &Event) -> String {
    let said = of_mission(event)
        .or_else(|| of_attempt(event))
        .or_else(|| of_pull(event))
        .or_else(|| of_forge(event))
        .unwrap_or_else(|| of_item(event));
    match event.item() {
        Some(item) => format!("{item} {said}"),
        None => said,
    }
}

fn of_mission(event: &Event) -> Option<String> {
    Some(match event {
        Event::MissionStarted => "mission started".to_owned(),
        Event::MissionStopped { ending: false } => "mission stopped".to_owned(),
        Event::MissionStopped { ending: true } => {
            "mission stopped; it ends once its agents are gone".to_owned()
        }
        Event::MissionResumed => "mission resumed".to_owned(),
        Event::MissionBlocked => "mission blocked: only a person can go on".to_owned(),
        Event::MissionUnblocked => "mission goes on".to_owned(),
        Event::MissionCompleted => "mission completed".to_owned(),
        Event::MissionFailed { reason } => format!("mission failed: {reason}"),
        Event::HelpAsked { to, reason, attempt, .. } => {
            format!("{} asked ({attempt}): {reason}", to.as_str())
        }
        Event::HelpRetired { .. } => "help no longer needed".to_owned(),
        Event::BudgetReached { detail } => format!("nothing more is launched: {detail}"),
        Event::BudgetGranted => "as much again may be spent".to_owned(),
        Event::WatchdogLooked => "the watchdog looked for work that nobody takes".to_owned(),
        Event::NoteTaken { text, by } => format!("note by {by}: {text}"),
        _ => return None,
    })
}

fn of_attempt(event: &Event) -> Option<String> {
    Some(match event {
        Event::ItemAssigned { agent, attempt, .. } => format!("assigned to {agent} (attempt {attempt})"),
        Event::ItemDelivered { base, .. } => format!("delivered, from {}", base.short()),
        Event::ItemStarted { agent, attempt, .. } => format!("started by {agent} (attempt {attempt})"),
        Event::ItemSubmitted { item, agent, attempt, head, empty, .. } => {
            // A review changes nothing anyway.
            let empty = *empty && !item.as_str().contains("/review-");
            let what = if empty { "without a change at" } else { "at" };
            format!("submitted by {agent} {what} {} (attempt {attempt})", head.short())
        }
        Event::SubmissionStale { agent, attempt, .. } => {
            format!("stale submission by {agent} kept (attempt {attempt})")
        }
        Event::AttemptFailed { agent, attempt, cause, detail, .. } => {
            format!("attempt {attempt} by {agent} failed: {cause}{}", more(detail))
        }
        Event::AttemptLost { agent, attempt, detail, .. } => {
            format!("attempt {attempt} by {agent} lost{}", more(detail))
        }
        Event::CancelAsked { .. } => "is being cancelled".to_owned(),
        Event::AttemptCancelled { detail, .. } => format!("attempt cancelled{}", more(detail)),
        Event::BackoffBegan { until, .. } => format!("not launched before {until}"),
        Event::BackoffEnded { .. } => "may be launched again".to_owned(),
        _ => return None,
    })
}

fn of_pull(event: &Event) -> Option<String> {
    Some(match event {
        Event::HeadProposed { head, by, .. } => format!("fix at {} proposed by {by}", head.short()),
        Event::PullPublished { pull, .. } => format!("PR #{} at {}", pull.number, pull.head.short()),
        Event::HeadMoved { head, .. } => format!("PR moved by somebody else, to {}", head.short()),
        Event::PullSeen { seen, .. } => format!("looked at: {}", seen_words(seen)),
        Event::PullState { state: PullState::Open, .. } => "PR open".to_owned(),
        Event::PullState { state: PullState::Merged(_), .. } => "PR merged".to_owned(),
        Event::PullState { state: PullState::Closed, .. } => "PR closed unmerged".to_owned(),
        Event::ChecksSeen { head, checks, .. } => {
            format!("checks on {}: {}", head.short(), checks_words(checks))
        }
        Event::VerdictGiven { head, by, approve, summary, .. } => {
            let verdict = if *approve { "approved" } else { "changes requested" };
            format!("{verdict} at {} by {by}{}", head.short(), more(summary))
        }
        Event::LookScheduled { at, .. } => format!("next look at {at}"),
        Event::LookDue { .. } => "is looked at again".to_owned(),
        Event::MergeWanted { .. } => "is to be merged".to_owned(),
        Event::ItemMerged { commit, .. } => {
            format!("merged{}", commit.as_ref().map_or(String::new(), |sha| format!(" as {}", sha.short())))
        }
        _ => return None,
    })
}

fn of_forge(event: &Event) -> Option<String> {
    Some(match event {
        Event::ExternalsClosed { references, .. } => {
            let names: Vec<String> = references.iter().map(ToString::to_string).collect();
            format!("no longer waits for {}", names.join(", "))
        }
        Event::ExternalJoined { reference, .. } => {
            format!("waits for {reference} as an item of the mission now")
        }
        Event::BaseMended { head, by, .. } => format!("starts from {}, mended by {by}", head.short()),
        Event::BaseCheckoutBusy { detail, .. } => {
            format!("merge waits for the base checkout{}", more(detail))
        }
        Event::ForgeFailed { detail, .. } => format!("the forge failed{}", more(detail)),
        Event::EffectAsked { op, kind, .. } => format!("effect {} asked ({op})", kebab(kind)),
        Event::EffectOver { op, kind, .. } => format!("effect {} over ({op})", kebab(kind)),
        _ => return None,
    })
}

fn of_item(event: &Event) -> String {
    match event {
        Event::ItemAdded { spec, task: FollowUp::Fix { cause, .. }, .. } => {
            format!("added ({cause}): {}", spec.title)
        }
        Event::ItemAdded { spec, .. } | Event::ItemJoined { spec, .. } => format!("added: {}", spec.title),
        Event::ItemReady { .. } => "ready".to_owned(),
        Event::ItemHeld { hold, .. } => format!("waits for a person: {}", hold_words(hold)),
        Event::HoldCleared { granted: true, .. } => "goes on, with one more attempt".to_owned(),
        Event::HoldCleared { .. } => "goes on".to_owned(),
        Event::ItemPinned { agent, .. } => format!("only for {agent}"),
        Event::ItemDone { outcome, .. } => format!("done: {}", item::outcome(outcome)),
        Event::DependencyChanged { detail, .. } => format!("accepted work changed{}", more(detail)),
        Event::MergeQueued { .. } => "every gate is passed; waits for its turn to merge".to_owned(),
        Event::MergeUnqueued { .. } => "waits for its merge no more: a gate is not passed".to_owned(),
        Event::TrialMade { commit, .. } => {
            format!("merged with the base on trial as {}; the checks run on that", commit.short())
        }
        Event::TrialChecked { commit, checks, .. } => {
            format!("merge {} on trial: {}", commit.short(), checks_words(checks))
        }
        Event::Restacked { head, .. } => format!("holds what it builds upon, at {}", head.short()),
        Event::ItemSkipped { reason, .. } => format!("skipped{}", item::skipped(*reason)),
        Event::ItemFailed { reason, .. } => format!("failed: {reason}"),
        // Whatever has no words of its own is named as in --json.
        other => kebab(other),
    }
}

fn more(detail: &str) -> String {
    match detail.lines().next().unwrap_or_default().trim() {
        "" => String::new(),
        first => format!(": {first}"),
    }
}

fn hold_words(hold: &Hold) -> &str {
    match hold {
        Hold::Limit { detail } | Hold::Checks { detail } | Hold::Refused { detail } => detail,
        Hold::Stuck { question } => question,
        Hold::Closed => "its pull request was closed unmerged",
    }
}

fn checks_words(checks: &Checks) -> String {
    match checks {
        Checks::NotRequired => "not required".to_owned(),
        Checks::Pending => "running".to_owned(),
        Checks::Green => "green".to_owned(),
        Checks::Red(report) => format!("failing: {}{}", report.name, more(&report.summary)),
        Checks::CouldNotRun(report) => format!("could not run: {}{}", report.name, more(&report.summary)),
    }
}

fn seen_words(seen: &Observation) -> &'static str {
    match (&seen.state, &seen.mergeable) {
        (PullState::Merged(_), _) => "merged",
        (PullState::Closed, _) => "closed",
        (PullState::Open, Mergeable::Yes) => "it merges",
        (PullState::Open, Mergeable::Conflict(_)) => "it conflicts",
        (PullState::Open, Mergeable::Unknown) => "whether it merges is not known yet",
    }
}

/// The word as in `--json`: of an enum that is written as a text, or tagged with its type.
fn kebab(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(Value::Object(fields)) => {
            fields.get("type").and_then(Value::as_str).unwrap_or("something").to_owned()
        }
        _ => "something".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinytown_core::id::{Fence, ItemKey};

    #[test]
    fn every_event_has_the_fields_of_the_contract_whatever_it_is_about() {
        let started = one_json(1, Time::from_millis(0), &Event::MissionStarted);
        let text = r#"{"type":"mission-started","seq":1,"at":"1970-01-01T00:00:00.000Z","item":null,"agent":null,"attempt":null,"fence":null}"#;
        assert_eq!(started, serde_json::from_str::<Value>(text).expect("json"));
    }

    #[test]
    fn a_time_in_an_event_does_not_hide_when_it_happened() {
        let event =
            Event::LookScheduled { item: ItemKey::new("#1"), at: Time::from_millis(9000), again: false };
        let json = one_json(4, Time::from_millis(1000), &event);
        assert_eq!(json["at"], "1970-01-01T00:00:01.000Z");
        assert_eq!(json["due_at"], "1970-01-01T00:00:09.000Z");
    }

    #[test]
    fn an_assignment_is_told_in_words_and_with_its_fence() {
        let event = Event::ItemAssigned {
            item: ItemKey::new("#1"),
            agent: tinytown_core::id::AgentName::new("designer").expect("a name"),
            generation: tinytown_core::id::Generation(1),
            attempt: 2,
            fence: Fence(7),
        };
        assert_eq!(words(&event), "#1 assigned to designer (attempt 2)");
        assert_eq!(one_json(7, Time::from_millis(0), &event)["fence"], 7);
    }
}
