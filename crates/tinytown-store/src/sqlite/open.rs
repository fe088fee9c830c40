//! Files, connections and the schema.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::failure::{Failure, unavailable};
use crate::{StoreError, crash, rules};

/// The newest schema this program reads and writes.
const SCHEMA_VERSION: u32 = 2;

/// How long a call waits for another process's transaction, counted in sleeps of [`NAP`].
const NAPS: i32 = 15_000;

/// SQLite's own handler sleeps ever longer, which is unfair to those who wait longest.
const NAP: Duration = Duration::from_millis(1);

/// What a connection may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Makes the file and the schema unless they are there.
pub(super) fn create(path: &Path, at: &str) -> Result<(), StoreError> {
    crash::point("nothing");
    make_file(path).map_err(|error| unavailable(at, error))?;
    crash::point("making the file");
    let prepare = || match schema_version(path, at)? {
        SCHEMA_VERSION => Ok(()),
        _ => write_schema(path, at),
    };
    prepare().map_err(|failure| failure.at(at))
}

/// Makes sure that there is a store which this program understands. Only one that an older program
/// made is written: it is brought up to date.
pub(super) fn check(path: &Path, at: &str) -> Result<(), StoreError> {
    let missing = || StoreError::NoTown { at: at.to_owned() };
    match path.metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(missing()),
        Err(error) => return Err(unavailable(at, error)),
        Ok(_) => {}
    }
    match schema_version(path, at).map_err(|failure| failure.at(at))? {
        // A file that nobody has finished making.
        0 => Err(missing()),
        SCHEMA_VERSION => Ok(()),
        _ => write_schema(path, at).map_err(|failure| failure.at(at)),
    }
}

/// Opens a further connection to an existing store.
pub(super) fn connect(path: &Path, access: Access) -> Result<Connection, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX
        | match access {
            Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_handler(Some(nap))?;
    connection.set_prepared_statement_cache_capacity(64);
    if access == Access::Write {
        write_ahead(&connection)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
    }
    Ok(connection)
}

/// Called by SQLite when another process is in the way, with the number of naps so far.
fn nap(naps: i32) -> bool {
    if naps >= NAPS {
        return false;
    }
    std::thread::sleep(NAP);
    true
}

/// Makes the file with its final rights before SQLite sees it; SQLite gives the same to its companions.
fn make_file(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(file) => {
            crash::point("creating the file");
            file.sync_all()?;
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error),
    }
    // The name of the file must survive a power cut as well as its content.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// The schema's version, 0 if there is none yet. Reads only.
fn schema_version(path: &Path, at: &str) -> Result<u32, Failure> {
    let connection = connect(path, Access::Read)?;
    version_of(&connection, at)
}

/// The same through a connection.
pub(super) fn version_of(connection: &Connection, at: &str) -> Result<u32, Failure> {
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > SCHEMA_VERSION {
        let what = format!("the store at {at}");
        return Err(StoreError::Newer { what, found, known: SCHEMA_VERSION }.into());
    }
    let tables: u32 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if found == 0 && tables > 0 {
        let what = format!("the store at {at}");
        return Err(rules::contradiction(what, "it is a database of another program").into());
    }
    Ok(found)
}

/// Writes the schema, or what is new in it, unless another process did meanwhile.
fn write_schema(path: &Path, at: &str) -> Result<(), Failure> {
    let mut connection = connect(path, Access::Write)?;
    crash::point("turning on the write-ahead log");
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let missing = match version_of(&transaction, at)? {
        0 => include_str!("schema.sql"),
        1 => include_str!("schema_1_to_2.sql"),
        _ => "",
    };
    if !missing.is_empty() {
        transaction.execute_batch(missing)?;
        crash::point("making the tables");
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        crash::point("naming the schema");
    }
    transaction.commit()?;
    crash::point("COMMIT of the schema");
    Ok(())
}

/// Shows this connection, and it alone, a store that nobody has brought up to date as if it were.
pub(super) fn show_as_newest(connection: &Connection, found: u32) -> Result<(), Failure> {
    if found == 1 {
        connection.execute_batch(
            "PRAGMA temp_store = MEMORY;
             CREATE TEMP VIEW charter AS SELECT seq AS mission, charter AS record FROM main.mission;",
        )?;
    }
    Ok(())
}

/// Turns on the write-ahead log, which stays on. SQLite asks no busy handler here, so we wait ourselves.
fn write_ahead(connection: &Connection) -> Result<(), Failure> {
    let mut naps = 0;
    loop {
        let mode =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                let detail = format!("its file system allows no write-ahead log (journal mode {mode})");
                let what = "the store".to_owned();
                return Err(StoreError::Unavailable { at: what, detail }.into());
            }
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {
                naps += 1;
                if !nap(naps) {
                    return Err(error.into());
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}
