//! Moving a checked-out branch, and finishing what a killed process left.

use std::time::Duration;

use super::super::{Advance, AdvanceRequest, Lane, Oid};
use super::Sandbox;

/// `main` at `old` is checked out; `new` changes `a`, adds `dir/b`, removes `c`.
struct Scene {
    sandbox: Sandbox,
    old: Oid,
    new: Oid,
}

impl Scene {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        sandbox.write("c", "c\n");
        sandbox.write("d", "d\n");
        let old = sandbox.commit("old");
        sandbox.write("a", "a longer text than before\n");
        sandbox.write("dir/b", "b\n");
        std::fs::remove_file(sandbox.repo().join("c")).expect("remove");
        let new = sandbox.commit("new");
        sandbox.git(&["reset", "-q", "--hard", old.as_str()]);
        Self { sandbox, old, new }
    }

    /// Free once the last git of an earlier call has ended.
    async fn lane(&self) -> Lane {
        let common = self.sandbox.repo().join(".git");
        Lane::enter(&common, Duration::from_mins(1)).await.expect("lane").expect("free")
    }

    async fn request(&self) -> AdvanceRequest {
        let worktree = self.sandbox.ours().worktrees().await.expect("list").remove(0);
        let (old, new) = (self.old.clone(), self.new.clone());
        AdvanceRequest { worktree, branch: "refs/heads/main".into(), old, new, reason: "r".into() }
    }

    async fn advance(&self) -> Advance {
        self.sandbox.ours().advance(&self.request().await, &self.lane().await).await.expect("advance")
    }

    async fn finish(&self) {
        let worktree = self.request().await.worktree;
        self.sandbox.ours().finish_advance(&worktree, &self.lane().await).await.expect("finish");
        assert_eq!(self.litter(), Vec::<String>::new());
    }

    fn status(&self) -> String {
        self.sandbox.git(&["status", "--porcelain"])
    }

    fn litter(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.sandbox.repo().join(".git")).expect("list");
        let names = entries.map(|e| e.expect("entry").file_name().to_string_lossy().into_owned());
        names.filter(|n| n.contains(".lock") || n.starts_with("tinytown-")).collect()
    }

    /// What a process leaves that is killed after it locked.
    fn plant_lock(&self) {
        let note = format!(
            r#"{{"tinytown":1,"branch":"refs/heads/main","old":"{}","new":"{}"}}"#,
            self.old, self.new
        );
        self.sandbox.write(".git/index.lock", &note);
        self.sandbox.write(".git/tinytown-index", "rubbish");
        self.sandbox.write(".git/tinytown-index.lock", "rubbish");
    }

    fn move_branch(&self) {
        self.sandbox.git(&["update-ref", "refs/heads/main", self.new.as_str()]);
    }
}

#[tokio::test]
async fn branch_index_and_files_move_together() {
    let scene = Scene::new();
    assert_eq!(scene.advance().await, Advance::Done);
    assert_eq!(scene.sandbox.oid("main"), scene.new);
    assert_eq!((scene.status(), scene.litter()), (String::new(), Vec::new()));
    assert_eq!(scene.sandbox.read("c"), None);
}

#[tokio::test]
async fn unrelated_local_changes_stay_and_those_in_the_way_refuse() {
    let scene = Scene::new();
    scene.sandbox.write("dir/b", "mine\n");
    let Advance::Refused(words) = scene.advance().await else { panic!("an untracked file is in the way") };
    assert!(words.contains("dir/b"), "{words}");
    std::fs::remove_dir_all(scene.sandbox.repo().join("dir")).expect("remove");
    scene.sandbox.write("a", "mine\n");
    let Advance::Refused(words) = scene.advance().await else { panic!("a changed file is in the way") };
    assert!(words.contains('a'), "{words}");
    assert_eq!((scene.sandbox.oid("main"), scene.litter()), (scene.old.clone(), Vec::new()));
    scene.sandbox.git(&["checkout", "-q", "a"]);
    scene.sandbox.write("d", "mine\n");
    scene.sandbox.write("e", "mine\n");
    scene.sandbox.write("f", "staged\n");
    scene.sandbox.git(&["add", "f"]);
    assert_eq!(scene.advance().await, Advance::Done);
    assert_eq!(scene.status(), "M d\nA  f\n?? e");
}

#[tokio::test]
async fn somebody_elses_lock_an_unfinished_merge_or_a_rebase_refuse() {
    let scene = Scene::new();
    scene.sandbox.write(".git/index.lock", "");
    assert!(matches!(scene.advance().await, Advance::Refused(words) if words.contains("index.lock")));
    scene.finish_leaves_foreign_lock().await;
    std::fs::remove_file(scene.sandbox.repo().join(".git/index.lock")).expect("remove");
    scene.sandbox.write(".git/MERGE_HEAD", scene.new.as_str());
    assert!(
        matches!(scene.advance().await, Advance::Refused(words) if words.contains("a merge is unfinished"))
    );
    std::fs::remove_file(scene.sandbox.repo().join(".git/MERGE_HEAD")).expect("remove");
    scene.sandbox.write(".git/rebase-merge/head-name", "refs/heads/main\n");
    assert!(
        matches!(scene.advance().await, Advance::Refused(words) if words.contains("a rebase is unfinished"))
    );
}

