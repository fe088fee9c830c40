//! References, merges, history.

use super::super::{GitError, MergeTree, RefEdit, Swap};
use super::Sandbox;

#[tokio::test]
async fn references_change_only_from_where_they_were_expected() {
    let sandbox = Sandbox::new();
    let (git, one) = (sandbox.ours(), sandbox.oid("HEAD"));
    sandbox.write("a", "two\n");
    let two = sandbox.commit("two");
    let name = || "refs/heads/x".to_owned();
    let create = [RefEdit::Create(name(), one.clone())];
    assert_eq!(git.edit_refs(&create, "r").await.expect("edit"), Swap::Done);
    assert_eq!(git.edit_refs(&create, "r").await.expect("edit"), Swap::Elsewhere);
    let stale = [RefEdit::Move(name(), one.clone(), two.clone())];
    assert_eq!(git.edit_refs(&stale, "r").await.expect("edit"), Swap::Elsewhere);
    let moved =
        [RefEdit::Move(name(), two.clone(), one.clone()), RefEdit::Verify("refs/heads/y".into(), None)];
    assert_eq!(git.edit_refs(&moved, "r").await.expect("edit"), Swap::Done);
    assert_eq!(git.edit_refs(&[RefEdit::Delete(name(), one)], "r").await.expect("edit"), Swap::Elsewhere);
    assert_eq!(git.edit_refs(&[RefEdit::Delete(name(), two)], "r").await.expect("edit"), Swap::Done);
    assert_eq!(git.rev_parse("refs/heads/x").await.expect("look"), None);
}

#[tokio::test]
async fn several_references_change_together_or_not_at_all() {
    let sandbox = Sandbox::new();
    let (git, one) = (sandbox.ours(), sandbox.oid("HEAD"));
    let edits =
        [RefEdit::Create("refs/x/1".into(), one.clone()), RefEdit::Create("refs/heads/main".into(), one)];
    assert_eq!(git.edit_refs(&edits, "r").await.expect("edit"), Swap::Elsewhere);
    assert_eq!(git.refs(&["refs/x"]).await.expect("look"), Vec::new());
}

#[tokio::test]
async fn a_reference_locked_by_somebody_is_an_error_and_not_a_lost_race() {
    let sandbox = Sandbox::new();
    let (git, one) = (sandbox.ours(), sandbox.oid("HEAD"));
    sandbox.write(".git/refs/heads/main.lock", "");
    let edit = [RefEdit::Delete("refs/heads/main".into(), one)];
    let error = git.edit_refs(&edit, "r").await.expect_err("locked");
    assert!(matches!(&error, GitError::Failed { stderr, .. } if stderr.contains("main.lock")), "{error}");
}

#[tokio::test]
async fn contents_of_references_are_read_whole_whatever_is_in_them() {
    let sandbox = Sandbox::new();
    let git = sandbox.ours();
    for (name, bytes) in [("refs/b/1", &b"x\0y\n\0"[..]), ("refs/b/2", b""), ("refs/b/3", b"\n\n")] {
        let oid = git.write_blob(bytes.to_vec()).await.expect("blob");
        assert_eq!(git.read_blob(&oid).await.expect("blob"), bytes);
        git.edit_refs(&[RefEdit::Create(name.into(), oid)], "r").await.expect("edit");
    }
    let found = git.refs_with_content(&["refs/b"]).await.expect("read");
    let contents: Vec<&[u8]> = found.iter().map(|r| r.content.as_slice()).collect();
    assert_eq!(contents, [&b"x\0y\n\0"[..], b"", b"\n\n"]);
}

