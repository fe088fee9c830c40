//! The missions that have not ended: whether anybody may take their work, and whether they wait on a person.

use std::collections::BTreeMap;

use tinytown_core::id::{AgentName, Role};
use tinytown_core::mission::{ItemIx, Mission, MissionState, Phase};
use tinytown_core::roster::Roster;

use super::Scene;
use super::finding::Finding;
use crate::render::{count, item};

/// More items than this are counted, not named.
const NAMED: usize = 3;

/// How the missions stand, then who is missing for them.
pub(super) fn missions(scene: &Scene<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        scene.missions.iter().map(|mission| standing(mission, &scene.roster)).collect();
    findings.extend(roles(scene));
    findings.extend(scene.missions.iter().filter_map(|mission| nobody(mission, &scene.roster)));
    findings
}

fn standing(mission: &Mission, roster: &Roster) -> Finding {
    let (id, head) = (mission.id(), mission.head());
    if head.state == MissionState::Stopped {
        let mend = format!("let it go on with: tt mission resume {id}");
        return Finding::warning("missions", format!("mission {id} is stopped"), mend);
    }
    let details = |ix: ItemIx| {
        let wait = mission.wait(ix, roster)?;
        Some(format!("{}: {}", item::label(&mission.item(ix).spec), wait.detail))
    };
    let waits: Vec<String> = mission.waiting_for_person().filter_map(details).collect();
    let asked = head.open_request().into_iter().map(|help| help.reason.clone());
    let why: Vec<String> = if waits.is_empty() { asked.collect() } else { waits };
    if why.is_empty() {
        let message =
            format!("mission {id} {}, {} of {} items done", head.state.as_str(), head.done, head.items);
        return Finding::ok("missions", message);
    }
    let message = format!("mission {id} waits on a person: {}", some(&why, "; "));
    Finding::warning("missions", message, format!("see all of it: tt mission status {id} --dispatcher"))
}

/// Roles that work requires and that nobody has who is there.
fn roles(scene: &Scene<'_>) -> Vec<Finding> {
    let mut missing: BTreeMap<&Role, Vec<String>> = BTreeMap::new();
    for mission in &scene.missions {
        for item in mission.items().iter().filter(|item| !item.now.phase.is_over()) {
            let role = item.spec.role.as_ref().filter(|wish| wish.required).map(|wish| &wish.role);
            if let Some(role) =
                role.filter(|role| item.now.pinned.is_none() && !is_manned(&scene.roster, role))
            {
                let key = format!("{} of mission {}", item.spec.key, mission.id());
                missing.entry(role).or_default().push(key);
            }
        }
    }
    missing.into_iter().map(|(role, items)| no_role(&scene.roster, role, &items)).collect()
}

/// Whether somebody may take work that requires a role: without a role an agent takes anything.
fn is_manned(roster: &Roster, role: &Role) -> bool {
    roster.present(Some(role)).chain(roster.present(None)).next().is_some()
}

fn no_role(roster: &Roster, role: &Role, items: &[String]) -> Finding {
    let message =
        format!("no agent with the role {role} is there, which is required by {}", some(items, ", "));
    let free = |name: &AgentName| roster.get(name).is_none_or(|agent| !agent.is_present());
    let name = AgentName::new(role.as_str()).ok().filter(free);
    let mend = match name {
        Some(name) => format!("start one with: tt spawn {name} --role {role}"),
        None if is_plain(role.as_str()) => format!("start one with: tt spawn NAME --role {role}"),
        None => "start one with: tt spawn NAME --role ROLE".to_owned(),
    };
    Finding::warning("roles", message, mend)
}

/// Ready work that nobody who is there may take for another reason than a role.
fn nobody(mission: &Mission, roster: &Roster) -> Option<Finding> {
    let items = (0..).map(ItemIx).zip(mission.items());
    let ready = items.filter(|(_, item)| item.now.phase == Phase::Ready && item.now.hold.is_none());
    let mut left = ready.filter(|(ix, item)| {
        let special = item.is_review() || item.now.pinned.is_some();
        special && mission.head().state.is_active() && mission.eligible(*ix, roster).is_empty()
    });
    let (_, item) = left.next()?;
    let key = format!("{} of mission {}", item.spec.key, mission.id());
    Some(match &item.now.pinned {
        Some(agent) => Finding::warning(
            "roles",
            format!("only the agent {agent} may take {key}, and it is not there"),
            format!("start it with: tt spawn {agent}"),
        ),
        None => Finding::warning(
            "roles",
            format!("nobody is there who may review {key}: an author never reviews their own work"),
            "start a reviewer with: tt spawn reviewer",
        ),
    })
}

/// The first few, and how many more there are.
fn some(all: &[String], between: &str) -> String {
    let shown = all.iter().take(NAMED).cloned().collect::<Vec<_>>().join(between);
    match all.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown}{between}and {}", count(more, "other")),
    }
}

/// Whether a word can stand in a command as it is. A role may come out of an issue.
pub(super) fn is_plain(word: &str) -> bool {
    AgentName::new(word).is_ok()
}
