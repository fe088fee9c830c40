//! From objectives and a manifest to the items of a mission: everything that is decided before it starts.
//!
//! Asking the forge stays outside: [`Draft::references_outside`] says about which further issues the caller
//! must ask, [`Draft::compile`] takes the answers. A plan that is refused is refused with every reason at once.

mod addition;
mod compile;
mod diagnostic;
mod errand;
mod forecast;
mod reading;
mod refusal;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use addition::{Addition, Standing};
pub use compile::compile;
pub use diagnostic::{Code, Diagnostic, Level};
pub use errand::Errand;
pub use forecast::{Forecast, forecast};
pub use refusal::Refusal;

use crate::id::ItemKey;
use crate::issue::{IssueRef, RepoName};
use crate::item::{ItemSpec, Origin};
use crate::manifest::Manifest;
use crate::objective::Objective;

/// What the forge says about an issue that is not an objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IssueStanding {
    /// Still to be done: who depends on it waits.
    Open,
    /// Done, or given up: who depends on it does not wait.
    Closed,
    /// The forge has no such issue.
    Unknown,
    /// The forge holds no issues of that repository, so nobody would ever notice that it is done.
    Elsewhere,
}

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What the user named, in its order. One that is named twice counts once.
    pub objectives: &'a [Objective],
    /// What the forge said about [`references_outside`]; one that is missing here counts as unknown.
    pub standings: &'a BTreeMap<IssueRef, IssueStanding>,
    /// The manifest; [`Manifest::default`] if there is none.
    pub manifest: &'a Manifest,
    /// The town's own repository, if it has a name.
    pub own: Option<&'a RepoName>,
}

/// What a mission would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The items, in the order of the objectives. Their texts are carried whole.
    pub items: Vec<ItemSpec>,
    /// What the user should know, in the order of the items.
    pub diagnostics: Vec<Diagnostic>,
    /// What could run at the same time with agents enough, wave by wave; skipped items are in none.
    pub waves: Vec<Vec<ItemKey>>,
    /// The longest chain of items that wait for each other.
    pub critical_path: Vec<ItemKey>,
}

impl Plan {
    /// What the user named, as keys. An errand names nothing that another mission could be about as well.
    pub fn objectives(&self) -> Vec<String> {
        let named = self.items.iter().filter(|item| item.origin != Origin::Errand);
        named.map(|item| item.key.to_string()).collect()
    }
}

/// Objectives and manifest as they were read, before the forge is asked. Every text is read once.
pub struct Draft<'a> {
    readings: reading::Readings<'a>,
    /// The mission that is added to, if one is.
    present: &'a [Standing],
}

impl<'a> Draft<'a> {
    /// Reads what the user named, in its order, and what the manifest says about it. `own` is the town's own
    /// repository, if it has a name.
    pub fn read(objectives: &'a [Objective], manifest: &'a Manifest, own: Option<&RepoName>) -> Self {
        Self { readings: reading::read(objectives, manifest, own, None), present: &[] }
    }

    /// The same for what is to be added to a mission of these items.
    pub fn upon(
        present: &'a [Standing],
        objectives: &'a [Objective],
        manifest: &'a Manifest,
        own: Option<&RepoName>,
    ) -> Self {
        let keys = present.iter().map(|standing| standing.spec.key.clone()).collect();
        Self { readings: reading::read(objectives, manifest, own, Some(&keys)), present }
    }

    /// The keys of the objectives, each once.
    pub fn keys(&self) -> impl Iterator<Item = &ItemKey> {
        self.readings.items.iter().map(|item| &item.key)
    }

    /// The issues outside the objectives on which objectives depend, sorted: the caller asks the forge about them.
    pub fn references_outside(&self) -> Vec<IssueRef> {
        let Self { readings, present } = self;
        let inside: BTreeSet<&ItemKey> = present.iter().map(|standing| &standing.spec.key).collect();
        let wanted = readings.items.iter().flat_map(|item| &item.wants).map(|want| &want.on);
        let outside = wanted.filter(|name| !readings.positions.contains_key(*name));
        let outside = outside.filter_map(|name| name.issue().cloned());
        let mut outside: Vec<IssueRef> = outside.filter(|issue| !inside.contains(&issue.key())).collect();
        outside.sort_unstable();
        outside.dedup();
        outside
    }

    /// Makes a plan; an issue that is missing in `standings` counts as unknown.
    ///
    /// # Errors
    /// As [`compile()`].
    pub fn compile(self, standings: &BTreeMap<IssueRef, IssueStanding>) -> Result<Plan, Vec<Refusal>> {
        compile::finish(self.readings, standings)
    }

    /// Makes an addition to the mission of [`Draft::upon`], in which none of [`Draft::keys`] may be.
    ///
    /// # Errors
    /// As [`compile()`]; cycles may lead through items of the mission.
    pub fn compile_addition(
        self,
        standings: &BTreeMap<IssueRef, IssueStanding>,
    ) -> Result<Addition, Vec<Refusal>> {
        addition::finish(self.readings, standings, self.present)
    }
}

/// [`Draft::references_outside`] for who needs nothing else.
pub fn references_outside(
    objectives: &[Objective],
    manifest: &Manifest,
    own: Option<&RepoName>,
) -> Vec<IssueRef> {
    Draft::read(objectives, manifest, own).references_outside()
}
