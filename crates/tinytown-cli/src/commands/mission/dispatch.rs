//! `tt mission dispatch`: serves all missions of the town.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use tinytown_core::id::MissionId;
use tinytown_dispatcher::{Mode, Report, Round, ServeError, Watched};
use tinytown_store::Record;
use tokio::sync::watch;

use super::until_done::{self, Watching};
use crate::app::App;
use crate::compose::{Composed, store_concerns};
use crate::failure::Failure;
use crate::proof::Holder;
use crate::terminal::Terminal;
use crate::{resolve, signals};

/// A lease that a command took for one step is free again sooner; only a longer one is worth a word.
const STANDING_BY: Duration = Duration::from_secs(1);

/// Arguments of `tt mission dispatch`.
#[derive(Debug, Args)]
pub(crate) struct Dispatch {
    /// Print, and wait for, only this mission; all are served
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Apply what waits, do what can be done now, and end
    #[arg(long, conflicts_with = "until_done")]
    once: bool,
    /// End with the missions: 0 if completed, 1 if any failed, 7 if only a person can go on
    #[arg(long)]
    until_done: bool,
    /// Go on waiting if only a person can go on
    #[arg(long, requires = "until_done")]
    wait: bool,
}

impl Dispatch {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let composed = Composed::open(app.town()?).await?;
        let only = match &self.run {
            Some(prefix) => Some(resolve::mission(&*composed.store, prefix).await?),
            None => None,
        };
        for concern in store_concerns(&composed.town).await {
            app.terminal.warn(concern);
        }
        let mut watching = Watching::begin(&*composed.store, only).await?;
        let (stop, stopped) = watch::channel(false);
        signals::on_stop(stop.clone())?;
        let mode = if self.once { Mode::Once } else { Mode::Serve };
        let serving = serve(app.terminal, &composed, mode, only, stopped);
        if !self.until_done {
            return serving.await;
        }
        if watching.is_idle() {
            app.terminal.note("No mission is under way: there is nothing to wait for.");
        }
        let ending = async {
            let end = until_done::wait(&*composed.store, &mut watching, self.wait).await;
            let _ = stop.send(true);
            end
        };
        // Whoever stops the dispatcher by a signal does not wait for missions any more.
        tokio::pin!(serving);
        let end = tokio::select! {
            served = &mut serving => return served,
            end = ending => end,
        };
        serving.await?;
        end
    }
}

/// Serves until `stop`, printing rounds as they come.
pub(crate) async fn serve(
    terminal: Terminal,
    composed: &Composed,
    mode: Mode,
    only: Option<MissionId>,
    stop: watch::Receiver<bool>,
) -> Result<(), Failure> {
    let parts = composed.parts(composed.forge().await?);
    let settings = composed.settings(mode)?;
    let mut printer = Printer { terminal, only, active: Arc::default(), closed: None };
    let served = tinytown_dispatcher::serve(parts, settings, |report| printer.print(report), stop).await;
    served.map_err(|ServeError::Store(error)| error)?;
    // Missions went on though nobody read of it; that nobody does is no failure either.
    printer.closed.map_or(Ok(()), Err)
}

/// Prints what a dispatcher reports.
struct Printer {
    terminal: Terminal,
    only: Option<MissionId>,
    /// Whether it is this dispatcher that decides.
    active: Arc<AtomicBool>,
    /// Why nothing can be printed any more.
    closed: Option<Failure>,
}

impl Printer {
    fn print(&mut self, report: Report) {
        match report {
            Report::Active => self.active(),
            Report::StandingBy { holder } => self.standing_by(holder.as_ref()),
            Report::Round(round) => {
                let mut lines = rounds(&round, self.only).into_iter();
                if let Err(failure) = lines.try_for_each(|line| self.terminal.line(line)) {
                    self.closed.get_or_insert(failure);
                }
            }
            Report::Trouble(text) => self.terminal.warn(text),
            Report::Mission(Watched { id, state, effects }) => {
                let state = state.as_str();
                self.terminal.detail(format!("mission {id} is {state}, effects under way: {effects}"));
            }
        }
    }

    fn active(&self) {
        self.active.store(true, Ordering::Relaxed);
        self.terminal
            .note("Dispatching. Stop with Ctrl-C; missions go on when a dispatcher is started again.");
    }

    fn standing_by(&self, holder: Option<&Record>) {
        self.active.store(false, Ordering::Relaxed);
        let holder = holder.and_then(Holder::read);
        let who = holder.map_or_else(|| "another dispatcher".to_owned(), |holder| holder.to_string());
        tell_later(self.terminal, Arc::clone(&self.active), who);
    }
}

/// Says that another dispatcher is at work, unless it soon is not.
fn tell_later(terminal: Terminal, active: Arc<AtomicBool>, who: String) {
    tokio::spawn(async move {
        tokio::time::sleep(STANDING_BY).await;
        if !active.load(Ordering::Relaxed) {
            terminal.note(format!(
                "Standing by: {who} is dispatching. This one takes over when that one is gone."
            ));
        }
    });
}

/// A round in lines; of several missions, each line says whose it is.
fn rounds(round: &Round, only: Option<MissionId>) -> Vec<String> {
    let several = round.missions.len() > 1;
    let shown = round.missions.iter().filter(|(id, _)| only.is_none_or(|only| only == *id));
    let line = |(id, words): &(MissionId, String)| {
        let whose = if several { format!(" [{}]", &id.to_string()[..8]) } else { String::new() };
        format!("Round {}{whose}: {words}", round.number)
    };
    shown.map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u32) -> MissionId {
        format!("{n:08x}-0000-4000-8000-000000000001").parse().expect("an id")
    }

    #[test]
    fn a_round_is_printed_as_in_the_tutorial() {
        let words = "Issue #1 → ready → assigned to designer".to_owned();
        let round = Round { number: 1, missions: vec![(id(1), words)] };
        assert_eq!(rounds(&round, None), ["Round 1: Issue #1 → ready → assigned to designer"]);
    }

    #[test]
    fn rounds_of_several_missions_say_whose_they_are_and_can_be_narrowed() {
        let round = Round { number: 7, missions: vec![(id(1), "a".to_owned()), (id(2), "b".to_owned())] };
        assert_eq!(rounds(&round, None), ["Round 7 [00000001]: a", "Round 7 [00000002]: b"]);
        assert_eq!(rounds(&round, Some(id(2))), ["Round 7 [00000002]: b"]);
        assert!(rounds(&round, Some(id(3))).is_empty());
    }
}
