//! Towns in temporary folders, with real git, the real `tt` and agents that are shell scripts.
//!
//! A [`Place`] is a temporary folder whose processes have an environment of their own: nothing of the
//! user's reaches them, and their `HOME` lies in the folder. By that they are found, and killed, when
//! the place goes. A [`Town`] is a place with a repository that `tt init` made a town.

mod machines;
mod place;
mod processes;
mod running;
mod store;
mod town;

pub use machines::{Machine, Network};
pub use place::Place;
pub use processes::{Found, processes_naming};
pub use running::Running;
pub use store::redis_server;
pub use town::{Merge, Town, WORKS};

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long one command may take.
pub const COMMAND_LIMIT: Duration = Duration::from_secs(30);
/// How long something may take that several processes bring about together.
pub const WAIT_LIMIT: Duration = Duration::from_mins(1);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// The real `tt`, beside the test's own program: `target/PROFILE/deps/stories-…` and `target/PROFILE/tt`.
pub fn tt() -> PathBuf {
    let this = std::env::current_exe().expect("a test has a program");
    let tt = this.ancestors().skip(1).take(2).map(|folder| folder.join("tt")).find(|file| file.is_file());
    tt.unwrap_or_else(|| panic!("there is no tt beside {}: build it first: cargo xtask test", this.display()))
}

/// Every file below a folder, links too, which are not followed; sorted.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // What vanishes meanwhile is not there.
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder { &mut folders } else { &mut files }.push(entry.path());
        }
    }
    files.sort();
    files
}

/// Looks again and again until `look` finds something; `None` once `limit` is over.
pub fn poll<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if began.elapsed() > limit {
            return None;
        }
        std::thread::sleep(PAUSE);
    }
}

/// What a command printed, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its data.
    pub stdout: String,
    /// Its talk.
    pub stderr: String,
    /// Its exit code; −1 if a signal ended it.
    pub code: i32,
}

#[expect(clippy::return_self_not_must_use, reason = "most stories assert and look no further")]
impl Output {
    /// The same if it exited with this code.
    ///
    /// # Panics
    /// If it exited with another; the message shows all it printed.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The same if its talk holds all of these texts.
    ///
    /// # Panics
    /// If it does not.
    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "no {text:?} in stderr:\n{}", self.stderr);
        }
        self
    }
}
