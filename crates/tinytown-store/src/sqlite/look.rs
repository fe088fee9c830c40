//! Looking at a store's file without changing anything: no file is made, no log is folded in, no
//! lease is asked for. For those who diagnose, not for those who work.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags};

use super::failure::{Failure, unavailable};
use super::{open, reads};
use crate::{InputId, MissionView, StoreError, TownView, Vitals};

/// How long another process's lock is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often a file is read again because it changed meanwhile.
const TRIES: usize = 5;
/// Most faults that are told, and most inputs that are counted.
const MOST: usize = 20;
const COUNTED: usize = 1000;

/// A store's file, to be looked at. An existing handle does not mind.
///
/// A write-ahead store whose writers are gone lies there without its log, and opening it as usual
/// would make one; so it is then read as a file that nobody changes, and read again if somebody did.
#[derive(Debug, Clone)]
pub struct SqliteFile {
    path: PathBuf,
}

/// How a store's file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteHealth {
    /// Bytes of the file and its companions.
    pub size: u64,
    /// Whether it has a write-ahead log, as it should; nothing if that cannot be seen now.
    pub write_ahead: Option<bool>,
    /// What SQLite's `quick_check` complains about, at most twenty complaints.
    pub faults: Vec<String>,
}

/// What a town is doing, as of about one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// What missions share.
    pub town: TownView,
    /// The lease and the heartbeats.
    pub vitals: Vitals,
    /// The missions that have not ended, whole.
    pub missions: Vec<MissionView>,
    /// Inputs that nobody has applied yet, counted up to a thousand.
    pub inputs_waiting: usize,
}

impl SqliteFile {
    /// The file at that path, which need not be there.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file and those of its companions that are there.
    pub fn files(&self) -> Vec<PathBuf> {
        let companions = ["-wal", "-shm"].map(|suffix| beside(&self.path, suffix));
        let all = std::iter::once(self.path.clone()).chain(companions);
        all.filter(|file| file.exists()).collect()
    }

    /// Checks it. The larger it is, the longer that takes; given up, it goes on in its thread.
    ///
    /// # Errors
    /// As [`SqliteStore::open`](super::SqliteStore::open).
    pub async fn health(&self) -> Result<SqliteHealth, StoreError> {
        let size = self.files().iter().filter_map(|file| Some(file.metadata().ok()?.len())).sum();
        let check = move |connection: &mut Connection| {
            let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
            let write_ahead = (mode != "off" && mode != "memory").then_some(mode == "wal");
            Ok(SqliteHealth { size, write_ahead, faults: quick_check(connection)? })
        };
        self.look(check).await
    }

    /// What the town is doing.
    ///
    /// # Errors
    /// As [`SqliteStore::open`](super::SqliteStore::open).
    pub async fn glance(&self) -> Result<Glance, StoreError> {
        self.look(glance).await
    }

    /// The lease and the heartbeats alone.
    ///
    /// # Errors
    /// As [`SqliteStore::open`](super::SqliteStore::open).
    pub async fn vitals(&self) -> Result<Vitals, StoreError> {
        self.look(reads::vitals).await
    }

    async fn look<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let path = self.path.clone();
        let at = path.display().to_string();
        let lost = unavailable(&at, "looking at it was interrupted");
        tokio::task::spawn_blocking(move || look(&path, &at, work)).await.map_err(|_| lost)?
    }
}

fn look<T>(
    path: &Path,
    at: &str,
    work: impl Fn(&mut Connection) -> Result<T, Failure>,
) -> Result<T, StoreError> {
    for _ in 0..TRIES {
        let before = State::of(path, at)?;
        let read = || {
            let mut connection = connect(path, before.log == 0)?;
            match open::version_of(&connection, at)? {
                0 => Err(Failure::NoTown),
                found => open::show_as_newest(&connection, found).and_then(|()| work(&mut connection)),
            }
        };
        let answer = read().map_err(|failure| failure.at(at));
        let after = State::of(path, at)?;
        // Readers and writers of a log mind each other; but a log that went meanwhile was folded in.
        if (before.log > 0 && after.log > 0) || after == before {
            return answer;
        }
    }
    Err(unavailable(at, "it is being changed all the time"))
}

/// What tells whether a file was changed.
#[derive(PartialEq, Eq)]
struct State {
    modified: Option<SystemTime>,
    size: u64,
    /// The length of its log, 0 if there is none.
    log: u64,
}

impl State {
    fn of(path: &Path, at: &str) -> Result<Self, StoreError> {
        let found = path.metadata().map_err(|error| match error.kind() {
            ErrorKind::NotFound => StoreError::NoTown { at: at.to_owned() },
            _ => unavailable(at, error),
        })?;
        let log = beside(path, "-wal").metadata().as_ref().map_or(0, Metadata::len);
        Ok(Self { modified: found.modified().ok(), size: found.len(), log })
    }
}

fn connect(path: &Path, unchanged: bool) -> Result<Connection, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = if unchanged {
        Connection::open_with_flags(immutable(path), flags | OpenFlags::SQLITE_OPEN_URI)?
    } else {
        Connection::open_with_flags(path, flags)?
    };
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

/// The address of a file that nobody changes.
fn immutable(path: &Path) -> String {
    let mut address = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                address.push(char::from(*byte));
            }
            // Writing to a string cannot fail.
            byte => drop(write!(address, "%{byte:02x}")),
        }
    }
    address + "?immutable=1"
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(OsStr::new(suffix));
    name.into()
}

fn quick_check(connection: &Connection) -> Result<Vec<String>, Failure> {
    let mut statement = connection.prepare(&format!("PRAGMA quick_check({MOST})"))?;
    let found: Result<Vec<String>, _> = statement.query_map([], |row| row.get(0))?.collect();
    let mut faults = found?;
    faults.retain(|fault| fault != "ok");
    Ok(faults)
}

fn glance(connection: &mut Connection) -> Result<Glance, Failure> {
    let missions = reads::missions(connection, false)?;
    let missions = missions.into_iter().map(|row| reads::mission(connection, row.id));
    let missions = missions.collect::<Result<_, _>>()?;
    let inputs_waiting = reads::inbox(connection, InputId(0), COUNTED)?.len();
    let (town, vitals) = (reads::town(connection)?, reads::vitals(connection)?);
    Ok(Glance { town, vitals, missions, inputs_waiting })
}
