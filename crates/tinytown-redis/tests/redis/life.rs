//! Lives of the store: a new one begins when the server is another, or remembers less than we were told.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use tinytown_redis::testing::{RedisServer, ServerOptions};
use tinytown_store::conformance::fixture::{
    commit, held, identity, lead, op, post, take, town_write, waiting,
};
use tinytown_store::testing::rounds;
use tinytown_store::{Commit, InputId, LeaseCall, LeaseFence, LeaseReply, Store, StoreError, Wait};

use crate::place::{again, open};

fn durable() -> RedisServer {
    RedisServer::with(&ServerOptions { durable: true, ..ServerOptions::default() })
}

/// A change of what missions share.
fn write(expect: u64, fence: LeaseFence) -> Commit {
    Commit { town: Some(town_write(expect, "k", "v")), ..commit(&format!("c{expect}"), fence) }
}

#[tokio::test]
async fn a_killed_server_loses_nothing_acknowledged_and_begins_a_new_life() {
    let mut server = durable();
    let store = open(&server.url()).await;
    let mut fence = lead(&store).await;
    for n in 0..u64::from(rounds(4, 50)) {
        let name = format!("p{n}");
        again(async || store.post(&post(&name, "x")).await).await.expect("posts");
        let made = again(async || store.commit(&write(n, fence)).await).await.expect("commits");
        assert_eq!(made.town, n + 1);
        server.kill();
        server.restart();
        let stale = again(async || store.commit(&write(n + 1, fence)).await).await;
        let Err(StoreError::Fenced { ours, theirs }) = stale else { panic!("{stale:?}") };
        assert_eq!((ours, theirs.epoch), (fence, fence.epoch));
        assert_ne!(theirs.incarnation, fence.incarnation);
        let vitals = store.vitals().await.expect("answers");
        assert_eq!((vitals.incarnation, vitals.lease.holder), (theirs.incarnation, None));
        let taken = again(async || store.lease(&op(&format!("t{n}")), &take("me")).await).await;
        fence = held(taken.expect("answers"));
        assert_eq!(fence.incarnation, theirs.incarnation);
        assert_eq!(waiting(&store).await.len() as u64, n + 1);
    }
    assert_eq!(store.town().await.map(|town| town.version), Ok(u64::from(rounds(4, 50))));
}

#[tokio::test]
async fn what_was_acknowledged_before_a_kill_is_there_after_it() {
    let mut server = durable();
    let store = open(&server.url()).await;
    lead(&store).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    for round in 0..rounds(5, 50) {
        let posting = tokio::spawn({
            let (store, told) = (store.clone(), Arc::clone(&told));
            async move {
                for n in 0.. {
                    let name = format!("{round}/{n}");
                    // Whether the last one was posted is not known, so it is not counted.
                    if store.post(&post(&name, "x")).await.is_err() {
                        return;
                    }
                    told.lock().expect("nobody panicked").push(name);
                }
            }
        });
        let enough = usize::try_from(20 * (round + 1)).expect("few");
        while told.lock().expect("nobody panicked").len() < enough {
            tokio::task::yield_now().await;
        }
        server.kill();
        server.restart();
        // It hears of the lost connection, or does not notice and goes on.
        posting.abort();
        let _ended = posting.await;
        let there =
            again(async || store.inbox(InputId(0), usize::MAX, Wait::NONE).await).await.expect("answers");
        let there: BTreeSet<_> = there.into_iter().map(|entry| entry.op.to_string()).collect();
        let told = told.lock().expect("nobody panicked");
        assert!(told.iter().all(|name| there.contains(name)), "something acknowledged is lost");
    }
}

#[tokio::test]
async fn whatever_comes_first_after_a_restart_begins_the_new_life() {
    let mut server = durable();
    let store = open(&server.url()).await;
    let fence = lead(&store).await;
    server.kill();
    server.restart();
    again(async || store.post(&post("p", "x")).await).await.expect("posts");
    let life = store.town().await.expect("answers").incarnation;
    assert_ne!(life, fence.incarnation);
    let renewal = store.lease(&op("renew"), &LeaseCall::Renew(fence)).await.expect("answers");
    let LeaseReply::Refused(lease) = renewal else { panic!("{renewal:?}") };
    assert_eq!((lease.epoch, lease.holder), (fence.epoch, None));
    assert_eq!(store.town().await.map(|town| town.incarnation), Ok(life), "it begins once");
}

#[tokio::test]
async fn a_server_that_went_back_under_the_same_process_is_found_out() {
    let more = ["--enable-debug-command", "yes"].map(str::to_owned).to_vec();
    let server = RedisServer::with(&ServerOptions { more, ..ServerOptions::default() });
    let store = open(&server.url()).await;
    let fence = lead(&store).await;
    store.commit(&write(0, fence)).await.expect("commits");
    assert_eq!(server.ask(&["SAVE"]), "+OK\r\n");
    store.commit(&write(1, fence)).await.expect("commits");
    assert_eq!(server.ask(&["DEBUG", "RELOAD", "NOSAVE"]), "+OK\r\n");
    // The version that this was decided on is in force again; that must not make it good.
    let stale = store.commit(&Commit { op: op("other"), ..write(1, fence) }).await;
    let Err(StoreError::Fenced { theirs, .. }) = stale else { panic!("{stale:?}") };
    assert_ne!(theirs.incarnation, fence.incarnation);
    let next = held(store.lease(&op("next"), &take("me")).await.expect("answers"));
    assert_eq!(next, LeaseFence { incarnation: theirs.incarnation, epoch: fence.epoch + 1 });
    assert_eq!(store.commit(&write(1, next)).await.map(|made| made.town), Ok(2));
}

#[tokio::test]
async fn an_emptied_server_holds_no_town_and_takes_a_new_one() {
    let server = RedisServer::start();
    let store = open(&server.url()).await;
    let fence = lead(&store).await;
    server.ask(&["FLUSHALL"]);
    let gone = store.commit(&write(0, fence)).await;
    assert!(matches!(gone, Err(StoreError::NoTown { .. })), "{gone:?}");
    store.found(&identity()).await.expect("founds");
    let refused = store.commit(&write(0, fence)).await;
    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_founder_that_died_half_way_is_finished_by_the_next() {
    let server = RedisServer::start();
    let store = open(&server.url()).await;
    store.found(&identity()).await.expect("founds");
    let town = format!("tt:{{{}}}:town", identity().id);
    assert_eq!(server.ask(&["DEL", &town]), ":1\r\n");
    let other = open(&server.url()).await;
    assert!(matches!(other.town().await, Err(StoreError::NoTown { .. })));
    let id = "99999999-2222-4333-8444-555555555555".parse().expect("a UUID");
    let usurper = tinytown_store::TownIdentity { id, ..identity() };
    let refusal = StoreError::TownExists { name: identity().name, id: identity().id };
    assert_eq!(other.found(&usurper).await, Err(refusal));
    assert_eq!(other.town().await.map(|town| town.identity), Ok(identity()));
}
