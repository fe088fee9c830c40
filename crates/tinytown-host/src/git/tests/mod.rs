//! Facts about the git plumbing, shown on real repositories.

mod advance;
mod mirror;
mod plumbing;
mod quarantine;

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Git, Oid};

/// A throw-away repository with a person who works in it.
pub(super) struct Sandbox {
    root: tempfile::TempDir,
}

impl Sandbox {
    /// A repository with one commit on `main`: a file `a` that says `one`.
    pub(super) fn new() -> Self {
        let sandbox = Self { root: tempfile::tempdir().expect("temporary folder") };
        std::fs::create_dir(sandbox.repo()).expect("folder");
        sandbox.git(&["init", "-q", "-b", "main"]);
        sandbox.write("a", "one\n");
        sandbox.commit("one");
        sandbox
    }

    pub(super) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(super) fn repo(&self) -> PathBuf {
        self.root().join("repo")
    }

    pub(super) fn ours(&self) -> Git {
        Git::at(self.repo())
    }

    /// What a person types.
    pub(super) fn git(&self, arguments: &[&str]) -> String {
        person(&self.repo(), arguments)
    }

    pub(super) fn write(&self, file: &str, text: &str) {
        let path = self.repo().join(file);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        std::fs::write(path, text).expect("file");
    }

    pub(super) fn remove(&self, file: &str) {
        std::fs::remove_file(self.repo().join(file)).expect("remove");
    }

    pub(super) fn read(&self, file: &str) -> Option<String> {
        std::fs::read_to_string(self.repo().join(file)).ok()
    }

    /// A person commits everything.
    pub(super) fn commit(&self, message: &str) -> Oid {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--no-verify", "-m", message]);
        self.oid("HEAD")
    }

    pub(super) fn oid(&self, name: &str) -> Oid {
        Oid::new(&self.git(&["rev-parse", name])).expect("a commit")
    }
}

/// Runs git as a person would, with an identity and no surprises.
pub(super) fn person(dir: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(dir).args(arguments).env_clear();
    command.env("PATH", std::env::var_os("PATH").expect("PATH")).env("HOME", "/nonexistent");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "person").env(format!("GIT_{who}_EMAIL"), "p@example.org");
    }
    let output = command.output().expect("git starts");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "git {arguments:?}: {words}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
