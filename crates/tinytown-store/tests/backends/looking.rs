//! Looking at SQLite's file changes nothing, and sees what is wrong with it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tinytown_store::conformance::fixture::{identity, lead, post};
use tinytown_store::{SqliteFile, SqliteStore, Store, StoreError};

/// A store that nobody has open, without its log, as a finished process leaves it.
async fn left_behind(folder: &Path) -> PathBuf {
    let busy = tempfile::tempdir().expect("a folder");
    let made = busy.path().join("town.db");
    let store = SqliteStore::create(&made).await.expect("creates");
    store.found(&identity()).await.expect("founds");
    store.post(&post("one", "text")).await.expect("posts");
    let others = rusqlite::Connection::open(&made).expect("opens");
    others.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("folds the log in");
    let file = folder.join("a b%?#.db");
    fs::copy(&made, &file).expect("copies");
    file
}

/// Every file of a folder, with its time of change and its bytes.
fn everything(folder: &Path) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("reads").map(|entry| entry.expect("reads").path());
    let state = |path: PathBuf| {
        let modified = path.metadata().and_then(|found| found.modified()).expect("is there");
        let bytes = fs::read(&path).expect("reads");
        (path, (modified, bytes))
    };
    entries.map(state).collect()
}

#[tokio::test]
async fn looking_at_a_file_that_nobody_has_open_makes_nothing_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = left_behind(folder.path()).await;
    let before = everything(folder.path());
    let look = SqliteFile::at(&file);
    let health = look.health().await.expect("looks");
    assert_eq!((health.faults, health.size > 0), (Vec::new(), true));
    assert_eq!(look.glance().await.expect("looks").inputs_waiting, 1);
    assert_eq!(everything(folder.path()), before);
    assert_eq!(look.files(), [file]);
}

#[tokio::test]
async fn what_a_living_store_has_only_in_its_log_is_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("town.db");
    let store = SqliteStore::create(&file).await.expect("creates");
    lead(&store).await;
    let look = SqliteFile::at(&file);
    assert_eq!(look.vitals().await.expect("looks"), store.vitals().await.expect("reads"));
    assert_eq!(look.glance().await.expect("looks").town, store.town().await.expect("reads"));
    assert_eq!(look.health().await.expect("looks").write_ahead, Some(true));
    assert_eq!(look.files().len(), 3);
}

#[tokio::test]
async fn a_missing_file_is_no_town_and_is_not_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("town.db");
    let refused = SqliteFile::at(&file).glance().await.err();
    assert_eq!(refused, Some(StoreError::NoTown { at: file.display().to_string() }));
    assert!(!file.exists());
}

#[tokio::test]
async fn a_damaged_page_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = left_behind(folder.path()).await;
    let mut bytes = fs::read(&file).expect("reads");
    // The second page: a table's or an index's root, which begins with its kind.
    bytes[4096..4200].fill(0xee);
    fs::write(&file, bytes).expect("writes");
    match SqliteFile::at(&file).health().await {
        Ok(health) => assert!(!health.faults.is_empty()),
        Err(error) => assert!(matches!(error, StoreError::Corrupt { .. }), "{error}"),
    }
}

#[tokio::test]
async fn a_file_of_a_newer_program_or_of_another_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = left_behind(folder.path()).await;
    rusqlite::Connection::open(&file)
        .and_then(|it| it.execute_batch("PRAGMA user_version = 9"))
        .expect("runs");
    let newer = SqliteFile::at(&file).health().await.err();
    assert!(matches!(newer, Some(StoreError::Newer { found: 9, .. })), "{newer:?}");
    fs::write(&file, "no database at all, but long enough to have a header of its own\n".repeat(9))
        .expect("writes");
    let none = SqliteFile::at(&file).health().await.err();
    assert!(matches!(none, Some(StoreError::Corrupt { .. })), "{none:?}");
}
