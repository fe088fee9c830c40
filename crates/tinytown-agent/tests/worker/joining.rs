//! Taking a name: from nobody, from the dead, and never from the living.

use std::path::Path;
use std::sync::Arc;

use tinytown_agent::{Ended, Progress, WorkerError, place};
use tinytown_core::id::{Generation, OpId};
use tinytown_core::input::{Input, Join};
use tinytown_core::roster::{Agent, Place};
use tinytown_core::time::Time;
use tinytown_host::process::{Signal, signal};
use tinytown_host::supervise::Spec;
use tinytown_store::codec::encode;
use tinytown_store::{Post, Store as _};

use crate::world::{World, agent, eventually, in_time};

/// Another worker took the name before, in this place.
async fn held_by(world: &World, place: Place) {
    let join = Join { agent: agent(), role: None, cli: "script".into(), place };
    post(world, "another's join", &Input::Join(join)).await;
    world.dispatcher.agent(|agent| agent.generation == Generation(1)).await;
}

pub(crate) async fn post(world: &World, op: &str, input: &Input) {
    let post = Post { op: OpId::new(op), input: encode(input), at: Time::from_millis(0), blobs: Vec::new() };
    world.store.post(&post).await.unwrap();
}

/// This process, had it been another with its number.
fn dead(runs: &Path) -> Place {
    let here = place::here(runs).unwrap();
    Place { started: here.started - 1, ..here }
}

fn elsewhere() -> Place {
    Place { host: "elsewhere".into(), boot: "b/1".into(), pid: 7, started: 7, runs: "/nowhere".into() }
}

#[tokio::test]
async fn a_free_name_is_taken_and_told_where_its_worker_runs() {
    let world = World::new("").await;
    let worker = world.spawn().await;
    let agent = world.dispatcher.agent(Agent::is_free).await;
    let runs = world.settings.town_dir.join(".tinytown/run/backend");
    assert_eq!(agent.place, place::here(&runs).unwrap());
    assert_eq!((agent.generation, agent.cli.as_str()), (Generation(1), "script"));
    eventually("a beat", || world.said.lock().unwrap().contains(&Progress::Joined(Generation(1)))).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_dead_workers_name_is_taken_over_once_what_it_left_running_is_gone() {
    let world = World::new("").await;
    let runs = world.path("old-runs");
    let spec = Spec {
        run: format!("old-{}", std::process::id()),
        argv: ["sh", "-c", "setsid sleep 1000 & echo $! > helper; wait"].map(str::to_owned).to_vec(),
        cwd: world.path(""),
        env: vec![("PATH".into(), std::env::var_os("PATH").unwrap())],
        stdin: None,
        log: world.path("log"),
        begin_by_ms: None,
        time_limit_ms: 600_000,
        stall_limit_ms: None,
        stall_watch: None,
        ping_limit_ms: 600_000,
        grace_ms: 1000,
        run_file: runs.join("old"),
    };
    let run = world.settings.supervisor.start(&spec).await.unwrap();
    let helper = world.process("helper").await;
    let supervisor = tinytown_host::process::ProcessId::of(run.supervisor_pid().unwrap()).unwrap();
    assert!(signal(&supervisor, Signal::Kill).unwrap());
    held_by(&world, dead(&runs)).await;

    let worker = world.begin(Arc::new(world.store.clone()));
    world.dispatcher.agent(|agent| agent.generation == Generation(2)).await;
    assert!(!helper.is_alive(), "gone before the name was taken");
    worker.stop().await;
}

#[tokio::test]
async fn a_living_workers_name_is_refused() {
    let world = World::new("").await;
    let living = Killed(std::process::Command::new("sleep").arg("1000").spawn().unwrap());
    let id = tinytown_host::process::ProcessId::of(living.0.id()).unwrap();
    let here = place::here(Path::new("/nowhere")).unwrap();
    held_by(&world, Place { pid: id.pid, started: id.start_time, ..here }).await;
    let refused = world.begin(Arc::new(world.store.clone())).ended().await;
    assert!(matches!(&refused, Err(WorkerError::NameTaken { pid, .. }) if *pid == id.pid), "{refused:?}");
}

struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_name_held_on_another_host_is_waited_for() {
    let world = World::new("").await;
    held_by(&world, elsewhere()).await;
    let worker = world.begin(Arc::new(world.store.clone()));
    let held = Progress::NameHeld { host: "elsewhere".into() };
    eventually("it to say so", || world.said.lock().unwrap().contains(&held)).await;
    let gone = Input::Gone { agent: agent(), generation: Generation(1), reason: "silent".into() };
    post(&world, "the lease", &gone).await;
    world.dispatcher.agent(|agent| agent.generation == Generation(2)).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_name_held_on_another_host_is_refused_to_those_who_do_not_wait() {
    let mut world = World::new("").await;
    world.settings.wait_for_name = false;
    held_by(&world, elsewhere()).await;
    let refused = world.begin(Arc::new(world.store.clone())).ended().await;
    assert!(matches!(&refused, Err(WorkerError::NameTaken { pid: 7, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_superseded_worker_stops_at_once_and_kills_its_run() {
    let mut world = World::new(r#"echo two > a; echo $$ > "$WORLD/agent"; exec sleep 1000"#).await;
    world.settings.lease = std::time::Duration::from_millis(600);
    let worker = world.spawn().await;
    world.dispatcher.assign(&world.brief()).await;
    let process = world.process("agent").await;
    world.store.beat(&agent(), Generation(2)).await.unwrap();
    assert_eq!(worker.ended().await.unwrap(), Ended::Superseded);
    assert!(!process.is_alive());
    assert!(world.has_ref("refs/tinytown/kept"));
    assert_eq!(
        world.dispatcher.said(&world.brief().claim).len(),
        1,
        "nothing is posted for another's assignment"
    );
}

#[tokio::test]
async fn a_worker_that_was_declared_lost_joins_again_and_gives_up_the_old_assignment() {
    let world = World::new(r#"echo two > a; echo $$ > "$WORLD/agent"; exec sleep 1000"#).await;
    let worker = world.spawn().await;
    let gone = Input::Gone { agent: agent(), generation: Generation(1), reason: "silent".into() };
    post(&world, "the lease", &gone).await;
    world.dispatcher.agent(|agent| !agent.is_present()).await;
    // It learns of it by a refusal.
    world.dispatcher.refuse(true);
    world.dispatcher.assign(&world.brief()).await;
    world.dispatcher.agent(|agent| agent.generation == Generation(2)).await;
    world.dispatcher.refuse(false);
    let mut brief = world.brief();
    brief.claim.generation = Generation(2);
    brief.claim.fence.0 += 1;
    eventually("it to know", || world.said.lock().unwrap().contains(&Progress::Rejoined(Generation(2))))
        .await;
    world.dispatcher.assign(&brief).await;
    world.dispatcher.started(&brief.claim).await;
    in_time("its end", worker.stop()).await;
}
