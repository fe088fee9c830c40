//! What `tt` refuses: with which exit code, in which words, and that nothing was created.

use std::fs;
use std::path::Path;

use tinytown_tests::support::{Output, Place, Town};

/// A mission that nobody has.
const NOBODYS: &str = "12345678-0000-4000-8000-000000000001";

/// Starts a mission, which must be refused as invalid; what it said.
#[track_caller]
fn refused(town: &Town, arguments: &[&str]) -> Output {
    let output = town.tt(&[&["mission", "start"], arguments].concat()).exits(5);
    assert_eq!(output.stdout, "", "a refusal has no data");
    town.has_no_mission();
    output
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn init_outside_of_a_repository_is_refused_and_creates_nothing() {
    let place = Place::new();
    place.tt(&["init"]).exits(7).says(&["is not in a git repository", "git init"]);
    assert_eq!(entries(&place.repo()), Vec::<String>::new());
}

#[test]
fn init_in_a_repository_without_a_commit_is_refused_and_creates_nothing() {
    let place = Place::new();
    place.git_init();
    place.tt(&["init"]).exits(7).says(&["has no commit yet", "git commit"]);
    assert_eq!(entries(&place.repo()), [".git"]);
}

#[test]
fn init_with_a_name_or_a_store_that_cannot_be_is_refused_and_creates_nothing() {
    let place = Place::new();
    place.git_init();
    place.commit("Begin");
    place.tt(&["init", "--name", "a/b"]).exits(5).says(&["a/b", "letters, digits"]);
    place.tt(&["init", "--store", "mysql://here"]).exits(5);
    place.tt(&["init", "--store", "redis"]).exits(5).says(&["REDIS_URL"]);
    assert_eq!(entries(&place.repo()), [".git"]);
}

#[test]
fn init_again_changes_nothing() {
    let town = Town::new();
    let before = fs::read(town.repo().join("tinytown.toml")).expect("it is there");
    let again = town.tt(&["init", "--name", "another", "--check", "false"]).exits(0);
    assert!(again.stdout.contains("nothing was changed"), "{}", again.stdout);
    assert_eq!(fs::read(town.repo().join("tinytown.toml")).expect("it is there"), before);
    assert_eq!(town.git(&["status", "--porcelain"]), "");
}

#[test]
fn every_command_without_a_town_says_how_to_make_one() {
    let place = Place::new();
    place.git_init();
    place.commit("Begin");
    let commands: [&[&str]; 18] = [
        &["status"],
        &["spawn", "backend"],
        &["kill", "backend"],
        &["inbox"],
        &["logs", "backend"],
        &["config"],
        &["mission", "start", "--issue", "1"],
        &["mission", "list"],
        &["mission", "dispatch", "--once"],
        &["mission", "log", "abcd"],
        &["mission", "note", "abcd", "resume"],
        &["mission", "plan", "--issue", "1"],
        &["mission", "explain", "abcd"],
        &["mission", "graph", "abcd"],
        &["mission", "report", "abcd"],
        &["mission", "export", "abcd", "out.json"],
        &["assign", "backend", "Do it."],
        &["send", "backend", "Hello."],
    ];
    for command in commands {
        place.tt(command).exits(3).says(&["no town", "tinytown.toml", "tt init"]);
    }
    let nowhere = place.path().join("nowhere");
    let named = ["--town", nowhere.to_str().expect("a path of ours"), "status"];
    place.tt(&named).exits(3).says(&["no town", "nowhere"]);
    assert_eq!(entries(&place.repo()), [".git"]);
}

#[test]
fn the_name_of_a_live_worker_is_taken() {
    let town = Town::new();
    town.spawn_worker("backend", None);
    town.tt(&["spawn", "backend", "--cli", "script"]).exits(7).says(&["backend"]);
    let agents = town.json(&["status"])["agents"].clone();
    assert_eq!(agents.as_array().map(Vec::len), Some(1), "{agents:#}");
    assert_eq!((&agents[0]["generation"], &agents[0]["state"]), (&1.into(), &"idle".into()));
}

#[test]
fn an_agent_without_a_cli_or_with_a_malformed_name_is_refused() {
    let town = Town::new();
    town.tt(&["spawn", "backend", "--cli", "nonesuch"]).exits(6).says(&["nonesuch", "[cli.nonesuch]"]);
    town.tt(&["spawn", "../backend"]).exits(5).says(&["../backend"]);
    assert_eq!(town.json(&["status"])["agents"].as_array().map(Vec::len), Some(0));
    assert!(!town.repo().join(".tinytown/logs/backend.log").exists());
}

#[test]
fn an_unknown_agent_cannot_be_killed() {
    let town = Town::new();
    town.tt(&["kill", "nobody"]).exits(3).says(&["no agent nobody", "tt status"]);
    town.tt(&["kill", "--force", "nobody"]).exits(3);
}

#[test]
fn an_unknown_mission_is_not_found_and_a_short_prefix_is_a_matter_of_usage() {
    let town = Town::new();
    let commands: [&[&str]; 6] = [
        &["mission", "status"],
        &["mission", "log"],
        &["mission", "stop"],
        &["mission", "resume"],
        &["mission", "note"],
        &["mission", "dispatch", "--once", "--run"],
    ];
    for command in commands {
        let words: &[&str] = if command.contains(&"note") { &["pause"] } else { &[] };
        let ask = |id: &str| town.tt(&[command, &[id], words].concat());
        ask("abcd").exits(3).says(&["no mission \"abcd\"", "tt mission list --all"]);
        ask("abc").exits(2).says(&["too short", "4 characters"]);
    }
    for command in ["status", "log", "stop", "resume"] {
        town.tt(&["mission", command, NOBODYS]).exits(3).says(&["no mission", NOBODYS]);
    }
    town.has_no_mission();
}

#[test]
fn a_cycle_is_refused_with_each_edge_and_its_line() {
    let town = Town::new();
    town.issue(1, "one", "One", "First words.\n\nDepends on #2.");
    town.issue(2, "two", "Two", "Depends on #1.");
    refused(&town, &["-i", "1", "-i", "2"]).says(&[
        "cycle: #1 → #2 → #1",
        "#1 depends on #2 (issues/1-one.md:5",
        "#2 depends on #1 (issues/2-two.md:3",
        "no mission was started",
    ]);
}

#[test]
fn an_issue_that_depends_on_itself_is_refused() {
    let town = Town::new();
    town.issue(3, "self", "Self", "Depends on #3.");
    refused(&town, &["-i", "3"]).says(&["cycle: #3 → #3", "issues/3-self.md:3"]);
}

#[test]
fn a_dangling_reference_is_refused_with_where_it_stands() {
    let town = Town::new();
    town.issue(1, "one", "One", "Depends on #99.");
    refused(&town, &["-i", "1"]).says(&["#1 depends on #99", "does not exist", "issues/1-one.md:3"]);
    refused(&town, &["-i", "77", "-i", "1", "-i", "78"]).says(&["no issue #77", "no issue #78"]);
}

#[test]
fn malformed_references_are_all_named() {
    let town = Town::new();
    town.issue(1, "one", "One", "Work.");
    refused(&town, &["-i", "x;y", "-i", "1", "-i", "0", "-i", "../1"]).says(&["x;y", "\"0\"", "../1"]);
    refused(&town, &["-i", ""]).says(&["malformed issue reference"]);
    refused(&town, &["-i", "99999999999999999999"]).says(&["99999999999999999999"]);
}

#[test]
fn an_issue_file_that_cannot_be_read_is_refused_by_its_name() {
    let town = Town::new();
    town.write("issues/1-latin.md", b"# Caf\xe9\n");
    refused(&town, &["-i", "1"]).says(&["issues/1-latin.md", "not UTF-8"]);
    town.issue(2, "a", "A", "Work.");
    town.issue(2, "b", "B", "Work.");
    refused(&town, &["-i", "2"]).says(&["issues/2-a.md", "issues/2-b.md", "several files"]);
    std::os::unix::fs::symlink("/etc/passwd", town.repo().join("issues/3-link.md")).expect("a link");
    let said = refused(&town, &["-i", "3"]).says(&["issues/3-link.md", "outside"]);
    assert!(!said.stderr.contains("root:"), "{}", said.stderr);
}

#[test]
fn a_manifest_is_refused_with_the_line_of_each_mistake() {
    let town = Town::new();
    town.issue(1, "one", "One", "Work.");
    let manifest = |text: &str| {
        fs::write(town.path().join("mission.toml"), text).expect("written");
        refused(&town, &["-i", "1", "-m", "../mission.toml"])
    };
    manifest("[[overrides]]\nissue = 1\nowner = \"x\"\n\n[policy]\nfast = true\n").says(&[
        "mission.toml:3: unknown key \"owner\"",
        "mission.toml:6: unknown key \"fast\"",
        "no mission was started",
    ]);
    manifest("[[overrides\n").says(&["mission.toml:1: not valid TOML"]);
    manifest("[[overrides]]\npriority = 1\n").says(&["mission.toml", "no \"issue\""]);
    manifest("[[overrides]]\nissue = 2\n").says(&["mission.toml:2", "#2 is not in this mission"]);
    manifest("[policy]\nmax_parallel = 0\n").says(&["mission.toml:2", "max_parallel = 0"]);
    refused(&town, &["-i", "1", "-m", "nowhere.toml"]).says(&["nowhere.toml", "cannot be read"]);
}

#[test]
fn a_cycle_made_by_the_manifest_names_the_manifest() {
    let town = Town::new();
    town.issue(1, "one", "One", "Work.");
    town.issue(2, "two", "Two", "Depends on #1.");
    town.write("mission.toml", "[[overrides]]\nissue = 1\ndepends_on = [2]\n");
    refused(&town, &["-i", "1", "-i", "2", "-m", "mission.toml"])
        .says(&["#1 depends on #2 (mission.toml:3", "#2 depends on #1 (issues/2-two.md:3"]);
}

#[test]
fn an_issue_in_an_unfinished_mission_is_refused_until_that_one_has_ended() {
    let town = Town::new();
    town.issue(1, "one", "One", "Work.");
    town.issue(2, "two", "Two", "Work.");
    let first = town.start_mission(&[1], &[]);
    let second = town.tt(&["mission", "start", "-i", "2", "-i", "1"]).exits(7);
    second.says(&["#1 is already in the unfinished mission", &first, "tt mission stop"]);
    assert_eq!(town.missions().len(), 1);
    town.tt(&["mission", "stop", &first, "--force"]).exits(0);
    town.start_mission(&[1, 2], &[]);
    assert_eq!(town.missions().len(), 2);
}

#[test]
fn a_mission_without_issues_or_without_room_for_an_agent_is_refused() {
    let town = Town::new();
    town.issue(1, "one", "One", "Work.");
    town.tt(&["mission", "start"]).exits(2).says(&["--issue"]);
    town.tt(&["mission", "start", "-i", "1", "--max-parallel", "many"]).exits(2).says(&["many"]);
    town.tt(&["mission", "start", "-i", "1", "--max-parallel", "-1"]).exits(2);
    refused(&town, &["-i", "1", "--max-parallel", "0"]).says(&["max_parallel = 0", "1 to 1000"]);
    refused(&town, &["-i", "1", "--max-parallel", "1001"]).says(&["1 to 1000"]);
    town.has_no_mission();
}

#[test]
fn a_configuration_with_a_mistake_is_refused_with_its_line() {
    let town = Town::new();
    let file = town.repo().join("tinytown.toml");
    let good = fs::read_to_string(&file).expect("it is there");
    let line = good.lines().count() + 2;
    for (more, words) in [("\nfast = 1\n", "fast"), ("\nfast =\n", "tinytown.toml:")] {
        fs::write(&file, format!("{good}{more}")).expect("written");
        town.tt(&["status"]).exits(5).says(&[&format!("tinytown.toml:{line}"), words, "correct it"]);
        town.tt(&["mission", "list"]).exits(5);
    }
    fs::write(&file, good.replace("max_parallel = 2", "max_parallel = 0")).expect("written");
    town.tt(&["mission", "start", "-i", "1"]).exits(5).says(&["tinytown.toml", "max_parallel = 0"]);
    fs::write(&file, good).expect("written");
    town.has_no_mission();
}

#[test]
fn a_configuration_that_is_no_text_is_refused() {
    let town = Town::new();
    town.write("tinytown.toml", b"name = \"\xff\"\n");
    let output = town.tt(&["status"]);
    assert_ne!(output.code, 0);
    output.says(&["tinytown.toml"]);
}

#[test]
fn a_key_that_does_not_exist_and_a_value_that_makes_no_sense_are_not_written() {
    let town = Town::new();
    let before = fs::read(town.repo().join("tinytown.toml")).expect("it is there");
    town.tt(&["config", "policy.fast", "1"]).exits(5).says(&["fast"]);
    town.tt(&["config", "policy.max_parallel", "0"]).exits(5).says(&["max_parallel"]);
    town.tt(&["config", "forge.base", "--upload-pack=x"]).exits(2);
    town.tt(&["config", "forge.base", "a..b"]).exits(5).says(&["forge.base"]);
    town.tt(&["config", "no.such.key"]).exits(5).says(&["no.such.key"]);
    assert_eq!(fs::read(town.repo().join("tinytown.toml")).expect("it is there"), before);
}

#[test]
fn a_database_of_a_newer_program_is_left_alone() {
    let town = Town::new();
    let database = town.repo().join(".tinytown/town.db");
    let mut bytes = settled(&town, &database);
    // Where SQLite keeps `user_version`, as its file format has it: four bytes, the highest first.
    bytes[60..64].copy_from_slice(&1_000_u32.to_be_bytes());
    fs::write(&database, &bytes).expect("written");
    for command in [&["status"][..], &["mission", "list"], &["spawn", "backend", "--cli", "script"]] {
        town.tt(command).exits(6).says(&["1000", "newer"]);
    }
    assert_eq!(fs::read(&database).expect("it is there"), bytes);
}

/// The database's bytes once nothing lies beside it any more; it can be read in that state.
fn settled(town: &Town, database: &Path) -> Vec<u8> {
    town.tt(&["status"]).exits(0);
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", database.display()));
    }
    let bytes = fs::read(database).expect("it is there");
    assert!(bytes.starts_with(b"SQLite format 3\0"));
    bytes
}

