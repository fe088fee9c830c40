//! Deliveries: written by a commit, read in order, removed by a later commit.

use tokio::time::Instant;

use super::Harness;
use super::fixture::{PATIENT, PROMPT, agent, commit, led, letter, record};
use crate::{Commit, LeaseFence, Mail, MailEntry, Mailbox, Store, Wait};

fn ann() -> Mailbox {
    Mailbox::Agent(agent("ann"))
}

async fn deliver(store: &dyn Store, fence: LeaseFence, name: &str, mail: Vec<Mail>) {
    store.commit(&Commit { mail, ..commit(name, fence) }).await.expect("commits");
}

async fn read(store: &dyn Store, of: &Mailbox, after: u64, limit: usize) -> Vec<MailEntry> {
    store.mail(of, after, limit, Wait::NONE).await.expect("answers")
}

fn keys(entries: &[MailEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.key.as_str()).collect()
}

/// Positions rise within a commit and from commit to commit.
pub async fn deliveries_are_read_in_order_with_position_and_limit(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    let mail = ["z", "a"].map(|key| letter(&ann(), key, key)).to_vec();
    deliver(&*store, fence, "c0", mail).await;
    deliver(&*store, fence, "c1", vec![letter(&ann(), "m", "m")]).await;
    let other = harness.open().await;
    let all = read(&*other, &ann(), 0, usize::MAX).await;
    assert_eq!(keys(&all), ["z", "a", "m"]);
    assert_eq!(all[0].record, record("z"));
    assert!(all.is_sorted_by(|a, b| a.position < b.position), "{all:?}");
    assert_eq!(read(&*other, &ann(), 0, 2).await, all[..2]);
    assert_eq!(read(&*other, &ann(), all[0].position, 1).await, all[1..2]);
    assert_eq!(read(&*other, &ann(), all[2].position, 9).await, []);
    assert_eq!(other.mail(&ann(), 0, 0, PATIENT).await, Ok(vec![]), "nothing is asked for");
}

/// The same key in two mailboxes is two deliveries; an agent called `conductor` is not the conductor.
pub async fn mailboxes_are_apart(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    let boxes = [ann(), Mailbox::Agent(agent("conductor")), Mailbox::Conductor];
    let mail = boxes.iter().map(|to| letter(to, "k", &to.to_string())).collect();
    deliver(&*store, fence, "c0", mail).await;
    let mail_done = vec![(ann(), "k".to_owned())];
    store.commit(&Commit { mail_done, ..commit("c1", fence) }).await.expect("commits");
    assert_eq!(read(&*store, &boxes[0], 0, 9).await, []);
    for to in &boxes[1..] {
        let entries = read(&*store, to, 0, 9).await;
        assert_eq!(entries.iter().map(|e| &e.record).collect::<Vec<_>>(), [&record(&to.to_string())]);
    }
}

/// Written again it keeps its position and what it says.
pub async fn the_same_key_is_the_same_delivery(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    deliver(&*store, fence, "c0", vec![letter(&ann(), "k", "first")]).await;
    let before = read(&*store, &ann(), 0, 9).await;
    deliver(&*store, fence, "c1", vec![letter(&ann(), "k", "second")]).await;
    assert_eq!(read(&*store, &ann(), 0, 9).await, before);
}

/// Positions are not used again.
pub async fn a_removed_delivery_is_gone_and_an_unknown_one_is_passed_over(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    let mail = ["a", "b"].map(|key| letter(&ann(), key, key)).to_vec();
    deliver(&*store, fence, "c0", mail).await;
    let last = read(&*store, &ann(), 0, 9).await[1].position;
    let done = |key: &str| (ann(), key.to_owned());
    let mail_done = vec![done("b"), done("unknown"), (Mailbox::Conductor, "a".to_owned())];
    store.commit(&Commit { mail_done, ..commit("c1", fence) }).await.expect("commits");
    assert_eq!(keys(&read(&*store, &ann(), 0, 9).await), ["a"]);
    deliver(&*store, fence, "c2", vec![letter(&ann(), "c", "c")]).await;
    let left = read(&*store, &ann(), 0, 9).await;
    assert_eq!(keys(&left), ["a", "c"]);
    assert!(left[1].position > last);
}

/// Through another handle, eager or not; mail for others does not answer.
pub async fn a_waiting_agent_wakes_at_its_delivery(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    let agent = harness.open().await;
    let mut after = 0;
    for (n, eager) in [true, false, true, false].into_iter().enumerate() {
        let began = Instant::now();
        let (key, box_) = (format!("k{n}"), ann());
        let send = async {
            deliver(&*store, fence, &format!("x{n}"), vec![letter(&Mailbox::Conductor, &key, "x")]).await;
            deliver(&*store, fence, &format!("c{n}"), vec![letter(&ann(), &key, "x")]).await;
        };
        let wait = Wait { eager, ..PATIENT };
        let (read, ()) = tokio::join!(agent.mail(&box_, after, 9, wait), send);
        let read = read.expect("answers");
        assert_eq!(keys(&read), [&key]);
        after = read[0].position;
        assert!(began.elapsed() < PROMPT, "{:?}", began.elapsed());
    }
}
