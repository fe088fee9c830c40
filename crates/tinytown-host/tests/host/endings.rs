//! How a run ends, and what is told about it.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use tinytown_host::process::{ProcessId, Signal, signal};
use tinytown_host::supervise::{Cause, Exit};

use crate::world::{World, eventually};

#[tokio::test]
async fn exit_code_and_signal_are_told_apart() {
    for (script, expected) in [
        ("exit 0", Exit::Code(0)),
        ("exit 7", Exit::Code(7)),
        ("exit 137", Exit::Code(137)),
        ("kill -9 $$", Exit::Signal(9)),
        ("kill -15 $$", Exit::Signal(15)),
        // A real-time signal, which has no name.
        ("kill -40 $$", Exit::Signal(40)),
    ] {
        let outcome = World::new(script).outcome().await.unwrap();
        assert_eq!((outcome.exit, outcome.by, outcome.left_over), (expected, Cause::Itself, 0), "{script}");
    }
}

#[tokio::test]
async fn the_outcome_may_be_asked_for_again() {
    let world = World::new("exit 3");
    let mut run = world.start().await;
    assert_eq!(run.wait().await.unwrap(), run.wait().await.unwrap());
}

#[tokio::test]
async fn cancel_asks_nicely_and_waits() {
    let world =
        World::new("trap 'echo tidied; exit 5' TERM; echo $$ > ready; while :; do read x < /dev/null; done");
    let mut run = world.start().await;
    world.process("ready");
    run.cancel();
    let outcome = run.wait().await.unwrap();
    assert_eq!((outcome.exit, outcome.by), (Exit::Code(5), Cause::Cancel));
    assert_eq!(world.log(), "tidied\n");
}

#[tokio::test]
async fn helpers_of_a_cancelled_command_may_tidy_up_too() {
    let helper =
        r#"trap "sleep 0.2; echo tidied; exit" TERM; echo $$ > ready; while :; do read x < /dev/null; done"#;
    let world = World::new(&format!("setsid sh -c '{helper}' & wait"));
    let mut run = world.start().await;
    world.process("ready");
    run.cancel();
    let outcome = run.wait().await.unwrap();
    assert_eq!((outcome.exit, outcome.by, outcome.left_over), (Exit::Signal(15), Cause::Cancel, 0));
    assert_eq!(world.log(), "tidied\n");
}

#[tokio::test]
async fn who_ignores_a_cancel_has_the_grace_and_no_longer() {
    let mut world = World::new("trap '' TERM; echo $$ > ready; exec sleep 1000");
    world.spec.grace_ms = 300;
    let mut run = world.start().await;
    world.process("ready");
    let asked = Instant::now();
    run.cancel();
    let outcome = run.wait().await.unwrap();
    assert!(asked.elapsed() >= Duration::from_millis(300));
    assert_eq!((outcome.exit, outcome.by), (Exit::Signal(9), Cause::Cancel));
}

#[tokio::test]
async fn kill_does_not_ask() {
    let world = World::new("trap 'exit 5' TERM; echo $$ > ready; while :; do read x < /dev/null; done");
    let mut run = world.start().await;
    world.process("ready");
    run.kill();
    let outcome = run.wait().await.unwrap();
    assert_eq!((outcome.exit, outcome.by), (Exit::Signal(9), Cause::Kill));
}

#[tokio::test]
async fn kill_cuts_the_grace_of_a_cancel_short() {
    let world = World::new("trap '' TERM; echo $$ > ready; exec sleep 1000");
    let mut run = world.start().await;
    world.process("ready");
    run.cancel();
    run.kill();
    let outcome = run.wait().await.unwrap();
    assert_eq!((outcome.exit, outcome.by), (Exit::Signal(9), Cause::Cancel));
}

#[tokio::test]
async fn the_time_limit_ends_a_run() {
    let mut world = World::new("echo begun; exec sleep 1000");
    world.spec.time_limit_ms = 300;
    let begun = Instant::now();
    let outcome = world.outcome().await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!((outcome.exit, outcome.by), (Exit::Signal(15), Cause::TimeLimit));
}

#[tokio::test]
async fn a_silent_command_is_a_stall() {
    let mut world = World::new("echo begun; exec sleep 1000");
    world.spec.stall_limit_ms = Some(300);
    world.spec.stall_watch = Some(world.spec.cwd.clone());
    let outcome = world.outcome().await.unwrap();
    assert_eq!((outcome.exit, outcome.by), (Exit::Signal(15), Cause::Stall));
}

