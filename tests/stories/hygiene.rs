//! What must not reach `tt`, what must not leave it, and what it must leave as it was: the user's
//! environment and git configuration, secrets, hooks, and what agents configure in their checkouts.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tinytown_tests::support::{Place, Town, files_below, tt};

/// Every hook that git knows and that a mission could run into.
const HOOKS: [&str; 17] = [
    "applypatch-msg",
    "commit-msg",
    "fsmonitor-watchman",
    "post-checkout",
    "post-commit",
    "post-index-change",
    "post-merge",
    "post-receive",
    "post-rewrite",
    "post-update",
    "pre-auto-gc",
    "pre-commit",
    "pre-merge-commit",
    "pre-push",
    "pre-receive",
    "prepare-commit-msg",
    "reference-transaction",
];

/// An agent that commits its work itself, as its checkout is set up.
const COMMITS: &str = "cat > /dev/null\necho work > work.txt\ngit add work.txt\ngit commit -q -m Work\n";

/// The contents of files, by path.
type Contents = BTreeMap<PathBuf, Vec<u8>>;

/// A repository with one commit; no town yet.
fn repository() -> Place {
    let place = Place::new();
    place.git_init();
    place.write("issues/1-one.md", "# One\n\nWork.\n");
    place.commit("Begin");
    place
}

/// Lets one worker do the mission over issue 1 to its end; it is merged.
#[track_caller]
fn completes(town: &Town) -> Value {
    town.spawn_worker("backend", None);
    let mission = town.start_mission(&[1], &["--no-reviewer", "--auto-merge"]);
    let dispatcher = town.dispatcher();
    let status = town.wait_completed(&mission);
    dispatcher.stop().exits(0);
    assert_eq!(town.merges().len(), 1);
    status
}

/// The command that tells on whoever runs it: it makes a file `canary-…`.
fn touch(place: &Place, whom: &str) -> String {
    format!("touch {}", place.path().join(format!("canary-{whom}")).display())
}

/// Says that nobody ran one of those commands.
#[track_caller]
fn nothing_sang(place: &Place) {
    let name = |file: &PathBuf| file.file_name().map(|name| name.to_string_lossy().into_owned());
    let files = files_below(place.path());
    let sang: Vec<String> = files.iter().filter_map(name).filter(|name| name.starts_with("canary")).collect();
    assert!(sang.is_empty(), "{sang:?}");
}

/// Writes every hook into a folder; each tells on whoever runs it, and fails.
fn write_hooks(place: &Place, folder: &Path) {
    for hook in HOOKS {
        let file = folder.join(hook);
        place.write(&file, format!("#!/bin/sh\n{}\nexit 1\n", touch(place, hook)));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }
}

fn contents(files: impl IntoIterator<Item = PathBuf>) -> Contents {
    files.into_iter().map(|file| (file.clone(), fs::read(&file).expect("it can be read"))).collect()
}

/// What is the user's alone while the base is not checked out: configuration, index, HEAD, hooks, and
/// the files of the working tree.
fn of_the_user(place: &Place) -> Contents {
    let git = place.repo().join(".git");
    let own = ["config", "HEAD", "index", "description"].map(|name| git.join(name));
    let kept = |file: &PathBuf| !file.starts_with(&git) && !file.starts_with(place.repo().join(".tinytown"));
    let tree = files_below(&place.repo()).into_iter().filter(kept);
    contents(own.into_iter().filter(|file| file.exists()).chain(files_below(&git.join("hooks"))).chain(tree))
}

#[track_caller]
fn is_unchanged(before: &Contents, after: &Contents) {
    let differs = |file: &&PathBuf| before.get(*file) != after.get(*file);
    let all: Vec<&PathBuf> = before.keys().chain(after.keys()).filter(differs).collect();
    assert!(all.is_empty(), "changed: {all:?}");
}

