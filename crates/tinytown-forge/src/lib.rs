//! Where issues and pull requests live: the port, a stateful fake, the conformance suite that every
//! forge passes, and (feature `local`) the forge inside a git repository.

mod port;

pub use port::*;
