//! The commands in README.md and docs/*.md: each word of them exists, and blocks marked `sh run` are run.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tinytown_tests::support::{Place, WAIT_LIMIT, WORKS, poll, tt};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

/// README.md and docs/*.md, by name.
fn documents() -> Vec<(String, String)> {
    let docs = fs::read_dir(root().join("docs")).expect("docs").map(|entry| entry.expect("an entry").path());
    let files =
        docs.chain([root().join("README.md")]).filter(|file| file.extension().is_some_and(|it| it == "md"));
    let read = |file: PathBuf| {
        let text = fs::read_to_string(&file).expect("it can be read");
        (file.file_name().expect("a file").to_string_lossy().into_owned(), text)
    };
    files.map(read).collect()
}

/// The blocks of a document whose fence says `sh` or `console`: the fence's words and the lines.
fn blocks(text: &str) -> Vec<(String, Vec<String>)> {
    let mut blocks: Vec<(String, Vec<String>)> = Vec::new();
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        match line.strip_prefix("```") {
            Some(_) if inside => inside = false,
            Some(words) => {
                inside = true;
                blocks.push((words.to_owned(), Vec::new()));
            }
            None if inside => blocks.last_mut().expect("we are in one").1.push(line.to_owned()),
            None => {}
        }
    }
    blocks.retain(|(words, _)| words.starts_with("sh") || words.starts_with("console"));
    blocks
}

/// Every command of a document: in blocks, and between backquotes in its prose.
fn commands(text: &str) -> Vec<String> {
    let lines = blocks(text).into_iter().flat_map(|(_, lines)| lines);
    let lines =
        lines.map(|line| line.split(" # ").next().unwrap_or_default().trim_start_matches("$ ").to_owned());
    let parts = lines.flat_map(|line| line.split("&&").map(str::to_owned).collect::<Vec<_>>());
    let prose = text.split("```").step_by(2).flat_map(|prose| prose.split('`').skip(1).step_by(2));
    let prose = prose.map(|code| code.replace('\n', " "));
    let known = |command: &String| ["tt ", "cargo "].iter().any(|program| command.starts_with(program));
    parts.chain(prose).map(|command| command.trim().to_owned()).filter(known).collect()
}

/// What is wrong with a command, if anything is.
fn wrong(place: &Place, command: &str) -> Option<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    match words.as_slice() {
        ["tt", words @ ..] | ["cargo", "run", "--release", "--", words @ ..] => wrong_tt(place, words),
        ["cargo", "xtask", word, ..] => {
            let usage = fs::read_to_string(root().join("xtask/src/main.rs")).expect("xtask");
            (!usage.contains(&format!("\n  {word} "))).then(|| format!("xtask has no word {word}"))
        }
        ["cargo", "install", "--path", path, ..] => {
            (!root().join(path).join("Cargo.toml").is_file()).then(|| format!("there is no crate in {path}"))
        }
        ["cargo", "test", "-p", package, ..] => {
            let folder =
                if *package == "tinytown-tests" { "tests".to_owned() } else { format!("crates/{package}") };
            (!root().join(&folder).join("Cargo.toml").is_file())
                .then(|| format!("there is no package {package}"))
        }
        _ => None,
    }
}

/// Its subcommands and options are asked of its own help.
fn wrong_tt(place: &Place, words: &[&str]) -> Option<String> {
    let depth = if words.first() == Some(&"mission") { 2 } else { 1 };
    let path: Vec<&str> = words.iter().copied().take(depth).collect();
    let help = place.tt(&[&path[..], &["--help"]].concat());
    if help.code != 0 {
        return Some(format!("there is no tt {}", path.join(" ")));
    }
    let options = words
        .iter()
        .filter(|word| word.starts_with('-'))
        .map(|word| word.split('=').next().unwrap_or_default());
    let unknown = options.into_iter().find(|option| {
        !help.stdout.split([' ', ',', '\n', '=']).any(|word| word.trim_matches(['[', ']']) == *option)
    });
    unknown.map(|option| format!("tt {} has no option {option}", path.join(" ")))
}

