//! The arguments of a script: words, and lists of groups of words behind their count.

use fred::types::Value;
use tinytown_store::Record;

/// Arguments in the order in which a script takes them.
#[derive(Debug, Default)]
pub(crate) struct Args(pub(crate) Vec<Value>);

/// What can be an argument.
pub(crate) trait Word {
    fn value(&self) -> Value;
}

impl Word for str {
    fn value(&self) -> Value {
        self.to_owned().into()
    }
}

impl Word for String {
    fn value(&self) -> Value {
        self.as_str().value()
    }
}

impl Word for Record {
    fn value(&self) -> Value {
        self.0.value()
    }
}

impl Word for u64 {
    /// As text: integers of the client library are signed.
    fn value(&self) -> Value {
        self.to_string().into()
    }
}

impl Word for usize {
    fn value(&self) -> Value {
        self.to_string().into()
    }
}

impl Word for i64 {
    fn value(&self) -> Value {
        self.to_string().into()
    }
}

impl Word for bool {
    fn value(&self) -> Value {
        (if *self { "1" } else { "0" }).value()
    }
}

impl Args {
    pub(crate) fn word(&mut self, word: &(impl Word + ?Sized)) -> &mut Self {
        self.0.push(word.value());
        self
    }

    /// A count and as many groups, each written by `group`.
    pub(crate) fn list<T>(&mut self, items: &[T], group: impl Fn(&mut Self, &T)) -> &mut Self {
        self.word(&items.len());
        for item in items {
            group(self, item);
        }
        self
    }
}
