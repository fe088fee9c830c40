//! Files and folders of ours: whether they are there, for us alone, and whether there is room.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tinytown_host::volume::volume_of;

use super::finding::{Finding, quoted};
use crate::render::bytes;

const MIB: u64 = 1 << 20;
/// With less a night may end early.
const LITTLE: u64 = 1024 * MIB;
/// With less nothing can be relied upon.
const TOO_LITTLE: u64 = 100 * MIB;

/// The town's private folder.
pub(super) fn state(folder: &Path) -> Vec<Finding> {
    match folder.metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let message = format!("the town's private folder {} is missing", folder.display());
            return vec![Finding::error("folder", message, "make it with: tt init")];
        }
        Err(error) => {
            let message = format!("the town's private folder {} cannot be seen: {error}", folder.display());
            return vec![Finding::error("folder", message, "see who may enter the folders above it")];
        }
        Ok(_) => {}
    }
    let mut findings = vec![
        private(folder, 0o700)
            .unwrap_or_else(|| Finding::ok("folder", format!("private folder {}", folder.display()))),
    ];
    findings.extend(ignored(folder));
    findings.push(room(folder));
    findings
}

/// Complains if others may enter or read what is for us alone. What vanishes meanwhile is fine.
pub(super) fn private(path: &Path, mode: u32) -> Option<Finding> {
    let found = path.metadata().ok()?.permissions().mode() & 0o777;
    (found & 0o077 != 0).then(|| {
        let message = format!("{} is open to others (mode {found:04o})", path.display());
        Finding::warning("folder", message, format!("chmod {mode:o} {}", quoted(path)))
    })
}

/// The folder's own list of what git leaves out: everything in it.
fn ignored(folder: &Path) -> Option<Finding> {
    let file = folder.join(".gitignore");
    let all = fs::read_to_string(&file).is_ok_and(|text| text.lines().any(|line| line.trim() == "*"));
    (!all).then(|| {
        let message = format!("{} does not keep the town's private files out of commits", file.display());
        Finding::warning("folder", message, format!("echo '*' > {}", quoted(&file)))
    })
}

fn room(folder: &Path) -> Finding {
    match volume_of(folder) {
        Ok(volume) => judged(volume.free, folder),
        Err(error) => {
            let message = format!("how much room is left cannot be told: {error}");
            Finding::warning("disk", message, format!("see for yourself: df -h {}", quoted(folder)))
        }
    }
}

fn judged(free: u64, folder: &Path) -> Finding {
    let message = format!("{} free on disk", bytes(free));
    let mend = format!("make room where {} is: checkouts, logs and the store need it", folder.display());
    match free {
        ..TOO_LITTLE => Finding::error("disk", format!("only {message}"), mend),
        TOO_LITTLE..LITTLE => Finding::warning("disk", format!("only {message}"), mend),
        LITTLE.. => Finding::ok("disk", message),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn a_full_disk_is_an_error_and_a_tight_one_a_warning() {
        let level = |free| judged(free, Path::new("/x")).level;
        assert_eq!([level(0), level(TOO_LITTLE - 1)], [Level::Error; 2]);
        assert_eq!([level(TOO_LITTLE), level(LITTLE - 1)], [Level::Warning; 2]);
        assert_eq!([level(LITTLE), level(u64::MAX)], [Level::Ok; 2]);
    }

    #[test]
    fn what_others_may_not_open_is_private() {
        let place = tempfile::tempdir().expect("a folder");
        let file = place.path().join("file");
        fs::write(&file, "").expect("written");
        let found = |mode| {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("ours");
            private(&file, 0o600)
        };
        assert_eq!([found(0o600), found(0o400)], [None, None]);
        for open in [0o640, 0o604, 0o610] {
            assert!(found(open).is_some(), "{open:o}");
        }
    }
}
