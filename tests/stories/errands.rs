//! What one agent is to do or to know: `tt assign` and `tt send`.

use std::fs;

use serde_json::Value;
use tinytown_host::process::{Signal, signal};
use tinytown_tests::support::{Output, Place, Town, poll, tt};

/// An agent that tells who it is, and leaves its prompt in the checkout.
const READS: &str = r#"echo "$TINYTOWN_AGENT" >> "$TINYTOWN_DIR/../did"
cat > "prompt-$TINYTOWN_MISSION.txt"
"#;

/// A town whose errands need no reviewer and are merged, with these agents.
fn town(agents: &[&str]) -> Town {
    let town = Town::new();
    town.configure("policy.reviewer_required", "false");
    town.configure("policy.auto_merge", "true");
    town.agent_script(READS);
    for name in agents {
        town.spawn_worker(name, None);
    }
    town
}

#[track_caller]
fn assign(town: &Town, name: &str, text: &str) -> String {
    town.tt(&["--quiet", "assign", name, text]).exits(0).stdout.trim().to_owned()
}

fn prompt(town: &Town, mission: &str) -> String {
    let file = town.repo().join(format!("prompt-{mission}.txt"));
    fs::read_to_string(file).expect("the agent left its prompt")
}

/// The messages that wait for an agent.
fn messages(town: &Town, name: &str) -> Vec<Value> {
    let mut letters = town.json(&["inbox", name])["letters"].as_array().expect("letters").clone();
    letters.retain(|letter| letter["letter"] == "message");
    letters
}

/// The one item of an errand's mission.
fn item(status: &Value) -> &Value {
    &status["work_items"][0]
}

/// Kills an agent's worker, without a warning.
fn kill_worker(town: &Town, name: &str) {
    let serves = |command: &str| command.contains(" work ") && command.ends_with(&format!(" {name}"));
    let found = town.processes_left().into_iter().find(|found| serves(&found.command));
    let process = found.expect("a worker").process;
    assert!(signal(&process, Signal::Kill).expect("a worker can be signalled"));
    poll(std::time::Duration::from_secs(10), || (!process.is_alive()).then_some(())).expect("it is dead");
}

#[test]
fn errands_are_done_by_their_agent_and_by_no_other_though_others_are_free() {
    let town = town(&["ann", "ben", "cleo"]);
    let dispatcher = town.dispatcher();
    let printed = town.tt(&["assign", "ben", "Write the docs\n\nAll of them."]).exits(0).stdout;
    for line in ["🚀 Mission started: ", "📋 Objectives: 1 errand\n", "   ⏳ errand: Write the docs\n"] {
        assert!(printed.contains(line), "no {line:?} in:\n{printed}");
    }
    let first = printed.lines().next().and_then(|line| line.split(": ").nth(1)).expect("an id").to_owned();
    let second = town.json(&["assign", "ben", "Tidy up"]);
    assert_eq!(
        (&second["work_items"][0]["key"], &second["work_items"][0]["kind"]),
        (&"errand".into(), &"implement".into())
    );
    for mission in [first.as_str(), second["id"].as_str().expect("an id")] {
        town.wait_completed(mission);
    }
    assert_eq!(fs::read_to_string(town.path().join("did")).expect("somebody did"), "ben\nben\n");
    assert!(prompt(&town, &first).contains("Write the docs\n\nAll of them."), "{}", prompt(&town, &first));
    assert_eq!(town.merges().len(), 2);
    assert!(town.merges().iter().all(|merge| merge.key == "errand"), "{:?}", town.merges());
    dispatcher.stop().exits(0);
}

#[test]
fn an_errand_waits_for_an_agent_that_is_gone_and_for_what_it_depends_on() {
    let town = town(&["ann", "ben"]);
    town.issue(3, "gate", "The gate", "");
    town.tt(&["kill", "ben"]).exits(0);
    let dispatcher = town.dispatcher();
    let text = "Open the door\n\nDepends on #3.";
    let output = town.tt(&["-q", "assign", "ben", text]).exits(0);
    let mission = output.stdout.trim();
    let status = town.wait_until(mission, |status| item(status)["wait"]["code"] == "external");
    assert_eq!(item(&status)["agent"], Value::Null);
    town.write("issues/3-gate.md", "---\nstate: closed\n---\n\n# The gate\n");
    town.commit("The gate is open");
    let status = town.wait_until(mission, |status| item(status)["wait"]["code"] == "no-agent");
    let detail = item(&status)["wait"]["detail"].as_str().unwrap_or_default();
    assert_eq!(detail, "ben is not there, and nobody else may take it; spawn it");
    town.spawn_worker("ben", None);
    town.wait_completed(mission);
    assert_eq!(fs::read_to_string(town.path().join("did")).expect("somebody did"), "ben\n");
    dispatcher.stop().exits(0);
}

