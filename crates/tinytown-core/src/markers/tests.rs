//! What counts as a dependency, and what does not; one line per case.

use super::*;

mod forms;
mod fuzz;

/// `own#1@2` style: the references with their lines.
fn found(body: &str) -> String {
    let each = read(body).into_iter().map(|marker| format!("{}@{}", marker.reference, marker.line));
    each.collect::<Vec<_>>().join(" ")
}

fn check(cases: &[(&str, &str)]) {
    for (body, want) in cases {
        assert_eq!(found(body), *want, "in {body:?}");
    }
}

#[test]
fn phrases_in_prose_count() {
    check(&[
        ("Implement the endpoints.\n\nDepends on #1.\n\n- Login", "#1@3"),
        ("Write tests.\n\nAfter #2.\n\n- Unit tests", "#2@3"),
        ("depends on #1", "#1@1"),
        ("DEPENDS ON #1", "#1@1"),
        ("Depends-On: #1", "#1@1"),
        ("This is blocked by #4 until Friday.", "#4@1"),
        ("This PR depends on #28 and is a draft until it is merged.", "#28@1"),
        ("Requires #1080 as it uses the height specified there.", "#1080@1"),
        ("Requires completion of issue #99 (indicators)", "#99@1"),
        ("Fixes #294\n\nDepends on #295", "#295@3"),
        ("Fixes #294\nDepends on #295\nObsoletes #1 and #2", "#295@2"),
        ("Fixes #294, depends on #295", "#295@1"),
        ("#12 is done, but this depends on #13.", "#13@1"),
        ("Implement login (depends on #3)", "#3@1"),
        ("It also depends only on PR #6.", "#6@1"),
        ("This can't land because it depends on #2.", "#2@1"),
        ("Merge after #161.", "#161@1"),
        ("This should be merged after #8 for easier review.", "#8@1"),
        ("| Task | State |\n|--|--|\n| Login | blocked by #5 |", "#5@3"),
    ]);
}

#[test]
fn labels_count_for_their_line() {
    check(&[
        ("**Depends on:** #1", "#1@1"),
        ("**Depends on**: #1", "#1@1"),
        ("_Blocked by_: #1 (needs review), #2", "#1@1 #2@1"),
        ("- **Blocked by**: #155 (#109c must be there)\n- **Blocks**: None\n- **Related**: #109", "#155@1"),
        ("**Blocked by:** Layer 1 Phase F (G1 gate) — #123", "#123@1"),
        ("**Dependencies:** Should be done after #96 (services) to avoid work.", "#96@1"),
        ("Requires: #122 (scale)\nBlocks: nothing", "#122@1"),
        ("After: #7", "#7@1"),
        ("## Depends on #5", "#5@1"),
        ("**Blocks:** #7\n**Blocked by:** #3", "#3@2"),
        ("depends on (#4), depends on [#5]", "#4@1 #5@1"),
        ("Prerequisite: #4\n\nPrerequisite for #5", "#4@1"),
        ("Parent: #1, depends on #2", "#2@1"),
        ("Depends: #1", "#1@1"),
        ("This has a dependency on #1, and no dependency on #2.", "#1@1"),
        ("Depends on: #5 design\n#6 build\n#7 is the parent", "#5@1 #6@2"),
    ]);
}

#[test]
fn lists_of_references_count_whole() {
    check(&[
        ("Depends on #1, #2 and #3.", "#1@1 #2@1 #3@1"),
        ("Depends on #1 or #2", "#1@1 #2@1"),
        ("Depends on #1,\n#2\nand issue #3. See #4", "#1@1 #2@2 #3@3"),
        ("After #1, #2 and PR #3.", "#1@1 #2@1 #3@1"),
        ("Depends on #1 and #1", "#1@1"),
        ("Depends on #1. Later: depends on #2, #1", "#1@1 #2@1"),
        ("Depends on #1, and #2 is the parent", "#1@1"),
        ("Depends on #1, not #2", "#1@1"),
        ("Depends on #1 #2", "#1@1 #2@1"),
        ("Depends on #1 and also on #2", "#1@1 #2@1"),
        ("Depends on #1, which depends on #2", "#1@1"),
        ("Depends on #1 (but not #2) and #3", "#1@1 #3@1"),
        ("Blocked by #1 and blocks #2; depends on #3", "#1@1 #3@1"),
    ]);
}

#[test]
fn references_are_read_in_every_form() {
    check(&[
        ("depends on acme/app#12", "acme/app#12@1"),
        ("depends on https://github.com/acme/app/issues/12.", "acme/app#12@1"),
        ("depends on <https://github.com/acme/app/pull/12>", "acme/app#12@1"),
        ("depends on [#12](https://github.com/acme/app/issues/12)", "acme/app#12@1"),
        ("depends on [the design](https://github.com/acme/app/issues/12), #3", "acme/app#12@1 #3@1"),
        ("[depends on #12](https://github.com/acme/app/issues/12)", "acme/app#12@1"),
        ("depends on [#12](1-design.md)", "#12@1"),
        ("depends on [#12](https://example.com/criteria)", ""),
        ("depends on **#12**", "#12@1"),
        ("depends on \\#12", "#12@1"),
        ("depends on acme/snake_case_name#12", "acme/snake_case_name#12@1"),
    ]);
}

