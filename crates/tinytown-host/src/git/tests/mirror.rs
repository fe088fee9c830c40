//! Two machines that share a repository.

use std::path::Path;

use super::{Sandbox, person};
use crate::git::{Git, Mirror, ObjectFormat, Oid, RefEdit, Swap};

/// The sandbox's repository, with a bare one that it shares as `shared.git`.
fn shared() -> Sandbox {
    let sandbox = Sandbox::new();
    person(sandbox.root(), &["clone", "-q", "--bare", "repo", "shared.git"]);
    sandbox
}

async fn machine(sandbox: &Sandbox, name: &str) -> Mirror {
    let address = sandbox.root().join("shared.git").display().to_string();
    let folder = sandbox.root().join(name);
    let parts = ["refs/heads", "refs/tinytown"];
    let mirror = Mirror::open(&folder, &address, ObjectFormat::Sha1, &parts).await.expect("opens");
    mirror.fetch().await.expect("fetches");
    mirror
}

async fn at(git: &Git, name: &str) -> Option<Oid> {
    git.rev_parse(name).await.expect("asks")
}

async fn there(sandbox: &Sandbox, name: &str) -> Option<Oid> {
    at(&Git::bare(&sandbox.root().join("shared.git")), name).await
}

#[tokio::test]
async fn what_one_machine_changes_another_finds() {
    let sandbox = shared();
    let (here, other) = (machine(&sandbox, "a.git").await, machine(&sandbox, "b.git").await);
    let main = at(here.git(), "refs/heads/main").await.expect("was fetched");
    let blob = here.git().write_blob(b"a record".to_vec()).await.expect("writes");
    let edits = [
        RefEdit::Create("refs/heads/tt/x".to_owned(), main.clone()),
        RefEdit::Create("refs/tinytown/pull/1".to_owned(), blob.clone()),
    ];
    assert_eq!(here.edit_refs(&edits).await.expect("pushes"), Swap::Done);
    assert_eq!(
        at(here.git(), "refs/tinytown/pull/1").await,
        Some(blob.clone()),
        "seen at once where it was made"
    );
    other.fetch().await.expect("fetches");
    assert_eq!(at(other.git(), "refs/heads/tt/x").await, Some(main.clone()));
    assert_eq!(at(other.git(), "refs/tinytown/pull/1").await, Some(blob));
    let gone = [RefEdit::Delete("refs/heads/tt/x".to_owned(), main)];
    assert_eq!(other.edit_refs(&gone).await.expect("pushes"), Swap::Done);
    here.fetch().await.expect("fetches");
    assert_eq!(at(here.git(), "refs/heads/tt/x").await, None);
}

#[tokio::test]
async fn of_changes_that_expect_what_is_no_more_none_is_made() {
    let sandbox = shared();
    let (here, other) = (machine(&sandbox, "a.git").await, machine(&sandbox, "b.git").await);
    let main = at(here.git(), "refs/heads/main").await.expect("was fetched");
    let tree = here.git().tree_of(&main).await.expect("a tree");
    let ours = here.git().commit_tree(&tree, &[&main], "ours").await.expect("a commit");
    let theirs = other.git().commit_tree(&tree, &[&main], "theirs").await.expect("a commit");
    let onto = |new: &Oid| RefEdit::Move("refs/heads/main".to_owned(), new.clone(), main.clone());
    assert_eq!(other.edit_refs(&[onto(&theirs)]).await.expect("pushes"), Swap::Done);
    let beside = RefEdit::Create("refs/tinytown/pull/1".to_owned(), ours.clone());
    assert_eq!(here.edit_refs(&[beside.clone(), onto(&ours)]).await.expect("is answered"), Swap::Elsewhere);
    assert_eq!(there(&sandbox, "refs/heads/main").await, Some(theirs.clone()));
    assert_eq!(there(&sandbox, "refs/tinytown/pull/1").await, None, "all or nothing");
    assert_eq!(at(here.git(), "refs/heads/main").await, Some(theirs.clone()), "and what is there is known");
    let wrong = [beside.clone(), RefEdit::Verify("refs/heads/main".to_owned(), Some(main))];
    assert_eq!(here.edit_refs(&wrong).await.expect("is answered"), Swap::Elsewhere);
    let right = [beside.clone(), RefEdit::Verify("refs/heads/main".to_owned(), Some(theirs))];
    assert_eq!(here.edit_refs(&right).await.expect("pushes"), Swap::Done);
    assert_eq!(here.edit_refs(&[beside]).await.expect("is answered"), Swap::Done, "it is as wanted");
    let taken = [RefEdit::Create("refs/tinytown/pull/1".to_owned(), tree)];
    assert_eq!(here.edit_refs(&taken).await.expect("is answered"), Swap::Elsewhere);
}

#[tokio::test]
async fn a_remote_that_is_away_is_an_error_and_no_answer() {
    let sandbox = shared();
    let here = machine(&sandbox, "a.git").await;
    let main = at(here.git(), "refs/heads/main").await.expect("was fetched");
    std::fs::rename(sandbox.root().join("shared.git"), sandbox.root().join("away.git")).expect("moves");
    assert!(here.fetch().await.is_err());
    let edit = [RefEdit::Create("refs/heads/tt/x".to_owned(), main.clone())];
    assert!(here.edit_refs(&edit).await.is_err());
    std::fs::rename(sandbox.root().join("away.git"), sandbox.root().join("shared.git")).expect("moves");
    assert_eq!(here.edit_refs(&edit).await.expect("pushes"), Swap::Done);
}

#[tokio::test]
async fn several_that_make_fetch_and_change_one_copy_at_once_are_in_nobodys_way() {
    let sandbox = shared();
    let each = (0..6).map(|n| {
        let sandbox = &sandbox;
        async move {
            let mirror = machine(sandbox, "a.git").await;
            let main = at(mirror.git(), "refs/heads/main").await.expect("was fetched");
            let edit = [RefEdit::Create(format!("refs/heads/tt/{n}"), main)];
            assert_eq!(mirror.edit_refs(&edit).await.expect("pushes"), Swap::Done);
        }
    });
    let mut all = each.collect::<Vec<_>>().into_iter();
    // Two and two and two: on one thread they interleave at each wait.
    while let (Some(one), Some(two)) = (all.next(), all.next()) {
        tokio::join!(one, two);
    }
    for n in 0..6 {
        assert!(there(&sandbox, &format!("refs/heads/tt/{n}")).await.is_some(), "{n}");
    }
    assert!(is_private(&sandbox.root().join("a.git")));
}

fn is_private(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    folder.metadata().expect("is there").permissions().mode() & 0o777 == 0o700
}