#[test]
fn the_users_git_environment_reaches_nothing() {
    let mut place = repository();
    let decoy = place.path().join("decoy");
    place.git(&["clone", "--quiet", "--", ".", "../decoy"]);
    place.git(&["-C", "../decoy", "config", "user.name", "Decoy"]);
    place.git(&["-C", "../decoy", "config", "remote.origin.url", "https://github.com/acme/decoy"]);
    let before = contents(files_below(&decoy));
    let hooks = place.path().join("evil-hooks");
    write_hooks(&place, &hooks);
    let git_dir = decoy.join(".git");
    place.env("GIT_DIR", &git_dir);
    place.env("GIT_INDEX_FILE", git_dir.join("index"));
    place.env("GIT_WORK_TREE", &decoy);
    place.env("GIT_OBJECT_DIRECTORY", git_dir.join("objects"));
    place.env("GIT_COMMON_DIR", &git_dir);
    place.env("GIT_NAMESPACE", "decoy");
    place.env("GIT_EXTERNAL_DIFF", touch(&place, "diff"));
    place.env("GIT_SSH_COMMAND", touch(&place, "ssh"));
    place.env("GIT_EDITOR", touch(&place, "editor"));
    place.env("GIT_PAGER", touch(&place, "pager"));
    place.env("GIT_CONFIG_COUNT", "2");
    place.env("GIT_CONFIG_KEY_0", "core.hooksPath");
    place.env("GIT_CONFIG_VALUE_0", &hooks);
    place.env("GIT_CONFIG_KEY_1", "core.fsmonitor");
    place.env("GIT_CONFIG_VALUE_1", touch(&place, "fsmonitor"));
    let town = Town::found(place);
    completes(&town);
    is_unchanged(&before, &contents(files_below(&decoy)));
    fs::remove_dir_all(&hooks).expect("removed");
    nothing_sang(&town);
}

#[test]
fn init_reads_the_repository_that_it_stands_in_whatever_the_git_environment_says() {
    let mut place = repository();
    place.git(&["clone", "--quiet", "--", ".", "../decoy"]);
    place.git(&["-C", "../decoy", "config", "remote.origin.url", "https://github.com/acme/decoy"]);
    place.env("GIT_DIR", place.path().join("decoy/.git"));
    place.env("GIT_TRACE", place.path().join("canary-trace"));
    place.tt(&["init"]).exits(0);
    let config = fs::read_to_string(place.repo().join("tinytown.toml")).expect("it was made");
    assert!(config.contains("kind = \"local\"") && !config.contains("acme/decoy"), "{config}");
    nothing_sang(&place);
}

#[test]
fn work_is_committed_under_the_repositorys_identity_whatever_the_git_environment_says() {
    let mut place = repository();
    place.git(&["clone", "--quiet", "--", ".", "../decoy"]);
    place.git(&["-C", "../decoy", "config", "user.name", "Decoy"]);
    place.env("GIT_DIR", place.path().join("decoy/.git"));
    let town = Town::found(place);
    town.agent_script(COMMITS);
    completes(&town);
    let authors = town.git(&["log", "--no-merges", "--format=%an", "main", "--", "work.txt"]);
    assert_eq!(authors, "backend\n");
}

#[test]
fn hooks_of_the_repository_and_a_hostile_configuration_of_the_user_run_nothing_and_stay() {
    let place = repository();
    let home = place.home();
    write_hooks(&place, &home.join("hooks"));
    write_hooks(&place, &home.join("template/hooks"));
    let run = |whom: &str| touch(&place, whom);
    let config = format!(
        "[core]\n\thooksPath = {home}/hooks\n\teditor = false\n\tfsmonitor = {fsmonitor}\n\tpager = {pager}\n\
         [init]\n\ttemplateDir = {home}/template\n\tdefaultBranch = elsewhere\n\
         [commit]\n\tgpgSign = true\n[tag]\n\tgpgSign = true\n[gpg]\n\tprogram = false\n\
         [diff]\n\texternal = {diff}\n[user]\n\tuseConfigOnly = true\n[protocol \"file\"]\n\tallow = never\n\
         [alias]\n\tcommit-tree = \"!{alias}\"\n\tfetch = \"!{alias}\"\n[merge]\n\tff = only\n\
         [log]\n\tshowSignature = true\n[transfer]\n\tfsckObjects = true\n",
        home = home.display(),
        fsmonitor = run("fsmonitor"),
        pager = run("pager"),
        diff = run("diff"),
        alias = run("alias"),
    );
    fs::write(home.join(".gitconfig"), config).expect("written");
    write_hooks(&place, &place.repo().join(".git/hooks"));
    let town = Town::found(place);
    town.git(&["checkout", "--quiet", "-b", "feature"]);
    let before = of_the_user(&town);
    let main = town.git(&["rev-parse", "main"]);
    completes(&town);
    is_unchanged(&before, &of_the_user(&town));
    assert_ne!(town.git(&["rev-parse", "main"]), main);
    for folder in [home.join("hooks"), home.join("template"), town.repo().join(".git/hooks")] {
        fs::remove_dir_all(folder).expect("removed");
    }
    nothing_sang(&town);
}