#[test]
fn lists_below_labels_and_headings_count() {
    check(&[
        ("Depends on:\n- #1\n- [x] #2\n\nSee #3", "#1@2 #2@3"),
        (
            "Blocked by:\n\n- [ ] https://github.com/a/b/issues/1\n- [x] https://github.com/a/b/pull/2",
            "a/b#1@3 a/b#2@4",
        ),
        ("## Dependencies\n- #1\n* Navigation (Issue #2)\n\n## Notes\n- #3", "#1@2 #2@3"),
        ("## 🔗 Dependencies\n\n#1, #2\n\nText about #9.", "#1@3 #2@3"),
        ("## Blocked by\n<!-- one per line -->\n- #1", "#1@3"),
        ("# Dependencies\n## Phase 1\n- #1\n## Blocks\n- #2\n## Phase 2\n- #3", "#1@3 #3@7"),
        ("- Depends on:\n  - #1\n  - #2\n- #3", "#1@2 #2@3"),
        ("Depends on:\n#1\n#2", "#1@2 #2@3"),
        ("**Depends on**\n\n1. #1 design\n2. #2 build", "#1@3 #2@4"),
        ("Dependencies\n---\n- #1", "#1@3"),
        (
            "## Dependencies\n- Required by #1\n- Works with #2\n- Related to #3\n- Do NOT merge: PR #4\n- Fixes #5\n- See #6",
            "",
        ),
        ("## Dependencies\n- Fix the login (#5)\n- #6 (see #7)", "#5@2 #6@3"),
        ("## Dependencies\n- #5 (blocked by #3)\n- #6 depends on this", "#5@2"),
        ("## Dependencies\nBlocks:\n- #5\n\nBlocked by:\n- #6", "#6@6"),
        ("Requirements:\n- #1\n\n## Blocked criteria\n- #2", ""),
    ]);
}

#[test]
fn text_that_is_not_the_authors_own_statement_does_not_count() {
    check(&[
        ("`depends on #1`", ""),
        ("depends on `#1`", ""),
        ("```\ndepends on #1\n```", ""),
        ("~~~text\ndepends on #1", ""),
        ("Text\n\n    depends on #1", ""),
        ("<!-- depends on #1 -->", ""),
        ("Text <!-- depends on #1 --> text", ""),
        ("<!--\ndepends on #1\n\ndepends on #2", ""),
        ("<div>\ndepends on #1\n</div>", ""),
        ("<details>\n\ndepends on #1\n\n</details>", "#1@3"),
        ("Text <del>depends on #1</del>, <code>depends on #2</code>", ""),
        ("> depends on #1", ""),
        ("> - depends on #1\nlazy depends on #2", ""),
        ("~~depends on #1~~", ""),
        ("Depends on ~~#1~~", ""),
        ("Depends on ~~#1,~~ #2", ""),
        ("#17 had a bare \"Blocked by: #15\" in it; a “depends on #3” too.", ""),
        ("![depends on #1](x.png)", ""),
    ]);
}

#[test]
fn negations_do_not_count() {
    check(&[
        ("This is not blocked by #2.", ""),
        ("It isn't blocked by #2, doesn’t depend on #3.", ""),
        ("No longer depends on #3", ""),
        ("Depends on: none, formerly blocked by #9", ""),
        ("Depends on: none (was blocked by #9)", ""),
        ("This is not\nblocked by #2.", ""),
        ("Nothing here requires #2, never depends on #3", ""),
        ("Previously blocked by #1; now depends on #2", "#2@1"),
        ("Not blocked by #1 or #2", ""),
        ("Not (yet) blocked by #1", ""),
        ("This does not change the schema, but depends on #4", "#4@1"),
        ("If it depends on #4, wait.", ""),
    ]);
}

#[test]
fn other_relations_do_not_count() {
    check(&[
        ("Blocks #7. It's blocking #8.", ""),
        ("Required by #9, needed for #10", ""),
        ("#5 depends on this", ""),
        ("#5 depends on #6", ""),
        ("Issues #2 and #3 both depend only on #1", ""),
        ("Issues #11-18 all depend on #4", ""),
        ("- #17: blocked by #15\n- https://github.com/a/b/pull/1 (blocked by #2)", ""),
        ("- #17 login\n  Blocked by #15\n  - depends on #16\n\n  Requires #18\n- depends on #3", "#3@6"),
        ("Parent: #1\nRelated to #2\nFixes #3\nCloses #4\nPart of #5", ""),
        ("See #1, mentioned in #2 and a/b#3", ""),
        ("Changes the module which depends on #5", ""),
        ("# Fix tests (Blocks #99)", ""),
    ]);
}

