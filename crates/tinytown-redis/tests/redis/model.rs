//! Redis against the model: random commands of one caller, and histories of several at once, also with
//! connections that are cut between request and reply.

use std::sync::{Arc, Mutex};

use tinytown_redis::testing::{Cut, CuttingProxy, RedisServer};
use tinytown_redis::{RedisStore, RedisUrl};
use tinytown_store::Store;
use tinytown_store::testing::{histories, rounds, sequences};

use crate::place::open;

/// Handles to an emptied place, each with connections of its own.
async fn handles(server: &RedisServer, url: &RedisUrl) -> Vec<Arc<dyn Store>> {
    server.ask(&["FLUSHALL"]);
    let mut handles: Vec<Arc<dyn Store>> = Vec::new();
    for _ in 0..histories::CALLERS {
        handles.push(Arc::new(open(url).await));
    }
    handles
}

/// Plays a part of the random commands on a server of its own: each waits for its server, so several go at once.
fn random_commands(parts: u32) {
    let server = RedisServer::start();
    let handle = tokio::sync::OnceCell::new();
    let outcome = sequences::differences(rounds(10_000, 100_000).div_ceil(parts), async || {
        server.ask(&["FLUSHALL"]);
        // One for all: connecting takes longer than most sequences.
        let store: &RedisStore = handle.get_or_init(async || open(&server.url()).await).await;
        Arc::new(store.clone()) as Arc<dyn Store>
    });
    outcome.unwrap_or_else(|difference| panic!("{difference}"));
}

#[test]
fn random_commands_get_the_same_answers_from_redis_and_the_model() {
    random_commands(3);
}

#[test]
fn further_random_commands_get_the_same_answers_from_redis_and_the_model() {
    random_commands(3);
}

#[test]
fn still_more_random_commands_get_the_same_answers_from_redis_and_the_model() {
    random_commands(3);
}

#[test]
fn histories_of_several_callers_can_be_put_in_one_order() {
    let server = RedisServer::start();
    histories::check(rounds(1000, 10_000), async |_| handles(&server, &server.url()).await);
}

#[test]
fn histories_with_lost_replies_can_be_put_in_one_order() {
    let server = RedisServer::start();
    let proxies = Mutex::new(Vec::new());
    histories::check(rounds(100, 1000), async |seed| {
        let proxy = CuttingProxy::before(&server.socket()).await;
        let opened = handles(&server, &proxy.url(0)).await;
        // A commit of one caller, or a post that several make.
        let word = if seed.is_multiple_of(2) { format!("c{}/", seed % 3) } else { format!("p{}", seed % 4) };
        proxy.cut(Cut { word, times: 2 });
        proxies.lock().expect("nobody panicked").push(proxy);
        opened
    });
    let cuts: u64 = proxies.lock().expect("nobody panicked").iter().map(CuttingProxy::cuts).sum();
    assert!(cuts > 50, "hardly anything was cut: {cuts}");
}
