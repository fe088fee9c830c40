//! Kinds of transitions, and all of them that the engine makes today.
//!
//! Each table names every variant of its type, so that a new one does not compile until it is placed.

use std::collections::BTreeSet;

use tinytown_core::effect::{EffectKind, EffectResult};
use tinytown_core::event::Event;
use tinytown_core::input::{Input, MissionInput};
use tinytown_core::letter::Letter;
use tinytown_core::roster::RosterChange;
use tinytown_core::town::Decided;
use tinytown_store::Commit;

macro_rules! table {
    ($(#[$doc:meta])* $rows:ident, $name:ident($type:ident) { $($variant:ident: $word:literal [$($from:literal),*],)* }) => {
        $(#[$doc])*
        const $rows: &[(&str, &[&str])] = &[$(($word, &[$($from),*])),*];

        /// Its name.
        pub(crate) const fn $name(of: &$type) -> &'static str {
            match of {
                $($type::$variant { .. } => $word,)*
            }
        }
    };
}

table! {
    /// Events, with where their item or mission stands before them.
    EVENTS, event(Event) {
        MissionStarted: "mission-started" ["no mission"],
        MissionStopped: "mission-stopped" ["mission blocked", "mission running", "mission stopped"],
        MissionResumed: "mission-resumed" ["mission stopped"],
        MissionBlocked: "mission-blocked" ["mission running"],
        MissionUnblocked: "mission-unblocked" ["mission blocked"],
        MissionCompleted: "mission-completed" ["mission blocked", "mission running"],
        MissionFailed: "mission-failed" ["mission stopped"],
        HelpAsked: "help-asked" ["mission blocked", "mission running", "ready", "gated"],
        HelpRetired: "help-retired" ["mission blocked", "mission running", "mission stopped", "pending", "ready", "assigned", "gated", "done", "skipped"],
        BudgetReached: "budget-reached" ["mission running", "mission blocked"],
        BudgetGranted: "budget-granted" ["mission blocked", "mission running"],
        WatchdogLooked: "watchdog-looked" ["mission blocked", "mission running"],
        NoteTaken: "note-taken" ["mission blocked", "mission running", "mission stopped"],
        ItemJoined: "item-joined" ["no item"],
        ExternalJoined: "external-joined" ["pending"],
        ItemAdded: "item-added" ["no item"],
        ItemReady: "item-ready" ["pending"],
        ItemAssigned: "item-assigned" ["ready"],
        ItemDelivered: "item-delivered" ["assigned"],
        ItemStarted: "item-started" ["assigned"],
        ItemSubmitted: "item-submitted" ["assigned", "running"],
        SubmissionStale: "submission-stale" ["pending", "ready", "assigned", "running", "cancelling", "gated", "done", "skipped"],
        AttemptFailed: "attempt-failed" ["assigned", "running", "gated"],
        AttemptLost: "attempt-lost" ["assigned", "running"],
        CancelAsked: "cancel-asked" ["assigned", "running"],
        AttemptCancelled: "attempt-cancelled" ["assigned", "running", "cancelling"],
        BackoffBegan: "backoff-began" ["pending", "ready"],
        BackoffEnded: "backoff-ended" ["pending", "ready"],
        ItemHeld: "item-held" ["pending", "ready", "gated"],
        HoldCleared: "hold-cleared" ["pending", "ready", "gated"],
        ItemPinned: "item-pinned" ["pending", "ready", "assigned", "running", "cancelling"],
        MergeWanted: "merge-wanted" ["gated", "done"],
        ExternalsClosed: "externals-closed" ["pending"],
        BaseMended: "base-mended" ["pending", "ready"],
        HeadProposed: "head-proposed" ["gated"],
        PullPublished: "pull-published" ["gated"],
        HeadMoved: "head-moved" ["gated", "done"],
        PullSeen: "pull-seen" ["gated", "done"],
        PullState: "pull-state" ["gated", "done"],
        ChecksSeen: "checks-seen" ["gated"],
        VerdictGiven: "verdict-given" ["gated"],
        LookScheduled: "look-scheduled" ["pending", "gated", "done"],
        LookDue: "look-due" ["pending", "gated", "done"],
        BaseCheckoutBusy: "base-checkout-busy" ["gated"],
        ForgeFailed: "forge-failed" ["pending", "assigned", "gated", "done"],
        EffectAsked: "effect-asked" ["pending", "assigned", "gated", "done"],
        EffectOver: "effect-over" ["pending", "assigned", "cancelling", "gated", "done"],
        ItemDone: "item-done" ["gated"],
        ItemMerged: "item-merged" ["done"],
        DependencyChanged: "dependency-changed" ["ready", "gated", "done"],
        MergeQueued: "merge-queued" ["gated"],
        MergeUnqueued: "merge-unqueued" ["gated"],
        TrialMade: "trial-made" ["gated"],
        TrialChecked: "trial-checked" ["gated"],
        Restacked: "restacked" ["gated", "done"],
        ItemSkipped: "item-skipped" ["pending", "ready", "gated"],
        ItemFailed: "item-failed" [],
    }
}

table! {
    ROSTER, roster(RosterChange) {
        AgentJoined: "agent-joined" ["roster"],
        AgentBusy: "agent-busy" ["roster"],
        AgentFreed: "agent-freed" ["roster"],
        AgentRetiring: "agent-retiring" ["roster"],
        AgentGone: "agent-gone" ["roster"],
        AgentPaused: "agent-paused" ["roster"],
    }
}

table! {
    LETTERS, letter(Letter) {
        Assignment: "assignment" ["letter", "letter over"],
        Cancel: "cancel" ["letter", "letter over"],
        Retire: "retire" ["letter", "letter over"],
        Message: "message" ["letter", "letter over"],
        Help: "help" ["letter", "letter over"],
    }
}

table! {
    EFFECTS, effect(EffectKind) {
        Base: "base" ["effect"],
        Publish: "publish" ["effect"],
        Look: "look" ["effect"],
        Check: "check" ["effect"],
        Merge: "merge" ["effect"],
        Restack: "restack" ["effect"],
        Issues: "issues" ["effect"],
    }
}

table! {
    RESULTS, result(EffectResult) {
        Base: "base" ["result"],
        BaseConflict: "base-conflict" ["result"],
        Published: "published" ["result"],
        HeadMoved: "head-moved" ["result"],
        NotOpen: "not-open" ["result"],
        Looked: "looked" ["result"],
        Checked: "checked" ["result"],
        Merged: "merged" ["result"],
        MergeConflict: "merge-conflict" ["result"],
        Untested: "untested" ["result"],
        Restacked: "restacked" ["result"],
        StackConflict: "stack-conflict" ["result"],
        Closed: "closed" ["result"],
        BaseCheckoutBusy: "base-checkout-busy" ["result"],
        Issues: "issues" ["result"],
        Failed: "failed" ["result"],
    }
}

table! {
    INPUTS, input(Input) {
        Start: "start" ["input"],
        Mission: "mission" [],
        Join: "join" ["input"],
        Gone: "gone" ["input"],
        Retire: "retire" ["input"],
        Message: "message" ["input"],
        MessagesRead: "messages-read" ["input"],
    }
}

table! {
    MISSION_INPUTS, mission_input(MissionInput) {
        Started: "started" ["input"],
        Submitted: "submitted" ["input"],
        Ended: "ended" ["input"],
        Effect: "effect" ["input"],
        Note: "note" ["input"],
        Stop: "stop" ["input"],
        Resume: "resume" ["input"],
        Add: "add" ["input"],
        // The town makes these of others.
        AgentGone: "agent-gone" [],
        AgentRetires: "agent-retires" [],
        Reconcile: "reconcile" ["input"],
        Wake: "wake" ["input"],
    }
}

/// What a commit may be made of.
const PARTS: &[&str] = &[
    "beat: first",
    "beat: next",
    "beat: of a later start",
    "commit: of a mission alone",
    "commit: of a mission that ends",
    "commit: of a new mission",
    "commit: of an answer alone",
    "commit: of both",
    "commit: of the town alone",
    "commit: with a heartbeat that did not move",
    "commit: with a long text",
    "commit: with acknowledgement",
    "commit: without acknowledgement",
    "found: a new file",
    "lease: lost, not released",
    "lease: lost, not renewed",
    "lease: refused to another",
    "lease: refused to another, asked again",
    "lease: released",
    "lease: renewed",
    "lease: renewed, asked again",
    "lease: taken",
    "lease: taken from another",
    "post: an input",
    "post: an input with a long text",
];

/// Every kind of transition that the engine and those who call a store make today.
pub(crate) fn all() -> BTreeSet<String> {
    let tables = [EVENTS, ROSTER, LETTERS, EFFECTS, RESULTS, INPUTS, MISSION_INPUTS];
    let rows = tables.iter().flat_map(|rows| rows.iter());
    let kinds = rows.flat_map(|(name, from)| from.iter().map(move |from| format!("{from} × {name}")));
    kinds.chain(PARTS.iter().chain(crate::formalities::KINDS).map(ToString::to_string)).collect()
}

/// What a step does besides its events.
pub(crate) fn of_step(input: &Input, decided: &Decided) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    let step = &decided.step;
    match input {
        Input::Mission { what, .. } => {
            kinds.insert(format!("input × {}", mission_input(what)));
            if let MissionInput::Effect { result: of, .. } = what {
                kinds.insert(format!("result × {}", result(of)));
            }
        }
        other => {
            kinds.insert(format!("input × {}", self::input(other)));
        }
    }
    kinds.extend(step.roster.iter().map(|change| format!("roster × {}", roster(change))));
    kinds.extend(step.letters.iter().map(|one| format!("letter × {}", letter(&one.letter))));
    let over = step.letters_over.iter().map(|(_, key)| key.split('/').next().unwrap_or_default());
    kinds.extend(over.map(|sort| format!("letter over × {sort}")));
    kinds.extend(step.effects.iter().map(|(_, asked)| format!("effect × {}", effect(&asked.kind()))));
    kinds
}

/// Which parts a commit has.
pub(crate) fn of_commit(commit: &Commit) -> BTreeSet<String> {
    let mission = commit.mission.as_ref();
    let parts = [
        ("commit: of the town alone", commit.town.is_some() && mission.is_none()),
        ("commit: of a mission alone", commit.town.is_none() && mission.is_some()),
        ("commit: of both", commit.town.is_some() && mission.is_some()),
        ("commit: of an answer alone", commit.town.is_none() && mission.is_none()),
        ("commit: of a new mission", mission.is_some_and(|write| write.charter.is_some())),
        ("commit: of a mission that ends", mission.is_some_and(|write| !write.unfinished)),
        ("commit: without acknowledgement", commit.acks.is_empty()),
        ("commit: with acknowledgement", !commit.acks.is_empty()),
        ("commit: with a heartbeat that did not move", !commit.unmoved.is_empty()),
        ("commit: with a long text", !commit.blobs.is_empty()),
    ];
    parts.into_iter().filter(|(_, has)| *has).map(|(kind, _)| kind.to_owned()).collect()
}
