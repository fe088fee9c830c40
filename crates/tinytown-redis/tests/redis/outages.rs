//! Servers that are gone, slow, full or not what they should be: an error that says so, and no end.

use std::time::{Duration, Instant};

use tinytown_redis::testing::{CuttingProxy, RedisServer, ServerOptions};
use tinytown_redis::{RedisStore, RedisUrl};
use tinytown_store::conformance::fixture::{PATIENT, agent, commit, lead, letter, post, waiting};
use tinytown_store::{Commit, InputId, Mailbox, Store, StoreError, Wait};

use crate::place::{TOWN, again, open};

#[track_caller]
fn unavailable<T: std::fmt::Debug>(answer: Result<T, StoreError>, why: &str) {
    match answer {
        Err(StoreError::Unavailable { detail, .. }) => assert!(detail.contains(why), "{detail}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_to_be_unavailable_at_once() {
    let folder = tempfile_socket();
    let url = RedisUrl::parse(&format!("redis+unix://{folder}")).expect("an address");
    let began = Instant::now();
    unavailable(RedisStore::open(&url, TOWN).await.map(|_| ()), "");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

/// The path of a socket that is not there.
fn tempfile_socket() -> String {
    std::env::temp_dir().join("tt-redis-of-nobody").join("socket").display().to_string()
}

#[tokio::test]
async fn a_handle_outlives_its_server() {
    let mut server = RedisServer::with(&ServerOptions { durable: true, ..ServerOptions::default() });
    let store = open(&server.url()).await;
    lead(&store).await;
    store.post(&post("before", "x")).await.expect("posts");
    server.kill();
    let began = Instant::now();
    unavailable(store.post(&post("meanwhile", "x")).await, "");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    server.restart();
    again(async || store.post(&post("after", "x")).await).await.expect("posts");
    let names = waiting(&store).await;
    assert!(names.contains(&"before".to_owned()) && names.contains(&"after".to_owned()), "{names:?}");
}

#[tokio::test]
async fn a_call_made_during_a_short_outage_is_made_after_it() {
    let server = RedisServer::start();
    let proxy = CuttingProxy::before(&server.socket()).await;
    let store = open(&proxy.url(0)).await;
    lead(&store).await;
    proxy.set_down(true);
    let heal = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        proxy.set_down(false);
    };
    let (name, ()) = (post("p", "x"), ());
    let (posted, ()) = tokio::join!(again(async || store.post(&name).await), heal);
    posted.expect("posts");
    assert_eq!(waiting(&store).await, ["p"]);
}

#[tokio::test]
async fn a_waiting_read_hears_of_a_lost_connection_and_can_be_repeated() {
    let mut server = RedisServer::with(&ServerOptions { durable: true, ..ServerOptions::default() });
    let store = open(&server.url()).await;
    lead(&store).await;
    let other = open(&server.url()).await;
    let disturbing = async {
        while !server.ask(&["INFO", "clients"]).contains("blocked_clients:1") {
            tokio::task::yield_now().await;
        }
        server.kill();
        server.restart();
        again(async || other.post(&post("p", "x")).await).await.expect("posts");
    };
    let reading = again(async || store.inbox(InputId(0), 9, PATIENT).await);
    let (read, ()) = tokio::join!(reading, disturbing);
    let read = read.expect("answers");
    assert_eq!(read.len(), 1);
}

#[tokio::test]
async fn a_server_that_stands_still_is_waited_for_a_while_and_then_unavailable() {
    let server = RedisServer::start();
    let store = open(&server.url()).await;
    let fence = lead(&store).await;
    server.signal(rustix::process::Signal::STOP);
    let began = Instant::now();
    let change = Commit { mail: vec![letter(&Mailbox::Conductor, "k", "x")], ..commit("c", fence) };
    unavailable(store.commit(&change).await, "");
    let took = began.elapsed();
    assert!(took > Duration::from_secs(3) && took < Duration::from_secs(15), "{took:?}");
    server.signal(rustix::process::Signal::CONT);
    again(async || store.commit(&change).await).await.expect("commits");
    let mail = store.mail(&Mailbox::Conductor, 0, 9, Wait::NONE).await.expect("answers");
    assert_eq!(mail.len(), 1, "late and repeated, it was made once");
}

#[tokio::test]
async fn a_link_that_went_dead_without_a_word_is_replaced() {
    let server = RedisServer::start();
    let proxy = CuttingProxy::before(&server.socket()).await;
    let store = open(&proxy.url(0)).await;
    lead(&store).await;
    proxy.mute();
    let began = Instant::now();
    unavailable(store.post(&post("p", "x")).await, "");
    again(async || store.post(&post("p", "x")).await).await.expect("posts");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(waiting(&store).await, ["p"]);
}

#[tokio::test]
async fn a_full_server_refuses_a_change_whole_and_goes_on_when_it_has_room() {
    let server = RedisServer::start();
    let store = open(&server.url()).await;
    let fence = lead(&store).await;
    store.beat(&agent("ann"), tinytown_core::id::Generation(1)).await.expect("beats");
    assert_eq!(server.ask(&["CONFIG", "SET", "maxmemory", "1"]), "+OK\r\n");
    unavailable(store.post(&post("p", "x")).await, "it is full");
    let change = Commit { mail: vec![letter(&Mailbox::Conductor, "k", "x")], ..commit("c", fence) };
    unavailable(store.commit(&change).await, "it is full");
    assert_eq!(waiting(&store).await, [""; 0]);
    assert_eq!(server.ask(&["CONFIG", "SET", "maxmemory", "0"]), "+OK\r\n");
    store.post(&post("p", "x")).await.expect("posts");
    store.commit(&change).await.expect("commits");
}

#[tokio::test]
async fn keys_that_are_not_ours_are_corrupt_and_left_alone() {
    let server = RedisServer::start();
    let store = open(&server.url()).await;
    lead(&store).await;
    let inbox = format!("tt:{{{}}}:inbox", tinytown_store::conformance::fixture::identity().id);
    server.ask(&["SET", &inbox, "theirs"]);
    let refused = store.post(&post("p", "x")).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    assert_eq!(server.ask(&["GET", &inbox]), "$6\r\ntheirs\r\n");
    let town = format!("tt:{{{}}}:town", tinytown_store::conformance::fixture::identity().id);
    server.ask(&["HSET", &town, "layout", "9"]);
    let refused = store.town().await;
    assert!(matches!(refused, Err(StoreError::Newer { found: 9, known: 1, .. })), "{refused:?}");
    let refused = store.post(&post("q", "x")).await;
    assert!(matches!(refused, Err(StoreError::Newer { .. })), "{refused:?}");
}

#[tokio::test]
async fn waiting_reads_that_are_given_up_leave_no_connection_behind() {
    let server = RedisServer::start();
    let store = open(&server.url()).await;
    lead(&store).await;
    for _ in 0..20 {
        let wait = store.inbox(InputId(0), 9, PATIENT);
        assert!(tokio::time::timeout(Duration::from_millis(5), wait).await.is_err());
    }
    let began = Instant::now();
    while server.ask(&["INFO", "clients"]).contains("blocked_clients:") {
        if server.ask(&["INFO", "clients"]).contains("blocked_clients:0") {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "connections are left behind");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
