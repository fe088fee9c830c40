//! Where a local forge can be, and what is said where it cannot.

use std::path::PathBuf;

use tinytown_forge::conformance::scene::open;
use tinytown_forge::{LocalConfig, LocalError, LocalForge};

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
