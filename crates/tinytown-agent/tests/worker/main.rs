//! What a worker promises, shown with real git, real processes and a dispatcher played by hand.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod dispatcher;
mod endings;
mod hostile;
mod joining;
mod leaving;
mod messages;
mod outages;
mod pauses;
mod world;
