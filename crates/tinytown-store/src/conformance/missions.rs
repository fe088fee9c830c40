//! Missions: what is written of them is read back whole, in order, and by whoever asks.

use super::Harness;
use super::fixture::{commit, founded, led, mission_id, mission_write, record};
use crate::{
    Commit, Committed, LeaseFence, MissionRow, MissionView, MissionWrite, Scope, Store, StoreError,
    codec::sha256_hex,
};

async fn write(store: &dyn Store, fence: LeaseFence, name: &str, mission: MissionWrite) -> Committed {
    let mission = Some(mission);
    store.commit(&Commit { mission, ..commit(name, fence) }).await.expect("commits")
}

async fn listed(store: &dyn Store, ended: bool) -> Vec<crate::MissionRow> {
    store.missions(ended).await.expect("answers")
}

/// Charter, head, records, version.
pub async fn a_mission_is_read_as_it_was_written(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    let committed = write(&*store, fence, "c", mission_write(1, 0)).await;
    assert_eq!(committed, Committed { town: 0, mission: 1 });
    let row = MissionRow {
        id: mission_id(1),
        version: 1,
        unfinished: true,
        charter: record("charter 1"),
        head: record("head 1"),
    };
    let other = harness.open().await;
    assert_eq!(listed(&*other, false).await, std::slice::from_ref(&row));
    let records = vec![("#1".to_owned(), record("item 1"))];
    assert_eq!(other.mission(mission_id(1)).await, Ok(MissionView { row, records }));
}

/// The latest of each, listed by key; missions do not touch each other.
pub async fn records_are_replaced_by_key(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    let put = |keys: &[&str], text| keys.iter().map(|key| ((*key).to_owned(), record(text))).collect();
    let first = MissionWrite { put: put(&["#2", "#10", "#1"], "old"), ..mission_write(1, 0) };
    write(&*store, fence, "c0", first).await;
    let other = MissionWrite { put: put(&["#1"], "other"), ..mission_write(2, 0) };
    write(&*store, fence, "c1", other).await;
    let second = MissionWrite { put: put(&["#2", "#3"], "new"), ..mission_write(1, 1) };
    write(&*store, fence, "c2", second).await;
    let view = store.mission(mission_id(1)).await.expect("answers");
    let want = [("#1", "old"), ("#10", "old"), ("#2", "new"), ("#3", "new")];
    assert_eq!(view.records, want.map(|(key, text)| (key.to_owned(), record(text))));
    assert_eq!((view.row.head, view.row.charter), (record("head 2"), record("charter 1")));
}

/// Its rows and records stay.
pub async fn a_mission_that_ended_is_listed_only_when_asked_for(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    write(&*store, fence, "c0", mission_write(1, 0)).await;
    write(&*store, fence, "c1", mission_write(2, 0)).await;
    let end = MissionWrite { unfinished: false, ..mission_write(1, 1) };
    write(&*store, fence, "c2", end).await;
    let ids = |rows: Vec<MissionRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(listed(&*store, false).await), [mission_id(2)]);
    assert_eq!(ids(listed(&*store, true).await), [mission_id(1), mission_id(2)]);
    let view = store.mission(mission_id(1)).await.expect("answers");
    assert!(!view.row.unfinished);
    assert_eq!(view.records.len(), 1);
}

/// Later commits move no mission in the list, and ids have no say in it.
pub async fn missions_are_listed_by_their_first_commit(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    for (n, expect) in [(2, 0), (1, 0), (3, 0), (1, 1), (2, 1)] {
        write(&*store, fence, &format!("c{n}-{expect}"), mission_write(n, expect)).await;
    }
    let want = [2, 1, 3].map(mission_id);
    for ended in [false, true] {
        let ids: Vec<_> = listed(&*store, ended).await.into_iter().map(|row| row.id).collect();
        assert_eq!(ids, want);
    }
}

/// Each step has the version it made.
pub async fn steps_are_numbered_without_gaps_and_read_in_pages(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    for expect in 0..5 {
        write(&*store, fence, &format!("a{expect}"), mission_write(1, expect)).await;
        write(&*store, fence, &format!("b{expect}"), mission_write(2, expect)).await;
    }
    let step = |n: u64| (n, record(&format!("step {n}")));
    let scope = Scope::Mission(mission_id(1));
    let other = harness.open().await;
    assert_eq!(other.steps(scope, 0, 99).await, Ok((1..=5).map(step).collect()));
    assert_eq!(other.steps(scope, 0, 2).await, Ok(vec![step(1), step(2)]));
    assert_eq!(other.steps(scope, 2, 2).await, Ok(vec![step(3), step(4)]));
    assert_eq!(other.steps(scope, 4, usize::MAX).await, Ok(vec![step(5)]));
    assert_eq!(other.steps(scope, 5, 2).await, Ok(vec![]));
    assert_eq!(other.steps(scope, u64::MAX, 2).await, Ok(vec![]));
    assert_eq!(other.steps(Scope::Town, 0, 2).await, Ok(vec![]), "the town's history is another");
}

/// By reading it, and by reading its history.
pub async fn an_unknown_mission_is_named(harness: &dyn Harness) {
    let store = founded(harness).await;
    let id = mission_id(7);
    assert_eq!(store.mission(id).await, Err(StoreError::NoMission(id)));
    assert_eq!(store.steps(Scope::Mission(id), 0, 9).await, Err(StoreError::NoMission(id)));
}

/// By its SHA-256.
pub async fn a_missing_text_is_named(harness: &dyn Harness) {
    let store = founded(harness).await;
    let name = sha256_hex("never stored");
    assert_eq!(store.blob(&name).await, Err(StoreError::NoBlob(name)));
}
