//! Forms that people vary: tables, ranges, qualified labels, headings, denials, whose statement it is.

use super::check;
use crate::markers::read;

#[test]
fn parts_of_a_line_and_cells_are_labels_of_their_own() {
    check(&[
        ("**Epic:** #4 · **Size:** M · **Depends on:** #1", "#1@1"),
        ("Effort: S | **Dependencies**: #1 | Owner: me", "#1@1"),
        ("Issue: #9 · Depends on: #1 (`a` in `b`), #2 (`c`)", "#1@1 #2@1"),
        ("| Field | Value |\n|--|--|\n| Depends on | #1, #2 |\n| Blocks | #3 |", "#1@3 #2@3"),
        ("| **Blocked by** | PR #1 |\n|--|--|\n| Parent | #2 |", "#1@1"),
        ("| Blocks | Blocked by |\n|--|--|\n| #1 | none |", ""),
        (
            "| Issue | State |\n|--|--|\n| #2 | blocked by #1; depends on #3 |\n| Login | depends on #4 |",
            "#4@4",
        ),
    ]);
}

#[test]
fn ranges_count_whole() {
    check(&[
        ("Depends on #3-#5", "#3@1 #4@1 #5@1"),
        ("Depends on #3–5 and #7", "#3@1 #4@1 #5@1 #7@1"),
        ("Depends on #3-5.", "#3@1 #4@1 #5@1"),
        ("Blocked by: #3 through #5", "#3@1 #4@1 #5@1"),
        ("Depends on #5-3", "#5@1"),
        ("Depends on #1-#999", "#1@1"),
        ("Depends on a/b#1-#2", "a/b#1@1"),
        ("Tasks #3-#5 all depend on #6", ""),
    ]);
}

#[test]
fn labels_may_be_qualified() {
    check(&[
        ("Hard dependencies: #1\nSoft dependencies: #2", "#1@1"),
        ("Known blocking prerequisite: #1", "#1@1"),
        ("1. Existing prerequisite: #1 — the parser", "#1@1"),
        ("**Depends on (hard):** #1", "#1@1"),
        ("Blocked by upstream: a/b#1", "a/b#1@1"),
        ("Blocked by (formerly): #1", ""),
        ("Start after: #1, #2", "#1@1 #2@1"),
        ("Deps: #1\nPrereq: #2\nPre-requisites: #3", "#1@1 #2@2 #3@3"),
        ("We updated the dependencies: #1", ""),
        ("* **deps:** upgrade the parser (#1)\n* dependencies: add a parser (#2)\n* deps: #3", "#3@3"),
        ("### Dependencies\n* Update dependency parser to 2.0 (#1)\n* Update the parser (#2)", "#2@3"),
        ("* Update dependencies: #1, #2", ""),
    ]);
}

#[test]
fn members_of_a_labelled_list_may_carry_titles() {
    check(&[
        ("Depends on: #1 Sign in, #2 Sign / out, #3", "#1@1 #2@1 #3@1"),
        ("Depends on: Sign in (#1), Sign out (#2)", "#1@1 #2@1"),
        ("Dependencies: #1, #2 resolved first", "#1@1 #2@1"),
        ("Dependencies: #1 names, #2 is the parent", "#1@1"),
        ("Depends on: Sign in (#1), see #2", "#1@1"),
        ("Depends on: Sign in (#1), which replaces Sign out (#2)", "#1@1"),
        ("Depends on #1 as well as #2, then #3", "#1@1 #2@1 #3@1"),
        ("Depends on the changes in #1, in #2 we see why", "#1@1"),
    ]);
}

#[test]
fn headings_of_dependencies_have_many_forms() {
    for heading in [
        "Dependencies / Blockers",
        "Dependencies & Blockers",
        "Dependencies (all must be merged)",
        "Dependencies — all merged",
        "Dependencies and risks",
        "Dependencies for this issue",
        "3. Technical dependencies",
        "Blocking dependencies",
        "Requires",
        "🚧 Blocked by / depends on:",
    ] {
        check(&[(&format!("## {heading}\n- #1"), "#1@2")]);
    }
    for heading in [
        "Dependency graph",
        "Update dependencies",
        "Dependencies: none",
        "Dependencies (formerly)",
        "Dependents",
        "Dependency changes",
        "Depends on this",
        "Soft dependencies",
        "Dependencies of others and what blocks them",
    ] {
        check(&[(&format!("## {heading}\n- #1"), "")]);
    }
}

