//! Checkouts for agents, and taking their work out of them.

use std::fs;
use std::path::PathBuf;

use super::super::{CheckoutRequest, Identity, Quarantine, isolated_checkout};
use super::{Sandbox, person};

async fn checkout(sandbox: &Sandbox, branch: Option<&str>) -> PathBuf {
    let dest = sandbox.root().join("checkout");
    let identity = Identity { name: "back\"end\\".into(), email: "backend@localhost".into() };
    let (source, branch) = (sandbox.repo(), branch.map(str::to_owned));
    let request =
        CheckoutRequest { dest: dest.clone(), source, commit: sandbox.oid("HEAD"), branch, identity };
    isolated_checkout(&request).await.expect("checkout");
    dest
}

async fn quarantine(sandbox: &Sandbox, checkout: &std::path::Path) -> Quarantine {
    Quarantine::of(checkout, &sandbox.root().join("private")).await.expect("quarantine")
}

#[tokio::test]
async fn an_agent_can_commit_in_its_checkout_without_any_identity_at_home() {
    let sandbox = Sandbox::new();
    let dest = checkout(&sandbox, Some("tt/x/2-a.a1")).await;
    assert_eq!(person(&dest, &["symbolic-ref", "HEAD"]), "refs/heads/tt/x/2-a.a1");
    assert_eq!(person(&dest, &["config", "user.name"]), "back\"end\\");
    assert_eq!(person(&dest, &["status", "--porcelain"]), "");
    assert_eq!(sandbox.git(&["branch", "--format=%(refname)"]), "refs/heads/main");
}

#[tokio::test]
async fn a_checkout_is_detached_without_a_branch_and_works_from_a_linked_worktree() {
    let sandbox = Sandbox::new();
    let linked = sandbox.root().join("linked");
    sandbox.git(&["worktree", "add", "-q", "--detach", linked.to_str().expect("UTF-8")]);
    let identity = Identity { name: "n".into(), email: "e".into() };
    let dest = sandbox.root().join("c");
    let commit = sandbox.oid("HEAD");
    let request = CheckoutRequest { dest: dest.clone(), source: linked, commit, branch: None, identity };
    isolated_checkout(&request).await.expect("checkout");
    assert_eq!(person(&dest, &["rev-parse", "HEAD"]), sandbox.oid("HEAD").as_str());
    assert_eq!(person(&dest, &["rev-parse", "--abbrev-ref", "HEAD"]), "HEAD");
}

#[tokio::test]
async fn a_snapshot_holds_tracked_and_untracked_files_and_not_the_ignored() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitignore", "target\n");
    sandbox.write("gone", "x");
    sandbox.commit("more");
    let dest = checkout(&sandbox, None).await;
    fs::write(dest.join("a"), "changed\n").expect("write");
    fs::write(dest.join("new ü"), "new\n").expect("write");
    fs::write(dest.join("target"), "ignored\n").expect("write");
    fs::remove_file(dest.join("gone")).expect("remove");
    let quarantine = quarantine(&sandbox, &dest).await;
    let snapshot = quarantine.snapshot("left behind").await.expect("snapshot");
    assert!(snapshot.made && snapshot.skipped.is_empty(), "{snapshot:?}");
    sandbox.ours().take(&quarantine, &snapshot.commit, "refs/tinytown/attempts/x").await.expect("take");
    let files = sandbox.git(&[
        "-c",
        "core.quotePath=false",
        "ls-tree",
        "-r",
        "--name-only",
        "refs/tinytown/attempts/x",
    ]);
    assert_eq!(files.lines().collect::<Vec<_>>(), [".gitignore", "a", "new ü"]);
    assert_eq!(
        sandbox.git(&["log", "-1", "--format=%an <%ae> %s", snapshot.commit.as_str()]),
        "tinytown <tinytown@localhost> left behind"
    );
    assert_eq!(&sandbox.oid(&format!("{}^", snapshot.commit)), quarantine.head());
    assert_eq!(person(&dest, &["diff", "--cached", "--name-only"]), "", "the agent's own index is as it was");
}

#[tokio::test]
async fn an_unchanged_checkout_answers_its_head() {
    let sandbox = Sandbox::new();
    let dest = checkout(&sandbox, None).await;
    let quarantine = quarantine(&sandbox, &dest).await;
    let snapshot = quarantine.snapshot("none").await.expect("snapshot");
    assert_eq!((snapshot.commit, snapshot.made), (sandbox.oid("HEAD"), false));
}

