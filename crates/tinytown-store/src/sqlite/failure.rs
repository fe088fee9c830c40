//! What goes wrong inside a call, and what the caller hears of it.

use std::fmt::Display;

use rusqlite::ErrorCode;

use crate::StoreError;

/// A failure before it is known where the store is.
#[derive(Debug)]
pub(super) enum Failure {
    /// The town's row is missing.
    NoTown,
    /// The call is refused.
    Refused(StoreError),
    /// SQLite failed.
    Sqlite(rusqlite::Error),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Failure {
    /// The same as the port says it, of the store at `at`.
    pub(super) fn at(self, at: &str) -> StoreError {
        match self {
            Self::NoTown => StoreError::NoTown { at: at.to_owned() },
            Self::Refused(error) => error,
            Self::Sqlite(error) if is_unreadable(&error) => {
                StoreError::Corrupt { what: format!("the store at {at}"), detail: error.to_string() }
            }
            Self::Sqlite(error) => unavailable(at, error),
        }
    }
}

/// The store cannot be reached: busy for too long, disk full, input or output failed, rights.
pub(super) fn unavailable(at: &str, detail: impl Display) -> StoreError {
    StoreError::Unavailable { at: at.to_owned(), detail: detail.to_string() }
}

/// Whether trying again cannot help, because what is stored is not what we write.
fn is_unreadable(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(cause, _) => matches!(
            cause.code,
            ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::ConstraintViolation
                | ErrorCode::TypeMismatch
                | ErrorCode::SchemaChanged
                | ErrorCode::TooBig
                | ErrorCode::Unknown
        ),
        // Everything else is about columns, types and statements: the tables are not ours.
        _ => true,
    }
}
