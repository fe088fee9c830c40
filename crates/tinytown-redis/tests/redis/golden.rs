//! Keys as they lie in servers of users: their layout may not change without a new layout number, and
//! what an earlier program wrote must still be read.

use tinytown_core::id::Generation;
use tinytown_redis::testing::RedisServer;
use tinytown_store::conformance::fixture::{
    agent, commit, effect, identity, lead, letter, mission_id, mission_write, op, post, record, town_write,
};
use tinytown_store::{
    Archive, Blob, Commit, InputId, LeaseFence, Mailbox, Scope, Store, StoreError, Wait, codec::sha256_hex,
};

use crate::place::open;

/// Writes each key as the command that makes it, one JSON list a line.
const DUMP: &str = r"
local keys, lines = redis.call('KEYS', '*'), {}
table.sort(keys)
local function pairs_of(list)
  local names, of = {}, {}
  for i = 1, #list, 2 do names[#names + 1] = list[i]; of[list[i]] = list[i + 1] end
  table.sort(names)
  local sorted = {}
  for _, name in ipairs(names) do sorted[#sorted + 1] = name; sorted[#sorted + 1] = of[name] end
  return sorted
end
local function line(...) lines[#lines + 1] = cjson.encode({...}) end
for _, key in ipairs(keys) do
  local kind = redis.call('TYPE', key).ok
  if kind == 'string' then line('SET', key, redis.call('GET', key)) end
  if kind == 'hash' then
    local all = pairs_of(redis.call('HGETALL', key))
    for i = 1, #all, 2 do line('HSET', key, all[i], all[i + 1]) end
  end
  if kind == 'zset' then
    for i, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do line('ZADD', key, redis.call('ZSCORE', key, member), member) end
  end
  if kind == 'stream' then
    for _, entry in ipairs(redis.call('XRANGE', key, '-', '+')) do line('XADD', key, entry[1], unpack(entry[2])) end
  end
end
return table.concat(lines, '\n')
";

/// Something of everything.
async fn fill(store: &dyn Store) -> LeaseFence {
    let fence = lead(store).await;
    let text = "a long text";
    let blob = Blob { sha256: sha256_hex(text), text: text.to_owned() };
    let applied = store.post(&post("applied", "x")).await.expect("posts");
    store.post(&post("waiting", "x")).await.expect("posts");
    store.beat(&agent("ann"), Generation(2)).await.expect("beats");
    let step = Some(record("town step"));
    let first = Commit {
        town: Some(tinytown_store::TownWrite { step, ..town_write(0, "agent/ann", "idle") }),
        mission: Some(mission_write(1, 0)),
        acks: vec![(applied, record("yes"))],
        mail: vec![letter(&Mailbox::Agent(agent("ann")), "a", "x"), letter(&Mailbox::Conductor, "b", "x")],
        effects: vec![effect("e")],
        blobs: vec![blob],
        ..commit("first", fence)
    };
    store.commit(&first).await.expect("commits");
    let ended = tinytown_store::MissionWrite { unfinished: false, ..mission_write(2, 0) };
    store.commit(&Commit { mission: Some(ended), ..commit("second", fence) }).await.expect("commits");
    fence
}

/// The keys as commands, without what is otherwise each time.
fn dump(server: &RedisServer, fence: LeaseFence) -> String {
    let told = server.ask(&["EVAL", DUMP, "0"]);
    let (_, told) = told.split_once("\r\n").expect("a text");
    let run = server.ask(&["INFO", "server"]);
    let run = run.split("run_id:").nth(1).and_then(|rest| rest.lines().next()).expect("a run id");
    let told = told.trim().replace(run, "RUN").replace(&fence.incarnation.to_string(), "7");
    let line = |line: &str| match line.split_once("lease_log\",\"") {
        Some((key, rest)) => format!("{key}lease_log\",\"1-0{}", &rest[rest.find('"').expect("an id")..]),
        None => line.to_owned(),
    };
    told.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn keys_have_the_layout_that_its_number_promises() {
    let server = RedisServer::start();
    let fence = fill(&open(&server.url()).await).await;
    insta::assert_snapshot!("layout_v1", dump(&server, fence));
}

#[tokio::test]
async fn keys_of_layout_1_can_be_read_and_written_on() {
    let server = RedisServer::start();
    let golden = include_str!("snapshots/redis__golden__layout_v1.snap");
    for line in golden.split("---\n").nth(2).expect("a snapshot has a header").lines() {
        let words: Vec<String> = serde_json::from_str(line).expect("a command");
        let answer = server.ask(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(!answer.starts_with('-'), "{line}: {answer}");
    }
    let (old, new) = (open(&server.url()).await, RedisServer::start());
    let fresh = open(&new.url()).await;
    let now = fill(&fresh).await;
    // Everything but the life, which is each server's own.
    let town = async |store: &dyn Store| {
        let town = store.town().await.expect("answers");
        tinytown_store::TownView { incarnation: 7, ..town }
    };
    assert_eq!(town(&old).await, town(&fresh).await);
    assert_eq!(old.missions(true).await, fresh.missions(true).await);
    assert_eq!(old.missions(false).await, fresh.missions(false).await);
    for id in [1, 2].map(mission_id) {
        assert_eq!(old.mission(id).await, fresh.mission(id).await);
        assert_eq!(old.steps(Scope::Mission(id), 0, 9).await, fresh.steps(Scope::Mission(id), 0, 9).await);
    }
    assert_eq!(old.steps(Scope::Town, 0, 9).await, fresh.steps(Scope::Town, 0, 9).await);
    assert_eq!(old.inbox(InputId(0), 9, Wait::NONE).await, fresh.inbox(InputId(0), 9, Wait::NONE).await);
    let name = sha256_hex("a long text");
    assert_eq!(old.blob(&name).await, fresh.blob(&name).await);
    assert_eq!(old.answer(&op("applied"), Wait::NONE).await, Ok(Some(record("yes"))));
    let lease = old.vitals().await.expect("answers").lease;
    assert_eq!(lease, fresh.vitals().await.expect("answers").lease);
    // Another server than the one that wrote it: a new life, in which the old fence is dead.
    let fence = LeaseFence { incarnation: 7, ..now };
    let refused = old.commit(&commit("third", fence)).await;
    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
    assert_eq!(old.found(&identity()).await, Ok(()));
}
