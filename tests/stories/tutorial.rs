//! The tutorial, typed by hand in a repository of one's own, with scripts of one's own as agents.

use tinytown_tests::support::Town;

fn tutorial() -> Town {
    let town = Town::new();
    town.issue(1, "design-auth-api", "Design auth API", "Design the authentication API schema.");
    let body = "Implement the authentication endpoints.\n\nDepends on #1.\n\n- Implement login endpoint";
    town.issue(2, "implement-auth-endpoints", "Implement auth endpoints", body);
    town.issue(
        3,
        "write-auth-tests",
        "Write auth tests",
        "Write tests for auth API.\n\nAfter #2.\n\n- Unit tests",
    );
    town
}

fn team(town: &Town) {
    for name in ["designer", "backend", "tester"] {
        town.spawn_worker(name, None);
    }
}

const START: &[&str] = &["mission", "start", "--issue", "1", "--issue", "2", "--issue", "3"];

/// Who did what, from the log: pairs of item and agent.
fn assigned(town: &Town, mission: &str) -> Vec<(String, String)> {
    let log = town.json(&["mission", "log", mission]);
    let events = log["events"].as_array().expect("events").clone();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    events
        .iter()
        .filter(|event| event["type"] == "item-assigned")
        .map(|event| (text(&event["item"]), text(&event["agent"])))
        .filter(|(item, _)| !item.contains('/'))
        .collect()
}

fn as_told() -> Vec<(String, String)> {
    [("#1", "designer"), ("#2", "backend"), ("#3", "tester")]
        .map(|(i, a)| (i.to_owned(), a.to_owned()))
        .to_vec()
}

#[test]
fn as_written_it_ends_accepted_and_leaves_merging_to_a_person() {
    let town = tutorial();
    team(&town);
    let started = town.tt(START).exits(0);
    let lines: Vec<&str> = started.stdout.lines().collect();
    assert!(lines[0].starts_with("🚀 Mission started: "), "{lines:?}");
    assert_eq!(
        lines[1..],
        [
            "📋 Objectives: 3 issues",
            "📦 Work items: 3",
            "   ⏳ Issue #1: Design auth API",
            "   ⏳ Issue #2: Implement auth endpoints",
            "   ⏳ Issue #3: Write auth tests",
        ]
    );
    let mission = lines[0].trim_start_matches("🚀 Mission started: ").to_owned();
    let base = town.git(&["rev-parse", "main"]);
    let dispatched = town.tt(&["mission", "dispatch", "--until-done"]).exits(0);
    let rounds: Vec<&str> = dispatched.stdout.lines().collect();
    assert_eq!(rounds[0], "Round 1: Issue #1 → ready → assigned to designer", "{rounds:?}");
    assert!(
        rounds.iter().any(|round| round.ends_with("done → Issue #2 ready → assigned to backend")),
        "{rounds:?}"
    );
    assert!(rounds.last().is_some_and(|round| round.ends_with("All done → Mission completed")), "{rounds:?}");
    assert_eq!(assigned(&town, &mission), as_told());
    assert_eq!(town.git(&["rev-parse", "main"]), base, "merging is left to a person");
    let status = town.status(&mission);
    let head =
        |at: usize| status["work_items"][at]["pull_request"]["head_sha"].as_str().expect("a head").to_owned();
    town.git(&["merge-base", "--is-ancestor", &head(0), &head(1)]);
    town.git(&["merge-base", "--is-ancestor", &head(1), &head(2)]);
}

#[test]
fn with_auto_merge_it_ends_merged_in_the_order_of_the_dependencies() {
    let town = tutorial();
    team(&town);
    let mission = town.start_mission(&[3, 1, 2], &["--auto-merge"]);
    town.tt(&["mission", "dispatch", "--until-done"]).exits(0);
    let keys: Vec<String> = town.merges().into_iter().map(|merge| merge.key).collect();
    assert_eq!(keys, ["#1", "#2", "#3"]);
    assert_eq!(assigned(&town, &mission), as_told());
    assert_eq!(town.git(&["status", "--porcelain"]), "", "the user's folder is as clean as before");
    assert!(town.repo().join("done-1.txt").exists(), "and up to date");
}

