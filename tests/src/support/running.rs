//! A process of a story that runs beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tinytown_host::process::{ProcessId, Signal, signal};

use super::{COMMAND_LIMIT, Output, poll};

/// A child process that is killed when this goes. What it prints goes to files: nothing that inherits
/// them can keep the story waiting.
#[derive(Debug)]
pub struct Running {
    child: Child,
    process: ProcessId,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Running {
    pub(super) fn start(mut command: Command, words: &Path) -> Self {
        let (stdout, stderr) = (words.with_extension("out"), words.with_extension("err"));
        let create = |file: &Path| fs::File::create(file).expect("a file for words can be made");
        command.stdin(Stdio::null()).stdout(create(&stdout)).stderr(create(&stderr));
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let process = ProcessId::of(child.id()).expect("it is our child and was not waited for");
        Self { child, process, stdout, stderr }
    }

    /// Which process it is.
    pub fn process(&self) -> &ProcessId {
        &self.process
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_none()
    }

    /// Sends it a signal; it must be there.
    pub fn signal(&self, which: Signal) {
        let sent = signal(&self.process, which).expect("a child can be signalled");
        assert!(sent, "{} has ended before: {}", self.process, self.said());
    }

    /// All that it has printed: data, then talk.
    pub fn said(&self) -> String {
        format!("stdout:\n{}\nstderr:\n{}", text(&self.stdout), text(&self.stderr))
    }

    /// Its data so far.
    pub fn stdout(&self) -> String {
        text(&self.stdout)
    }

    /// Kills it, without a warning, and waits until it is gone.
    pub fn kill(mut self) {
        self.end();
    }

    /// Asks it to end as Ctrl-C would, and waits until it has.
    pub fn stop(self) -> Output {
        self.signal(Signal::Terminate);
        self.wait(COMMAND_LIMIT)
    }

    /// Waits until it ends.
    ///
    /// # Panics
    /// If it does not within `limit`; the message shows what it printed.
    pub fn wait(mut self, limit: Duration) -> Output {
        match self.ended(limit) {
            Some(output) => output,
            None => panic!("not over after {limit:?}; {}", self.said()),
        }
    }

    pub(super) fn ended(&mut self, limit: Duration) -> Option<Output> {
        let status = poll(limit, || self.child.try_wait().expect("a child can be waited for"))?;
        let (stdout, stderr) = (text(&self.stdout), text(&self.stderr));
        Some(Output { stdout, stderr, code: status.code().unwrap_or(-1) })
    }

    fn end(&mut self) {
        // Both fail only if it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

fn text(file: &Path) -> String {
    fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
