//! What SQLite's file is, and which files are refused.

use std::fs;
use std::path::{Path, PathBuf};

use tinytown_store::conformance::fixture::{identity, lead, post};
use tinytown_store::{SqliteStore, Store, StoreError};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn db(&self) -> PathBuf {
        self.0.path().join("town.db")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).expect("reads");
        let names = entries.map(|entry| entry.expect("reads").file_name().into_string().expect("UTF-8"));
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }
}

async fn refusals(path: &Path) -> [Option<StoreError>; 2] {
    [SqliteStore::open(path).await.err(), SqliteStore::create(path).await.err()]
}

/// Runs a statement behind the store's back.
fn tamper(path: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(path).expect("opens");
    connection.execute_batch(sql).expect("runs");
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_and_its_companions_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let store = SqliteStore::create(folder.db()).await.expect("creates");
    lead(&store).await;
    assert_eq!(folder.names(), ["town.db", "town.db-shm", "town.db-wal"]);
    for name in folder.names() {
        let mode = fs::metadata(folder.0.path().join(&name)).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn opening_a_missing_file_finds_no_town_and_makes_nothing() {
    let folder = Folder::new();
    let refused = SqliteStore::open(folder.db()).await.err();
    assert_eq!(refused, Some(StoreError::NoTown { at: folder.db().display().to_string() }));
    assert_eq!(folder.names(), [""; 0]);
}

#[tokio::test]
async fn a_missing_folder_is_said_to_be_unavailable() {
    let path = Folder::new().db().join("below").join("town.db");
    let refused = SqliteStore::create(&path).await.err();
    let Some(StoreError::Unavailable { at, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(at, path.display().to_string());
}

#[tokio::test]
async fn a_file_that_nobody_finished_making_is_finished_by_create_only() {
    let folder = Folder::new();
    fs::write(folder.db(), "").expect("writes");
    let refused = SqliteStore::open(folder.db()).await.err();
    assert!(matches!(refused, Some(StoreError::NoTown { .. })), "{refused:?}");
    let store = SqliteStore::create(folder.db()).await.expect("creates");
    assert_eq!(store.found(&identity()).await, Ok(()));
    assert!(SqliteStore::open(folder.db()).await.is_ok());
}

#[tokio::test]
async fn a_newer_store_is_refused_and_nothing_is_written() {
    let folder = Folder::new();
    // Without a write-ahead log the file is all there is, and whoever turned the log on would be caught.
    tamper(&folder.db(), "CREATE TABLE town (x); PRAGMA user_version = 9");
    let before = fs::read(folder.db()).expect("reads");
    for refused in refusals(&folder.db()).await {
        let Some(StoreError::Newer { found, known, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!((found, known), (9, 2));
    }
    assert_eq!(fs::read(folder.db()).expect("reads"), before);
}

#[tokio::test]
async fn what_is_not_a_store_is_refused_and_left_alone() {
    let folder = Folder::new();
    tamper(&folder.db(), "CREATE TABLE theirs (x)");
    let before = fs::read(folder.db()).expect("reads");
    for refused in refusals(&folder.db()).await {
        assert!(matches!(refused, Some(StoreError::Corrupt { .. })), "{refused:?}");
    }
    assert_eq!(fs::read(folder.db()).expect("reads"), before);
    fs::write(folder.db(), "once upon a time ".repeat(100)).expect("writes");
    for refused in refusals(&folder.db()).await {
        assert!(matches!(refused, Some(StoreError::Corrupt { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn a_damaged_store_says_so() {
    let folder = Folder::new();
    let store = SqliteStore::create(folder.db()).await.expect("creates");
    lead(&store).await;
    tamper(&folder.db(), "UPDATE town SET id = 'nonsense'");
    let refused = store.town().await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    tamper(&folder.db(), "DROP TABLE input");
    let refused = store.post(&post("p", "x")).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
}
