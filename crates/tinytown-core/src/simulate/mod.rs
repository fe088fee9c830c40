//! Worlds in which missions run: agents, a forge and a clock around the very [`Town::decide`] that
//! dispatchers call, in virtual time.
//!
//! A [`Scenario`] says what there is and how it behaves; [`run`] gives a [`Transcript`] that people
//! read and tests keep as snapshots. Nothing here decides anything about missions.
//!
//! [`Town::decide`]: crate::town::Town::decide

mod agenda;
mod check;
mod conduct;
mod dice;
mod drawn;
mod forge;
mod outside;
mod run;
mod scenario;
mod span;
mod transcript;
mod workers;

#[cfg(test)]
mod tests;

pub use check::Flaw;
pub use conduct::{Deed, Ending, Script};
pub use dice::Dice;
pub use forge::{Denial, ForgeMerge, ForgeModel};
pub use run::{Decision, Simulation, run};
pub use scenario::{
    Chance, CheckAnswer, Conduct, Happening, Meanwhile, Scenario, ScenarioError, ScriptedAgent, ScriptedIssue,
};
pub use span::Span;
pub use transcript::{ByHand, Entry, Finish, Transcript, What};
