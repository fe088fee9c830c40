//! The chores that build and test.

use crate::components;
use crate::steps::{Failure, Stages};
use crate::tidy;

/// Everything that must pass.
pub(crate) fn test(filter: &[&str]) -> Result<(), Failure> {
    let mut stages = Stages::default();
    let outcome = run_tests(&mut stages, filter);
    stages.tell();
    outcome
}

fn run_tests(stages: &mut Stages, filter: &[&str]) -> Result<(), Failure> {
    stages.stage("tidy", tidy::run)?;
    stages.stage("components", components::install)?;
    let is_long = filter.contains(&"--long");
    let long: &[(&str, &str)] = if is_long { &[("TINYTOWN_LONG", "1")] } else { &[] };
    let filter: Vec<&str> = filter.iter().copied().filter(|word| *word != "--long").collect();
    // The stories drive the real binary, which cargo does not build for another package's tests; built
    // with everything else, its dependencies are built once. No feature that plants mutants: `tt` is
    // tested as users have it.
    stages.cargo("build", &["build", "--workspace", "--all-targets"])?;
    let mut words = vec!["test", "--workspace"];
    words.extend(&filter);
    stages.tests("test", &words, long)?;
    if filter.is_empty() {
        stories_on_redis(stages, is_long)?;
    }
    let mut words = vec!["test", "--package", "tinytown-tests", "--features", "mutants"];
    words.extend(["--test", "crashes", "--test", "proof"]);
    words.extend(&filter);
    stages.tests("test mutants", &words, long)?;
    if is_long { other_servers(stages) } else { Ok(()) }
}

/// Stories that do not look at SQLite's file, with Redis as the towns' store; without `all` some of them.
fn stories_on_redis(stages: &mut Stages, all: bool) -> Result<(), Failure> {
    let chosen = if all {
        &["--skip", "doctor::", "--skip", "database", "--skip", "address_of_redis", "--skip", "machines::"][..]
    } else {
        &["tutorial::", "lane::", "growing::"][..]
    };
    let words = [&["test", "--workspace", "--test", "stories", "--"][..], chosen].concat();
    stages.tests("stories on redis", &words, &[("TINYTOWN_STORY_STORE", "redis")])
}

/// What must hold on Redis must hold on its newer versions and on Valkey.
fn other_servers(stages: &mut Stages) -> Result<(), Failure> {
    stages.stage("other servers", || components::other_servers().map(drop))?;
    for (name, program) in components::other_servers()? {
        let program = program.display().to_string();
        // These builds know no TLS.
        let words = ["test", "--workspace", "--test", "redis", "--", "--skip", "certificate"];
        stages.tests(name, &words, &[("TINYTOWN_REDIS_SERVER", &program)])?;
    }
    Ok(())
}

/// The program that proves, with planted mutants, and nothing that it does not need.
const PROVE: &[&str] = &[
    "--release",
    "--package",
    "tinytown-tests",
    "--no-default-features",
    "--features",
    "mutants",
    "--bin",
    "prove",
];

/// Built in parts, it is there half a minute sooner, and runs hardly slower.
const BUILT_SOON: &[(&str, &str)] = &[("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")];

/// Missions under faults, and mutants; see `cargo xtask prove --help`.
pub(crate) fn prove(words: &[&str]) -> Result<(), Failure> {
    let mut stages = Stages::default();
    let outcome = run_proof(&mut stages, words);
    stages.tell();
    outcome
}

fn run_proof(stages: &mut Stages, words: &[&str]) -> Result<(), Failure> {
    stages.cargo_with("build prove", &[&["build"], PROVE].concat(), BUILT_SOON)?;
    stages.cargo_with("prove", &[&["run", "--quiet"], PROVE, &["--"], words].concat(), BUILT_SOON)
}

/// What `.ci/run` runs.
pub(crate) fn all() -> Result<(), Failure> {
    let mut stages = Stages::default();
    let outcome = run_all(&mut stages);
    stages.tell();
    outcome
}

fn run_all(stages: &mut Stages) -> Result<(), Failure> {
    stages.cargo("fmt", &["fmt", "--all", "--check"])?;
    stages.cargo(
        "clippy",
        &["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"],
    )?;
    stages.cargo_with(
        "doc",
        &["doc", "--workspace", "--no-deps", "--all-features"],
        &[("RUSTDOCFLAGS", "-D warnings")],
    )?;
    run_tests(stages, &[])?;
    run_proof(stages, &[])?;
    // Optimised, like the proof, with which it shares what is built.
    let words = ["test", "--release", "--package", "tinytown-tests", "--no-default-features"];
    let words = [&words[..], &["--features", "mutants", "--test", "interleavings"]].concat();
    stages.tests("interleavings", &words, BUILT_SOON)
}

/// Reads cases from standard input, and prints what their issues depend on.
pub(crate) fn markers() -> Result<(), Failure> {
    let package = ["--package", "tinytown-tests", "--no-default-features", "--bin", "markers"];
    Stages::default().cargo("markers", &[&["run", "--quiet", "--release"], &package[..]].concat())
}

/// Measurements; the programs that measure are examples and print tables.
pub(crate) fn bench(words: &[&str]) -> Result<(), Failure> {
    let mut stages = Stages::default();
    match words {
        ["core"] => stages.cargo(
            "bench core",
            &["run", "--release", "--package", "tinytown-tests", "--example", "bench_core"],
        ),
        ["redis"] => {
            stages.stage("components", components::install)?;
            let run = ["run", "--release", "--package", "tinytown-redis", "--features", "testing"];
            stages.cargo("bench redis", &[&run[..], &["--example", "bench_redis"]].concat())?;
            stages.cargo("build tt", &["build", "--release", "--package", "tinytown-cli"])?;
            let run = ["run", "--release", "--package", "tinytown-tests", "--example", "bench_town"];
            stages.cargo_with("bench town", &run, &[("TINYTOWN_STORY_STORE", "redis")])
        }
        ["handoff"] => {
            stages.cargo("build tt", &["build", "--release", "--package", "tinytown-cli"])?;
            stages.cargo(
                "bench handoff",
                &["run", "--release", "--package", "tinytown-tests", "--example", "bench_handoff"],
            )
        }
        ["cli", sizes @ ..] => {
            stages.cargo("build tt", &["build", "--release", "--package", "tinytown-cli"])?;
            let run = ["run", "--release", "--package", "tinytown-tests", "--example", "bench_cli", "--"];
            stages.cargo("bench cli", &[&run[..], sizes].concat())
        }
        [] => {
            bench(&["core"])?;
            bench(&["cli"])?;
            bench(&["handoff"])?;
            bench(&["redis"])
        }
        other => Err(format!("no measurement called {}: core, cli, handoff, redis", other.join(" "))),
    }
}
