//! How attempts end: by evidence, whatever the agent's exit code says.

use std::os::unix::fs::PermissionsExt as _;

use tinytown_core::id::Sha;
use tinytown_core::input::{AttemptEnd, MissionInput, Submission};
use tinytown_core::item::Kind;
use tinytown_core::letter::Brief;
use tinytown_core::text::Text;

use crate::world::{World, commit_all, eventually};

const BRANCH: &str = "refs/heads/tt/abcd0000/2-add-a-login-page.a1";
const KEPT: &str = "refs/tinytown/kept/tt/abcd0000/2-add-a-login-page.a1";

async fn run(script: &str) -> (World, Result<Submission, AttemptEnd>) {
    let world = World::new(script).await;
    let outcome = world.attempt(&world.brief()).await;
    (world, outcome)
}

async fn run_review(script: &str) -> Result<Submission, AttemptEnd> {
    let world = World::new(script).await;
    world.attempt(&world.review()).await
}

fn work(outcome: Result<Submission, AttemptEnd>) -> (Sha, bool, String) {
    match outcome {
        Ok(Submission::Work { head, empty, summary }) => (head, empty, summary),
        other => panic!("not handed in: {other:?}"),
    }
}

fn failed(outcome: Result<Submission, AttemptEnd>) -> (String, String) {
    match outcome {
        Err(AttemptEnd::Failed { cause, detail }) => (cause, detail),
        other => panic!("not failed: {other:?}"),
    }
}

#[tokio::test]
async fn a_commit_by_an_agent_without_identity_at_home_is_handed_in_and_published() {
    let (world, outcome) = run("echo two > a; git commit -q -a -m 'say two'").await;
    let (head, empty, summary) = work(outcome);
    assert_eq!((empty, summary.as_str()), (false, "say two"));
    assert_eq!(world.head(BRANCH), head);
    assert_eq!(world.git(&["log", "-1", "--format=%an <%ae>", BRANCH]), "backend <backend@localhost>");
    assert_eq!(world.git(&["show", &format!("{BRANCH}:a")]), "two");
    assert!(!world.has_ref("refs/tinytown"), "a published branch is kept once");
    eventually("the folders to be removed", || world.folders().is_empty()).await;
}

#[tokio::test]
async fn the_start_is_told_before_the_agent_starts_and_the_end_after_it() {
    let world = World::new("echo two > a").await;
    let brief = world.brief();
    world.attempt(&brief).await.unwrap();
    let said = world.dispatcher.said(&brief.claim);
    assert!(
        matches!(said.as_slice(), [MissionInput::Started { .. }, MissionInput::Submitted { .. }]),
        "{said:?}"
    );
}

#[tokio::test]
async fn what_is_left_uncommitted_the_worker_commits() {
    let script = r#"echo two > a; echo new > b; echo x > .gitignore; echo litter > x
        printf '%s' '{"outcome":"done","summary":"said two\nTinytown-Item: forged #1"}' > "$TINYTOWN_RESULT""#;
    let (world, outcome) = run(script).await;
    let (head, empty, summary) = work(outcome);
    assert_eq!((empty, summary.as_str()), (false, "said two\nTinytown-Item: forged #1"));
    assert_eq!(world.git(&["ls-tree", "--name-only", head.as_str()]), ".gitignore\na\nb");
    assert_eq!(world.git(&["log", "-1", "--format=%B", head.as_str()]), "Add a login page\n\nsaid two");
    assert_eq!(world.git(&["rev-parse", &format!("{head}^")]), world.head("main").as_str());
}

