//! Crash points: where a process dies at once if it was told to, as if somebody had pulled the plug on it.
//!
//! They lie between the statements of every call that changes something. They are compiled in only
//! with the feature `mutants`, which no program for users has; without it nothing of them is left.

#[cfg(feature = "mutants")]
use std::sync::atomic::{AtomicU64, Ordering};

/// How many points are left to pass; 0 if the process was told nothing.
#[cfg(feature = "mutants")]
static LEFT: AtomicU64 = AtomicU64::new(0);

/// Tells this process to crash at the `nth` point that it passes from now on, counted from 1; at none if 0.
#[cfg(feature = "mutants")]
pub fn crash_at(nth: u64) {
    LEFT.store(nth, Ordering::SeqCst);
}

/// A point. `passed` says what was done last.
#[cfg(feature = "mutants")]
pub(crate) fn point(passed: &str) {
    if LEFT.load(Ordering::SeqCst) > 0 && LEFT.fetch_sub(1, Ordering::SeqCst) == 1 {
        crash(passed);
    }
}

/// A point: nothing, in this build.
#[cfg(not(feature = "mutants"))]
#[inline]
pub(crate) const fn point(_passed: &str) {}

/// Nothing is unwound, flushed or given back: a signal that cannot be caught.
#[cfg(feature = "mutants")]
fn crash(passed: &str) -> ! {
    use std::io::Write as _;
    let line: Vec<&str> = passed.split_whitespace().collect();
    // For whoever wonders where it was; if nobody reads it, it crashes all the same.
    let _unread = writeln!(std::io::stderr(), "crashed after: {}", line.join(" "));
    let _killed = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}
