//! The end of a transcript: where the mission stands, and one line for each item.

use std::fmt::{self, Write as _};

use super::words::{Teller, skipped};
use super::{Finish, Transcript, clock};
use crate::mission::{Item, ItemIx, Mission, Phase};
use crate::town::Town;

pub(super) fn write(f: &mut fmt::Formatter<'_>, of: &Transcript, teller: &mut Teller) -> fmt::Result {
    let mission = of.mission();
    let head = mission.head();
    let reason = head.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
    let (state, took, steps) = (head.state.as_str(), clock(of.took), of.steps);
    writeln!(f, "\n{state}{reason} after {took} and {steps} steps{}", finish(&of.finish))?;
    if let Some(help) = &head.help {
        writeln!(f, "help is wanted: {}", teller.names.within(&help.reason))?;
    }
    for ix in mission.asked_about() {
        let to = mission.item(ix).now.asked.as_ref().map_or("", |asked| asked.to.as_str());
        let wait = mission.wait(ix, of.town.roster()).map_or(String::new(), |wait| wait.detail);
        writeln!(f, "a {to} is asked about {}: {}", mission.key(ix), teller.names.within(&wait))?;
    }
    writeln!(f)?;
    let keys: Vec<&str> = mission.items().iter().map(|item| item.spec.key.as_str()).collect();
    let width = keys.iter().map(|key| key.len()).max().unwrap_or(0);
    for (ix, item) in (0u32..).map(ItemIx).zip(mission.items()) {
        let line = [standing(mission, &of.town, ix, item, teller), history(item)].concat();
        writeln!(f, "{:<width$}  {line}", item.spec.key)?;
    }
    Ok(())
}

fn finish(finish: &Finish) -> String {
    match finish {
        Finish::Ended => String::new(),
        Finish::AtRest => "; nothing moves any more without a person".to_owned(),
        Finish::TimeUp => "; the scenario's time is up".to_owned(),
        Finish::TooManySteps => "; given up: no mission should take so many steps".to_owned(),
        Finish::Violated(violation) => format!("; VIOLATION: {violation}"),
        Finish::Contradicted(illegal) => format!("; CONTRADICTION: {illegal}"),
        Finish::Unfinished => "; not looked at any further".to_owned(),
    }
}

/// How it ended, or what it waits for.
fn standing(mission: &Mission, town: &Town, ix: ItemIx, item: &Item, teller: &mut Teller) -> String {
    let now = &item.now;
    let over = match (now.phase, &now.outcome) {
        (Phase::Done, Some(outcome)) => teller.outcome(outcome),
        (Phase::Skipped, _) => format!("skipped: {}", now.skipped.map_or("", skipped)),
        (Phase::Failed, _) => format!("failed: {}", now.failed.as_deref().unwrap_or_default()),
        (phase, _) => phase.as_str().to_owned(),
    };
    match mission.wait(ix, town.roster()) {
        Some(wait) => {
            let detail = teller.names.within(&wait.detail);
            format!("{over}, waits: {} ({detail})", wait.code.as_str())
        }
        None => over,
    }
}

/// What it took.
fn history(item: &Item) -> String {
    let now = &item.now;
    let mut text = String::new();
    if let Some(pull) = &now.pull {
        let _ = write!(text, ", PR {}", pull.number);
    }
    let plural =
        |count: u32, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    if now.launches > 0 {
        let _ = write!(text, ", {}", plural(now.launches, "launch", "launches"));
    }
    let counts = [
        (now.attempts, "failed", "failed"),
        (now.losses, "lost", "lost"),
        (now.fixes, "fix", "fixes"),
        (now.reviews, "review", "reviews"),
    ];
    for (count, one, many) in counts.into_iter().filter(|(count, _, _)| *count > 0) {
        let _ = write!(text, ", {}", plural(count, one, many));
    }
    text
}
