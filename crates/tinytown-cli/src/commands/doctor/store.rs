//! The store: whether it opens, is whole, is of our layout, and lies where it can be relied upon.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tinytown_host::volume::volume_of;
use tinytown_store::{Glance, SqliteFile, SqliteHealth, StoreError};
use tokio::time::timeout;

use super::finding::{Finding, quoted};
use super::{files, hangs, redis};
use crate::failure::{ExitCode, Failure};
use crate::render::{bytes, count};
use crate::town::Town;

pub(super) const CODE: &str = "store";

/// Looks at the store, and at what it says goes on in the town, if it can be read.
pub(super) async fn check(town: &Town, patience: Duration) -> (Vec<Finding>, Option<Glance>) {
    let Some(file) = town.store.file(&town.root).map(SqliteFile::at) else {
        return redis::check(town, patience).await;
    };
    let glance = match timeout(patience, file.glance()).await {
        Ok(Ok(glance)) => glance,
        Ok(Err(error)) => return (vec![damaged(&error, file.path())], None),
        Err(_over) => return (vec![hangs(CODE, patience)], None),
    };
    let shown = town.store.to_string();
    let mut findings = vec![match timeout(patience, file.health()).await {
        Ok(health) => whole(health, &shown, file.path()),
        Err(_over) => too_large(&shown, file.path(), patience),
    }];
    let around = tokio::task::spawn_blocking(move || around(&file));
    findings.extend(timeout(patience, around).await.ok().and_then(Result::ok).unwrap_or_default());
    (findings, Some(glance))
}

fn too_large(shown: &str, path: &Path, patience: Duration) -> Finding {
    let message = format!("the store at {shown} cannot be checked whole within {} s", patience.as_secs());
    let mend =
        format!("check it when there is time: sqlite3 -readonly {} 'PRAGMA quick_check'", quoted(path));
    Finding::warning(CODE, message, mend)
}

/// A record or the whole store is of no use.
pub(super) fn unusable(error: &StoreError) -> Finding {
    let failure = Failure::from(error.clone());
    let finding = Finding::of_failure(CODE, &failure, "look into it with a copy; nothing was changed");
    // For whoever needs the store, damaged is as good as missing.
    if failure.code() == ExitCode::Failed { finding.exits(ExitCode::Unavailable) } else { finding }
}

/// The same of the whole file, with what to do about it.
fn damaged(error: &StoreError, path: &Path) -> Finding {
    let finding = unusable(error);
    if matches!(error, StoreError::Corrupt { .. }) {
        return Finding { mend: Some(put_aside(path)), ..finding };
    }
    finding
}

/// The file goes with its companions: a log beside a new file would be folded into that.
fn put_aside(path: &Path) -> String {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".broken");
    let aside = quoted(Path::new(&aside));
    let files: Vec<String> = SqliteFile::at(path).files().iter().map(|file| quoted(file)).collect();
    format!(
        "put it aside and restore a copy, or begin anew (missions are lost, branches are not):\n\
         mkdir {aside} && mv {} {aside}\n\
         tt init",
        files.join(" ")
    )
}

fn whole(health: Result<SqliteHealth, StoreError>, shown: &str, path: &Path) -> Finding {
    let health = match health {
        Ok(health) => health,
        Err(error) => return damaged(&error, path),
    };
    if let Some(first) = health.faults.first() {
        let faults = count(health.faults.len(), "fault");
        let message =
            format!("the store at {} is damaged: {faults}, such as: {}", shown, first.replace('\n', " "));
        return Finding::error(CODE, message, put_aside(path));
    }
    if health.write_ahead == Some(false) {
        let message = format!("the store at {shown} has no write-ahead log: another program turned it off");
        return Finding::warning(CODE, message, "the next command that works turns it on: tt status");
    }
    Finding::ok(CODE, format!("store {shown}, {}, checked", bytes(health.size)))
}

/// Who may read the files, and on what they lie.
fn around(file: &SqliteFile) -> Vec<Finding> {
    let open = |file: &PathBuf| Some(Finding { code: CODE, ..files::private(file, 0o600)? });
    let mut findings: Vec<Finding> = file.files().iter().filter_map(open).collect();
    if let Some(kind) = volume_of(file.path()).ok().and_then(|volume| volume.network) {
        let message =
            format!("the store lies on another machine ({kind}), whose locks cannot be relied upon");
        let mend =
            "move it to a disk of this machine, and say where: tt config store.url sqlite:/PATH/town.db";
        findings.push(Finding::warning(CODE, message, mend));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    fn judged(write_ahead: Option<bool>, faults: &[&str]) -> Finding {
        let faults = faults.iter().map(ToString::to_string).collect();
        whole(Ok(SqliteHealth { size: 0, write_ahead, faults }), "sqlite:town.db", Path::new("/town.db"))
    }

    #[test]
    fn a_damaged_store_is_an_error_and_one_without_its_log_a_warning() {
        assert_eq!(judged(Some(true), &[]).level, Level::Ok);
        assert_eq!(judged(None, &[]).level, Level::Ok);
        assert_eq!(judged(Some(false), &[]).level, Level::Warning);
        let damaged = judged(Some(true), &["row 1 missing", "row 2 missing"]);
        assert_eq!(damaged.level, Level::Error);
        assert!(damaged.message.contains("2 faults, such as: row 1 missing"), "{damaged:?}");
    }

    #[test]
    fn a_record_that_cannot_be_read_counts_as_a_store_that_is_missing() {
        let error = StoreError::Corrupt { what: "agent/x".into(), detail: "no JSON".into() };
        assert_eq!(unusable(&error).exit, ExitCode::Unavailable);
        assert_eq!(unusable(&StoreError::NoTown { at: "x".into() }).exit, ExitCode::NotFound);
    }
}
