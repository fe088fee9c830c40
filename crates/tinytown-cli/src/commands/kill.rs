//! `tt kill`: asks an agent to leave.

use std::time::{Duration, Instant};

use clap::Args;
use tinytown_core::id::AgentName;
use tinytown_core::input::Input;
use tinytown_core::roster::Agent;
use tinytown_dispatcher::ProofOfDeath as _;
use tinytown_store::records;

use super::mission::tell::tell_waiting;
use super::work::agent_name;
use crate::app::App;
use crate::compose::Composed;
use crate::failure::{ExitCode, Failure};
use crate::proof::Proof;
use crate::terminal::Terminal;

/// How long an agent that is not at work may take to leave.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks whether it has.
const PAUSE: Duration = Duration::from_millis(50);

/// Arguments of `tt kill`.
#[derive(Debug, Args)]
pub(crate) struct Kill {
    /// The agent's name
    name: String,
    /// Even if it is at work: its attempt is cancelled
    #[arg(long)]
    force: bool,
}

impl Kill {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let composed = Composed::open(app.town()?).await?;
        let said = kill(app.terminal, &composed, &agent_name(&self.name)?, self.force).await?;
        app.terminal.line(said)
    }
}

/// Asks an agent to leave, waits until it has if that can be soon, and says how it stands.
pub(super) async fn kill(
    terminal: Terminal,
    composed: &Composed,
    name: &AgentName,
    force: bool,
) -> Result<String, Failure> {
    let agent = present(composed, name).await?.ok_or_else(|| unknown(name))?;
    if bury(composed, &agent).await? {
        return Ok(format!("Agent {name} was dead already; its name is free"));
    }
    let applied = composed.apply(&Input::Retire { agent: name.clone(), force }, Vec::new()).await?;
    if let Some(claim) = agent.claim().filter(|_| !force) {
        tell_waiting(terminal, &applied);
        return Ok(format!("Agent {name} leaves once its work on {} is over", claim.item));
    }
    if wait_until_gone(composed, &agent).await? {
        return Ok(format!("Agent {name} has left"));
    }
    let message =
        format!("agent {name} was asked to leave and is still there after {} s", PATIENCE.as_secs());
    Err(Failure::new(ExitCode::Failed, message).hint(format!("see what it does with: tt logs {name}")))
}

fn unknown(name: &AgentName) -> Failure {
    Failure::new(ExitCode::NotFound, format!("no agent {name} in this town"))
        .hint("see who is there with: tt status")
}

async fn present(composed: &Composed, name: &AgentName) -> Result<Option<Agent>, Failure> {
    let roster = records::load_roster(&composed.store.town().await?)?;
    Ok(roster.get(name).filter(|agent| agent.is_present()).cloned())
}

/// Says that an agent is gone, if its worker is dead for certain.
async fn bury(composed: &Composed, agent: &Agent) -> Result<bool, Failure> {
    let dead = agent.clone();
    let proof = tokio::task::spawn_blocking(move || Proof.of_agent(&dead)).await;
    let Some(reason) = proof.ok().flatten() else { return Ok(false) };
    let gone = Input::Gone { agent: agent.name.clone(), generation: agent.generation, reason };
    match composed.apply(&gone, Vec::new()).await {
        // Somebody else said so before.
        Err(failure) if failure.code() == ExitCode::NotNow => Ok(true),
        applied => applied.map(|_| true),
    }
}

/// Waits until this start of it is gone. A worker that died meanwhile counts, dispatcher or not.
async fn wait_until_gone(composed: &Composed, agent: &Agent) -> Result<bool, Failure> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        match present(composed, &agent.name).await? {
            Some(now) if now.generation == agent.generation => {}
            _ => return Ok(true),
        }
        if bury(composed, agent).await? {
            return Ok(true);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(false)
}
