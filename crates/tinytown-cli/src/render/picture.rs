//! Plans and missions as pictures: which words and symbols stand at each item.

use std::collections::HashSet;

use tinytown_core::id::{AgentName, ItemKey};
use tinytown_core::item::ItemSpec;
use tinytown_core::mission::{Item, Mission, Phase, Wait};
use tinytown_core::picture::{Node, Picture};
use tinytown_core::plan::{Forecast, Plan};
use tinytown_core::roster::Roster;

use super::item::icon;

/// A plan, with who would take what.
pub(crate) fn of_plan(plan: &Plan, forecast: &Forecast) -> Picture {
    let critical: HashSet<&ItemKey> = plan.critical_path.iter().collect();
    let nodes = plan.items.iter().zip(&forecast.agents).map(|(item, agent)| {
        let phase = if item.skip { Phase::Skipped } else { Phase::Pending };
        let mut node = node(item, phase);
        node.note = planned(item, agent.as_ref());
        node.critical = critical.contains(&item.key);
        node
    });
    Picture { nodes: nodes.collect() }
}

/// A mission as it stands. What mends or reviews an item comes after it.
pub(crate) fn of_mission(mission: &Mission, roster: &Roster) -> Picture {
    let nodes = mission.items().iter().zip(mission.waits(roster)).map(|(item, wait)| {
        let mut node = node(&item.spec, item.now.phase);
        node.note = standing(item, wait.as_ref());
        node.depends_on = item.depends_on().map(|(on, _)| on).collect();
        node.depends_on.extend(item.parent.map(|parent| mission.item(parent).spec.key.clone()));
        node.external = item.now.externals.iter().map(ToString::to_string).collect();
        node
    });
    Picture { nodes: nodes.collect() }
}

fn node(item: &ItemSpec, phase: Phase) -> Node {
    Node {
        key: item.key.clone(),
        title: item.title.clone(),
        mark: icon(phase).trim_end().to_owned(),
        note: String::new(),
        depends_on: item.depends_on.iter().map(|dependency| dependency.on.clone()).collect(),
        external: item.external.iter().map(|external| external.on.to_string()).collect(),
        critical: false,
        faded: phase == Phase::Skipped,
    }
}

fn planned(item: &ItemSpec, agent: Option<&AgentName>) -> String {
    let who = match (agent, &item.role) {
        _ if item.skip => return "skipped".to_owned(),
        (Some(agent), _) => agent.to_string(),
        (None, Some(wish)) => format!("nobody ({})", wish.role),
        (None, None) => "nobody".to_owned(),
    };
    match item.priority {
        0 => format!("{}, {who}", item.kind),
        priority => format!("{}, {who}, priority {priority}", item.kind),
    }
}

/// Where an item stands, in a few words: what waits for others the picture shows itself.
fn standing(item: &Item, wait: Option<&Wait>) -> String {
    let phase = item.now.phase;
    match (phase, &item.now.assignment) {
        (Phase::Pending, _) => phase.as_str().to_owned(),
        (_, Some(held)) if phase.holds_slot() => format!("{}, attempt {}", held.agent, held.attempt),
        _ => wait.map_or_else(
            || phase.as_str().to_owned(),
            |wait| format!("{}: {} ({})", phase.as_str(), wait.code.as_str(), wait.owner),
        ),
    }
}
