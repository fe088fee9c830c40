//! How a command fails: what, where, what to do next, and the exit code that scripts rely on.

use std::error::Error;
use std::fmt::{self, Write as _};

use tinytown_forge::ForgeError;
use tinytown_host::files::FileError;
use tinytown_host::git::GitError;
use tinytown_host::process::ProcessError;
use tinytown_host::run_files::RunFileError;
use tinytown_store::StoreError;

/// The exit codes of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitCode {
    /// Done.
    Done = 0,
    /// Something failed that should not.
    Failed = 1,
    /// The command line cannot be understood, or nothing was given.
    Usage = 2,
    /// No such town, mission, item or agent.
    NotFound = 3,
    /// A prefix that several missions begin with.
    Ambiguous = 4,
    /// Invalid input; nothing was created.
    Invalid = 5,
    /// Store, forge or agent CLI unreachable, missing or refused.
    Unavailable = 6,
    /// Not allowed in this state.
    NotNow = 7,
}

/// Why a command failed, for people, with its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    code: ExitCode,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub(crate) fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// A failure that comes from an error, whose causes are told too.
    pub(crate) fn from_error(code: ExitCode, error: &dyn Error) -> Self {
        Self::new(code, chain(error))
    }

    /// The reader of our output went away, which is no failure.
    pub(crate) fn nobody_reads() -> Self {
        Self::new(ExitCode::Done, String::new())
    }

    /// The same with what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with where or with what it happened before the message.
    pub(crate) fn during(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// The exit code.
    pub(crate) const fn code(&self) -> ExitCode {
        self.code
    }

    /// What happened; empty if there is nothing to tell.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// What to do next.
    pub(crate) fn next(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// An error with its causes, in one line. A cause that only repeats what was said is left out.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            let _ = write!(text, ": {words}");
        }
        cause = error.source();
    }
    text
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::NoTown { .. } | StoreError::NoMission(_) => ExitCode::NotFound,
            StoreError::TownExists { .. } => ExitCode::NotNow,
            StoreError::Unavailable { .. } | StoreError::Newer { .. } => ExitCode::Unavailable,
            _ => ExitCode::Failed,
        };
        let failure = Self::from_error(code, &error);
        match error {
            StoreError::NoTown { .. } => failure.hint("found it with: tt init"),
            StoreError::NoMission(_) => failure.hint("see which there are: tt mission list --all"),
            StoreError::TownExists { .. } => failure.hint("use that town with: tt init --join"),
            _ => failure,
        }
    }
}

impl From<ForgeError> for Failure {
    fn from(error: ForgeError) -> Self {
        let code = match &error {
            ForgeError::Unavailable(_) | ForgeError::Refused(_) => ExitCode::Unavailable,
            ForgeError::Revoked(_) => ExitCode::Failed,
        };
        Self::from_error(code, &error)
    }
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        let missing = matches!(error, GitError::Start { .. } | GitError::TooOld { .. });
        let failure =
            Self::from_error(if missing { ExitCode::Unavailable } else { ExitCode::Failed }, &error);
        if missing { failure.hint("install git 2.38 or newer") } else { failure }
    }
}

macro_rules! unexpected {
    ($($error:ty),+) => { $(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::from_error(ExitCode::Failed, &error)
            }
        }
    )+ };
}

unexpected!(FileError, ProcessError, RunFileError, std::io::Error);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_tells_the_causes_of_an_error_once() {
        let source = std::io::Error::other("disk on fire");
        let error = FileError::Io { action: "write", path: "a/b".into(), source };
        assert_eq!(Failure::from(error).message(), "could not write a/b: disk on fire");
    }

    #[test]
    fn a_store_that_is_away_or_newer_is_unavailable_and_a_missing_town_not_found() {
        let away = StoreError::Unavailable { at: "x".into(), detail: "y".into() };
        let newer = StoreError::Newer { what: "x".into(), found: 2, known: 1 };
        let none = StoreError::NoTown { at: "x".into() };
        let codes = [away, newer, none].map(|error| Failure::from(error).code());
        assert_eq!(codes, [ExitCode::Unavailable, ExitCode::Unavailable, ExitCode::NotFound]);
    }
}
