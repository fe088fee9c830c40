//! Facts about real processes: `sleep` does for all of them.

use std::process::{Child, Command};

use super::*;

/// A real process that is killed and reaped at the end of the test.
struct Sleeper(Child);

impl Sleeper {
    fn start(run: &str) -> Self {
        Self(Command::new("sleep").arg("1000").env(RUN_MARKER, run).spawn().expect("sleep starts"))
    }

    fn id(&self) -> ProcessId {
        ProcessId::of(self.0.id()).expect("it runs")
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A marker that no other test, and no other run of this one, uses.
fn unique(name: &str) -> String {
    format!("{name}-{}", std::process::id())
}

#[test]
fn we_are_alive_and_survive_being_written_down() {
    let me = ProcessId::current().expect("we run");
    let text = serde_json::to_string(&me).expect("written");
    assert_eq!(serde_json::from_str::<ProcessId>(&text).expect("read"), me);
    assert_eq!((me.pid, me.fate()), (std::process::id(), Fate::Alive));
}

#[test]
fn a_reused_number_is_neither_alive_nor_signalled() {
    let sleeper = Sleeper::start(&unique("reused"));
    let predecessor = ProcessId { start_time: sleeper.id().start_time - 1, ..sleeper.id() };
    assert_eq!(predecessor.fate(), Fate::Gone);
    assert!(!signal(&predecessor, Signal::Kill).expect("nothing to do"));
    assert!(sleeper.id().is_alive());
}

#[test]
fn of_another_boot_or_container_nothing_is_told_and_nothing_signalled() {
    let sleeper = Sleeper::start(&unique("elsewhere"));
    let other_boot = ProcessId { boot_id: "another".into(), ..sleeper.id() };
    let container = ProcessId { pid_namespace: 1, ..sleeper.id() };
    for process in [other_boot, container] {
        assert_eq!((process.fate(), process.is_alive()), (Fate::Unknown, false));
        assert!(!signal(&process, Signal::Kill).expect("nothing to do"));
    }
    assert!(sleeper.id().is_alive());
}

#[test]
fn a_signal_reaches_the_process_meant_and_a_zombie_is_gone() {
    let mut sleeper = Sleeper::start(&unique("killed"));
    let id = sleeper.id();
    assert!(signal(&id, Signal::Kill).expect("sent"));
    // Wait for its end without reaping it.
    let pid = rustix::process::Pid::from_child(&sleeper.0);
    let options = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
    rustix::process::waitid(rustix::process::WaitId::Pid(pid), options).expect("ended");
    assert_eq!(id.fate(), Fate::Gone);
    sleeper.0.wait().expect("reaped");
    assert!(matches!(ProcessId::of(id.pid), Err(ProcessError::NoSuchProcess(_))));
    assert!(!signal(&id, Signal::Kill).expect("nobody there"));
}

#[test]
fn a_marked_process_is_found_by_its_exact_marker_and_among_our_descendants() {
    let (run, longer) = (unique("marked"), unique("marked") + "0");
    let (sleeper, other) = (Sleeper::start(&run), Sleeper::start(&longer));
    assert_eq!(marked(&run).expect("scanned"), [sleeper.id()]);
    let below = descendants(std::process::id()).expect("scanned");
    assert!(below.contains(&sleeper.id()) && below.contains(&other.id()));
    assert!(!below.contains(&ProcessId::current().expect("we run")));
}

#[test]
fn the_host_has_a_name() {
    assert!(!host_name().expect("it has").is_empty());
}
