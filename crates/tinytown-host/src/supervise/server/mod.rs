//! The supervisor process: one thread that sleeps until a child ends, the control pipe speaks or
//! closes, or a deadline comes.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::{CANCEL, Cause, KILL, Outcome, PING, Report};
use crate::clock::uptime;
use crate::process::{self, Signal, signal_here};

mod children;
mod control;
mod job;
mod stall;
mod vigil;

use children::Children;
use control::{Control, Word};
use job::{Job, StartError};
use stall::Stall;
use vigil::Vigil;

/// Supervises what is asked on standard input.
pub(super) fn main() -> ExitCode {
    let mut control = match Control::on_stdin() {
        Ok(control) => control,
        Err(error) => return refuse(&StartError::Control(error)),
    };
    match Job::start(&mut control) {
        Ok(job) => {
            tell(&Report::Started(job.command.clone()));
            tell(&Report::Ended(Supervision::of(job, control).run()));
            ExitCode::SUCCESS
        }
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &StartError) -> ExitCode {
    tell(&match error {
        StartError::TooLate => Report::TooLate,
        error => Report::FailedToStart(error.to_string()),
    });
    ExitCode::FAILURE
}

/// Whoever listened may be gone; that is no reason to stop.
fn tell(report: &Report) {
    let mut line = serde_json::to_vec(report).expect("a report has text keys only");
    line.push(b'\n');
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(&line).and_then(|()| stdout.flush());
}

/// One run, from its start to the end of its last process.
struct Supervision {
    job: Job,
    control: Control,
    children: Children,
    vigil: Vigil,
    time_limit: Option<Instant>,
    stall: Option<Stall>,
    phase: Phase,
}

/// How far a run has come.
#[derive(Clone, Copy)]
enum Phase {
    Running,
    /// Asked to end for this reason, and to be killed then.
    Ending(Cause, Option<Instant>),
    /// To be removed at once.
    Over(Cause),
}

impl Supervision {
    fn of(mut job: Job, control: Control) -> Self {
        let now = Instant::now();
        let spec = &job.spec;
        Self {
            time_limit: now.checked_add(Duration::from_millis(spec.time_limit_ms)),
            stall: Stall::of(spec, job.log.take(), now),
            vigil: Vigil::new(spec.ping_limit(), job.begun),
            children: Children::of(job.command.pid),
            job,
            control,
            phase: Phase::Running,
        }
    }

    /// Until nothing of the run is left.
    fn run(mut self) -> Outcome {
        let cause = loop {
            match self.phase {
                Phase::Over(cause) => break cause,
                Phase::Running | Phase::Ending(..) => self.step(),
            }
        };
        let removed = self.children.remove(&self.job.child_ends);
        self.job.forget();
        let exit = removed.exit.expect("we return from removing only once the command was reaped");
        Outcome { exit, by: cause, left_over: removed.left_over, out_of_reach: removed.out_of_reach }
    }

    /// Sleeps until something happens, and takes note of it. What was said is heard before deadlines are
    /// judged: after we stood still ourselves, pings may be waiting.
    fn step(&mut self) {
        self.control.sleep(&self.job.child_ends, self.next_deadline());
        children::hear(&self.job.child_ends);
        let none_left = self.children.reap();
        self.note_end(none_left);
        for word in self.control.hear() {
            self.obey(&word);
        }
        self.judge(Instant::now());
    }

    /// Asked to end, a command may leave helpers that clean up: these have the rest of the grace.
    fn note_end(&mut self, none_left: bool) {
        match self.phase {
            Phase::Running if self.children.command_ended() => self.phase = Phase::Over(Cause::Itself),
            Phase::Ending(cause, _) if none_left => self.phase = Phase::Over(cause),
            _ => {}
        }
    }

    fn obey(&mut self, word: &Word) {
        match word {
            Word::Said(word) if word.starts_with(PING) => self.vigil.heard(said_at(word)),
            Word::Said(word) if word == CANCEL => self.ask_to_end(Cause::Cancel),
            Word::Said(word) if word == KILL => self.end_now(Cause::Kill),
            // A newer client may know more words; those of ours stay what they are.
            Word::Said(_) => {}
            Word::Closed => self.end_now(Cause::Orphaned),
        }
    }

    fn judge(&mut self, now: Instant) {
        let has_come = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if self.vigil.is_over(uptime()) {
            return self.end_now(Cause::Orphaned);
        }
        match self.phase {
            Phase::Running => self.judge_running(has_come(self.time_limit), now),
            Phase::Ending(cause, limit) if has_come(limit) => self.phase = Phase::Over(cause),
            Phase::Ending(..) | Phase::Over(_) => {}
        }
    }

    fn judge_running(&mut self, time_is_up: bool, now: Instant) {
        if time_is_up {
            self.ask_to_end(Cause::TimeLimit);
        } else if self.stall.as_mut().is_some_and(|stall| stall.look(now)) {
            self.ask_to_end(Cause::Stall);
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let ping_look = Instant::now().checked_add(self.vigil.next_look(uptime()));
        let next_look = self.stall.as_ref().map(|stall| stall.next_look);
        let others = match self.phase {
            Phase::Running => [self.time_limit, next_look],
            Phase::Ending(_, limit) => [limit, None],
            Phase::Over(_) => [None, None],
        };
        others.into_iter().chain([ping_look]).flatten().min()
    }

    /// The first reason stands.
    fn ask_to_end(&mut self, cause: Cause) {
        if matches!(self.phase, Phase::Running) {
            let grace = Duration::from_millis(self.job.spec.grace_ms);
            self.phase = Phase::Ending(cause, Instant::now().checked_add(grace));
            terminate_all();
        }
    }

    fn end_now(&mut self, cause: Cause) {
        self.phase = match self.phase {
            Phase::Running => Phase::Over(cause),
            Phase::Ending(first, _) | Phase::Over(first) => Phase::Over(first),
        };
    }
}

/// When a ping was said; now if it does not tell, as those of clients of an earlier version.
fn said_at(ping: &str) -> Duration {
    let told = ping.split_once(' ').and_then(|(_, millis)| millis.parse().ok());
    told.map_or_else(uptime, Duration::from_millis)
}

/// What cannot be asked now (another user's, or `/proc` not readable) is dealt with after the grace.
fn terminate_all() {
    let table = process::table::Table::read();
    for stat in table.map(|table| table.descendants(std::process::id())).unwrap_or_default() {
        let _ = signal_here(stat.id, Signal::Terminate);
    }
}
