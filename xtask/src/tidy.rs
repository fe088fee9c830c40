//! How long functions and files are, crate by crate; and whether the arrows between crates are those
//! of `docs/architecture.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use syn::visit::Visit;

use crate::steps::{Failure, root, say};

/// Which of our crates each crate may name in its manifest, tests apart.
const ARROWS: &[(&str, &[&str])] = &[
    ("tinytown-core", &[]),
    ("tinytown-host", &[]),
    ("tinytown-store", &["tinytown-core"]),
    ("tinytown-redis", &["tinytown-core", "tinytown-store"]),
    ("tinytown-forge", &["tinytown-core", "tinytown-host"]),
    ("tinytown-agent", &["tinytown-core", "tinytown-host", "tinytown-store"]),
    ("tinytown-dispatcher", &["tinytown-core", "tinytown-forge", "tinytown-store"]),
    (
        "tinytown-cli",
        &[
            "tinytown-agent",
            "tinytown-core",
            "tinytown-dispatcher",
            "tinytown-forge",
            "tinytown-host",
            "tinytown-redis",
            "tinytown-store",
        ],
    ),
];

/// Crates of others that only one of ours may name; the same as `wrappers` in `deny.toml`.
const KEPT_IN: &[(&str, &[&str])] = &[
    ("clap", &["tinytown-cli"]),
    ("rusqlite", &["tinytown-store"]),
    ("fred", &["tinytown-redis"]),
    ("nix", &["tinytown-host"]),
    ("petgraph", &["tinytown-core"]),
    ("pulldown-cmark", &["tinytown-core"]),
];

/// What the core must never name: whatever can do IO.
const NOT_IN_CORE: &[&str] = &["tokio", "rusqlite", "nix", "reqwest", "fred", "clap", "async-trait"];

pub(crate) fn run() -> Result<(), Failure> {
    lengths()?;
    arrows()
}

/// Lengths in lines.
#[derive(Default)]
struct Lengths {
    functions: Vec<(usize, String)>,
    files: Vec<(usize, String)>,
}

fn lengths() -> Result<(), Failure> {
    say("crate                    functions: median  p90  max   files: median  p90  max");
    let mut folders: Vec<PathBuf> = Vec::new();
    for entry in list(&root().join("crates"))? {
        folders.push(entry);
    }
    folders.push(root().join("xtask"));
    folders.push(root().join("tests"));
    for folder in folders {
        let mut lengths = Lengths::default();
        measure(&folder, &mut lengths)?;
        row(&folder, lengths);
    }
    Ok(())
}

fn row(folder: &Path, mut lengths: Lengths) {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    lengths.functions.sort();
    lengths.files.sort();
    let longest = |all: &[(usize, String)]| all.last().cloned().unwrap_or_default();
    let at = |all: &[(usize, String)], percent: usize| {
        let place = (all.len().saturating_sub(1)) * percent / 100;
        all.get(place).map_or(0, |(lines, _)| *lines)
    };
    let (function, file) = (longest(&lengths.functions), longest(&lengths.files));
    say(&format!(
        "{name:<24} {:>17}{:>5}{:>5}  {:>13}{:>5}{:>5}   longest: {} ({})",
        at(&lengths.functions, 50),
        at(&lengths.functions, 90),
        function.0,
        at(&lengths.files, 50),
        at(&lengths.files, 90),
        file.0,
        function.1,
        file.1,
    ));
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let read = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = read.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

fn measure(path: &Path, lengths: &mut Lengths) -> Result<(), Failure> {
    if path.is_dir() {
        if path.file_name().is_some_and(|name| name == "target") {
            return Ok(());
        }
        for inner in list(path)? {
            measure(&inner, lengths)?;
        }
        return Ok(());
    }
    if path.extension().is_none_or(|ending| ending != "rs") {
        return Ok(());
    }
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let name = path.strip_prefix(root()).unwrap_or(path).display().to_string();
    if !text.starts_with("//!") {
        return Err(format!("{name} does not open with what it is for (//!)"));
    }
    let file = syn::parse_file(&text).map_err(|error| format!("{name}: {error}"))?;
    lengths.files.push((text.lines().count(), name));
    Functions { lengths }.visit_file(&file);
    Ok(())
}

struct Functions<'a> {
    lengths: &'a mut Lengths,
}

impl Functions<'_> {
    fn add(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let end: proc_macro2::Span = body.brace_token.span.close();
        let lines = end.end().line + 1 - signature.ident.span().start().line;
        self.lengths.functions.push((lines, signature.ident.to_string()));
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.add(&function.sig, &function.block);
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.add(&function.sig, &function.block);
        syn::visit::visit_impl_item_fn(self, function);
    }
}

fn arrows() -> Result<(), Failure> {
    let named = dependencies()?;
    let ours: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let mut wrong = Vec::new();
    for (name, dependencies) in &named {
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| known == name) else { continue };
        for dependency in dependencies {
            if ours.contains(dependency.as_str()) && !allowed.contains(&dependency.as_str()) {
                wrong.push(format!("{name} may not name {dependency}"));
            }
            if let Some((_, keepers)) = KEPT_IN.iter().find(|(kept, _)| kept == dependency)
                && !keepers.contains(&name.as_str())
            {
                wrong.push(format!("{name} may not name {dependency}: it is kept in {}", keepers.join(", ")));
            }
            if name == "tinytown-core" && NOT_IN_CORE.contains(&dependency.as_str()) {
                wrong.push(format!("{name} may not name {dependency}: it is pure"));
            }
        }
    }
    let unknown = named.keys().filter(|name| name.starts_with("tinytown-") && !ours.contains(name.as_str()));
    wrong.extend(
        unknown.filter(|name| *name != "tinytown-tests").map(|name| format!("{name} has no place in ARROWS")),
    );
    if wrong.is_empty() {
        say(&format!("arrows between {} crates: as drawn", ours.len()));
        return Ok(());
    }
    Err(wrong.join("\n"))
}

/// What each package of the workspace names in its manifest, development apart.
fn dependencies() -> Result<BTreeMap<String, BTreeSet<String>>, Failure> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata names no packages")?;
    let name_of = |value: &serde_json::Value| value["name"].as_str().unwrap_or_default().to_owned();
    Ok(packages
        .iter()
        .map(|package| {
            let all = package["dependencies"].as_array().into_iter().flatten();
            let normal = all.filter(|dependency| dependency["kind"].as_str() != Some("dev"));
            (name_of(package), normal.map(name_of).collect())
        })
        .collect())
}
