//! `tt mission …`: one file per command.

mod add;
mod direct;
pub(crate) mod dispatch;
mod explain;
mod export;
pub(crate) mod gather;
mod graph;
mod list;
pub(crate) mod log;
mod note;
mod plan;
mod report;
mod resume;
pub(crate) mod start;
mod status;
mod stop;
pub(crate) mod tell;
pub(crate) mod until_done;

use clap::Subcommand;

use crate::app::App;
use crate::failure::Failure;

/// What can be done with missions.
#[derive(Debug, Subcommand)]
pub(crate) enum Mission {
    /// What start would do: the graph, waves, who would take what, and what stands in the way
    Plan(plan::Plan),
    /// Start a mission over issues
    Start(start::Start),
    /// Add issues or documents to a mission that has not ended, with the checks of start
    Add(add::Add),
    /// Run the dispatcher, for all missions of the town
    Dispatch(dispatch::Dispatch),
    /// How missions stand, and what they wait for
    Status(status::Status),
    /// Why something waits, on whom, until when, and what it would unblock
    Explain(explain::Explain),
    /// What comes after what: as text, mermaid or dot
    Graph(graph::Graph),
    /// What was done, by whom, and what it took
    Report(report::Report),
    /// Write an ended mission into a file
    Export(export::Export),
    /// What happened, event by event
    Log(log::Log),
    /// Tell a mission something: resume, pause, retry, redirect, approve, skip, merge, or any words
    Note(note::Note),
    /// Try again what gave up or waits: one item, or all that wait for a person
    Retry(direct::Retry),
    /// Leave an item out; what depends on it goes on without it
    Skip(direct::Skip),
    /// Give an item to one agent, taking it from another
    Redirect(direct::Redirect),
    /// Stop a mission; it can be resumed
    Stop(stop::Stop),
    /// Go on after a stop
    Resume(resume::Resume),
    /// All missions that have not ended
    List(list::List),
}

impl Mission {
    /// Runs it.
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        match self {
            Self::Plan(command) => command.run(app).await,
            Self::Start(command) => command.run(app).await,
            Self::Add(command) => command.run(app).await,
            Self::Dispatch(command) => command.run(app).await,
            Self::Status(command) => command.run(app).await,
            Self::Explain(command) => command.run(app).await,
            Self::Graph(command) => command.run(app).await,
            Self::Report(command) => command.run(app).await,
            Self::Export(command) => command.run(app).await,
            Self::Log(command) => command.run(app).await,
            Self::Note(command) => command.run(app).await,
            Self::Retry(command) => command.run(app).await,
            Self::Skip(command) => command.run(app).await,
            Self::Redirect(command) => command.run(app).await,
            Self::Stop(command) => command.run(app).await,
            Self::Resume(command) => command.run(app).await,
            Self::List(command) => command.run(app).await,
        }
    }
}
