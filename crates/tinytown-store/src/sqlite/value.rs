//! Between the port's types and SQLite's columns.

use rusqlite::types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, Params, Row, ToSql};

use super::failure::Failure;
use crate::{Record, crash, rules};

/// A number of the port in a signed column. Beyond its range there is nothing, so bounds may be cut.
pub(super) struct Num(pub(super) u64);

impl ToSql for Num {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(i64::try_from(self.0).unwrap_or(i64::MAX).into())
    }
}

impl FromSql for Num {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = i64::column_result(value)?;
        u64::try_from(number).map(Self).map_err(|_| rusqlite::types::FromSqlError::OutOfRange(number))
    }
}

impl ToSql for Record {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl FromSql for Record {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        String::column_result(value).map(Self)
    }
}

/// A column's number.
pub(super) fn num(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, Num>(column).map(|Num(number)| number)
}

/// Most rows of a page.
pub(super) fn limit(limit: usize) -> Num {
    Num(limit as u64)
}

/// Reads a name that is stored as text; `what` says whose.
pub(super) fn name<T>(
    what: &str,
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, Failure> {
    parse(text).map_err(|detail| rules::contradiction(format!("{what} {text:?}"), detail).into())
}

/// Executes a statement that is prepared once; answers how many rows it changed.
pub(super) fn execute(connection: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
    let changed = connection.prepare_cached(sql)?.execute(params)?;
    crash::point(sql);
    Ok(changed)
}

/// The first row of a statement that is prepared once, if there is one.
pub(super) fn first<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    use rusqlite::OptionalExtension as _;
    let row = connection.prepare_cached(sql)?.query_row(params, read).optional()?;
    crash::point(sql);
    Ok(row)
}

/// All rows of a statement that is prepared once.
pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement: CachedStatement<'_> = connection.prepare_cached(sql)?;
    statement.query_map(params, read)?.collect()
}
