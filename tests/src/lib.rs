//! What the stories stand on: towns in temporary folders, and the real `tt` in them.

#[cfg(feature = "mutants")]
pub mod proof;
#[cfg(feature = "stories")]
pub mod support;
