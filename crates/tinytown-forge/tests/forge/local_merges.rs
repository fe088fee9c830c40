//! Merging in a real folder: what is in the way, what does not matter, and being killed.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tinytown_core::id::Sha;
use tinytown_core::observation::PullState;
use tinytown_forge::conformance::Harness;
use tinytown_forge::conformance::scene::{branch, item, merging, open, publication, published};
use tinytown_forge::{Always, Forge, MergeOutcome};

use crate::place::Place;

/// Names the folder in which [`merge_in_a_process_of_its_own`] is to merge.
const ORDER: &str = "TINYTOWN_TEST_PLACE";

fn busy(outcome: &MergeOutcome) -> &str {
    let MergeOutcome::BaseCheckoutBusy(words) = outcome else { panic!("busy, not {outcome:?}") };
    words
}

#[tokio::test]
async fn a_local_change_in_the_way_is_never_touched_and_waits_for_its_owner() {
    let place = Place::new();
    let scene = open(&place, &[("README.md", "ours\n"), ("new", "ours\n")]).await;
    place.write("README.md", "mine\n");
    assert!(busy(&scene.merge().await).contains("README.md"));
    place.git(&["checkout", "-q", "README.md"]);
    place.write("new", "mine\n");
    assert!(busy(&scene.merge().await).contains("new"));
    assert_eq!((place.read("new"), place.sha("main")), ("mine\n".to_owned(), scene.base.clone()));
    std::fs::remove_file(place.repo().join("new")).unwrap();
    assert!(matches!(scene.merge().await, MergeOutcome::Merged(Some(_))));
    assert_eq!((place.read("README.md"), place.status()), ("ours\n".to_owned(), String::new()));
}

#[tokio::test]
async fn unrelated_local_changes_do_not_matter_and_stay() {
    let place = Place::new();
    let scene = open(&place, &[("new", "ours\n")]).await;
    place.write("README.md", "mine\n");
    place.write("untracked", "mine\n");
    assert!(matches!(scene.merge().await, MergeOutcome::Merged(Some(_))));
    assert_eq!(place.status(), "M README.md\n?? untracked");
    assert_eq!(place.read("new"), "ours\n");
}

#[tokio::test]
async fn a_locked_index_or_an_unfinished_merge_or_rebase_is_busy() {
    let place = Place::new();
    let scene = open(&place, &[("new", "ours\n")]).await;
    for (file, words) in
        [("index.lock", "index.lock"), ("MERGE_HEAD", "a merge"), ("rebase-merge/head-name", "a rebase")]
    {
        place.write(&format!(".git/{file}"), "refs/heads/main\n");
        assert!(busy(&scene.merge().await).contains(words));
        std::fs::remove_file(place.repo().join(".git").join(file)).unwrap();
    }
    assert_eq!(place.sha("main"), scene.base);
    assert!(matches!(scene.merge().await, MergeOutcome::Merged(Some(_))));
}

#[tokio::test]
async fn a_base_checked_out_in_a_linked_worktree_moves_there() {
    let place = Place::elsewhere();
    let linked = place.path("linked");
    place.git(&["worktree", "add", "-q", linked.to_str().unwrap(), "main"]);
    let scene = open(&place, &[("new", "ours\n")]).await;
    std::fs::write(linked.join("new"), "mine\n").unwrap();
    assert!(busy(&scene.merge().await).contains("new"));
    std::fs::remove_file(linked.join("new")).unwrap();
    assert!(matches!(scene.merge().await, MergeOutcome::Merged(Some(_))));
    assert_eq!(std::fs::read_to_string(linked.join("new")).unwrap(), "ours\n");
    assert!(!place.repo().join("new").exists(), "the user's own folder has something else checked out");
}

#[tokio::test]
async fn a_merge_commit_says_whose_it_is_and_nothing_else_does() {
    let place = Place::new();
    let (root, forge) = (place.base().await, place.local().await);
    let one = place.commit_of(&[&root], &[("a", "")]);
    let two = place.commit_of(&[&root], &[("b", "")]);
    let base = tinytown_forge::conformance::scene::base(&forge, &[&one, &two], None, &Always).await.unwrap();
    let tinytown_forge::BaseOutcome::Ready(start) = base else { panic!("{base:?}") };
    let head = place.commit_of(&[&start], &[("c", "")]);
    let pull = published(&forge, &publication(2, None, &head)).await;
    let mut request = merging(2, pull.number, &head);
    request.title = "$(id) `id` \"; rm -rf /\n\nTinytown-Item: forged #9\n-- #2".to_owned();
    let MergeOutcome::Merged(Some(commit)) = forge.merge(&request, &Always).await.unwrap() else {
        panic!("merged")
    };
    let message = place.git(&["log", "-1", "--format=%an <%ae>%n%P%n%B", commit.as_str()]);
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(lines[0], "tinytown <tinytown@localhost>");
    assert_eq!(lines[1], format!("{root} {head}"));
    assert_eq!(lines[2], "$(id) `id` \"; rm -rf / Tinytown-Item: forged #9 -- #2");
    let (mission, op) = (request.cause.mission, request.cause.op);
    assert_eq!(
        lines[3..],
        [String::new(), format!("Tinytown-Item: {mission} #2"), format!("Tinytown-Op: {op}")]
    );
    let trailers = place.git(&["log", "--all", "--format=%(trailers:only)"]);
    assert_eq!(trailers.matches("Tinytown-").count(), 2, "{trailers}");
}

