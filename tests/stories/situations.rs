//! Situations in which the predecessor went wrong, where processes and commands make them: each ends rightly in
//! a test that is named for it. Those that judgement alone decides are in `policies/situations.rs`.

use std::time::Duration;

use serde_json::Value;
use tinytown_host::process::{ProcessId, Signal, signal};
use tinytown_tests::support::{Town, poll};

use super::transcripts::{state, wait_code};

/// Nobody needs to look, and what passes is merged.
const ALONE: [&str; 4] = ["--no-reviewer", "--auto-merge", "-m", "mission.toml"];

/// A town with so many issues that need nothing of each other, and with a mission's policy.
fn town(issues: u64, policy: &str) -> Town {
    let town = Town::new();
    for number in 1..=issues {
        town.write(format!("issues/{number}-item.md"), format!("# Item {number}\n"));
    }
    town.write("mission.toml", format!("[policy]\n{policy}\n"));
    town.commit("Issues and a manifest");
    town
}

fn numbers(issues: u64) -> Vec<u64> {
    (1..=issues).collect()
}

#[track_caller]
fn item<'a>(status: &'a Value, key: &str) -> &'a Value {
    let items = status["work_items"].as_array().expect("items");
    items.iter().find(|item| item["key"] == key).unwrap_or_else(|| panic!("no {key} in {status:#}"))
}

#[track_caller]
fn ended(town: &Town, mission: &str, how: &str) -> Value {
    let over = |status: &Value| matches!(status["state"].as_str(), Some("completed" | "failed"));
    let status = town.wait_until(mission, over);
    assert_eq!(status["state"], how, "{status:#}\n{}", town.logs());
    status
}