#[test]
fn a_home_without_an_identity_is_enough_and_commits_name_the_agent() {
    let town = Town::new();
    town.issue(1, "one", "One", "Work.");
    town.agent_script(COMMITS);
    completes(&town);
    let authors = town.git(&["log", "--no-merges", "--format=%an <%ae>|%cn", "main", "--", "work.txt"]);
    assert_eq!(authors, "backend <backend@tinytown.localhost>|backend\n");
}

#[test]
fn work_is_committed_under_the_identity_that_the_repository_names() {
    let town = Town::new();
    town.issue(1, "one", "One", "Work.");
    town.agent_script(COMMITS);
    town.git(&["config", "user.name", "Ada"]);
    town.git(&["config", "user.email", "ada@localhost"]);
    completes(&town);
    let authors = town.git(&["log", "--no-merges", "--format=%an <%ae>", "main", "--", "work.txt"]);
    assert_eq!(authors, "Ada <ada@localhost>\n");
}

#[test]
fn an_address_of_redis_in_the_environment_changes_nothing() {
    let mut place = repository();
    place.env("REDIS_URL", "redis://127.0.0.1:1/0");
    let town = Town::found(place);
    let config = fs::read_to_string(town.repo().join("tinytown.toml")).expect("it is there");
    assert!(
        config.contains("url = \"sqlite:.tinytown/town.db\"") && !config.contains("127.0.0.1"),
        "{config}"
    );
    completes(&town);
}

#[test]
fn tt_in_an_agents_checkout_acts_on_the_town_that_made_it() {
    let town = Town::found(repository());
    let tt = tt().display().to_string();
    town.agent_script(&format!(
        "cat > /dev/null\nout=\"$TINYTOWN_DIR/../said\"\n\
         '{tt}' mission list --json > \"$out/named.json\" 2>&1\n\
         '{tt}' init > \"$out/named-init.txt\" 2>&1; echo $? >> \"$out/named-init.txt\"\n\
         unset TINYTOWN_DIR\n\
         '{tt}' mission list --json > \"$out/found.json\" 2>&1\n\
         '{tt}' init --name inner > \"$out/found-init.txt\" 2>&1; echo $? >> \"$out/found-init.txt\"\n\
         ls -a > \"$out/listed.txt\"\necho work > work.txt\n"
    ));
    let before = fs::read(town.repo().join("tinytown.toml")).expect("it is there");
    let status = completes(&town);
    let read =
        |name: &str| fs::read_to_string(town.path().join("said").join(name)).expect("the agent wrote it");
    for name in ["named.json", "found.json"] {
        let list: Value = serde_json::from_str(&read(name)).expect("JSON");
        assert_eq!(list["missions"][0]["id"], status["id"], "{name}: {list:#}");
    }
    assert!(read("named-init.txt").contains("nothing was changed"), "{}", read("named-init.txt"));
    assert!(read("found-init.txt").contains("a checkout made for an agent"), "{}", read("found-init.txt"));
    assert!(read("found-init.txt").ends_with("\n7\n"), "{}", read("found-init.txt"));
    assert!(!read("listed.txt").lines().any(|name| name == ".tinytown"), "{}", read("listed.txt"));
    assert_eq!(fs::read(town.repo().join("tinytown.toml")).expect("it is there"), before);
}

