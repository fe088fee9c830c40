//! What is left when the supervisor itself was killed, and who may be swept away.

use tinytown_host::process::{ProcessId, Signal, signal};
use tinytown_host::run_files::{Removed, RunFile, RunState, Which, living, sweep};
use tinytown_host::supervise::{Cause, Exit, Run, SuperviseError};

use crate::world::{Process, World, assert_gone, eventually_gone, program};

fn sleeping() -> World {
    World::escaping("exec sleep 1000")
}

async fn kill_supervisor(run: &mut Run) {
    let supervisor = ProcessId::of(run.supervisor_pid().unwrap()).unwrap();
    assert!(signal(&supervisor, Signal::Kill).unwrap());
    assert!(matches!(run.wait().await, Err(SuperviseError::SupervisorDied)));
}

#[tokio::test]
async fn a_sweep_removes_what_a_killed_supervisor_left() {
    let (world, decoy) = (sleeping(), Process::decoy());
    let mut run = world.start().await;
    let escaped = world.escaped();
    kill_supervisor(&mut run).await;
    // The command dies with its supervisor; its helpers do not, which is what the sweep is for.
    eventually_gone(&[run.command().clone()]);
    assert!(escaped.iter().any(ProcessId::is_alive));
    assert_eq!(living(&world.runs()).unwrap().runs[0].state, RunState::Abandoned);

    let swept = world.sweep(Which::Abandoned);
    assert_eq!(swept.removed, [Removed { run: world.spec.run.clone(), killed: 2 }]);
    assert_gone(&escaped);
    assert!(decoy.id().is_alive());
    assert!(!world.spec.run_file.exists());
}

#[tokio::test]
async fn a_sweep_leaves_supervised_runs_alone_unless_all_are_meant() {
    let world = sleeping();
    let mut run = world.start().await;
    let mut processes = world.escaped();
    processes.push(ProcessId::of(run.supervisor_pid().unwrap()).unwrap());
    assert!(world.sweep(Which::Abandoned).removed.is_empty());
    assert!(processes.iter().all(ProcessId::is_alive) && world.spec.run_file.exists());

    assert_eq!(world.sweep(Which::All).removed.len(), 1);
    assert_gone(&processes);
    // Its supervisor may have had the time to say how it ended.
    assert!(matches!(run.wait().await, Ok(_) | Err(SuperviseError::SupervisorDied)));
}

#[tokio::test]
async fn a_sweep_removes_a_supervisor_that_stands_still() {
    let world = sleeping();
    let run = world.start().await;
    let mut processes = world.escaped();
    processes.push(ProcessId::of(run.supervisor_pid().unwrap()).unwrap());
    assert!(signal(&processes[3], Signal::Stop).unwrap());
    world.sweep(Which::All);
    assert_gone(&processes);
}

/// The run file names numbers that others have now.
#[tokio::test]
async fn a_sweep_does_not_touch_who_came_to_a_number() {
    let (world, decoy) = (World::new(""), Process::decoy());
    let predecessor = ProcessId { start_time: decoy.id().start_time - 1, ..decoy.id() };
    let mut file = RunFile::of_this_process(&world.spec.run, "sleep").unwrap();
    file.supervisor = predecessor.clone();
    file.command = Some(predecessor);
    file.write(&world.spec.run_file).unwrap();
    for which in [Which::Abandoned, Which::All] {
        file.write(&world.spec.run_file).unwrap();
        assert_eq!(world.sweep(which).removed[0].killed, 0);
        assert!(decoy.id().is_alive());
    }
}

/// An agent may sweep from inside its own run: its helpers are killed; itself, its command and its
/// supervisor are not.
#[tokio::test]
async fn a_sweep_never_kills_who_asks_for_it() {
    let mut world =
        World::new("sleep 1000 & echo $! > helper; \"$0\" sweep-all ../runs; echo swept, $? left");
    world.spec.argv.push(program().to_str().unwrap().into());
    let outcome = world.outcome().await.unwrap();
    assert_eq!((outcome.exit, outcome.by, outcome.left_over), (Exit::Code(0), Cause::Itself, 0));
    assert!(world.log().contains("swept, 1 left"), "{}", world.log());
}

#[tokio::test]
async fn runs_of_other_machines_are_left_alone_and_those_of_an_earlier_boot_forgotten() {
    let world = World::new("");
    let ours = RunFile::of_this_process(&world.spec.run, "sh").unwrap();
    let mut elsewhere = ours.clone();
    elsewhere.host = "another-host".into();
    elsewhere.supervisor.boot_id = "another".into();
    let mut container = ours.clone();
    container.supervisor.pid_namespace = 1;
    let mut earlier = ours;
    earlier.supervisor.boot_id = "earlier".into();
    for (name, file) in [("a", &elsewhere), ("b", &container), ("c", &earlier)] {
        file.write(&world.runs().join(name)).unwrap();
    }
    let swept = world.sweep(Which::All);
    assert_eq!(swept.elsewhere, [world.runs().join("a"), world.runs().join("b")]);
    assert_eq!(swept.removed, [Removed { run: world.spec.run.clone(), killed: 0 }]);
    assert!(!world.runs().join("c").exists());
}

#[test]
fn unreadable_run_files_are_reported_and_kept() {
    let place = tempfile::tempdir().unwrap();
    for (name, text) in [("empty", ""), ("newer", r#"{"version":2}"#), ("torn", r#"{"version":1,"run":"#)] {
        std::fs::write(place.path().join(name), text).unwrap();
    }
    std::fs::write(place.path().join(".being-written"), "").unwrap();
    let swept = sweep(place.path(), Which::All).unwrap();
    let said: Vec<_> = swept.unreadable.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[1].contains("version 2"), "{said:?}");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 4);
}

#[test]
fn a_missing_folder_has_no_runs() {
    let place = tempfile::tempdir().unwrap();
    let swept = sweep(&place.path().join("missing"), Which::All).unwrap();
    assert!(swept.removed.is_empty() && swept.unreadable.is_empty());
}