#[test]
fn every_command_in_the_documents_exists() {
    let place = Place::new();
    let mut seen = 0;
    for (name, text) in documents() {
        for command in commands(&text) {
            seen += 1;
            let wrong = wrong(&place, &command);
            assert_eq!(wrong, None, "{name}: {command}");
        }
    }
    assert!(seen > 30, "only {seen} commands were found");
}

#[test]
fn a_command_that_does_not_exist_is_noticed() {
    let place = Place::new();
    let text = "`tt mission plot ID` `tt mission stop ID --gently`\n```sh\ncargo xtask dance && tt nonsense # x\n```\n`tt logs NAME -f`";
    let wrong: Vec<String> = commands(text).iter().filter_map(|command| wrong(&place, command)).collect();
    assert_eq!(
        wrong,
        [
            "xtask has no word dance",
            "there is no tt nonsense",
            "there is no tt mission plot",
            "tt mission stop has no option --gently",
        ]
    );
}

/// A folder for `PATH` with `tt`, stand-ins for the agent CLIs, for cargo and for the editor.
fn programs(place: &Place) -> PathBuf {
    let folder = place.path().join("bin");
    fs::create_dir(&folder).expect("a folder");
    std::os::unix::fs::symlink(tt(), folder.join("tt")).expect("linked");
    let editor = "printf '# Design auth API\\n\\nDesign it.\\n' > \"$1\"\n";
    for (name, script) in
        [("claude", WORKS), ("auggie", WORKS), ("codex", WORKS), ("cargo", "exit 0\n"), ("editor", editor)]
    {
        let file = folder.join(name);
        fs::write(&file, format!("#!/bin/sh\n{script}")).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("ours");
    }
    folder
}

/// The user's own repository is one with two of the three issues, the first being written in the block.
fn your_repository(place: &Place) {
    place.git_init();
    place.write(
        "../repo/issues/2-implement-auth-endpoints.md",
        "# Implement auth endpoints\n\nDepends on #1.\n",
    );
    place.write("../repo/issues/3-write-auth-tests.md", "# Write auth tests\n\nAfter #2.\n");
    place.commit("Begin");
    fs::rename(place.repo(), place.path().join("your-repository")).expect("renamed");
    fs::create_dir(place.repo()).expect("a folder");
    fs::rename(place.path().join("your-repository"), place.repo().join("your-repository")).expect("moved");
    place.write("../home/.gitconfig", "[user]\n\tname = Story\n\temail = story@localhost\n");
}

/// Runs a block to the end of its mission, as a person types it.
fn run(name: &str, lines: &[String]) {
    let mut place = Place::new();
    your_repository(&place);
    let programs = programs(&place);
    let path = std::env::join_paths(
        std::iter::once(programs.clone())
            .chain(std::env::split_paths(&std::env::var_os("PATH").expect("there is one"))),
    );
    place.env("PATH", path.expect("a PATH"));
    place.write("block.sh", lines.join("\n"));
    let mut shell = place.tt_command(&[]);
    let environment: Vec<_> =
        shell.get_envs().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect();
    shell = place.command("sh");
    shell.args(["-eux", "block.sh"]).envs(environment).env("EDITOR", "editor");
    let mut running = place.start(shell);
    let town = place.repo().join("your-repository").display().to_string();
    let done = poll(WAIT_LIMIT, || {
        let missions = place.tt(&["--town", &town, "mission", "list", "--all", "--json"]);
        let completed = missions.stdout.contains("\"state\": \"completed\"");
        (completed || !running.is_running()).then_some(completed)
    });
    assert_eq!(done, Some(true), "{name}: {}", running.said());
    running.kill();
}

#[test]
fn the_blocks_that_are_marked_so_are_run_to_the_end_of_their_mission() {
    let mut run_blocks = 0;
    for (name, text) in documents() {
        for (_, lines) in blocks(&text).iter().filter(|(words, _)| words == "sh run") {
            run(&name, lines);
            run_blocks += 1;
        }
    }
    assert!(run_blocks > 0, "no block is marked `sh run`");
}
