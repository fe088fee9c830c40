//! `tt demo`: the tutorial's mission in a throw-away repository. Scripted agents; everything else is
//! real: git, worker processes, checks, review, merges.

mod ground;
mod timeline;

use std::path::{Path, PathBuf};

use clap::Args;
use tinytown_core::id::{AgentName, MissionId, Role};
use tinytown_core::kinds::role_of_name;
use tinytown_core::mission::MissionState;
use tinytown_dispatcher::Mode;
use tinytown_store::records;
use tokio::sync::watch;

use super::mission::until_done::{self, Watching};
use super::mission::{dispatch, log, start::Start};
use super::{kill, spawn, work};
use crate::app::App;
use crate::compose::{Composed, Hand};
use crate::failure::{ExitCode, Failure};
use crate::signals;
use crate::terminal::Terminal;

/// The tutorial's team, and who reviews.
const TEAM: [&str; 4] = ["designer", "backend", "tester", "reviewer"];

/// Arguments of `tt demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// A new or empty folder, which is kept; else a temporary one, which is not
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Where the town lives; else in a file in its folder
    #[arg(long, value_name = "URL")]
    store: Option<String>,
}

impl Demo {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let terminal = app.terminal;
        let (stop, stopped) = watch::channel(false);
        signals::on_stop(stop.clone())?;
        let ground = ground::prepare(self.dir.as_deref(), self.store.clone()).await?;
        let root = ground.town.root.clone();
        terminal
            .heading(format!("A repository with the three issues of the tutorial: {}", root.display()))?;
        let composed = Composed::open(ground.town.clone()).await?;
        let outcome = play(terminal, &composed, &stop, stopped).await;
        dismiss(terminal, &composed).await;
        match outcome {
            Ok(End::Completed) => tell_where(terminal, self.dir.as_deref()),
            Ok(End::Interrupted) => {
                Err(Failure::new(ExitCode::Failed, "interrupted; the agents were sent home"))
            }
            Err(failure) => {
                if let Some(folder) = ground.folder {
                    // Whoever wants to know why finds everything there.
                    terminal.note(format!("Everything is kept in {}", folder.keep().display()));
                }
                Err(failure)
            }
        }
    }
}

/// How the demonstration ended, if nothing failed.
enum End {
    /// With its mission.
    Completed,
    /// By a signal.
    Interrupted,
}

fn tell_where(terminal: Terminal, dir: Option<&Path>) -> Result<(), Failure> {
    match dir {
        Some(dir) => terminal
            .line(format!("It lies in {0}; look with: git -C {0} log --graph --oneline", dir.display())),
        None => terminal.line("The repository was temporary and is gone; keep one with: tt demo --dir DIR"),
    }
}

/// From the first agent to the end of the mission.
async fn play(
    terminal: Terminal,
    composed: &Composed,
    stop: &watch::Sender<bool>,
    stopped: watch::Receiver<bool>,
) -> Result<End, Failure> {
    for name in TEAM {
        let hand = hand(name)?;
        spawn::background(terminal, composed, &hand).await?;
        work::ready(terminal, &hand)?;
    }
    // It is the demonstration that starts the dispatcher; nobody needs to be told to.
    let start = Start::merging(&[1, 2, 3]);
    let id = start.begin(terminal.without_talk(), composed, start.named()?).await?;
    let mut watching = Watching::begin(&*composed.store, Some(id)).await?;
    let serving = dispatch::serve(terminal.without_talk(), composed, Mode::Serve, Some(id), stopped);
    let waiting = async {
        let ended = until_done::wait(&*composed.store, &mut watching, false).await;
        let _ = stop.send(true);
        ended
    };
    tokio::pin!(serving);
    let ended = tokio::select! {
        // Only a signal ends the dispatcher before the mission has ended.
        served = &mut serving => served.map(|()| End::Interrupted),
        ended = waiting => {
            serving.await?;
            ended.map(|()| End::Completed)
        }
    };
    tell_story(terminal, composed, id).await?;
    ended
}

fn hand(name: &str) -> Result<Hand, Failure> {
    let name = work::agent_name(name)?;
    let role: Option<Role> = role_of_name(&name);
    Ok(Hand { name, role, cli: ground::CLI.to_owned() })
}

/// The timeline, and how it ended.
async fn tell_story(terminal: Terminal, composed: &Composed, id: MissionId) -> Result<(), Failure> {
    let head = records::load_head(&composed.store.mission(id).await?.row)?;
    terminal.heading("⏱  Timeline")?;
    terminal.lines(&timeline::lines(&log::all(&*composed.store, id).await?))?;
    match head.state {
        MissionState::Completed => {
            terminal.heading("✅ Completed: three pull requests were checked, reviewed and merged")
        }
        state => terminal.heading(format!("The mission is {}", state.as_str())),
    }
}

/// Ends the workers, whatever happened before.
async fn dismiss(terminal: Terminal, composed: &Composed) {
    let names = TEAM.iter().filter_map(|name| AgentName::new(name).ok());
    for name in names {
        match kill::kill(terminal, composed, &name, true).await {
            Err(failure) if failure.code() != ExitCode::NotFound => terminal.failure(&failure),
            _ => {}
        }
    }
}