#[test]
fn a_database_that_is_none_is_refused() {
    let town = Town::new();
    let database = town.repo().join(".tinytown/town.db");
    settled(&town, &database);
    fs::write(&database, "no database at all, but long enough to have a header of its own\n".repeat(9))
        .expect("written");
    let output = town.tt(&["status"]);
    assert!([1, 6].contains(&output.code), "{output:?}");
    output.says(&["town.db"]);
}

#[test]
fn a_note_to_an_unknown_item_or_agent_is_refused_and_changes_nothing() {
    let town = Town::new();
    town.issue(1, "one", "One", "Work.");
    let id = town.start_mission(&[1], &[]);
    let note = |text: &str| town.tt(&["mission", "note", &id, text]);
    for text in ["retry #9", "approve #9", "skip #9", "merge #9", "redirect #9 to backend"] {
        note(text).exits(3).says(&["no item", "9"]);
    }
    note("approve").exits(5).says(&["name the item"]);
    note("redirect #1 to nobody").exits(3).says(&["no agent nobody"]);
    let status = town.status(&id);
    assert_eq!(status["notes"].as_array().map(Vec::len), Some(0), "{status:#}");
    assert_eq!(status["work_items"][0]["state"], "ready");
}

#[test]
fn a_stopped_mission_can_be_stopped_again_and_an_ended_one_cannot_be_resumed() {
    let town = Town::new();
    town.issue(1, "one", "One", "Work.");
    let id = town.start_mission(&[1], &[]);
    town.tt(&["mission", "stop", &id]).exits(0);
    let again = town.tt(&["mission", "stop", &id]).exits(0);
    assert!(again.stdout.contains("already"), "{}", again.stdout);
    town.tt(&["mission", "resume", &id[..8]]).exits(0);
    town.tt(&["mission", "stop", &id, "--force"]).exits(0);
    for command in [&["resume"][..], &["stop"], &["stop", "--force"]] {
        let (verb, more) = command.split_first().expect("a verb");
        let output = town.tt(&[&["mission", verb, &id], more].concat()).exits(7);
        output.says(&["has ended"]);
    }
    town.tt(&["mission", "note", &id, "resume"]).exits(7);
    assert_eq!(town.status(&id)["reason"], "stopped-by-operator");
}

#[test]
fn a_base_that_does_not_exist_is_refused_when_a_mission_starts() {
    let town = Town::new();
    town.issue(1, "one", "One", "Work.");
    town.configure("forge.base", "trunk");
    town.tt(&["mission", "start", "-i", "1"]).exits(7).says(&["trunk", "forge.base"]);
    town.has_no_mission();
}

#[test]
fn an_argument_that_is_no_text_for_terminals_cannot_steer_one() {
    let town = Town::new();
    let steering = "\u{1b}]0;owned\u{7}\u{202e}";
    for command in [["mission", "status", steering], ["mission", "start", steering], ["kill", "--", steering]]
    {
        let output = town.tt(&command);
        assert_ne!(output.code, 0);
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!output.stderr.contains(steers), "{:?}", output.stderr);
    }
}
