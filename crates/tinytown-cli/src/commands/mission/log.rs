//! `tt mission log`: the events of a mission, in order.

use std::time::Duration;

use clap::Args;
use serde_json::Value;
use tinytown_core::event::Event;
use tinytown_core::id::{ItemKey, MissionId};
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
    those(store, id, |_| true).await
}

/// Every step of a mission that may be about an item: the others do not hold its key, and need not be decoded.
pub(crate) async fn about(
    store: &dyn Archive,
    id: MissionId,
    item: &ItemKey,
) -> Result<Vec<(u64, StepRecord)>, Failure> {
    let written = Value::from(item.as_str()).to_string();
    those(store, id, |record| record.0.contains(&written)).await
}

async fn those(
    store: &dyn Archive,
    id: MissionId,
    wanted: impl Fn(&Record) -> bool,
) -> Result<Vec<(u64, StepRecord)>, Failure> {
    let (mut steps, mut after) = (Vec::new(), 0);
    loop {
        let more = store.steps(Scope::Mission(id), after, BATCH).await?;
        let Some((last, _)) = more.last() else { return Ok(steps) };
        after = *last;
        for (seq, record) in more.iter().filter(|(_, record)| wanted(record)) {
            steps.push((*seq, read(id, *seq, record)?));
        }
    }
}

async fn some(store: &dyn Archive, id: MissionId, after: u64) -> Result<Vec<(u64, StepRecord)>, Failure> {
    let steps = store.steps(Scope::Mission(id), after, BATCH).await?;
    steps.iter().map(|(seq, record)| Ok((*seq, read(id, *seq, record)?))).collect()
}

fn read(id: MissionId, seq: u64, record: &Record) -> Result<StepRecord, StoreError> {
    decode(&format!("step {seq} of mission {id}"), record)
}
