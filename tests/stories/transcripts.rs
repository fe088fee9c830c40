//! What a person reads at night: planning, refusals, explanations and reports, as transcripts. Each snapshot is
//! one theme: commands, their data, their talk (behind `!`) and their exit code (behind `=`).

use std::fmt::Write as _;

use serde_json::Value;
use tinytown_tests::support::{Output, Running, Town};

/// What differs from run to run, and how transcripts name it.
const NAMED: [(&str, &str); 8] = [
    // How long what was waited for differs, and what is short is not told.
    (r"\n +(- )?waits: \S.*", ""),
    (r"(## )?⏳ Waits of all items together\n\n?((   |- ).*\n)*\n?", ""),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[MISSION]"),
    (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "[TIME]"),
    (r"process \d+ on [^\s:;,]+", "process [PID] on [HOST]"),
    (r"\b[0-9a-f]{8}\b", "[SHA]"),
    (r"\b\d+[smhd]\b", "[SPAN]"),
    (r"due now", "looked at again in [SPAN]"),
];

/// Commands and what came of them.
pub(crate) struct Transcript<'t> {
    town: &'t Town,
    text: String,
}

impl<'t> Transcript<'t> {
    pub(crate) fn of(town: &'t Town) -> Self {
        Self { town, text: String::new() }
    }

    /// Runs `tt`, and keeps what it says.
    #[track_caller]
    pub(crate) fn tt(&mut self, arguments: &[&str], code: i32) -> Output {
        let output = self.town.tt(arguments).exits(code);
        let word = |word: &&str| match word {
            word if word.is_empty() || word.contains([' ', '#']) => format!("'{word}'"),
            word => (*word).to_owned(),
        };
        let words: Vec<String> = arguments.iter().map(word).collect();
        let _ = writeln!(self.text, "$ tt {}", words.join(" "));
        self.text.push_str(&output.stdout);
        for line in output.stderr.lines() {
            let _ = writeln!(self.text, "! {line}");
        }
        let _ = writeln!(self.text, "= {code}\n");
        output
    }

    /// The same for a command that has no data, since it is refused.
    #[track_caller]
    pub(crate) fn refused(&mut self, arguments: &[&str], code: i32) {
        let output = self.tt(arguments, code);
        assert_eq!(output.stdout, "", "a refusal has no data");
    }

    /// Compares with the snapshot of that name.
    #[track_caller]
    pub(crate) fn compare(self, name: &str) {
        let mut named = NAMED.to_vec();
        let path = self.town.path().display().to_string();
        named.insert(0, (path.as_str(), "[PLACE]"));
        insta::with_settings!({
            filters => named,
            snapshot_path => "../snapshots/transcripts",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, self.text.trim_end());
        });
    }
}

/// The tutorial's issues.
fn tutorial(town: &Town) {
    town.issue(1, "design-auth-api", "Design auth API", "Design the API schema.");
    town.issue(
        2,
        "implement-auth-endpoints",
        "Implement auth endpoints",
        "Implement them.\n\nDepends on #1.",
    );
    town.issue(3, "write-auth-tests", "Write auth tests", "Test all of it.\n\nAfter #2.");
}

/// A file that is part of no issue, committed.
fn file(town: &Town, path: &str, text: &str) {
    town.write(path, text);
    town.commit("A file");
}

pub(crate) fn wait_code<'s>(status: &'s Value, key: &str) -> &'s str {
    let items = status["work_items"].as_array().expect("items");
    let item = items.iter().find(|item| item["key"] == key);
    item.and_then(|item| item["wait"]["code"].as_str()).unwrap_or_default()
}

pub(crate) fn state<'s>(status: &'s Value, key: &str) -> &'s str {
    let items = status["work_items"].as_array().expect("items");
    items.iter().find(|item| item["key"] == key).and_then(|item| item["state"].as_str()).unwrap_or_default()
}

#[test]
fn a_cycle_is_shown_as_a_path_with_each_line_wherever_it_is_met() {
    let town = Town::new();
    tutorial(&town);
    file(&town, "mission.toml", "[[overrides]]\nissue = 1\ndepends_on = [3]\n");
    let mut told = Transcript::of(&town);
    let all = ["-i", "1", "-i", "2", "-i", "3", "-m", "mission.toml"];
    told.refused(&[&["mission", "plan"], &all[..]].concat(), 5);
    told.refused(&[&["mission", "start", "--dry-run"], &all[..]].concat(), 5);
    told.refused(&[&["mission", "start"], &all[..]].concat(), 5);
    told.tt(&[&["mission", "plan", "--json"], &all[..]].concat(), 5);
    told.compare("cycle");
    town.has_no_mission();
}

