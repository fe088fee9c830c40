//! However a run ends, none of its processes is left, and nobody else's is touched.

use std::time::Duration;

use tinytown_host::clock::uptime;
use tinytown_host::process::{ProcessId, Signal, signal};
use tinytown_host::run_files::living;
use tinytown_host::supervise::{Cause, Exit, Outcome, Run};

use crate::world::{Process, World, assert_gone, eventually, eventually_gone};

/// Ends a run of the escape artist in some way; when the outcome is told, nothing may be left.
async fn check(mut world: World, change: impl FnOnce(&mut World), end: impl FnOnce(&Run)) -> Outcome {
    change(&mut world);
    let decoy = Process::decoy();
    let mut run = world.start().await;
    let escaped = world.escaped();
    end(&run);
    let outcome = run.wait().await.unwrap();
    assert_gone(&escaped);
    assert!(decoy.id().is_alive());
    assert!(!world.spec.run_file.exists());
    outcome
}

fn sleeping() -> World {
    World::escaping("exec sleep 1000")
}

#[tokio::test]
async fn no_survivor_when_the_command_ends() {
    // It ends once the test has seen all its processes.
    let world = World::escaping("while [ ! -e go ]; do sleep 0.01; done; exit 3");
    let go = world.work("go");
    let outcome = check(world, |_| {}, |_| std::fs::write(go, "").unwrap()).await;
    assert_eq!((outcome.exit, outcome.by), (Exit::Code(3), Cause::Itself));
    assert_eq!(outcome.left_over, 2);
}

#[tokio::test]
async fn no_survivor_of_a_cancel() {
    let outcome = check(sleeping(), |world| world.spec.grace_ms = 100, Run::cancel).await;
    assert_eq!((outcome.exit, outcome.by), (Exit::Signal(9), Cause::Cancel));
}

#[tokio::test]
async fn no_survivor_of_a_kill() {
    assert_eq!(check(sleeping(), |_| {}, Run::kill).await.by, Cause::Kill);
}

#[tokio::test]
async fn no_survivor_of_the_time_limit() {
    let limits = |world: &mut World| (world.spec.time_limit_ms, world.spec.grace_ms) = (3_000, 100);
    assert_eq!(check(sleeping(), limits, |_| {}).await.by, Cause::TimeLimit);
}

#[tokio::test]
async fn no_survivor_of_a_stall() {
    let limits = |world: &mut World| (world.spec.stall_limit_ms, world.spec.grace_ms) = (Some(3_000), 100);
    assert_eq!(check(sleeping(), limits, |_| {}).await.by, Cause::Stall);
}

#[tokio::test]
async fn no_survivor_among_many_that_keep_forking() {
    // Not without end: should this test ever fail, the machine is to survive it.
    let forking =
        "f() { for i in $(seq 200); do (sleep 1000 &); sleep 0.01; done; }; f & f & f & exec sleep 1000";
    let outcome = check(World::escaping(forking), |_| {}, Run::kill).await;
    assert_eq!(outcome.by, Cause::Kill);
}

/// Two threads: one waits for the end, one closes the pipe.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_survivor_when_the_run_is_dropped() {
    let world = sleeping();
    let run = world.start().await;
    let mut processes = world.escaped();
    processes.push(ProcessId::of(run.supervisor_pid().unwrap()).unwrap());
    drop(run);
    eventually_gone(&processes);
    assert!(!world.spec.run_file.exists());
}

/// The client's pipe closes when it dies.
#[test]
fn no_survivor_when_the_client_is_killed() {
    let world = sleeping();
    let client = world.client();
    let escaped = world.escaped();
    client.send(Signal::Kill);
    eventually_gone(&escaped);
    eventually("the run file to be deleted", || !world.spec.run_file.exists());
}

/// The client's pipe stays open, but nothing comes through it.
#[test]
fn no_survivor_when_the_client_stands_still() {
    let mut world = sleeping();
    world.spec.ping_limit_ms = 2_000;
    let decoy = Process::decoy();
    let client = world.client();
    let escaped = world.escaped();
    client.send(Signal::Stop);
    eventually_gone(&escaped);
    eventually("the run file to be deleted", || !world.spec.run_file.exists());
    assert!(client.id().is_alive() && decoy.id().is_alive());
}

/// As when the machine is suspended: all stand still, all go on, and a while passes until the client pings.
#[test]
fn a_run_whose_client_stood_still_together_with_its_supervisor_goes_on() {
    let mut world =
        World::new("echo $$ > command; while [ ! -e go ]; do sleep 0.01; done; echo done > ended");
    world.spec.ping_limit_ms = 2_000;
    let client = world.client();
    let command = world.process("command");
    let supervisor = living(&world.runs()).unwrap().runs[0].file.supervisor.clone();
    client.send(Signal::Stop);
    assert!(signal(&supervisor, Signal::Stop).unwrap());
    let until = uptime() + Duration::from_millis(2_500);
    eventually("the limit to pass", || uptime() > until);
    // The supervisor first: it looks, and finds no ping.
    assert!(signal(&supervisor, Signal::Continue).unwrap());
    let woken = uptime() + Duration::from_millis(50);
    eventually("the supervisor to look", || uptime() > woken);
    client.send(Signal::Continue);
    let until = uptime() + Duration::from_secs(2);
    eventually("another limit to pass", || uptime() > until);
    assert!(command.is_alive());
    std::fs::write(world.work("go"), "").unwrap();
    eventually("the command to end by itself", || world.work("ended").exists());
}

/// The same, but for the client, which never goes on.
#[test]
fn no_survivor_when_the_client_stands_still_for_longer_than_its_supervisor() {
    let mut world = sleeping();
    world.spec.ping_limit_ms = 1_000;
    let client = world.client();
    let escaped = world.escaped();
    let supervisor = living(&world.runs()).unwrap().runs[0].file.supervisor.clone();
    client.send(Signal::Stop);
    assert!(signal(&supervisor, Signal::Stop).unwrap());
    let until = uptime() + Duration::from_millis(1_500);
    eventually("the limit to pass", || uptime() > until);
    assert!(signal(&supervisor, Signal::Continue).unwrap());
    eventually_gone(&escaped);
}