#[tokio::test]
async fn merging_answers_a_tree_or_the_conflicting_files_and_touches_nothing() {
    let sandbox = Sandbox::new();
    let git = sandbox.ours();
    sandbox.git(&["checkout", "-q", "-b", "side"]);
    sandbox.write("ä \"b\"\n", "side\n");
    let clean = sandbox.commit("clean");
    sandbox.write("a", "side\n");
    let clashing = sandbox.commit("clashing");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.write("a", "main\n");
    let main = sandbox.commit("main");
    assert!(matches!(git.merge_tree(&main, &clean).await.expect("merge"), MergeTree::Tree(_)));
    let conflict = git.merge_tree(&main, &clashing).await.expect("merge");
    assert_eq!(conflict, MergeTree::Conflict(vec!["a".to_owned()]));
    sandbox.git(&["checkout", "-q", "--orphan", "alone"]);
    let alone = sandbox.commit("alone");
    assert_eq!(git.merge_tree(&main, &alone).await.expect("merge"), MergeTree::Conflict(Vec::new()));
    assert_eq!(git.merge_base(&main, &alone).await.expect("base"), None);
    assert!(!git.is_dirty().await.expect("status"));
}

#[tokio::test]
async fn history_is_asked_precisely() {
    let sandbox = Sandbox::new();
    let (git, one) = (sandbox.ours(), sandbox.oid("HEAD"));
    sandbox.write("ü/x y", "two\n");
    let two = sandbox.commit("two");
    assert!(git.is_ancestor(&one, &two).await.expect("ask"));
    assert!(!git.is_ancestor(&two, &one).await.expect("ask"));
    assert_eq!(git.parents(&two).await.expect("ask"), std::slice::from_ref(&one));
    assert_eq!(git.independent(&[&one, &two]).await.expect("ask"), std::slice::from_ref(&two));
    assert_eq!(git.changed_files(&one, &two).await.expect("ask"), ["ü/x y"]);
    assert_eq!(git.merge_base(&one, &two).await.expect("ask"), Some(one));
}

#[tokio::test]
async fn only_exact_trailers_of_merges_on_the_first_parent_line_are_found() {
    let sandbox = Sandbox::new();
    let (git, one) = (sandbox.ours(), sandbox.oid("HEAD"));
    sandbox.write("b", "two\n");
    let side = sandbox.commit("side\n\nOur-Item: forged by an ordinary commit");
    let tree = sandbox.oid("HEAD^{tree}");
    let inside =
        git.commit_tree(&tree, &[&side, &one], "x\n\nOur-Item: forged inside").await.expect("commit");
    let prose = "t\n\nOur-Item: 1 is mentioned here.\n\nOther: x";
    let mentions = git.commit_tree(&tree, &[&one, &inside], prose).await.expect("commit");
    let real =
        git.commit_tree(&tree, &[&mentions, &inside], "t\n\nOur-Item: m #1\nOp: o").await.expect("commit");
    let hits = git.merges_with_trailer("Our-Item", &real, None).await.expect("log");
    assert_eq!(hits.len(), 1);
    assert_eq!((&hits[0].commit, hits[0].values.as_slice()), (&real, &["m #1".to_owned()][..]));
    assert_eq!(hits[0].parents, [mentions, inside]);
    let since = git.merges_with_trailer("Our-Item", &real, Some(&real)).await.expect("log");
    assert_eq!(since, Vec::new());
}

#[tokio::test]
async fn a_folder_that_is_no_repository_is_an_error_with_gits_words() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let error = super::Git::bare(&dir.path().join("none")).refs(&[]).await.expect_err("no repository");
    assert!(error.stderr().is_some_and(|words| words.contains("cannot change to")), "{error}");
}

#[tokio::test]
async fn linked_worktrees_are_listed_with_their_branches() {
    let sandbox = Sandbox::new();
    let linked = sandbox.root().join("linked");
    sandbox.git(&["worktree", "add", "-q", "-b", "side", linked.to_str().expect("UTF-8")]);
    let found = sandbox.ours().worktrees().await.expect("list");
    let branches: Vec<Option<&str>> = found.iter().map(|w| w.branch.as_deref()).collect();
    assert_eq!(branches, [Some("refs/heads/main"), Some("refs/heads/side")]);
}
