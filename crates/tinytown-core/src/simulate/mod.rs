//! Worlds in which missions run: agents, a forge and a clock around the very [`Town::decide`] that
//! dispatchers call, in virtual time.
//!
//! A [`Scenario`] says what there is and how it behaves; running it gives a transcript that people
//! read and tests keep as snapshots. Nothing here decides anything about missions.
//!
//! [`Town::decide`]: crate::town::Town::decide

mod conduct;
mod dice;
mod scenario;
mod span;

pub use conduct::{Deed, Ending, Script};
pub use dice::Dice;
pub use scenario::{
    Chance, CheckAnswer, Conduct, Happening, Meanwhile, Scenario, ScenarioError, ScriptedAgent, ScriptedIssue,
};
pub use span::Span;
