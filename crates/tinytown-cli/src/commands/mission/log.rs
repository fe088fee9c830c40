//! `tt mission log`: the events of a mission, in order.

use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tinytown_core::event::Event;
use tinytown_core::id::{ItemKey, MissionId};
use tinytown_core::roster::RosterChange;
use tinytown_core::time::Time;
use tinytown_store::codec::decode;
use tinytown_store::records::StepRecord;
use tinytown_store::{Archive, Record, Scope, StoreError};

use crate::app::App;
use crate::compose::Composed;
use crate::failure::Failure;
use crate::render::event;
use crate::resolve;

/// How many steps are read at once.
const BATCH: usize = 256;
/// Between two looks for further steps.
const PAUSE: Duration = Duration::from_millis(200);

/// Arguments of `tt mission log`.
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// The mission, by the beginning of its id
    id: String,
    /// Go on until the mission has ended
    #[arg(short, long, conflicts_with = "json")]
    follow: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Log {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let composed = Composed::open(app.town()?).await?;
        let store = &*composed.store;
        let id = resolve::mission(store, &self.id).await?;
        if self.json {
            // A mission without a step does not exist; reading it says so.
            store.mission(id).await?;
            let steps = all(store, id).await?;
            let events: Vec<Value> = steps.iter().flat_map(|(seq, step)| event::json(*seq, step)).collect();
            return app.terminal.json(&serde_json::json!({ "events": events }));
        }
        store.mission(id).await?;
        let mut after = 0;
        loop {
            let steps = some(store, id, after).await?;
            for (seq, step) in &steps {
                app.terminal.lines(&event::lines(*seq, step))?;
                after = *seq;
            }
            let ended = steps.iter().flat_map(|(_, step)| &step.events).any(is_end);
            if ended || (!self.follow && steps.len() < BATCH) {
                return Ok(());
            }
            if steps.is_empty() {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

const fn is_end(event: &Event) -> bool {
    matches!(event, Event::MissionCompleted | Event::MissionFailed { .. })
}

/// Every step of a mission.
pub(crate) async fn all(store: &dyn Archive, id: MissionId) -> Result<Vec<(u64, StepRecord)>, Failure> {
    those(store, Scope::Mission(id), |_| true).await
}

/// What came of a step, without what led to it: inputs and effects are most of a history, and need not be decoded.
#[derive(Debug, Deserialize)]
pub(crate) struct StepDigest {
    /// When it was decided.
    pub(crate) now: Time,
    /// What became true.
    #[serde(default)]
    pub(crate) events: Vec<Event>,
    /// What changed among the agents.
    #[serde(default)]
    pub(crate) roster: Vec<RosterChange>,
}

/// What came of every step of a mission, or of every one of the town that is of no mission.
pub(crate) async fn digests(store: &dyn Archive, scope: Scope) -> Result<Vec<(u64, StepDigest)>, Failure> {
    those(store, scope, |_| true).await
}

/// Every step of a mission that may be about an item: the others do not hold its key, and need not be decoded.
pub(crate) async fn about(
    store: &dyn Archive,
    id: MissionId,
    item: &ItemKey,
) -> Result<Vec<(u64, StepRecord)>, Failure> {
    let written = Value::from(item.as_str()).to_string();
    those(store, Scope::Mission(id), |record| record.0.contains(&written)).await
}

async fn those<T: DeserializeOwned>(
    store: &dyn Archive,
    scope: Scope,
    wanted: impl Fn(&Record) -> bool,
) -> Result<Vec<(u64, T)>, Failure> {
    let (mut steps, mut after) = (Vec::new(), 0);
    loop {
        let more = store.steps(scope, after, BATCH).await?;
        let Some((last, _)) = more.last() else { return Ok(steps) };
        after = *last;
        for (seq, record) in more.iter().filter(|(_, record)| wanted(record)) {
            steps.push((*seq, read(scope, *seq, record)?));
        }
    }
}

async fn some(store: &dyn Archive, id: MissionId, after: u64) -> Result<Vec<(u64, StepRecord)>, Failure> {
    let steps = store.steps(Scope::Mission(id), after, BATCH).await?;
    steps.iter().map(|(seq, record)| Ok((*seq, read(Scope::Mission(id), *seq, record)?))).collect()
}

fn read<T: DeserializeOwned>(scope: Scope, seq: u64, record: &Record) -> Result<T, StoreError> {
    let what = match scope {
        Scope::Town => format!("step {seq} of the town"),
        Scope::Mission(id) => format!("step {seq} of mission {id}"),
    };
    decode(&what, record)
}