#[test]
fn references_that_lead_nowhere_are_all_named() {
    let town = Town::new();
    town.issue(1, "one", "One", "Depends on #99, acme/app#7.");
    let mut told = Transcript::of(&town);
    told.refused(&["mission", "plan", "-i", "x", "-i", "0", "-i", "a b", "-i", "1"], 5);
    told.refused(&["mission", "plan", "-i", "77", "-i", "1", "-i", "acme/app#7"], 5);
    told.refused(&["mission", "plan", "-i", "1"], 5);
    told.refused(&["mission", "plan", "-i", "1", "--max-parallel", "0"], 5);
    told.tt(&["mission", "plan", "-i", "77", "--json"], 5);
    told.tt(&["mission", "plan", "-i", "1", "--max-parallel", "0", "--json"], 5);
    told.refused(&["mission", "plan"], 2);
    told.refused(&["mission", "start", "--json"], 2);
    told.compare("references");
    town.has_no_mission();
}

#[test]
fn a_manifest_is_refused_with_everything_that_is_wrong_with_it() {
    let town = Town::new();
    town.issue(1, "one", "One", "Work.");
    town.write(
        "bad.toml",
        "[[overrides]]\nissue = 1\nowner = \"x\"\nkind = \"poem\"\npriority = \"high\"\nowner_role = \"back end\"\n\
         depends_on = [\"x y\"]\n\n[policy]\nfast = true\nmax_parallel = 0\n",
    );
    town.write("other.toml", "[[overrides]]\nissue = 9\n\n[[overrides]]\nissue = 1\ndepends_on = [99]\n");
    town.write("dangling.toml", "[[overrides]]\nissue = 1\ndepends_on = [99]\n");
    town.write("latin.toml", b"a\xff");
    town.commit("Manifests");
    let mut told = Transcript::of(&town);
    for manifest in ["bad.toml", "other.toml", "dangling.toml", "nowhere.toml", "issues", "latin.toml"] {
        told.refused(&["mission", "plan", "-i", "1", "-m", manifest], 5);
    }
    told.refused(&["mission", "start", "-i", "x", "-m", "nowhere.toml"], 5);
    told.compare("manifest");
    town.has_no_mission();
}

const DOCUMENT: &str = "# Plan

## Tasks

- [ ] #3 Design the API
- [ ] Build it, depends on #3
- [x] Old one

## Empty

Nothing here to do.

## Twice

- [ ] #3 one
- [ ] #3 two
";

#[test]
fn a_document_is_refused_with_what_it_has_instead() {
    let town = Town::new();
    file(&town, "docs/plan.md", DOCUMENT);
    town.write("../outside.md", "# Outside\n");
    town.write("docs/latin.md", b"a\xff");
    town.commit("Latin");
    let mut told = Transcript::of(&town);
    let names = ["docs/nowhere.md", "docs", "docs/latin.md", "../outside.md", "#tasks"];
    let headings = ["docs/plan.md#nonsense", "docs/plan.md#empty", "docs/plan.md#twice", "docs/plan.md"];
    for doc in names.iter().chain(&headings) {
        told.refused(&["mission", "plan", "-d", doc], 5);
    }
    told.refused(&["mission", "start", "-d", names[0], "-d", headings[0]], 5);
    told.compare("documents");
    town.has_no_mission();
}

#[test]
fn a_plan_says_what_will_happen_and_what_stands_in_the_way() {
    let town = Town::new();
    tutorial(&town);
    file(&town, "issues/4-arch.md", "---\nlabels: [\"role:architect\"]\n---\n# Draw it\n\nDepends on #9.\n");
    town.issue(9, "outside", "Outside", "Of the mission.");
    file(&town, "docs/plan.md", DOCUMENT);
    let mut told = Transcript::of(&town);
    told.tt(&["mission", "plan", "-i", "1", "-i", "2", "-i", "3"], 0);
    town.spawn_worker("designer", None);
    town.spawn_worker("backend", None);
    told.tt(&["mission", "plan", "-i", "1", "-i", "2", "-i", "3", "-i", "4"], 0);
    told.tt(&["mission", "start", "--dry-run", "-d", "docs/plan.md#tasks", "--max-parallel", "4"], 0);
    town.write("issues/5-new.md", "# New\n");
    told.tt(&["mission", "plan", "-i", "1", "-i", "5"], 0);
    told.tt(&["mission", "plan", "--json", "-i", "2", "-i", "1"], 0);
    told.compare("plan");
    town.has_no_mission();
}

