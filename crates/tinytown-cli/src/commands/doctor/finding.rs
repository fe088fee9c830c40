//! What the doctor finds: whether it is well, in a sentence, and how to mend it.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::{ExitCode, Failure};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// A night may go wrong.
    Warning,
    /// Nothing will come of a night.
    Error,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) level: Level,
    /// What was looked at, as scripts name it.
    pub(super) code: &'static str,
    /// How it is.
    pub(super) message: String,
    /// What to do about it, with a command to copy where there is one.
    pub(super) mend: Option<String>,
    /// The exit code it stands for, if it is an error.
    #[serde(skip)]
    pub(super) exit: ExitCode,
}

/// Everything that was found, in the order in which it was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Report(pub(super) Vec<Finding>);

impl Finding {
    /// It is well.
    pub(super) fn ok(code: &'static str, message: impl Into<String>) -> Self {
        Self { level: Level::Ok, code, message: message.into(), mend: None, exit: ExitCode::Done }
    }

    /// It may go wrong.
    pub(super) fn warning(code: &'static str, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { level: Level::Warning, mend: Some(mend.into()), ..Self::ok(code, message) }
    }

    /// Something that is needed is missing, cannot be reached or is of no use.
    pub(super) fn error(code: &'static str, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { level: Level::Error, exit: ExitCode::Unavailable, ..Self::warning(code, message, mend) }
    }

    /// The same, of an error that stands for another exit code.
    pub(super) fn exits(self, exit: ExitCode) -> Self {
        Self { exit, ..self }
    }

    /// What a command would fail with. `mend` is what to do if the failure itself does not say.
    pub(super) fn of_failure(code: &'static str, failure: &Failure, mend: &str) -> Self {
        let mend = failure.next().unwrap_or(mend);
        Self::error(code, failure.message(), mend).exits(failure.code())
    }

    fn lines(&self) -> Vec<String> {
        let icon = match self.level {
            Level::Ok => "✅",
            Level::Warning => "⚠️ ",
            Level::Error => "❌",
        };
        let mend = self.mend.iter().flat_map(|mend| mend.lines()).map(|line| format!("   {line}"));
        std::iter::once(format!("{icon} {}", self.message)).chain(mend).collect()
    }
}

impl Report {
    /// Whether nothing is wrong that must be mended.
    pub(super) fn is_healthy(&self) -> bool {
        self.0.iter().all(|finding| finding.level < Level::Error)
    }

    /// The exit code of the worst error: what must be there first decides.
    pub(super) fn exit(&self) -> ExitCode {
        let rank = |exit: &ExitCode| match exit {
            ExitCode::NotFound => 0,
            ExitCode::NotNow => 1,
            ExitCode::Invalid => 2,
            ExitCode::Unavailable => 3,
            _ => 4,
        };
        let errors = self.0.iter().filter(|finding| finding.level == Level::Error);
        errors.map(|finding| finding.exit).min_by_key(rank).unwrap_or(ExitCode::Done)
    }

    /// For people; without what is well if only the essence is wanted.
    pub(super) fn lines(&self, quiet: bool) -> Vec<String> {
        let shown = self.0.iter().filter(|finding| !quiet || finding.level > Level::Ok);
        shown.flat_map(Finding::lines).collect()
    }

    /// For scripts.
    pub(super) fn json(&self) -> Value {
        json!({ "findings": self.0, "healthy": self.is_healthy() })
    }
}

/// A path as it can be copied into a shell.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(findings: &[ExitCode]) -> ExitCode {
        let error = |exit: &ExitCode| Finding::error("x", "y", "z").exits(*exit);
        Report(findings.iter().map(error).collect()).exit()
    }

    #[test]
    fn warnings_leave_a_town_healthy_and_errors_do_not() {
        let mut report = Report(vec![Finding::ok("a", "b"), Finding::warning("a", "b", "c")]);
        assert_eq!((report.is_healthy(), report.exit()), (true, ExitCode::Done));
        report.0.push(Finding::error("a", "b", "c"));
        assert_eq!((report.is_healthy(), report.exit()), (false, ExitCode::Unavailable));
    }

    #[test]
    fn what_must_be_there_first_decides_the_exit_code() {
        use ExitCode::{Invalid, NotFound, NotNow, Unavailable};
        assert_eq!(exit(&[Unavailable, NotNow, NotFound]), NotFound);
        assert_eq!(exit(&[Unavailable, Invalid, NotNow]), NotNow);
        assert_eq!(exit(&[Unavailable, Invalid]), Invalid);
    }

    #[test]
    fn only_what_is_not_well_is_shown_when_the_essence_is_wanted() {
        let report =
            Report(vec![Finding::ok("a", "fine"), Finding::warning("a", "so so", "do this\nor that")]);
        assert_eq!(report.lines(true), ["⚠️  so so", "   do this", "   or that"]);
        assert_eq!(report.lines(false).len(), 4);
    }

    #[test]
    fn a_path_can_be_copied_into_a_shell() {
        assert_eq!(quoted(Path::new("/a/b-c.d")), "/a/b-c.d");
        assert_eq!(quoted(Path::new("/a b/it's; rm")), r"'/a b/it'\''s; rm'");
    }
}
