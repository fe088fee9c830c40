//! Missions that grow and are directed while they stand or run: `tt mission add`, `retry`, `skip`, `redirect`.

use tinytown_tests::support::Town;

use super::transcripts::{Transcript, state, wait_code, waiting_agent};

/// A mission of three items, two of which wait for issues outside; and issues that could be added.
fn planned(town: &Town) -> String {
    town.issue(1, "one", "One", "Work.");
    town.issue(2, "two", "Two", "After #1 and #9.");
    town.issue(3, "three", "Three", "Depends on #11.");
    town.issue(8, "eight", "Eight", "Depends on #77.");
    town.issue(9, "nine", "Nine", "After #1.");
    town.issue(10, "ten", "Ten", "After #2 and #9.");
    town.issue(11, "eleven", "Eleven", "After #12.");
    town.issue(12, "twelve", "Twelve", "Depends on #3.");
    town.start_mission(&[1, 2, 3], &["--no-reviewer", "--auto-merge"])
}

fn items(town: &Town, mission: &str) -> usize {
    town.status(mission)["work_items"].as_array().expect("items").len()
}

#[test]
fn what_cannot_be_added_is_refused_as_at_the_start_and_nothing_is_added() {
    let town = Town::new();
    let mission = planned(&town);
    town.write("other.toml", "[[overrides]]\nissue = 40\n");
    town.commit("A manifest");
    let mut told = Transcript::of(&town);
    let mut refused = |more: &[&str], code| told.refused(&[&["mission", "add"], more].concat(), code);
    refused(&[&mission, "-i", "11", "-i", "12"], 5);
    refused(&[&mission, "-i", "10", "-i", "8"], 5);
    refused(&[&mission, "-i", "77", "-i", "9"], 5);
    refused(&[&mission, "-i", "x"], 5);
    refused(&[&mission, "-i", "9", "-m", "other.toml"], 5);
    refused(&[&mission, "-d", "nowhere.md"], 5);
    refused(&[&mission, "-i", "9", "-i", "1"], 7);
    refused(&[&mission], 2);
    refused(&["abcd1234", "-i", "9"], 3);
    assert_eq!(items(&town, &mission), 3);
    told.tt(&["mission", "stop", &mission, "--force"], 0);
    told.refused(&["mission", "add", &mission, "-i", "9"], 7);
    told.compare("add_refused");
}

#[test]
fn what_is_added_without_a_dispatcher_is_there_for_every_command() {
    let town = Town::new();
    let mission = planned(&town);
    let policy = "[policy]\nmax_parallel = 7\n\n[[overrides]]\nissue = 1\nskip = true\n\n";
    town.write("more.toml", format!("{policy}[[overrides]]\nissue = 10\npriority = 2\n"));
    town.write("free.toml", "[[overrides]]\nissue = 12\ndepends_on = []\n");
    town.commit("A manifest");
    let mut told = Transcript::of(&town);
    let more = ["-i", "10", "-i", "9", "-m", "more.toml"];
    told.tt(&[&["mission", "add", &mission, "--dry-run"], &more[..]].concat(), 0);
    assert_eq!(items(&town, &mission), 3);
    told.tt(&[&["mission", "add", &mission], &more[..]].concat(), 0);
    told.refused(&["mission", "start", "-i", "10"], 7);
    told.refused(&["mission", "add", &mission, "-i", "9"], 7);
    told.tt(&["mission", "graph", &mission], 0);
    told.tt(&["mission", "explain", &mission, "2"], 0);
    told.tt(&["mission", "list"], 0);
    told.tt(&["mission", "log", &mission], 0);
    told.compare("add");
    let json = town.json(&["mission", "add", &mission, "-i", "11", "-i", "12", "-m", "free.toml"]);
    assert_eq!(json["work_items"][0]["key"], "#11", "{json:#}");
}

#[test]
fn an_operator_directs_a_mission_by_commands() {
    let town = Town::new();
    let mission = planned(&town);
    town.spawn_worker("ann", None);
    let mut told = Transcript::of(&town);
    told.refused(&["mission", "redirect", &mission, "1", "nobody"], 3);
    told.refused(&["mission", "redirect", &mission, "1", "of", "ann"], 2);
    told.refused(&["mission", "redirect", &mission, "40", "to", "ann"], 3);
    told.tt(&["mission", "redirect", &mission, "#2", "to", "ann"], 0);
    told.tt(&["mission", "redirect", &mission, "3", "ann"], 0);
    told.refused(&["mission", "retry", &mission, "2"], 7);
    told.refused(&["mission", "retry", &mission, "2 3"], 3);
    told.tt(&["mission", "retry", &mission], 0);
    told.tt(&["mission", "skip", &mission, "1"], 0);
    told.refused(&["mission", "skip", &mission, "1"], 7);
    told.refused(&["mission", "skip", &mission], 2);
    told.refused(&["mission", "skip", "12345678-0000-4000-8000-000000000001", "1"], 3);
    told.compare("direct");
}

#[test]
fn a_mission_that_runs_grows_and_what_was_added_outlives_its_dispatcher() {
    let town = Town::new();
    town.issue(1, "one", "One", "Work.");
    town.issue(2, "two", "Two", "After #9.");
    town.issue(9, "nine", "Nine", "Depends on #1.");
    town.issue(10, "ten", "Ten", "After #2.");
    let go = waiting_agent(&town);
    town.spawn_worker("ann", None);
    let mission = town.start_mission(&[1, 2], &["--no-reviewer", "--auto-merge"]);
    let dispatcher = town.dispatcher();
    let outside = |status: &serde_json::Value| wait_code(status, "#2") == "external";
    town.wait_until(&mission, |status| state(status, "#1") == "running" && outside(status));
    town.tt(&["mission", "add", &mission, "-i", "9"]).exits(0).says(&["#2 waited until #9 is closed"]);
    let status = town.status(&mission);
    assert_eq!((wait_code(&status, "#2"), wait_code(&status, "#9")), ("dependency", "dependency"));
    dispatcher.kill();
    let dispatcher = town.dispatcher();
    town.tt(&["mission", "add", &mission, "-i", "10"]).exits(0);
    std::fs::write(go, "").expect("written");
    let status = town.wait_completed(&mission);
    dispatcher.stop().exits(0);
    assert_eq!(status["objectives"], serde_json::json!(["#1", "#2", "#9", "#10"]));
    let merged: Vec<String> = town.merges().into_iter().map(|merge| merge.key).collect();
    assert_eq!(merged, ["#1", "#9", "#2", "#10"]);
    town.tt(&["mission", "report", &mission]).exits(0);
    let exported = town.tt(&["mission", "export", &mission, "-"]).exits(0);
    let exported: serde_json::Value = serde_json::from_str(&exported.stdout).expect("JSON");
    assert_eq!(exported["head"]["d"]["joined"], serde_json::json!(["#9", "#10"]), "{exported:#}");
}
