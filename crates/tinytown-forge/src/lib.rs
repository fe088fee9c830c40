//! Where issues and pull requests live: the port, a stateful fake, a fault decorator, the
//! conformance suite that every forge passes, and (feature `local`) the forge inside a git repository.

pub mod conformance;
mod fake;
mod faulty;
#[cfg(feature = "local")]
mod local;
pub mod port;

pub use fake::{FakeForge, FakeMerge};
pub use faulty::{CallName, Fault, Faulty, Plan};
#[cfg(feature = "local")]
pub use local::{IssueFolder, IssueTrouble, LocalConfig, LocalError, LocalForge, LocalRemote, survey_issues};
pub use port::*;
pub use tinytown_core::governed::governed_files;
