//! Changing one key of the file: comments and order stay, and what would not be valid is not written.

use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

use super::{Config, ConfigError};

/// Why a key was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EditError {
    /// The key names no place for a value.
    #[error("{0:?} names no value: write TABLE.KEY, such as policy.max_parallel")]
    NotAKey(String),
    /// The file cannot be read as it is, or could not be with the new value.
    #[error(transparent)]
    Invalid(#[from] ConfigError),
}

/// The file's text with one key set, and validated. A value that is no TOML is taken as text.
pub(crate) fn set(text: &str, file: &str, key: &str, value: &str) -> Result<String, EditError> {
    Config::parse(text, file)?;
    let as_text = || put(text, file, key, Value::from(value));
    match value.trim().parse::<Value>().map(|value| put(text, file, key, value)) {
        Ok(Ok(text)) => Ok(text),
        // A name may look like a number; if it is wrong as text too, the first complaint is the better one.
        Ok(Err(error)) => as_text().map_err(|_| error),
        Err(_) => as_text(),
    }
}

fn put(text: &str, file: &str, key: &str, value: Value) -> Result<String, EditError> {
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        ConfigError::Shape { file: file.to_owned(), line: 1, message: error.message().to_owned() }
    })?;
    let not_a_key = || EditError::NotAKey(key.to_owned());
    let mut parts: Vec<&str> = key.split('.').collect();
    let last = parts.pop().filter(|last| !last.is_empty()).ok_or_else(not_a_key)?;
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for part in parts {
        let next = table.entry(part).or_insert_with(|| Item::Table(Table::new()));
        table = next.as_table_like_mut().ok_or_else(not_a_key)?;
    }
    if table.get(last).is_some_and(Item::is_table_like) {
        return Err(not_a_key());
    }
    replace(table, last, value);
    let changed = document.to_string();
    Config::parse(&changed, file)?;
    Ok(changed)
}

/// Keeps the comment behind the old value.
fn replace(table: &mut dyn TableLike, key: &str, mut value: Value) {
    if let Some(Item::Value(old)) = table.get(key) {
        *value.decor_mut() = old.decor().clone();
    }
    table.insert(key, Item::Value(value));
}
