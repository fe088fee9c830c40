//! What calls cost, counted by the server: one command each, and work for what changes only.

use tinytown_redis::testing::RedisServer;
use tinytown_store::conformance::fixture::{
    commit, effect, lead, letter, mission_write, post, record, town_write,
};
use tinytown_store::{Commit, InputId, LeaseFence, Mailbox, MissionWrite, Store, Wait};

use crate::place::open;

/// Commands by name, and how often each was called, since the last reset.
fn counted(server: &RedisServer) -> Vec<(String, u64)> {
    let told = server.ask(&["INFO", "commandstats"]);
    let line = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
    };
    // Asking, resetting and leaving are ours.
    let ours = |name: &str| matches!(name, "info" | "quit" | "config|resetstat");
    let mut counted: Vec<_> = told.lines().filter_map(line).filter(|(name, _)| !ours(name)).collect();
    counted.sort();
    counted
}

/// How often that command came from outside or was called by a script.
fn calls(counted: &[(String, u64)], name: &str) -> u64 {
    counted.iter().find(|(found, _)| found == name).map_or(0, |(_, calls)| *calls)
}

fn forget(server: &RedisServer) {
    assert_eq!(server.ask(&["CONFIG", "RESETSTAT"]), "+OK\r\n");
}

/// A commit as a dispatcher makes it: one item, an answer, a letter, an effect.
fn step(n: u64, fence: LeaseFence, input: InputId) -> Commit {
    Commit {
        town: Some(town_write(n, "agent/ann", "busy")),
        mission: Some(mission_write(1, n + 1)),
        acks: vec![(input, record("yes"))],
        mail: vec![letter(&Mailbox::Conductor, &format!("k{n}"), "x")],
        effects: vec![effect(&format!("e{n}"))],
        ..commit(&format!("s{n}"), fence)
    }
}

/// A mission of so many items; then what one further commit costs, by command.
async fn cost_at(items: usize) -> Vec<(String, u64)> {
    let server = RedisServer::start();
    let store = open(&server.url()).await;
    let fence = lead(&store).await;
    let put = (0..items).map(|n| (format!("item/#{n}"), record("item"))).collect();
    let first = MissionWrite { put, ..mission_write(1, 0) };
    store.commit(&Commit { mission: Some(first), ..commit("first", fence) }).await.expect("commits");
    let input = store.post(&post("p", "x")).await.expect("posts");
    // The server knows the script by now.
    forget(&server);
    store.commit(&step(0, fence, input)).await.expect("commits");
    counted(&server)
}

#[tokio::test]
async fn a_commit_is_one_command_and_works_as_much_for_many_items_as_for_few() {
    let few = cost_at(10).await;
    assert_eq!(calls(&few, "evalsha"), 1);
    insta::assert_snapshot!(
        few.iter().map(|(name, calls)| format!("{name} {calls}")).collect::<Vec<_>>().join("\n")
    );
    assert_eq!(cost_at(5000).await, few);
}

#[tokio::test]
async fn each_call_is_one_command_and_none_of_them_searches() {
    let server = RedisServer::start();
    let store = open(&server.url()).await;
    let fence = lead(&store).await;
    let mission = Some(mission_write(1, 0));
    store.commit(&Commit { mission, ..commit("first", fence) }).await.expect("commits");
    // Once around, so that the server knows every script.
    for round in 0..2 {
        let before = calls(&counted(&server), "eval");
        forget(&server);
        let input = store.post(&post(&format!("p{round}"), "x")).await.expect("posts");
        store
            .beat(&tinytown_store::conformance::fixture::agent("ann"), tinytown_core::id::Generation(1))
            .await
            .expect("beats");
        store.inbox(InputId(0), 9, Wait::NONE).await.expect("answers");
        let change = Commit { mission: Some(mission_write(1, round + 1)), ..step(round, fence, input) };
        store.commit(&change).await.expect("commits");
        store.vitals().await.expect("answers");
        if round > 0 {
            let found = counted(&server);
            assert_eq!((calls(&found, "evalsha"), calls(&found, "eval")), (5, 0), "{before}: {found:#?}");
            for searching in ["keys", "scan", "hscan", "zscan", "smembers", "hkeys", "hvals"] {
                assert_eq!(calls(&found, searching), 0, "{searching}");
            }
            assert_eq!(calls(&found, "hgetall"), 1, "the heartbeats");
        }
    }
}

#[tokio::test]
async fn whoever_waits_asks_once_and_is_woken() {
    let server = RedisServer::start();
    let store = open(&server.url()).await;
    let fence = lead(&store).await;
    let input = store.post(&post("p0", "x")).await.expect("posts");
    let short = Wait { upto: std::time::Duration::from_millis(1), eager: true };
    assert_eq!(store.inbox(input, 9, short).await, Ok(vec![]));
    forget(&server);
    let reader = {
        let store = store.clone();
        tokio::spawn(
            async move { store.inbox(input, 9, tinytown_store::conformance::fixture::PATIENT).await },
        )
    };
    while !server.ask(&["INFO", "clients"]).contains("blocked_clients:1") {
        tokio::task::yield_now().await;
    }
    store.commit(&commit("c", fence)).await.expect("commits");
    store.post(&post("p1", "x")).await.expect("posts");
    assert_eq!(reader.await.expect("does not panic").expect("answers").len(), 1);
    assert_eq!(calls(&counted(&server), "xread"), 1);
    assert_eq!(calls(&counted(&server), "xrange"), 1, "what a commit looks through to forget");
}
