//! What `/proc` says about processes, read by hand: it is a handful of fields, and a process may
//! vanish between any two looks, which is never an error here.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use super::{Incarnation, ProcessError};

/// One process as `/proc/PID/stat` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    /// Its number and start time.
    pub(crate) id: Incarnation,
    /// Its parent's number.
    pub(crate) parent: u32,
    /// One letter: `R`, `S`, `D`, `Z`, …
    state: u8,
    /// How many threads it has.
    threads: u32,
}

impl Stat {
    /// Ended, and at most waiting to be reaped. A process whose first thread ended while others go on
    /// looks like a zombie too, but lives.
    pub(crate) fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x') && self.threads <= 1
    }
}

/// The process with this number; `None` if there is none.
pub(crate) fn stat(pid: u32) -> Result<Option<Stat>, ProcessError> {
    let path = PathBuf::from(format!("/proc/{pid}/stat"));
    match std::fs::read(&path) {
        Ok(text) => parse(pid, &text).map(Some).ok_or(ProcessError::Malformed { path }),
        Err(error) if has_vanished(&error) => Ok(None),
        Err(source) => Err(ProcessError::Read { path, source }),
    }
}

/// `ESRCH` comes when the process ends between opening and reading.
fn has_vanished(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(nix::errno::Errno::ESRCH as i32)
}

/// The second field is the program's name in parentheses, and a name may hold spaces and parentheses:
/// what follows the last one is regular. Fields are numbered as in proc(5), from 1.
fn parse(pid: u32, text: &[u8]) -> Option<Stat> {
    let name_end = text.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(text.get(name_end + 1..)?).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).copied();
    Some(Stat {
        id: Incarnation { pid, start_time: field(22)?.parse().ok()? },
        parent: field(4)?.parse().ok()?,
        state: *field(3)?.as_bytes().first()?,
        threads: field(20)?.parse().ok()?,
    })
}

/// All processes at one look.
pub(crate) struct Table {
    stats: BTreeMap<u32, Stat>,
}

impl Table {
    /// Reads `/proc` once. Processes that come or go meanwhile, or that we may not look at (others', if
    /// `/proc` is mounted so), are missing.
    pub(crate) fn read() -> Result<Self, ProcessError> {
        let read = |source| ProcessError::Read { path: "/proc".into(), source };
        let mut stats = BTreeMap::new();
        for entry in std::fs::read_dir("/proc").map_err(read)? {
            let name = entry.map_err(read)?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            if let Ok(Some(stat)) = stat(pid) {
                stats.insert(pid, stat);
            }
        }
        Ok(Self { stats })
    }

    /// This very process, if it still is in the table.
    pub(crate) fn get(&self, id: Incarnation) -> Option<Stat> {
        self.stats.get(&id.pid).copied().filter(|stat| stat.id == id)
    }

    /// Those below `pid`, at any depth, zombies too; without `pid` itself.
    pub(crate) fn descendants(&self, pid: u32) -> Vec<Stat> {
        let mut children: BTreeMap<u32, Vec<Stat>> = BTreeMap::new();
        for stat in self.stats.values() {
            children.entry(stat.parent).or_default().push(*stat);
        }
        let mut found = children.remove(&pid).unwrap_or_default();
        let mut next = 0;
        while let Some(stat) = found.get(next) {
            // Each list is taken once, so a table torn by processes that moved meanwhile cannot loop us.
            found.extend(children.remove(&stat.id.pid).unwrap_or_default());
            next += 1;
        }
        found
    }

    /// `pid` and those above it.
    pub(crate) fn line_of(&self, pid: u32) -> BTreeSet<u32> {
        let mut line = BTreeSet::new();
        let mut next = Some(pid);
        while let Some(pid) = next.filter(|pid| line.insert(*pid)) {
            next = self.stats.get(&pid).map(|stat| stat.parent);
        }
        line
    }

    /// The living processes of our own user whose environment, as it was at their start, holds `entry`
    /// (`NAME=value`). One that hides its environment (`ssh-agent` does) is not found.
    pub(crate) fn with_environment(&self, entry: &str) -> Vec<Stat> {
        let user = nix::unistd::geteuid().as_raw();
        self.stats
            .values()
            .filter(|stat| {
                !stat.is_dead() && owner(stat.id.pid) == Some(user) && has_entry(stat.id.pid, entry)
            })
            .copied()
            .collect()
    }
}

fn owner(pid: u32) -> Option<u32> {
    std::fs::metadata(format!("/proc/{pid}")).ok().map(|found| found.uid())
}

fn has_entry(pid: u32, entry: &str) -> bool {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|found| found == entry.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, state: char, threads: u32) -> Vec<u8> {
        format!("7 ({name}) {state} 3 7 7 0 -1 1 2 3 4 5 6 7 8 9 20 0 {threads} 0 9000 1 1").into_bytes()
    }

    #[test]
    fn a_program_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        for name in ["sh", "a b", ") Z 1 (", "((", "x) R 1 1"] {
            let stat = parse(7, &line(name, 'S', 1)).expect("well formed");
            assert_eq!((stat.id.start_time, stat.parent, stat.is_dead()), (9000, 3, false), "{name}");
        }
    }

    #[test]
    fn a_zombie_is_dead_unless_threads_go_on() {
        let is_dead = |threads| parse(7, &line("sh", 'Z', threads)).expect("well formed").is_dead();
        assert!(is_dead(0) && is_dead(1));
        assert!(!is_dead(2));
    }

    #[test]
    fn nonsense_is_not_a_process() {
        for text in ["", "7 (sh", "7 (sh) S", "7 (sh) S x y z"] {
            assert_eq!(parse(7, text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn descendants_are_found_at_any_depth_and_a_torn_table_ends() {
        let stat =
            |pid, parent| Stat { id: Incarnation { pid, start_time: 1 }, parent, state: b'S', threads: 1 };
        let stats = [stat(1, 0), stat(2, 1), stat(3, 2), stat(4, 3), stat(9, 1), stat(20, 21), stat(21, 20)];
        let table = Table { stats: stats.into_iter().map(|stat| (stat.id.pid, stat)).collect() };
        let below = |pid| table.descendants(pid).iter().map(|stat| stat.id.pid).collect::<Vec<_>>();
        assert_eq!(below(2), [3, 4]);
        assert_eq!(below(9), [0; 0]);
        assert_eq!(below(20).len(), 2);
        assert_eq!(table.line_of(4), [0, 1, 2, 3, 4].into());
    }
}
