//! Names of operations are remembered for a day, and do not pile up.

use std::time::Duration;

use tinytown_core::time::Time;
use tinytown_store::conformance::fixture::{commit, lead, op, post, record, time, town_write};
use tinytown_store::{Commit, Committed, LeaseCall, LeaseFence, SqliteStore, Store, StoreError, Wait};

const DAY: Duration = Duration::from_hours(24);

struct Town {
    folder: tempfile::TempDir,
    store: SqliteStore,
    fence: LeaseFence,
}

impl Town {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::create(folder.path().join("town.db")).await.expect("creates");
        let fence = lead(&store).await;
        Self { folder, store, fence }
    }

    /// Posts and applies one input at that time, writing the version that makes a repeat recognisable.
    async fn step(&self, name: &str, expect: u64, at: Time) -> Result<Committed, StoreError> {
        let id = self.store.post(&post(name, "x")).await.expect("posts");
        let town = Some(town_write(expect, "k", name));
        self.store
            .commit(&Commit { at, town, acks: vec![(id, record(name))], ..commit(name, self.fence) })
            .await
    }

    fn count(&self, table: &str) -> u32 {
        let connection = rusqlite::Connection::open(self.folder.path().join("town.db")).expect("opens");
        let sql = format!("SELECT count(*) FROM {table}");
        connection.query_row(&sql, [], |row| row.get(0)).expect("counts")
    }
}

#[tokio::test]
async fn a_commit_is_known_again_for_a_day_and_forgotten_after() {
    let town = Town::new().await;
    let first = town.step("first", 0, time()).await;
    assert_eq!(first, Ok(Committed { town: 1, mission: 0 }));
    town.step("second", 1, time() + DAY).await.expect("commits");
    assert_eq!(town.store.commit(&commit("first", town.fence)).await, first);
    assert_eq!(town.store.answer(&op("first"), Wait::NONE).await, Ok(Some(record("first"))));
    town.step("third", 2, time() + DAY + Duration::from_millis(1)).await.expect("commits");
    assert_eq!(town.count("commit_memo WHERE op = 'first'"), 0);
    assert_eq!(town.store.answer(&op("first"), Wait::NONE).await, Ok(None));
}

#[tokio::test]
async fn names_of_commits_and_inputs_do_not_pile_up() {
    let town = Town::new().await;
    let hours = Duration::from_hours(1);
    for n in 0..80_u32 {
        town.step(&format!("c{n}"), n.into(), time() + hours * n).await.expect("commits");
    }
    assert!(town.count("commit_memo") <= 26, "{}", town.count("commit_memo"));
    assert!(town.count("input") <= 26, "{}", town.count("input"));
    let positions = town.store.post(&post("next", "x")).await.expect("posts");
    assert_eq!(positions.0, 81, "a forgotten input's position is not used again");
}

#[tokio::test]
async fn an_unacknowledged_input_is_never_forgotten() {
    let town = Town::new().await;
    town.store.post(&post("waiting", "x")).await.expect("posts");
    for n in 0..5 {
        town.step(&format!("c{n}"), n, time() + DAY * u32::try_from(n).expect("few")).await.expect("commits");
    }
    let waiting = tinytown_store::conformance::fixture::waiting(&town.store).await;
    assert_eq!(waiting, ["waiting"]);
}

#[tokio::test]
async fn names_of_lease_calls_do_not_pile_up() {
    let town = Town::new().await;
    for n in 0..10 {
        town.store.lease(&op(&format!("r{n}")), &LeaseCall::Renew(town.fence)).await.expect("renews");
    }
    assert_eq!(town.count("lease_memo"), 11);
    let path = town.folder.path().join("town.db");
    let connection = rusqlite::Connection::open(path).expect("opens");
    connection.execute("UPDATE lease_memo SET at = at - 86400001", []).expect("ages them");
    for n in 10..13 {
        town.store.lease(&op(&format!("r{n}")), &LeaseCall::Renew(town.fence)).await.expect("renews");
    }
    assert_eq!(town.count("lease_memo"), 3);
}
