//! Dispatchers over the store model and the fake forge, in virtual time.

mod permit;
mod town;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tinytown_core::id::AgentName;
use tinytown_core::input::{Answer, Input, MissionInput};
use tinytown_core::mission::MissionState;
use tinytown_dispatcher::{Mode, Report};
use tinytown_store::{Fault, Faulty, MemoryStore, Store as _};
use town::{LEASE, Town, chain, mission};

#[tokio::test(start_paused = true)]
async fn a_chain_of_items_is_merged_in_order_and_told_in_rounds() {
    let town = Town::found().await;
    let dispatcher = town.dispatcher(Mode::Serve);
    let _workers = [town.worker("ann"), town.worker("ben")];
    town.start(chain(3)).await;
    town.until(MissionState::Completed).await;
    assert_eq!(town.forge.merges().len(), 3);
    let lines = dispatcher.lines();
    assert!(lines.iter().any(|line| line.starts_with("Issue #1 → ready → assigned to")), "{lines:?}");
    assert!(
        lines.iter().any(|line| line.contains("Issue #1 done → Issue #2 ready → assigned to")),
        "{lines:?}"
    );
    assert_eq!(lines.last().map(String::as_str), Some("All done → Mission completed"));
}

#[tokio::test(start_paused = true)]
async fn a_command_takes_one_step_when_no_dispatcher_runs_and_performs_nothing() {
    let town = Town::found().await;
    let (answer, waiting) = town.start(chain(2)).await;
    assert!(matches!(answer, Answer::Applied { .. }));
    assert_eq!(waiting, Some(0), "nobody is there to be assigned");
    assert!(town.model.vitals().await.expect("vitals").lease.holder.is_none(), "the lease was given back");
}

#[tokio::test(start_paused = true)]
async fn a_command_leaves_the_step_to_the_dispatcher_that_runs() {
    let town = Town::found().await;
    let _dispatcher = town.dispatcher(Mode::Serve);
    tokio::time::sleep(LEASE).await;
    let (_, waiting) = town.start(chain(1)).await;
    assert_eq!(waiting, None);
}

#[tokio::test(start_paused = true)]
async fn a_standby_takes_over_within_the_lease_and_a_second_when_the_holder_dies() {
    let town = Town::found().await;
    let first = town.dispatcher(Mode::Serve);
    let _worker = town.worker_that("ann", |_| false);
    town.start(chain(2)).await;
    let second = town.dispatcher(Mode::Serve);
    tokio::time::sleep(LEASE * 5).await;
    assert!(!second.reports.lock().expect("reports").contains(&Report::Active), "the first one lives");
    first.task.abort();
    tokio::time::sleep(LEASE * 2).await;
    assert!(second.reports.lock().expect("reports").contains(&Report::Active));
}

#[tokio::test(start_paused = true)]
async fn a_dispatcher_that_is_told_to_stop_gives_the_lease_back() {
    let town = Town::found().await;
    let dispatcher = town.dispatcher(Mode::Serve);
    tokio::time::sleep(LEASE).await;
    dispatcher.stop.send(true).expect("it listens");
    dispatcher.task.await.expect("it ends well");
    assert!(town.model.vitals().await.expect("vitals").lease.holder.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_silent_agent_is_declared_lost_and_its_item_goes_to_another() {
    let town = Town::found().await;
    let _dispatcher = town.dispatcher(Mode::Serve);
    let silent = town.worker_that("ann", |_| false);
    town.start(chain(1)).await;
    tokio::time::sleep(LEASE * 3).await;
    assert_eq!(town.mission().await.running(), 1, "a beating agent is never robbed");
    silent.abort();
    let _other = town.worker("ben");
    town.until(MissionState::Completed).await;
    let roster = town.model.town().await.expect("the town");
    let roster = tinytown_store::records::load_roster(&roster).expect("the roster");
    assert!(!roster.get(&AgentName::new("ann").expect("a name")).expect("ann").is_present());
    assert_eq!(town.mission().await.items()[0].now.losses, 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_now_and_then_ends_nothing_and_doubles_nothing() {
    let model = MemoryStore::new();
    let calls = AtomicU64::new(0);
    let plan = move |_, _| match calls.fetch_add(1, Ordering::Relaxed) % 9 {
        3 => Fault::FailBefore,
        5 => Fault::FailAfter,
        7 => Fault::Repeat,
        _ => Fault::None,
    };
    let store = Arc::new(Faulty::new(model.clone(), plan));
    let town = Town::over(model, store).await;
    let _dispatchers = [town.dispatcher(Mode::Serve), town.dispatcher(Mode::Serve)];
    let _workers = [town.worker("ann"), town.worker("ben")];
    let healthy = town.healthy();
    healthy.start(chain(6)).await;
    healthy.until(MissionState::Completed).await;
    assert_eq!(healthy.forge.merges().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn once_does_what_can_be_done_and_leaves() {
    let town = Town::found().await;
    let worker = town.worker("ann");
    let starting = town.start(chain(1)).await;
    assert!(matches!(starting.0, Answer::Applied { .. }));
    for _ in 0..6 {
        let once = town.dispatcher(Mode::Once);
        once.task.await.expect("it ends well");
        tokio::time::sleep(LEASE / 10).await;
    }
    assert_eq!(town.mission().await.head().state, MissionState::Completed);
    worker.abort();
}

#[tokio::test(start_paused = true)]
async fn stop_and_resume_by_command_while_a_dispatcher_runs() {
    let town = Town::found().await;
    let _dispatcher = town.dispatcher(Mode::Serve);
    town.start(chain(3)).await;
    let tell = |what| Input::Mission { mission: mission(), what };
    town.command(&tell(MissionInput::Stop { force: false })).await;
    let _worker = town.worker("ann");
    tokio::time::sleep(LEASE * 4).await;
    assert_eq!(town.mission().await.head().state, MissionState::Stopped);
    assert_eq!(town.mission().await.running(), 0);
    town.command(&tell(MissionInput::Resume)).await;
    town.until(MissionState::Completed).await;
}

#[tokio::test(start_paused = true)]
async fn an_effect_whose_permit_lapsed_is_done_after_all() {
    let town = Town::found().await;
    let _dispatcher = town.dispatcher(Mode::Serve);
    let _worker = town.worker("ann");
    town.lapses.told.store(5, Ordering::SeqCst);
    town.start(chain(2)).await;
    town.until(MissionState::Completed).await;
    assert_eq!((town.lapses.told.load(Ordering::SeqCst), town.forge.merges().len()), (0, 2));
}
