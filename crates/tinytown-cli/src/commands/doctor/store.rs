//! The store: whether it opens, is whole, is of our layout, and lies where it can be relied upon.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tinytown_host::volume::volume_of;
use tinytown_store::{Glance, SqliteFile, SqliteHealth, StoreError};

use super::finding::{Finding, quoted};
use super::{files, hangs};
use crate::compose;
use crate::failure::{ExitCode, Failure};
use crate::render::{bytes, count};
use crate::town::Town;

const CODE: &str = "store";

/// Looks at the store, and at what it says goes on in the town, if it can be read.
pub(super) async fn check(town: &Town, patience: Duration) -> (Vec<Finding>, Option<Glance>) {
    let (file, path) = match (compose::store_file(&town.store, &town.root), town.store.file(&town.root)) {
        (Ok(file), Some(path)) => (file, path),
        (Err(failure), _) => return (vec![Finding::of_failure(CODE, &failure, "")], None),
        (Ok(_), None) => return (Vec::new(), None),
    };
    let glance = match tokio::time::timeout(patience, file.glance()).await {
        Ok(Ok(glance)) => glance,
        Ok(Err(error)) => return (vec![damaged(&error, &path)], None),
        Err(_over) => return (vec![hangs(CODE, patience)], None),
    };
    let mut findings = vec![match tokio::time::timeout(patience, file.health()).await {
        Ok(health) => whole(health, town, &path),
        Err(_over) => {
            let message = format!(
                "the store at {} is too large to be checked within {} s",
                town.store,
                patience.as_secs()
            );
            Finding::warning(CODE, message, "check it when there is time: sqlite3 FILE 'PRAGMA quick_check'")
        }
    }];
    let around = tokio::task::spawn_blocking(move || around(&file, &path));
    findings
        .extend(tokio::time::timeout(patience, around).await.ok().and_then(Result::ok).unwrap_or_default());
    (findings, Some(glance))
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

fn put_aside(path: &Path) -> String {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".broken");
    let (path, aside) = (quoted(path), quoted(&PathBuf::from(aside)));
    format!(
        "put it aside and restore a copy, or begin anew (missions are lost, branches are not):\nmv {path} {aside}\ntt init"
    )
}

fn whole(health: Result<SqliteHealth, StoreError>, town: &Town, path: &Path) -> Finding {
    let health = match health {
        Ok(health) => health,
        Err(error) => return damaged(&error, path),
    };
    if let Some(first) = health.faults.first() {
        let faults = count(health.faults.len(), "fault");
        let message = format!(
            "the store at {} is damaged: {faults}, such as: {}",
            town.store,
            first.replace('\n', " ")
        );
        return Finding::error(CODE, message, put_aside(path));
    }
    if health.write_ahead == Some(false) {
        let message =
            format!("the store at {} has no write-ahead log: another program turned it off", town.store);
        return Finding::warning(CODE, message, "the next command that works turns it on: tt status");
    }
    Finding::ok(CODE, format!("store {}, {}, checked", town.store, bytes(health.size)))
}

/// Who may read the files, and on what they lie.
fn around(file: &SqliteFile, path: &Path) -> Vec<Finding> {
    let open = |file: &PathBuf| Some(Finding { code: CODE, ..files::private(file, 0o600)? });
    let mut findings: Vec<Finding> = file.files().iter().filter_map(open).collect();
    if let Some(kind) = volume_of(path).ok().and_then(|volume| volume.network) {
        let message =
            format!("the store lies on another machine ({kind}), whose locks cannot be relied upon");
        let mend =
            "move it to a disk of this machine, and say where: tt config store.url sqlite:/PATH/town.db";
        findings.push(Finding::warning(CODE, message, mend));
    }
    findings
}
