//! The core alone, embedded: plan two issues, decide one step, simulate the whole mission.
#![expect(clippy::print_stdout, reason = "it prints what it finds")]

use tinytown_core::id::{AgentName, MissionId};
use tinytown_core::input::{Input, NewMission};
use tinytown_core::simulate::{self, Scenario, ScriptedAgent, ScriptedIssue};
use tinytown_core::time::Time;
use tinytown_core::town::Town;

fn issue(number: u64, title: &str, body: &str) -> ScriptedIssue {
    ScriptedIssue { number, title: title.to_owned(), body: body.to_owned(), ..ScriptedIssue::default() }
}

pub(crate) fn tell() -> Result<String, Box<dyn std::error::Error>> {
    let design = issue(1, "Design the auth API", "Tokens, or sessions?");
    let build = issue(2, "Implement the endpoints", "## Notes\n\n- Depends on #1, see *there*.");
    let agents = ["ann", "ben"].map(|name| Ok(ScriptedAgent::new(AgentName::new(name)?, None)));
    let agents = agents.into_iter().collect::<Result<_, tinytown_core::id::NameError>>()?;
    let scenario = Scenario { issues: vec![design, build], agents, ..Scenario::default() };

    let plan = scenario.plan()?;
    let waves = format!("waves: {:?}", plan.waves.iter().map(Vec::len).collect::<Vec<_>>());

    let id = MissionId("0c7f6d0e-8f43-4f6e-9d8d-2b1f6a5e4c3b".parse()?);
    let objectives = plan.items.iter().map(|item| item.key.to_string()).collect();
    let new = NewMission { id, policy: scenario.policy.clone(), objectives, items: plan.items };
    let decided = Town::default().decide(&Input::Start(Box::new(new)), Time::from_millis(0));
    let first = format!("first step: {:?}", decided.step.events);

    let transcript = simulate::run(&scenario)?;
    Ok(format!("{waves}\n{first}\n\n{transcript}"))
}

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{}", tell()?);
    Ok(())
}
