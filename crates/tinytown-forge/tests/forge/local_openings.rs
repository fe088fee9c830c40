//! Where a local forge can be, and what is said where it cannot.

use std::path::PathBuf;

use tinytown_core::issue::IssueRef;
use tinytown_forge::conformance::Harness as _;
use tinytown_forge::conformance::scene::{merging, open, publication, published};
use tinytown_forge::{Always, Forge as _, LocalConfig, LocalError, LocalForge, Lookup, MergeOutcome};

use crate::place::Place;

async fn error(place: &Place, repository: PathBuf, base: &str) -> LocalError {
    let config = LocalConfig { repository, base: base.to_owned(), ..place.config() };
    match LocalForge::open(config).await {
        Err(error) => error,
        Ok(_) => panic!("there can be no forge"),
    }
}

#[tokio::test]
async fn each_reason_for_no_forge_has_a_name() {
    let place = Place::new();
    let at = |name: &str| place.path(name);
    std::fs::create_dir(at("empty")).unwrap();
    place.git(&["init", "-q", "--bare", at("bare").to_str().unwrap()]);
    place.git(&["init", "-q", "-b", "main", at("unborn").to_str().unwrap()]);
    assert!(matches!(error(&place, at("empty"), "main").await, LocalError::NotARepository { .. }));
    assert!(matches!(error(&place, at("nowhere"), "main").await, LocalError::NotARepository { .. }));
    assert!(matches!(error(&place, at("bare"), "main").await, LocalError::Bare(_)));
    assert!(matches!(error(&place, at("unborn"), "main").await, LocalError::Unborn(_)));
    assert!(
        matches!(error(&place, place.repo(), "trunk").await, LocalError::NoBase(name) if name == "trunk")
    );
}

#[tokio::test]
async fn a_town_in_a_linked_worktree_merges_into_the_base_where_that_is_checked_out() {
    let place = Place::new();
    let linked = place.path("linked");
    place.git(&["worktree", "add", "-q", "--detach", linked.to_str().unwrap()]);
    std::fs::create_dir(linked.join("issues")).unwrap();
    std::fs::write(linked.join("issues/1-a.md"), "# In the town's own folder\n").unwrap();
    let forge = LocalForge::open(LocalConfig { repository: linked, ..place.config() }).await.unwrap();
    let head = place.commit_of(&[&place.base().await], &[("new", "ours\n")]);
    let pull = published(&forge, &publication(2, None, &head)).await;
    let outcome = forge.merge(&merging(2, pull.number, &head), &Always).await;
    assert!(matches!(outcome, Ok(MergeOutcome::Merged(Some(_)))), "{outcome:?}");
    assert_eq!((place.read("new"), place.status()), ("ours\n".to_owned(), String::new()));
    assert!(matches!(forge.issues(&[IssueRef::own(1)]).await.unwrap()[0], Lookup::Found(_)));
}

#[tokio::test]
async fn private_folders_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let scene = open(&place, &[("a", "")]).await;
    drop(scene);
    for folder in ["town/scratch", "town/runs", "town/logs"] {
        let mode = std::fs::metadata(place.path(folder)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{folder}");
    }
}
