//! The control pipe, and sleeping until it or a child has something to say.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsFd;
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// What came through the pipe.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// One line, without its end.
    Said(String),
    /// Nothing will come any more.
    Closed,
}

/// The reading end. Read unbuffered, because the buffer of [`io::Stdin`] would hide from `poll` what it holds.
pub(super) struct Control {
    pipe: File,
    unread: Vec<u8>,
    readable: bool,
}

impl Control {
    pub(super) fn on_stdin() -> io::Result<Self> {
        let pipe = io::stdin().as_fd().try_clone_to_owned()?;
        Ok(Self { pipe: pipe.into(), unread: Vec::new(), readable: false })
    }

    /// The first line, however long it takes to come.
    pub(super) fn first_line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(line) = self.take_line() {
                return Ok(line);
            }
            if self.read()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Sleeps until the pipe can be read, `other` can, or `deadline` has come.
    pub(super) fn sleep(&mut self, other: &impl AsFd, deadline: Option<Instant>) {
        let watch = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut watched = [watch(self.pipe.as_fd()), watch(other.as_fd())];
        // Interrupted or not: whoever slept looks at everything again.
        let _ = poll(&mut watched, timeout(deadline));
        self.readable = watched[0].any().unwrap_or(false);
    }

    /// What was said since, without waiting.
    pub(super) fn hear(&mut self) -> Vec<Word> {
        if !std::mem::take(&mut self.readable) {
            return Vec::new();
        }
        let open = match self.read() {
            Ok(count) => count > 0,
            Err(error) => error.kind() == io::ErrorKind::Interrupted,
        };
        let lines = std::iter::from_fn(|| self.take_line());
        let mut words: Vec<Word> =
            lines.map(|line| Word::Said(String::from_utf8_lossy(&line).into_owned())).collect();
        if !open {
            words.push(Word::Closed);
        }
        words
    }

    fn read(&mut self) -> io::Result<usize> {
        let mut chunk = [0; 16 * 1024];
        let count = self.pipe.read(&mut chunk)?;
        self.unread.extend_from_slice(&chunk[..count]);
        Ok(count)
    }

    fn take_line(&mut self) -> Option<Vec<u8>> {
        let end = self.unread.iter().position(|byte| *byte == b'\n')?;
        let mut line: Vec<u8> = self.unread.drain(..=end).collect();
        line.pop();
        Some(line)
    }
}

/// Rounded up to whole milliseconds, so that we do not wake just before the deadline and spin.
fn timeout(deadline: Option<Instant>) -> PollTimeout {
    let Some(deadline) = deadline else { return PollTimeout::NONE };
    let wait = deadline.saturating_duration_since(Instant::now());
    let millis = wait.as_nanos().div_ceil(1_000_000);
    PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
}
