//! The forges against the conformance suite, and facts about the local one alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod fake;
mod local;
mod local_checks;
mod local_issues;
mod local_merges;
mod local_openings;
mod local_pulls;
mod place;
