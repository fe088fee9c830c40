//! Planted mutants: known defects that a proof campaign must notice, or it proves nothing.
//!
//! They are compiled in only with the feature `mutants`, which no program for users has; without it
//! [`is_planted`] is `false` for the compiler, and nothing of them is left. With it, each thread has
//! at most one, until told otherwise.

/// A known defect. Each is named after what goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Mutant {
    /// The store commits under any lease fence.
    FenceUnchecked,
    /// SQLite takes each statement of a commit by itself.
    CommitWithoutTransaction,
    /// SQLite acknowledges inputs after the commit that applies them, not with it.
    AcknowledgedApart,
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

#[cfg(feature = "mutants")]
std::thread_local! {
    static PLANTED: std::cell::Cell<Option<Mutant>> = const { std::cell::Cell::new(None) };
}
