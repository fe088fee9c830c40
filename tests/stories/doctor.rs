//! `tt doctor` as a person meets it: a healthy town, and everything that can be wrong with one. The
//! snapshots are what is printed, with places, processes and sizes that differ from run to run named.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tinytown_host::process::{Signal, signal};
use tinytown_tests::support::{Place, Town, files_below, poll};

/// What differs from run to run, and how snapshots name it.
const NAMED: [(&str, &str); 5] = [
    (r"git \d+\.\d+[^\s]*", "git [VERSION]"),
    (r"process \d+ on [^\s:;,]+", "process [PID] on [HOST]"),
    (r"process \d+", "process [PID]"),
    (r"\d+(\.\d+)? [GMK]iB", "[SIZE]"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[MISSION]"),
];

/// Asks the doctor, compares what is printed, and its exit code.
#[track_caller]
fn says(place: &Place, name: &str, code: i32) {
    let output = place.tt(&["doctor"]).exits(code);
    assert_eq!(output.stderr, "", "everything is data");
    let mut named = NAMED.to_vec();
    let path = place.path().display().to_string();
    named.insert(0, (path.as_str(), "[PLACE]"));
    insta::with_settings!({ filters => named }, { compare(name, &output.stdout) });
}

/// Compares with the snapshot of that name.
#[track_caller]
fn compare(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => "../snapshots/doctor",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, text);
    });
}

