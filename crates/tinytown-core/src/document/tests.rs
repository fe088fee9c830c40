//! Documents, and what becomes of them.

use super::*;
use crate::issue::IssueRef;
use crate::manifest::Manifest;
use crate::plan::{self, IssueStanding, Request};

const PLAN: &str = "\
# Authentication

What we want.

## Background

Long ago.

## Tasks

Some words before.

- [x] Choose a token format
- [ ] Design the API, see
  the notes

  Depends on #1.
  - [ ] not an entry of its own
- [ ] **Implement** `login` (depends on #2)

## Stories

### Issue #7: Design the API

Define the endpoints.

### Write tests

After #7.

#### Details

Of the tests.
";

fn shown(text: &str, heading: Option<&str>) -> String {
    match objectives(text, "docs/plan.md", heading) {
        Ok(objectives) => {
            let each = objectives.iter().map(|it| {
                let body = it.body.replace('\n', "⏎");
                format!("{} {:?} {:?}, line {}: {body}", it.name, it.title, it.state, it.body_line)
            });
            each.collect::<Vec<_>>().join("\n")
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_document_is_one_objective_under_its_first_heading() {
    insta::assert_snapshot!(shown("\n# A plan #\n\n  Do it.\n\nDepends on #4.\n", None));
    insta::assert_snapshot!(shown("Do it.\n\n# Later\n", None));
    insta::assert_snapshot!(shown("Do it.", None));
}

#[test]
fn each_top_level_task_under_a_heading_is_an_objective() {
    insta::assert_snapshot!(shown(PLAN, Some("Tasks")));
}

#[test]
fn each_section_under_a_heading_is_an_objective() {
    insta::assert_snapshot!(shown(PLAN, Some("#stories")));
}

#[test]
fn a_heading_without_entries_and_one_that_is_not_there_are_refused() {
    insta::assert_snapshot!(shown(PLAN, Some("background")));
    insta::assert_snapshot!(shown(PLAN, Some("Nowhere")));
    insta::assert_snapshot!(shown("nothing", Some("Nowhere")));
}

#[test]
fn entries_are_numbered_as_they_say_else_by_their_place() {
    let text = "# T\n3. [ ] three\n4. [ ] four\n";
    insta::assert_snapshot!(shown(text, Some("T")));
    let text = "# T\n- [ ] #2 second\n- [ ] by its place? taken\n- [ ] third\n";
    insta::assert_snapshot!(shown(text, Some("T")));
    let text = "# T\n## 1. one\n## Step 1: again\n";
    insta::assert_snapshot!(shown(text, Some("T")));
}

#[test]
fn a_number_is_one_only_where_it_stands_apart() {
    for (title, number, rest) in [
        ("#3 Design", Some(3), "Design"),
        ("Issue #3: Design", Some(3), "Design"),
        ("task 3 - Design", None, "task 3 - Design"),
        ("Task 3: Design", Some(3), "Design"),
        ("3) Design", Some(3), "Design"),
        ("#3 — Design", Some(3), "Design"),
        ("3.5 release", None, "3.5 release"),
        ("3 tests fail", None, "3 tests fail"),
        ("#3rd", None, "#3rd"),
        ("#0 zero", None, "#0 zero"),
        ("Issue tracker", None, "Issue tracker"),
        ("#12", Some(12), "#12"),
    ] {
        assert_eq!(numbered(title), (number, rest.to_owned()), "{title}");
    }
}

#[test]
fn entries_depend_on_each_other_by_number_and_by_link() {
    let text = "\
# Tasks
## Design
## Implement it
Depends on [the design](#design), and on #9.
## Test
Depends on #2 and [elsewhere](#nowhere).
";
    let objectives = objectives(text, "plan.md", Some("tasks")).expect("entries");
    let (manifest, standings) = (Manifest::default(), [(IssueRef::own(9), IssueStanding::Open)].into());
    assert_eq!(plan::references_outside(&objectives, &manifest, None), [IssueRef::own(9)]);
    let request = Request { objectives: &objectives, standings: &standings, manifest: &manifest, own: None };
    let plan = plan::compile(&request).expect("a plan");
    let edges = plan.items.iter().flat_map(|item| {
        let inside = item.depends_on.iter().map(|it| (it.on.to_string(), it.source.to_string()));
        let outside = item.external.iter().map(|it| (it.on.to_string(), it.source.to_string()));
        inside.chain(outside).map(|(on, source)| format!("{} on {on}: {source}", item.key))
    });
    insta::assert_snapshot!(edges.collect::<Vec<_>>().join("\n"));
}
