//! What a script answered, read word by word. Whatever is not as expected is a fault of the store.

use fred::types::Value;
use tinytown_store::{Record, StoreError};

use crate::fault::Fault;

/// The rest of a list, to be taken from the front.
#[derive(Debug)]
pub(crate) struct Items(std::vec::IntoIter<Value>);

/// An entry of a stream.
pub(crate) struct Entry {
    /// Our own number: the first part of its id.
    pub(crate) number: u64,
    /// Its values; which is which is known by their order.
    pub(crate) values: Vec<String>,
}

pub(crate) fn odd(what: &str, found: &Value) -> Fault {
    let kind = found.kind();
    Fault::Odd(format!("expected {what}, found {kind}"))
}

pub(crate) fn text(value: Value) -> Result<String, Fault> {
    match value {
        Value::String(text) => Ok(text.to_string()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Bytes(bytes) => {
            String::from_utf8(bytes.to_vec()).map_err(|_| Fault::Odd("bytes that are no text".to_owned()))
        }
        other => Err(odd("a text", &other)),
    }
}

pub(crate) fn number(text: &str) -> Result<u64, Fault> {
    text.parse().map_err(|_| Fault::Odd(format!("expected a number, found {text:?}")))
}

/// Reads a name that is stored as text; `what` says whose.
pub(crate) fn name<T, E: std::fmt::Display>(
    what: &str,
    text: &str,
    parsed: Result<T, E>,
) -> Result<T, Fault> {
    let corrupt =
        |error: E| StoreError::Corrupt { what: format!("{what} {text:?}"), detail: error.to_string() };
    Ok(parsed.map_err(corrupt)?)
}

impl Items {
    pub(crate) fn of(value: Value) -> Result<Self, Fault> {
        match value {
            Value::Array(items) => Ok(Self(items.into_iter())),
            Value::Null => Ok(Self(Vec::new().into_iter())),
            other => Err(odd("a list", &other)),
        }
    }

    pub(crate) fn value(&mut self) -> Result<Value, Fault> {
        self.0.next().ok_or_else(|| Fault::Odd("an answer that is too short".to_owned()))
    }

    pub(crate) fn text(&mut self) -> Result<String, Fault> {
        text(self.value()?)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Fault> {
        number(&self.text()?)
    }

    pub(crate) fn record(&mut self) -> Result<Record, Fault> {
        Ok(Record(self.text()?))
    }

    /// A text that need not be there.
    pub(crate) fn maybe(&mut self) -> Result<Option<String>, Fault> {
        match self.value()? {
            Value::Null => Ok(None),
            value => text(value).map(Some),
        }
    }

    pub(crate) fn list(&mut self) -> Result<Self, Fault> {
        Self::of(self.value()?)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    /// All that is left, as pairs, in the order of their first texts.
    pub(crate) fn pairs(mut self) -> Result<Vec<(String, String)>, Fault> {
        let mut pairs = Vec::with_capacity(self.0.len() / 2);
        while !self.is_empty() {
            pairs.push((self.text()?, self.text()?));
        }
        pairs.sort_unstable();
        Ok(pairs)
    }

    /// All that is left, as entries of a stream.
    pub(crate) fn entries(mut self) -> Result<Vec<Entry>, Fault> {
        let mut entries = Vec::with_capacity(self.0.len());
        while !self.is_empty() {
            entries.push(Entry::read(self.list()?)?);
        }
        Ok(entries)
    }
}

impl Entry {
    /// An id, and fields with their values in turn.
    fn read(mut entry: Items) -> Result<Self, Fault> {
        let id = entry.text()?;
        let number = number(id.split('-').next().unwrap_or_default())?;
        let mut fields = entry.list()?;
        let mut values = Vec::new();
        while !fields.is_empty() {
            fields.value()?;
            values.push(fields.text()?);
        }
        Ok(Self { number, values })
    }

    /// Its values, exactly as many as an entry of its stream has.
    pub(crate) fn values<const N: usize>(self) -> Result<(u64, [String; N]), Fault> {
        let Self { number, values } = self;
        match values.try_into() {
            Ok(values) => Ok((number, values)),
            Err(_) => Err(Fault::Odd(format!("entry {number} of a stream has other fields than ours"))),
        }
    }
}
