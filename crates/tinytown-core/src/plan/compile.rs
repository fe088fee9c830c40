//! From what was read and what the forge said to a plan, or to every reason against it.

use std::collections::{BTreeMap, BTreeSet};

use super::reading::{Reading, Readings};
use super::{Code, Diagnostic, Draft, IssueStanding, Level, Plan, Refusal, Request};
use crate::graph::{Graph, GraphError};
use crate::id::ItemKey;
use crate::issue::IssueRef;
use crate::item::{Dependency, External, ItemSpec, Origin, RoleWish};
use crate::kinds;
use crate::markers;
use crate::objective::ObjectiveRef;
use crate::text::Text;

/// Makes a plan.
///
/// # Errors
/// Every [`Refusal`] there is: first what is wrong with the manifest, then dangling references in the
/// order of the items, then cycles.
pub fn compile(request: &Request<'_>) -> Result<Plan, Vec<Refusal>> {
    let Request { objectives, standings, manifest, own } = *request;
    Draft::read(objectives, manifest, own).compile(standings)
}

/// Makes a plan of what was read.
pub(super) fn finish(
    mut readings: Readings<'_>,
    standings: &BTreeMap<IssueRef, IssueStanding>,
) -> Result<Plan, Vec<Refusal>> {
    let mut refusals: Vec<Refusal> = readings.errors.drain(..).map(Refusal::Manifest).collect();
    let items = items(&mut readings, &BTreeSet::new(), standings, &mut refusals);
    let graph = graph(&items, refusals)?;
    Ok(measured(items, &graph, diagnostics(readings)))
}

/// Makes an item of each objective. `present` are the keys of a mission that is added to.
pub(super) fn items(
    readings: &mut Readings<'_>,
    present: &BTreeSet<&ItemKey>,
    standings: &BTreeMap<IssueRef, IssueStanding>,
    refusals: &mut Vec<Refusal>,
) -> Vec<ItemSpec> {
    let mut items = Vec::with_capacity(readings.items.len());
    for at in 0..readings.items.len() {
        items.push(item(readings, at, present, standings, refusals));
    }
    items
}

/// Their graph, if there is nothing against it.
pub(super) fn graph(items: &[ItemSpec], mut refusals: Vec<Refusal>) -> Result<Graph, Vec<Refusal>> {
    match Graph::build(items) {
        Ok(graph) if refusals.is_empty() => Ok(graph),
        Ok(_) => Err(refusals),
        Err(errors) => {
            refusals.extend(errors.into_iter().filter_map(refusal_of));
            Err(refusals)
        }
    }
}

pub(super) fn diagnostics(readings: Readings<'_>) -> Vec<Diagnostic> {
    let of_items = readings.items.into_iter().flat_map(|item| item.diagnostics);
    readings.notes.into_iter().chain(of_items).collect()
}

/// The plan of these items.
pub(super) fn measured(mut items: Vec<ItemSpec>, graph: &Graph, diagnostics: Vec<Diagnostic>) -> Plan {
    for (at, item) in items.iter_mut().enumerate() {
        item.path_length = graph.path_length(at);
    }
    let keys = |nodes: &[usize]| nodes.iter().map(|at| graph.key(*at).clone()).collect::<Vec<ItemKey>>();
    let (waves, critical_path) =
        (graph.waves().iter().map(|wave| keys(wave)).collect(), keys(&graph.critical_path()));
    Plan { items, diagnostics, waves, critical_path }
}

/// Keys are made unique and resolved here, so that only cycles remain for the graph to find.
fn refusal_of(error: GraphError) -> Option<Refusal> {
    match error {
        GraphError::Cycle(cycle) => Some(Refusal::Cycle(cycle)),
        GraphError::UnknownItem { .. } | GraphError::DuplicateItem(_) => {
            debug_assert!(false, "items are distinct and edges lead to items: {error}");
            None
        }
    }
}

/// Makes one item of what was read about it.
fn item(
    readings: &mut Readings<'_>,
    at: usize,
    present: &BTreeSet<&ItemKey>,
    standings: &BTreeMap<IssueRef, IssueStanding>,
    refusals: &mut Vec<Refusal>,
) -> ItemSpec {
    let wants = std::mem::take(&mut readings.items[at].wants);
    let mut spec = bare_item(&readings.items[at]);
    for want in wants {
        if let Some(position) = readings.positions.get(&want.on) {
            spec.depends_on
                .push(Dependency { on: readings.items[*position].key.clone(), source: want.source });
            continue;
        }
        if present.contains(&want.on.key()) {
            spec.depends_on.push(Dependency { on: want.on.key(), source: want.source });
            continue;
        }
        let issue = want.on.issue();
        let standing = issue.and_then(|issue| standings.get(issue).copied());
        match (issue, standing.unwrap_or(IssueStanding::Unknown)) {
            (Some(on), IssueStanding::Open) => {
                note_outside(&mut readings.items[at], on, &want.source.to_string(), true);
                spec.external.push(External { on: on.clone(), source: want.source });
            }
            (Some(on), IssueStanding::Closed) => {
                note_outside(&mut readings.items[at], on, &want.source.to_string(), false);
            }
            (Some(on), IssueStanding::Elsewhere) => {
                let (item, on) = (spec.key.clone(), on.clone());
                refusals.push(Refusal::Elsewhere { item, on, source_of_it: want.source });
            }
            (None, _) | (_, IssueStanding::Unknown) => {
                let item = spec.key.clone();
                refusals.push(Refusal::Dangling { item, on: want.on, source_of_it: want.source });
            }
        }
    }
    spec
}

fn note_outside(item: &mut Reading<'_>, on: &IssueRef, place: &str, open: bool) {
    let key = item.key.clone();
    if open {
        let message =
            format!("{key} waits until {on} is closed, which is not part of this mission ({place})");
        item.say(Level::Warning, Code::DependencyOutside, message);
    } else {
        let message = format!("{key} depends on {on}, which is closed already ({place})");
        item.say(Level::Info, Code::DependencyClosed, message);
    }
}

/// An item without its dependencies.
fn bare_item(read: &Reading<'_>) -> ItemSpec {
    let (objective, given) = (read.objective, read.given);
    let title = markers::clean_title(&objective.title);
    let kind =
        given.and_then(|given| given.kind).unwrap_or_else(|| kinds::kind_of(&title, &objective.labels));
    let named = given.and_then(|given| given.owner_role.clone());
    let role = named.map(|role| RoleWish { role, required: true });
    ItemSpec {
        key: read.key.clone(),
        kind,
        role: Some(role.unwrap_or_else(|| kinds::role_wish(kind, &title, &objective.labels))),
        title,
        pinned: None,
        priority: given.and_then(|given| given.priority).unwrap_or(0),
        body: Text::inline(markers::strip_hidden(&objective.body)),
        depends_on: Vec::new(),
        external: Vec::new(),
        skip: read.skip(),
        path_length: 1,
        origin: origin(&read.name),
    }
}

fn origin(name: &ObjectiveRef) -> Origin {
    match name {
        ObjectiveRef::Issue(issue) => Origin::Issue(issue.clone()),
        ObjectiveRef::Document(document) => Origin::Document(document.to_string()),
        ObjectiveRef::Errand => Origin::Errand,
    }
}