#[tokio::test]
async fn output_and_changed_files_defer_the_stall() {
    for sign in ["echo working", "echo working > file"] {
        let mut world = World::new(&format!("for i in 1 2 3 4 5 6 7 8 9 10; do {sign}; sleep 0.2; done"));
        world.spec.stall_limit_ms = Some(1_500);
        world.spec.stall_watch = Some(world.spec.cwd.clone());
        let outcome = world.outcome().await.unwrap();
        assert_eq!((outcome.exit, outcome.by), (Exit::Code(0), Cause::Itself), "{sign}");
    }
}

#[tokio::test]
async fn the_supervisor_is_deaf_to_polite_requests_to_end() {
    let world = World::new("echo $$ > ready; exec sleep 1000");
    let mut run = world.start().await;
    world.process("ready");
    let supervisor = ProcessId::of(run.supervisor_pid().unwrap()).unwrap();
    assert!(signal(&supervisor, Signal::Terminate).unwrap());
    run.cancel();
    assert_eq!(run.wait().await.unwrap().by, Cause::Cancel);
}

#[tokio::test]
async fn a_living_client_is_not_given_up_however_short_the_ping_limit() {
    let mut world = World::new("sleep 3");
    world.spec.ping_limit_ms = 2_000;
    assert_eq!(world.outcome().await.unwrap().by, Cause::Itself);
}

/// Pings wait in the pipe while the supervisor stands still: it must read them before it judges.
#[tokio::test]
async fn a_supervisor_that_stood_still_does_not_take_its_client_for_dead() {
    let mut world = World::new("echo $$ > ready; exec sleep 1000");
    world.spec.ping_limit_ms = 1_500;
    let mut run = world.start().await;
    world.process("ready");
    let supervisor = ProcessId::of(run.supervisor_pid().unwrap()).unwrap();
    assert!(signal(&supervisor, Signal::Stop).unwrap());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(signal(&supervisor, Signal::Continue).unwrap());
    tokio::time::sleep(Duration::from_millis(200)).await;
    run.cancel();
    assert_eq!(run.wait().await.unwrap().by, Cause::Cancel);
}

/// As those that waited in the pipe while the machine was suspended.
#[test]
fn pings_that_were_said_long_ago_keep_nothing_alive() {
    let mut world = World::new("exec sleep 1000");
    world.spec.ping_limit_ms = 500;
    let (mut supervisor, line) = world.supervisor();
    let mut control = supervisor.stdin.take().unwrap();
    control.write_all(&line).unwrap();
    eventually("it to end", || {
        let _ = control.write_all(b"ping 1\n");
        supervisor.try_wait().unwrap().is_some()
    });
    let mut said = String::new();
    supervisor.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains(r#""by":"orphaned""#), "{said}");
}

#[tokio::test]
async fn the_end_is_told_within_milliseconds() {
    let mut quickest = Duration::MAX;
    for _ in 0..10 {
        let world = World::new("date +%s%N > ended");
        world.outcome().await.unwrap();
        let told = std::time::SystemTime::now();
        let ended: u64 = std::fs::read_to_string(world.work("ended")).unwrap().trim().parse().unwrap();
        let ended = std::time::UNIX_EPOCH + Duration::from_nanos(ended);
        quickest = quickest.min(told.duration_since(ended).unwrap());
    }
    assert!(quickest < Duration::from_millis(40), "{quickest:?}");
}

/// Also after it adopted and reaped orphans.
#[tokio::test]
async fn an_idle_supervisor_sleeps() {
    let world = World::new("(true &); (true &); echo $$ > ready; exec sleep 1000");
    let mut run = world.start().await;
    world.process("ready");
    let supervisor = run.supervisor_pid().unwrap();
    let before = wakings_and_ticks(supervisor);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = wakings_and_ticks(supervisor);
    // The end of an orphan may fall into the second; a tick is a hundredth of a second.
    assert!(after.0 - before.0 <= 5 && after.1 - before.1 <= 5, "{before:?} {after:?}");
    run.kill();
    run.wait().await.unwrap();
}

/// How often the process went to sleep so far, and for how many clock ticks it ran.
fn wakings_and_ticks(pid: u32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let wakings = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat.rsplit(')').next().unwrap().split_whitespace();
    let ticks = fields.skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    (wakings.trim().parse().unwrap(), ticks)
}