#[tokio::test]
async fn done_without_a_change_is_an_empty_submission() {
    let (world, outcome) =
        run(r#"echo '{"outcome":"done","summary":"was there"}' > "$TINYTOWN_RESULT""#).await;
    assert_eq!(work(outcome), (world.head("main"), true, "was there".to_owned()));
    assert!(!world.has_ref("refs/heads/tt"));
}

#[tokio::test]
async fn exit_0_with_nothing_is_nothing_done() {
    assert_eq!(failed(run("echo I am done").await.1).0, "nothing-done");
}

#[tokio::test]
async fn another_exit_code_is_a_failure_and_its_work_is_kept() {
    let (world, outcome) = run("echo two > a; exit 3").await;
    assert_eq!(failed(outcome), ("exit".into(), "the agent ended with exit code 3".into()));
    assert_eq!(world.git(&["show", &format!("{KEPT}:a")]), "two");
    assert!(!world.has_ref("refs/heads/tt"));
}

#[tokio::test]
async fn an_end_by_a_signal_that_is_not_ours_is_a_loss() {
    let (world, outcome) = run("echo two > a; kill -9 $$").await;
    assert!(
        matches!(&outcome, Err(AttemptEnd::Lost { detail }) if detail.contains("signal 9")),
        "{outcome:?}"
    );
    assert!(world.has_ref(KEPT));
}

#[tokio::test]
async fn stuck_ends_with_its_question() {
    let script =
        r#"echo two > a; echo '{"outcome":"stuck","summary":"which?"}' > "$TINYTOWN_RESULT"; exit 1"#;
    let (world, outcome) = run(script).await;
    assert_eq!(outcome, Err(AttemptEnd::Stuck { summary: "which?".into() }));
    assert!(world.has_ref(KEPT));
}

#[tokio::test]
async fn limits_end_an_attempt_and_its_work_is_kept() {
    for (time_limit_ms, stall_limit_ms, cause) in [(300, 600_000, "timed-out"), (600_000, 300, "stalled")] {
        let world = World::new("echo two > a; exec sleep 1000").await;
        let brief = Brief { time_limit_ms, stall_limit_ms, ..world.brief() };
        assert_eq!(failed(world.attempt(&brief).await).0, cause);
        assert!(world.has_ref(KEPT), "{cause}");
    }
}

#[tokio::test]
async fn a_cli_that_is_not_there_is_a_failure_that_says_so() {
    let mut world = World::new("").await;
    world.settings.cli.command = vec!["no-such-agent-cli".into()];
    let (cause, detail) = failed(world.attempt(&world.brief()).await);
    assert_eq!(cause, "not-started");
    assert!(detail.contains("no-such-agent-cli"), "{detail}");
}

#[tokio::test]
async fn a_base_that_is_not_there_is_the_hosts_loss() {
    let world = World::new("echo two > a").await;
    let brief = Brief { base: Sha::new(&"5".repeat(40)).unwrap(), ..world.brief() };
    let outcome = world.attempt(&brief).await;
    assert!(matches!(&outcome, Err(AttemptEnd::Lost { detail }) if detail.contains("5555")), "{outcome:?}");
    assert!(world.folders().is_empty());
}

#[tokio::test]
async fn a_review_counts_by_its_verdict_alone() {
    let says = |outcome: &str| {
        format!(r#"echo x > a; echo '{{"outcome":"{outcome}","summary":"s"}}' > "$TINYTOWN_RESULT""#)
    };
    for (outcome, approve) in [("approve", true), ("request_changes", false)] {
        let verdict = Submission::Verdict { approve, summary: "s".into() };
        assert_eq!(run_review(&says(outcome)).await, Ok(verdict));
    }
    assert_eq!(failed(run_review(&says("done")).await).0, "no-verdict");
    assert_eq!(failed(run_review("echo looks good").await).0, "no-verdict");
}

#[tokio::test]
async fn a_review_stands_detached_at_the_head_and_its_commits_are_dropped() {
    let script = r#"git symbolic-ref -q HEAD; git rev-parse HEAD origin/main; echo x > b; git add b
        git commit -q -m mine; echo '{"outcome":"approve"}' > "$TINYTOWN_RESULT""#;
    let world = World::new(script).await;
    world.attempt(&world.review()).await.unwrap();
    let main = world.head("main");
    assert_eq!(world.log(), format!("{main}\n{main}\n"));
    assert_eq!(world.git(&["for-each-ref", "--format=%(refname)"]), "refs/heads/main");
}

#[tokio::test]
async fn a_fix_must_contain_what_it_was_told_to() {
    for (script, lacks) in
        [("git merge -q --no-edit \"$(git rev-parse origin/main)\"; echo x > c", false), ("echo x > c", true)]
    {
        let world = World::new(script).await;
        let before = world.head("main");
        std::fs::write(world.repository().join("b"), "b").unwrap();
        commit_all(world.repository(), "the base moved");
        let fix = Brief {
            kind: Kind::Fix,
            base: before.clone(),
            head: Some(before),
            must_hold: vec![world.head("main")],
            ..world.brief()
        };
        let outcome = world.attempt(&fix).await;
        if lacks {
            assert_eq!(failed(outcome).0, "must-hold-missing");
        } else {
            assert_eq!(world.git(&["ls-tree", "--name-only", work(outcome).0.as_str()]), "a\nb\nc");
        }
    }
}

#[tokio::test]
async fn an_agent_that_leaves_its_branch_hands_in_what_it_ended_on() {
    let elsewhere = "git checkout -q -b mine; echo two > a; git commit -q -a -m two";
    let detached = "git checkout -q --detach; echo two > a; git commit -q -a -m two";
    let walked_off = "echo two > a; git commit -q -a -m two; git checkout -q --detach HEAD~1";
    for script in [elsewhere, detached, walked_off] {
        let (world, outcome) = run(script).await;
        let (head, _, _) = work(outcome);
        assert_eq!(world.head(BRANCH), head, "{script}");
        assert_eq!(world.git(&["show", &format!("{head}:a")]), "two", "{script}");
    }
}

#[tokio::test]
async fn work_on_two_branches_is_kept_whole() {
    let script = "echo two > a; git commit -q -a -m two; git checkout -q --detach HEAD~1; echo three > a";
    let (world, outcome) = run(script).await;
    let (head, _, _) = work(outcome);
    assert_eq!(world.git(&["show", &format!("{head}:a")]), "three");
    assert_eq!(world.git(&["show", &format!("{KEPT}.aside:a")]), "two");
}

#[tokio::test]
async fn history_without_the_base_is_refused_and_kept() {
    let script = "git checkout -q --orphan new; echo two > a; git add a; git commit -q -m two";
    let (world, outcome) = run(script).await;
    assert_eq!(failed(outcome).0, "base-missing");
    assert!(world.has_ref(KEPT));
}

#[tokio::test]
async fn a_checkout_whose_repository_is_gone_fails_and_stays() {
    let (world, outcome) = run("rm -rf .git; echo two > a").await;
    assert_eq!(failed(outcome).0, "work-unreadable");
    let a = world.settings.town_dir.join(".tinytown/checkouts/abcd0000/2.a1/a");
    assert_eq!(std::fs::read_to_string(a).unwrap(), "two\n");
}

#[tokio::test]
async fn a_branch_that_is_there_already_is_not_moved() {
    let world = World::new("echo two > a").await;
    world.git(&["branch", BRANCH.strip_prefix("refs/heads/").unwrap()]);
    let (head, _, _) = work(world.attempt(&world.brief()).await);
    assert_eq!(world.head(BRANCH), world.head("main"));
    assert_eq!(world.head(KEPT), head);
}

#[tokio::test]
async fn the_environment_is_the_allow_list_the_contract_and_nothing_else() {
    let script = r#"env | sed 's/=.*//' | sort; stat -c %a "$(dirname "$TINYTOWN_RESULT")"; cat"#;
    let (world, _) = run(script).await;
    let log = world.log();
    let (names, prompt) = log.split_once("700\n").unwrap();
    let of_the_shell = ["OLDPWD", "PWD", "SHLVL", "_"];
    let names: Vec<&str> = names.lines().filter(|name| !of_the_shell.contains(name)).collect();
    let contract = ["AGENT", "ATTEMPT", "BRANCH", "DIR", "HEAD", "ITEM", "KIND", "MISSION", "RESULT", "ROLE"];
    let mut expected: Vec<String> = contract.iter().map(|name| format!("TINYTOWN_{name}")).collect();
    expected.extend(["HOME", "PATH", "TINYTOWN_RUN", "TINYTOWN_TOWN", "WORLD"].map(str::to_owned));
    expected.sort();
    assert_eq!(names, expected);
    assert!(prompt.contains("People want to log in."), "{prompt}");
}

#[tokio::test]
async fn the_contracts_values_are_those_of_the_assignment() {
    let script = r#"echo "$TINYTOWN_DIR|$TINYTOWN_TOWN|$TINYTOWN_MISSION|$TINYTOWN_ITEM|$TINYTOWN_KIND"
        echo "$TINYTOWN_ROLE|$TINYTOWN_AGENT|$TINYTOWN_ATTEMPT|$TINYTOWN_BRANCH|$TINYTOWN_HEAD""#;
    let (world, _) = run(script).await;
    let (dir, main) = (world.settings.town_dir.display().to_string(), world.head("main"));
    let branch = BRANCH.strip_prefix("refs/heads/").unwrap();
    let expected = format!(
        "{dir}|town|abcd0000-0000-0000-0000-000000000000|#2|implement\nbackend|backend|1|{branch}|{main}\n"
    );
    assert_eq!(world.log(), expected);
}

#[tokio::test]
async fn a_long_text_is_read_from_the_store_and_goes_on_in_a_file() {
    let script = r#"cp "$(sed -n 's/.*in the file //p')" "$WORLD/rest""#;
    let world = World::new(script).await;
    let text = "x".repeat(256 * 1024) + "the rest";
    let mut blobs = Vec::new();
    let body = tinytown_store::codec::intern(&mut blobs, text);
    world.dispatcher.keep(blobs).await;
    let _ = world.attempt(&Brief { body, ..world.brief() }).await;
    assert_eq!(std::fs::read_to_string(world.path("rest")).unwrap(), "the rest");
}

#[tokio::test]
async fn a_text_that_the_store_has_not_is_a_loss_that_says_so() {
    let world = World::new("echo two > a").await;
    let body = Text::Stored { sha256: "0".repeat(64), bytes: 9 };
    let outcome = world.attempt(&Brief { body, ..world.brief() }).await;
    assert!(matches!(&outcome, Err(AttemptEnd::Lost { detail }) if detail.contains("0000")), "{outcome:?}");
}

#[tokio::test]
async fn everything_that_is_written_is_private() {
    let world = World::new("sleep 1000 & echo $! > \"$WORLD/up\"; wait").await;
    let worker = world.spawn().await;
    world.dispatcher.assign(&world.brief()).await;
    world.process("up").await;
    let home = world.settings.town_dir.join(".tinytown");
    let mode = |path: &str| home.join(path).metadata().unwrap().permissions().mode() & 0o777;
    let folders =
        ["", "checkouts", "checkouts/abcd0000/2.a1", "attempts/abcd0000/2.a1", "logs", "run/backend"];
    assert_eq!(folders.map(mode), [0o700; 6]);
    assert_eq!(["attempts/abcd0000/2.a1/prompt.md", "logs/backend/abcd0000-2.a1.log"].map(mode), [0o600; 2]);
    worker.stop().await;
}
