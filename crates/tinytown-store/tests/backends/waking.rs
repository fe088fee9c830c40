//! How soon a waiting read of SQLite wakes: what the conformance suite is too generous to judge.

use std::time::{Duration, Instant};

use tinytown_store::conformance::fixture::{PATIENT, identity, post};
use tinytown_store::{InputId, SqliteStore, Store, Wait};

/// Rounds of waiting through one handle while something is posted through the other.
async fn rounds(waits: &SqliteStore, posts: &SqliteStore, rounds: u32, eager: bool) -> Duration {
    waits.found(&identity()).await.expect("founds");
    let began = Instant::now();
    let mut after = InputId(0);
    for n in 0..rounds {
        let (new, wait) = (post(&format!("p{n}"), "x"), Wait { eager, ..PATIENT });
        let (read, posted) = tokio::join!(waits.inbox(after, 1, wait), posts.post(&new));
        after = posted.expect("posts");
        assert_eq!(read.expect("reads").len(), 1);
    }
    began.elapsed()
}

#[tokio::test]
async fn what_the_same_handle_commits_is_noticed_without_a_look() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::create(folder.path().join("town.db")).await.expect("creates");
    let took = rounds(&store, &store, 40, false).await;
    // A look is made every 95 ms; 40 of them would take 3.8 s.
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn an_eager_read_looks_often_enough_to_notice_others_soon() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::create(folder.path().join("town.db")).await.expect("creates");
    let other = SqliteStore::open(folder.path().join("town.db")).await.expect("opens");
    let took = rounds(&store, &other, 40, true).await;
    // At the pace of a reader without haste it would take 3.8 s.
    assert!(took < Duration::from_secs(2), "{took:?}");
}
