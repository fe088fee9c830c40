//! Cancelling, retiring, stopping: what runs is gone, what was done is kept, and the town is told.

use tinytown_agent::{Ended, Shutdown};
use tinytown_core::input::{AttemptEnd, MissionInput};
use tinytown_core::letter::{Letter, cancel_key};
use tinytown_host::process::ProcessId;

use crate::world::{Running, World, eventually};

const KEPT: &str = "refs/tinytown/kept/tt/abcd0000/2-add-a-login-page.a1";

/// Leaves something, then runs until it is ended.
const ENDLESS: &str = r#"echo two > a; (setsid sleep 1000 & echo $! > "$WORLD/helper"); echo $$ > "$WORLD/agent"; exec sleep 1000"#;

/// A worker whose agent runs, with the processes of that.
async fn at_work() -> (World, Running, [ProcessId; 2]) {
    let world = World::new(ENDLESS).await;
    let worker = world.spawn().await;
    world.dispatcher.assign(&world.brief()).await;
    let processes = [world.process("helper").await, world.process("agent").await];
    (world, worker, processes)
}

fn assert_gone(processes: &[ProcessId]) {
    assert!(processes.iter().all(|process| !process.is_alive()), "something survived");
}

#[tokio::test]
async fn a_cancelled_attempt_is_over_once_its_processes_are_gone_and_its_work_is_kept() {
    let (world, worker, processes) = at_work().await;
    let claim = world.brief().claim;
    world
        .dispatcher
        .send(cancel_key(claim.mission, claim.fence), Letter::Cancel { claim: claim.clone() })
        .await;
    let outcome = world.dispatcher.outcome(&claim).await;
    assert_gone(&processes);
    assert_eq!(outcome, Err(AttemptEnd::Cancelled));
    assert!(world.has_ref(KEPT));
    eventually("the folders to be removed", || world.folders().is_empty()).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_cancelled_attempt_that_never_began_is_given_back() {
    let world = World::new("echo two > a").await;
    let worker = world.spawn().await;
    let claim = world.brief().claim;
    world.dispatcher.send("cancel", Letter::Cancel { claim: claim.clone() }).await;
    assert_eq!(world.dispatcher.outcome(&claim).await, Err(AttemptEnd::Cancelled));
    worker.stop().await;
}

#[tokio::test]
async fn other_starts_of_the_agent_are_not_ours_to_serve_or_to_cancel() {
    let (world, worker, processes) = at_work().await;
    let mut other = world.brief();
    other.claim.generation.0 += 1;
    world.dispatcher.send("cancel", Letter::Cancel { claim: other.claim.clone() }).await;
    world.dispatcher.send("assignment", Letter::Assignment(Box::new(other.clone()))).await;
    let claim = world.brief().claim;
    world.dispatcher.send("ours", Letter::Cancel { claim: claim.clone() }).await;
    assert_eq!(world.dispatcher.outcome(&claim).await, Err(AttemptEnd::Cancelled));
    assert_gone(&processes);
    worker.stop().await;
    assert_eq!(world.dispatcher.said(&other.claim), []);
}

#[tokio::test]
async fn an_assignment_that_is_not_in_force_is_dropped_without_starting_the_agent() {
    let world = World::new(r#"touch "$WORLD/ran""#).await;
    let worker = world.spawn().await;
    world.dispatcher.refuse(true);
    let claim = world.brief().claim;
    world.dispatcher.assign(&world.brief()).await;
    world.dispatcher.started(&claim).await;
    eventually("the folders to be removed", || world.folders().is_empty()).await;
    worker.stop().await;
    assert!(!world.path("ran").exists());
    assert!(matches!(world.dispatcher.said(&claim).as_slice(), [MissionInput::Started { .. }]));
}

#[tokio::test]
async fn a_worker_that_is_to_retire_finishes_its_attempt_first() {
    let world = World::new("while ! [ -e \"$WORLD/go\" ]; do sleep 0.01; done; echo two > a").await;
    let worker = world.spawn().await;
    let claim = world.brief().claim;
    world.dispatcher.assign(&world.brief()).await;
    world.dispatcher.started(&claim).await;
    world.dispatcher.send("retire", Letter::Retire).await;
    eventually("the letter to be read", || {
        world.said.lock().unwrap().contains(&tinytown_agent::Progress::Retiring)
    })
    .await;
    std::fs::write(world.path("go"), "").unwrap();
    assert_eq!(worker.ended().await.unwrap(), Ended::Retired);
    assert!(world.dispatcher.outcome(&claim).await.is_ok());
    world.dispatcher.agent(|agent| !agent.is_present()).await;
}

#[tokio::test]
async fn an_idle_worker_retires_at_once() {
    let world = World::new("").await;
    let worker = world.spawn().await;
    world.dispatcher.send("retire", Letter::Retire).await;
    assert_eq!(worker.ended().await.unwrap(), Ended::Retired);
    world.dispatcher.agent(|agent| !agent.is_present()).await;
}

#[tokio::test]
async fn a_stopped_worker_ends_its_run_keeps_the_work_and_says_that_it_goes() {
    let (world, worker, processes) = at_work().await;
    worker.stop().await;
    assert_gone(&processes);
    let lost = AttemptEnd::Lost { detail: "worker stopped".into() };
    assert_eq!(world.dispatcher.outcome(&world.brief().claim).await, Err(lost));
    assert!(world.has_ref(KEPT));
    world.dispatcher.agent(|agent| !agent.is_present()).await;
}

#[tokio::test]
async fn a_worker_told_twice_ends_at_once_and_nothing_of_its_run_survives() {
    let (world, worker, processes) = at_work().await;
    worker.shutdown.send(Shutdown::Now).unwrap();
    assert_eq!(worker.ended().await.unwrap(), Ended::Aborted);
    eventually("the supervisor to kill all", || processes.iter().all(|process| !process.is_alive())).await;
    assert!(world.dispatcher.said(&world.brief().claim).len() == 1, "only the start was told");
}

#[tokio::test]
async fn a_worker_whose_supervisor_is_killed_removes_what_it_left_before_it_says_so() {
    let (world, worker, processes) = at_work().await;
    let runs =
        tinytown_host::run_files::living(&world.settings.town_dir.join(".tinytown/run/backend")).unwrap();
    let supervisor = &runs.runs[0].file.supervisor;
    assert!(tinytown_host::process::signal(supervisor, tinytown_host::process::Signal::Kill).unwrap());
    let outcome = world.dispatcher.outcome(&world.brief().claim).await;
    assert_gone(&processes);
    assert!(matches!(&outcome, Err(AttemptEnd::Lost { .. })), "{outcome:?}");
    assert!(world.has_ref(KEPT));
    worker.stop().await;
}
