//! All that is known about what a request asks, read from the store.

use tinytown_core::event::Event;
use tinytown_core::id::ItemKey;
use tinytown_core::mission::{ItemIx, Mission};
use tinytown_core::observation::{CheckReport, Checks};
use tinytown_core::roster::Roster;
use tinytown_store::records::{self, StepRecord};
use tinytown_store::{Archive, Scope, Store, StoreError, codec};

use super::request::Request;

/// How many ends of attempts are told, the last ones.
const ATTEMPTS: usize = 6;
/// How many steps of a history are read at once.
const BATCH: usize = 500;

/// What is known.
pub(super) struct Dossier {
    /// The mission.
    pub(super) mission: Mission,
    /// The town's agents.
    pub(super) roster: Roster,
    /// The item that is asked about.
    pub(super) item: Option<ItemIx>,
    /// Its text.
    pub(super) body: String,
    /// How attempts at it, at its fixes and at its reviews ended, oldest first.
    pub(super) attempts: Vec<String>,
    /// What a check of it said last, with its output, unless it passed.
    pub(super) check: Option<(CheckReport, String)>,
}

/// Reads it.
pub(super) async fn gather(store: &dyn Store, request: &Request) -> Result<Dossier, StoreError> {
    let roster = records::load_roster(&store.town().await?)?;
    let mission = records::load_mission(&store.mission(request.help.mission).await?)?;
    let item = request.help.item.as_ref().and_then(|key| mission.find(key));
    let mut dossier =
        Dossier { mission, roster, item, body: String::new(), attempts: Vec::new(), check: None };
    let Some(ix) = item else { return Ok(dossier) };
    let item = dossier.mission.item(ix);
    let archive: &dyn Archive = store;
    dossier.body = codec::resolve(archive, &item.spec.body).await?;
    if let Some(report) = item.now.gates.last_checks().and_then(Checks::report).cloned() {
        let output = codec::resolve(archive, &report.output).await?;
        dossier.check = Some((report, output));
    }
    dossier.attempts = attempts(archive, &dossier.mission, ix).await?;
    Ok(dossier)
}

async fn attempts(archive: &dyn Archive, mission: &Mission, ix: ItemIx) -> Result<Vec<String>, StoreError> {
    let concerns = |key: &ItemKey| {
        mission.find(key).is_some_and(|found| found == ix || mission.item(found).parent == Some(ix))
    };
    let (mut told, mut after) = (Vec::new(), 0);
    loop {
        let steps = archive.steps(Scope::Mission(mission.id()), after, BATCH).await?;
        let Some((last, _)) = steps.last() else { break };
        after = *last;
        for (seq, record) in &steps {
            let step: StepRecord = codec::decode(&format!("step {seq}"), record)?;
            let about = step.events.iter().filter(|event| event.item().is_some_and(concerns));
            told.extend(about.filter_map(ended));
        }
    }
    told.drain(..told.len().saturating_sub(ATTEMPTS));
    Ok(told)
}

fn ended(event: &Event) -> Option<String> {
    match event {
        Event::AttemptFailed { item, agent, attempt, cause, detail, .. } => {
            Some(format!("{item}, attempt {attempt} by {agent} failed ({cause}): {detail}"))
        }
        Event::AttemptLost { item, agent, attempt, detail, .. } => {
            Some(format!("{item}, attempt {attempt} by {agent} was lost: {detail}"))
        }
        _ => None,
    }
}