/// The findings of one sort, as `LEVEL: message`.
fn findings(place: &Place, code: &str) -> Vec<String> {
    let output = place.tt(&["doctor", "--json"]);
    let report: Value = serde_json::from_str(&output.stdout).expect("JSON");
    assert_eq!(report["healthy"], output.code == 0, "{report:#}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = report["findings"].as_array().expect("findings").iter();
    assert!(all.clone().all(|one| one["mend"].is_null() == (one["level"] == "ok")), "{report:#}");
    all.filter(|one| one["code"] == code)
        .map(|one| format!("{}: {}", text(&one["level"]), text(&one["message"])))
        .collect()
}

/// Every file with its bytes, its rights and when it was changed.
fn everything(folder: &Path) -> BTreeMap<PathBuf, (u32, std::time::SystemTime, Vec<u8>)> {
    let state = |file: PathBuf| {
        let found = file.symlink_metadata().expect("it is there");
        let changed = found.modified().expect("it has a time");
        (file.clone(), (found.permissions().mode(), changed, fs::read(&file).unwrap_or_default()))
    };
    // What SQLite's readers share in memory is nobody's data.
    let data = |file: &PathBuf| !file.ends_with("town.db-shm");
    files_below(folder).into_iter().filter(data).map(state).collect()
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

/// A folder for `PATH` that holds git and the shell, and no agent CLI whatever this machine has.
fn bare_path(place: &mut Place) {
    let folder = place.path().join("bin");
    fs::create_dir(&folder).expect("a folder");
    let path = std::env::var_os("PATH").expect("there is one");
    for program in ["git", "sh"] {
        let found =
            std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file());
        std::os::unix::fs::symlink(found.expect("it is installed"), folder.join(program)).expect("linked");
    }
    place.env("PATH", folder);
}

/// A town with an issue.
fn town() -> Town {
    let town = Town::new();
    town.issue(1, "one", "One", "Work.");
    town
}

fn database(town: &Town) -> PathBuf {
    town.repo().join(".tinytown/town.db")
}

#[test]
fn a_healthy_town_is_told_line_by_line() {
    let town = town();
    town.spawn_worker("backend", None);
    let _dispatcher = town.dispatcher();
    let beats = || findings(&town, "dispatcher").first().is_some_and(|line| line.contains("heartbeat seen"));
    poll(Duration::from_secs(20), || beats().then_some(())).expect("a dispatcher");
    says(&town, "healthy_town", 0);
}

#[test]
fn a_town_where_nobody_works_is_told_what_to_start() {
    says(&town(), "nobody_works", 0);
}

#[test]
fn a_shared_repository_is_looked_at_where_the_town_names_one() {
    let town = Town::new();
    let found = || findings(&town, "remote");
    assert_eq!(found(), [""; 0]);
    town.configure("forge.remote", "origin");
    let missing = "error: forge.remote names \"origin\", and the repository has no remote of that name";
    assert_eq!(found(), [missing]);
    town.git(&["init", "--quiet", "--bare", "../shared.git"]);
    town.git(&["remote", "add", "origin", "../shared.git"]);
    let address = town.repo().join("../shared.git").display().to_string();
    let empty = format!("error: the shared repository {address} has no branch \"main\", the configured base");
    assert_eq!(found(), [empty]);
    town.git(&["push", "--quiet", "origin", "main"]);
    assert_eq!(found(), [format!("ok: shared repository {address} with the base branch main")]);
    assert!(!town.repo().join(".tinytown/mirror.git").exists(), "looking copies nothing");
    fs::remove_dir_all(&address).expect("removed");
    assert!(found()[0].starts_with(&format!("error: `git ls-remote {address}` failed")), "{:?}", found());
}

#[test]
fn looking_changes_nothing() {
    let town = town();
    let before = everything(&town.repo());
    town.tt(&["doctor"]).exits(0);
    town.tt(&["doctor", "--json"]).exits(0);
    let after = everything(&town.repo());
    let changed: Vec<&PathBuf> =
        before.keys().chain(after.keys()).filter(|file| before.get(*file) != after.get(*file)).collect();
    assert!(changed.is_empty(), "{changed:?}");
}

#[test]
fn where_no_town_is_it_says_how_to_make_one() {
    let mut place = Place::new();
    place.git_init();
    place.commit("Begin");
    bare_path(&mut place);
    says(&place, "no_town", 3);
}

#[test]
fn a_town_that_is_in_no_repository_is_told_so() {
    let town = town();
    fs::remove_dir_all(town.repo().join(".git")).expect("removed");
    says(&town, "not_a_repository", 7);
}

#[test]
fn a_repository_without_a_commit_is_told_so() {
    let town = town();
    fs::remove_dir_all(town.repo().join(".git")).expect("removed");
    town.git_init();
    says(&town, "unborn_repository", 7);
}

#[test]
fn everything_that_is_wrong_with_the_configuration_is_told_at_once() {
    let town = town();
    let file = town.repo().join("tinytown.toml");
    let text = fs::read_to_string(&file).expect("it is there");
    let text = text.replace("max_parallel = 2", "max_parallel = 0\nmax_paralel = 3");
    let text = text
        .replace("agent_lease_ms = 1000", "agent_lease_ms = 1")
        .replace("[store]", "[stroe]\na = 1\n[store]");
    fs::write(&file, text).expect("written");
    says(&town, "broken_configuration", 5);
}

#[test]
fn a_configuration_that_is_no_toml_or_no_text_is_told_so() {
    let town = town();
    town.write("tinytown.toml", "name = \"x\"\nfast =\n");
    assert!(
        findings(&town, "config")[0].starts_with("error: tinytown.toml:2: "),
        "{:?}",
        findings(&town, "config")
    );
    town.write("tinytown.toml", b"name = \"\xff\"\n");
    let found = findings(&town, "config");
    assert!(found[0].starts_with("error: could not read "), "{found:?}");
    town.tt(&["doctor"]).exits(5);
}

#[test]
fn issues_that_cannot_be_read_are_named() {
    let town = town();
    town.write("issues/2-two.md", "# Two\n");
    town.write("issues/002-again.md", "# Two again\n");
    town.write("issues/3-latin.md", b"# Caf\xe9\n");
    town.write("issues/4-no-heading.md", "Do it.\n");
    town.tt(&["config", "default_cli", "script"]).exits(0);
    says(&town, "unreadable_issues", 5);
}

#[test]
fn a_missing_folder_of_issues_and_a_missing_check_are_told() {
    let town = town();
    town.configure("forge.issues", "tickets");
    assert_eq!(findings(&town, "issues"), ["warning: the folder of issues, tickets, is missing"]);
    town.tt(&["doctor"]).exits(0);
    let file = town.repo().join("tinytown.toml");
    let text = fs::read_to_string(&file).expect("it is there").replace("check = \"true\"", "# no check");
    fs::write(&file, text).expect("written");
    assert_eq!(
        findings(&town, "check"),
        ["warning: no check is configured: nothing is tested before a merge"]
    );
}

#[test]
fn a_missing_agent_cli_is_told_with_its_package() {
    let town = town();
    let path = town.repo().join("tinytown.toml");
    let text = fs::read_to_string(&path).expect("it is there").replace("\"script\"", "\"claude\"");
    fs::write(&path, format!("{text}\n[cli.mine]\ncommand = [\"/no/such/agent\"]\n")).expect("written");
    let mut bare = Place::new();
    bare_path(&mut bare);
    let mut command = town.tt_command(&["doctor"]);
    command.env("PATH", bare.path().join("bin"));
    let output = town.run(command).exits(6);
    let clis: Vec<&str> = output
        .stdout
        .lines()
        .skip_while(|line| !line.contains("agent CLI"))
        .take_while(|line| !line.contains("no agent is there"))
        .collect();
    compare("missing_agent_cli", &clis.join("\n"));
}

#[test]
fn files_that_others_may_read_are_told_with_the_command_that_mends_them() {
    let town = town();
    chmod(&town.repo().join(".tinytown"), 0o755);
    chmod(&database(&town), 0o644);
    fs::remove_file(town.repo().join(".tinytown/.gitignore")).expect("removed");
    says(&town, "wrong_modes", 0);
    chmod(&town.repo().join(".tinytown"), 0o700);
    chmod(&database(&town), 0o600);
    let folder = findings(&town, "folder");
    assert!(folder.iter().all(|line| !line.contains("mode")), "{folder:?}");
}

#[test]
fn a_damaged_store_is_told_with_how_to_put_it_aside() {
    let town = town();
    for suffix in ["-wal", "-shm"] {
        fs::remove_file(format!("{}{suffix}", database(&town).display())).expect("it is there");
    }
    fs::write(database(&town), "no database at all, but long enough to have a header of its own\n".repeat(9))
        .expect("written");
    says(&town, "damaged_store", 6);
}

#[test]
fn a_store_that_is_missing_or_elsewhere_is_told_like_any_command_would() {
    let town = town();
    fs::remove_file(database(&town)).expect("removed");
    let found = findings(&town, "store");
    assert!(found[0].starts_with("error: ") && found[0].contains("town.db"), "{found:?}");
    town.tt(&["doctor"]).exits(3);
    let with_store = |url: &str| {
        let mut command = town.tt_command(&["doctor"]);
        command.env("TINYTOWN_STORE", url);
        town.run(command)
    };
    let redis = with_store("redis://me:secret@127.0.0.1:1/0").exits(6).stdout;
    assert!(redis.contains("redis://127.0.0.1:1/0 is not available") && !redis.contains("secret"), "{redis}");
    with_store("nonsense").exits(5);
}

#[test]
fn a_base_that_is_missing_is_told() {
    let town = town();
    town.configure("forge.base", "trunk");
    let found = findings(&town, "repository");
    assert!(found[0].starts_with("error: ") && found[0].contains("trunk"), "{found:?}");
    town.tt(&["doctor"]).exits(7);
}

#[test]
fn work_that_nobody_may_take_and_workers_that_died_are_told() {
    let town = town();
    town.write("issues/2-two.md", "---\nlabels: [\"role:architect\"]\n---\n# Two\n\nDraw it.\n");
    town.commit("Issue 2");
    town.spawn_worker("backend", None);
    town.spawn_worker("tester", None);
    town.start_mission(&[1, 2], &["--no-reviewer"]);
    for left in town.processes_left() {
        if left.command.contains(" work ") && left.command.ends_with("tester") {
            signal(&left.process, Signal::Kill).expect("killed");
            poll(Duration::from_secs(10), || (!left.process.is_alive()).then_some(())).expect("gone");
        }
    }
    says(&town, "nobody_for_the_work", 0);
}

#[test]
fn a_mission_that_waits_on_a_person_is_named() {
    let town = town();
    town.agent_script("cat > /dev/null\nprintf '{\"outcome\": \"stuck\", \"summary\": \"which colour?\"}' > \"$TINYTOWN_RESULT\"\n");
    town.spawn_worker("backend", None);
    let mission = town.start_mission(&[1], &["--no-reviewer"]);
    let dispatcher = town.dispatcher();
    town.wait_until(&mission, |status| status["state"] == "blocked");
    dispatcher.stop().exits(0);
    says(&town, "waits_on_a_person", 0);
}

#[test]
fn a_dispatcher_that_is_paused_is_told_by_its_heartbeat() {
    let town = town();
    let dispatcher = town.dispatcher();
    let seen = |words: &str| findings(&town, "dispatcher").first().is_some_and(|line| line.contains(words));
    poll(Duration::from_secs(20), || seen("heartbeat seen").then_some(())).expect("a dispatcher");
    dispatcher.signal(Signal::Stop);
    assert!(seen("shows no sign of life"), "{:?}", findings(&town, "dispatcher"));
    dispatcher.signal(Signal::Continue);
}
