//! What users read: pure functions from what is known to lines and JSON. Nothing here prints.

pub(crate) mod event;
pub(crate) mod explain;
pub(crate) mod help;
pub(crate) mod item;
pub(crate) mod list;
pub(crate) mod mission;
pub(crate) mod mission_json;
pub(crate) mod picture;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod watch;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod world;

use std::time::Duration;

use tinytown_core::objective::ObjectiveRef;

/// `1 issue`, `3 issues`.
pub(crate) fn count(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// What a mission is about: issues and parts of documents, or, without any, an errand.
pub(crate) fn objectives<T: AsRef<str>>(named: &[T]) -> String {
    let is_document = |name: &&T| matches!(ObjectiveRef::parse(name.as_ref()), Ok(ObjectiveRef::Document(_)));
    let documents = named.iter().filter(is_document).count();
    match (named.len() - documents, documents) {
        (0, 0) => "1 errand".to_owned(),
        (issues, 0) => count(issues, "issue"),
        (0, documents) => count(documents, "document part"),
        (issues, documents) => format!("{}, {}", count(issues, "issue"), count(documents, "document part")),
    }
}

/// A time span as people say it: `5s`, `3m`, `2h`, `4d`.
pub(crate) fn span(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..=119 => format!("{seconds}s"),
        seconds @ 120..=7199 => format!("{}m", seconds / 60),
        seconds @ 7200..=172_799 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// A size as people say it: `512 B`, `20 KiB`, `1.5 GiB`.
pub(crate) fn bytes(size: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.into_iter().find(|(shift, _)| size >> shift > 0) {
        Some((30, unit)) => format!("{}.{} {unit}", size >> 30, ((size >> 20) & 1023) * 10 / 1024),
        Some((shift, unit)) => format!("{} {unit}", size >> shift),
        None => format!("{size} B"),
    }
}
