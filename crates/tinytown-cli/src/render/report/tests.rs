//! What a person reads at seven in the morning, of simulated nights.

use tinytown_core::report::{Moment, report};
use tinytown_core::simulate::{Entry, Scenario, Transcript, What, run};

use super::{Account, json, lines, markdown};

/// A fix, a review, a loss, a failure and what fell with it, questions with and without an answer, money.
const NIGHT: &str = r#"
    policy = { auto_merge = true, max_attempts = 2, person_wait_secs = 7200, max_parallel = 3 }
    issue = [
        { number = 1, title = "Design *auth* API", checks = ["red"] },
        { number = 2, title = "Implement <auth>, ask @ann", after = [1], attempts = ["dies"] },
        { number = 3, title = "Rate limits", attempts = ["exits-early", "exits-early"] },
        { number = 4, title = "Quotas", after = [3] },
        { number = 5, title = "Quota page", after = [1, 4] },
        { number = 6, title = "Tokens", attempts = ["stuck"] },
        { number = 7, title = "Draw it", labels = ["role:architect"] },
    ]
    agent = [
        { name = "ann", role = "backend", costs = { tokens = 1200, usd = 0.5 }, takes = "10m" },
        { name = "ben", role = "backend", takes = "25m" },
        { name = "rita", role = "reviewer", takes = "4m" },
    ]
    meanwhile = [{ at = "90m", do = { note = "retry #6" } }, { at = "3h", do = { note = "skip #7" } }]
"#;

/// Not over: questions are open, and accepted work waits to be merged by hand.
const MORNING: &str = r#"
    until = "5h"
    policy = { reviewer_required = false, watchdog_secs = 600 }
    issue = [
        { number = 1, title = "Design auth API" },
        { number = 2, title = "Tokens", attempts = ["stuck"] },
        { number = 3, title = "Token page", after = [2] },
        { number = 4, title = "Draw it", labels = ["role:architect"] },
    ]
    agent = [{ name = "ann", role = "backend" }]
"#;

fn simulated(scenario: &str) -> Transcript {
    run(&Scenario::parse(scenario).expect("a scenario")).expect("a plan")
}

fn written<T>(transcript: &Transcript, write: impl FnOnce(&Account<'_>) -> T) -> T {
    let mission = transcript.mission();
    let began = mission.charter().created_at;
    let mut history = Vec::new();
    for Entry { at, what } in transcript.entries() {
        if let What::Step { events, roster } = what {
            history.push(Moment { at: began + *at, events, roster });
        }
    }
    let now = began + transcript.took();
    let report = report(mission.charter(), history, now).expect("a history");
    let waits = mission.waits(transcript.town().roster());
    write(&Account { mission, report: &report, waits: &waits, now })
}

#[test]
fn a_night_is_told_with_its_failure_first() {
    insta::assert_snapshot!(written(&simulated(NIGHT), lines).join("\n"));
}

#[test]
fn a_night_is_told_in_markdown_without_the_markup_of_others() {
    insta::assert_snapshot!(written(&simulated(NIGHT), markdown).join("\n"));
}

#[test]
fn a_night_is_told_to_scripts() {
    insta::assert_json_snapshot!(written(&simulated(NIGHT), json));
}

#[test]
fn a_mission_that_waits_for_a_person_says_for_what_and_how_to_answer() {
    insta::assert_snapshot!(written(&simulated(MORNING), lines).join("\n"));
}

#[test]
fn a_mission_in_which_all_went_well_needs_nobody() {
    let quiet = r#"
        policy = { auto_merge = true, reviewer_required = false }
        issue = [{ number = 1, title = "Design auth API" }]
        agent = [{ name = "ann" }]
    "#;
    insta::assert_snapshot!(written(&simulated(quiet), lines).join("\n"));
}

#[test]
fn of_ten_thousand_items_each_is_told() {
    let scenario =
        Scenario { until: tinytown_core::simulate::Span::secs(0), ..Scenario::friendly(1, 10_000) };
    let told = written(&run(&scenario).expect("a plan"), lines);
    let items =
        told.iter().filter(|line| line.starts_with("   ⏳ Issue #") || line.starts_with("   🔧 Issue #"));
    assert_eq!(items.count(), 10_000);
}
