//! What the engine needs of the machine it runs on: supervised processes, git plumbing, private
//! files, a clock, file systems. No domain: nothing here knows of missions, items or agents.

pub mod clock;
pub mod files;
pub mod git;
pub mod process;
pub mod run_files;
pub mod supervise;
pub mod volume;
