//! Git plumbing over the git command line (2.38 or newer): exactly the behaviour users have.
//!
//! Invariants, phrased as absences: no shell; no hook, editor, pager, signature or background
//! maintenance; nothing of the user's `GIT_*` environment or of their global and system
//! configuration, except on the way to another machine ([`Mirror`]); no configuration of an agent's
//! checkout (see [`Quarantine`]). A git that was started here is neither killed when its caller goes
//! away nor reached by a Ctrl-C at the terminal: half a change in the user's folder is worse than a
//! finished one.

mod advance;
mod command;
mod error;
mod history;
mod lane;
mod mirror;
mod objects;
mod oid;
mod quarantine;
mod refs;
mod repository;
#[cfg(test)]
mod tests;
mod worktree;

pub use advance::{Advance, AdvanceRequest};
pub use command::{Git, require_supported, version, without_password};
pub use error::GitError;
pub use history::TrailerHit;
pub use lane::Lane;
pub use mirror::{Mirror, look_abroad};
pub use objects::{MergeTree, ObjectFormat};
pub use oid::Oid;
pub use quarantine::{Quarantine, Snapshot};
pub use refs::{Ref, RefContent, RefEdit, Swap};
pub use repository::{CheckoutRequest, Identity, Layout, isolated_checkout};
pub use worktree::Worktree;
