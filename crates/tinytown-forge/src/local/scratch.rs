//! Folders for checkouts that live as long as a check does, and sweeping what killed processes left.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// With what the names of our folders begin.
const PREFIX: &str = "check-";

/// A folder name of ours, claimed by a locked file beside it. The kernel releases the lock when this
/// process ends, however it ends: an unlocked claim is litter.
pub(super) struct Scratch {
    dir: PathBuf,
    claim: PathBuf,
    /// Held, not read.
    _lock: File,
}

impl Scratch {
    /// Claims a name; the folder itself is made by whoever fills it.
    pub(super) fn claim(root: &Path, name: &str) -> io::Result<Self> {
        let dir = root.join(format!("{PREFIX}{name}"));
        let claim = dir.with_extension("lock");
        let lock = File::options().create_new(true).write(true).mode(0o600).open(&claim)?;
        lock.try_lock()?;
        Ok(Self { dir, claim, _lock: lock })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A build's output is large: removing it must not hold up whoever drops this.
        let (dir, claim) = (std::mem::take(&mut self.dir), std::mem::take(&mut self.claim));
        std::thread::spawn(move || {
            remove_all(&dir);
            let _ = fs::remove_file(claim);
        });
    }
}

/// Makes the private folders, the first of which is the scratch folder, and sweeps that.
pub(super) fn prepare(folders: &[PathBuf]) -> io::Result<()> {
    for folder in folders {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    folders.first().map_or(Ok(()), |scratch| sweep(scratch))
}

/// Removes folders whose owner is gone.
fn sweep(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let claim = entry?.path();
        let name = claim.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with(PREFIX) || claim.extension().is_none_or(|e| e != "lock") {
            continue;
        }
        // Locked: a living process checks there. Gone: its owner removed it just now.
        if File::open(&claim).is_ok_and(|file| file.try_lock().is_ok()) {
            remove_all(&claim.with_extension(""));
            let _ = fs::remove_file(&claim);
        }
    }
    Ok(())
}

/// Removes a folder, also one in which a build took away its own write permission.
fn remove_all(dir: &Path) {
    if fs::remove_dir_all(dir).is_err() && dir.exists() {
        make_writable(dir);
        // What still resists is swept by the next start, or stays as litter in a folder of ours.
        let _ = fs::remove_dir_all(dir);
    }
}

fn make_writable(dir: &Path) {
    let _ = fs::set_permissions(dir, fs::Permissions::from_mode(0o700));
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            make_writable(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweeping_removes_what_nobody_holds_and_nothing_else() {
        let root = tempfile::tempdir().expect("temporary folder");
        let held = Scratch::claim(root.path(), "held").expect("claim");
        fs::create_dir(held.dir()).expect("folder");
        let left = root.path().join("check-left");
        fs::create_dir_all(left.join("read-only")).expect("folder");
        fs::write(left.join("read-only/file"), "").expect("file");
        fs::set_permissions(left.join("read-only"), fs::Permissions::from_mode(0o500)).expect("chmod");
        fs::write(root.path().join("check-left.lock"), "").expect("file");
        fs::write(root.path().join("mine.lock"), "").expect("file");
        prepare(&[root.path().to_owned()]).expect("sweep");
        assert!(held.dir().exists() && root.path().join("mine.lock").exists());
        assert!(!left.exists() && !root.path().join("check-left.lock").exists());
    }
}
