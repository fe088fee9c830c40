//! Manifests as users write them, right and wrong.

use super::*;

fn errors(text: &str) -> String {
    let errors = Manifest::parse(text, "mission.toml").expect_err("refused");
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_tutorials_manifest_is_read() {
    let text = "# Override issue handling
[[overrides]]
issue = 1
owner_role = \"Architect\"
priority = 10

[[overrides]]
issue = 2
depends_on = [1, \"acme/app#7\", \"https://github.com/acme/app/issues/8\"]
owner_role = \"backend\"

[[overrides]]
issue = \"#3\"
skip = true  # Exclude from mission
kind = \"test\"

[policy]
max_parallel = 4
reviewer_required = false
";
    let manifest = Manifest::parse(text, "mission.toml").expect("valid");
    let [first, second, third] = &manifest.overrides[..] else { panic!("three overrides") };
    assert_eq!((first.issue.to_string(), first.line, first.priority), ("#1".to_owned(), 3, Some(10)));
    assert_eq!(first.owner_role, Some(Role::new("architect")));
    let depends_on = second.depends_on.as_ref().expect("given");
    let on: Vec<String> = depends_on.on.iter().map(ToString::to_string).collect();
    assert_eq!((depends_on.line, on.join(" ")), (9, "#1 acme/app#7 acme/app#8".to_owned()));
    assert_eq!(
        (third.issue.to_string(), third.skip, third.kind),
        ("#3".to_owned(), Some(true), Some(Kind::Test))
    );
    assert_eq!((&first.depends_on, first.skip), (&None, None));

    let base = Policy { max_attempts: 7, ..Policy::default() };
    let policy = manifest.policy.over(&base);
    assert_eq!(policy, Policy { max_parallel: 4, reviewer_required: false, ..base });
}

#[test]
fn an_empty_manifest_changes_nothing() {
    let manifest = Manifest::parse("", "mission.toml").expect("valid");
    assert_eq!(manifest.policy.over(&Policy::default()), Policy::default());
    assert!(manifest.overrides.is_empty());
}

#[test]
fn unknown_keys_are_refused_with_their_line_and_the_known_ones() {
    insta::assert_snapshot!(errors("polcy = 1\n[[overrides]]\nissue = 1\n\nownr_role = \"x\"\n[policy]\nmax_paralel = 1\n"), @r#"
    mission.toml:1: unknown key "polcy" (known: overrides, policy)
    mission.toml:5: unknown key "ownr_role" (known: issue, depends_on, owner_role, priority, kind, skip)
    mission.toml:7: unknown key "max_paralel" (known: max_parallel, reviewer_required, auto_merge, watch_interval_secs, max_attempts, max_losses, item_timeout_secs, stall_timeout_secs, reviewers, independent_cli, bugbots, check_reruns, conductor_wait_secs, person_wait_secs, watchdog_secs, max_launches, max_item_secs, max_mission_secs, max_item_tokens, max_mission_tokens, max_item_usd, max_mission_usd)
    "#);
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    insta::assert_snapshot!(errors(r#"[[overrides]]
issue = "abc"
depends_on = 1
[[overrides]]
issue = 2
depends_on = [0, "x#1", true]
owner_role = "two words"
priority = "high"
kind = "review"
skip = 1
[[overrides]]
skip = true
[[overrides]]
issue = -3
priority = 99999999999
[policy]
max_parallel = 0
auto_merge = "yes"
max_losses = -1
item_timeout_secs = 0
"#), @r#"
    mission.toml:2: issue: malformed issue reference "abc": write 23, #23, owner/repo#23 or the issue's address
    mission.toml:3: depends_on must be a list of issues, such as [1, "owner/repo#2"], found an integer
    mission.toml:6: depends_on: no issue can have the number in "0"
    mission.toml:6: depends_on: malformed issue reference "x#1": write 23, #23, owner/repo#23 or the issue's address
    mission.toml:6: depends_on must be an issue's number or reference, found a boolean
    mission.toml:7: owner_role = "two words": must be one word of at most 40 letters, digits, '-', '_' and '.'
    mission.toml:8: priority must be an integer of 32 bits, found a string
    mission.toml:9: kind = "review": must be design, implement, test or document
    mission.toml:10: skip must be true or false, found an integer
    mission.toml:11: this [[overrides]] has no "issue": say which issue it is about
    mission.toml:14: issue: no issue can have the number in "-3"
    mission.toml:15: priority = "99999999999": must be an integer of 32 bits
    mission.toml:17: policy max_parallel = 0: must be 1 to 1000
    mission.toml:18: auto_merge must be true or false, found a string
    mission.toml:19: max_losses = "-1": must be a whole number, not negative
    mission.toml:20: policy item_timeout_secs = 0: must be 1 to 2678400
    "#);
}

#[test]
fn what_is_no_toml_is_refused_with_its_line() {
    insta::assert_snapshot!(errors("[[overrides]]\nissue = \n"), @"mission.toml:2: not valid TOML: string values must be quoted, expected literal string");
    insta::assert_snapshot!(errors("[[overrides]]\nissue = 1\nissue = 2\n"), @"mission.toml:3: not valid TOML: duplicate key");
    insta::assert_snapshot!(errors("overrides = 1\npolicy = []\n"), @r"
    mission.toml:1: overrides must be a list of tables, each begun with [[overrides]], found an integer
    mission.toml:2: policy must be a table, begun with [policy], found an array
    ");
    insta::assert_snapshot!(errors("overrides = [1]\n"), @"mission.toml:1: overrides must be a list of tables, each begun with [[overrides]], found an integer");
}