#[tokio::test]
async fn nothing_an_agent_configured_in_its_checkout_runs_in_our_git() {
    let sandbox = Sandbox::new();
    let dest = checkout(&sandbox, None).await;
    let canary = sandbox.root().join("ran");
    let evil = sandbox.root().join("evil.sh");
    fs::write(&evil, format!("#!/bin/sh\necho \"$@\" >> '{}'\ncat\n", canary.display())).expect("write");
    fs::set_permissions(&evil, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("chmod");
    let evil = evil.to_str().expect("UTF-8");
    let nested = dest.join("nested");
    for dir in [&dest, &nested] {
        if dir == &nested {
            person(&dest, &["init", "-q", "nested"]);
            fs::write(nested.join("f"), "x").expect("write");
            person(&nested, &["add", "f"]);
            person(&nested, &["commit", "-q", "-m", "nested"]);
            fs::write(nested.join("f"), "y").expect("write");
        }
        for key in [
            "core.fsmonitor",
            "filter.evil.clean",
            "filter.evil.smudge",
            "filter.evil.process",
            "core.sshCommand",
            "uploadpack.packObjectsHook",
            "remote.origin.uploadpack",
            "core.editor",
            "gpg.program",
            "diff.external",
        ] {
            person(dir, &["config", key, evil]);
        }
        person(dir, &["config", "commit.gpgSign", "true"]);
        person(dir, &["config", "core.hooksPath", sandbox.root().to_str().expect("UTF-8")]);
        person(dir, &["config", "remote.origin.url", &format!("ext::{evil}")]);
        person(dir, &["config", "remote.origin.promisor", "true"]);
        fs::write(dir.join(".gitattributes"), "* filter=evil\n").expect("write");
    }
    for hook in ["pre-commit", "reference-transaction", "post-index-change", "post-checkout", "post-commit"] {
        fs::copy(evil, sandbox.root().join(hook)).expect("copy");
    }
    fs::write(dest.join("a"), "changed\n").expect("write");
    let _ = fs::remove_file(&canary);
    for round in 0..2 {
        let private = sandbox.root().join(format!("private-{round}"));
        let quarantine = Quarantine::of(&dest, &private).await.expect("quarantine");
        let snapshot = quarantine.snapshot("s").await.expect("snapshot");
        sandbox.ours().take(&quarantine, &snapshot.commit, "refs/tinytown/attempts/x").await.expect("take");
        assert_eq!(fs::read_to_string(&canary).ok(), None, "round {round}");
        // The second round finds the nested repository as a link in the checkout's own HEAD.
        fs::write(dest.join(".git/HEAD"), format!("{}\n", sandbox.oid("refs/tinytown/attempts/x")))
            .expect("write");
    }
    assert_eq!(
        sandbox.git(&["ls-tree", "refs/tinytown/attempts/x", "nested"]).split(' ').next(),
        Some("160000")
    );
}

#[tokio::test]
async fn a_nested_repository_without_commits_is_left_out_and_named() {
    let sandbox = Sandbox::new();
    let dest = checkout(&sandbox, None).await;
    person(&dest, &["init", "-q", "empty"]);
    fs::write(dest.join("b"), "b").expect("write");
    let quarantine = quarantine(&sandbox, &dest).await;
    let snapshot = quarantine.snapshot("s").await.expect("snapshot");
    assert!(snapshot.made && snapshot.skipped.contains("empty"), "{snapshot:?}");
}

#[tokio::test]
async fn a_submodule_that_was_never_fetched_stays_in_the_tree() {
    let sandbox = Sandbox::new();
    let link = sandbox.oid("HEAD");
    sandbox.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{link},lib")]);
    sandbox.git(&["commit", "-q", "-m", "submodule"]);
    let dest = checkout(&sandbox, None).await;
    fs::write(dest.join("a"), "changed\n").expect("write");
    let quarantine = quarantine(&sandbox, &dest).await;
    let snapshot = quarantine.snapshot("s").await.expect("snapshot");
    sandbox.ours().take(&quarantine, &snapshot.commit, "refs/x/1").await.expect("take");
    assert_eq!(sandbox.git(&["diff", "--name-only", "HEAD", "refs/x/1"]), "a");
}

#[tokio::test]
async fn a_checkout_whose_repository_is_gone_is_an_error_and_never_its_neighbours() {
    let sandbox = Sandbox::new();
    let inside = sandbox.repo().join("inside");
    fs::create_dir(&inside).expect("folder");
    assert!(Quarantine::of(&inside, &sandbox.root().join("private")).await.is_err());
}

#[tokio::test]
async fn sha256_and_shallow_repositories_are_served_alike() {
    let sandbox = Sandbox::new();
    sandbox.write("a", "two\n");
    sandbox.commit("two");
    let root = sandbox.root();
    let (far, near) = (root.join("far"), root.join("near"));
    let (far, near) = (far.to_str().expect("UTF-8"), near.to_str().expect("UTF-8"));
    person(root, &["init", "-q", "--object-format=sha256", "-b", "main", far]);
    fs::write(root.join("far/a"), "x").expect("write");
    person(&root.join("far"), &["add", "a"]);
    person(&root.join("far"), &["commit", "-q", "-m", "x"]);
    person(root, &["clone", "-q", "--depth=1", &format!("file://{}", sandbox.repo().display()), near]);
    for source in [far, near] {
        let source = PathBuf::from(source);
        let commit = super::Oid::new(&person(&source, &["rev-parse", "HEAD"])).expect("oid");
        let identity = Identity { name: "n".into(), email: "e".into() };
        let dest = source.with_extension("checkout");
        let request =
            CheckoutRequest { dest: dest.clone(), source: source.clone(), commit, branch: None, identity };
        isolated_checkout(&request).await.expect("checkout");
        fs::write(dest.join("b"), "b").expect("write");
        let quarantine = Quarantine::of(&dest, &source.with_extension("private")).await.expect("quarantine");
        let snapshot = quarantine.snapshot("s").await.expect("snapshot");
        super::Git::at(&source).take(&quarantine, &snapshot.commit, "refs/x/1").await.expect("take");
        assert_eq!(person(&source, &["ls-tree", "--name-only", "refs/x/1"]), "a\nb");
    }
}
