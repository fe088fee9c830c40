//! What each event makes of its item.

use super::item::{Asked, Assignment, Evidence, Gates, ItemNow, Review, Trial};
use crate::event::{Event, Outcome};
use crate::mutant::{Mutant, is_planted};
use crate::observation::PullState;
use crate::roster::OPERATOR;
use crate::time::Time;

/// Makes an event true of its item; the phase is the table's affair.
pub(super) fn apply_to_item(item: &mut ItemNow, event: &Event, now: Time) {
    attempt(item, event, now);
    course(item, event, now);
    end(item, event);
    pull(item, event);
    lane(item, event);
}

/// Attempts: given out, begun, handed in, over.
fn attempt(item: &mut ItemNow, event: &Event, now: Time) {
    match event {
        Event::ItemAssigned { agent, generation, attempt, fence, .. } => {
            item.launches = *attempt;
            item.began_at.get_or_insert(now);
            item.assignment = Some(Assignment {
                agent: agent.clone(),
                generation: *generation,
                attempt: *attempt,
                fence: *fence,
                base: None,
                since: now,
            });
        }
        Event::ItemDelivered { base, .. } => {
            if let Some(held) = &mut item.assignment {
                held.base = Some(base.clone());
            }
        }
        Event::ItemStarted { .. } => {
            if let Some(held) = &mut item.assignment {
                held.since = now;
            }
        }
        Event::ItemSubmitted { agent, head, empty, summary, cli, .. } => {
            item.base = item.assignment.take().and_then(|held| held.base);
            item.evidence = None;
            item.empty = *empty;
            if *empty {
                item.gates = Gates::default();
            }
            item.summary.clone_from(summary);
            propose(item, head, agent, cli);
        }
        Event::AttemptFailed { agent, attempt, cause, detail, .. } => {
            item.attempts += 1;
            if !item.tried.contains(agent) {
                item.tried.push(agent.clone());
            }
            over(item, *attempt, agent, cause, detail);
        }
        Event::AttemptLost { agent, attempt, detail, .. } => {
            item.losses += 1;
            over(item, *attempt, agent, "lost", detail);
        }
        Event::AttemptCancelled { .. } => item.assignment = None,
        Event::CancelAsked { leaving, .. } => item.leaving = *leaving,
        _ => {}
    }
}

/// What an item waits for, who is asked, and what operators say.
fn course(item: &mut ItemNow, event: &Event, now: Time) {
    match event {
        Event::BackoffBegan { until, .. } => item.not_before = Some(*until),
        Event::BackoffEnded { .. } => item.not_before = None,
        Event::ItemHeld { hold, .. } => {
            item.hold = Some(hold.clone());
            item.gates.turn = None;
        }
        Event::HoldCleared { granted, .. } => {
            item.hold = None;
            item.not_before = None;
            item.granted += u32::from(*granted);
            item.gates.unjudged = 0;
        }
        Event::HelpAsked { to, attempt, .. } => {
            let since = item.asked.as_ref().filter(|asked| asked.to == *to).map_or(now, |asked| asked.since);
            item.asked = Some(Asked { to: *to, since, at: now, times: *attempt });
        }
        Event::HelpRetired { .. } => item.asked = None,
        Event::ItemPinned { agent, .. } => item.pinned = Some(agent.clone()),
        Event::MergeWanted { .. } => item.merge_wanted = true,
        Event::ExternalJoined { reference, .. } => {
            item.externals.retain(|open| open != reference);
            item.joined.push(reference.clone());
            // Whoever waits for nothing outside need not look there again.
            item.look_at = item.look_at.filter(|_| !item.externals.is_empty());
        }
        Event::ExternalsClosed { references, .. } => item.externals.retain(|open| !references.contains(open)),
        Event::BaseMended { head, by, cli, .. } => {
            item.mended_base = Some(head.clone());
            wrote(item, by, cli);
        }
        _ => {}
    }
}

/// How it is over, and what becomes of that.
fn end(item: &mut ItemNow, event: &Event) {
    match event {
        Event::ItemDone { outcome, .. } => {
            item.outcome = Some(outcome.clone());
            item.hold = None;
            item.changed = None;
            item.gates.turn = None;
            if let Outcome::Accepted { head } = outcome {
                item.accepted = Some(head.clone());
            }
        }
        Event::ItemMerged { commit, .. } => {
            item.outcome = Some(Outcome::Merged { commit: commit.clone() });
            item.look_at = None;
        }
        Event::DependencyChanged { detail, .. } => {
            item.outcome = None;
            item.changed = Some(detail.clone());
        }
        Event::ItemSkipped { reason, .. } => {
            item.skipped = Some(*reason);
            item.look_at = None;
        }
        Event::ItemFailed { reason, .. } => {
            item.failed = Some(reason.clone());
            item.look_at = None;
        }
        _ => {}
    }
}

