//! What the Redis store costs, beside its floor of the same run: a plain SET through the same client, on
//! the same server with the same append-only setting. Prints tables. Run with: cargo xtask bench redis

use std::time::{Duration, Instant};

use fred::clients::Client;
use fred::interfaces::ClientLike as _;
use fred::types::config::{Config, ServerConfig};
use fred::types::{ClusterHash, CustomCommand, Value};
use tinytown_redis::RedisStore;
use tinytown_redis::testing::{RedisServer, ServerOptions};
use tinytown_store::conformance::fixture::{
    PATIENT, agent, commit, lead, letter, mission_id, mission_write, op, post, record, town_write,
};
use tinytown_store::{Archive, Commit, InputId, LeaseFence, Mailbox, MissionWrite, Record, Store, Wait};

const TOWN: &str = "bench";

/// A record as long as those of items are.
fn long() -> Record {
    record(&"x".repeat(400))
}

/// A server, a handle, and the lease of its town.
async fn town(durable: bool, more: &[&str]) -> (RedisServer, RedisStore, LeaseFence) {
    let more = more.iter().map(|word| (*word).to_owned()).collect();
    let server = RedisServer::with(&ServerOptions { durable, more, ..ServerOptions::default() });
    let store = RedisStore::open(&server.url(), TOWN).await.expect("the server is there");
    let fence = lead(&store).await;
    (server, store, fence)
}

/// How often a second `call` can be made, one after the other.
async fn rate(rounds: u64, mut call: impl AsyncFnMut(u64)) -> f64 {
    let began = Instant::now();
    for n in 0..rounds {
        call(n).await;
    }
    f64::from(u32::try_from(rounds).expect("not that many")) / began.elapsed().as_secs_f64()
}

/// A step as a dispatcher commits it: an input applied, an item and the head changed, a letter and an effect.
fn step(n: u64, version: u64, fence: LeaseFence, input: InputId) -> Commit {
    let put = vec![(format!("item/#{}", n % 100), long())];
    Commit {
        town: Some(town_write(n, "agent/ann", "busy")),
        mission: Some(MissionWrite { put, step: long(), ..mission_write(1, version) }),
        acks: vec![(input, record("yes"))],
        mail: vec![letter(&Mailbox::Agent(agent("ann")), &format!("k{n}"), "x")],
        mail_done: vec![(Mailbox::Agent(agent("ann")), format!("k{}", n.wrapping_sub(1)))],
        effects_done: vec![op(&format!("e{}", n.wrapping_sub(1)))],
        effects: vec![tinytown_store::Outgoing { op: op(&format!("e{n}")), record: record("effect") }],
        ..commit(&format!("s{n}"), fence)
    }
}

/// A mission of so many items.
async fn mission(store: &RedisStore, fence: LeaseFence, items: usize) {
    let put = (0..items).map(|n| (format!("item/#{n}"), long())).collect();
    let first = MissionWrite { put, ..mission_write(1, 0) };
    store.commit(&Commit { mission: Some(first), ..commit("first", fence) }).await.expect("commits");
}

/// Inputs, posted beforehand.
async fn preload(store: &RedisStore, inputs: u64) {
    for n in 0..inputs {
        store.post(&post(&format!("p{n}"), "x")).await.expect("posts");
    }
}

/// A bare client to the same server.
async fn bare(server: &RedisServer) -> Client {
    let server = ServerConfig::new_unix_socket(server.socket());
    let client = Client::new(Config { server, ..Config::default() }, None, None, None);
    client.init().await.expect("the server is there");
    client
}

async fn throughput(name: &str, durable: bool, more: &[&str], rounds: u64) {
    let (server, store, fence) = town(durable, more).await;
    mission(&store, fence, 100).await;
    preload(&store, rounds).await;
    let client = bare(&server).await;
    let value = "x".repeat(1500);
    let sets = rate(rounds, async |_| {
        let command = CustomCommand::new_static("SET", ClusterHash::FirstKey, false);
        let _ok: Value = client.custom(command, vec!["floor", &value]).await.expect("sets");
    });
    let sets = sets.await;
    let steps = rate(rounds, async |n| {
        store.commit(&step(n, n + 1, fence, InputId(n + 1))).await.expect("commits");
    });
    let steps = steps.await;
    say(&format!("{name:<24} {sets:>10.0} {steps:>10.0} {:>8.0} %", 100.0 * steps / sets));
}

