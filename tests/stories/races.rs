//! Many at once: agents that end at the same instant, two dispatchers, commands in between.

use tinytown_tests::support::Town;

const ROUNDS: u64 = 20;
const AGENTS: u64 = 4;

/// An agent that waits for the others, so that all of them end at the same instant.
const TOGETHER: &str = r#"cat > /dev/null
printf '%s\n' "$TINYTOWN_ATTEMPT" > "item-$(printf %s "$TINYTOWN_ITEM" | tr -dc 0-9).txt"
while [ ! -e "$TINYTOWN_DIR/../go-$TINYTOWN_MISSION" ]; do sleep 0.005; done
"#;

#[test]
fn four_agents_that_end_at_once_under_two_dispatchers_and_a_stop_double_nothing() {
    let town = Town::new();
    for number in 1..=ROUNDS * AGENTS {
        town.write(format!("issues/{number}-item.md"), format!("# Item {number}\n"));
    }
    town.commit("Issues");
    town.agent_script(TOGETHER);
    for number in 1..=AGENTS {
        town.spawn_worker(&format!("agent-{number}"), None);
    }
    let _dispatchers = [town.dispatcher(), town.dispatcher()];
    for round in 0..ROUNDS {
        one_round(&town, round);
    }
    let mut keys: Vec<String> = town.merges().into_iter().map(|merge| merge.key).collect();
    keys.sort();
    let merged = keys.len();
    keys.dedup();
    assert_eq!((merged, keys.len()), (80, 80), "every item was merged, and once");
}

fn one_round(town: &Town, round: u64) {
    let issues: Vec<u64> = (1..=AGENTS).map(|number| round * AGENTS + number).collect();
    let mission = town.start_mission(&issues, &["--no-reviewer", "--auto-merge", "--max-parallel", "4"]);
    let running = |status: &serde_json::Value| {
        let items = status["work_items"].as_array().expect("items").clone();
        items.iter().all(|item| item["state"] == "running")
    };
    town.wait_until(&mission, running);
    std::fs::write(town.path().join(format!("go-{mission}")), "").expect("a file");
    let at_once = [
        town.start(town.tt_command(&["mission", "stop", &mission])),
        town.start(town.tt_command(&["mission", "note", &mission, "all at once"])),
        town.start(town.tt_command(&["mission", "note", &mission, "and once more"])),
    ];
    for command in at_once {
        command.wait(std::time::Duration::from_secs(20)).exits(0);
    }
    town.tt(&["mission", "resume", &mission]).exits(0);
    let status = town.wait_completed(&mission);
    for item in status["work_items"].as_array().expect("items") {
        let once = (&item["attempt"], &item["losses"]) == (&1.into(), &0.into());
        assert!(once, "{item}\n{}", town.tt(&["mission", "log", &mission]).stdout);
    }
    once_each(town, &mission);
}

/// Every item was assigned, handed in and done exactly once, and every note was taken once.
fn once_each(town: &Town, mission: &str) {
    let log = town.json(&["mission", "log", mission]);
    let events = log["events"].as_array().expect("events");
    for kind in ["item-assigned", "item-submitted", "item-done"] {
        assert_eq!(events.iter().filter(|event| event["type"] == kind).count(), 4, "{kind}: {log}");
    }
    assert_eq!(events.iter().filter(|event| event["type"] == "note-taken").count(), 2, "{log}");
}
