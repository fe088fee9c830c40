//! What is applied is trimmed, names of operations are remembered for a day, steps stay, and nothing expires.

use std::time::Duration;

use tinytown_core::time::Time;
use tinytown_redis::RedisStore;
use tinytown_redis::testing::RedisServer;
use tinytown_store::conformance::fixture::{
    commit, effect, identity, lead, letter, mission_id, mission_write, op, post, record, time, waiting,
};
use tinytown_store::{
    Archive, Commit, Committed, LeaseCall, LeaseFence, Mailbox, Scope, Store, StoreError, Wait,
};

use crate::place::open;

const DAY: Duration = Duration::from_hours(24);

struct Town {
    server: RedisServer,
    store: RedisStore,
    fence: LeaseFence,
}

impl Town {
    async fn new() -> Self {
        let server = RedisServer::start();
        let store = open(&server.url()).await;
        let fence = lead(&store).await;
        Self { server, store, fence }
    }

    /// Posts and applies one input at that time, as a step of the mission, with a letter that the next one removes.
    async fn step(&self, n: u64, at: Time) -> Result<Committed, StoreError> {
        let name = format!("c{n}");
        let id = self.store.post(&post(&name, "x")).await.expect("posts");
        let commit = Commit {
            at,
            mission: Some(mission_write(1, n)),
            acks: vec![(id, record(&name))],
            mail: vec![letter(&Mailbox::Conductor, &name, "x")],
            mail_done: vec![(Mailbox::Conductor, format!("c{}", n.saturating_sub(1)))],
            effects: vec![effect(&name)],
            effects_done: vec![op(&format!("c{}", n.saturating_sub(1)))],
            ..commit(&name, self.fence)
        };
        self.store.commit(&commit).await
    }

    fn size(&self, command: &str, key: &str) -> u64 {
        let key = format!("tt:{{{}}}:{key}", identity().id);
        let told = self.server.ask(&[command, &key]);
        told.trim().trim_start_matches(':').parse().expect("a number")
    }
}

#[tokio::test]
async fn a_commit_is_known_again_for_a_day_and_forgotten_after() {
    let town = Town::new().await;
    let first = town.step(0, time()).await;
    assert_eq!(first, Ok(Committed { town: 0, mission: 1 }));
    town.step(1, time() + DAY).await.expect("commits");
    assert_eq!(town.store.commit(&commit("c0", town.fence)).await, first);
    assert_eq!(town.store.answer(&op("c0"), Wait::NONE).await, Ok(Some(record("c0"))));
    town.step(2, time() + DAY + Duration::from_millis(1)).await.expect("commits");
    let made_anew = town.store.commit(&commit("c0", town.fence)).await;
    assert_eq!(made_anew, Ok(Committed { town: 0, mission: 0 }));
    assert_eq!(town.store.answer(&op("c0"), Wait::NONE).await, Ok(None));
}

#[tokio::test]
async fn names_and_applied_streams_do_not_pile_up_and_steps_stay() {
    let town = Town::new().await;
    for n in 0..80_u32 {
        town.step(n.into(), time() + Duration::from_hours(1) * n).await.expect("commits");
    }
    for (command, key, most) in [
        ("HLEN", "commits", 26),
        ("HLEN", "posts", 26),
        ("HLEN", "answers", 26),
        ("XLEN", "memos", 52),
        ("XLEN", "inbox", 0),
        ("XLEN", "mail:conductor", 1),
        ("HLEN", "mail_at:conductor", 1),
        ("XLEN", "effects", 1),
        ("HLEN", "effect_at", 1),
    ] {
        let size = town.size(command, key);
        assert!(size <= most, "{key}: {size}");
    }
    let steps = town.store.steps(Scope::Mission(mission_id(1)), 0, usize::MAX).await.expect("answers");
    assert_eq!(steps.len(), 80);
    let next = town.store.post(&post("next", "x")).await.expect("posts");
    assert_eq!(next.0, 81, "a forgotten input's position is not used again");
}

#[tokio::test]
async fn an_applied_inbox_takes_no_more_room_however_much_went_through_it() {
    let town = Town::new().await;
    let mut sizes = Vec::new();
    for n in 0..600 {
        town.step(n, time()).await.expect("commits");
        if n % 200 == 199 {
            let key = format!("tt:{{{}}}:inbox", identity().id);
            let told = town.server.ask(&["MEMORY", "USAGE", &key]);
            sizes.push(told.trim().trim_start_matches(':').parse::<u64>().expect("a number"));
        }
    }
    assert!(sizes[2] <= sizes[0] + 1000, "{sizes:?}");
}

#[tokio::test]
async fn an_unacknowledged_input_is_never_forgotten() {
    let town = Town::new().await;
    town.store.post(&post("waiting", "x")).await.expect("posts");
    for n in 0..5_u32 {
        town.step(n.into(), time() + DAY * n).await.expect("commits");
    }
    assert_eq!(waiting(&town.store).await, ["waiting"]);
}

#[tokio::test]
async fn names_of_lease_calls_do_not_pile_up() {
    let town = Town::new().await;
    // As if made two days ago.
    let keys = ["leases", "lease_log"].map(|key| format!("tt:{{{}}}:{key}", identity().id));
    town.server.ask(&["DEL", &keys[1]]);
    let now = std::time::UNIX_EPOCH.elapsed().expect("a clock").as_millis();
    for n in 0..10 {
        let id = format!("{}-{n}", now - 2 * DAY.as_millis());
        town.server.ask(&["XADD", &keys[1], &id, "op", &format!("old{n}")]);
        town.server.ask(&["HSET", &keys[0], &format!("old{n}"), "released"]);
    }
    for n in 0..3 {
        let renewal = LeaseCall::Renew(town.fence);
        town.store.lease(&op(&format!("r{n}")), &renewal).await.expect("renews");
    }
    assert_eq!((town.size("HLEN", "leases"), town.size("XLEN", "lease_log")), (4, 3));
}

#[tokio::test]
async fn no_key_expires() {
    let town = Town::new().await;
    town.step(0, time()).await.expect("commits");
    let told = town.server.ask(&["INFO", "keyspace"]);
    assert!(told.contains("expires=0"), "{told}");
}
