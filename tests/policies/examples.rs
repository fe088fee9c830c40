//! The examples run. They are taken in as modules: an example that was built before may be another one
//! than the file says, and whoever runs this program alone builds none.

#[path = "../examples/embed_core.rs"]
mod embed_core;
#[path = "../examples/in_process.rs"]
mod in_process;

#[test]
fn the_core_alone_plans_decides_and_simulates() {
    let told = embed_core::tell().expect("it runs");
    assert!(told.starts_with("waves: [1, 1]\nfirst step: [MissionStarted, "), "{told}");
    assert!(told.contains("completed after"), "{told}");
    embed_core::main().expect("it runs");
}

#[test]
fn a_whole_mission_runs_in_one_process() {
    in_process::main().expect("it runs");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    assert_eq!(runtime.block_on(in_process::tell()).expect("it runs"), "completed with 2 merges");
}

#[test]
fn embedding_the_core_takes_forty_lines() {
    let lines = include_str!("../examples/embed_core.rs").lines().count();
    assert!(lines <= 40, "{lines} lines");
}
