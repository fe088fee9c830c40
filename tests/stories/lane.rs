//! Merges one after another, each tested on what it lands on; and work that is kept true to what it builds upon.

use serde_json::Value;
use tinytown_tests::support::Town;

/// Each writes a file of its own; whoever mends it makes room for both.
const PARTS: &str = r#"cat > /dev/null
case "$TINYTOWN_KIND" in
fix) echo both > room.txt ;;
*) echo part > "part-$(printf %s "$TINYTOWN_ITEM" | tr -dc 0-9).txt" ;;
esac"#;

/// One part fits, two only with room for them.
const FITS: &str = "test -e room.txt || test \"$(ls part-* 2>/dev/null | wc -l)\" -lt 2";

fn item<'a>(status: &'a Value, key: &str) -> &'a Value {
    let mut items = status["work_items"].as_array().expect("items").iter();
    items.find(|item| item["key"] == key).unwrap_or_else(|| panic!("no {key} in {status:#}"))
}

fn head(status: &Value, key: &str) -> String {
    item(status, key)["pull_request"]["head_sha"].as_str().expect("a head").to_owned()
}

#[test]
fn what_passes_alone_and_fails_together_is_mended_before_it_lands() {
    let town = Town::new();
    town.issue(1, "one", "One", "");
    town.issue(2, "two", "Two", "");
    town.agent_script(PARTS);
    town.check(FITS);
    for name in ["ann", "ben"] {
        town.spawn_worker(name, None);
    }
    let mission = town.start_mission(&[1, 2], &["--no-reviewer", "--auto-merge"]);
    town.tt(&["mission", "dispatch", "--until-done"]).exits(0);
    assert_eq!(town.merges().len(), 2);
    let status = town.status(&mission);
    let items = status["work_items"].as_array().expect("items").iter();
    let fixes: Vec<&Value> = items
        .map(|item| &item["key"])
        .filter(|key| key.as_str().is_some_and(|key| key.contains("/fix-")))
        .collect();
    assert_eq!(fixes.len(), 1, "only the second to land does not fit: {fixes:?}");
    for landed in town.git(&["rev-list", "--first-parent", "main"]).lines() {
        let tree = town.git(&["ls-tree", "--name-only", landed]);
        let parts = tree.lines().filter(|name| name.starts_with("part-")).count();
        assert!(parts < 2 || tree.contains("room.txt"), "{landed} landed and does not pass: {tree}");
    }
}

#[test]
fn what_builds_upon_accepted_work_follows_it_when_somebody_pushes() {
    let town = Town::new();
    town.issue(1, "one", "One", "");
    town.issue(2, "two", "Two", "Depends on #1.");
    town.configure("policy.watch_interval_secs", "1");
    town.agent_script(
        r##"cat > /dev/null
        [ "$TINYTOWN_ITEM" = "#2" ] && while [ ! -e "$HOME/pushed" ]; do sleep 0.1; done
        echo work > "file-$(printf %s "$TINYTOWN_ITEM" | tr -dc 0-9).txt""##,
    );
    town.spawn_worker("ann", None);
    let mission = town.start_mission(&[1, 2], &["--no-reviewer"]);
    let dispatcher = town.dispatcher();
    let status = town.wait_until(&mission, |status| item(status, "#2")["state"] == "running");
    let (accepted, branch) = (head(&status, "#1"), &item(&status, "#1")["pull_request"]["branch"]);
    let branch = format!("refs/heads/{}", branch.as_str().expect("a branch"));
    let tree = town.git(&["rev-parse", &format!("{accepted}^{{tree}}")]);
    let pushed = town.git(&["commit-tree", tree.trim(), "-p", accepted.trim(), "-m", "By hand"]);
    town.git(&["update-ref", &branch, pushed.trim(), accepted.trim()]);
    town.wait_until(&mission, |status| head(status, "#1") == pushed.trim());
    std::fs::write(town.home().join("pushed"), "").expect("the home is there");
    let status = town.wait_completed(&mission);
    assert_eq!(head(&status, "#1"), pushed.trim());
    town.git(&["merge-base", "--is-ancestor", pushed.trim(), &head(&status, "#2")]);
    dispatcher.stop().exits(0);
}
