//! What is read from objectives and manifest before the forge is asked: items and what they want.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Code, Diagnostic, Level};
use crate::graph::Lookup;
use crate::id::ItemKey;
use crate::issue::{IssueRef, IssueState, RepoName};
use crate::item::{EdgeOrigin, EdgeSource};
use crate::manifest::{Manifest, ManifestError, ManifestProblem, Override, PolicyPatch};
use crate::markers::{self, Marker};
use crate::objective::{DocumentRef, Objective, ObjectiveRef};
use crate::parallel;

/// So many texts are worth a thread of their own.
const TEXTS_PER_THREAD: usize = 64;

/// All that was read.
pub(super) struct Readings<'a> {
    /// The objectives, each once, in their order.
    pub(super) items: Vec<Reading<'a>>,
    /// Where each objective is among the items.
    pub(super) positions: Lookup<ObjectiveRef, usize>,
    /// What in the manifest does not fit.
    pub(super) errors: Vec<ManifestError>,
    /// What in the manifest is left aside.
    pub(super) notes: Vec<Diagnostic>,
}

/// What was read about one objective.
pub(super) struct Reading<'a> {
    pub(super) objective: &'a Objective,
    pub(super) name: ObjectiveRef,
    pub(super) key: ItemKey,
    pub(super) given: Option<&'a Override>,
    /// What it depends on, each once.
    pub(super) wants: Vec<Want>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// A dependency, wherever it leads.
pub(super) struct Want {
    pub(super) on: ObjectiveRef,
    pub(super) source: EdgeSource,
}

pub(super) fn read<'a>(
    objectives: &'a [Objective],
    manifest: &'a Manifest,
    own: Option<&RepoName>,
    present: Option<&BTreeSet<ItemKey>>,
) -> Readings<'a> {
    let mut items: Vec<Reading<'a>> = Vec::with_capacity(objectives.len());
    let mut positions = Lookup::default();
    for objective in objectives {
        let name = objective.name.clone().relative_to(own);
        if let Some(at) = positions.get(&name) {
            let first: &mut Reading<'a> = &mut items[*at];
            first.say(
                Level::Info,
                Code::ObjectiveRepeated,
                format!("{} was named twice; it counts once", first.key),
            );
            continue;
        }
        positions.insert(name.clone(), items.len());
        let key = name.key();
        items.push(Reading { objective, name, key, given: None, wants: Vec::new(), diagnostics: Vec::new() });
    }
    let errors = give_overrides(&mut items, &positions, manifest, own);
    let mut readings = Readings { items, positions, errors, notes: Vec::new() };
    if let Some(present) = present {
        readings.leave_aside(manifest, present);
    }
    let place: Arc<str> = manifest.location.as_str().into();
    let Readings { items, positions, .. } = &mut readings;
    let is_inside = |name: &ObjectiveRef| {
        positions.contains_key(name) || present.is_some_and(|present| present.contains(&name.key()))
    };
    let marked = parallel::map(items, TEXTS_PER_THREAD, |item| {
        markers::read_linked(&item.objective.body, &item.objective.anchors)
    });
    for (item, marked) in items.iter_mut().zip(marked) {
        item.read_wants(marked, &is_inside, manifest, &place, own);
        item.note_skip(manifest);
    }
    readings
}

impl Readings<'_> {
    /// A manifest may have been written for the whole mission: what it says about items that are in the
    /// mission already was frozen with them.
    fn leave_aside(&mut self, manifest: &Manifest, present: &BTreeSet<ItemKey>) {
        let mut say = |item, message| {
            self.notes.push(Diagnostic { level: Level::Warning, code: Code::LeftAside, item, message });
        };
        let place = &manifest.location;
        if manifest.policy != PolicyPatch::default() {
            say(None, format!("{place}: the policy is left aside, since a mission keeps that of its start"));
        }
        self.errors.retain(|error| {
            let ManifestProblem::NotInMission(issue) = &error.problem else { return true };
            let (key, line) = (issue.key(), error.line);
            let known = present.contains(&key);
            if known {
                let message =
                    format!("{place}:{line}: {key} is in the mission already, and stays as it is there");
                say(Some(key), message);
            }
            !known
        });
    }
}

/// Hands each override to its item; what is left over is an error.
fn give_overrides<'a>(
    items: &mut [Reading<'a>],
    positions: &Lookup<ObjectiveRef, usize>,
    manifest: &'a Manifest,
    own: Option<&RepoName>,
) -> Vec<ManifestError> {
    let mut errors = Vec::new();
    let mut first_lines = Lookup::default();
    for given in &manifest.overrides {
        let issue = given.issue.clone().relative_to(own);
        let problem = match (first_lines.get(&issue).copied(), positions.get(&issue)) {
            (Some(first), _) => ManifestProblem::Doubled { issue, first },
            (None, Some(at)) => {
                items[*at].given = Some(given);
                first_lines.insert(issue, given.line);
                continue;
            }
            (None, None) => {
                first_lines.insert(issue.clone(), given.line);
                ManifestProblem::NotInMission(issue)
            }
        };
        errors.push(ManifestError { location: manifest.location.clone(), line: given.line, problem });
    }
    errors
}