/// What the forge showed, and what was judged.
fn pull(item: &mut ItemNow, event: &Event) {
    match event {
        Event::HeadProposed { head, by, cli, .. } => propose(item, head, by, cli),
        Event::PullPublished { pull, .. } => {
            begin_anew(item);
            item.pull = Some(pull.clone());
        }
        Event::HeadMoved { head, .. } => moved(item, head),
        Event::PullSeen { seen, .. } => {
            item.gates.mergeable = Some(seen.mergeable.clone());
            item.gates.governed.clone_from(&seen.governed);
            item.gates.findings.clone_from(&seen.comments);
        }
        Event::PullState { state, .. } => {
            if let Some(pull) = &mut item.pull {
                pull.state = state.clone();
            }
            if *state == PullState::Closed {
                item.look_at = None;
            }
        }
        Event::ChecksSeen { checks, .. } => {
            item.gates.unjudged += u32::from(checks.could_not_judge());
            item.gates.checks = Some((**checks).clone());
            item.check_again = false;
        }
        Event::VerdictGiven { by, approve, summary, .. } => {
            let by_person = by == OPERATOR || is_planted(Mutant::GovernedByAgents);
            item.gates.person |= by_person && *approve;
            if let (true, Ok(agent)) = (*approve && by != OPERATOR, crate::id::AgentName::new(by))
                && !item.gates.approvals.contains(&agent)
            {
                item.gates.approvals.push(agent);
            }
            item.gates.review = Some(Review { by: by.clone(), approve: *approve, summary: summary.clone() });
            // A review takes long: whether the head is still proposed, and merges, is looked at once more.
            let again = *approve && !is_planted(Mutant::ApprovalIsEnough);
            item.gates.mergeable = item.gates.mergeable.take().filter(|_| !again);
        }
        Event::LookScheduled { at, again, .. } => {
            item.look_at = Some(*at);
            item.check_again = *again;
        }
        Event::LookDue { .. } => {
            item.look_at = None;
            item.gates.busy = None;
            item.gates.mergeable = None;
        }
        Event::BaseCheckoutBusy { detail, .. } => item.gates.busy = Some(detail.clone()),
        Event::ForgeFailed { detail, .. } => item.forge_trouble = Some(detail.clone()),
        Event::EffectAsked { op, kind, .. } => {
            item.effects.push((*kind, op.clone()));
            item.forge_trouble = None;
        }
        Event::EffectOver { op, .. } => item.effects.retain(|(_, under_way)| under_way != op),
        _ => {}
    }
}

/// On its way into the base, and kept true to what it builds upon.
fn lane(item: &mut ItemNow, event: &Event) {
    match event {
        Event::MergeQueued { turn, .. } => item.gates.turn = Some(*turn),
        Event::MergeUnqueued { .. } => item.gates.turn = None,
        Event::TrialMade { commit, .. } => {
            item.gates.trial = Some(Trial { commit: commit.clone(), checks: None });
        }
        Event::TrialChecked { commit, checks, .. } => {
            item.gates.unjudged += u32::from(checks.could_not_judge());
            let (commit, checks) = (commit.clone(), Some((**checks).clone()));
            item.gates.trial = Some(Trial { commit, checks });
            item.check_again = false;
        }
        Event::Restacked { head, stack, .. } => {
            if item.head() != Some(head) {
                moved(item, head);
            }
            item.gates.stack = Some(stack.clone());
        }
        _ => {}
    }
}

/// An attempt is over without success; the next one is told why.
fn over(item: &mut ItemNow, attempt: u32, agent: &crate::id::AgentName, cause: &str, detail: &str) {
    item.assignment = None;
    let (cause, detail) = (cause.to_owned(), detail.to_owned());
    item.evidence = Some(Evidence { attempt, agent: Some(agent.clone()), cause, detail });
}

/// The pull request is at another head: nothing of it was judged yet.
fn begin_anew(item: &mut ItemNow) {
    item.check_again = false;
    if !is_planted(Mutant::GatesKept) {
        item.gates = Gates::default();
    }
}

/// The pull request is where somebody else, or the forge at our word, moved it.
fn moved(item: &mut ItemNow, head: &crate::id::Sha) {
    begin_anew(item);
    item.proposed = Some(head.clone());
    if let Some(pull) = &mut item.pull {
        pull.head = head.clone();
    }
}

fn propose(item: &mut ItemNow, head: &crate::id::Sha, by: &crate::id::AgentName, cli: &str) {
    item.proposed = Some(head.clone());
    wrote(item, by, cli);
}

fn wrote(item: &mut ItemNow, by: &crate::id::AgentName, cli: &str) {
    if !cli.is_empty() && !item.author_clis.iter().any(|known| known == cli) {
        item.author_clis.push(cli.to_owned());
    }
    if !item.authors.contains(by) {
        item.authors.push(by.clone());
    }
}