impl Scene {
    async fn finish_leaves_foreign_lock(&self) {
        let worktree = self.request().await.worktree;
        self.sandbox.ours().finish_advance(&worktree, &self.lane().await).await.expect("finish");
        assert_eq!(self.litter(), ["index.lock"]);
    }
}

#[tokio::test]
async fn a_branch_that_moved_meanwhile_is_left_alone() {
    let scene = Scene::new();
    let mut request = scene.request().await;
    request.old = scene.sandbox.oid("main^");
    scene.sandbox.git(&["reset", "-q", "--hard", request.old.as_str()]);
    scene.sandbox.git(&["update-ref", "refs/heads/main", scene.old.as_str()]);
    scene.sandbox.git(&["read-tree", request.old.as_str()]);
    let outcome = scene.sandbox.ours().advance(&request, &scene.lane().await).await.expect("advance");
    assert_eq!(outcome, Advance::Elsewhere);
    assert_eq!((scene.sandbox.oid("main"), scene.litter()), (scene.old.clone(), Vec::new()));
}

#[tokio::test]
async fn the_lane_is_held_by_one_at_a_time() {
    let scene = Scene::new();
    let lane = scene.lane().await;
    let common = scene.sandbox.repo().join(".git");
    assert!(Lane::enter(&common, Duration::ZERO).await.expect("lane").is_none());
    drop(lane);
    scene.lane().await;
}

#[tokio::test]
async fn killed_before_the_branch_moved_leaves_everything_old() {
    let scene = Scene::new();
    scene.plant_lock();
    scene.finish().await;
    assert_eq!((scene.sandbox.oid("main"), scene.status()), (scene.old.clone(), String::new()));
}

#[tokio::test]
async fn killed_while_files_moved_ends_with_everything_new() {
    type Plant = fn(&Scene);
    let half_states: [(&str, Plant); 7] = [
        ("no file moved", |_| ()),
        ("one file new", |s| s.sandbox.write("dir/b", "b\n")),
        ("one removed", |s| s.sandbox.remove("c")),
        ("one unlinked and not written", |s| s.sandbox.remove("a")),
        ("one cut short", |s| s.sandbox.write("a", "a longer")),
        ("one new cut short", |s| s.sandbox.write("dir/b", "")),
        ("all moved, index too", |s| {
            s.sandbox.git(&["update-ref", "refs/heads/main", s.new.as_str()]);
            s.sandbox.remove(".git/index.lock");
            s.sandbox.git(&["reset", "-q", "--hard"]);
            s.plant_lock();
        }),
    ];
    for (name, plant) in half_states {
        let scene = Scene::new();
        scene.sandbox.write("d", "mine\n");
        scene.plant_lock();
        plant(&scene);
        scene.move_branch();
        if name == "all moved, index too" {
            scene.sandbox.write("d", "mine\n");
        }
        scene.finish().await;
        assert_eq!(
            (scene.sandbox.oid("main"), scene.status()),
            (scene.new.clone(), "M d".to_owned()),
            "{name}"
        );
        assert_eq!(scene.sandbox.read("a").as_deref(), Some("a longer text than before\n"), "{name}");
    }
}

#[tokio::test]
async fn a_file_that_is_neither_old_nor_new_is_never_overwritten() {
    let scene = Scene::new();
    scene.plant_lock();
    scene.move_branch();
    scene.sandbox.write("a", "typed by a person\n");
    scene.sandbox.write("dir/b", "typed too\n");
    scene.finish().await;
    assert_eq!(scene.sandbox.read("a").as_deref(), Some("typed by a person\n"));
    assert_eq!(scene.status(), "M a\n M dir/b");
}

#[tokio::test]
async fn an_advance_dropped_at_any_moment_is_finished_by_the_next_call() {
    for patience in 0..12 {
        let scene = Scene::new();
        let request = scene.request().await;
        let git = scene.sandbox.ours();
        let lane = scene.lane().await;
        let limit = Duration::from_millis(patience);
        let _ = tokio::time::timeout(limit, git.advance(&request, &lane)).await;
        drop(lane);
        scene.finish().await;
        let at = scene.sandbox.oid("main");
        assert!(at == scene.old || at == scene.new);
        assert_eq!(scene.status(), "", "dropped after {patience} ms");
    }
}

#[tokio::test]
async fn a_persons_configuration_and_hooks_do_not_matter() {
    let scene = Scene::new();
    for hook in ["reference-transaction", "post-merge", "post-checkout", "pre-commit", "post-index-change"] {
        scene.sandbox.write(&format!(".git/hooks/{hook}"), "#!/bin/sh\nexit 1\n");
        let path = scene.sandbox.repo().join(".git/hooks").join(hook);
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("chmod");
    }
    for (key, value) in
        [("core.fsmonitor", "/bin/false"), ("commit.gpgSign", "true"), ("merge.verifySignatures", "true")]
    {
        scene.sandbox.git(&["config", key, value]);
    }
    assert_eq!(
        scene.sandbox.ours().advance(&scene.request().await, &scene.lane().await).await.expect("advance"),
        Advance::Done
    );
}
