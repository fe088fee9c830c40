//! What supervision promises, shown with real processes: commands that fork, leave their session,
//! ignore requests to end, and outlive whoever watched them.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod endings;
mod starting;
mod survivors;
mod sweeping;
mod world;
