//! Real components that tests need beside cargo: found on the path, or installed where that may be done.

use std::path::PathBuf;
use std::process::Command;

use crate::steps::{Failure, say};

/// A program, and the Debian package that brings it.
const COMPONENTS: &[(&str, &str)] = &[("redis-server", "redis-server")];

/// Sees to it that all are there.
pub(crate) fn install() -> Result<(), Failure> {
    for (program, package) in COMPONENTS {
        let found = match find(program) {
            Some(found) => found,
            None => get(program, package)?,
        };
        say(&format!("{program}: {}", found.display()));
    }
    Ok(())
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Installs a package as root; a test that lacks its component must fail, never be passed over.
fn get(program: &str, package: &str) -> Result<PathBuf, Failure> {
    let how = format!(
        "{program} is needed by the tests and is not on the path; get it with: apt-get install {package}"
    );
    if find("apt-get").is_none() || !is_root() {
        return Err(how);
    }
    say(&format!("installing {package}"));
    let _stale = apt(&["update"]);
    apt(&["install", "--yes", "--no-install-recommends", package]).map_err(|why| format!("{how} ({why})"))?;
    find(program).ok_or(how)
}

fn is_root() -> bool {
    let told = Command::new("id").arg("-u").output();
    told.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn apt(words: &[&str]) -> Result<(), Failure> {
    let mut command = Command::new("apt-get");
    command.args(words).env("DEBIAN_FRONTEND", "noninteractive");
    // Installed, it would start a server that nobody asked for.
    command.env("RUNLEVEL", "1");
    let status = command.status().map_err(|error| format!("apt-get cannot be run: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("apt-get failed: {status}")) }
}
