//! Planted mutants: known defects that a proof campaign must notice, or it proves nothing.
//!
//! They are compiled in only with the feature `mutants`, which no program for users has; without it
//! [`is_planted`] is `false` for the compiler, and nothing of them is left. With it, each thread has
//! at most one, until told otherwise.

macro_rules! mutants {
    ($($(#[doc = $doc:literal])* $mutant:ident = $guarantee:literal,)*) => {
        /// A known defect. Each is named after what goes wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Mutant { $($(#[doc = $doc])* $mutant,)* }

        impl Mutant {
            /// All of them, by the promise that they break.
            pub const ALL: &'static [Self] = &[$(Self::$mutant,)*];

            /// The promise that it breaks, such as `G1`.
            pub const fn guarantee(self) -> &'static str {
                match self { $(Self::$mutant => $guarantee,)* }
            }

            /// What goes wrong, in a sentence.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$mutant => concat!($($doc),*).trim_ascii(),)* }
            }

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$mutant => stringify!($mutant),)* }
            }
        }
    };
}

mutants! {
    /// The store commits under any lease fence.
    FenceUnchecked = "G1",
    /// A submission counts under an assignment that is not in force any more.
    StaleSubmissionAccepted = "G1",
    /// Inputs are acknowledged though their commit is refused.
    AcknowledgedBeforeCommitted = "G2",
    /// An input that is posted again under its name is a second input.
    PostedTwice = "G2",
    /// Inputs for a mission that cannot be read are answered as if it had ended.
    UnreadableAnswered = "G2",
    /// A dispatcher that loads anew goes on reading where it was.
    PositionKept = "G2",
    /// A mission that cannot be read is left alone without a word.
    SaidNothing = "G2",
    /// An agent that was lost while its mission could not be read keeps its item for ever.
    LossForgotten = "G2",
    /// A merge is made without looking whether it was made.
    MergedWithoutLooking = "G3",
    /// A pull request is opened without looking whether there is one.
    PublishedWithoutLooking = "G3",
    /// An accepted head that changed may be built upon while it is judged anew.
    ChangedIsDone = "G4",
    /// A pull request is not brought up to what its item builds upon.
    StackForgotten = "G4",
    /// An item starts when all but one of its dependencies are done.
    DependencyIgnored = "G4",
    /// Failing checks pass.
    RedIsGreen = "G4",
    /// One approval is enough where several are asked for.
    OneReviewIsEnough = "G4",
    /// What bots found in a head holds nothing up.
    FindingsIgnored = "G4",
    /// An author may judge their own work.
    OwnReviewCounted = "G4",
    /// An item whose dependency changed while it ran is launched again at once.
    ReadyTooEarly = "G4",
    /// An agent that is being stopped holds no slot any more.
    CancelledFreesSlot = "G5",
    /// One agent more than allowed may run.
    LimitOffByOne = "G5",
    /// An agent is free as soon as it is told to stop.
    AgentFreedAtCancel = "G5",
    /// What was judged of an old head counts for the new one.
    GatesKept = "G6",
    /// Checks that could not run pass.
    CouldNotRunPasses = "G6",
    /// A head of which it is not known whether it merges is taken to merge.
    UnknownMerges = "G6",
    /// Whether a head merges is not looked at again after it was approved.
    ApprovalIsEnough = "G6",
    /// A merge lands on a base with which it was never checked.
    TrialUnchecked = "G6",
    /// What the checks say about a merge on trial is not heeded.
    TrialIgnored = "G6",
    /// An agent's approval lets pass what changes what governs.
    GovernedByAgents = "G6",
    /// SQLite takes each statement of a commit by itself.
    CommitWithoutTransaction = "G7",
    /// SQLite acknowledges inputs after the commit that applies them, not with it.
    AcknowledgedApart = "G7",
    /// A commit of several records leaves one of them out.
    RecordDropped = "G7",
    /// A decision depends on how many were made before in this process.
    CounterInDecision = "G9",
    /// Who of several agents is chosen is left to chance.
    ChanceInDecision = "G9",
    /// An agent is declared lost though its heartbeat moved since that was decided.
    ExpiryUnchecked = "G11",
    /// What was seen before an outage counts after it.
    WatchKept = "G11",
    /// A silent agent is never declared lost.
    LossUnnoticed = "G11",
    /// A command keeps the lease though its input cannot be applied.
    CommandKeepsLease = "G12",
    /// Who lost the lease goes on acting.
    PermitKept = "G12",
    /// A lease is taken that its holder still keeps.
    TakenTooEarly = "G12",
    /// An abandoned lease is taken three times too late.
    TakenTooLate = "G12",
    /// A commit that got no answer is not tried again.
    CommitNotRepeated = "G13",
    /// What an earlier holder decided to do is not done.
    EffectsNotTakenUp = "G13",
    /// An effect that was withheld is not done later.
    WithheldForgotten = "G13",
    /// A mission that could not be read once is left alone for ever.
    NeverReadAgain = "G13",
    /// The time of an item that is over still comes.
    BackoffOutlives = "G13",
    /// Work is published again and again to a pull request that is closed.
    PublishedForEver = "G13",
    /// Work is given out while the mission is stopped.
    ClaimedWhileStopped = "G14",
    /// An agent that was told before a stop begins after it.
    BegunWhileStopped = "G14",
    /// What was revoked is stopped only once that is known to be committed.
    RevokedTooLate = "G14",
    /// What was revoked by a stop is not decided again at resume.
    RevokedForgotten = "G14",
    /// The last try goes to whoever failed before, though another agent is there.
    SameAgentForEver = "G15",
    /// A mission launches more than it may.
    BudgetUnbounded = "G15",
    /// Checks that cannot judge are run again without end.
    RerunForEver = "G15",
    /// A lost worker costs the agent an attempt.
    LossCountedAsAttempt = "G15",
    /// A lost launch is repeated without end.
    LossesUnbounded = "G15",
    /// A restart forgets how often an item was tried.
    BudgetForgotten = "G15",
    /// A pull request that is waited for is looked at again at once, for ever.
    LookedForEver = "G17",
    /// Checks of an old head count for the new one.
    LateChecksCount = "G18",
    /// A look at an old head counts for the new one.
    OldHeadCounts = "G18",
}

/// Whether this thread has that mutant.
#[cfg(feature = "mutants")]
#[inline]
pub fn is_planted(mutant: Mutant) -> bool {
    PLANTED.with(|planted| planted.get() == Some(mutant))
}

/// Whether this thread has that mutant: never, in this build.
#[cfg(not(feature = "mutants"))]
#[inline]
pub const fn is_planted(_mutant: Mutant) -> bool {
    false
}

/// The mutant of this thread, for a thread that works for it.
#[cfg(feature = "mutants")]
pub fn planted() -> Option<Mutant> {
    PLANTED.get()
}

/// Gives this thread that mutant, or none.
#[cfg(feature = "mutants")]
pub fn plant(mutant: Option<Mutant>) {
    PLANTED.with(|planted| planted.set(mutant));
}

/// A number that is another one each time, for mutants that decide by it.
#[cfg(feature = "mutants")]
pub(crate) fn count() -> u64 {
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// Nothing is left to chance in this build.
#[cfg(not(feature = "mutants"))]
pub(crate) const fn count() -> u64 {
    0
}

#[cfg(feature = "mutants")]
std::thread_local! {
    static PLANTED: std::cell::Cell<Option<Mutant>> = const { std::cell::Cell::new(None) };
}
