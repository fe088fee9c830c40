//! Founding towns in real repositories.

use std::process::Command;

use super::*;

const QUIET: Terminal = Terminal::new(true, false, anstream::ColorChoice::Never);

/// A folder with one repository in it.
struct Place {
    _folder: tempfile::TempDir,
    root: PathBuf,
}

fn git(root: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.arg("-C").arg(root).args(["-c", "user.name=t", "-c", "user.email=t@localhost"]);
    assert!(command.args(arguments).status().expect("git runs").success(), "{arguments:?}");
}

fn unborn() -> Place {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().canonicalize().expect("there").join("my shop");
    std::fs::create_dir(&root).expect("a folder");
    git(&root, &["init", "--quiet", "--initial-branch=trunk", "--template="]);
    Place { _folder: folder, root }
}

fn born() -> Place {
    let place = unborn();
    git(&place.root, &["commit", "--quiet", "--allow-empty", "-m", "begin"]);
    place
}

fn plain() -> Init {
    Init { name: None, store: None, forge: None, check: None, join: false }
}

async fn found(place: &Place, init: Init) -> Result<Town, Failure> {
    init.found(QUIET, survey(&place.root).await?, None).await
}

fn entries(root: &Path) -> Vec<String> {
    let names = std::fs::read_dir(root).expect("listed").map(|entry| entry.expect("read").file_name());
    let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_town_is_named_after_repository_and_branch_and_merges_into_that() {
    let place = born();
    let town = found(&place, plain()).await.expect("founded");
    assert_eq!((town.config.name.as_str(), town.config.forge.base.as_str()), ("my-shop-trunk", "trunk"));
    assert_eq!(entries(&place.root), [".git", STATE, FILE]);
    let rights =
        std::os::unix::fs::PermissionsExt::mode(&town.state().metadata().expect("there").permissions());
    assert_eq!(rights & 0o777, 0o700);
    assert_eq!(std::fs::read_to_string(town.state().join(".gitignore")).expect("there"), "*\n");
    let held = compose::town_in(&town.store, &town.root, &town.config.name).await.expect("read");
    assert_eq!(held.expect("a town").name, "my-shop-trunk");
}

#[tokio::test]
async fn a_place_without_a_commit_is_refused_and_stays_as_it_is() {
    let place = unborn();
    let failure = found(&place, plain()).await.expect_err("no commit yet");
    assert_eq!(failure.code(), ExitCode::NotNow);
    assert_eq!(entries(&place.root), [".git"]);
    let outside = tempfile::tempdir().expect("a folder");
    let failure = survey(outside.path()).await.err().expect("no repository");
    assert_eq!((failure.code(), failure.next()), (ExitCode::NotNow, Some("make one with: git init")));
    assert!(entries(outside.path()).is_empty());
}

#[tokio::test]
async fn bad_arguments_are_refused_before_anything_is_created() {
    for (init, code) in [
        (Init { store: Some("mysql://x".into()), ..plain() }, ExitCode::Invalid),
        (Init { store: Some("redis://127.0.0.1:1/0".into()), ..plain() }, ExitCode::Unavailable),
        (Init { name: Some("a b".into()), ..plain() }, ExitCode::Invalid),
    ] {
        let place = born();
        assert_eq!(found(&place, init).await.expect_err("refused").code(), code);
        assert_eq!(entries(&place.root), [".git"]);
    }
}

#[tokio::test]
async fn completing_a_complete_town_changes_nothing_and_a_fresh_clone_is_completed() {
    let place = born();
    let town = found(&place, plain()).await.expect("founded");
    assert!(!complete(&town).await.expect("looked"));
    let id = |identity: Option<TownIdentity>| identity.expect("a town").id;
    let before = id(compose::town_in(&town.store, &town.root, &town.config.name).await.expect("read"));
    std::fs::remove_dir_all(town.state()).expect("removed");
    assert!(complete(&town).await.expect("made"));
    assert_ne!(id(compose::town_in(&town.store, &town.root, &town.config.name).await.expect("read")), before);
}

#[tokio::test]
async fn a_store_that_holds_a_town_is_taken_only_to_join_it() {
    let first = born();
    let store = Some(format!("sqlite:{}/shared.db", first.root.display()));
    let init = || Init { name: Some("one".into()), store: store.clone(), ..plain() };
    found(&first, init()).await.expect("founded");
    let second = born();
    let failure = found(&second, Init { store: store.clone(), ..plain() }).await.expect_err("held");
    assert_eq!(failure.code(), ExitCode::NotNow);
    assert_eq!(entries(&second.root), [".git"]);
    let joined = found(&second, Init { join: true, store: store.clone(), ..plain() }).await.expect("joined");
    assert_eq!(joined.config.name, "one");
    let other = born();
    let named = Init { name: Some("two".into()), join: true, store, ..plain() };
    assert_eq!(found(&other, named).await.expect_err("another name").code(), ExitCode::NotNow);
}

#[tokio::test]
async fn the_forge_follows_origin_unless_it_is_said() {
    let place = born();
    git(&place.root, &["remote", "add", "origin", "git@github.com:acme/app.git"]);
    let town = found(&place, plain()).await.expect("founded");
    let forge = &town.config.forge;
    assert_eq!((forge.kind, forge.repo.as_deref()), (ForgeKind::Github, Some("acme/app")));
    let place = born();
    git(&place.root, &["remote", "add", "origin", "/srv/app.git"]);
    let town = found(&place, plain()).await.expect("founded");
    assert_eq!(town.config.forge.kind, ForgeKind::Local);
    let place = born();
    let town = found(&place, Init { forge: Some(ForgeKind::Github), ..plain() }).await.expect("founded");
    let text = std::fs::read_to_string(town.root.join(FILE)).expect("read");
    assert!(text.contains("# repo = \"owner/name\""), "{text}");
}

#[tokio::test]
async fn a_checkout_of_an_agent_is_no_place_for_a_town() {
    let place = born();
    let checkout = place.root.join(".tinytown/checkouts/m/1.a1");
    std::fs::create_dir_all(&checkout).expect("folders");
    git(&checkout, &["init", "--quiet", "--template="]);
    git(&checkout, &["commit", "--quiet", "--allow-empty", "-m", "begin"]);
    assert_eq!(survey(&checkout).await.err().expect("refused").code(), ExitCode::NotNow);
}