async fn latency(durable: bool) {
    const ROUNDS: u64 = 2000;
    let (server, store, fence) = town(durable, &[]).await;
    mission(&store, fence, 100).await;
    let poster = RedisStore::open(&server.url(), TOWN).await.expect("the server is there");
    let worker = RedisStore::open(&server.url(), TOWN).await.expect("the server is there");
    let mut took = Vec::new();
    let dispatcher = async {
        for n in 0..ROUNDS {
            let read = store.inbox(InputId(n), 1, PATIENT).await.expect("reads");
            store.commit(&step(n, n + 1, fence, read[0].id)).await.expect("commits");
        }
    };
    let round_trips = async {
        let ann = Mailbox::Agent(agent("ann"));
        for n in 0..ROUNDS {
            let name = post(&format!("p{n}"), "x");
            let posting = async {
                // Both wait by then, as they do in a town.
                tokio::time::sleep(Duration::from_micros(300)).await;
                let began = Instant::now();
                poster.post(&name).await.expect("posts");
                began
            };
            let (read, began) = tokio::join!(worker.mail(&ann, n, 1, PATIENT), posting);
            took.push(began.elapsed());
            assert_eq!(read.expect("reads").len(), 1);
        }
    };
    tokio::join!(dispatcher, round_trips);
    took.sort_unstable();
    let at = |share: usize| took[(took.len() - 1) * share / 1000].as_secs_f64() * 1000.0;
    let name = if durable { "always" } else { "none" };
    say(&format!("{name:<24} {:>8.2} ms {:>8.2} ms {:>8.2} ms", at(500), at(990), at(1000)));
}

async fn one_step_at(items: usize) -> f64 {
    const ROUNDS: u64 = 3000;
    let (server, store, fence) = town(false, &[]).await;
    mission(&store, fence, items).await;
    preload(&store, ROUNDS).await;
    server.ask(&["CONFIG", "RESETSTAT"]);
    for n in 0..ROUNDS {
        store.commit(&step(n, n + 1, fence, InputId(n + 1))).await.expect("commits");
    }
    let told = server.ask(&["INFO", "commandstats"]);
    let line = told.lines().find(|line| line.starts_with("cmdstat_evalsha:")).expect("was called");
    line.split("usec_per_call=")
        .nth(1)
        .and_then(|rest| rest.split(',').next()?.parse().ok())
        .expect("a number")
}

async fn reading(items: usize) {
    let (server, store, fence) = town(false, &[]).await;
    mission(&store, fence, items).await;
    let began = Instant::now();
    let fresh = RedisStore::open(&server.url(), TOWN).await.expect("the server is there");
    fresh.town().await.expect("reads");
    fresh.missions(false).await.expect("reads");
    let view = fresh.mission(mission_id(1)).await.expect("reads");
    fresh.inbox(InputId(0), 100, Wait::NONE).await.expect("reads");
    assert_eq!(view.records.len(), items);
    say(&format!(
        "connecting and reading a town with {items} items: {:.0} ms",
        began.elapsed().as_secs_f64() * 1000.0
    ));
}

#[expect(clippy::print_stdout, reason = "a measurement prints its tables")]
fn say(line: &str) {
    println!("{line}");
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    say("append-only file             SET/s  commits/s    share");
    throughput("none", false, &[], 10_000).await;
    throughput("everysec", true, &["--appendfsync", "everysec"], 10_000).await;
    throughput("always", true, &[], 3000).await;
    say("\npost to receipt               p50         p99         max");
    latency(false).await;
    latency(true).await;
    let (mut few, mut many) = (f64::INFINITY, f64::INFINITY);
    // The least of several: whatever else the machine does only adds to it.
    for _ in 0..5 {
        few = one_step_at(100).await.min(few);
        many = one_step_at(100_000).await.min(many);
    }
    say(&format!(
        "\none step in the server: {few:.1} µs at 100 items, {many:.1} µs at 100,000 ({:.2} ×)\n",
        many / few
    ));
    reading(10_000).await;
}
