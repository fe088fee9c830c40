//! Work that does not fit together: a conflict is an outcome, and becomes a fix item.

use tinytown_tests::support::Town;

/// Everybody writes the same file; a fix merges what its prompt names, and keeps both.
const CLASH: &str = r#"cat > "$TMPDIR/prompt-$$"
case "$TINYTOWN_KIND" in
fix)
    other=$(grep -o 'git merge [0-9a-f]\{40\}' "$TMPDIR/prompt-$$" | head -n 1 | cut -d' ' -f3)
    git merge -q --no-edit "${other:-origin/main}" || { echo both > shared.txt; git add shared.txt; git commit -q --no-edit; }
    ;;
*)
    [ -e shared.txt ] && grep -q both shared.txt || printf '%s\n' "$TINYTOWN_ITEM" > shared.txt
    printf '%s\n' "$TINYTOWN_ITEM" > "own-$(printf %s "$TINYTOWN_ITEM" | tr -dc 0-9).txt"
    ;;
esac
"#;

fn town() -> Town {
    let town = Town::new();
    town.issue(1, "one", "One", "");
    town.issue(2, "two", "Two", "");
    town.issue(3, "three", "Three", "Depends on #1 and #2.");
    town.agent_script(CLASH);
    for name in ["ann", "ben"] {
        town.spawn_worker(name, None);
    }
    town
}

fn fixes(town: &Town, mission: &str) -> Vec<String> {
    let status = town.status(mission);
    let items = status["work_items"].as_array().expect("items").clone();
    let keys = items.iter().map(|item| item["key"].as_str().unwrap_or_default().to_owned());
    keys.filter(|key| key.contains("/fix-")).collect()
}

#[test]
fn a_merge_that_conflicts_becomes_a_fix_and_both_works_are_merged() {
    let town = town();
    let mission = town.start_mission(&[1, 2], &["--no-reviewer", "--auto-merge"]);
    town.tt(&["mission", "dispatch", "--until-done"]).exits(0);
    assert_eq!(town.merges().len(), 2);
    assert_eq!(fixes(&town, &mission).len(), 1, "only the second of the two conflicts");
    let shared = std::fs::read_to_string(town.repo().join("shared.txt")).expect("merged");
    assert_eq!(shared, "both\n");
}

#[test]
fn accepted_works_that_do_not_fit_together_are_mended_before_their_dependent_starts() {
    let town = town();
    let mission = town.start_mission(&[1, 2, 3], &["--no-reviewer"]);
    town.tt(&["mission", "dispatch", "--until-done"]).exits(0);
    assert_eq!(fixes(&town, &mission), ["#3/fix-1"]);
    let status = town.status(&mission);
    let head =
        |at: usize| status["work_items"][at]["pull_request"]["head_sha"].as_str().expect("a head").to_owned();
    for below in [0, 1] {
        town.git(&["merge-base", "--is-ancestor", &head(below), &head(2)]);
    }
    assert_eq!(town.git(&["show", &format!("{}:own-3.txt", head(2))]), "#3\n");
}
