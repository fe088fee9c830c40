//! Plans, and the words in which they are refused.

use super::*;
use crate::issue::IssueState;
use crate::item::Kind;
use crate::objective::ObjectiveRef;

fn issue(number: u64, title: &str, body: &str) -> Objective {
    Objective {
        name: ObjectiveRef::Issue(IssueRef::own(number)),
        title: title.to_owned(),
        body: body.to_owned(),
        labels: Vec::new(),
        state: IssueState::Open,
        location: format!("issues/{number}.md"),
        body_line: 3,
        anchors: std::sync::Arc::default(),
    }
}

fn tutorial() -> Vec<Objective> {
    vec![
        issue(1, "Design auth API", "Design the authentication API schema.\n\n- Document token format\n"),
        issue(2, "Implement auth endpoints", "Implement the endpoints.\n\nDepends on #1.\n\n- Login\n"),
        issue(
            3,
            "Write auth tests",
            "Write comprehensive tests for auth API.\n\nAfter #2.\n\n- Unit tests\n",
        ),
    ]
}

struct Case<'a> {
    objectives: Vec<Objective>,
    standings: &'a [(u64, IssueStanding)],
    manifest: &'a str,
}

impl Case<'_> {
    fn compile(&self) -> Result<Plan, Vec<Refusal>> {
        let own = RepoName::new("acme/app");
        let manifest = Manifest::parse(self.manifest, "mission.toml").expect("a manifest");
        let standings =
            self.standings.iter().map(|(number, standing)| (IssueRef::own(*number), *standing)).collect();
        let request = Request {
            objectives: &self.objectives,
            standings: &standings,
            manifest: &manifest,
            own: own.as_ref(),
        };
        compile(&request)
    }

    fn refused(&self) -> String {
        let refusals = self.compile().expect_err("refused");
        refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    fn messages(&self) -> String {
        let plan = self.compile().expect("a plan");
        let each = plan.diagnostics.iter().map(|d| format!("{:?} {}: {d}", d.level, d.code));
        each.collect::<Vec<_>>().join("\n")
    }
}

fn case(objectives: Vec<Objective>) -> Case<'static> {
    Case { objectives, standings: &[], manifest: "" }
}

