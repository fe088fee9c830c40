//! What happened, from the log: when, and in words.

use tinytown_core::event::Event;
use tinytown_core::observation::Checks;
use tinytown_store::records::StepRecord;

use crate::render::event;

/// The telling events of a mission, each with the seconds since its first step.
pub(super) fn lines(steps: &[(u64, StepRecord)]) -> Vec<String> {
    let Some((_, first)) = steps.first() else { return Vec::new() };
    let told = steps.iter().flat_map(|(_, step)| {
        let since = step.now.since(first.now).as_secs_f64();
        step.events.iter().filter(|event| tells(event)).map(move |event| (since, event))
    });
    told.map(|(since, event)| format!("   {since:>5.1}s  {}", event::words(event))).collect()
}

/// Whether an event belongs into the story; the rest is in the log.
fn tells(event: &Event) -> bool {
    match event {
        Event::ChecksSeen { checks, .. } => !matches!(**checks, Checks::Pending),
        event => matches!(
            event,
            Event::MissionStarted
                | Event::MissionCompleted
                | Event::MissionFailed { .. }
                | Event::MissionBlocked
                | Event::HelpAsked { .. }
                | Event::ItemAdded { .. }
                | Event::ItemJoined { .. }
                | Event::ItemAssigned { .. }
                | Event::ItemSubmitted { .. }
                | Event::AttemptFailed { .. }
                | Event::AttemptLost { .. }
                | Event::PullPublished { .. }
                | Event::VerdictGiven { .. }
                | Event::ItemHeld { .. }
                | Event::ItemFailed { .. }
                | Event::ItemDone { .. }
        ),
    }
}
