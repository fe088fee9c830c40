//! A file that an older program made is brought up to date by whoever writes, and only read by whoever looks.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tinytown_store::conformance::fixture::{commit, lead, mission_id, mission_write};
use tinytown_store::{Archive, Commit, LeaseFence, MissionView, SqliteFile, SqliteStore, Store};

/// A store with a mission, as a program with schema 1 would have written it, and what is in it.
async fn old(folder: &Path) -> (PathBuf, MissionView, LeaseFence) {
    let new = folder.join("new.db");
    let store = SqliteStore::create(&new).await.expect("creates");
    let fence = lead(&store).await;
    store.commit(&begins(fence)).await.expect("commits");
    let mission = store.mission(mission_id(1)).await.expect("reads");
    let file = folder.join("town.db");
    let old = Connection::open(&file).expect("opens");
    old.execute_batch(include_str!("written_earlier/schema_1.sql")).expect("makes the tables");
    old.execute("ATTACH ?1 AS new", [new.to_str().expect("UTF-8")]).expect("attaches");
    old.execute_batch(
        "INSERT INTO town SELECT * FROM new.town;
         INSERT INTO mission (seq, id, version, unfinished, charter, head)
             SELECT seq, id, version, unfinished, record, head FROM new.mission, new.charter WHERE mission = seq;
         INSERT INTO mission_record SELECT * FROM new.mission_record;
         INSERT INTO step SELECT * FROM new.step;
         INSERT INTO commit_memo SELECT * FROM new.commit_memo;
         PRAGMA user_version = 1;",
    )
    .expect("copies");
    (file, mission, fence)
}

fn begins(fence: LeaseFence) -> Commit {
    Commit { mission: Some(mission_write(1, 0)), ..commit("begin", fence) }
}

/// Every table and index, as they were written.
fn schema(file: &Path) -> Vec<(String, String)> {
    let connection = Connection::open(file).expect("opens");
    let sql = "SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY name";
    let mut statement = connection.prepare(sql).expect("prepares");
    let words = |text: String| text.replace(',', " , ").split_whitespace().collect::<Vec<_>>().join(" ");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, words(row.get(1)?)))).expect("reads");
    rows.collect::<Result<_, _>>().expect("reads")
}

#[tokio::test]
async fn a_file_of_schema_1_is_brought_up_to_date_with_all_that_is_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, mission, fence) = old(folder.path()).await;
    let store = SqliteStore::open(&file).await.expect("opens");
    assert_eq!(store.mission(mission_id(1)).await.expect("reads"), mission);
    assert_eq!(store.missions(true).await.expect("reads"), [mission.row]);
    // It is the same store: a commit that it has seen is answered as before, and the next is taken.
    let first = store.commit(&begins(fence)).await.expect("answers");
    let next = Commit { mission: Some(mission_write(1, first.mission)), ..commit("next", fence) };
    assert_eq!(store.commit(&next).await.expect("commits").mission, first.mission + 1);
    drop(store);
    assert_eq!(schema(&file), schema(&folder.path().join("new.db")));
}

#[tokio::test]
async fn a_file_of_schema_1_is_looked_at_without_being_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, mission, _) = old(folder.path()).await;
    let before = fs::read(&file).expect("reads");
    let seen = SqliteFile::at(&file).glance().await.expect("looks");
    assert_eq!(seen.missions, [mission]);
    assert_eq!(fs::read(&file).expect("reads"), before);
}

#[tokio::test]
async fn two_that_open_an_old_file_at_once_both_find_it_up_to_date() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, mission, _) = old(folder.path()).await;
    let (one, two) = tokio::join!(SqliteStore::open(&file), SqliteStore::create(&file));
    for store in [one.expect("opens"), two.expect("opens")] {
        assert_eq!(store.mission(mission_id(1)).await.expect("reads"), mission);
    }
}
