//! An item's life as one table: which event leads from which phase to which.

use super::Phase;
use crate::event::Event;
use crate::mutant::{Mutant, is_planted};

/// An event that cannot happen to an item in this phase: a defect of the engine, never of its inputs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an item that is {phase:?} cannot take {event}")]
pub struct IllegalTransition {
    /// Where the item stood.
    pub phase: Phase,
    /// What happened, shortened.
    pub event: String,
}

/// The phase after an event.
///
/// # Errors
/// [`IllegalTransition`] for every pair that is not in the table.
#[expect(clippy::match_same_arms, reason = "a table: one row for each event")]
pub(crate) fn next(phase: Phase, event: &Event) -> Result<Phase, IllegalTransition> {
    use Event as E;
    use Phase as P;
    let next = match (phase, event) {
        (P::Pending, E::ItemReady { .. }) => P::Ready,
        (P::Ready, E::ItemAssigned { .. }) => P::Assigned,
        (P::Assigned, E::ItemDelivered { .. }) => P::Assigned,
        (P::Assigned, E::ItemStarted { .. }) => P::Running,
        // A submission may overtake the report of its start.
        (P::Assigned | P::Running, E::ItemSubmitted { .. }) => P::Gated,
        // Gated: a reviewer does not agree that nothing had to be changed.
        (P::Assigned | P::Running | P::Gated, E::AttemptFailed { .. }) => P::Ready,
        (P::Assigned | P::Running | P::Cancelling, E::AttemptLost { .. }) => P::Ready,
        (P::Assigned | P::Running | P::Cancelling, E::AttemptCancelled { .. }) => P::Ready,
        (P::Assigned | P::Running | P::Cancelling, E::CancelAsked { .. }) => P::Cancelling,
        (P::Gated, E::ItemDone { .. }) => P::Done,
        // What was accepted is judged anew, or on its way into the base.
        (P::Done | P::Gated, E::DependencyChanged { .. } | E::MergeWanted { .. }) => P::Gated,
        (P::Pending | P::Ready | P::Gated, E::ItemSkipped { .. }) => P::Skipped,
        (P::Pending | P::Ready | P::Gated, E::ItemFailed { .. }) => P::Failed,
        (phase, event) if keeps_phase(phase, event) => phase,
        (phase, event) => {
            return Err(IllegalTransition { phase, event: format!("{event:?}").chars().take(120).collect() });
        }
    };
    Ok(next)
}

/// An item that could be launched waits again if something that it builds upon is not done any more:
/// an accepted dependency changed, perhaps while an attempt was running that is over now.
pub(crate) fn settle(phase: Phase, unmet: u32) -> Phase {
    match phase {
        Phase::Ready if is_planted(Mutant::ReadyTooEarly) => Phase::Ready,
        Phase::Ready if unmet > is_planted(Mutant::DependencyIgnored).into() => Phase::Pending,
        phase => phase,
    }
}

/// Events that tell something about an item without moving it.
fn keeps_phase(phase: Phase, event: &Event) -> bool {
    use Event as E;
    match event {
        E::SubmissionStale { .. } | E::EffectOver { .. } | E::ItemPinned { .. } | E::HelpRetired { .. } => {
            true
        }
        E::HelpAsked { .. } => !matches!(phase, Phase::Skipped | Phase::Failed),
        E::ItemJoined { .. } | E::ItemAdded { .. } | E::ExternalJoined { .. } | E::ExternalsClosed { .. } => {
            phase == Phase::Pending
        }
        E::BackoffBegan { .. } | E::BackoffEnded { .. } | E::BaseMended { .. } => {
            matches!(phase, Phase::Pending | Phase::Ready)
        }
        E::ItemHeld { .. } | E::HoldCleared { .. } => {
            matches!(phase, Phase::Pending | Phase::Ready | Phase::Gated)
        }
        E::HeadProposed { .. }
        | E::BaseCheckoutBusy { .. }
        | E::PullPublished { .. }
        | E::VerdictGiven { .. }
        | E::MergeQueued { .. }
        | E::MergeUnqueued { .. }
        | E::TrialMade { .. }
        | E::TrialChecked { .. } => phase == Phase::Gated,
        E::HeadMoved { .. }
        | E::PullSeen { .. }
        | E::PullState { .. }
        | E::ChecksSeen { .. }
        | E::Restacked { .. } => matches!(phase, Phase::Gated | Phase::Done),
        E::EffectAsked { .. } | E::ForgeFailed { .. } | E::LookScheduled { .. } | E::LookDue { .. } => {
            !matches!(phase, Phase::Skipped | Phase::Failed)
        }
        E::ItemMerged { .. } => phase == Phase::Done,
        _ => false,
    }
}