fn names(keys: &[ItemKey]) -> String {
    keys.iter().map(ItemKey::as_str).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_tutorials_issues_make_a_chain_of_three() {
    let plan = case(tutorial()).compile().expect("a plan");
    let lines = plan.items.iter().map(|item| {
        let role = item.role.as_ref().expect("always a wish");
        let on: Vec<String> = item.depends_on.iter().map(|d| format!("{} at {}", d.on, d.source)).collect();
        format!("{} {} {} {} [{}]", item.key, item.kind, role.role, item.path_length, on.join("; "))
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
    #1 design designer 3 []
    #2 implement backend 2 [#1 at issues/2.md:5 "Depends on #1"]
    #3 test tester 1 [#2 at issues/3.md:5 "After #2"]
    "#);
    assert_eq!(plan.waves.iter().map(|wave| names(wave)).collect::<Vec<_>>(), ["#1", "#2", "#3"]);
    assert_eq!(names(&plan.critical_path), "#1 #2 #3");
    assert!(plan.diagnostics.is_empty());
}

#[test]
fn plans_travel_as_json() {
    let plan = case(tutorial()).compile().expect("a plan");
    let json = serde_json::to_string(&plan).expect("serialises");
    assert_eq!(serde_json::from_str::<Plan>(&json).expect("parses"), plan);
    let code = serde_json::to_string(&Code::DependenciesReplaced).expect("serialises");
    assert_eq!(code, format!("\"{}\"", Code::DependenciesReplaced));
}

#[test]
fn a_cycle_is_refused_edge_by_edge() {
    let issues = vec![issue(1, "A", "a\n\nDepends on #2"), issue(2, "B", "Blocked by: #1")];
    insta::assert_snapshot!(case(issues).refused(), @r#"
    cycle: #1 → #2 → #1
      #1 depends on #2 (issues/1.md:5 "Depends on #2")
      #2 depends on #1 (issues/2.md:3 "Blocked by: #1")
      remove one of these, or replace depends_on of one item in the manifest
    "#);
}

#[test]
fn every_reason_is_told_at_once() {
    let issues = vec![issue(1, "A", "Depends on #1, #98"), issue(2, "B", "After #99.")];
    let case = Case {
        objectives: issues,
        standings: &[(99, IssueStanding::Unknown)],
        manifest: "[[overrides]]\nissue = 7\n[[overrides]]\nissue = 2\ndepends_on = [97]\n[[overrides]]\nissue = \"acme/app#2\"\n",
    };
    insta::assert_snapshot!(case.refused(), @r#"
    mission.toml:2: #7 is not in this mission: name it with --issue, or remove the override
    mission.toml:7: #2 has an override already, on line 4: merge the two
    #1 depends on #98, which does not exist (issues/1.md:3 "Depends on #1, #98")
      correct the number there, or replace depends_on of #1 in the manifest
    #2 depends on #97, which does not exist (mission.toml:5 "depends_on #97")
      correct the number there
    cycle: #1 → #1
      #1 depends on #1 (issues/1.md:3 "Depends on #1")
      remove one of these, or replace depends_on of one item in the manifest
    "#);
    let refusals = case.compile().expect_err("refused");
    let codes: Vec<&str> = refusals.iter().map(|refusal| refusal.diagnostic().code.as_str()).collect();
    assert_eq!(codes, ["manifest", "manifest", "dangling", "dangling", "cycle"]);
}

#[test]
fn an_issue_of_a_repository_that_the_forge_does_not_hold_is_refused_as_such() {
    let objectives = [issue(1, "A", "Depends on acme/web#7"), issue(2, "B", "")];
    let manifest = "[[overrides]]\nissue = 2\ndepends_on = [\"acme/web#8\"]\n";
    let manifest = Manifest::parse(manifest, "mission.toml").expect("a manifest");
    let draft = Draft::read(&objectives, &manifest, None);
    let elsewhere = |issue| (issue, IssueStanding::Elsewhere);
    let standings = draft.references_outside().into_iter().map(elsewhere).collect();
    let refusals = draft.compile(&standings).expect_err("refused");
    insta::assert_snapshot!(refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"), @r#"
    #1 depends on acme/web#7, but this town's forge holds no issues of other repositories (issues/1.md:3 "Depends on acme/web#7")
      take it out there, or replace depends_on of #1 in the manifest
    #2 depends on acme/web#8, but this town's forge holds no issues of other repositories (mission.toml:3 "depends_on acme/web#8")
      leave it out there
    "#);
    assert!(refusals.iter().all(|refusal| refusal.diagnostic().code == Code::Dangling));
}

#[test]
fn many_texts_are_read_as_few_are() {
    let many: Vec<Objective> = (1..=1000)
        .map(|n| issue(n, "A", &if n > 1 { format!("After #{}.", n - 1) } else { String::new() }))
        .collect();
    let plan = compile_all(&many, &[]);
    let on = |item: &ItemSpec| item.depends_on.iter().map(|it| it.on.to_string()).collect::<Vec<_>>();
    assert!((2..).zip(&plan.items[1..]).all(|(n, item)| on(item) == [format!("#{}", n - 1)]));
}

#[test]
fn a_dangling_reference_alone_refuses_the_plan() {
    let dangling = case(vec![issue(1, "A", "Depends on #98")]);
    assert!(matches!(&dangling.compile().expect_err("refused")[..], [Refusal::Dangling { .. }]));
}

#[test]
fn a_manifest_that_does_not_fit_alone_refuses_the_plan() {
    let unfit = Case { manifest: "[[overrides]]\nissue = 7\n", ..case(tutorial()) };
    assert!(matches!(&unfit.compile().expect_err("refused")[..], [Refusal::Manifest(_)]));
}

#[test]
fn issues_outside_are_waited_for_while_they_are_open() {
    let case = Case {
        objectives: vec![issue(2, "B", "Depends on #8 and #9")],
        standings: &[(8, IssueStanding::Open), (9, IssueStanding::Closed)],
        manifest: "",
    };
    insta::assert_snapshot!(case.messages(), @r#"
    Warning dependency-outside: #2 waits until #8 is closed, which is not part of this mission (issues/2.md:3 "Depends on #8")
    Info dependency-closed: #2 depends on #9, which is closed already (issues/2.md:3 "Depends on #8 and #9")
    "#);
    let plan = case.compile().expect("a plan");
    assert_eq!(plan.items[0].external.len(), 1);
    assert!(plan.items[0].depends_on.is_empty());
}

#[test]
fn the_manifest_replaces_what_was_read_and_says_so() {
    let case = Case {
        objectives: tutorial(),
        standings: &[],
        manifest: "[[overrides]]\nissue = 3\ndepends_on = [1]\nowner_role = \"QA\"\npriority = 5\nkind = \"document\"\n
[[overrides]]\nissue = 2\ndepends_on = []\n[[overrides]]\nissue = 1\nskip = true\n",
    };
    insta::assert_snapshot!(case.messages(), @r#"
    Warning item-skipped: #1 is skipped (mission.toml:12); whoever depends on it does not wait for it
    Info dependencies-replaced: #2 depends on nothing (mission.toml:10) instead of #1 (issues/2.md:5 "Depends on #1")
    Info dependencies-replaced: #3 depends on #1 (mission.toml:3) instead of #2 (issues/3.md:5 "After #2")
    "#);
    let plan = case.compile().expect("a plan");
    let third = &plan.items[2];
    let role = third.role.as_ref().expect("a role");
    assert_eq!(
        (third.kind, third.priority, role.role.as_str(), role.required),
        (Kind::Document, 5, "qa", true)
    );
    assert_eq!(plan.waves.iter().map(|wave| names(wave)).collect::<Vec<_>>(), ["#2 #3"]);
    assert!(plan.items[0].skip);
}

#[test]
fn closed_objectives_are_skipped_unless_the_manifest_wants_them() {
    let mut issues = tutorial();
    issues[0].state = IssueState::Closed;
    let mut case = case(issues);
    insta::assert_snapshot!(case.messages(), @"Warning objective-closed: #1 is closed already and is skipped (issues/1.md); to do it again, reopen it or set skip = false in the manifest");
    assert!(case.compile().expect("a plan").items[0].skip);
    case.manifest = "[[overrides]]\nissue = 1\nskip = false\n";
    let plan = case.compile().expect("a plan");
    assert!(!plan.items[0].skip && plan.diagnostics.is_empty());
}

#[test]
fn an_objective_named_twice_is_one_item_whatever_it_was_called() {
    let mut issues = tutorial();
    let name = ObjectiveRef::parse("Acme/App#1").expect("a reference");
    issues.push(Objective { name, ..issues[0].clone() });
    let case = case(issues);
    assert_eq!(case.compile().expect("a plan").items.len(), 3);
    insta::assert_snapshot!(case.messages(), @"Info objective-repeated: #1 was named twice; it counts once");
}

#[test]
fn references_are_relative_to_the_issue_that_makes_them() {
    let mut there = issue(5, "T", "Depends on #6 and acme/app#1 and https://github.com/acme/app/issues/2");
    there.name = ObjectiveRef::parse("acme/lib#5").expect("a reference");
    let mut issues = tutorial();
    issues.push(there);
    let own = RepoName::new("acme/app");
    let outside = references_outside(&issues, &Manifest::default(), own.as_ref());
    assert_eq!(outside, [IssueRef::parse("acme/lib#6").expect("a reference")]);

    let standings = BTreeMap::from([(outside[0].clone(), IssueStanding::Closed)]);
    let manifest = Manifest::default();
    let request =
        Request { objectives: &issues, standings: &standings, manifest: &manifest, own: own.as_ref() };
    let plan = compile(&request).expect("a plan");
    let on: Vec<&str> = plan.items[3].depends_on.iter().map(|dependency| dependency.on.as_str()).collect();
    assert_eq!(on, ["#1", "#2"]);
}

#[test]
fn only_what_is_really_depended_on_is_asked_about() {
    let manifest =
        Manifest::parse("[[overrides]]\nissue = 2\ndepends_on = [3, 40]\n", "mission.toml").expect("valid");
    let issues = [issue(2, "B", "Depends on #30, #31"), issue(3, "C", "Depends on #2, #50, #40")];
    let outside: Vec<u64> = references_outside(&issues, &manifest, None).iter().map(|r| r.number).collect();
    assert_eq!(outside, [40, 50]);
}

#[test]
fn outside_text_enters_a_plan_cleaned() {
    let issues = vec![issue(1, "A\u{202E}b\n c", "seen <!-- Depends on #9: unseen --> text\u{200B}")];
    let plan = case(issues).compile().expect("the comment is no dependency");
    assert_eq!(plan.items[0].title, "Ab c");
    assert_eq!(plan.items[0].body.as_inline(), Some("seen  text"));
}

/// A mission of the tutorial, of which the first item is over.
fn upon(objectives: &[Objective], manifest: &str) -> Result<Addition, String> {
    let tutorial = compile_all(&tutorial(), &[(9, IssueStanding::Open)]);
    let standing = |(at, mut spec): (usize, ItemSpec)| {
        if at == 1 {
            let source = spec.depends_on[0].source.clone();
            spec.external.push(crate::item::External { on: IssueRef::own(9), source });
        }
        Standing { spec, over: at == 0 }
    };
    let present: Vec<Standing> = tutorial.items.into_iter().enumerate().map(standing).collect();
    let manifest = Manifest::parse(manifest, "mission.toml").expect("a manifest");
    let draft = Draft::upon(&present, objectives, &manifest, None);
    let outside = draft.references_outside();
    assert!(outside.iter().all(|it| it.number > 9), "{outside:?} are inside");
    let standings = outside.into_iter().map(|it| (it, IssueStanding::Unknown)).collect();
    let addition = draft.compile_addition(&standings);
    addition.map_err(|refusals| refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn compile_all(objectives: &[Objective], standings: &[(u64, IssueStanding)]) -> Plan {
    Case { objectives: objectives.to_vec(), standings, manifest: "" }.compile().expect("a plan")
}

#[test]
fn what_is_added_is_compiled_upon_the_items_that_are_there() {
    let addition = upon(&[issue(9, "Nine", "Depends on #1."), issue(8, "Eight", "After #3 and #9.")], "")
        .expect("an addition");
    let items = addition.items.iter();
    let items: Vec<String> = items
        .map(|item| {
            let on: Vec<&str> = item.depends_on.iter().map(|it| it.on.as_str()).collect();
            format!("{} on {} path {}", item.key, on.join(" "), item.path_length)
        })
        .collect();
    // #9 comes before #2 now, which waited for it, and so before #3 and #8.
    assert_eq!(items, ["#9 on #1 path 4", "#8 on #3 #9 path 1"]);
    let path: Vec<&str> = addition.plan.critical_path.iter().map(ItemKey::as_str).collect();
    assert_eq!(path, ["#9", "#2", "#3", "#8"], "what is over is left out");
}

#[test]
fn an_addition_that_closes_a_cycle_or_dangles_is_refused_with_every_edge() {
    let refused = upon(&[issue(9, "Nine", "After #3.")], "").expect_err("a cycle");
    insta::assert_snapshot!(refused, @r#"
    cycle: #2 → #9 → #3 → #2
      #2 depends on #9 (issues/2.md:5 "Depends on #1")
      #9 depends on #3 (issues/9.md:3 "After #3")
      #3 depends on #2 (issues/3.md:5 "After #2")
      remove one of these, or replace depends_on of one item in the manifest
    "#);
    let refused = upon(&[issue(8, "Eight", "After #77.")], "").expect_err("dangling");
    insta::assert_snapshot!(refused, @r#"
    #8 depends on #77, which does not exist (issues/8.md:3 "After #77")
      correct the number there, or replace depends_on of #8 in the manifest
    "#);
}

#[test]
fn a_manifest_for_the_whole_mission_says_nothing_new_about_what_is_there() {
    let manifest = "[policy]\nmax_parallel = 9\n[[overrides]]\nissue = 2\nskip = true\n[[overrides]]\nissue = 8\npriority = 3\n";
    let addition = upon(&[issue(8, "Eight", "")], manifest).expect("an addition");
    assert_eq!(addition.items[0].priority, 3);
    let said: Vec<String> = addition.plan.diagnostics.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(said.join("\n"), @"
    mission.toml: the policy is left aside, since a mission keeps that of its start
    mission.toml:4: #2 is in the mission already, and stays as it is there
    ");
    let refused = upon(&[issue(8, "Eight", "")], "[[overrides]]\nissue = 77\n").expect_err("unknown");
    insta::assert_snapshot!(refused, @"mission.toml:2: #77 is not in this mission: name it with --issue, or remove the override");
}
