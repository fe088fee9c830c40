//! Starting the command: from the specification to a running process and a run file that names it.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::prctl;
use nix::sys::signal::{SigHandler, SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;

use super::children::Children;
use super::control::Control;
use crate::clock::uptime;
use crate::files::{self, FileError};
use crate::process::{ProcessError, ProcessId, RUN_MARKER};
use crate::run_files::{RunFile, RunFileError};
use crate::supervise::Spec;

/// Why the command was not started. Its text goes to whoever asked, so it names the cause too.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error("could not read what to run: {0}")]
    Control(#[source] io::Error),
    #[error("could not understand what to run: {0}")]
    Malformed(#[source] serde_json::Error),
    #[error("{0}")]
    Invalid(&'static str),
    #[error("could not set up the supervisor: {0}")]
    Isolate(#[source] nix::Error),
    #[error("could not open the log: {}", chain(.0))]
    Log(#[source] FileError),
    #[error("could not open the input {path}: {source}")]
    Input { path: String, source: io::Error },
    #[error("could not note the run: {}", chain(.0))]
    RunFile(#[source] RunFileError),
    #[error("could not look at the started process: {0}")]
    Process(#[source] ProcessError),
    /// Its time had passed.
    #[error("too late")]
    TooLate,
    #[error("could not start {program} in {folder}: {source}")]
    Spawn { program: String, folder: String, source: io::Error },
}

/// An error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// A command that runs.
pub(super) struct Job {
    pub(super) spec: Spec,
    /// When it was about to be started, on the clock that counts suspend.
    pub(super) begun: Duration,
    /// The command's process: our child, so its number is not reused before we reap it.
    pub(super) command: ProcessId,
    /// Readable when a child has ended.
    pub(super) child_ends: SignalFd,
    /// The log, for whoever watches its growth.
    pub(super) log: Option<File>,
}

impl Job {
    /// The run file names the supervisor before the command exists, so there is no moment in which
    /// something runs that nobody could find.
    pub(super) fn start(control: &mut Control) -> Result<Self, StartError> {
        let child_ends = isolate().map_err(StartError::Isolate)?;
        let spec = read_spec(control)?;
        let mut note = RunFile::of_this_process(&spec.run, &spec.argv[0]).map_err(StartError::RunFile)?;
        let log = files::open_log(&spec.log).map_err(StartError::Log)?;
        let mut command = command(&spec, &log)?;
        note.write(&spec.run_file).map_err(StartError::RunFile)?;
        let begun = uptime();
        let started = spawn(&mut command, &spec).and_then(|id| {
            note.command = Some(id.clone());
            note.write(&spec.run_file).map_err(StartError::RunFile)?;
            Ok(id)
        });
        match started {
            Ok(command) => Ok(Self { spec, begun, command, child_ends, log: Some(log) }),
            Err(error) => {
                Children::of(0).remove(&child_ends);
                forget(&spec);
                Err(error)
            }
        }
    }

    /// Nothing of it is left: neither is its note.
    pub(super) fn forget(&self) {
        forget(&self.spec);
    }
}

/// A note that cannot be deleted is harmless: a sweep finds nothing behind it and deletes it.
fn forget(spec: &Spec) {
    let _ = files::remove(&spec.run_file);
}

fn read_spec(control: &mut Control) -> Result<Spec, StartError> {
    let line = control.first_line().map_err(StartError::Control)?;
    let spec: Spec = serde_json::from_slice(&line).map_err(StartError::Malformed)?;
    match spec.fault() {
        Some(fault) => Err(StartError::Invalid(fault)),
        None => Ok(spec),
    }
}

/// Makes this process the one that adopts orphans, out of reach of the terminal, and deaf to polite
/// requests to end: whoever started it decides, through the control pipe. (Rust ignores SIGPIPE already.)
fn isolate() -> nix::Result<SignalFd> {
    // Whoever ignores it (and that is inherited) never learns how a child ended.
    reset(Signal::SIGCHLD)?;
    // Fails only if we lead a session already.
    let _ = nix::unistd::setsid();
    prctl::set_child_subreaper(true)?;
    // Blocked for good is as good as ignored, and needs no unsafe code. Children unblock them.
    let deaf_to = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGCHLD];
    deaf_to.into_iter().collect::<SigSet>().thread_block()?;
    let child_ends: SigSet = [Signal::SIGCHLD].into_iter().collect();
    SignalFd::with_flags(&child_ends, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
}

fn command(spec: &Spec, log: &File) -> Result<Command, StartError> {
    let shared = |log: &File| log.try_clone().map_err(StartError::Control);
    let mut command = Command::new(&spec.argv[0]);
    command.args(&spec.argv[1..]).current_dir(&spec.cwd);
    command.env_clear().envs(spec.env.iter().map(|(name, value)| (name, value))).env(RUN_MARKER, &spec.run);
    command.stdin(input(spec)?).stdout(shared(log)?).stderr(shared(log)?);
    command.process_group(0);
    Ok(command)
}

fn input(spec: &Spec) -> Result<Stdio, StartError> {
    let Some(path) = &spec.stdin else { return Ok(Stdio::null()) };
    let failed = |source| StartError::Input { path: path.display().to_string(), source };
    File::open(path).map(Stdio::from).map_err(failed)
}

#[expect(unsafe_code, reason = "a child's set-up between fork and exec has no safe interface")]
fn spawn(command: &mut Command, spec: &Spec) -> Result<ProcessId, StartError> {
    let (supervisor, begin_by) = (Pid::this(), spec.begin_by_ms.map(Duration::from_millis));
    // SAFETY: between fork and exec `set_up_child` makes system calls only: it neither allocates nor
    // locks nor panics.
    unsafe { command.pre_exec(move || set_up_child(supervisor, begin_by)) };
    let not_begun = |source| {
        if has_passed(begin_by) {
            return StartError::TooLate;
        }
        let (program, folder) = (spec.argv[0].clone(), spec.cwd.display().to_string());
        StartError::Spawn { program, folder, source }
    };
    let child = command.spawn().map_err(not_begun)?;
    ProcessId::of(child.id()).map_err(StartError::Process)
}

fn has_passed(moment: Option<Duration>) -> bool {
    moment.is_some_and(|moment| moment < uptime())
}

/// Runs in the child: it is to die with its supervisor, and to meet signals as any program expects to.
/// Whether it may begin is asked last, so that nothing can come between but the command itself.
fn set_up_child(supervisor: Pid, begin_by: Option<Duration>) -> io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if Pid::parent() != supervisor {
        // It died before we asked to be told.
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    for signal in Signal::iterator().filter(|signal| !matches!(signal, Signal::SIGKILL | Signal::SIGSTOP)) {
        reset(signal)?;
    }
    SigSet::empty().thread_set_mask()?;
    // Which error does not matter: time never goes back, so whoever spawned us sees for itself.
    if has_passed(begin_by) { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
}

#[expect(unsafe_code, reason = "signal dispositions have no safe interface")]
fn reset(signal: Signal) -> nix::Result<()> {
    // SAFETY: the default action replaces whatever was inherited; no handler of ours is involved.
    unsafe { nix::sys::signal::signal(signal, SigHandler::SigDfl) }.map(drop)
}
