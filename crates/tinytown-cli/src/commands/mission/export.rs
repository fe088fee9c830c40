//! `tt mission export`: an ended mission as one file, with everything that the store holds of it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use tinytown_core::mission::Mission;
use tinytown_core::text::Text;
use tinytown_store::records::load_mission;
use tinytown_store::{MissionView, Record, Scope};

use crate::app::App;
use crate::compose::Composed;
use crate::failure::{ExitCode, Failure};
use crate::resolve;

/// How many steps are read at once.
const BATCH: usize = 256;

/// Arguments of `tt mission export`.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The mission, by the beginning of its id
    id: String,
    /// The file to write, which must not be there yet; - for standard output
    file: PathBuf,
}

impl Export {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let composed = Composed::open(app.town()?).await?;
        let id = resolve::mission(&*composed.store, &self.id).await?;
        let view = composed.store.mission(id).await?;
        let mission = load_mission(&view)?;
        if !mission.head().state.is_over() {
            let message = format!(
                "mission {id} is {}; only an ended one can be exported",
                mission.head().state.as_str()
            );
            let hint = format!(
                "end it with: tt mission stop {id} --force; or read it with: tt mission log {id} --json"
            );
            return Err(Failure::new(ExitCode::NotNow, message).hint(hint));
        }
        let written = whole(&composed, &mission, &view).await?;
        if self.file == Path::new("-") {
            return app.terminal.json(&written);
        }
        write(&self.file, &written)?;
        app.terminal.note(format!("mission {id} is in {}", self.file.display()));
        Ok(())
    }
}

/// The row, the records, the steps and the long texts, each as it stands in the store.
async fn whole(composed: &Composed, mission: &Mission, view: &MissionView) -> Result<Value, Failure> {
    let store = &composed.store;
    let mut steps: Vec<Value> = Vec::new();
    let mut after = 0;
    loop {
        let some = store.steps(Scope::Mission(mission.id()), after, BATCH).await?;
        let Some((last, _)) = some.last() else { break };
        after = *last;
        steps.extend(some.iter().map(|(seq, record)| json!({ "seq": seq, "step": parsed(record) })));
    }
    let mut texts = serde_json::Map::new();
    for item in mission.items() {
        if let Text::Stored { sha256: name, .. } = &item.spec.body {
            texts.insert(name.clone(), store.blob(name).await?.into());
        }
    }
    let records: serde_json::Map<String, Value> =
        view.records.iter().map(|(key, record)| (key.clone(), parsed(record))).collect();
    Ok(json!({
        "format": "tinytown-mission",
        "version": 1,
        "engine": env!("CARGO_PKG_VERSION"),
        "id": mission.id().to_string(),
        "charter": parsed(&view.row.charter),
        "head": parsed(&view.row.head),
        "records": records,
        "steps": steps,
        "texts": texts,
    }))
}

/// A record as JSON, which it is; kept as text if it cannot be read.
fn parsed(record: &Record) -> Value {
    serde_json::from_str(&record.0).unwrap_or_else(|_| record.0.as_str().into())
}

/// It holds the mission's texts: for the user alone, like the store. What cannot be written whole is removed.
fn write(file: &Path, written: &Value) -> Result<(), Failure> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut open = std::fs::OpenOptions::new();
    let opened = open.write(true).create_new(true).mode(0o600).open(file);
    let mut out = opened.map_err(|error| unwritten(file, &error))?;
    let whole = serde_json::to_string_pretty(written).map_err(std::io::Error::from);
    let written = whole.and_then(|text| {
        out.write_all(text.as_bytes())?;
        out.write_all(b"\n")?;
        out.sync_all()
    });
    written.map_err(|error| {
        // If that fails too, the message still says that it could not be written.
        let _ = std::fs::remove_file(file);
        unwritten(file, &error)
    })
}

fn unwritten(file: &Path, error: &std::io::Error) -> Failure {
    let shown = file.display();
    if error.kind() == std::io::ErrorKind::AlreadyExists {
        let message = format!("{shown} is there already, and is left as it is");
        return Failure::new(ExitCode::NotNow, message)
            .hint("name a file that is not there yet, or remove it");
    }
    Failure::from_error(ExitCode::Failed, error)
        .during(format!("could not write {shown}"))
        .hint("name a file in a folder that you may write to")
}