/// Why the attempts on an item failed, in order.
fn causes(town: &Town, mission: &str, key: &str) -> Vec<String> {
    let log = town.json(&["mission", "log", mission]);
    let events = log["events"].as_array().expect("events").iter();
    let failed = events.filter(|event| event["type"] == "attempt-failed" && event["item"] == key);
    failed.map(|event| event["cause"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The one process of this town whose command has such words.
#[track_caller]
fn process(town: &Town, wanted: impl Fn(&str) -> bool) -> ProcessId {
    let find = || town.processes_left().into_iter().find(|found| wanted(&found.command));
    poll(Duration::from_secs(20), find).expect("such a process").process
}

/// Whatever text did not begin with "rejected" was an approval.
#[test]
fn d3_a_review_without_a_verdict_is_no_approval() {
    let town = town(1, "max_attempts = 1\nperson_wait_secs = 0");
    town.agent_script(
        r#"cat > /dev/null
        case "$TINYTOWN_KIND" in
        review) echo "Not approved: tests are missing, please fix"
            printf '{"outcome": "done", "summary": "Not approved: tests are missing"}' > "$TINYTOWN_RESULT" ;;
        *) echo work > work.txt ;;
        esac"#,
    );
    for (name, role) in [("ann", None), ("rita", Some("reviewer"))] {
        town.spawn_worker(name, role);
    }
    let mission = town.start_mission(&[1], &ALONE[1..]);
    town.tt(&["mission", "dispatch", "--until-done"]).exits(1);
    assert_eq!(causes(&town, &mission, "#1/review-1"), ["no-verdict"]);
    assert_eq!(town.merges(), []);
}

/// Issues that could not be read, and ones that were not there, counted as no dependencies.
#[test]
fn d5_dependencies_that_cannot_be_read_start_nothing() {
    let town = town(1, "");
    town.issue(2, "two", "Two", "Depends on #99.");
    town.issue(3, "three", "Three", "Depends on #2.");
    town.tt(&["mission", "start", "-i", "1", "-i", "2"]).exits(5).says(&["#2 depends on #99"]);
    town.write("issues/2-two.md", b"# Two\n\n\xff\xfe");
    town.commit("Not UTF-8");
    town.tt(&["mission", "start", "-i", "1", "-i", "2"]).exits(5);
    town.tt(&["mission", "start", "-i", "1", "-i", "3"]).exits(5);
    town.has_no_mission();
}

/// Whoever was killed took its item along for ever, though somebody else was free.
#[test]
fn d11_what_a_killed_worker_had_goes_to_another_agent() {
    let town = town(1, "");
    town.agent_script(
        r#"cat > /dev/null
        [ "$TINYTOWN_ATTEMPT" = 1 ] && { echo half > half.txt; exec sleep 600; }
        echo whole > whole.txt"#,
    );
    town.spawn_worker("ann", None);
    let mission = town.start_mission(&[1], &ALONE);
    let dispatcher = town.dispatcher();
    let agent = process(&town, |command| command.contains("sleep 600"));
    town.spawn_worker("ben", None);
    let worker = process(&town, |command| command.contains(" work ") && command.ends_with(" ann"));
    assert!(signal(&worker, Signal::Kill).expect("it can be signalled"));
    let status = ended(&town, &mission, "completed");
    let one = item(&status, "#1");
    assert_eq!((&one["attempt"], &one["losses"]), (&2.into(), &1.into()), "{one:#}");
    assert!(!agent.is_alive(), "its agent went with it");
    assert!(town.repo().join("whole.txt").exists() && !town.repo().join("half.txt").exists());
    dispatcher.stop().exits(0);
}

/// An agent that was busy for longer than its lease was taken for dead.
#[test]
fn d12_an_agent_that_is_silent_for_several_leases_is_not_dead() {
    let town = town(1, "");
    town.configure("timing.agent_lease_ms", "2000");
    town.agent_script("cat > /dev/null; sleep 5; echo work > work.txt");
    town.spawn_worker("ann", None);
    town.spawn_worker("ben", None);
    let mission = town.start_mission(&[1], &ALONE);
    let dispatcher = town.dispatcher();
    let status = ended(&town, &mission, "completed");
    let one = item(&status, "#1");
    assert_eq!((&one["attempt"], &one["losses"]), (&1.into(), &0.into()), "{one:#}");
    dispatcher.stop().exits(0);
}

/// A command that failed was run ten times in a row by the same agent, which then ended, with the item.
#[test]
fn d13_a_failing_cli_is_tried_as_often_as_allowed_and_then_somebody_is_asked() {
    let town = town(2, "max_attempts = 2");
    town.agent_script(
        r##"cat > /dev/null; [ "$TINYTOWN_ITEM" = "#1" ] && exit 3
        echo work > work.txt"##,
    );
    town.spawn_worker("ann", None);
    let mission = town.start_mission(&numbers(2), &ALONE);
    let dispatcher = town.dispatcher();
    let status = town.wait_until(&mission, |status| status["state"] == "blocked");
    assert_eq!((causes(&town, &mission, "#1"), state(&status, "#2")), (vec!["exit".into(); 2], "done"));
    assert_eq!(
        (wait_code(&status, "#1"), &item(&status, "#1")["wait"]["owner"]),
        ("limit", &"operator".into())
    );
    let inbox = town.tt(&["inbox", "conductor"]).exits(0).stdout;
    assert!(inbox.contains("#1"), "{inbox}");
    // Its worker is there still.
    process(&town, |command| command.contains(" work ") && command.ends_with(" ann"));
    town.tt(&["mission", "skip", &mission, "1"]).exits(0);
    ended(&town, &mission, "completed");
    dispatcher.stop().exits(0);
}

/// An agent that ended as if well, and had done nothing, was not asked again, and its item never moved.
#[test]
fn d14_an_exit_without_work_is_a_failed_attempt_and_tried_again() {
    let town = town(1, "");
    town.agent_script(
        r#"cat > /dev/null; [ "$TINYTOWN_ATTEMPT" = 1 ] && exit 0
        echo work > work.txt"#,
    );
    town.spawn_worker("ann", None);
    let mission = town.start_mission(&[1], &ALONE);
    let dispatcher = town.dispatcher();
    ended(&town, &mission, "completed");
    assert_eq!(causes(&town, &mission, "#1"), ["nothing-done"]);
    dispatcher.stop().exits(0);
}

/// A stop while the dispatcher decided was overwritten by it, and the mission could not be got back.
#[test]
fn d15_a_stop_in_the_midst_of_dispatching_holds_until_it_is_taken_back() {
    const ITEMS: u64 = 12;
    let town = town(ITEMS, "max_parallel = 2");
    for name in ["ann", "ben"] {
        town.spawn_worker(name, None);
    }
    let mission = town.start_mission(&numbers(ITEMS), &ALONE);
    let dispatcher = town.dispatcher();
    let mut stops = 0;
    while town.status(&mission)["state"] != "completed" {
        if town.tt(&["mission", "stop", &mission]).code == 0 {
            stops += 1;
            holds(&town, &mission);
            town.tt(&["mission", "resume", &mission]).exits(0);
        }
        // Each time a little later in what it is doing.
        std::thread::sleep(Duration::from_millis(7 * stops));
    }
    assert!(stops >= 5, "only {stops} stops met the mission");
    assert_eq!(town.merges().len(), 12);
    dispatcher.stop().exits(0);
}

/// Says that a mission which was stopped is so, for everybody, and stays so for a while.
#[track_caller]
fn holds(town: &Town, mission: &str) {
    let assigned = |town: &Town| {
        let log = town.json(&["mission", "log", mission]);
        let events = log["events"].as_array().expect("events").clone();
        let stop = events.iter().rposition(|event| event["type"] == "mission-stopped").expect("a stop");
        events[stop..].iter().filter(|event| event["type"] == "item-assigned").count()
    };
    for _ in 0..3 {
        assert_eq!(town.status(mission)["state"], "stopped");
        assert_eq!(assigned(town), 0);
    }
    assert!(town.tt(&["mission", "list"]).exits(0).stdout.contains("stopped"));
}

/// The first run of each item's check says nothing about the work, each in its own way.
const CANNOT_RUN: &str = r##"
mark="$HOME/checked-$(printf %s "$TINYTOWN_ITEM" | tr -dc 0-9)"
[ -e "$mark" ] && exit 0
touch "$mark"
case "$TINYTOWN_ITEM" in
"#1") no-such-command ;;
"#2") kill -9 $$ ;;
"#3") exec sleep 600 ;;
esac
"##;

