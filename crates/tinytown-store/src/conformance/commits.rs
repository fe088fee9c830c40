//! Commits: what one decision makes true, all together.

use super::Harness;
use super::fixture::{commit, effect, led, mission_write, post, record, town_write};
use crate::{Blob, Commit, Committed, Mailbox, Record, Scope, Store, TownWrite, codec::sha256_hex};

async fn records(store: &dyn Store) -> Vec<(String, Record)> {
    store.town().await.expect("answers").records
}

async fn effects(store: &dyn Store) -> Vec<String> {
    let effects = store.town().await.expect("answers").effects;
    effects.into_iter().map(|effect| effect.op.to_string()).collect()
}

/// It is allowed, and moves no version.
pub async fn a_commit_of_nothing_tells_the_versions(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    let write = Commit { town: Some(town_write(0, "k", "v")), ..commit("write", fence) };
    assert_eq!(store.commit(&write).await, Ok(Committed { town: 1, mission: 0 }));
    assert_eq!(store.commit(&commit("nothing", fence)).await, Ok(Committed { town: 1, mission: 0 }));
    assert_eq!(store.town().await.map(|town| town.version), Ok(1));
}

/// Records are listed by key, the latest of each.
pub async fn what_missions_share_is_written_read_and_removed(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    let put = [("b", "1"), ("a", "1"), ("Z", "1"), ("é", "1")];
    let put = put.map(|(key, text)| (key.to_owned(), record(text))).to_vec();
    let town = Some(TownWrite { put, ..TownWrite::default() });
    let committed = store.commit(&Commit { town, ..commit("c0", fence) }).await;
    assert_eq!(committed, Ok(Committed { town: 1, mission: 0 }));
    let delete = vec!["b".to_owned(), "unknown".to_owned()];
    let town = Some(TownWrite { delete, ..town_write(1, "a", "2") });
    let committed = store.commit(&Commit { town, ..commit("c1", fence) }).await;
    assert_eq!(committed, Ok(Committed { town: 2, mission: 0 }));
    let want = [("Z", "1"), ("a", "2"), ("é", "1")].map(|(key, text)| (key.to_owned(), record(text)));
    assert_eq!(records(&*harness.open().await).await, want);
}

/// What one commit both removes and writes is there afterwards, as written.
pub async fn removals_come_before_writings(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    let box_ = Mailbox::Conductor;
    for (n, text) in ["old", "new"].into_iter().enumerate() {
        let town = TownWrite { delete: vec!["k".to_owned()], ..town_write(n as u64, "k", text) };
        let all = Commit {
            town: Some(town),
            mail: vec![super::fixture::letter(&box_, "m", text)],
            mail_done: vec![(box_.clone(), "m".to_owned())],
            effects: vec![crate::Outgoing { record: record(text), ..effect("e") }],
            effects_done: vec![effect("e").op],
            ..commit(text, fence)
        };
        store.commit(&all).await.expect("commits");
    }
    let town = store.town().await.expect("answers");
    assert_eq!(town.records, [("k".to_owned(), record("new"))]);
    assert_eq!(town.effects.iter().map(|e| &e.record).collect::<Vec<_>>(), [&record("new")]);
    let mail = store.mail(&box_, 0, 9, crate::Wait::NONE).await.expect("answers");
    assert_eq!(mail.iter().map(|m| &m.record).collect::<Vec<_>>(), [&record("new")]);
}

/// Only changes that belong to no mission have one, so there may be gaps.
pub async fn steps_of_the_town_are_read_by_their_version(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    for version in 0..4 {
        let step = (version != 1).then(|| record(&format!("step {}", version + 1)));
        let town = Some(TownWrite { step, ..town_write(version, "k", "v") });
        store.commit(&Commit { town, ..commit(&format!("c{version}"), fence) }).await.expect("commits");
    }
    let step = |n: u64| (n, record(&format!("step {n}")));
    assert_eq!(store.steps(Scope::Town, 0, 9).await, Ok(vec![step(1), step(3), step(4)]));
    assert_eq!(store.steps(Scope::Town, 1, 1).await, Ok(vec![step(3)]));
}

/// In the order in which they were decided; the same name is the same effect; unknown ones are passed over.
pub async fn effects_wait_in_order_until_they_are_done(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    let decided = ["b", "a", "c"].map(effect).to_vec();
    store.commit(&Commit { effects: decided, ..commit("c0", fence) }).await.expect("commits");
    let again = crate::Outgoing { record: record("other"), ..effect("b") };
    let more = Commit {
        effects: vec![again, effect("d")],
        effects_done: vec![effect("a").op, effect("unknown").op],
        ..commit("c1", fence)
    };
    store.commit(&more).await.expect("commits");
    let other = harness.open().await;
    assert_eq!(effects(&*other).await, ["b", "c", "d"]);
    let first = other.town().await.expect("answers").effects.swap_remove(0);
    assert_eq!(first, effect("b"), "written again it is the same effect, and nothing changes");
}

/// Also when versions moved on, and the lease is another's.
pub async fn a_repeated_commit_answers_what_it_answered_first(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    let id = store.post(&post("p", "x")).await.expect("posts");
    let first = Commit {
        town: Some(town_write(0, "k", "first")),
        mission: Some(mission_write(1, 0)),
        acks: vec![(id, record("first"))],
        effects: vec![effect("e")],
        ..commit("first", fence)
    };
    let answer = Committed { town: 1, mission: 1 };
    assert_eq!(store.commit(&first).await, Ok(answer));
    assert_eq!(store.commit(&first).await, Ok(answer));
    let second = Commit {
        town: Some(town_write(1, "k", "second")),
        mission: Some(mission_write(1, 1)),
        effects_done: vec![effect("e").op],
        ..commit("second", fence)
    };
    assert_eq!(store.commit(&second).await, Ok(Committed { town: 2, mission: 2 }));
    let release = crate::LeaseCall::Release(fence);
    store.lease(&super::fixture::op("release"), &release).await.expect("answers");
    assert_eq!(harness.open().await.commit(&first).await, Ok(answer));
    let town = store.town().await.expect("answers");
    assert_eq!((town.version, town.effects), (2, vec![]));
    assert_eq!(town.records, [("k".to_owned(), record("second"))]);
}

/// Kept under their SHA-256, each once.
pub async fn a_commit_brings_its_texts(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    let text = "a line\nund ein Ümlaut\n".repeat(500);
    let blob = Blob { sha256: sha256_hex(&text), text: text.clone() };
    for name in ["c0", "c1"] {
        let blobs = vec![blob.clone()];
        store.commit(&Commit { blobs, ..commit(name, fence) }).await.expect("commits");
    }
    assert_eq!(harness.open().await.blob(&blob.sha256).await, Ok(text));
}

/// In fences, in the town's view and in the vitals, through every handle, and before and after work.
pub async fn the_incarnation_is_one_and_the_same_everywhere(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    store.commit(&commit("c", fence)).await.expect("commits");
    for handle in [store, harness.open().await] {
        assert_eq!(handle.town().await.map(|town| town.incarnation), Ok(fence.incarnation));
        assert_eq!(handle.vitals().await.map(|vitals| vitals.incarnation), Ok(fence.incarnation));
    }
}
