//! One work item in words.

use tinytown_core::event::{Outcome, SkipReason};
use tinytown_core::item::{ItemSpec, Origin};
use tinytown_core::mission::{Item, Phase, Wait};

/// What people call an item: `Issue #2`, `Document docs/x.md`, `#2/fix-1`.
pub(crate) fn label(spec: &ItemSpec) -> String {
    match &spec.origin {
        Origin::Issue(reference) => format!("Issue {reference}"),
        Origin::Document(path) => format!("Document {path}"),
        Origin::Errand | Origin::FollowUp(_) => spec.key.to_string(),
    }
}

/// A picture of where it stands.
pub(crate) const fn icon(phase: Phase) -> &'static str {
    match phase {
        Phase::Pending | Phase::Ready => "⏳",
        Phase::Assigned | Phase::Running => "🔧",
        Phase::Cancelling => "🛑",
        Phase::Gated => "🔍",
        Phase::Done => "✅",
        Phase::Skipped => "⏭️ ",
        Phase::Failed => "❌",
    }
}

/// A planned item, as the tutorial prints it.
pub(crate) fn planned(spec: &ItemSpec) -> String {
    let icon = if spec.skip { icon(Phase::Skipped) } else { icon(Phase::Pending) };
    format!("   {icon} {}: {}", label(spec), spec.title)
}

/// Where an item stands: as the tutorial prints it, with what there is to say about it.
pub(crate) fn line(item: &Item, wait: Option<&Wait>) -> String {
    let said = about(item, wait);
    format!("   {} {}: {} · {said}", icon(item.now.phase), label(&item.spec), item.spec.title)
}

fn about(item: &Item, wait: Option<&Wait>) -> String {
    let now = &item.now;
    let pull = now.pull.as_ref().map(|pull| format!(" (PR #{})", pull.number)).unwrap_or_default();
    match now.phase {
        Phase::Done => format!("{}{pull}", now.outcome.as_ref().map_or("done", outcome)),
        Phase::Skipped => format!("skipped{}", now.skipped.map_or("", skipped)),
        Phase::Failed => format!("failed: {}", now.failed.as_deref().unwrap_or("no reason is known")),
        phase => {
            let detail = wait.map_or("", |wait| wait.detail.as_str());
            if phase.holds_slot() {
                return format!("{detail} (attempt {})", now.launches);
            }
            format!("{}: {detail}{pull}", phase.as_str())
        }
    }
}

/// How an item was done.
pub(crate) const fn outcome(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Merged { .. } => "merged",
        Outcome::Accepted { .. } => "accepted",
        Outcome::Unchanged => "nothing was to be changed",
        Outcome::HandedIn => "handed in",
    }
}

/// Why an item was skipped.
pub(crate) const fn skipped(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::Operator => " by an operator",
        SkipReason::Manifest => " from the start",
        SkipReason::DependencyFailed => ": something it depends on failed",
        SkipReason::Superseded => ": nobody needs it any more",
    }
}
