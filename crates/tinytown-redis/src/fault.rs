//! What goes wrong inside a call, and what the caller hears of it.

use std::fmt::Display;

use fred::error::{Error, ErrorKind};
use tinytown_store::StoreError;

use crate::keys::LAYOUT;

/// A failure before it is known where the store is.
#[derive(Debug)]
pub(crate) enum Fault {
    /// There is no town of that name, or its keys are gone.
    NoTown,
    /// The town was written by a newer program, with that layout.
    Newer(u32),
    /// The call is refused.
    Refused(StoreError),
    /// What was answered is not what our scripts answer.
    Odd(String),
    /// The server cannot be used as it is, for a reason that we found ourselves.
    Unfit(String),
    /// The server, or the way to it.
    Redis(Error),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Redis(error)
    }
}

impl Fault {
    /// Whether there was no answer in time.
    pub(crate) fn is_silence(&self) -> bool {
        matches!(self, Self::Redis(error) if *error.kind() == ErrorKind::Timeout)
    }

    /// The same as the port says it, of the store at `at`.
    pub(crate) fn at(self, at: &str) -> StoreError {
        match self {
            Self::NoTown => StoreError::NoTown { at: at.to_owned() },
            Self::Newer(found) => {
                StoreError::Newer { what: format!("the store at {at}"), found, known: LAYOUT }
            }
            Self::Refused(error) => error,
            Self::Odd(detail) => corrupt(at, detail),
            Self::Unfit(detail) => unavailable(at, detail),
            Self::Redis(error) if is_unreadable(&error) => corrupt(at, error.details()),
            Self::Redis(error) => unavailable(at, explained(&error)),
        }
    }
}

fn corrupt(at: &str, detail: impl Display) -> StoreError {
    StoreError::Corrupt { what: format!("the store at {at}"), detail: detail.to_string() }
}

fn unavailable(at: &str, detail: impl Display) -> StoreError {
    StoreError::Unavailable { at: at.to_owned(), detail: detail.to_string() }
}

/// Whether trying again cannot help, because what is stored is not what we write: keys of another
/// type, or values that a script could not work with. Redis names the script then.
fn is_unreadable(error: &Error) -> bool {
    let said = error.details();
    said.starts_with("WRONGTYPE") || (said.starts_with("ERR") && said.contains("script"))
}

/// What the server said, with what it means where that is not plain.
fn explained(error: &Error) -> String {
    let said = error.details();
    let meaning = match said.split_whitespace().next().unwrap_or_default() {
        "OOM" => "it is full (maxmemory): give it more memory",
        "MISCONF" => "it cannot save to its disk",
        "LOADING" => "it is still reading its data",
        "READONLY" => "it is a replica: name the primary",
        "NOPERM" => "its user may not do that: see the ACL in docs/operating.md",
        "NOAUTH" | "WRONGPASS" => "user or password is missing or wrong",
        "BUSY" => "a script of somebody else keeps it busy",
        _ => match error.kind() {
            ErrorKind::Timeout => "it did not answer in time",
            ErrorKind::Canceled => "the connection was lost",
            _ => return one_line(said),
        },
    };
    format!("{meaning} ({})", one_line(said))
}

/// Redis's errors end with the script's name, which helps nobody.
fn one_line(said: &str) -> String {
    let said = said.split(" script: ").next().unwrap_or_default();
    said.lines().next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(kind: ErrorKind, said: &'static str) -> StoreError {
        Fault::Redis(Error::new(kind, said)).at("redis://h:1/0")
    }

    #[test]
    fn only_what_cannot_be_mended_by_waiting_is_corrupt() {
        let unreadable = [
            "WRONGTYPE Operation against a key holding the wrong kind of value script: ab, on @user_script:3.",
            "ERR user_script:12: attempt to compare number with nil script: ab, on @user_script:12.",
        ];
        for said in unreadable {
            let error = heard(ErrorKind::Unknown, said);
            assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        }
        for said in
            ["OOM command not allowed", "LOADING Redis is loading", "ERR max number of clients reached"]
        {
            let error = heard(ErrorKind::Unknown, said);
            assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        }
    }

    #[test]
    fn an_error_says_what_it_means() {
        let error =
            heard(ErrorKind::Unknown, "OOM command not allowed when used memory > 'maxmemory'. script: ab");
        let said = "the store at redis://h:1/0 is not available: it is full (maxmemory): give it more memory \
                    (OOM command not allowed when used memory > 'maxmemory'.)";
        assert_eq!(error.to_string(), said);
    }
}
