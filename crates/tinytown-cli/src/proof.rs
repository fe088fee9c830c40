//! What this host knows of processes: whether the dispatcher lives, and whether an agent's worker is
//! dead with everything that it ran.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tinytown_core::roster::Agent;
use tinytown_dispatcher::ProofOfDeath;
use tinytown_host::process::{self, Fate, ProcessId};
use tinytown_host::run_files::{self, Which};
use tinytown_store::Record;
use tinytown_store::codec::{decode, encode};

use crate::failure::Failure;

/// Who holds the lease, as it is written into the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holder {
    /// The host's name, for people.
    pub(crate) host: String,
    /// The process.
    pub(crate) process: ProcessId,
}

impl Holder {
    /// The calling process.
    pub(crate) fn here() -> Result<Self, Failure> {
        Ok(Self { host: process::host_name()?, process: ProcessId::current()? })
    }

    /// As the store keeps it.
    pub(crate) fn record(&self) -> Record {
        encode(self)
    }

    /// From what the store keeps; nothing if another sort of program wrote it.
    pub(crate) fn read(record: &Record) -> Option<Self> {
        decode("the lease's holder", record).ok()
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {}", self.process.pid, self.host)
    }
}

/// Looks at this host's own processes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proof;

impl ProofOfDeath for Proof {
    fn of_agent(&self, agent: &Agent) -> Option<String> {
        if tinytown_agent::place::fate(&agent.place) != Fate::Gone {
            return None;
        }
        let runs = Path::new(&agent.place.runs);
        nothing_left(runs).then(|| format!("its worker, process {} of this host, has ended", agent.place.pid))
    }

    fn of_holder(&self, holder: &Record) -> bool {
        Holder::read(holder).is_some_and(|holder| holder.process.fate() == Fate::Gone)
    }
}

/// Removes what a dead worker's runs left behind, and tells whether nothing of them is left. A run
/// whose supervisor lives may be of the next worker of that name, which has the same folder: it is
/// left alone. The supervisor of a dead worker ends by itself, and the next look finds nothing.
fn nothing_left(runs: &Path) -> bool {
    let Ok(swept) = run_files::sweep(runs, Which::Abandoned) else { return false };
    let Ok(left) = run_files::living(runs) else { return false };
    swept.surviving.is_empty() && left.runs.is_empty() && left.unreadable.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinytown_core::id::{AgentName, Generation};
    use tinytown_core::roster::AgentState;
    use tinytown_core::time::Time;
    use tinytown_host::run_files::RunFile;

    fn agent(runs: &Path, age: u64) -> Agent {
        let mut place = tinytown_agent::place::here(runs).expect("we run");
        place.started += age;
        Agent {
            name: AgentName::new("backend").expect("a name"),
            generation: Generation(1),
            role: None,
            cli: "demo".to_owned(),
            place,
            state: AgentState::Idle,
            retiring: false,
            paused_until: None,
            since: Time::from_millis(0),
        }
    }

    #[test]
    fn a_living_worker_is_not_dead_and_an_ended_one_is() {
        let place = tempfile::tempdir().expect("a folder");
        assert_eq!(Proof.of_agent(&agent(place.path(), 0)), None);
        assert!(Proof.of_agent(&agent(place.path(), 1)).is_some());
    }

    #[test]
    fn an_ended_worker_whose_runs_are_still_supervised_is_not_proved_dead() {
        let place = tempfile::tempdir().expect("a folder");
        let run = RunFile::of_this_process("run-1", "sh").expect("we run");
        run.write(&place.path().join("run-1")).expect("written");
        assert_eq!(Proof.of_agent(&agent(place.path(), 1)), None);
    }

    #[test]
    fn a_worker_elsewhere_is_never_proved_dead_here() {
        let place = tempfile::tempdir().expect("a folder");
        let mut far = agent(place.path(), 1);
        "elsewhere".clone_into(&mut far.place.host);
        "another/1".clone_into(&mut far.place.boot);
        assert_eq!(Proof.of_agent(&far), None);
    }
}
