//! Agents that do what agents should not: nothing of theirs runs in our git, and nothing of theirs survives.

use std::path::Path;

use tinytown_core::input::{AttemptEnd, Submission};

use crate::world::World;

/// Everything in a checkout by which git may be made to run something.
const BOOBY_TRAPS: &str = r#"
    printf '#!/bin/sh\necho ran >> "%s"\ncat\n' "$WORLD/canary" > "$WORLD/evil"
    chmod +x "$WORLD/evil"
    for key in core.fsmonitor filter.evil.clean filter.evil.smudge filter.evil.process diff.external \
        core.sshCommand uploadpack.packObjectsHook remote.origin.uploadpack gpg.program core.editor; do
        git config "$key" "$WORLD/evil"
    done
    git config commit.gpgSign true
    git config core.hooksPath "$PWD/.git/hooks"
    mkdir -p .git/hooks
    for hook in pre-commit reference-transaction post-index-change post-checkout post-commit; do
        cp "$WORLD/evil" ".git/hooks/$hook"
    done
    rm -f "$WORLD/canary"
    echo '* filter=evil' > .gitattributes
    echo two > a
"#;

#[tokio::test]
async fn nothing_that_an_agent_configured_runs_in_our_git() {
    let world = World::new(BOOBY_TRAPS).await;
    let outcome = world.attempt(&world.brief()).await;
    assert!(matches!(outcome, Ok(Submission::Work { .. })), "{outcome:?}");
    assert!(world.path("evil").exists(), "the trap was laid");
    assert!(!world.path("canary").exists(), "and nothing stepped into it");
}

#[tokio::test]
async fn an_agents_helpers_in_sessions_of_their_own_do_not_outlive_its_attempt() {
    let script = r#"
        setsid sh -c 'trap "" TERM HUP; echo $$ > "$WORLD/daemon"; exec sleep 1000' &
        while ! [ -s "$WORLD/daemon" ]; do sleep 0.01; done
        while ! [ -e "$WORLD/go" ]; do sleep 0.01; done
        echo two > a"#;
    let world = World::new(script).await;
    let worker = world.spawn().await;
    world.dispatcher.assign(&world.brief()).await;
    let daemon = world.process("daemon").await;
    std::fs::write(world.path("go"), "").unwrap();
    let outcome = world.dispatcher.outcome(&world.brief().claim).await;
    assert!(!daemon.is_alive(), "gone before the end is told");
    assert!(matches!(outcome, Ok(Submission::Work { .. })), "{outcome:?}");
    worker.stop().await;
}

#[tokio::test]
async fn a_result_that_is_a_link_is_not_followed() {
    let script = r#"echo '{"outcome":"done","summary":"secret"}' > "$WORLD/elsewhere"
        ln -s "$WORLD/elsewhere" "$TINYTOWN_RESULT""#;
    let world = World::new(script).await;
    match world.attempt(&world.brief()).await {
        Err(AttemptEnd::Failed { cause, detail }) => {
            assert_eq!(cause, "nothing-done");
            assert!(detail.contains("symbolic link") && !detail.contains("secret"), "{detail}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_towns_own_repository_and_folder_are_as_they_were() {
    let script = "git config user.name evil; git checkout -q -b main2; git branch -f other; echo two > a";
    let world = World::new(script).await;
    let config = || std::fs::read_to_string(world.repository().join(".git/config")).unwrap();
    let before = (config(), world.head("main"), world.git(&["status", "--porcelain", "-uno"]));
    world.attempt(&world.brief()).await.unwrap();
    assert_eq!((config(), world.head("main"), world.git(&["status", "--porcelain", "-uno"])), before);
    let branches = world.git(&["for-each-ref", "--format=%(refname)", "refs/heads"]);
    assert_eq!(branches, "refs/heads/main\nrefs/heads/tt/abcd0000/2-add-a-login-page.a1");
}

#[tokio::test]
async fn untrusted_text_is_no_word_of_a_command_nor_a_path() {
    let mut world = World::new("").await;
    world.settings.cli.command =
        ["sh", "-c", "printf '%s' \"$#|$1\" > \"$WORLD/heard\"", "sh"].map(str::to_owned).to_vec();
    world.settings.cli.prompt = tinytown_agent::Prompt::Argument;
    let mut brief = world.brief();
    brief.title = "--help $(touch canary) `touch canary`; touch canary\n../../x".into();
    brief.body = tinytown_core::text::Text::inline("-rf\n$(touch canary)\0");
    brief.claim.item = tinytown_core::id::ItemKey::new("../../-x;$(touch canary)");
    let over = world.attempt(&brief).await;
    let heard = std::fs::read_to_string(world.path("heard")).unwrap_or_else(|_| panic!("not run: {over:?}"));
    assert!(heard.starts_with("1|You are backend"), "{heard}");
    assert!(heard.contains("$(touch canary)"), "as data: {heard}");
    assert!(!canary_below(world.path("").as_path()));
}

/// Whether a canary lies anywhere below. Folders may go while we look: the worker clears up.
fn canary_below(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        entry.file_name() == "canary" || (is_folder && canary_below(&entry.path()))
    })
}
