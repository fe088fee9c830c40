//! Stories through the real `tt`, real git, real SQLite and real processes.

mod conductor;
mod conflicts;
mod doctor;
mod documents;
mod errands;
mod growing;
mod hygiene;
mod kills;
mod lane;
mod machines;
mod night;
mod oddities;
mod races;
mod refusals;
mod situations;
mod transcripts;
mod tutorial;

/// Every file of this folder is a module of this program: one that is forgotten fails here.
#[test]
fn every_story_is_wired_in() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/stories");
    let main = std::fs::read_to_string(format!("{folder}/main.rs")).expect("this file");
    for entry in std::fs::read_dir(folder).expect("this folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let module = name.trim_end_matches(".rs");
        assert!(module == "main" || main.contains(&format!("mod {module};")), "{name} is not wired in");
    }
}