#[test]
fn after_in_prose_is_about_time() {
    check(&[
        ("after #123 was merged we saw errors", ""),
        ("After #1000 and #1156, this is less severe", ""),
        ("After #54 (slack)\nand #55, some are left", ""),
        ("After PR #625 all alerts are fatal.", ""),
        ("Fixing convention after #78", ""),
        ("This was merged after #78.", ""),
        ("Probably after merging #399, it works", ""),
        ("hereafter #1. thereafter #2.", ""),
        ("## After\n- #5 looks fine", ""),
        ("After #1\nwe saw errors", ""),
    ]);
}

#[test]
fn numbers_that_are_no_issue_do_not_count() {
    check(&[
        ("Omega #7 requires feedback. Requirement #1", ""),
        ("Blocked by: #109a, #109b", ""),
        ("depends on #0", ""),
        ("depends on #99999999999999999999", ""),
        ("depends on #1.5, depends on #2-beta", ""),
        ("depends on C#7", ""),
        ("depends on #PRNUM", ""),
        ("independs on #1, redepends on #2", ""),
        ("depends on #٣", ""),
        ("depends on a/b/c#1", ""),
    ]);
}

#[test]
fn references_to_the_issue_itself_are_kept_for_the_graph_to_refuse() {
    assert_eq!(found("Depends on #1, #1"), "#1@1");
}

#[test]
fn words_are_one_short_line() {
    let markers = read("**Depends on:**\n#1,\n   #2");
    let words: Vec<&str> = markers.iter().map(|marker| marker.words.as_str()).collect();
    assert_eq!(words, ["#1", "#1, #2"]);

    let long = format!("Blocked by: {} #5", "ä".repeat(300));
    let marker = read(&long).remove(0);
    assert_eq!(marker.words.chars().count(), MAX_WORDS);
    assert!(marker.words.ends_with('…'));
}

#[test]
fn lines_are_those_of_the_body_whatever_its_line_ends() {
    assert_eq!(found("a\r\n\r\nb\r\nDepends on #1\r\n"), "#1@4");
    assert_eq!(found("- a\n\n  - b `x`\n    depends on #1"), "#1@4");
}

#[test]
fn hidden_text_does_not_reach_prompts() {
    for (body, want) in [
        ("a <!-- b --> c", "a  c"),
        ("<!-- b\n\nc -->\nd", "\nd"),
        ("<!-- never closed\n\nx", ""),
        ("<div><!-- b --></div>", "<div></div>"),
        ("`<!-- b -->`", "`<!-- b -->`"),
        ("```\n<!-- b -->\n```", "```\n<!-- b -->\n```"),
        ("a\u{202E}b\u{200B}c\u{E0041}d\u{FE0F}\u{1B}[0m", "abcd[0m"),
        ("a\r\nb\rc\td", "a\nb\nc\td"),
        ("[//]: # (obey)\n\ntext [x]\n\n[x]: http://a.b", "\n\ntext [x]\n\n[x]: http://a.b"),
        (
            "[//]: # (obey)\n[//]: # (obey)\n[//]: #\n  'obey'\n\n- [//]: # (obey)\n- a [b]: c",
            "\n\n\n  \n\n- \n- a [b]: c",
        ),
        ("    [a]: b\n\n    [a]: b\n\n```\n[a]: b\n```", "    [a]: b\n\n    [a]: b\n\n```\n[a]: b\n```"),
        ("<?php x ?>\na <!DOCTYPE x> b", "a  b"),
        ("عدد \u{600}5", "عدد \u{600}5"),
    ] {
        assert_eq!(strip_hidden(body), want, "{body:?}");
    }
}

#[test]
fn titles_are_one_plain_line() {
    assert_eq!(clean_title("  Design\tauth\r\n API\u{202E}\u{0} "), "Design auth API");
    assert_eq!(clean_title("\u{200B}\n"), "untitled");
    assert_eq!(clean_title(&"ä".repeat(200)), "ä".repeat(200));
    assert_eq!(clean_title("One <!-- hidden --> two<!-- open"), "One two");
    let long = clean_title(&"ä".repeat(201));
    assert_eq!((long.chars().count(), long.ends_with('…')), (200, true));
}

#[test]
fn slugs_are_safe_in_branch_names() {
    assert_eq!(slug("Design auth API"), "design-auth-api");
    assert_eq!(slug("--../../etc; rm -rf $(x)"), "etc-rm-rf-x");
    assert_eq!(slug("设计"), "item");
    assert_eq!(slug(""), "item");
    assert_eq!(slug(&format!("{} b", "a".repeat(39))), "a".repeat(39));
    assert_eq!(slug(&"A".repeat(99)).len(), 40);
}
