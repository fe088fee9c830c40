//! SQLite against the model: random commands of one caller, and histories of several at once.

use std::sync::Arc;

use tinytown_store::testing::{histories, rounds, sequences};
use tinytown_store::{MemoryStore, SqliteStore, Store};

/// A handle to an empty place, which lasts as long as the folder.
async fn sqlite(folder: &tempfile::TempDir) -> Arc<dyn Store> {
    let place = tempfile::tempdir_in(folder.path()).expect("a folder").keep();
    Arc::new(SqliteStore::create(place.join("town.db")).await.expect("creates"))
}

#[test]
fn random_commands_get_the_same_answers_from_sqlite_and_the_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let outcome = sequences::differences(rounds(48, 2000), || sqlite(&folder));
    outcome.unwrap_or_else(|difference| panic!("{difference}"));
}

#[test]
fn histories_of_several_callers_of_sqlite_can_be_put_in_one_order() {
    let folder = tempfile::tempdir().expect("a folder");
    histories::check(rounds(100, 1000), async |_| {
        let place = tempfile::tempdir_in(folder.path()).expect("a folder").keep();
        let mut handles: Vec<Arc<dyn Store>> = Vec::new();
        for _ in 0..histories::CALLERS {
            let store = SqliteStore::create(place.join("town.db")).await.expect("creates");
            handles.push(Arc::new(store));
        }
        handles
    });
}

#[test]
fn histories_of_several_callers_of_the_model_can_be_put_in_one_order() {
    histories::check(rounds(1000, 10_000), async |_| {
        let store = MemoryStore::new();
        std::iter::repeat_with(|| Arc::new(store.clone()) as Arc<dyn Store>)
            .take(histories::CALLERS)
            .collect()
    });
}
