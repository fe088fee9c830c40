//! Tinytown's domain: issues, the dependency graph between them, missions over them, and what to do next.
//!
//! Pure and deterministic: no clock, randomness, environment, files or network. Times, ids and
//! everything seen of the world are passed in; the same inputs give the same bytes.

pub mod id;
pub mod issue;
pub mod item;
pub mod observation;
pub mod policy;
pub mod text;
pub mod time;
