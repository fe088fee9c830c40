//! A call whose reply is lost was made once, and a repeat under its name answers what the first would have.

use tinytown_core::id::OpId;
use tinytown_redis::RedisStore;
use tinytown_redis::testing::{Cut, CuttingProxy, RedisServer};
use tinytown_store::conformance::fixture::{
    commit, identity, lead, op, post, record, take, town_write, waiting,
};
use tinytown_store::testing::rounds;
use tinytown_store::{Commit, Committed, LeaseCall, LeaseFence, LeaseReply, Post, Store, StoreError};

use crate::place::open;

/// A town behind a proxy, a handle through it, and one past it.
struct Scene {
    _server: RedisServer,
    proxy: CuttingProxy,
    through: RedisStore,
    past: RedisStore,
}

impl Scene {
    async fn new() -> Self {
        let server = RedisServer::start();
        let past = open(&server.url()).await;
        past.found(&identity()).await.expect("founds");
        let proxy = CuttingProxy::before(&server.socket()).await;
        let through = open(&proxy.url(0)).await;
        let scene = Self { _server: server, proxy, through, past };
        scene.warm_up().await;
        scene
    }

    /// From now on the server knows the scripts, and the handle who goes by the name: what is cut is the call itself.
    async fn warm_up(&self) {
        let unheld = LeaseFence { incarnation: 0, epoch: 0 };
        let refused = self.through.commit(&commit("unheld", unheld)).await;
        assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
        self.through.lease(&op("unheld"), &LeaseCall::Renew(unheld)).await.expect("answers");
        let spoilt = Post { input: record("spoilt"), ..post("warm", "x") };
        self.through.post(&post("warm", "x")).await.expect("posts");
        assert!(self.through.post(&spoilt).await.is_err());
    }

    /// The reply to this operation will be lost.
    fn lose(&self, op: &OpId) {
        self.proxy.cut(Cut { word: op.to_string(), times: 1 });
    }
}

fn lost<T: std::fmt::Debug>(answer: &Result<T, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Unavailable { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_call_whose_reply_is_lost_is_unknown_to_its_caller_and_was_made_once() {
    let scene = Scene::new().await;
    let fence = lead(&scene.past).await;
    let new = post("the post", "x");
    scene.lose(&new.op);
    lost(&scene.through.post(&new).await);
    assert_eq!(waiting(&scene.past).await, ["warm", "the post"], "the client itself repeats nothing");
    let id = scene.through.post(&new).await.expect("posts");
    assert_eq!(waiting(&scene.past).await, ["warm", "the post"]);

    let town = Some(town_write(0, "k", "v"));
    let applied = Commit { town, acks: vec![(id, record("yes"))], ..commit("the commit", fence) };
    scene.lose(&applied.op);
    lost(&scene.through.commit(&applied).await);
    assert_eq!(scene.past.town().await.map(|town| town.version), Ok(1));
    assert_eq!(scene.through.commit(&applied).await, Ok(Committed { town: 1, mission: 0 }));
    assert_eq!(scene.past.town().await.map(|town| town.version), Ok(1));

    let renewal = op("the renewal");
    scene.lose(&renewal);
    lost(&scene.through.lease(&renewal, &LeaseCall::Renew(fence)).await);
    assert_eq!(scene.through.lease(&renewal, &LeaseCall::Renew(fence)).await, Ok(LeaseReply::Held(fence)));
    assert_eq!(scene.past.vitals().await.expect("answers").lease.counter, 1);
    assert_eq!(scene.proxy.cuts(), 3);
}

#[tokio::test]
async fn resets_between_request_and_reply_double_and_lose_nothing() {
    let scene = Scene::new().await;
    let fence = lead(&scene.past).await;
    for n in 0..u64::from(rounds(60, 1000)) {
        let name = format!("c{n}!");
        let town = Some(town_write(n, &name, "v"));
        let change = Commit { town, ..commit(&name, fence) };
        scene.lose(&change.op);
        lost(&scene.through.commit(&change).await);
        let made = scene.through.commit(&change).await;
        assert_eq!(made, Ok(Committed { town: n + 1, mission: 0 }));
    }
    let records = scene.past.town().await.expect("answers").records;
    assert_eq!(records.len() as u64, scene.proxy.cuts());
}

#[tokio::test]
async fn a_taker_whose_reply_was_lost_learns_that_it_holds_the_lease() {
    let scene = Scene::new().await;
    let name = op("the taking");
    scene.lose(&name);
    lost(&scene.through.lease(&name, &take("me")).await);
    let reply = scene.through.lease(&name, &take("me")).await.expect("answers");
    assert!(matches!(reply, LeaseReply::Held(_)), "{reply:?}");
    assert_eq!(scene.past.vitals().await.expect("answers").lease.epoch, 1);
}

#[tokio::test]
async fn scripts_that_the_server_forgot_are_sent_again() {
    let server = RedisServer::start();
    let store = open(&server.url()).await;
    let fence = lead(&store).await;
    for n in 0..3 {
        assert_eq!(server.ask(&["SCRIPT", "FLUSH"]), "+OK\r\n");
        let change = Commit { town: Some(town_write(n, "k", "v")), ..commit(&format!("c{n}"), fence) };
        assert_eq!(store.commit(&change).await, Ok(Committed { town: n + 1, mission: 0 }));
    }
    assert_eq!(store.vitals().await.map(|vitals| vitals.incarnation), Ok(fence.incarnation));
}
