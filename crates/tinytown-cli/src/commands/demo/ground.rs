//! The throw-away repository of the demonstration: the tutorial's issues, a check, a scripted agent.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::commands::config::replace;
use crate::commands::init::Init;
use crate::config::{self, FILE};
use crate::failure::{ExitCode, Failure};
use crate::terminal::Terminal;
use crate::town::Town;

/// The tutorial's issues.
const ISSUES: [(&str, &str); 3] = [
    (
        "1-design-auth-api.md",
        "# Design auth API\n\nDesign the authentication API schema.\n\n- Define login/logout endpoints\n- Document token format\n- Specify error responses\n",
    ),
    (
        "2-implement-auth-endpoints.md",
        "# Implement auth endpoints\n\nImplement the authentication endpoints.\n\nDepends on #1.\n\n- Implement login endpoint\n- Implement logout endpoint\n- Add token validation\n",
    ),
    (
        "3-write-auth-tests.md",
        "# Write auth tests\n\nWrite comprehensive tests for auth API.\n\nAfter #2.\n\n- Unit tests for token validation\n- Integration tests for login flow\n- Error case coverage\n",
    ),
];

/// The name of the scripted agent CLI.
pub(super) const CLI: &str = "demo";

/// Where the demonstration takes place.
pub(super) struct Ground {
    /// The town.
    pub(super) town: Town,
    /// Removes the folder when it goes, unless it is to be kept.
    pub(super) folder: Option<tempfile::TempDir>,
}

/// Makes the repository and the town: in that folder, which must be empty or missing, or in a temporary one.
pub(super) async fn prepare(dir: Option<&Path>, store: Option<String>) -> Result<Ground, Failure> {
    let folder = match dir {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("tinytown-demo-").tempdir()?),
    };
    let root = match (dir, &folder) {
        (Some(dir), _) => empty(dir)?,
        (None, Some(folder)) => folder.path().join("shop"),
        (None, None) => unreachable!("without a folder given, one was made"),
    };
    std::fs::create_dir_all(root.join("issues"))?;
    for (name, text) in ISSUES {
        std::fs::write(root.join("issues").join(name), text)?;
    }
    std::fs::write(root.join("check.sh"), include_str!("check.sh"))?;
    git(&root, &["init", "--quiet", "--initial-branch=main"]).await?;
    commit(&root, "The issues of the tutorial").await?;
    let quiet = Terminal::new(true, false, anstream::ColorChoice::Never);
    let town = Init::local(quiet, &root, store, "sh check.sh").await?;
    let town = configure(town)?;
    commit(&town.root, "Make it a town").await?;
    Ok(Ground { town, folder })
}

fn empty(dir: &Path) -> Result<PathBuf, Failure> {
    std::fs::create_dir_all(dir)?;
    if std::fs::read_dir(dir)?.next().is_some() {
        let message = format!("the folder {} is not empty", dir.display());
        return Err(Failure::new(ExitCode::NotNow, message).hint("name a new one with --dir"));
    }
    Ok(dir.canonicalize()?)
}

/// The scripted agent lies where git does not see it.
fn configure(town: Town) -> Result<Town, Failure> {
    let script = town.state().join("demo-agent.sh");
    std::fs::write(&script, include_str!("agent.sh"))?;
    let command = toml_edit::Array::from_iter(["sh", &script.display().to_string()]);
    let file = town.root.join(FILE);
    let mut text = std::fs::read_to_string(&file)?;
    let command = command.to_string();
    let changes = [("default_cli", CLI), ("cli.demo.command", &command), ("policy.watch_interval_secs", "1")];
    for (key, value) in changes {
        text = config::set(&text, FILE, key, value)
            .map_err(|error| Failure::from_error(ExitCode::Failed, &error))?;
    }
    replace(&file, &text)?;
    // What the environment says of stores is not about this town.
    Town::at(town.root, None)
}

async fn commit(root: &Path, message: &str) -> Result<(), Failure> {
    git(root, &["add", "--all", "--", "."]).await?;
    git(root, &["commit", "--quiet", "-m", message]).await
}

/// Under an identity of its own and without hooks: the user's settings are about their own work.
async fn git(root: &Path, arguments: &[&str]) -> Result<(), Failure> {
    let mut command = Command::new("git");
    command.arg("-C").arg(root).args(["-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false"]);
    command.args(["-c", "user.name=tinytown", "-c", "user.email=tinytown@localhost"]).args(arguments);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        command.env_remove(name);
    }
    let output = command.stdin(Stdio::null()).output().await.map_err(|error| {
        Failure::from_error(ExitCode::Unavailable, &error).during("git").hint("install git 2.38 or newer")
    })?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Failure::new(ExitCode::Failed, format!("git {} failed: {words}", arguments.join(" "))))
}