/// An agent that commits work, leaves some uncommitted, and configures whatever git would run.
fn configures_everything(town: &Town) -> String {
    let run = |whom: &str| touch(town, whom);
    let (place, repo) = (town.path().display(), town.repo());
    format!(
        r"cat > /dev/null
echo committed > committed.txt
git -c user.name=a -c user.email=a@localhost add committed.txt
git -c user.name=a -c user.email=a@localhost commit -q -m 'Tinytown-Item: 00000000-0000-4000-8000-000000000001 #9'
echo '* filter=evil diff=evil merge=evil' > .gitattributes
echo '* filter=evil diff=evil merge=evil' > .git/info/attributes
echo left > left.txt
mkdir -p .git/hooks
cp {place}/evil-hooks/* .git/hooks/
git config filter.evil.clean '{clean}; cat'
git config filter.evil.smudge '{smudge}; cat'
git config filter.evil.process '{process}'
git config filter.evil.required true
git config diff.evil.command '{diff}'
git config diff.evil.textconv '{diff}'
git config merge.evil.driver '{merge}'
git config diff.external '{diff}'
git config core.sshCommand '{ssh}'
git config core.pager '{pager}'
git config gpg.program '{gpg}'
git config commit.gpgSign true
git config uploadpack.packObjectsHook '{upload}'
git config core.worktree '{repo}'
git config core.fsmonitor '{fsmonitor}'
git config core.hooksPath .git/hooks
",
        clean = run("clean"),
        smudge = run("smudge"),
        process = run("process"),
        diff = run("diff"),
        merge = run("merge"),
        ssh = run("ssh"),
        pager = run("pager"),
        gpg = run("gpg"),
        upload = run("upload"),
        fsmonitor = run("fsmonitor"),
        repo = repo.display(),
    )
}

#[test]
fn what_an_agent_configures_in_its_checkout_runs_nowhere() {
    let town = Town::found(repository());
    write_hooks(&town, &town.path().join("evil-hooks"));
    town.agent_script(&configures_everything(&town));
    town.git(&["checkout", "--quiet", "-b", "feature"]);
    let before = of_the_user(&town);
    completes(&town);
    is_unchanged(&before, &of_the_user(&town));
    fs::remove_dir_all(town.path().join("evil-hooks")).expect("removed");
    let hooks = files_below(town.path()).into_iter().filter(|file| file.ends_with("pre-commit")).count();
    assert!(hooks <= 1, "at most the agent's own checkout holds its hooks");
    nothing_sang(&town);
    assert_eq!(town.git(&["show", "main:committed.txt", "main:left.txt"]), "committed\nleft\n");
}

#[test]
fn an_agent_cannot_pretend_that_another_item_was_merged() {
    let town = Town::found(repository());
    town.issue(2, "two", "Two", "Work.");
    town.issue(3, "three", "Three", "Depends on #2.");
    let trailer = "-m \"Tinytown-Item: $TINYTOWN_MISSION #2\"";
    town.agent_script(&format!(
        "{COMMITS}git commit -q --allow-empty -m Claim {trailer}\n\
         git reset -q --hard \"$(git commit-tree 'HEAD^{{tree}}' -p HEAD -p HEAD~1 -m Merge {trailer})\"\n"
    ));
    completes(&town);
    assert!(town.git(&["log", "--format=%B", "main"]).matches("#2").count() >= 2, "the claims were merged");
    let mission = town.start_mission(&[3], &[]);
    let item = town.status(&mission)["work_items"][0].clone();
    assert_eq!((&item["state"], &item["wait"]["code"]), (&"pending".into(), &"external".into()), "{item:#}");
}

#[test]
fn an_agent_that_makes_a_shambles_of_its_repository_stops_nobody_else() {
    let town = Town::found(repository());
    town.issue(2, "two", "Two", "Work.");
    town.agent_script(
        r#"cat > /dev/null
if [ "$TINYTOWN_ITEM" = '#1' ] && [ "$TINYTOWN_ATTEMPT" = 1 ]; then
    rm -rf .git
    exit 0
fi
echo "$TINYTOWN_ITEM" > "work-${TINYTOWN_ITEM#?}.txt"
"#,
    );
    town.spawn_worker("backend", None);
    let mission = town.start_mission(&[1, 2], &["--no-reviewer", "--auto-merge"]);
    let dispatcher = town.dispatcher();
    town.wait_completed(&mission);
    dispatcher.stop().exits(0);
    assert_eq!(town.merges().len(), 2);
}

#[test]
fn a_secret_of_the_environment_is_written_nowhere_and_told_to_nobody() {
    const SECRET: &str = "canary-value-3f8a51c0";
    let mut place = repository();
    for name in ["CANARY_TOKEN", "GITHUB_TOKEN", "GH_TOKEN", "AWS_SECRET_ACCESS_KEY", "SSH_ASKPASS"] {
        place.env(name, SECRET);
    }
    let town = Town::found(place);
    let folder = town.path().display().to_string();
    town.agent_script(&format!(
        "cat > '{folder}/prompt.txt'; env > '{folder}/agent.txt'; echo x > work.txt\n"
    ));
    town.check(&format!("env > '{folder}/check.txt'"));
    completes(&town);
    for found in town.processes_left() {
        assert!(!found.command.contains(SECRET), "{found:?}");
    }
    let holds = |file: &PathBuf| {
        let bytes = fs::read(file).unwrap_or_default();
        bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes())
    };
    let found: Vec<PathBuf> = files_below(town.path()).into_iter().filter(holds).collect();
    assert!(found.is_empty(), "{found:?}");
    for file in ["agent.txt", "check.txt"] {
        let text = fs::read_to_string(town.path().join(file)).expect("it was written");
        let names = text.lines().filter_map(|line| Some(line.split_once('=')?.0));
        let strange: Vec<&str> = names.filter(|name| !is_allowed(name)).collect();
        assert!(strange.is_empty(), "{file}: {strange:?}");
        assert!(text.contains("\nPATH=") || text.starts_with("PATH="), "{text}");
    }
}

/// The allow-list, ours, and what a shell adds.
fn is_allowed(name: &str) -> bool {
    let allowed =
        ["PATH", "HOME", "USER", "LANG", "TERM", "TZ", "TMPDIR", "SHELL", "PWD", "OLDPWD", "SHLVL", "_"];
    allowed.contains(&name) || name.starts_with("LC_") || name.starts_with("TINYTOWN_")
}

#[test]
fn what_a_town_keeps_to_itself_is_readable_by_its_user_alone() {
    let town = Town::found(repository());
    completes(&town);
    let state = town.repo().join(".tinytown");
    let open = |path: &Path| {
        let mode = fs::symlink_metadata(path).map_or(0, |found| found.permissions().mode());
        mode & 0o077 != 0
    };
    assert!(!open(&state), "the folder itself");
    // Within a checkout modes are as git and the agent made them; its folder keeps others out.
    let inside = |file: &PathBuf| {
        let checkouts = [state.join("checkouts"), state.join("checks/scratch")];
        checkouts.iter().any(|folder| file.starts_with(folder))
    };
    let files = files_below(&state);
    let exposed: Vec<&PathBuf> = files.iter().filter(|file| !inside(file) && open(file)).collect();
    assert!(exposed.is_empty(), "{exposed:?}");
}

#[test]
fn after_a_mission_nothing_runs_and_nothing_is_left_lying_about() {
    let town = Town::found(repository());
    town.agent_script("cat > /dev/null\n(setsid sleep 300 &) > /dev/null 2>&1\necho x > work.txt\n");
    completes(&town);
    town.tt(&["kill", "backend"]).exits(0);
    assert_eq!(town.processes_left(), Vec::new());
    assert_eq!(town.git(&["worktree", "list", "--porcelain"]).matches("worktree ").count(), 1);
    assert_eq!(town.git(&["status", "--porcelain"]), "");
    let git = town.repo().join(".git");
    let ours = |name: &str| name.starts_with("tinytown-") || name.contains(".lock");
    let left: Vec<PathBuf> = files_below(&git)
        .into_iter()
        .filter(|file| file.file_name().is_some_and(|name| ours(&name.to_string_lossy())))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(files_below(&town.path().join("tmp")), Vec::<PathBuf>::new());
    assert_eq!(files_below(&town.home()), Vec::<PathBuf>::new());
}
