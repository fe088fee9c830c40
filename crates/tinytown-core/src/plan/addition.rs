//! What is added to a mission that has begun: compiled as at the start, upon the items that are there.

use std::collections::{BTreeMap, BTreeSet};

use super::compile::{diagnostics, graph, items, measured};
use super::reading::Readings;
use super::{Code, Diagnostic, IssueStanding, Level, Plan, Refusal};
use crate::id::ItemKey;
use crate::issue::IssueRef;
use crate::item::ItemSpec;

/// A planned item of a mission, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The item, with what it still waits for; its text is not needed.
    pub spec: ItemSpec,
    /// Nothing more comes of it.
    pub over: bool,
}

/// What is to be added to a mission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    /// The new items, in the order of the objectives. Their texts are carried whole.
    pub items: Vec<ItemSpec>,
    /// What the mission is still to do with them, and what the user should know; the items that are over are
    /// left out.
    pub plan: Plan,
}

pub(super) fn finish(
    mut readings: Readings<'_>,
    standings: &BTreeMap<IssueRef, IssueStanding>,
    present: &[Standing],
) -> Result<Addition, Vec<Refusal>> {
    let mut refusals: Vec<Refusal> = readings.errors.drain(..).map(Refusal::Manifest).collect();
    let inside = present.iter().map(|standing| &standing.spec.key).collect();
    let mut items = items(&mut readings, &inside, standings, &mut refusals);
    let added: BTreeSet<ItemKey> = items.iter().map(|item| item.key.clone()).collect();
    let mut said = Vec::new();
    let mut all: Vec<ItemSpec> =
        present.iter().map(|standing| taking_in(&standing.spec, &added, &mut said)).collect();
    all.extend(items.iter().cloned());
    let graph = graph(&all, refusals)?;
    for (at, item) in (present.len()..).zip(&mut items) {
        item.path_length = graph.path_length(at);
    }
    said.extend(diagnostics(readings));
    Ok(Addition { items, plan: remaining(all, present, said) })
}

/// An item that waits for what is added does so inside the mission from now on.
fn taking_in(spec: &ItemSpec, added: &BTreeSet<ItemKey>, said: &mut Vec<Diagnostic>) -> ItemSpec {
    let mut spec = spec.clone();
    for on in spec.take_in(|key| added.contains(key)) {
        said.push(Diagnostic {
            level: Level::Info,
            code: Code::DependencyJoined,
            item: Some(spec.key.clone()),
            message: format!("{} waited until {on} is closed; now it waits for the item {on}", spec.key),
        });
    }
    spec
}

/// The plan of what is not over.
fn remaining(all: Vec<ItemSpec>, present: &[Standing], diagnostics: Vec<Diagnostic>) -> Plan {
    let over: BTreeSet<&ItemKey> =
        present.iter().filter(|standing| standing.over).map(|standing| &standing.spec.key).collect();
    let mut items: Vec<ItemSpec> = all.into_iter().filter(|item| !over.contains(&item.key)).collect();
    for item in &mut items {
        item.depends_on.retain(|dependency| !over.contains(&dependency.on));
    }
    // A part of a graph without cycles has none.
    match graph(&items, Vec::new()) {
        Ok(graph) => measured(items, &graph, diagnostics),
        Err(_) => Plan { items, diagnostics, waves: Vec::new(), critical_path: Vec::new() },
    }
}
