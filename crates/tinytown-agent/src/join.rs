//! Taking a name: nobody alive may hold it, and nothing that an earlier holder ran may be left.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tinytown_core::id::Generation;
use tinytown_core::input::{Answer, Input, Join};
use tinytown_core::roster::{Agent, Place};
use tinytown_host::files::create_private_folder;
use tinytown_host::process::Fate;
use tinytown_host::run_files::{RunFileError, Swept, Which, sweep};
use tinytown_store::{StoreError, records};

use crate::error::WorkerError;
use crate::office::Office;
use crate::place;
use crate::report::{Progress, chain};

/// Between two tries to remove what cannot be removed.
const AGAIN: Duration = Duration::from_secs(1);

/// A start of the worker that has its name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub(crate) generation: Generation,
    /// When the name was asked for: it was given to us no sooner. Of [`Office::uptime`].
    pub(crate) asked: Duration,
}

/// What came of asking for the name.
#[derive(Debug)]
pub(crate) enum Asked {
    /// We have it, in this start.
    Given(Start),
    /// We do not, in words.
    Refused(String),
}

/// Takes the name, and answers in which start.
pub(crate) async fn take_name(office: &Office) -> Result<Start, WorkerError> {
    let runs = office.settings.runs();
    create_private_folder(&runs)?;
    let here = place::here(&runs)?;
    clear(office, &runs, Which::Abandoned).await?;
    loop {
        if let Some(holder) = holder(office).await? {
            make_way(office, &holder, &here).await?;
        }
        match ask(office, &here).await? {
            Asked::Given(start) => return Ok(start),
            // Somebody was faster: look again.
            Asked::Refused(_) if holder(office).await?.is_some() => {}
            Asked::Refused(message) => return Err(WorkerError::Refused { message }),
        }
    }
}

/// Asks for the name, which answers our start if we have it still.
pub(crate) async fn ask_again(office: &Office) -> Result<Asked, WorkerError> {
    let here = place::here(&office.settings.runs())?;
    Ok(ask(office, &here).await?)
}

async fn ask(office: &Office, here: &Place) -> Result<Asked, StoreError> {
    let asked = office.uptime();
    let settings = &office.settings;
    let join = Join {
        agent: settings.agent.clone(),
        role: settings.role.clone(),
        cli: settings.cli_name.clone(),
        place: here.clone(),
    };
    Ok(match office.ask(&office.letter(&Input::Join(join))).await? {
        Answer::Joined { generation } => Asked::Given(Start { generation, asked }),
        Answer::Refused { message, .. } | Answer::Applied { message } => Asked::Refused(message),
    })
}

/// Who has the name, if anybody is believed to.
async fn holder(office: &Office) -> Result<Option<Agent>, StoreError> {
    let view = office.persist(|| office.store().town()).await?;
    let roster = records::load_roster(&view)?;
    Ok(roster.get(&office.settings.agent).filter(|agent| agent.is_present()).cloned())
}

/// Returns once the holder is known to be gone, or may be asked for the name because it is us.
async fn make_way(office: &Office, holder: &Agent, here: &Place) -> Result<(), WorkerError> {
    if holder.place == *here {
        return Ok(());
    }
    match place::fate(&holder.place) {
        Fate::Gone => bury(office, holder).await,
        Fate::Alive => Err(taken(holder)),
        Fate::Unknown if !office.settings.wait_for_name => Err(taken(holder)),
        Fate::Unknown => wait_out(office, holder).await,
    }
}

fn taken(holder: &Agent) -> WorkerError {
    WorkerError::NameTaken {
        agent: holder.name.clone(),
        host: holder.place.host.clone(),
        pid: holder.place.pid,
    }
}

/// Its processes first: once it is said to be gone, its work may be given to others.
async fn bury(office: &Office, holder: &Agent) -> Result<(), WorkerError> {
    clear(office, Path::new(&holder.place.runs), Which::All).await?;
    let gone = Input::Gone {
        agent: holder.name.clone(),
        generation: holder.generation,
        reason: "its worker's process had ended".to_owned(),
    };
    // Refused if somebody else said so before; either way it is settled.
    office.ask(&office.letter(&gone)).await?;
    Ok(())
}

/// Dispatchers declare it lost once it is silent for its lease; until then nobody may take the name.
async fn wait_out(office: &Office, old: &Agent) -> Result<(), WorkerError> {
    office.say(&Progress::NameHeld { host: old.place.host.clone() });
    let pause = (office.settings.lease / 20).clamp(Duration::from_millis(20), Duration::from_secs(1));
    loop {
        tokio::time::sleep(pause).await;
        match holder(office).await? {
            Some(agent) if agent.generation == old.generation => {}
            _ => return Ok(()),
        }
    }
}

/// Removes what is left of runs in this folder, however long it takes.
pub(crate) async fn clear(office: &Office, runs: &Path, which: Which) -> Result<(), RunFileError> {
    loop {
        let swept = sweep_in_background(runs.to_owned(), which).await?;
        tell(office, &swept);
        if swept.surviving.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn sweep_in_background(runs: PathBuf, which: Which) -> Result<Swept, RunFileError> {
    let swept = tokio::task::spawn_blocking(move || sweep(&runs, which));
    swept.await.expect("sweeping neither panics nor is it cancelled")
}

fn tell(office: &Office, swept: &Swept) {
    let killed = swept.removed.iter().map(|run| run.killed).sum();
    if killed > 0 {
        office.say(&Progress::Swept { killed });
    }
    for run in &swept.surviving {
        let pids: Vec<String> = run.processes.iter().map(|process| process.pid.to_string()).collect();
        office.say(&Progress::SweepStuck(format!("processes {} of run {}", pids.join(", "), run.run)));
    }
    for error in &swept.unreadable {
        office.say(&Progress::Trouble(chain(error)));
    }
}