/// There, what was not a failure was a pass.
#[test]
fn a_check_that_could_not_run_is_no_pass_and_is_run_again() {
    let town = town(3, "max_parallel = 3\nitem_timeout_secs = 60");
    town.write("check.sh", CANNOT_RUN);
    town.check("exec sh ./check.sh");
    // For how long a check may run.
    town.configure("policy.item_timeout_secs", "4");
    for name in ["ann", "ben", "cleo"] {
        town.spawn_worker(name, None);
    }
    let mission = town.start_mission(&numbers(3), &ALONE);
    let dispatcher = town.dispatcher();
    let status = ended(&town, &mission, "completed");
    for key in ["#1", "#2", "#3"] {
        assert_eq!(item(&status, key)["attempt"], 1, "no agent is paid for it\n{status:#}");
    }
    let mut said = could_not_run(&town, &mission);
    said.sort();
    assert_eq!(said.len(), 3, "{said:#?}");
    for (said, how) in said.iter().zip(["(exit code 127)", "signal 9", "longer than allowed"]) {
        assert!(said.contains(how), "{said}");
    }
    dispatcher.stop().exits(0);
}

/// What checks said that could not run, with their items.
fn could_not_run(town: &Town, mission: &str) -> Vec<String> {
    let log = town.json(&["mission", "log", mission]);
    let events = log["events"].as_array().expect("events");
    let seen = events.iter().filter(|event| event["type"] == "checks-seen");
    let said = seen.filter_map(|event| {
        let summary = event["checks"]["could-not-run"]["summary"].as_str()?;
        Some(format!("{} {summary}", event["item"].as_str()?))
    });
    said.collect()
}