#[test]
fn a_failing_check_makes_its_fix_at_once_and_is_shown_as_in_step_6() {
    let town = tutorial();
    town.configure("policy.watch_interval_secs", "180");
    town.check("test -e mended");
    // The first attempt forgets something; the fix waits until the story has looked.
    town.agent_script(
        r#"cat > "prompt-of-$TINYTOWN_KIND"; rm prompt-of-implement 2> /dev/null
case "$TINYTOWN_KIND" in
fix) while [ ! -e "$TINYTOWN_DIR/../looked" ]; do sleep 0.02; done; mv prompt-of-fix mended ;;
*) echo work > work.txt ;;
esac"#,
    );
    town.spawn_worker("backend", None);
    let mission = town.start_mission(&[1], &["--no-reviewer", "--auto-merge"]);
    let dispatcher = town.dispatcher();
    town.wait_until(&mission, |status| status["watches"].as_array().is_some_and(|all| !all.is_empty()));
    town.wait_until(&mission, |status| status["work_items"][1]["state"] == "running");
    let shown = town.tt(&["mission", "status", "--watch"]).exits(0).stdout;
    let watch = shown.lines().skip_while(|line| *line != "🚧 Watch Items: 1").nth(1).unwrap_or_default();
    let seconds = watch
        .strip_prefix("   ⚠️  PR #1 CI check: failing (retrying in ")
        .and_then(|rest| rest.strip_suffix("s)"))
        .unwrap_or_else(|| panic!("{shown}"));
    assert!((150..=180).contains(&seconds.parse::<u32>().expect("seconds")), "{shown}");
    std::fs::write(town.path().join("looked"), "").expect("a file");
    town.wait_completed(&mission);
    let evidence = std::fs::read_to_string(town.repo().join("mended")).expect("the fix's prompt was merged");
    assert!(evidence.contains("test -e mended"), "the fix was told what failed: {evidence}");
    assert!(evidence.contains("Design the authentication API schema."), "and for what: {evidence}");
    drop(dispatcher);
}

#[test]
fn in_a_town_of_one_worker_the_review_waits_for_a_reviewer_spawned_later() {
    let town = tutorial();
    town.spawn_worker("solo", None);
    let mission = town.start_mission(&[1], &[]);
    let _dispatcher = town.dispatcher();
    let waiting = |status: &serde_json::Value| status["work_items"][1]["wait"]["code"] == "no-reviewer";
    town.wait_until(&mission, waiting);
    town.spawn_worker("reviewer", None);
    town.wait_completed(&mission);
}

#[test]
fn stop_and_resume_take_a_short_prefix_and_notes_are_taken() {
    let town = tutorial();
    team(&town);
    let mission = town.start_mission(&[1, 2, 3], &["--no-reviewer"]);
    let prefix = &mission[..6];
    town.tt(&["mission", "stop", prefix]).exits(0);
    assert_eq!(town.status(&mission)["state"], "stopped");
    let dispatcher = town.dispatcher();
    town.tt(&["mission", "note", prefix, "the night is quiet"]).exits(0);
    assert_eq!(town.status(&mission)["state"], "stopped", "free text does nothing");
    town.tt(&["mission", "resume", prefix]).exits(0);
    town.wait_completed(&mission);
    dispatcher.stop().exits(0);
    assert_eq!(town.status(&mission)["dispatcher"]["holder"], serde_json::Value::Null);
}

#[test]
fn the_demo_completes_and_leaves_no_process_behind() {
    let place = tinytown_tests::support::Place::new();
    let demo = place.tt(&["demo", "--dir", "town-of-the-demo"]).exits(0);
    assert!(demo.stdout.contains("mission completed"), "{}", demo.stdout);
    assert_eq!(place.processes_left(), []);
}
