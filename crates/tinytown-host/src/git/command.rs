//! Running git: what every call has in common.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;

use super::GitError;

/// Longest tail of git's words that an error carries, in bytes.
const STDERR_LIMIT: usize = 2048;

/// What we take over from our own environment; everything else (all of `GIT_*` too) stays outside.
const PASSED: [&str; 6] = ["PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "SSH_AUTH_SOCK"];

/// What it takes over besides when it goes to another machine on the user's behalf.
const PASSED_ABROAD: [&str; 16] = [
    "XDG_CONFIG_HOME",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// Keeps the user's and the system's configuration outside.
const AT_HOME: [(&str, &str); 2] = [("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null")];

/// There is nobody whom ssh could ask; a question at the terminal would hang for ever.
const ABROAD: [(&str, &str); 2] = [("SSH_ASKPASS", "false"), ("SSH_ASKPASS_REQUIRE", "force")];

/// Fixed environment of every call.
const ENVIRONMENT: [(&str, &str); 11] = [
    ("LC_ALL", "C"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_LITERAL_PATHSPECS", "1"),
    ("GIT_EDITOR", ":"),
    ("GIT_AUTHOR_NAME", "tinytown"),
    ("GIT_AUTHOR_EMAIL", "tinytown@localhost"),
    ("GIT_COMMITTER_NAME", "tinytown"),
    ("GIT_COMMITTER_EMAIL", "tinytown@localhost"),
];

/// Configuration that overrides whatever the repository says.
const CONFIGURATION: [&str; 18] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.quotePath=false",
    "core.pager=cat",
    "gc.auto=0",
    "maintenance.auto=false",
    "commit.gpgSign=false",
    "tag.gpgSign=false",
    "log.showSignature=false",
    "protocol.ext.allow=never",
    "credential.interactive=false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "branch.autoSetupMerge=false",
    "i18n.commitEncoding=UTF-8",
    "i18n.logOutputEncoding=UTF-8",
];

/// Git in one place: a folder, or an explicitly named repository.
#[derive(Debug, Clone)]
pub struct Git {
    dir: PathBuf,
    environment: Vec<(&'static str, OsString)>,
    configuration: Vec<String>,
    /// Goes to other machines with the user's own configuration and credentials.
    abroad: bool,
}

/// What a command reads.
pub(super) enum Input {
    /// Nothing.
    Nothing,
    /// These bytes.
    Bytes(Vec<u8>),
    /// An open file, which the command keeps open (and locked) until it ends.
    File(File),
}

/// A command that is being put together.
pub(super) struct Call<'a> {
    git: &'a Git,
    arguments: Vec<OsString>,
    input: Input,
}

impl Git {
    /// Git in a folder; the repository is found as git finds it, upwards.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), environment: Vec::new(), configuration: Vec::new(), abroad: false }
    }

    /// Git on exactly this repository: no search, so a missing one is an error and never its neighbour.
    pub fn on(git_dir: &Path, work_tree: &Path) -> Self {
        Self::at(work_tree).with("GIT_DIR", git_dir).with("GIT_WORK_TREE", work_tree)
    }

    /// Git on exactly this repository, without a working tree.
    pub fn bare(git_dir: &Path) -> Self {
        Self::at(git_dir).with("GIT_DIR", git_dir)
    }

    /// The folder in which commands run.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The same with one more variable.
    pub(super) fn with(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name, value.as_ref().to_owned()));
        self
    }

    /// The same with one more configured value, `key=value`.
    pub(super) fn configured(mut self, pair: impl Into<String>) -> Self {
        self.configuration.push(pair.into());
        self
    }

    /// The same for going to another machine as the user would: with their configuration and credentials,
    /// which are theirs alone to set. What it finds there is data, as anywhere.
    pub(super) fn abroad(mut self) -> Self {
        self.abroad = true;
        self
    }

    /// Begins a command.
    pub(super) fn call<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Call<'_> {
        let arguments = arguments.into_iter().map(|a| a.as_ref().to_owned()).collect();
        Call { git: self, arguments, input: Input::Nothing }
    }
}