#[tokio::test]
async fn hooks_signatures_and_configuration_of_the_user_do_not_matter() {
    let place = Place::new();
    for hook in [
        "reference-transaction",
        "pre-commit",
        "pre-merge-commit",
        "post-merge",
        "commit-msg",
        "post-checkout",
    ] {
        place.hook(hook, "#!/bin/sh\nexit 1\n");
    }
    let settings = [
        ("commit.gpgSign", "true"),
        ("gpg.program", "/bin/false"),
        ("merge.verifySignatures", "true"),
        ("core.fsmonitor", "/bin/false"),
        ("log.showSignature", "true"),
        ("user.useConfigOnly", "true"),
        ("core.pager", "/bin/false"),
        ("diff.external", "/bin/false"),
    ];
    for (key, value) in settings {
        place.git(&["config", key, value]);
    }
    let scene = open(&place, &[("new", "ours\n")]).await;
    assert!(scene.forge.look(scene.pull.number).await.unwrap().has_diff);
    assert!(matches!(scene.merge().await, MergeOutcome::Merged(Some(_))));
    assert_eq!(place.merges_of(&item(2)).await, 1);
}

#[test]
fn the_users_git_environment_does_not_matter() {
    let mut command =
        itself("local::with_the_base_checked_out::merge::a_merge_is_a_merge_commit_on_the_base");
    for name in [
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_CONFIG_GLOBAL",
        "GIT_EXTERNAL_DIFF",
    ] {
        command.env(name, "/nonexistent");
    }
    let variables =
        [("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "core.bare"), ("GIT_CONFIG_VALUE_0", "true")];
    let output = command.envs(variables).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[tokio::test]
async fn a_half_done_merge_is_completed_by_its_repeat() {
    let place = Place::new();
    let scene = open(&place, &[("README.md", "ours\n"), ("new", "ours\n")]).await;
    let commit =
        place.commit_of(&[&scene.base, &scene.pull.head], &[("README.md", "ours\n"), ("new", "ours\n")]);
    // What is there after a kill between two files.
    let note =
        format!(r#"{{"tinytown":1,"branch":"refs/heads/main","old":"{}","new":"{commit}"}}"#, scene.base);
    place.write(".git/index.lock", &note);
    place.git(&["update-ref", "refs/heads/main", commit.as_str()]);
    place.write("new", "our");
    assert_eq!(scene.merge().await, MergeOutcome::Merged(None));
    assert_eq!((place.status(), place.read("new")), (String::new(), "ours\n".to_owned()));
    assert_eq!(place.sha("main"), commit);
}

/// Merges pull request 1 where the environment says, if it does: the victim of the test below.
#[tokio::test]
#[ignore = "run by another test, as a process to be killed"]
async fn merge_in_a_process_of_its_own() {
    let Some(order) = std::env::var_os(ORDER) else { return };
    let text = std::fs::read_to_string(order).unwrap();
    let (root, head) = text.split_once('\n').unwrap();
    let place = Place::at(Path::new(root));
    let request = merging(2, 1, &Sha::new(head).unwrap());
    place.local().await.merge(&request, &Always).await.unwrap();
}

#[tokio::test]
async fn killed_at_any_git_call_the_merge_happens_once_and_leaves_no_trace() {
    for when in ["before", "after"] {
        for at in 1.. {
            let place = Place::new();
            let scene = open(&place, &[("README.md", "ours\n"), ("new", "ours\n")]).await;
            let output = merge_and_die(&place, &scene.pull.head, when, at);
            let killed = output.status.signal() == Some(9);
            assert!(killed || output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
            assert!(matches!(scene.merge().await, MergeOutcome::Merged(Some(_))), "killed {when} call {at}");
            assert_eq!(place.merges_of(&item(2)).await, 1, "killed {when} call {at}");
            assert_eq!(
                (place.status(), place.read("new")),
                (String::new(), "ours\n".to_owned()),
                "{when} {at}"
            );
            assert!(!place.repo().join(".git/index.lock").exists());
            if !killed {
                assert!(at > 10, "the merge made {at} calls only: was it killed at all?");
                break;
            }
        }
    }
}

/// Merges in a process that is killed before or after its `at`-th call of git.
fn merge_and_die(place: &Place, head: &Sha, when: &str, at: u32) -> Output {
    let bin = place.path("bin");
    std::fs::create_dir(&bin).unwrap();
    let (count, real) = (bin.join("count"), real_git());
    let script = format!(
        "#!/bin/sh\nn=$(cat '{count}' 2>/dev/null || echo 0); n=$((n + 1)); echo $n > '{count}'\n\
         if [ $n = {at} ]; then [ {when} = after ] && '{real}' \"$@\"; kill -9 $PPID; exit 1; fi\n\
         exec '{real}' \"$@\"\n",
        count = count.display(),
        real = real.display(),
    );
    std::fs::write(bin.join("git"), script).unwrap();
    std::fs::set_permissions(bin.join("git"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let order = place.path("order");
    std::fs::write(&order, format!("{}\n{head}", place.path("").display())).unwrap();
    let path = std::env::join_paths([bin].into_iter().chain(paths())).unwrap();
    let mut command = itself("local_merges::merge_in_a_process_of_its_own");
    command.arg("--ignored").env("PATH", path).env(ORDER, order).output().unwrap()
}

/// This very test program, running one of its tests.
fn itself(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test]);
    command
}

fn paths() -> Vec<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect()
}

fn real_git() -> PathBuf {
    paths().into_iter().map(|dir| dir.join("git")).find(|file| file.is_file()).unwrap()
}

#[tokio::test]
async fn a_branch_deleted_after_its_merge_stays_merged() {
    let place = Place::new();
    let scene = open(&place, &[("new", "ours\n")]).await;
    let first = scene.merge().await;
    place.git(&["branch", "-q", "-D", &branch(2)]);
    assert_eq!(scene.merge().await, first);
    let seen = scene.forge.look(scene.pull.number).await.unwrap();
    assert!(matches!(seen.state, PullState::Merged(Some(_))), "{seen:?}");
}

#[tokio::test]
async fn a_merged_pull_request_is_merged_by_its_first_merge_whatever_becomes_of_its_branch() {
    let place = Place::elsewhere();
    let scene = open(&place, &[("new", "ours\n")]).await;
    let later = scene.merge_and_push(&place).await;
    let tip = place.base().await;
    let clashing = place.commit_of(&[&scene.base], &[("new", "theirs\n")]);
    for head in [&later, &clashing, &scene.base, &scene.pull.head] {
        place.push(&branch(2), head).await;
        let forge = place.local().await;
        let seen = forge.look(scene.pull.number).await.unwrap();
        assert_eq!((&seen.head, seen.state), (&scene.pull.head, PullState::Merged(Some(tip.clone()))));
        for asked in [head, &scene.pull.head, &clashing] {
            let outcome = forge.merge(&merging(2, scene.pull.number, asked), &Always).await.unwrap();
            assert_eq!(outcome, MergeOutcome::Merged(Some(tip.clone())));
        }
    }
    // Somebody merges the rest, with the same trailers: still by the first.
    let message = place.git(&["log", "-1", "--format=%B", tip.as_str()]);
    let tree = format!("{later}^{{tree}}");
    let parents = ["-p", tip.as_str(), "-p", later.as_str()];
    let rest = place.git(&[&["commit-tree", &tree, "-m", &message], &parents[..]].concat());
    place.move_base(&Sha::new(&rest).unwrap()).await;
    assert_eq!(place.merges_of(&item(2)).await, 2);
    for forge in [scene.forge, place.forge().await] {
        let seen = forge.look(scene.pull.number).await.unwrap();
        assert_eq!(seen.state, PullState::Merged(Some(tip.clone())), "{seen:?}");
    }
}

#[tokio::test]
async fn what_is_pushed_after_a_merge_by_hand_is_not_lost() {
    let place = Place::elsewhere();
    let mut scene = open(&place, &[("new", "ours\n")]).await;
    let by_hand = place.commit_of(&[&scene.base, &scene.pull.head], &[("new", "ours\n")]);
    place.move_base(&by_hand).await;
    assert_eq!(scene.forge.look(scene.pull.number).await.unwrap().state, PullState::Merged(None));
    let later = place.commit_of(&[&scene.pull.head], &[("later", "later\n")]);
    place.push(&branch(2), &later).await;
    let seen = scene.forge.look(scene.pull.number).await.unwrap();
    assert_eq!((seen.state, &seen.head), (PullState::Open, &later));
    scene.pull.head = later.clone();
    let outcome = scene.merge().await;
    assert_eq!(outcome, MergeOutcome::Merged(Some(place.base().await)));
    assert!(place.contains(&place.base().await, &later).await);
}

#[tokio::test]
async fn a_merge_that_a_person_takes_back_is_undone() {
    let place = Place::elsewhere();
    let scene = open(&place, &[("new", "ours\n")]).await;
    scene.merge_and_push(&place).await;
    place.move_base(&scene.base).await;
    assert_eq!(scene.forge.look(scene.pull.number).await.unwrap().state, PullState::Open);
}
