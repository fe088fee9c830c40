//! The worker: takes an agent's name in the town, waits for assignments, runs the agent's CLI in a
//! checkout of its own, judges by evidence what came of it, and hands that in.
//!
//! Absences: no forge and no network of its own (a worker cannot talk to a forge); no shell; nothing
//! is printed (see [`Report`]); nothing that an agent configured in its checkout runs in our git.

mod attempt;
mod cli;
mod conductor;
mod error;
pub mod evidence;
mod join;
mod listen;
mod messages;
mod news;
mod office;
pub mod place;
mod preset;
pub mod prompt;
mod report;
pub mod result_file;
mod running;
mod settings;
mod standing;
mod words;
mod worker;

pub use cli::{AgentCli, CliError, Launch, PROMPT_ARGUMENT_LIMIT, Prompt, PromptFile};
pub use error::WorkerError;
pub use preset::{find, presets};
pub use report::{Progress, Report};
pub use settings::{Applier, Clock, MintOp, Ports, Settings, Uptime};
pub use worker::{Ended, Shutdown, Worker};
