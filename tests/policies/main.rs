//! What missions do under each policy: every `scenarios/*.toml` is run, and its transcript compared with
//! the snapshot beside it. To accept what changed: `INSTA_UPDATE=always cargo test --test policies`, and read it.

mod examples;
mod situations;

use std::collections::BTreeSet;

use tinytown_core::simulate::{Scenario, run};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");

/// One test for each scenario, of the same name.
macro_rules! scenarios {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name), include_str!(concat!("../scenarios/", stringify!($name), ".toml")));
            }
        )*

        const WIRED: &[&str] = &[$(stringify!($name)),*];
    };
}

scenarios! {
    a_merge_by_hand_of_stacked_work
    accepted_head_moved_before
    accepted_head_moves
    accepted_work_is_closed
    auto_merge
    budget_and_nobody_answers
    budget_of_a_mission
    budget_of_an_item
    bugbot
    chain_accepted_and_stacked
    changes_requested
    check_could_not_run
    checks_pending
    checks_that_never_run
    closed_by_hand
    closed_while_mended
    conductor_answers
    conflict
    failure_stays_in_its_place
    flaky_check
    forge_unavailable
    hanging_agent
    heads_do_not_merge
    independent_cli
    infrastructure
    issue_outside
    ladder_of_attempts
    ladder_of_fixes
    limit_pauses_the_cli
    lost_worker
    merge_lane
    merge_on_trial_could_not_be_checked
    mergeability_unknown
    mission_grows
    mission_grows_in_a_circle
    new_head_between_looks
    no_reviewer
    nothing_done
    red_check
    redirected
    skipped_item
    stacked_work_conflicts
    stop_and_resume
    stop_by_force
    stuck_agent
    two_reviewers
    two_reviewers_wanted_one_there
}

fn check(name: &str, text: &str) {
    let scenario = Scenario::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let transcript = run(&scenario).unwrap_or_else(|error| panic!("{name}: {error}"));
    insta::with_settings!({
        snapshot_path => FOLDER,
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, transcript);
    });
}

#[test]
fn every_scenario_is_wired_in_and_has_its_snapshot() {
    let mut files = [BTreeSet::new(), BTreeSet::new()];
    for entry in std::fs::read_dir(FOLDER).expect("the scenarios").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        match name.rsplit_once('.') {
            Some((stem, "toml")) => files[0].insert(stem.to_owned()),
            Some((stem, "snap")) => files[1].insert(stem.to_owned()),
            // Left by a comparison that failed, which says so itself.
            Some((_, "new")) => continue,
            _ => panic!("{name} is neither a scenario nor a snapshot"),
        };
    }
    let wired: BTreeSet<String> = WIRED.iter().map(|&name| name.to_owned()).collect();
    let [scenarios, snapshots] = files;
    assert_eq!(scenarios, wired, "scenarios, and those that are wired in");
    assert_eq!(snapshots, wired, "snapshots, and the scenarios that are wired in");
}
