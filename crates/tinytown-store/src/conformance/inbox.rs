//! Inputs: posted once, read in order, acknowledged and answered by the commit that applies them.

use std::time::Duration;

use tokio::time::Instant;

use super::Harness;
use super::fixture::{PATIENT, PROMPT, commit, founded, led, op, post, record, time, waiting};
use crate::{Blob, Commit, InboxEntry, InputId, Post, StoreError, Wait, codec::sha256_hex};

/// Positions rise, and nothing of an input is lost.
pub async fn inputs_are_read_in_the_order_of_their_posts(harness: &dyn Harness) {
    let store = founded(harness).await;
    let first = store.post(&post("b", "one")).await.expect("posts");
    let second = harness.open().await.post(&post("a", "two")).await.expect("posts");
    assert!(first < second);
    let read = harness.open().await.inbox(InputId(0), 9, Wait::NONE).await;
    let entry = |id, name, text| InboxEntry { id, op: op(name), input: record(text), at: time() };
    assert_eq!(read, Ok(vec![entry(first, "b", "one"), entry(second, "a", "two")]));
}

/// A late repeat does not bring back what was applied.
pub async fn a_repeated_post_is_the_same_input_also_after_its_acknowledgement(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    let id = store.post(&post("p", "x")).await.expect("posts");
    assert_eq!(harness.open().await.post(&post("p", "x")).await, Ok(id));
    assert_eq!(waiting(&*store).await, ["p"]);
    let acks = vec![(id, record("done"))];
    store.commit(&Commit { acks, ..commit("c", fence) }).await.expect("commits");
    assert_eq!(store.post(&post("p", "x")).await, Ok(id));
    assert_eq!(waiting(&*store).await, [""; 0]);
}

/// Whether or not the first was applied already.
pub async fn a_name_used_for_another_input_is_refused(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    let id = store.post(&post("p", "x")).await.expect("posts");
    let refused = store.post(&post("p", "y")).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    let acks = vec![(id, record("done"))];
    store.commit(&Commit { acks, ..commit("c", fence) }).await.expect("commits");
    let refused = store.post(&post("p", "y")).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    assert_eq!(waiting(&*store).await, [""; 0]);
}

/// Texts are kept under their SHA-256, each once; under a false name nothing is posted.
pub async fn a_post_brings_its_texts(harness: &dyn Harness) {
    let store = founded(harness).await;
    let text = "long ".repeat(2000);
    let blob = Blob { sha256: sha256_hex(&text), text: text.clone() };
    for name in ["p", "q"] {
        let post = Post { blobs: vec![blob.clone()], ..post(name, "x") };
        store.post(&post).await.expect("posts");
    }
    assert_eq!(harness.open().await.blob(&blob.sha256).await, Ok(text));
    let forged = Post { blobs: vec![Blob { text: "other".to_owned(), ..blob }], ..post("r", "x") };
    let refused = store.post(&forged).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    assert_eq!(waiting(&*store).await, ["p", "q"]);
}

/// A page begins behind the given position and has at most the given length.
pub async fn reading_obeys_position_and_limit(harness: &dyn Harness) {
    let store = founded(harness).await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(store.post(&post(&format!("p{n}"), "x")).await.expect("posts"));
    }
    let page = async |after, limit| {
        let entries = store.inbox(after, limit, Wait::NONE).await.expect("answers");
        entries.into_iter().map(|entry| entry.id).collect::<Vec<_>>()
    };
    assert_eq!(page(InputId(0), 2).await, ids[..2]);
    assert_eq!(page(ids[1], 2).await, ids[2..4]);
    assert_eq!(page(ids[3], usize::MAX).await, ids[4..]);
    assert_eq!(page(ids[4], 2).await, []);
    assert_eq!(page(InputId(u64::MAX), 2).await, []);
    assert_eq!(store.inbox(InputId(0), 0, PATIENT).await, Ok(vec![]), "nothing is asked for");
}

/// All three waiting reads, and not before their time.
pub async fn a_wait_ends_empty_when_nothing_comes(harness: &dyn Harness) {
    let store = founded(harness).await;
    let id = store.post(&post("p", "x")).await.expect("posts");
    let upto = Duration::from_millis(60);
    for eager in [true, false] {
        let wait = Wait { upto, eager };
        let began = Instant::now();
        assert_eq!(store.inbox(id, 9, wait).await, Ok(vec![]));
        assert_eq!(store.answer(&op("p"), wait).await, Ok(None));
        assert_eq!(store.mail(&crate::Mailbox::Conductor, 0, 9, wait).await, Ok(vec![]));
        let took = began.elapsed();
        assert!(took >= upto * 3 && took < PROMPT, "{took:?}");
    }
}