#[test]
fn what_is_not_there_is_said_by_every_command_that_names_it() {
    let town = Town::new();
    town.issue(1, "one", "One", "Work.");
    let mission = town.start_mission(&[1], &[]);
    let mut told = Transcript::of(&town);
    for command in ["graph", "explain", "report", "export"] {
        let file: &[&str] = if command == "export" { &["out.json"] } else { &[] };
        told.refused(&[&["mission", command, "abcd"], file].concat(), 3);
    }
    told.refused(&["mission", "explain", "abc"], 2);
    told.refused(&["mission", "explain", &mission, "7"], 3);
    told.refused(&["mission", "graph", &mission, "--format", "svg"], 2);
    told.refused(&["mission", "report", &mission, "--format", "markdown", "--json"], 2);
    told.refused(&["mission", "export", &mission, "out.json"], 7);
    told.refused(&["assign", "nobody", "Do it."], 3);
    told.refused(&["send", "nobody", "Hello."], 3);
    told.refused(&["send", "nobody", " "], 2);
    told.refused(&["completions", "csh"], 2);
    told.compare("not_there");
}

/// An agent that waits for the file `go` with its first item, and otherwise does what it is asked to.
pub(crate) fn waiting_agent(town: &Town) -> String {
    let go = town.path().join("go").display().to_string();
    let works = tinytown_tests::support::WORKS;
    town.agent_script(&format!(
        "while [ \"$TINYTOWN_ITEM\" = '#1' ] && [ ! -e '{go}' ]; do sleep 0.05; done\n{works}"
    ));
    go
}

/// Five items and two agents: one works, one waits for it, one for an issue outside, one for a role.
fn half_way(town: &Town) -> (String, Running) {
    town.configure("policy.watch_interval_secs", "600");
    tutorial(town);
    town.issue(4, "docs", "Write docs", "Depends on #9.");
    file(town, "issues/5-arch.md", "---\nlabels: [\"role:architect\"]\n---\n# Draw it\n\nDraw.\n");
    town.issue(9, "outside", "Outside", "Of the mission.");
    town.spawn_worker("designer", None);
    town.spawn_worker("backend", None);
    let mission = town.start_mission(&[1, 2, 3, 4, 5], &["--auto-merge", "--no-reviewer"]);
    let dispatcher = town.dispatcher();
    town.wait_until(&mission, |status| {
        let looked = status["work_items"][3]["wait"]["until"].is_string();
        state(status, "#1") == "running" && looked
    });
    (mission, dispatcher)
}

#[test]
fn a_mission_half_way_explains_what_waits_and_on_whom() {
    let town = Town::new();
    let go = waiting_agent(&town);
    let (mission, dispatcher) = half_way(&town);
    let mut told = Transcript::of(&town);
    told.tt(&["mission", "explain", &mission], 0);
    for item in ["1", "2", "#4", "5"] {
        told.tt(&["mission", "explain", &mission, item], 0);
    }
    told.compare("half_way_explained");
    let mut drawn = Transcript::of(&town);
    for format in ["text", "mermaid", "dot"] {
        drawn.tt(&["mission", "graph", &mission, "--format", format], 0);
    }
    drawn.tt(&["mission", "report", &mission], 0);
    drawn.compare("half_way_drawn");
    town.write(&go, "");
    town.wait_until(&mission, |status| state(status, "#3") == "done");
    for item in ["#4", "#5"] {
        town.tt(&["mission", "note", &mission, &format!("skip {item}")]).exits(0);
    }
    town.wait_completed(&mission);
    dispatcher.stop().exits(0);
    ended(&town, &mission);
}

