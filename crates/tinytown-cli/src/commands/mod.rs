//! The commands: one file each, with its arguments, one call and what is printed of the answer.

mod addressee;
mod assign;
mod completions;
mod conductor;
mod config;
mod demo;
mod doctor;
mod inbox;
mod init;
mod kill;
mod logs;
mod man;
pub(crate) mod mission;
mod send;
mod spawn;
mod status;
mod work;

use clap::Subcommand;

use crate::app::App;
use crate::failure::Failure;

/// What `tt` can be told to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make this repository a town
    Init(init::Init),
    /// Show or change tinytown.toml
    Config(config::Config),
    /// Start an agent
    Spawn(spawn::Spawn),
    /// Start the agent that answers when a mission asks for help
    Conductor(conductor::Conductor),
    /// Ask an agent to leave
    Kill(kill::Kill),
    /// Agents and missions at a glance
    Status(status::Status),
    /// Look at everything that a night depends on, and say how to mend it
    Doctor(doctor::Doctor),
    /// What an agent's worker wrote
    Logs(logs::Logs),
    /// Give one agent something to do, as a mission of its own
    Assign(assign::Assign),
    /// Say something to an agent, with its next prompt
    Send(send::Send),
    /// Letters that wait, newest last
    Inbox(inbox::Inbox),
    /// Start, watch and steer missions
    #[command(subcommand, arg_required_else_help = true)]
    Mission(mission::Mission),
    /// Run the tutorial's mission in a throw-away repository, with scripted agents
    Demo(demo::Demo),
    /// Print what makes a shell complete words of tt
    Completions(completions::Completions),
    /// Manual pages: tt(1), or one for each command into a folder
    Man(man::Man),
    /// The process that serves one agent
    #[command(hide = true)]
    Work(work::Work),
    /// The process that supervises one command
    #[command(hide = true)]
    Supervise,
}

impl Command {
    /// Runs it.
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        match self {
            Self::Init(command) => command.run(app).await,
            Self::Config(command) => command.run(app),
            Self::Spawn(command) => command.run(app).await,
            Self::Conductor(command) => command.run(app).await,
            Self::Kill(command) => command.run(app).await,
            Self::Status(command) => command.run(app).await,
            Self::Doctor(command) => command.run(app).await,
            Self::Logs(command) => command.run(app).await,
            Self::Assign(command) => command.run(app).await,
            Self::Send(command) => command.run(app).await,
            Self::Inbox(command) => command.run(app).await,
            Self::Mission(command) => command.run(app).await,
            Self::Demo(command) => command.run(app).await,
            Self::Completions(command) => command.run(app),
            Self::Man(command) => command.run(app),
            Self::Work(command) => command.run(app).await,
            // It needs no runtime and was run before there was one.
            Self::Supervise => Ok(()),
        }
    }
}
