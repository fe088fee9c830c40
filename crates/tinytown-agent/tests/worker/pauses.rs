//! A worker that stood still: suspended, or stopped. It begins nothing that may be another's by now.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tinytown_agent::Progress;
use tinytown_core::id::Generation;
use tinytown_core::input::{AttemptEnd, Input};
use tinytown_core::letter::{Letter, cancel_key};
use tinytown_core::roster::Agent;
use tinytown_host::clock::uptime;
use tinytown_store::{CallName, Fault, Faulty, Store as _};

use crate::joining::post;
use crate::world::{Running, World, eventually, in_time};

/// An hour, in milliseconds: longer than any lease.
const HOUR: u64 = 3_600_000;

/// An agent that tells that it ran.
const TELLING: &str = r#"echo ran >> "$WORLD/ran"; echo two > a"#;

/// Dispatchers saw no sign of life.
async fn declare_lost(world: &World) {
    let joined = world.dispatcher.agent(Agent::is_present).await;
    let (agent, generation) = (joined.name, joined.generation);
    post(world, "the lease", &Input::Gone { agent, generation, reason: "silent".into() }).await;
    world.dispatcher.agent(|agent| !agent.is_present()).await;
}

/// A worker that, once told to, stands still for so long when it asks whether its attempt may begin.
async fn about_to_stand_still(world: &World, millis: u64) -> (Running, Arc<AtomicBool>) {
    let (armed, slept) = (Arc::new(AtomicBool::new(false)), Arc::clone(&world.slept));
    let is_armed = Arc::clone(&armed);
    let plan = move |call: CallName, _: u64| {
        if call == CallName::Answer && is_armed.swap(false, Ordering::Relaxed) {
            slept.fetch_add(millis, Ordering::Relaxed);
        }
        Fault::None
    };
    let worker = world.begin(Arc::new(Faulty::new(world.store.clone(), plan)));
    eventually("it to join", || world.said.lock().unwrap().contains(&Progress::Joined(Generation(1)))).await;
    (worker, armed)
}

#[tokio::test]
async fn a_worker_whose_beat_before_the_start_finds_that_it_was_lost_begins_nothing() {
    let world = World::new(TELLING).await;
    let (worker, armed) = about_to_stand_still(&world, HOUR).await;
    declare_lost(&world).await;
    armed.store(true, Ordering::Relaxed);
    world.dispatcher.assign(&world.brief()).await;
    world.dispatcher.agent(|agent| agent.generation == Generation(2)).await;
    eventually("the folders to be removed", || world.folders().is_empty()).await;
    worker.stop().await;
    assert!(!world.path("ran").exists());
    assert!(!world.said.lock().unwrap().iter().any(|said| matches!(said, Progress::Began { .. })));
    assert_eq!(world.dispatcher.said(&world.brief().claim).len(), 1, "only the start was told");
}

#[tokio::test]
async fn a_worker_that_has_its_name_still_begins_however_long_it_stood_still() {
    let world = World::new(TELLING).await;
    let (worker, armed) = about_to_stand_still(&world, HOUR).await;
    armed.store(true, Ordering::Relaxed);
    world.dispatcher.assign(&world.brief()).await;
    assert!(world.dispatcher.outcome(&world.brief().claim).await.is_ok());
    assert!(!armed.load(Ordering::Relaxed));
    worker.stop().await;
}

#[tokio::test]
async fn nothing_begins_while_no_beat_is_answered_and_a_cancel_is_obeyed() {
    let world = World::new(TELLING).await;
    let (armed, slept) = (Arc::new(AtomicBool::new(false)), Arc::clone(&world.slept));
    let (is_armed, failed) = (Arc::clone(&armed), Arc::new(AtomicU64::new(0)));
    let failures = Arc::clone(&failed);
    // From the answer on it hears nothing when it beats; the last time that it did is some seconds past.
    let plan = move |call: CallName, _: u64| match call {
        CallName::Answer if is_armed.load(Ordering::Relaxed) => {
            slept.store(5_000, Ordering::Relaxed);
            Fault::None
        }
        CallName::Beat if is_armed.load(Ordering::Relaxed) => {
            failed.fetch_add(1, Ordering::Relaxed);
            Fault::FailAfter
        }
        _ => Fault::None,
    };
    let worker = world.begin(Arc::new(Faulty::new(world.store.clone(), plan)));
    world.dispatcher.agent(Agent::is_present).await;
    eventually("it to join", || world.said.lock().unwrap().contains(&Progress::Joined(Generation(1)))).await;
    let claim = world.brief().claim;
    armed.store(true, Ordering::Relaxed);
    world.dispatcher.assign(&world.brief()).await;
    eventually("two tries to beat", || failures.load(Ordering::Relaxed) >= 2).await;
    let key = cancel_key(claim.mission, claim.fence);
    world.dispatcher.send(key, Letter::Cancel { claim: claim.clone() }).await;
    assert_eq!(world.dispatcher.outcome(&claim).await, Err(AttemptEnd::Cancelled));
    assert!(!world.path("ran").exists());
    armed.store(false, Ordering::Relaxed);
    worker.stop().await;
}

/// The supervisor is started in time, and stands still before it starts the agent.
#[tokio::test]
async fn a_run_whose_time_passed_before_it_began_is_begun_anew_and_once() {
    let mut world = World::new(TELLING).await;
    world.settings.lease = Duration::from_secs(4);
    let supervisor = world.settings.supervisor.program.clone();
    let script = format!(
        "echo started >> {0}/supervisors; while ! [ -e {0}/go ]; do /bin/sleep 0.01; done; exec {1}",
        world.path("").display(),
        supervisor.display(),
    );
    world.settings.supervisor.program = "/bin/sh".into();
    world.settings.supervisor.args = vec!["-c".into(), script];
    let worker = world.spawn().await;
    world.dispatcher.assign(&world.brief()).await;
    let supervisors = || std::fs::read_to_string(world.path("supervisors")).unwrap_or_default();
    eventually("a supervisor", || supervisors() == "started\n").await;
    let late = uptime() + world.settings.lease / 4;
    eventually("its time to pass", || uptime() > late).await;
    std::fs::write(world.path("go"), "").unwrap();
    assert!(world.dispatcher.outcome(&world.brief().claim).await.is_ok());
    assert!(supervisors().lines().count() > 1, "the first was too late");
    assert_eq!(std::fs::read_to_string(world.path("ran")).unwrap(), "ran\n");
    worker.stop().await;
}

#[tokio::test]
async fn after_a_gap_as_long_as_its_lease_a_worker_makes_sure_of_its_name() {
    let world = World::new("").await;
    let worker = world.spawn().await;
    declare_lost(&world).await;
    world.slept.store(HOUR, Ordering::Relaxed);
    world.dispatcher.agent(|agent| agent.is_present() && agent.generation > Generation(1)).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_jump_of_the_wall_clock_is_no_gap() {
    let world = World::new("").await;
    let worker = world.spawn().await;
    declare_lost(&world).await;
    let beats = async || -> u64 {
        let vitals = world.store.vitals().await.unwrap();
        vitals.beats.iter().map(|beat| beat.counter).sum()
    };
    world.ahead.store(HOUR.cast_signed(), Ordering::Relaxed);
    // Two more beats, each some seconds after the one before.
    for _ in 0..2 {
        let before = beats().await;
        world.slept.fetch_add(8_000, Ordering::Relaxed);
        let beat = async {
            while beats().await == before {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        in_time("a beat", beat).await;
    }
    // It does not know, and so does not ask.
    world.dispatcher.agent(|agent| !agent.is_present()).await;
    worker.stop().await;
}
