//! Locks on references that a killed git left behind.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Git holds a lock on a reference for milliseconds. One that we have ourselves seen unchanged, in the way, for
/// so long (on a clock that nobody sets) has no owner.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which locks were in the way, and since when.
pub(super) struct LockWatch {
    seen: Mutex<HashMap<PathBuf, (Stamp, Instant)>>,
    patience: Duration,
}

/// What tells one lock from a later one at the same place.
type Stamp = (u64, i64, i64);

impl Default for LockWatch {
    fn default() -> Self {
        Self { seen: Mutex::default(), patience: PATIENCE }
    }
}

impl LockWatch {
    /// The lock that git complains about in `words`, if it is on a reference of this repository and was
    /// in the way for long. The index's lock is the user's and never answered.
    pub(super) fn abandoned(&self, words: &str, common_dir: &Path) -> Option<PathBuf> {
        let path = PathBuf::from(words.split_once("Unable to create '")?.1.split_once("': File exists")?.0);
        let on_reference = path.starts_with(common_dir)
            && path.extension().is_some_and(|e| e == "lock")
            && path.file_name().is_some_and(|name| name != "index.lock");
        let stamp = fs::symlink_metadata(&path)
            .ok()
            .filter(|_| on_reference)
            .map(|m| (m.ino(), m.mtime(), m.mtime_nsec()))?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.get(&path) {
            Some((same, since)) if *same == stamp => {
                (since.elapsed() >= self.patience).then(|| seen.remove(&path)).map(|_| path)
            }
            _ => {
                seen.insert(path, (stamp, Instant::now()));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lock_on_a_reference_seen_twice_for_long_is_abandoned() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let watch = LockWatch { patience: Duration::ZERO, ..LockWatch::default() };
        let complaint = |name: &str| {
            let path = dir.path().join(name);
            fs::write(&path, "").expect("write");
            (format!("fatal: Unable to create '{}': File exists.\n\nAnother git…", path.display()), path)
        };
        let (words, path) = complaint("main.lock");
        assert_eq!(watch.abandoned(&words, dir.path()), None);
        assert_eq!(watch.abandoned(&words, Path::new("/elsewhere")), None);
        assert_eq!(watch.abandoned(&words, dir.path()), Some(path));
        let (words, _) = complaint("index.lock");
        assert_eq!((watch.abandoned(&words, dir.path()), watch.abandoned(&words, dir.path())), (None, None));
        let patient = LockWatch::default();
        let (words, _) = complaint("x.lock");
        assert_eq!(
            (patient.abandoned(&words, dir.path()), patient.abandoned(&words, dir.path())),
            (None, None)
        );
    }
}
