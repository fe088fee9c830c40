//! Rounds: what changed between two moments of rest, in one line that people read.

use tinytown_core::event::Event;
use tinytown_core::id::{ItemKey, MissionId};
use tinytown_core::mission::{Item, Mission, Phase};
use tinytown_core::observation::Checks;
use tinytown_core::town::{Decided, Town};

/// What changed from one moment of rest to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Which round of this dispatcher it is, from 1.
    pub number: u64,
    /// The missions that it concerns, each with what happened, such as
    /// `Issue #1 done → Issue #2 ready → assigned to backend`.
    pub missions: Vec<(MissionId, String)>,
}

/// A round in the making.
#[derive(Debug, Default)]
pub(crate) struct Drafting {
    number: u64,
    missions: Vec<(MissionId, Vec<Part>)>,
}

/// A piece of a round's line.
#[derive(Debug)]
struct Part {
    /// What it is about; a piece about the same item as the one before does not name it again.
    item: Option<ItemKey>,
    /// The item as people call it, with the word that follows it.
    named: String,
    /// The word alone.
    word: String,
}

impl Part {
    fn about(item: &Item, word: String) -> Self {
        let key = item.spec.key.clone();
        let name = if item.task.is_some() { key.to_string() } else { format!("Issue {key}") };
        Self { item: Some(key), named: format!("{name} {word}"), word }
    }
}

impl Drafting {
    /// Takes in what a command decided while no dispatcher ran: items that are ready, and agents that
    /// were chosen and not told yet.
    pub(crate) fn take_up(&mut self, mission: &Mission) {
        let mut parts = Vec::new();
        for item in mission.items() {
            let untold = item.now.assignment.as_ref().filter(|held| held.base.is_none());
            if item.now.phase == Phase::Ready || untold.is_some() {
                parts.push(Part::about(item, "ready".to_owned()));
            }
            parts.extend(untold.map(|held| Part::about(item, format!("assigned to {}", held.agent))));
        }
        if !parts.is_empty() {
            self.missions.push((mission.id(), parts));
        }
    }

    /// Takes in a decision that became true.
    pub(crate) fn add(&mut self, town: &Town, decided: &Decided) {
        let Some(id) = decided.mission else { return };
        let parts: Vec<Part> = decided.step.events.iter().filter_map(|event| part(town, id, event)).collect();
        if parts.is_empty() {
            return;
        }
        match self.missions.iter_mut().find(|(mission, _)| *mission == id) {
            Some((_, drafted)) => drafted.extend(parts),
            None => self.missions.push((id, parts)),
        }
    }

    /// The round, if anything changed.
    pub(crate) fn finish(&mut self) -> Option<Round> {
        if self.missions.is_empty() {
            return None;
        }
        self.number += 1;
        let missions = std::mem::take(&mut self.missions);
        Some(Round {
            number: self.number,
            missions: missions.into_iter().map(|(id, parts)| (id, line(&parts))).collect(),
        })
    }
}

fn line(parts: &[Part]) -> String {
    // The last round of the tutorial says only that all is done.
    if let Some(end) = parts.iter().find(|part| part.item.is_none() && part.named.starts_with("All done")) {
        return end.named.clone();
    }
    let mut words: Vec<String> = Vec::with_capacity(parts.len() + 1);
    let mut about: Option<&ItemKey> = None;
    for part in parts {
        let same = part.item.is_some() && part.item.as_ref() == about;
        match (&part.item, same) {
            (Some(_), true) => words.push(part.word.clone()),
            (Some(_), false) if words.is_empty() && part.word == "ready" => {
                words.push(part.named.trim_end_matches(" ready").to_owned());
                words.push(part.word.clone());
            }
            _ => words.push(part.named.clone()),
        }
        about = part.item.as_ref();
    }
    words.join(" → ")
}

fn part(town: &Town, mission: MissionId, event: &Event) -> Option<Part> {
    let word = match event {
        Event::ItemReady { .. } => "ready".to_owned(),
        Event::ItemAssigned { agent, .. } => format!("assigned to {agent}"),
        Event::ItemDone { .. } => "done".to_owned(),
        Event::ItemMerged { .. } => "merged".to_owned(),
        Event::AttemptFailed { cause, .. } => format!("attempt failed ({cause})"),
        Event::AttemptLost { .. } => "attempt lost".to_owned(),
        Event::AttemptCancelled { .. } => "cancelled".to_owned(),
        Event::ItemSkipped { .. } => "skipped".to_owned(),
        Event::ItemFailed { .. } => "failed".to_owned(),
        Event::ItemHeld { .. } => "waits for a person".to_owned(),
        Event::SubmissionStale { .. } => "stale submission kept".to_owned(),
        Event::PullPublished { pull, .. } => format!("PR #{} at {}", pull.number, pull.head.short()),
        Event::ChecksSeen { checks, .. } => match **checks {
            Checks::Red(_) => "checks failing".to_owned(),
            Checks::CouldNotRun(_) => "checks could not run".to_owned(),
            _ => return None,
        },
        Event::VerdictGiven { by, approve: true, .. } => format!("approved by {by}"),
        Event::VerdictGiven { by, approve: false, .. } => format!("changes requested by {by}"),
        Event::BaseCheckoutBusy { .. } => "merge waits for the base checkout".to_owned(),
        Event::DependencyChanged { .. } => "accepted work changed".to_owned(),
        Event::ForgeFailed { .. } => "forge failed".to_owned(),
        Event::HelpAsked { reason, .. } => return Some(whole(format!("Help asked: {reason}"))),
        Event::MissionStopped { .. } => return Some(whole("Mission stopped".to_owned())),
        Event::MissionResumed => return Some(whole("Mission resumed".to_owned())),
        Event::MissionBlocked => return Some(whole("Mission blocked".to_owned())),
        Event::MissionCompleted => return Some(whole("All done → Mission completed".to_owned())),
        Event::MissionFailed { reason } => return Some(whole(format!("Mission failed: {reason}"))),
        _ => return None,
    };
    let mission = town.mission(mission)?;
    let item = mission.item(mission.find(event.item()?)?);
    Some(Part::about(item, word))
}

fn whole(named: String) -> Part {
    Part { item: None, word: named.clone(), named }
}
