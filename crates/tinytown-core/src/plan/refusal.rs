//! Why a plan cannot be started, as a person reads it.

use super::{Code, Diagnostic, Level};
use crate::graph::Cycle;
use crate::id::ItemKey;
use crate::issue::IssueRef;
use crate::item::{EdgeOrigin, EdgeSource};
use crate::manifest::ManifestError;
use crate::objective::{ERRAND, ObjectiveRef};

/// Why a plan cannot be started. Nothing is created.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Items wait for each other in a circle.
    #[error("{0}\n  remove one of these, or replace depends_on of one item in the manifest")]
    Cycle(Cycle),
    /// An item depends on an issue that the forge does not know, or on a document outside the mission.
    #[error("{item} depends on {on}, which {} ({source_of_it})\n  {}", missing(.on), dangling_remedy(.source_of_it, .item))]
    Dangling {
        /// The item.
        item: ItemKey,
        /// What it depends on.
        on: ObjectiveRef,
        /// Where that is said.
        source_of_it: EdgeSource,
    },
    /// An item depends on an issue of a repository whose issues the forge does not hold.
    #[error("{item} depends on {on}, but this town's forge holds no issues of other repositories ({source_of_it})\n  {}", elsewhere_remedy(.source_of_it, .item))]
    Elsewhere {
        /// The item.
        item: ItemKey,
        /// What it depends on.
        on: IssueRef,
        /// Where that is said.
        source_of_it: EdgeSource,
    },
    /// The manifest does not fit the mission.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

const fn missing(on: &ObjectiveRef) -> &'static str {
    match on {
        ObjectiveRef::Issue(_) => "does not exist",
        ObjectiveRef::Document(_) | ObjectiveRef::Errand => "is not part of this mission",
    }
}

fn dangling_remedy(source: &EdgeSource, item: &ItemKey) -> String {
    match source.by {
        EdgeOrigin::Manifest => "correct the number there".to_owned(),
        // It has no manifest.
        EdgeOrigin::Marker if item.as_str() == ERRAND => "correct the number in the text".to_owned(),
        EdgeOrigin::Marker | EdgeOrigin::Forge => {
            format!("correct the number there, or replace depends_on of {item} in the manifest")
        }
    }
}

fn elsewhere_remedy(source: &EdgeSource, item: &ItemKey) -> String {
    match source.by {
        EdgeOrigin::Manifest => "leave it out there".to_owned(),
        EdgeOrigin::Marker if item.as_str() == ERRAND => "leave it out of the text".to_owned(),
        EdgeOrigin::Marker | EdgeOrigin::Forge => {
            format!("take it out there, or replace depends_on of {item} in the manifest")
        }
    }
}

impl Refusal {
    /// The refusal as a diagnostic, for a plan that is shown although it cannot be started.
    pub fn diagnostic(&self) -> Diagnostic {
        let (code, item) = match self {
            Self::Cycle(cycle) => (Code::Cycle, cycle.edges.first().map(|edge| edge.item.clone())),
            Self::Dangling { item, .. } | Self::Elsewhere { item, .. } => {
                (Code::Dangling, Some(item.clone()))
            }
            Self::Manifest(_) => (Code::Manifest, None),
        };
        Diagnostic { level: Level::Error, code, item, message: self.to_string() }
    }
}