impl Reading<'_> {
    /// Whether it is left out: as the manifest says, else if it is closed.
    pub(super) fn skip(&self) -> bool {
        self.given.and_then(|given| given.skip).unwrap_or(self.objective.state == IssueState::Closed)
    }

    pub(super) fn say(&mut self, level: Level, code: Code, message: String) {
        self.diagnostics.push(Diagnostic { level, code, item: Some(self.key.clone()), message });
    }

    fn read_wants(
        &mut self,
        marked: Vec<Marker>,
        is_inside: &impl Fn(&ObjectiveRef) -> bool,
        manifest: &Manifest,
        place: &Arc<str>,
        own: Option<&RepoName>,
    ) {
        let read = distinct(self.marked(marked, is_inside, own));
        self.note_unread();
        let Some(depends_on) = self.given.and_then(|given| given.depends_on.as_ref()) else {
            self.wants = read;
            return;
        };
        let named = depends_on.on.iter().map(|on| {
            let on = on.clone().relative_to(own);
            let words = format!("depends_on {on}");
            let location = Arc::clone(place);
            Want {
                on,
                source: EdgeSource { by: EdgeOrigin::Manifest, location, line: Some(depends_on.line), words },
            }
        });
        self.wants = distinct(named.collect());
        self.note_replaced(&read, &format!("{}:{}", manifest.location, depends_on.line));
    }

    fn note_unread(&mut self) {
        let objective = self.objective;
        if let Some(line) = markers::unread_from(&objective.body) {
            let line = objective.body_line.saturating_add(line).saturating_sub(1);
            let message = format!(
                "{} is longer than any text is read for dependencies; from {}:{line} on none were looked for: name them in the manifest",
                self.key, objective.location
            );
            self.say(Level::Warning, Code::TextUnread, message);
        }
    }

    /// The dependencies that its text names.
    fn marked(
        &self,
        marked: Vec<Marker>,
        is_inside: &impl Fn(&ObjectiveRef) -> bool,
        own: Option<&RepoName>,
    ) -> Vec<Want> {
        let objective = self.objective;
        let location: Arc<str> = objective.location.as_str().into();
        let wants = marked.into_iter().map(|marker| {
            let on = self.resolve(marker.reference, is_inside, own);
            let line = objective.body_line.saturating_add(marker.line).saturating_sub(1);
            let location = Arc::clone(&location);
            let source =
                EdgeSource { by: EdgeOrigin::Marker, location, line: Some(line), words: marker.words };
            Want { on, source }
        });
        wants.collect()
    }

    /// What a bare "#5" means depends on where it stands: in an issue of another repository it is that
    /// repository's; in an entry of a document it is the entry of that number, if there is one.
    fn resolve(
        &self,
        reference: IssueRef,
        is_inside: &impl Fn(&ObjectiveRef) -> bool,
        own: Option<&RepoName>,
    ) -> ObjectiveRef {
        let IssueRef { repo, number } = reference;
        match (&self.name, repo) {
            (ObjectiveRef::Document(DocumentRef { path, entry: Some(_) }), None) => {
                let path = Arc::clone(path);
                let sibling = ObjectiveRef::Document(DocumentRef { path, entry: Some(number) });
                let issue = ObjectiveRef::Issue(IssueRef::own(number));
                if is_inside(&sibling) { sibling } else { issue }
            }
            (name, repo) => {
                let repo = repo.or_else(|| name.issue()?.repo.clone());
                ObjectiveRef::Issue(IssueRef { repo, number }).relative_to(own)
            }
        }
    }

    fn note_replaced(&mut self, read: &[Want], by: &str) {
        let set = |wants: &[Want]| wants.iter().map(|want| want.on.clone()).collect::<BTreeSet<_>>();
        if read.is_empty() || set(read) == set(&self.wants) {
            return;
        }
        let old: Vec<String> = read.iter().map(|want| format!("{} ({})", want.on, want.source)).collect();
        let new: Vec<String> = self.wants.iter().map(|want| want.on.to_string()).collect();
        let new = if new.is_empty() { "nothing".to_owned() } else { new.join(", ") };
        let message = format!("{} depends on {new} ({by}) instead of {}", self.key, old.join(", "));
        self.say(Level::Info, Code::DependenciesReplaced, message);
    }

    fn note_skip(&mut self, manifest: &Manifest) {
        let key = &self.key;
        match self.given.filter(|given| given.skip == Some(true)) {
            Some(given) => {
                let place = format!("{}:{}", manifest.location, given.line);
                let message =
                    format!("{key} is skipped ({place}); whoever depends on it does not wait for it");
                self.say(Level::Warning, Code::ItemSkipped, message);
            }
            None if self.skip() => {
                let place = &self.objective.location;
                let (state, again) = match self.name {
                    ObjectiveRef::Issue(_) | ObjectiveRef::Errand => ("closed", "reopen it"),
                    ObjectiveRef::Document(_) => ("ticked off", "untick it"),
                };
                let message = format!(
                    "{key} is {state} already and is skipped ({place}); to do it again, {again} or set skip = false in the manifest"
                );
                self.say(Level::Warning, Code::ObjectiveClosed, message);
            }
            None => {}
        }
    }
}

/// Each dependency once, as it was named first.
fn distinct(mut wants: Vec<Want>) -> Vec<Want> {
    let mut seen = BTreeSet::new();
    if wants.len() > 1 {
        wants.retain(|want| seen.insert(want.on.clone()));
    }
    wants
}
