//! Many handles at once: nothing is lost, nothing is done twice, nothing is seen by half.

use std::collections::BTreeSet;

use super::Harness;
use super::fixture::{commit, founded, led, mission_id, mission_write, post, record, town_write, waiting};
use crate::{Commit, Committed, StoreError};

/// Each post gets a position of its own, and is read.
pub async fn many_posters_lose_nothing(harness: &dyn Harness) {
    const POSTERS: usize = 4;
    const POSTS: usize = 25;
    let store = founded(harness).await;
    let mut posters = Vec::new();
    for poster in 0..POSTERS {
        let handle = harness.open().await;
        posters.push(tokio::spawn(async move {
            let mut ids = Vec::new();
            for n in 0..POSTS {
                ids.push(handle.post(&post(&format!("{poster}/{n}"), "x")).await.expect("posts"));
            }
            assert!(ids.is_sorted(), "a poster's inputs keep their order");
            ids
        }));
    }
    let mut ids = BTreeSet::new();
    for poster in posters {
        ids.extend(poster.await.expect("does not panic"));
    }
    assert_eq!(ids.len(), POSTERS * POSTS);
    let names: BTreeSet<_> = waiting(&*store).await.into_iter().collect();
    assert_eq!(names.len(), POSTERS * POSTS);
}

/// The others learn that they decided on old state, decide again, and lose nothing.
pub async fn of_commits_on_the_same_version_one_is_made(harness: &dyn Harness) {
    const WRITERS: u64 = 4;
    const WRITES: u64 = 10;
    let (store, fence) = led(harness).await;
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let handle = harness.open().await;
        writers.push(tokio::spawn(async move {
            let (mut made, mut expect) = (0, 0);
            while made < WRITES {
                let name = format!("{writer}/{expect}");
                let town = Some(town_write(expect, &format!("{writer}/{made}"), "x"));
                match handle.commit(&Commit { town, ..commit(&name, fence) }).await {
                    Ok(committed) => (made, expect) = (made + 1, committed.town),
                    Err(StoreError::Stale { found, .. }) => expect = found,
                    Err(other) => panic!("{other}"),
                }
            }
        }));
    }
    for writer in writers {
        writer.await.expect("does not panic");
    }
    let town = store.town().await.expect("answers");
    assert_eq!(town.version, WRITERS * WRITES);
    assert_eq!(town.records.len() as u64, WRITERS * WRITES);
}

/// As after a time-out, when the first is still under way.
pub async fn the_same_commit_made_at_once_is_made_once(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    for version in 0..5 {
        let town = Some(town_write(version, "k", "v"));
        let same = Commit { town, ..commit(&format!("c{version}"), fence) };
        let mut callers = Vec::new();
        for _ in 0..4 {
            let (handle, same) = (harness.open().await, same.clone());
            callers.push(tokio::spawn(async move { handle.commit(&same).await }));
        }
        for caller in callers {
            let answer = caller.await.expect("does not panic");
            assert_eq!(answer, Ok(Committed { town: version + 1, mission: 0 }));
        }
    }
    assert_eq!(store.town().await.map(|town| town.version), Ok(5));
}

/// Two records, a head and a version that every commit moves together.
pub async fn a_reader_never_sees_half_a_commit(harness: &dyn Harness) {
    const VERSIONS: u64 = 60;
    let (store, fence) = led(harness).await;
    let write = |expect: u64| {
        let mut mission = mission_write(1, expect);
        mission.put.push(("#2".to_owned(), record(&format!("item {}", expect + 1))));
        Commit { mission: Some(mission), ..commit(&format!("c{expect}"), fence) }
    };
    store.commit(&write(0)).await.expect("commits");
    let reader = harness.open().await;
    let reading = tokio::spawn(async move {
        let mut version = 0;
        while version < VERSIONS {
            let view = reader.mission(mission_id(1)).await.expect("answers");
            assert!(view.row.version >= version, "a reader does not go back in time");
            version = view.row.version;
            let item = record(&format!("item {version}"));
            assert_eq!(view.row.head, record(&format!("head {version}")));
            assert_eq!(view.records, [("#1".to_owned(), item.clone()), ("#2".to_owned(), item)]);
        }
    });
    for expect in 1..VERSIONS {
        store.commit(&write(expect)).await.expect("commits");
    }
    reading.await.expect("the reader saw only whole commits");
}
