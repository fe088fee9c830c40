//! Pull requests as branches and records in a real repository.

use tinytown_core::observation::PullState;
use tinytown_forge::conformance::Harness;
use tinytown_forge::conformance::scene::{branch, open, publication, published};
use tinytown_forge::{Always, Forge, ForgeError, LocalConfig, LocalForge, MergeOutcome, PublishOutcome};

use crate::place::Place;

#[tokio::test]
async fn a_deleted_branch_closes_its_pull_request() {
    let place = Place::new();
    let scene = open(&place, &[("a", "a\n")]).await;
    place.git(&["branch", "-q", "-D", &branch(2)]);
    let seen = scene.forge.look(scene.pull.number).await.unwrap();
    assert_eq!((seen.state, seen.head), (PullState::Closed, scene.pull.head.clone()));
    assert_eq!(scene.merge().await, MergeOutcome::Closed);
    let again = scene.forge.publish(&publication(2, None, &scene.pull.head), &Always).await;
    assert!(matches!(again, Ok(PublishOutcome::NotOpen(_))), "{again:?}");
}

#[tokio::test]
async fn neither_the_base_nor_a_name_with_a_meaning_becomes_a_pull_request() {
    let place = Place::new();
    let head = place.commit_of(&[&place.base().await], &[("a", "a\n")]);
    let forge = place.local().await;
    for name in ["main", "--force", "a..b", "x.lock", "x:y", "refs heads", ""] {
        let mut request = publication(2, Some(&place.base().await), &head);
        request.branch = name.to_owned();
        let outcome = forge.publish(&request, &Always).await;
        assert!(matches!(outcome, Err(ForgeError::Refused(_))), "{name:?}: {outcome:?}");
    }
    assert_eq!(place.git(&["for-each-ref", "--format=%(refname)"]), "refs/heads/main");
}

#[tokio::test]
async fn a_branch_that_a_person_has_checked_out_is_not_moved_under_them() {
    let place = Place::new();
    let scene = open(&place, &[("a", "a\n")]).await;
    place.git(&["checkout", "-q", &branch(2)]);
    let fixed = place.commit_of(&[&scene.pull.head], &[("a", "b\n")]);
    let request = publication(2, Some(&scene.pull.head), &fixed);
    let refused = scene.forge.publish(&request, &Always).await;
    assert!(
        matches!(&refused, Err(ForgeError::Unavailable(words)) if words.contains("checked out")),
        "{refused:?}"
    );
    assert_eq!(place.status(), "");
    place.git(&["checkout", "-q", "main"]);
    assert_eq!(published(&*scene.forge, &request).await.head, fixed);
}

#[tokio::test]
async fn a_town_in_a_subfolder_is_governed_by_its_own_files() {
    let place = Place::new();
    let files = [("town/tinytown.toml", ""), ("town/issues/1-a.md", "# A\n"), ("town/src", "")];
    let head = place.commit_of(&[&place.base().await], &files);
    place.write("town/x", "");
    let repository = place.repo().join("town");
    let forge = LocalForge::open(LocalConfig { repository, ..place.config() }).await.unwrap();
    let pull = published(&forge, &publication(2, None, &head)).await;
    assert_eq!(forge.look(pull.number).await.unwrap().governed, ["town/issues/1-a.md", "town/tinytown.toml"]);
}

#[tokio::test]
async fn a_record_of_a_newer_version_is_refused_and_not_written_over() {
    let place = Place::new();
    let scene = open(&place, &[("a", "a\n")]).await;
    let record =
        place.git(&["cat-file", "blob", &scene.pull.url]).replacen("\"version\":1", "\"version\":2", 1);
    let blob = place.try_git(&["hash-object", "-w", "--stdin"], Some(&record)).stdout;
    let blob = String::from_utf8(blob).unwrap();
    place.git(&["update-ref", &scene.pull.url, blob.trim()]);
    let fixed = place.commit_of(&[&scene.pull.head], &[("a", "b\n")]);
    let outcome = scene.forge.publish(&publication(2, Some(&scene.pull.head), &fixed), &Always).await;
    assert!(matches!(&outcome, Err(ForgeError::Refused(words)) if words.contains("newer")), "{outcome:?}");
    assert_eq!(place.git(&["rev-parse", &scene.pull.url]), blob.trim());
}

#[tokio::test]
async fn a_merge_of_heads_survives_garbage_collection() {
    let place = Place::new();
    let root = place.base().await;
    let (one, two) = (place.commit_of(&[&root], &[("a", "")]), place.commit_of(&[&root], &[("b", "")]));
    let forge = place.local().await;
    let heads = [&one, &two];
    let ask = || tinytown_forge::conformance::scene::base(&forge, &heads, None, &Always);
    let first = ask().await.unwrap();
    place.git(&["gc", "-q", "--prune=now"]);
    assert_eq!(ask().await.unwrap(), first);
}
