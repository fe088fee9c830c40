//! How a command is started: with exactly what was asked for, or with a reason why not.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use tinytown_host::clock::uptime;
use tinytown_host::process::{ProcessId, Signal, descendants, signal};
use tinytown_host::run_files::{RunFile, RunState, living};
use tinytown_host::supervise::{Exit, SuperviseError, Supervisor};

use crate::world::{World, eventually, supervisor};

#[tokio::test]
async fn the_environment_is_exactly_what_was_given_and_the_marker() {
    let mut world = World::new("");
    world.spec.argv = vec!["/usr/bin/env".into()];
    world.spec.env = vec![("B".into(), "two words".into()), ("A".into(), "1".into())];
    assert_eq!(world.outcome().await.unwrap().exit, Exit::Code(0));
    let log = world.log();
    let mut lines: Vec<_> = log.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["A=1", "B=two words", &format!("TINYTOWN_RUN={}", world.spec.run)]);
}

#[tokio::test]
async fn the_command_blocks_and_ignores_no_signal() {
    let world = World::new("exec grep -E '^Sig(Blk|Ign)' /proc/self/status");
    world.outcome().await.unwrap();
    let log = world.log();
    let masks =
        log.lines().map(|line| u64::from_str_radix(line.split_whitespace().last().unwrap(), 16).unwrap());
    // The C library keeps two real-time signals to itself; the others are ours to reset.
    let ordinary = masks.map(|mask| mask & 0x7fff_ffff);
    assert_eq!(ordinary.collect::<Vec<_>>(), [0, 0]);
}

#[tokio::test]
async fn it_works_in_its_folder_and_reads_its_input() {
    let mut world = World::new("pwd; cat");
    let input = world.path("input");
    std::fs::write(&input, "what to do\n").unwrap();
    world.spec.stdin = Some(input);
    world.outcome().await.unwrap();
    assert_eq!(world.log(), format!("{}\nwhat to do\n", world.spec.cwd.canonicalize().unwrap().display()));
}

#[tokio::test]
async fn the_log_has_both_streams_and_is_appended_to() {
    let world = World::new("echo out; echo err >&2; echo out");
    std::fs::write(&world.spec.log, "before\n").unwrap();
    world.outcome().await.unwrap();
    assert_eq!(world.log(), "before\nout\nerr\nout\n");
    assert_eq!(world.spec.log.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_missing_program_is_told_at_once_and_leaves_no_run_file() {
    let mut world = World::new("");
    world.spec.argv = vec!["no-such-program".into()];
    let Err(SuperviseError::FailedToStart(why)) = world.outcome().await else { panic!("it started") };
    assert!(why.contains("no-such-program") && why.contains("No such file"), "{why}");
    assert_eq!(std::fs::read_dir(world.runs()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_cannot_be_run_is_told_with_its_reason() {
    let mut nothing = World::new("");
    nothing.spec.argv.clear();
    let mut nowhere = World::new("true");
    nowhere.spec.cwd = nowhere.path("missing");
    let mut silent = World::new("true");
    silent.spec.stdin = Some(silent.path("missing"));
    for (world, expected) in [(nothing, "no command"), (nowhere, "missing"), (silent, "input")] {
        let Err(SuperviseError::FailedToStart(why)) = world.outcome().await else { panic!("it started") };
        assert!(why.contains(expected), "{why}");
    }
}

#[tokio::test]
async fn a_program_that_is_no_supervisor_is_not_believed() {
    let world = World::new("true");
    let start = |program: &str| Supervisor { program: program.into(), args: Vec::new() };
    assert!(matches!(start("/bin/true").start(&world.spec).await, Err(SuperviseError::SupervisorDied)));
    assert!(matches!(start("/bin/cat").start(&world.spec).await, Err(SuperviseError::Protocol { .. })));
    assert!(matches!(start("/no/such").start(&world.spec).await, Err(SuperviseError::Start { .. })));
}

#[tokio::test]
async fn the_run_file_names_the_run_and_no_secret_and_goes_with_it() {
    let mut world = World::new("read line # canary-argument");
    world.spec.env.push(("KEY".into(), "canary-value".into()));
    world.spec.argv[0] = "/bin/sh".into();
    let (pipe, writer) = (world.path("pipe"), world.path("pipe"));
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    // Held open both ways, so that nobody waits for the other end.
    let held = std::fs::OpenOptions::new().read(true).write(true).open(writer).unwrap();
    world.spec.stdin = Some(pipe);
    let mut run = supervisor().start(&world.spec).await.unwrap();

    let listing = living(&world.runs()).unwrap();
    let [listed] = &listing.runs[..] else { panic!("{listing:?}") };
    let file: &RunFile = &listed.file;
    assert_eq!(
        (listed.state, &*file.run, &*file.program),
        (RunState::Supervised, &*world.spec.run, "/bin/sh")
    );
    assert_eq!(
        (Some(file.supervisor.pid), file.command.as_ref()),
        (run.supervisor_pid(), Some(run.command()))
    );
    assert_eq!(descendants(file.supervisor.pid).unwrap(), [run.command().clone()]);
    assert_eq!(listed.path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(world.runs().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert!(!std::fs::read_to_string(&listed.path).unwrap().contains("canary"));

    (&held).write_all(b"go on\n").unwrap();
    run.wait().await.unwrap();
    assert!(!world.spec.run_file.exists());
}

fn millis(since_boot: Duration) -> u64 {
    u64::try_from(since_boot.as_millis()).unwrap()
}

#[tokio::test]
async fn whose_time_to_begin_has_passed_begins_nothing_and_says_so() {
    let mut world = World::new("echo ran > ran");
    world.spec.begin_by_ms = Some(millis(uptime().checked_sub(Duration::from_millis(2)).unwrap()));
    assert!(matches!(world.outcome().await, Err(SuperviseError::TooLate)));
    assert!(!world.work("ran").exists());
    assert_eq!(std::fs::read_dir(world.runs()).unwrap().count(), 0);

    // The same, in time.
    world.spec.begin_by_ms = Some(millis(uptime() + Duration::from_mins(10)));
    assert_eq!(world.outcome().await.unwrap().exit, Exit::Code(0));
    assert!(world.work("ran").exists());
}

#[tokio::test]
async fn what_cannot_be_started_in_time_says_why_and_not_that_it_is_too_late() {
    let mut world = World::new("");
    world.spec.argv = vec!["no-such-program".into()];
    world.spec.begin_by_ms = Some(millis(uptime() + Duration::from_mins(10)));
    assert!(matches!(world.outcome().await, Err(SuperviseError::FailedToStart(_))));
}

/// The pause that the permit is for: the supervisor was started in time, and stood still before it began.
#[test]
fn a_supervisor_that_stood_still_past_its_time_begins_nothing() {
    let mut world = World::new("echo ran > ran");
    let by = uptime() + Duration::from_millis(20);
    world.spec.begin_by_ms = Some(millis(by));
    let (mut supervisor, line) = world.supervisor();
    let id = ProcessId::of(supervisor.id()).unwrap();
    assert!(signal(&id, Signal::Stop).unwrap());
    let mut control = supervisor.stdin.take().unwrap();
    control.write_all(&line).unwrap();
    eventually("its time to pass", || uptime() > by);
    assert!(signal(&id, Signal::Continue).unwrap());
    let said = supervisor.wait_with_output().unwrap().stdout;
    assert_eq!(String::from_utf8(said).unwrap(), "\"too_late\"\n");
    assert!(!world.work("ran").exists());
}
