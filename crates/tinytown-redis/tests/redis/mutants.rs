//! Planted defects in the scripts: each must be noticed, or the tests prove nothing.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_trait::async_trait;
use tinytown_redis::testing::RedisServer;
use tinytown_redis::{RedisStore, RedisUrl};
use tinytown_store::Store;
use tinytown_store::conformance::{Harness, commits, inbox, mail, missions, refusals, run};
use tinytown_store::testing::sequences;

use crate::place::TOWN;

/// In which script, what is replaced, and by what.
type Defect = (&'static str, &'static str, &'static str);

/// A store with that defect.
async fn defective(url: &RedisUrl, (script, from, to): Defect) -> RedisStore {
    let patch = |name: &str, text: String| {
        if name != script {
            return text;
        }
        assert!(text.contains(from), "{script}.lua has no {from:?} any more");
        text.replace(from, to)
    };
    RedisStore::open_patched(url, TOWN, patch).await.expect("the server is there")
}

struct Place<'a>(&'a RedisServer, Defect);

#[async_trait]
impl Harness for Place<'_> {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(defective(&self.0.url(), self.1).await)
    }
}

/// Whether random commands tell the store with the defect from the model.
fn is_noticed_by_random_commands(server: &RedisServer, defect: Defect) -> bool {
    let handle = tokio::sync::OnceCell::new();
    sequences::differ(400, async || {
        server.ask(&["FLUSHALL"]);
        let store: &RedisStore = handle.get_or_init(async || defective(&server.url(), defect).await).await;
        Arc::new(store.clone()) as Arc<dyn Store>
    })
}

/// Whether a property of the suite fails with the defect.
fn is_noticed_by(
    server: &RedisServer,
    defect: Defect,
    property: impl AsyncFn(&dyn Harness) + Send + Sync,
) -> bool {
    server.ask(&["FLUSHALL"]);
    let hold = AssertUnwindSafe(|| run(async { property(&Place(server, defect)).await }));
    std::panic::catch_unwind(hold).is_err()
}

const LIES: &[Defect] = &[
    ("commit", "if fenced then", "if false then"),
    ("commit", "fence_epoch ~= epoch", "false"),
    ("commit", "or not holder", ""),
    ("commit", "if first then", "if false then"),
    ("commit", "if expect ~= version then", "if false then"),
    ("commit", "if found and found ~= expect then", "if false then"),
    ("commit", "return count ~= seen", "return false"),
    ("commit", "redis.call('XDEL', inbox,", "redis.call('XDEL', inbox .. 'x',"),
    ("commit", "if redis.call('HEXISTS', index, key) == 1 then return end", ""),
    ("commit", "redis.call('ZREM', unfinished, mission)", ""),
    ("commit", "remove(KEYS[box], KEYS[box + 1], ARGV[i + 1])", ""),
    ("commit", "redis.call('HDEL', shared, ARGV[i])", ""),
    ("commit", "redis.call('HSET', answers, name, ARGV[i + 1])", ""),
    ("post", "if first == sum then", "if true then"),
    ("post", "if known then", "if false then"),
    ("lease", "if first then", "if false then"),
    ("lease", "ARGV[10] == counter", "true"),
    ("lease", "ARGV[8] == epoch", "true"),
    ("lease", "redis.call('HINCRBY', town, 'counter', 1)", ""),
    ("beat", "if tonumber(current) > tonumber(generation) then", "if false then"),
    ("beat", "if current == generation then", "if true then"),
];

#[test]
fn defects_in_what_scripts_answer_are_noticed_by_random_commands() {
    let server = RedisServer::start();
    let unnoticed: Vec<_> =
        LIES.iter().filter(|defect| !is_noticed_by_random_commands(&server, **defect)).collect();
    assert!(unnoticed.is_empty(), "{unnoticed:#?}");
}

#[test]
fn defects_that_no_answer_shows_are_noticed_by_the_suite() {
    let server = RedisServer::start();
    let unwritten: Defect = ("commit", "blobs_new[1], blobs_new[2]", "1, 0");
    assert!(is_noticed_by(&server, unwritten, async |it| commits::a_commit_brings_its_texts(it).await));
    let unheard: Defect = ("commit", "if not found and expect ~= '0' then", "if false then");
    assert!(
        is_noticed_by(&server, unheard, async |it| refusals::an_unknown_mission_changes_nothing(it).await)
    );
    let unposted: Defect = ("post", "for i = 9, #ARGV, 2 do", "for i = 1, 0 do");
    assert!(is_noticed_by(&server, unposted, async |it| inbox::a_post_brings_its_texts(it).await));
    let unordered: Defect = ("commit", "'HINCRBY', town, 'last_mission', 1", "'HLEN', town");
    let listed = async |it: &dyn Harness| missions::missions_are_listed_by_their_first_commit(it).await;
    assert!(is_noticed_by(&server, unordered, listed));
    let inclusive: Defect = ("page", "'(' .. ARGV[2]", "ARGV[2]");
    let paged = async |it: &dyn Harness| mail::deliveries_are_read_in_order_with_position_and_limit(it).await;
    assert!(is_noticed_by(&server, inclusive, paged));
}

mod lives {
    use super::*;
    use tinytown_redis::testing::ServerOptions;
    use tinytown_store::StoreError;
    use tinytown_store::conformance::fixture::{commit, lead};

    use crate::place::again;

    /// Whether a fence outlives its server with that defect.
    async fn outlives(defect: Defect) -> bool {
        let mut server = RedisServer::with(&ServerOptions { durable: true, ..ServerOptions::default() });
        let store = defective(&server.url(), defect).await;
        let fence = lead(&store).await;
        server.kill();
        server.restart();
        let answer = again(async || store.commit(&commit("c", fence)).await).await;
        !matches!(answer, Err(StoreError::Fenced { .. }))
    }

    #[tokio::test]
    async fn a_script_that_does_not_ask_who_the_server_is_lets_an_old_fence_pass() {
        assert!(!outlives(("commit", "local went_back", "local went_back")).await);
        assert!(
            outlives(("commit", "local other_server = run ~= row[4]", "local other_server = false")).await
        );
        assert!(
            outlives((
                "commit",
                "fence_life ~= life or fence_epoch ~= epoch or not holder",
                "fence_epoch ~= epoch"
            ))
            .await
        );
        assert!(outlives(("commit", "life, holder = ARGV[2], false", "holder = holder")).await);
    }
}