#[test]
fn a_message_arrives_in_the_next_prompt_and_in_no_other() {
    let town = town(&["ben"]);
    town.tt(&["send", "ben", "mind the gap"])
        .exits(0)
        .says(&["No dispatcher is running", "tt mission dispatch"]);
    let shown = town.tt(&["inbox", "ben"]).exits(0).stdout;
    assert!(shown.contains(": mind the gap\n"), "{shown}");
    let dispatcher = town.dispatcher();
    let first = assign(&town, "ben", "One");
    town.wait_completed(&first);
    let second = assign(&town, "ben", "Two");
    town.wait_completed(&second);
    let told = prompt(&town, &first);
    assert_eq!(told.matches("mind the gap").count(), 1, "{told}");
    assert!(told.contains("\n## Messages\n"), "{told}");
    assert!(!prompt(&town, &second).contains("mind the gap"));
    assert_eq!(messages(&town, "ben"), Vec::<Value>::new());
    let said = town.tt(&["send", "ben", "mind", "the", "doors"]).exits(0);
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("✉️  ben reads it with its next prompt\n", ""));
    assert_eq!(messages(&town, "ben")[0]["text"], "mind the doors");
    dispatcher.stop().exits(0);
}

#[test]
fn a_message_survives_its_agents_worker_and_the_dispatcher() {
    let town = town(&["ben"]);
    let dispatcher = town.dispatcher();
    town.tt(&["send", "ben", "mind the gap"]).exits(0);
    kill_worker(&town, "ben");
    dispatcher.kill();
    town.tt(&["send", "ben", "mind the doors"]).exits(0);
    assert_eq!(messages(&town, "ben").len(), 2);
    town.spawn_worker("ben", None);
    let dispatcher = town.dispatcher();
    let mission = assign(&town, "ben", "One");
    town.wait_completed(&mission);
    let told = prompt(&town, &mission);
    let at = |text: &str| told.find(text).unwrap_or_else(|| panic!("no {text:?} in:\n{told}"));
    assert!(at("mind the gap") < at("mind the doors"), "{told}");
    assert_eq!(messages(&town, "ben"), Vec::<Value>::new());
    dispatcher.stop().exits(0);
}

#[test]
fn a_message_to_an_agent_that_is_gone_waits_for_it() {
    let town = town(&["ben"]);
    town.tt(&["kill", "ben"]).exits(0);
    town.tt(&["send", "ben", "welcome back"]).exits(0).says(&["warning: ben is not there", "tt spawn ben"]);
    town.tt(&["-q", "assign", "ben", "One"]).exits(0);
    assert_eq!(messages(&town, "ben").len(), 1);
}

/// `tt` that reads this on its standard input.
fn piped(town: &Town, text: &str, arguments: &[&str]) -> Output {
    let mut command = town.command("sh");
    let pipe = r#"text=$1; shift; printf "$text" | "$0" "$@""#;
    command.args(["-c", pipe]).arg(tt()).arg(text).args(arguments);
    town.run(command)
}

#[test]
fn a_text_may_come_from_standard_input() {
    let town = town(&["ben"]);
    let arguments = ["assign", "ben", "-", "--json"];
    let started = piped(&town, "Tidy up\\n\\nEverywhere.\\n", &arguments).exits(0).stdout;
    let started: Value = serde_json::from_str(&started).expect("JSON");
    assert_eq!(started["work_items"][0]["title"], "Tidy up");
    piped(&town, "mind\\nthe gap\\n", &["send", "ben", "-"]).exits(0);
    assert_eq!(messages(&town, "ben")[0]["text"], "mind\nthe gap\n");
    piped(&town, "", &["assign", "ben", "-"]).exits(2).says(&["no words"]);
    piped(&town, "\\377", &["send", "ben", "-"]).exits(5).says(&["not UTF-8"]);
}

#[test]
fn what_makes_no_sense_is_refused_and_creates_nothing() {
    let town = town(&[]);
    for command in ["assign", "send"] {
        town.tt(&[command, "ben", "Hello"]).exits(3).says(&["no agent ben", "tt spawn ben"]);
    }
    town.spawn_worker("ann", None);
    for command in ["assign", "send"] {
        town.tt(&[command, "ben", "Hello"]).exits(3).says(&["no agent ben", "there are ann"]);
        town.tt(&[command, "ann"]).exits(2);
        town.tt(&[command, "ann", " \n"]).exits(2).says(&["no words"]);
        town.tt(&[command, "../ann", "Hello"]).exits(5).says(&["malformed agent name"]);
    }
    let dangling = town.tt(&["assign", "ann", "Open the door\nDepends on #3."]).exits(5);
    dangling.says(&["errand depends on #3, which does not exist (errand:2", "no mission was started"]);
    town.tt(&["send", "ann", &"x".repeat(4097)]).exits(5).says(&["4097 bytes", "tt assign"]);
    assert_eq!(messages(&town, "ann"), Vec::<Value>::new());
    town.has_no_mission();
    let place = Place::new();
    for command in ["assign", "send"] {
        place.tt(&[command, "ann", "Hello"]).exits(3).says(&["no town"]);
    }
}
