//! Telling one mission something, and printing what it answers.

use tinytown_core::id::MissionId;
use tinytown_core::input::{Answer, Input, MissionInput};
use tinytown_core::mission::Head;
use tinytown_core::roster::OPERATOR;
use tinytown_dispatcher::Applied;
use tinytown_store::records;

use crate::app::App;
use crate::compose::{self, Composed};
use crate::failure::{ExitCode, Failure};
use crate::resolve;
use crate::terminal::Terminal;

/// Posts it, waits until it was applied, and prints the answer, or `said` if there are no words in it.
pub(super) async fn tell(app: &App, id: &str, what: MissionInput, said: &str) -> Result<(), Failure> {
    let composed = Composed::open(app.town()?).await?;
    tell_in(app.terminal, &composed, id, what, said).await
}

/// The same for a note, in the name of whoever gives it.
pub(super) async fn tell_note(app: &App, id: &str, text: String) -> Result<(), Failure> {
    let composed = Composed::open(app.town()?).await?;
    let by = signature(&composed).await?;
    tell_in(app.terminal, &composed, id, MissionInput::Note { text, by }, "noted").await
}

/// A person who is called like an agent of the town is not to be taken for it.
async fn signature(composed: &Composed) -> Result<String, Failure> {
    if let Some(agent) = compose::calling_agent() {
        return Ok(agent);
    }
    let roster = records::load_roster(&composed.store.town().await?)?;
    let name = compose::operator();
    Ok(if roster.counts_as_agent(&name) { OPERATOR.to_owned() } else { name })
}

async fn tell_in(
    terminal: Terminal,
    composed: &Composed,
    id: &str,
    what: MissionInput,
    said: &str,
) -> Result<(), Failure> {
    let mission = resolve::mission(&*composed.store, id).await?;
    let view = composed.store.mission(mission).await?;
    must_go_on(mission, &records::load_head(&view.row)?)?;
    let applied = composed.apply(&Input::Mission { mission, what }, Vec::new()).await?;
    let message = match &applied.answer {
        Answer::Applied { message } if !message.is_empty() => message.as_str(),
        _ => said,
    };
    terminal.line(format!("Mission {mission}: {message}"))?;
    tell_waiting(terminal, &applied);
    Ok(())
}

/// A mission that has ended is told nothing any more.
pub(super) fn must_go_on(mission: MissionId, head: &Head) -> Result<(), Failure> {
    if !head.state.is_over() {
        return Ok(());
    }
    let message = format!("mission {mission} has ended ({})", head.state.as_str());
    Err(Failure::new(ExitCode::NotNow, message).hint("start another one with: tt mission start"))
}

/// Says what is left undone because no dispatcher runs.
pub(crate) fn tell_waiting(terminal: Terminal, applied: &Applied) {
    match applied.effects_waiting {
        None | Some(0) => {}
        Some(1) => {
            terminal.note("No dispatcher is running: 1 effect waits. Start it with: tt mission dispatch");
        }
        Some(n) => {
            terminal.note(format!(
                "No dispatcher is running: {n} effects wait. Start it with: tt mission dispatch"
            ));
        }
    }
}
