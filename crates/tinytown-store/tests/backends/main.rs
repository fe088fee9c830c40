//! Every backend against the conformance suite, and SQLite against the model and its own promises.

mod files;
mod forgetting;
mod golden;
mod looking;
mod model;
mod processes;
mod suite;
mod upgrade;
mod waking;
