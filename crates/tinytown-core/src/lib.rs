//! Tinytown's domain: issues, the dependency graph between them, missions over them, and what to do next.
//!
//! Pure and deterministic: no clock, randomness, environment, files or network. Times, ids and
//! everything seen of the world are passed in; the same inputs give the same bytes.

pub mod decide;
pub mod document;
pub mod effect;
pub mod event;
pub mod governed;
pub mod graph;
pub mod id;
pub mod input;
pub mod issue;
pub mod item;
pub mod kinds;
pub mod letter;
pub mod manifest;
pub mod markers;
pub mod mission;
pub mod mutant;
pub mod objective;
pub mod observation;
pub mod parallel;
pub mod picture;
pub mod plan;
pub mod policy;
pub mod report;
pub mod roster;
pub mod simulate;
pub mod spend;
pub mod text;
pub mod time;
pub mod town;
