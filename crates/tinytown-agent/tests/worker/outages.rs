//! A store that fails: the worker says so, goes on, and counts once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tinytown_agent::Progress;
use tinytown_core::input::MissionInput;
use tinytown_core::roster::Agent;
use tinytown_store::{CallName, Fault, Faulty};

use crate::world::{World, eventually};

#[tokio::test]
async fn calls_that_fail_before_or_after_they_ran_change_nothing() {
    let world = World::new("echo two > a").await;
    // Each of the calls fails in one way or the other before it gets through.
    let plan = |_: CallName, nth: u64| match nth % 4 {
        1 => Fault::FailBefore,
        2 => Fault::FailAfter,
        3 => Fault::Repeat,
        _ => Fault::None,
    };
    let store = Faulty::new(world.store.clone(), plan);
    let worker = world.begin(Arc::new(store));
    world.dispatcher.agent(Agent::is_present).await;
    let brief = world.brief();
    world.dispatcher.assign(&brief).await;
    assert!(world.dispatcher.outcome(&brief.claim).await.is_ok());
    worker.stop().await;
    let said = world.dispatcher.said(&brief.claim);
    assert!(
        matches!(said.as_slice(), [MissionInput::Started { .. }, MissionInput::Submitted { .. }]),
        "{said:?}"
    );
}

#[tokio::test]
async fn an_agent_works_on_through_an_outage_and_its_work_is_handed_in_after_it() {
    let world = World::new("while ! [ -e \"$WORLD/go\" ]; do sleep 0.01; done; echo two > a").await;
    let away = Arc::new(AtomicBool::new(false));
    let is_away = Arc::clone(&away);
    let plan = move |_: CallName, _: u64| {
        if is_away.load(Ordering::Relaxed) { Fault::FailBefore } else { Fault::None }
    };
    let store = Faulty::new(world.store.clone(), plan);
    let worker = world.begin(Arc::new(store));
    world.dispatcher.agent(Agent::is_present).await;
    let brief = world.brief();
    world.dispatcher.assign(&brief).await;
    world.dispatcher.started(&brief.claim).await;
    away.store(true, Ordering::Relaxed);
    std::fs::write(world.path("go"), "").unwrap();
    let said_so = |progress: &Progress| matches!(progress, Progress::StoreAway(_));
    eventually("it to notice", || world.said.lock().unwrap().iter().any(said_so)).await;
    away.store(false, Ordering::Relaxed);
    assert!(world.dispatcher.outcome(&brief.claim).await.is_ok());
    assert!(world.said.lock().unwrap().contains(&Progress::StoreBack));
    worker.stop().await;
}