#[test]
fn other_relations_inside_a_section_are_left_out() {
    check(&[
        ("## Dependencies\n\nUpstream:\n- #1\n\nDownstream:\n- #2", "#1@4"),
        ("## Dependencies\n- **Upstream:** #1\n- **Downstream:** #2", "#1@2"),
        ("## Dependencies\n\n**Blocks**\n- #2\n\n**Blocked by**\n- #1", "#1@7"),
    ]);
}

#[test]
fn references_have_more_forms() {
    check(&[
        ("Depends on GH-12 and gh-13", "#12@1 #13@1"),
        ("Depends on GH-12a, GH-x", ""),
        ("Depends on https://github.com/a/b/pull/12/files#diff-1", "a/b#12@1"),
        ("Depends on [it](https://github.com/a/b/pull/12/commits/abc)", "a/b#12@1"),
        ("Depends on https://github.com/a/b/issues/12/x", ""),
    ]);
}

#[test]
fn questions_and_guesses_are_no_statements() {
    check(&[
        ("Is this blocked by #1?", ""),
        ("Depends on #1. Or does it depend on #2?", "#1@1"),
        ("It might be blocked by #1", ""),
        ("Perhaps this depends on #1, but it requires #2", "#2@1"),
    ]);
}

#[test]
fn denials_reach_into_remarks_and_are_read_in_other_languages() {
    check(&[
        ("依赖: 无(原 Blocked by #1 已完成)", ""),
        ("依赖：Blocked by #1", "#1@1"),
        ("Abhängig: keine (ehemals Blocked by #1)", ""),
        ("Open points: none (it was long blocked by #1). Depends on #2", "#2@1"),
        ("This removes the dependency on #1", ""),
        ("Dependencies:\n- Remove the old parser (#1)\n- Drop the table (#2)", "#1@2 #2@3"),
        ("## Dependencies\n- Downstream proxy (#1)\n- Soft delete (#2)", "#1@2 #2@3"),
        ("He wrote 'depends on #1' and ‘blocked by #2’; it's ours that requires #3", ""),
        ("It's Ann's; depends on #3", "#3@1"),
    ]);
}

#[test]
fn remarks_about_another_issue_are_about_that_issue() {
    check(&[
        ("Waves: #1 (first) → #2 (depends on #1)", ""),
        ("Numbers (#2, requires #1) are late", ""),
        ("Filed: #2 (imports; blocks X; start after #1 merges)", ""),
        ("Part of #2 (depends on #1)", "#1@1"),
        ("Fixes #2 (depends on #1)", "#1@1"),
        ("- Story #2 (can start after #1)", ""),
    ]);
}

#[test]
fn more_orders_than_merge_after_count() {
    check(&[
        ("Review and land after #1.", "#1@1"),
        ("Merge only after #1", "#1@1"),
        ("Should be implemented after #1", "#1@1"),
        ("Needs a rebase after #1", ""),
        ("It was reviewed after #1", ""),
    ]);
}

#[test]
fn a_wish_is_no_dependency() {
    check(&[
        ("Dependencies: Best done after #1", ""),
        ("Best merged after #1", ""),
        ("Ideally after #1", ""),
        ("Preferably land after #1.", ""),
        ("Dependencies: #2, ideally after #1", "#2@1"),
    ]);
}

#[test]
fn a_range_names_its_line_and_words() {
    let markers = read("a\n\nDepends on #3 through #4.");
    let last = markers.last().map(|marker| (marker.line, marker.words.as_str()));
    assert_eq!(last, Some((3, "Depends on #3 through #4")));
}

#[test]
fn a_number_ends_where_its_type_or_element_ends() {
    for body in
        ["Depends on #1<p>1. depends", "Depends on #1<b>1</b>", "Depends on **#1**1", "Depends on #1*1*"]
    {
        let numbers: Vec<u64> = read(body).into_iter().map(|marker| marker.reference.number).collect();
        assert_eq!(numbers, [1], "{body}");
    }
}