impl Call<'_> {
    /// One more argument.
    pub(super) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// More arguments.
    pub(super) fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// What it is to read.
    pub(super) fn input(mut self, input: Input) -> Self {
        self.input = input;
        self
    }

    /// The command as messages show it.
    pub(super) fn shown(&self) -> String {
        let words = self.arguments.iter().map(|a| without_password(&a.to_string_lossy()));
        std::iter::once("git".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
    }

    /// Runs it; any exit is an answer.
    pub(super) async fn output(self) -> Result<Output, GitError> {
        let shown = self.shown();
        let failed = |source| GitError::Start { command: shown.clone(), source };
        let mut command = self.command();
        let bytes = match self.input {
            Input::Nothing => None,
            Input::Bytes(bytes) => {
                command.stdin(Stdio::piped());
                Some(bytes)
            }
            Input::File(file) => {
                command.stdin(Stdio::from(file));
                None
            }
        };
        let child = command.spawn().map_err(failed)?;
        // In a task of its own: if our caller goes away, the pipes stay open and git ends in peace.
        match tokio::spawn(attend(child, bytes)).await {
            Ok(output) => output.map_err(failed),
            Err(join) => Err(failed(std::io::Error::other(join))),
        }
    }

    /// Runs it, and ends it if it takes longer than that; any exit but 0 is an error, which calls it `name`.
    pub(super) async fn within(self, limit: Duration, name: &str) -> Result<Vec<u8>, GitError> {
        let shown = without_password(name);
        let failed = |source| GitError::Start { command: shown.clone(), source };
        let mut command = self.command();
        let child = command.kill_on_drop(true).spawn().map_err(failed)?;
        // Its helpers (ssh, the remote's git) end with their pipes.
        match tokio::time::timeout(limit, child.wait_with_output()).await {
            Ok(output) => {
                let output = output.map_err(failed)?;
                if output.status.success() { Ok(output.stdout) } else { Err(refusal(shown, &output)) }
            }
            Err(_over) => Err(GitError::Slow { command: shown, limit }),
        }
    }

    /// Runs it and answers what it printed; any exit but 0 is an error.
    pub(super) async fn bytes(self) -> Result<Vec<u8>, GitError> {
        let shown = self.shown();
        let output = self.output().await?;
        if output.status.success() { Ok(output.stdout) } else { Err(refusal(shown, &output)) }
    }

    /// Runs a question: exit 0 is yes, 1 is no, everything else an error.
    pub(super) async fn question(self) -> Result<Option<Vec<u8>>, GitError> {
        let shown = self.shown();
        let output = self.output().await?;
        match output.status.code() {
            Some(0) => Ok(Some(output.stdout)),
            Some(1) => Ok(None),
            _ => Err(refusal(shown, &output)),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(program());
        let abroad = self.git.abroad;
        let passed = PASSED.iter().chain(PASSED_ABROAD.iter().filter(|_| abroad));
        command.env_clear().envs(passed.filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.envs(if abroad { ABROAD } else { AT_HOME });
        command.envs(ENVIRONMENT).envs(self.git.environment.iter().map(|(name, value)| (name, value)));
        command.arg("--no-pager").arg("-C").arg(&self.git.dir);
        for pair in CONFIGURATION.into_iter().chain(self.git.configuration.iter().map(String::as_str)) {
            command.arg("-c").arg(pair);
        }
        command.args(&self.arguments).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// Feeds and drains a git until it ends.
async fn attend(mut child: Child, bytes: Option<Vec<u8>>) -> std::io::Result<Output> {
    let pipe = child.stdin.take();
    let feed = async move {
        if let (Some(mut pipe), Some(bytes)) = (pipe, bytes) {
            // A git that stops reading says why on its own; a broken pipe adds nothing.
            let _ = pipe.write_all(&bytes).await;
        }
    };
    tokio::join!(feed, child.wait_with_output()).1
}

/// The error for a git that ran and said no.
pub(super) fn refusal(command: String, output: &Output) -> GitError {
    let tail = output.stderr.len().saturating_sub(STDERR_LIMIT);
    let stderr = String::from_utf8_lossy(&output.stderr[tail..]).trim().to_owned();
    GitError::Failed { command, exit: output.status.to_string(), stderr: without_password(&stderr) }
}

/// Hides the user part of addresses (`https://name:secret@host`).
pub fn without_password(text: &str) -> String {
    let mut parts = text.split("://");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c == '/' || c.is_whitespace()).unwrap_or(part.len());
        let rest = part[..end].rfind('@').map_or(part, |at| &part[at..]);
        shown.push_str("://");
        shown.push_str(rest);
    }
    shown
}

/// Where git is. Looked up once: with a path instead of a name, starting it is cheaper.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path).map(|dir| dir.join("git")).find(|file| file.is_file());
        found.unwrap_or_else(|| PathBuf::from("git"))
    })
}

/// Checks, once per process, that git is there and new enough.
///
/// # Errors
/// [`GitError::Start`] without git, [`GitError::TooOld`] before 2.38.
pub async fn require_supported() -> Result<(), GitError> {
    version().await.map(drop)
}

/// The version of the git that is used, such as `2.47.3`. Looked up once per process.
///
/// # Errors
/// As [`require_supported`].
pub async fn version() -> Result<&'static str, GitError> {
    static FOUND: OnceCell<String> = OnceCell::const_new();
    let ask = || async {
        let printed = Git::at("/").call(["version"]).bytes().await?;
        supported(&String::from_utf8_lossy(&printed)).map(str::to_owned)
    };
    FOUND.get_or_try_init(ask).await.map(String::as_str)
}

/// The version in what `git version` printed, if it is new enough.
fn supported(printed: &str) -> Result<&str, GitError> {
    let version = printed.trim().trim_start_matches("git version ");
    let mut numbers = version.split('.').map_while(|n| n.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(2), Some(minor)) if minor < 38 => Err(GitError::TooOld { found: version.to_owned() }),
        (Some(major), _) if major < 2 => Err(GitError::TooOld { found: version.to_owned() }),
        (Some(_), _) => Ok(version),
        _ => Err(GitError::answer("git version", printed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_git_without_merge_tree_is_too_old() {
        assert!(supported("git version 2.38.0\n").is_ok());
        assert!(supported("git version 2.47.3 (Apple Git-1)\n").is_ok());
        assert!(supported("git version 3.0.1\n").is_ok());
        assert!(matches!(supported("git version 2.37.9\n"), Err(GitError::TooOld { .. })));
        assert!(matches!(supported("gibberish"), Err(GitError::Answer { .. })));
    }

    #[test]
    fn passwords_in_addresses_are_not_shown() {
        let shown = without_password("fetch https://me:secret@host/x and ssh://git@h failed");
        assert_eq!(shown, "fetch https://@host/x and ssh://@h failed");
        assert_eq!(without_password("refs/heads/main"), "refs/heads/main");
    }
}