/// Also a reader that is not eager, and one that has read everything so far.
pub async fn a_waiting_reader_wakes_at_a_post_from_another_handle(harness: &dyn Harness) {
    let store = founded(harness).await;
    let other = harness.open().await;
    let mut after = InputId(0);
    for (n, eager) in [true, false, true, false].into_iter().enumerate() {
        let began = Instant::now();
        let wait = Wait { eager, ..PATIENT };
        let new = post(&format!("p{n}"), "x");
        let (read, posted) = tokio::join!(store.inbox(after, 9, wait), other.post(&new));
        after = posted.expect("posts");
        let ids: Vec<_> = read.expect("answers").iter().map(|entry| entry.id).collect();
        assert_eq!(ids, [after]);
        assert!(began.elapsed() < PROMPT, "{:?}", began.elapsed());
    }
}

/// Before, there is no answer; after, it stays.
pub async fn an_input_is_answered_by_the_commit_that_applies_it(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    let one = store.post(&post("one", "x")).await.expect("posts");
    store.post(&post("two", "x")).await.expect("posts");
    assert_eq!(store.answer(&op("one"), Wait::NONE).await, Ok(None));
    let acks = vec![(one, record("yes"))];
    store.commit(&Commit { acks, ..commit("c", fence) }).await.expect("commits");
    let other = harness.open().await;
    assert_eq!(other.answer(&op("one"), Wait::NONE).await, Ok(Some(record("yes"))));
    assert_eq!(other.answer(&op("two"), Wait::NONE).await, Ok(None));
    assert_eq!(other.answer(&op("never posted"), Wait::NONE).await, Ok(None));
    assert_eq!(waiting(&*other).await, ["two"]);
}

/// Through another handle than the one that commits.
pub async fn whoever_waits_for_an_answer_wakes_at_the_commit(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    let other = harness.open().await;
    let id = other.post(&post("p", "x")).await.expect("posts");
    let began = Instant::now();
    let applied = Commit { acks: vec![(id, record("yes"))], ..commit("c", fence) };
    let (p, wait) = (op("p"), PATIENT);
    let (answer, committed) = tokio::join!(other.answer(&p, wait), store.commit(&applied));
    committed.expect("commits");
    assert_eq!(answer, Ok(Some(record("yes"))));
    assert!(began.elapsed() < PROMPT, "{:?}", began.elapsed());
}

/// So many rounds that wake-ups meet every moment of a wait.
pub async fn inputs_and_answers_go_back_and_forth(harness: &dyn Harness) {
    const ROUNDS: usize = 50;
    let (store, fence) = led(harness).await;
    let client = harness.open().await;
    let began = Instant::now();
    let serve = async {
        let mut after = InputId(0);
        for n in 0..ROUNDS {
            let entries = store.inbox(after, 1, PATIENT).await.expect("answers");
            after = entries[0].id;
            let acks = vec![(after, record(&format!("answer {n}")))];
            store.commit(&Commit { acks, ..commit(&format!("c{n}"), fence) }).await.expect("commits");
        }
    };
    let ask = async {
        for n in 0..ROUNDS {
            let name = format!("p{n}");
            client.post(&post(&name, "x")).await.expect("posts");
            let answer = client.answer(&op(&name), PATIENT).await;
            assert_eq!(answer, Ok(Some(record(&format!("answer {n}")))));
        }
    };
    tokio::join!(serve, ask);
    assert!(began.elapsed() < PATIENT.upto, "a wake-up was missed");
}

/// Whoever gives up waiting harms neither the input nor the next reader.
pub async fn a_dropped_wait_takes_nothing_with_it(harness: &dyn Harness) {
    let store = founded(harness).await;
    for _ in 0..5 {
        let wait = store.inbox(InputId(0), 9, PATIENT);
        assert!(tokio::time::timeout(Duration::from_millis(5), wait).await.is_err());
    }
    store.post(&post("p", "x")).await.expect("posts");
    let read = store.inbox(InputId(0), 9, PATIENT).await.expect("answers");
    assert_eq!(read.len(), 1);
}
