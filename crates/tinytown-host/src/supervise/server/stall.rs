//! Whether the command still shows signs of life: its log grows, or files change where it works.
//!
//! Looks are compared with each other only, never with a clock, so a jump of the wall clock makes
//! nobody look dead. Files are looked at only when the log was silent since the last look.

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::supervise::Spec;

/// Looks per limit: two of them may pass before a silence is known to have begun, so it is noticed
/// at most a quarter of the limit late.
const LOOKS: u32 = 8;
/// Files and folders seen per look, those near the top first: a look must stay cheap in any tree.
const MOST_ENTRIES: usize = 20_000;

/// The newest change and the number of entries: one of them moves with any change but one made to look old.
type Trace = (Option<SystemTime>, usize);

/// A watch over one command.
pub(super) struct Stall {
    limit: Duration,
    log: File,
    folder: Option<PathBuf>,
    log_length: u64,
    trace: Option<Trace>,
    last_sign: Instant,
    /// When it wants to look again.
    pub(super) next_look: Instant,
}

impl Stall {
    /// A watch, if one is wanted.
    pub(super) fn of(spec: &Spec, log: Option<File>, now: Instant) -> Option<Self> {
        let (limit, log) = (Duration::from_millis(spec.stall_limit_ms?), log?);
        let (folder, log_length) = (spec.stall_watch.clone(), length(&log));
        let mut watch = Self { limit, log, folder, log_length, trace: None, last_sign: now, next_look: now };
        watch.plan(now);
        Some(watch)
    }

    /// Looks if it is time to, and says whether there was no sign of life for the whole limit.
    pub(super) fn look(&mut self, now: Instant) -> bool {
        if now < self.next_look {
            return false;
        }
        self.plan(now);
        if self.has_changed() {
            self.last_sign = now;
        }
        now.duration_since(self.last_sign) >= self.limit
    }

    fn plan(&mut self, now: Instant) {
        let pause = (self.limit / LOOKS).max(Duration::from_millis(1));
        self.next_look = now.checked_add(pause).unwrap_or(now + Duration::from_hours(24));
    }

    /// The first look at the files after the log fell silent has nothing to compare with, and counts as a change.
    fn has_changed(&mut self) -> bool {
        let log_length = length(&self.log);
        if std::mem::replace(&mut self.log_length, log_length) != log_length {
            self.trace = None;
            return true;
        }
        let Some(folder) = &self.folder else { return false };
        let trace = Some(trace(folder));
        std::mem::replace(&mut self.trace, trace) != trace
    }
}

fn length(log: &File) -> u64 {
    log.metadata().map(|found| found.len()).unwrap_or_default()
}

/// Breadth first and without following links. What cannot be read is passed over: it may have been
/// deleted just now, which shows in its folder.
fn trace(folder: &Path) -> Trace {
    let mut folders = VecDeque::from([folder.to_owned()]);
    let (mut newest, mut entries) = (None, 0);
    while let Some(folder) = folders.pop_front() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(found) = entry.metadata() else { continue };
            newest = newest.max(found.modified().ok());
            entries += 1;
            if entries >= MOST_ENTRIES {
                return (newest, entries);
            }
            if found.is_dir() && !is_object_store(&folder, &entry.path()) {
                folders.push_back(entry.path());
            }
        }
    }
    (newest, entries)
}

/// `.git/objects`: large, and never changed without something else changing.
fn is_object_store(parent: &Path, path: &Path) -> bool {
    parent.ends_with(".git") && path.ends_with("objects")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with a log beside it, and a watch of one second that began at `start`.
    struct World {
        place: tempfile::TempDir,
        start: Instant,
        watch: Stall,
    }

    impl World {
        fn new(with_folder: bool) -> Self {
            let place = tempfile::tempdir().expect("a folder");
            let log = crate::files::open_log(&place.path().join("log")).expect("opened");
            std::fs::create_dir_all(place.path().join("work/.git/objects")).expect("created");
            let start = Instant::now();
            let folder = with_folder.then(|| place.path().join("work"));
            let limit = Duration::from_secs(1);
            let mut watch =
                Stall { limit, log, folder, log_length: 0, trace: None, last_sign: start, next_look: start };
            watch.plan(start);
            Self { place, start, watch }
        }

        fn write(&self, path: &str, text: &str) {
            use std::io::Write as _;
            let path = self.place.path().join(path);
            let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).expect("opened");
            file.write_all(text.as_bytes()).expect("written");
        }

        /// Looks whenever the watch wants to, after `happens` was told the millisecond, and says at which it
        /// gave up.
        fn gives_up_at(&mut self, happens: impl Fn(&Self, u128)) -> u128 {
            loop {
                let now = self.watch.next_look;
                let millis = (now - self.start).as_millis();
                happens(self, millis);
                if self.watch.look(now) {
                    return millis;
                }
            }
        }
    }

    #[test]
    fn a_silent_log_is_a_stall_when_the_limit_has_passed() {
        assert_eq!(World::new(false).gives_up_at(|_, _| {}), 1000);
    }

    #[test]
    fn output_defers_the_stall() {
        let output = |world: &World, millis| {
            if millis == 875 {
                world.write("log", "x");
            }
        };
        assert_eq!(World::new(false).gives_up_at(output), 1875);
    }

    #[test]
    fn a_changed_file_defers_the_stall() {
        let change = |world: &World, millis| {
            if millis == 1000 {
                world.write("work/file", "x");
            }
        };
        assert_eq!(World::new(true).gives_up_at(change), 2000);
    }

    #[test]
    fn a_stall_among_files_is_noticed_within_a_quarter() {
        assert_eq!(World::new(true).gives_up_at(|_, _| {}), 1125);
        let output = |world: &World, millis| {
            if millis == 500 {
                world.write("log", "x");
            }
        };
        assert_eq!(World::new(true).gives_up_at(output), 1625);
    }

    #[test]
    fn the_object_store_is_not_looked_into() {
        let mut world = World::new(true);
        std::fs::create_dir(world.place.path().join("work/.git/objects/ab")).expect("created");
        let pack = |world: &World, millis| world.write(&format!("work/.git/objects/ab/{millis}"), "x");
        assert_eq!(world.gives_up_at(pack), 1125);
    }
}
