//! The agents and the dispatcher: who is there, who has gone, and whether anybody decides.

use std::time::{Duration, Instant};

use tinytown_core::roster::{Agent, AgentState};
use tinytown_host::process::Fate;
use tinytown_store::Lease;

use super::Scene;
use super::finding::Finding;
use crate::compose;
use crate::proof::Holder;
use crate::render::count;

/// Between two looks at the heartbeat.
const PAUSE: Duration = Duration::from_millis(50);
/// A heart that beats less often than this is not waited for.
const LONGEST_WATCH: Duration = Duration::from_millis(4500);
const DISPATCH: &str = "start one with: tt mission dispatch";

/// Who works here.
pub(super) fn agents(scene: &Scene<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = scene.roster.iter().map(|one| agent(scene, one)).collect();
    if !scene.roster.iter().any(Agent::is_present) {
        let mend = "start one with: tt spawn NAME --role ROLE (without a role it takes anything)";
        findings.push(Finding::warning("agents", "no agent is there", mend));
    }
    findings
}

fn agent(scene: &Scene<'_>, agent: &Agent) -> Finding {
    let name = &agent.name;
    let log = scene.town.log_of(name);
    let role = agent.role.as_ref().map_or_else(|| "no role".to_owned(), |role| format!("role {role}"));
    let who = format!("agent {name} ({role}, cli {})", agent.cli);
    let again =
        format!("see why in {}\nstart it again with: tt spawn {name} --cli {}", log.display(), agent.cli);
    let again = match &agent.role {
        // A role may come from anywhere; only one that is a plain word is put into a command.
        Some(role) if super::work::is_plain(role.as_str()) => format!("{again} --role {role}"),
        _ => again,
    };
    match &agent.state {
        AgentState::Gone if scene.missions.is_empty() => {
            Finding::ok("agents", format!("{who} has gone; its log: {}", log.display()))
        }
        AgentState::Gone => Finding::warning("agents", format!("{who} has gone"), again),
        _ if tinytown_agent::place::fate(&agent.place) == Fate::Gone => {
            let message = format!("{who}: its worker, process {}, has ended", agent.place.pid);
            Finding::warning("agents", message, again)
        }
        AgentState::Idle => Finding::ok("agents", format!("{who} is idle")),
        AgentState::Busy(claim) => Finding::ok("agents", format!("{who} is at work on {}", claim.item)),
    }
}

/// Whether anybody decides and acts.
pub(super) async fn dispatcher(scene: &Scene<'_>) -> Vec<Finding> {
    let lease = &scene.glance.vitals.lease;
    let waiting = match scene.glance.inputs_waiting {
        0 => String::new(),
        waiting => format!("; {} not applied yet", count(waiting, "input")),
    };
    let warn = |message: String| Finding::warning("dispatcher", message + &waiting, DISPATCH);
    let Some(record) = &lease.holder else { return vec![warn("no dispatcher is running".to_owned())] };
    let holder = Holder::read(record);
    let name = holder.as_ref().map_or_else(|| "a process that cannot be named".to_owned(), Holder::to_string);
    let fate = holder.map_or(Fate::Unknown, |holder| holder.process.fate());
    vec![match (fate, beats(scene, lease).await) {
        (Fate::Gone, _) => warn(format!("the dispatcher, {name}, has died")),
        (_, Some(true)) => Finding::ok("dispatcher", format!("dispatcher {name} is running: heartbeat seen")),
        (Fate::Alive, None) => Finding::ok("dispatcher", format!("dispatcher {name} is running")),
        (Fate::Unknown, None) => {
            Finding::ok("dispatcher", format!("dispatcher {name}; whether it lives cannot be told from here"))
        }
        (_, Some(false)) => {
            let mend = "if it is paused (Ctrl-Z), let it go on with: fg\nanother takes over by itself: tt mission dispatch";
            let message = format!("the dispatcher, {name}, shows no sign of life{waiting}");
            Finding::warning("dispatcher", message, mend)
        }
    }]
}

/// Whether the holder of the lease renews it; nothing if that would take too long to see, or if the
/// store cannot be asked again.
async fn beats(scene: &Scene<'_>, lease: &Lease) -> Option<bool> {
    // It is renewed three times within its time.
    let watch =
        Duration::from_millis(scene.town.config.timing.dispatcher_lease_ms / 3) + Duration::from_secs(1);
    if watch > LONGEST_WATCH {
        return None;
    }
    let store = compose::onlooker(scene.town).await.ok()?;
    let began = Instant::now();
    while began.elapsed() < watch {
        tokio::time::sleep(PAUSE).await;
        let seen = store.vitals().await.ok()?.lease;
        if (seen.epoch, seen.counter) != (lease.epoch, lease.counter) {
            return Some(true);
        }
    }
    Some(false)
}
