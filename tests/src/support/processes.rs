//! The processes that have to do with a folder.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use tinytown_host::process::{ProcessId, Signal, signal};

use super::poll;

/// How long killed processes may take to be gone.
const LIMIT: Duration = Duration::from_secs(10);

/// A living process that has to do with a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which.
    pub process: ProcessId,
    /// Its command line, with spaces between the arguments.
    pub command: String,
}

/// The living processes of this user, without the caller, that name the folder in their environment,
/// their arguments or their working folder.
pub fn processes_naming(folder: &Path) -> Vec<Found> {
    let me = ProcessId::current().expect("we run").pid;
    let user = fs::metadata("/proc/self").expect("/proc is there").uid();
    let entries = fs::read_dir("/proc").expect("/proc can be read").flatten();
    let pids = entries.filter(|entry| entry.metadata().is_ok_and(|found| found.uid() == user));
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| *pid != me).filter_map(|pid| look(pid, folder)).collect()
}

fn look(pid: u32, folder: &Path) -> Option<Found> {
    // Named before it is looked at: what takes its number meanwhile is another process.
    let process = ProcessId::of(pid).ok()?;
    let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let (arguments, environment) = (read("cmdline"), read("environ"));
    let cwd = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
    let needle = folder.as_os_str().as_bytes();
    let texts = [&arguments[..], &environment, cwd.as_os_str().as_bytes()];
    let named = texts.iter().any(|text| text.windows(needle.len()).any(|part| part == needle));
    let command = String::from_utf8_lossy(&arguments).replace('\0', " ").trim().to_owned();
    (named && process.is_alive()).then_some(Found { process, command })
}

/// Kills what names the folder until nothing does; says whether that succeeded.
pub(super) fn kill_all_naming(folder: &Path) -> bool {
    let gone = poll(LIMIT, || {
        let left = processes_naming(folder);
        for found in &left {
            // One that ended meanwhile, or is not ours to signal, is seen at the next look.
            let _ = signal(&found.process, Signal::Kill);
        }
        left.is_empty().then_some(())
    });
    gone.is_some()
}
