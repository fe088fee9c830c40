//! `tt mission graph`: what comes after what, and how far it is.

use clap::{Args, ValueEnum};
use tinytown_core::picture::Picture;
use tinytown_store::records::load_roster;

use crate::app::App;
use crate::compose::Composed;
use crate::failure::Failure;
use crate::render::picture::of_mission;
use crate::resolve;

/// Arguments of `tt mission graph`.
#[derive(Debug, Args)]
pub(crate) struct Graph {
    /// The mission, by the beginning of its id
    id: String,
    /// How it is drawn
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// One JSON object: the same picture as nodes with their dependencies
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// Ways of drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For terminals
    Text,
    /// For Markdown on GitHub and elsewhere
    Mermaid,
    /// For Graphviz
    Dot,
}

impl Graph {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let composed = Composed::open(app.town()?).await?;
        let store = &*composed.store;
        let mission = resolve::loaded(store, &self.id).await?;
        let roster = load_roster(&store.town().await?)?;
        let picture = of_mission(&mission, &roster);
        if self.json {
            return app.terminal.json(&json(&picture));
        }
        let drawn = match self.format {
            Format::Text => picture.text(),
            Format::Mermaid => picture.mermaid(),
            Format::Dot => picture.dot(),
        };
        let lines: Vec<String> = drawn.lines().map(str::to_owned).collect();
        app.terminal.lines(&lines)
    }
}

fn json(picture: &Picture) -> serde_json::Value {
    let node = |node: &tinytown_core::picture::Node| {
        serde_json::json!({
            "key": node.key,
            "title": node.title,
            "note": node.note,
            "depends_on": node.depends_on,
            "external": node.external,
            "critical": node.critical,
        })
    };
    serde_json::json!({ "nodes": picture.nodes.iter().map(node).collect::<Vec<_>>() })
}