fn ended(town: &Town, mission: &str) {
    let mut told = Transcript::of(town);
    told.tt(&["mission", "report", mission], 0);
    told.tt(&["mission", "report", mission, "--format", "markdown"], 0);
    told.tt(&["mission", "explain", mission], 0);
    told.tt(&["mission", "explain", mission, "3"], 0);
    told.tt(&["mission", "graph", mission], 0);
    told.tt(&["mission", "export", mission, "../out.json"], 0);
    told.refused(&["mission", "export", mission, "../out.json"], 7);
    told.refused(&["mission", "export", mission, "../nowhere/out.json"], 1);
    told.compare("ended");
    let exported = std::fs::read_to_string(town.path().join("out.json")).expect("it was written");
    let exported: Value = serde_json::from_str(&exported).expect("JSON");
    assert_eq!((&exported["format"], &exported["id"]), (&"tinytown-mission".into(), &mission.into()));
    let printed = town.tt(&["mission", "export", mission, "-"]).exits(0);
    assert_eq!(serde_json::from_str::<Value>(&printed.stdout).expect("JSON"), exported);
}

#[test]
fn an_item_that_waits_for_its_checks_says_so() {
    let town = Town::new();
    let go = town.path().join("go").display().to_string();
    town.check(&format!("while [ ! -e '{go}' ]; do sleep 0.05; done"));
    town.issue(1, "one", "One", "Work.");
    town.spawn_worker("backend", None);
    let mission = town.start_mission(&[1], &["--no-reviewer"]);
    let dispatcher = town.dispatcher();
    town.wait_until(&mission, |status| wait_code(status, "#1") == "checks");
    let mut told = Transcript::of(&town);
    told.tt(&["mission", "explain", &mission], 0);
    told.compare("waits_for_checks");
    town.write(&go, "");
    town.wait_completed(&mission);
    dispatcher.stop().exits(0);
}

/// The tutorial's table, row by row; what needs GitHub is left out. A mission is never half planned: what would
/// leave one "stuck in planning" is refused, and named by the doctor.
#[test]
fn the_tutorials_troubleshooting_is_answered_by_the_tool_itself() {
    let town = Town::new();
    tutorial(&town);
    town.write("issues/6-latin.md", b"# Caf\xe9\n");
    town.commit("An issue that cannot be read");
    let mut told = Transcript::of(&town);
    told.text.push_str("Mission stuck in Planning\n\n");
    town.write("issues/8-a.md", "# One\n");
    town.write("issues/8-b.md", "# Other\n");
    told.refused(&["mission", "start", "-i", "1", "-i", "6", "-i", "7", "-i", "8", "-i", "6"], 5);
    std::fs::remove_file(town.repo().join("issues/8-b.md")).expect("it is there");
    told.tt(&["mission", "plan", "-i", "6", "--json"], 5);
    let said = town.tt(&["doctor"]).exits(5).stdout;
    let about: Vec<&str> = said.lines().skip_while(|line| !line.contains("issues/")).take(2).collect();
    let _ = writeln!(told.text, "$ tt doctor | grep -A1 issues/\n{}\n", about.join("\n"));
    std::fs::remove_file(town.repo().join("issues/6-latin.md")).expect("it is there");
    town.commit("Mended");
    told.text.push_str("Work item never ready\n\n");
    told.tt(&["mission", "start", "-i", "1", "-i", "2"], 0);
    let missions = town.missions();
    let mission = missions[0]["id"].as_str().expect("its id");
    told.tt(&["mission", "explain", mission, "2"], 0);
    told.text.push_str("Agent not assigned\n\n");
    told.tt(&["mission", "explain", mission, "1"], 0);
    town.agent_script("cat > /dev/null\nprintf '{\"outcome\": \"stuck\", \"summary\": \"which token format?\"}' > \"$TINYTOWN_RESULT\"\n");
    town.spawn_worker("designer", None);
    let dispatcher = town.dispatcher();
    town.wait_until(mission, |status| {
        status["state"] == "blocked" && status["dispatcher"]["help"].is_object()
    });
    dispatcher.stop().exits(0);
    told.text.push_str("Dispatcher asked for help\n\n");
    told.tt(&["mission", "status", mission, "--dispatcher"], 0);
    told.tt(&["mission", "explain", mission], 0);
    told.tt(&["mission", "stop", mission, "--force"], 0);
    told.tt(&["mission", "report", mission], 0);
    told.compare("troubleshooting");
}
