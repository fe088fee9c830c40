//! Checks run by the local forge, under a real supervisor.

use std::sync::atomic::{AtomicUsize, Ordering};

use tinytown_core::id::Sha;
use tinytown_core::observation::{CheckReport, Checks};
use tinytown_forge::conformance::Harness as _;
use tinytown_forge::conformance::scene::{cause, check};
use tinytown_forge::{CheckRequest, Forge as _, ForgeError, LocalConfig, LocalForge, Permit};

use crate::place::Place;

async fn checking(place: &Place, command: &str) -> LocalForge {
    LocalForge::open(LocalConfig { check: Some(command.to_owned()), ..place.config() }).await.unwrap()
}

async fn head(place: &Place) -> Sha {
    place.commit_of(&[&place.base().await], &[("file", "committed\n")])
}

fn output(report: &CheckReport) -> &str {
    report.output.as_inline().unwrap()
}

#[tokio::test]
async fn a_check_sees_exactly_the_commit_and_leaves_nothing() {
    let place = Place::new();
    let head = head(&place).await;
    place.write("file", "uncommitted\n");
    place.write("other", "uncommitted\n");
    let forge = checking(&place, "git rev-parse HEAD; cat file; ls; pwd; exit 9").await;
    let Checks::Red(report) = check(&forge, 1, &head, false).await else { panic!("red") };
    let lines: Vec<&str> = output(&report).lines().collect();
    assert_eq!(lines[..5], [head.as_str(), "committed", "README.md", "ci.sh", "file"]);
    assert!(report.summary.ends_with("ended with exit code 9"), "{}", report.summary);
    wait_for_empty_scratch(&place);
}

/// The checkout is removed beside the call: it may be large.
fn wait_for_empty_scratch(place: &Place) {
    let give_up = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while !place.scratch_entries().is_empty() {
        assert!(std::time::Instant::now() < give_up, "left: {:?}", place.scratch_entries());
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn a_check_sees_no_more_of_the_environment_than_it_must() {
    let place = Place::new();
    let head = head(&place).await;
    let forge = checking(&place, "env; exit 1").await;
    let Checks::Red(report) = check(&forge, 1, &head, false).await else { panic!("red") };
    let text = output(&report);
    let allowed =
        ["PATH", "HOME", "USER", "LANG", "TERM", "TZ", "TMPDIR", "SHELL", "PWD", "OLDPWD", "SHLVL", "_"];
    let names = text.lines().filter_map(|line| Some(line.split_once('=')?.0));
    let known =
        |name: &str| allowed.contains(&name) || name.starts_with("LC_") || name.starts_with("TINYTOWN_");
    let leaked: Vec<&str> = names.filter(|name| !known(name)).collect();
    assert_eq!(leaked, Vec::<&str>::new());
    assert!(text.contains("TINYTOWN_ITEM=#2") && text.contains(&format!("TINYTOWN_HEAD={head}")), "{text}");
}

#[tokio::test]
async fn a_check_that_takes_too_long_or_is_killed_has_not_judged() {
    let place = Place::new();
    let head = head(&place).await;
    let slow = LocalConfig { check: Some("sleep 1000".into()), check_limit_ms: 1, ..place.config() };
    let forge = LocalForge::open(slow).await.unwrap();
    let Checks::CouldNotRun(report) = check(&forge, 1, &head, false).await else { panic!("no verdict") };
    assert!(report.summary.contains("longer than allowed"), "{report:?}");
    let forge = checking(&place, "kill -9 $$").await;
    let Checks::CouldNotRun(report) = check(&forge, 1, &head, false).await else { panic!("no verdict") };
    assert!(report.summary.contains("signal 9"), "{report:?}");
}

#[tokio::test]
async fn without_a_supervisor_there_is_no_verdict() {
    let place = Place::new();
    let head = head(&place).await;
    let mut config = LocalConfig { check: Some("true".into()), ..place.config() };
    config.supervisor.program = "/nonexistent".into();
    let forge = LocalForge::open(config).await.unwrap();
    assert!(matches!(check(&forge, 1, &head, false).await, Checks::CouldNotRun(_)));
}

#[tokio::test]
async fn a_long_output_is_cut_to_its_end_without_escapes() {
    let place = Place::new();
    let head = head(&place).await;
    let forge = checking(&place, "yes | head -c 100000; printf '\\033[31mthe end\\033[0m\\n'; exit 1").await;
    let Checks::Red(report) = check(&forge, 1, &head, false).await else { panic!("red") };
    assert!(output(&report).len() <= 16 * 1024 && output(&report).ends_with("y\nthe end\n"));
}

#[tokio::test]
async fn another_command_judges_anew() {
    let place = Place::new();
    let head = head(&place).await;
    assert_eq!(check(&checking(&place, "true").await, 1, &head, false).await, Checks::Green);
    assert!(matches!(check(&checking(&place, "false").await, 1, &head, false).await, Checks::Red(_)));
}

/// Holds the first time it is asked.
struct Once(AtomicUsize);

impl Permit for Once {
    fn holds(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) == 0
    }
}

#[tokio::test]
async fn a_verdict_is_not_kept_once_the_permit_is_withdrawn() {
    let place = Place::new();
    let head = head(&place).await;
    let request = CheckRequest { cause: cause(2), pull: 1, head, again: false };
    let outcome = place.local().await.check(&request, &Once(AtomicUsize::new(0))).await;
    assert!(matches!(outcome, Err(ForgeError::Revoked(_))), "{outcome:?}");
    assert_eq!(place.git(&["for-each-ref", "refs/tinytown"]), "");
}

#[tokio::test]
async fn what_a_killed_check_left_is_swept_at_the_next_start() {
    let place = Place::new();
    drop(place.local().await);
    let left = place.path("town/scratch/check-left");
    std::fs::create_dir(&left).unwrap();
    std::fs::write(left.with_extension("lock"), "").unwrap();
    drop(place.local().await);
    assert_eq!(place.scratch_entries(), Vec::<String>::new());
}
