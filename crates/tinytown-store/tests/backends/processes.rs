//! SQLite between real processes: the test binary runs itself again, with a role in its environment.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tinytown_store::conformance::fixture::{PATIENT, commit, identity, lead, op, post, record, waiting};
use tinytown_store::{Commit, InputId, SqliteStore, Store, Wait};

/// Where a child finds the store, and by which name it goes. Absent in the parent.
const PATH: &str = "TINYTOWN_TEST_STORE";
const NAME: &str = "TINYTOWN_TEST_NAME";

/// This binary again, to run the test of that name as a child.
fn child(test: &str, path: &Path, name: &str) -> Child {
    let me = std::env::current_exe().expect("knows itself");
    let test = format!("{}::{test}", module_path!().split_once("::").expect("a module of the binary").1);
    let mut command = Command::new(me);
    command.args(["--exact", &test, "--nocapture"]).env(PATH, path).env(NAME, name);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("starts")
}

/// What to do if this process is a child.
fn role() -> Option<(String, String)> {
    Some((std::env::var(PATH).ok()?, std::env::var(NAME).expect("a child has a name")))
}

/// Says something to the parent, past the test harness's capture.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{line}").and_then(|()| out.flush()).expect("the parent listens");
}

fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let out = child.stdout.take().expect("piped");
    BufReader::new(out).lines().map_while(Result::ok)
}

async fn town(folder: &Path) -> SqliteStore {
    let store = SqliteStore::create(folder.join("town.db")).await.expect("creates");
    store.found(&identity()).await.expect("founds");
    store
}

#[tokio::test]
async fn several_processes_create_and_post_at_once_and_lose_nothing() {
    const POSTS: usize = 25;
    if let Some((path, name)) = role() {
        let store = SqliteStore::create(path).await.expect("creates");
        store.found(&identity()).await.expect("founds");
        for n in 0..POSTS {
            store.post(&post(&format!("{name}/{n}"), "x")).await.expect("posts");
        }
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("town.db");
    let test = "several_processes_create_and_post_at_once_and_lose_nothing";
    let children: Vec<_> = ["a", "b", "c"].map(|name| child(test, &path, name)).into();
    for child in children {
        let output = child.wait_with_output().expect("ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let store = SqliteStore::open(path).await.expect("opens");
    let names: BTreeSet<_> = waiting(&store).await.into_iter().collect();
    assert_eq!(names.len(), 3 * POSTS);
}

#[tokio::test]
async fn what_a_killed_process_was_told_is_there_and_the_store_goes_on() {
    if let Some((path, name)) = role() {
        let store = SqliteStore::open(path).await.expect("opens");
        for n in 0_u64.. {
            let id = store.post(&post(&format!("{name}/{n}"), "x")).await.expect("posts");
            say(&format!("posted {}", id.0));
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let store = town(folder.path()).await;
    let test = "what_a_killed_process_was_told_is_there_and_the_store_goes_on";
    for round in 0..3 {
        let mut child = child(test, &folder.path().join("town.db"), &round.to_string());
        let mut told = lines(&mut child).filter_map(|line| line.strip_prefix("posted ")?.parse::<u64>().ok());
        let mut ids: Vec<_> = told.by_ref().take(20 + round).collect();
        child.kill().expect("kills");
        ids.extend(told);
        child.wait().expect("is gone");
        let there = store.inbox(InputId(0), usize::MAX, Wait::NONE).await.expect("reads");
        let there: BTreeSet<_> = there.into_iter().map(|entry| entry.id.0).collect();
        assert!(ids.len() >= 20 + round);
        assert!(ids.iter().all(|id| there.contains(id)), "something acknowledged is lost");
    }
    store.post(&post("after", "x")).await.expect("the store goes on");
}

#[tokio::test]
async fn a_waiting_read_notices_what_another_process_commits() {
    if let Some((path, name)) = role() {
        let store = SqliteStore::open(path).await.expect("opens");
        let fence = lead(&store).await;
        let (mut after, rounds) = (InputId(0), name.parse().expect("a number"));
        for n in 0..rounds {
            let read = store.inbox(after, 1, PATIENT).await.expect("reads");
            after = read.first().expect("woken by a post").id;
            let acks = vec![(after, record("yes"))];
            store.commit(&Commit { acks, ..commit(&format!("c{n}"), fence) }).await.expect("commits");
        }
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let store = town(folder.path()).await;
    let test = "a_waiting_read_notices_what_another_process_commits";
    let child = child(test, &folder.path().join("town.db"), "20");
    let began = Instant::now();
    for n in 0..20 {
        let name = format!("p{n}");
        store.post(&post(&name, "x")).await.expect("posts");
        assert_eq!(store.answer(&op(&name), PATIENT).await, Ok(Some(record("yes"))));
    }
    assert!(began.elapsed() < Duration::from_secs(30), "wake-ups were missed: {:?}", began.elapsed());
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
