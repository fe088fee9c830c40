//! A temporary folder with an environment of its own.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use super::processes::{Found, kill_all_naming, processes_naming};
use super::{COMMAND_LIMIT, Output, Running, tt};

/// A temporary folder, and processes that know nothing but it.
///
/// ```text
/// repo/   where the story takes place
/// home/   HOME of every process, without a git identity
/// tmp/    TMPDIR
/// said/   what processes printed
/// ```
#[derive(Debug)]
pub struct Place {
    folder: TempDir,
    /// The same without symbolic links.
    path: PathBuf,
    started: AtomicU32,
    extra: Vec<(String, OsString)>,
    /// The process whose namespaces `tt` runs in, if not ours.
    inside: Option<u32>,
}

impl Place {
    /// An empty folder `repo`, no repository yet.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("tinytown-story-").tempdir();
        let folder = folder.expect("a temporary folder can be made");
        let path = folder.path().canonicalize().expect("it is there");
        for name in ["repo", "home", "tmp", "said"] {
            fs::create_dir(path.join(name)).expect("a folder can be made");
        }
        Self { folder, path, started: AtomicU32::new(0), extra: Vec::new(), inside: None }
    }

    /// The whole folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the story takes place.
    pub fn repo(&self) -> PathBuf {
        self.path.join("repo")
    }

    /// `HOME` of every process.
    pub fn home(&self) -> PathBuf {
        self.path.join("home")
    }

    /// Any program, in `repo`, with the clean environment.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
        command.env_clear().env("PATH", path).env("LANG", "C.UTF-8");
        command.env("HOME", self.home()).env("TMPDIR", self.path.join("tmp"));
        command.current_dir(self.repo());
        command
    }

    /// Puts a variable into the environment of every later `tt`, and of nothing else.
    pub fn env(&mut self, name: &str, value: impl Into<OsString>) {
        self.extra.push((name.to_owned(), value.into()));
    }

    /// From now on `tt` runs in the namespaces of that process.
    pub(super) fn move_into(&mut self, process: u32) {
        self.inside = Some(process);
    }

    /// `tt` with these arguments, not started yet: for what one story wants to be different.
    pub fn tt_command(&self, arguments: &[&str]) -> Command {
        let mut command = match self.inside {
            None => self.command(tt()),
            Some(process) => {
                let mut command = self.command("nsenter");
                command.arg(format!("--target={process}")).args(["--net", "--pid", "--mount", "--uts"]);
                command.arg(format!("--wdns={}", self.repo().display())).arg("--").arg(tt());
                command
            }
        };
        command.args(arguments).envs(self.extra.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs `tt` to its end.
    pub fn tt(&self, arguments: &[&str]) -> Output {
        self.run(self.tt_command(arguments))
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// If it takes longer than [`COMMAND_LIMIT`]; all processes of this place are killed then.
    pub fn run(&self, command: Command) -> Output {
        let shown = format!("{command:?}");
        let mut running = self.start(command);
        running.ended(COMMAND_LIMIT).unwrap_or_else(|| {
            kill_all_naming(&self.path);
            panic!("not over after {COMMAND_LIMIT:?}: {shown}\n{}", running.said())
        })
    }

    /// Starts a command that runs beside the story.
    pub fn start(&self, command: Command) -> Running {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        Running::start(command, &self.path.join(format!("said/{number}")))
    }

    /// Git in `repo`, whatever the user's configuration and the repository's hooks say; its output.
    ///
    /// # Panics
    /// If git fails.
    pub fn git(&self, arguments: &[&str]) -> String {
        let mut command = self.command("git");
        command.args(["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"]).args(arguments);
        // Looking must not write: some stories compare the index byte by byte.
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        command.env("GIT_OPTIONAL_LOCKS", "0");
        for who in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{who}_NAME"), "Story")
                .env(format!("GIT_{who}_EMAIL"), "story@localhost");
        }
        self.run(command).exits(0).stdout
    }

    /// Makes `repo` a repository on the branch `main`, without a commit.
    pub fn git_init(&self) {
        self.git(&["init", "--quiet", "--initial-branch=main", "--template="]);
    }

    /// Commits everything in `repo`.
    pub fn commit(&self, message: &str) {
        self.git(&["add", "--all", "--", "."]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
    }

    /// Writes a file, with the folders it needs; the path is relative to `repo`, or absolute.
    pub fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let file = self.repo().join(path);
        fs::create_dir_all(file.parent().expect("a file is in a folder")).expect("a folder can be made");
        fs::write(file, content).expect("a file can be written");
    }

    /// The processes of this place that live.
    pub fn processes_left(&self) -> Vec<Found> {
        processes_naming(&self.path)
    }
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let gone = kill_all_naming(&self.path);
        // Removed here, not by the field: what could not be is worth a word.
        let removed = fs::remove_dir_all(self.folder.path());
        if !std::thread::panicking() {
            assert!(gone, "processes survive in {}: {:?}", self.path.display(), self.processes_left());
            removed.expect("the folder can be removed");
        }
    }
}
