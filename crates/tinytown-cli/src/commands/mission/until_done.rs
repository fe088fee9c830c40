//! Waiting for missions to end, whoever dispatches them: the store tells.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tinytown_core::id::MissionId;
use tinytown_core::mission::{Head, MissionState};
use tinytown_store::{InputId, Store, Wait, records};

use crate::failure::{ExitCode, Failure};

/// Between two looks. What only a person can let go on must look so twice, with nothing waiting to be
/// applied in between: a dispatcher that has just begun may still change it.
const PAUSE: Duration = Duration::from_millis(200);

/// The missions that are waited for, as they stood last.
#[derive(Debug)]
pub(crate) struct Watching {
    only: Option<MissionId>,
    heads: BTreeMap<MissionId, Head>,
}

/// What the missions as a whole are up to.
#[derive(Debug, PartialEq, Eq)]
enum Outlook {
    /// Something goes on by itself, or could.
    GoesOn,
    /// Every mission that has not ended waits for a person.
    Person,
    /// All have ended.
    Over,
}

impl Watching {
    /// Watches one mission, or those that have not ended and those that begin meanwhile.
    pub(crate) async fn begin(store: &dyn Store, only: Option<MissionId>) -> Result<Self, Failure> {
        let mut watching = Self { only, heads: BTreeMap::new() };
        if let Some(id) = only {
            let head = records::load_head(&store.mission(id).await?.row)?;
            watching.heads.insert(id, head);
        }
        watching.look(store).await?;
        Ok(watching)
    }

    /// Whether there is a mission to wait for.
    pub(crate) fn is_idle(&self) -> bool {
        self.outlook() == Outlook::Over
    }

    async fn look(&mut self, store: &dyn Store) -> Result<(), Failure> {
        let mut listed = BTreeSet::new();
        for row in store.missions(false).await? {
            listed.insert(row.id);
            if self.only.is_none_or(|only| only == row.id) {
                self.heads.insert(row.id, records::load_head(&row)?);
            }
        }
        // What is listed no more has ended since; the others were just read.
        let unlisted = |(id, head): &(&MissionId, &mut Head)| !head.state.is_over() && !listed.contains(id);
        for (id, head) in self.heads.iter_mut().filter(unlisted) {
            *head = records::load_head(&store.mission(*id).await?.row)?;
        }
        Ok(())
    }

    fn outlook(&self) -> Outlook {
        let open: Vec<&Head> = self.heads.values().filter(|head| !head.state.is_over()).collect();
        let stuck = |head: &&Head| matches!(head.state, MissionState::Blocked | MissionState::Stopped);
        match open.as_slice() {
            [] => Outlook::Over,
            open if open.iter().all(stuck) => Outlook::Person,
            _ => Outlook::GoesOn,
        }
    }

    /// How they ended.
    fn verdict(&self) -> Result<(), Failure> {
        let failed = self.heads.iter().filter(|(_, head)| head.state == MissionState::Failed);
        let words: Vec<String> = failed
            .clone()
            .map(|(id, head)| {
                format!("mission {id} failed: {}", head.reason.as_deref().unwrap_or("no reason is known"))
            })
            .collect();
        match failed.map(|(id, _)| id).next() {
            Some(id) => Err(Failure::new(ExitCode::Failed, words.join("\n"))
                .hint(format!("see what happened with: tt mission log {id}"))),
            None => Ok(()),
        }
    }
}

/// Returns once every mission has ended; unless told to be `patient`, also when only a person can go on.
pub(crate) async fn wait(store: &dyn Store, watching: &mut Watching, patient: bool) -> Result<(), Failure> {
    let mut before: Option<Vec<u64>> = None;
    loop {
        match watching.look(store).await {
            // The dispatcher goes on through outages, and so do we.
            Err(failure) if failure.code() == ExitCode::Unavailable => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            looked => looked?,
        }
        match watching.outlook() {
            Outlook::Over => return watching.verdict(),
            Outlook::Person if !patient && is_quiet(store).await? => {
                let now: Vec<u64> = watching.heads.values().map(|head| head.seq).collect();
                if before.as_ref() == Some(&now) {
                    return Err(only_a_person(store, watching).await?);
                }
                before = Some(now);
            }
            Outlook::Person | Outlook::GoesOn => before = None,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether nothing waits to be applied.
async fn is_quiet(store: &dyn Store) -> Result<bool, Failure> {
    Ok(store.inbox(InputId(0), 1, Wait::NONE).await?.is_empty())
}

/// Which waits only a person can end.
async fn only_a_person(store: &dyn Store, watching: &Watching) -> Result<Failure, Failure> {
    let roster = records::load_roster(&store.town().await?)?;
    let mut words = vec!["only a person can go on:".to_owned()];
    let open = watching.heads.iter().filter(|(_, head)| !head.state.is_over());
    for (id, _) in open.clone() {
        let mission = records::load_mission(&store.mission(*id).await?)?;
        let items = mission.items().iter().zip(mission.waits(&roster));
        let waits = items.filter_map(|(item, wait)| {
            let wait = wait.filter(|wait| wait.owner == "operator")?;
            Some(format!("  {}: {} ({})", item.spec.key, wait.detail, wait.code.as_str()))
        });
        words.push(format!(" mission {id} ({})", mission.head().state.as_str()));
        words.extend(waits);
    }
    let first = open.clone().next().map_or_else(String::new, |(id, _)| id.to_string());
    let hint = format!("answer with: tt mission note {first} \"resume\" (or retry, approve, skip ITEM)");
    Ok(Failure::new(ExitCode::NotNow, words.join("\n")).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::world::World;

    fn watching(states: &[MissionState]) -> Watching {
        let head = World::started().mission().head().clone();
        let id = |n: usize| format!("{n:08}-0000-4000-8000-000000000001").parse().expect("an id");
        let heads =
            states.iter().enumerate().map(|(n, state)| (id(n), Head { state: *state, ..head.clone() }));
        Watching { only: None, heads: heads.collect() }
    }

    #[test]
    fn missions_go_on_while_any_of_them_does() {
        use MissionState::{Blocked, Completed, Failed, Running, Stopped};
        for (states, outlook) in [
            (&[][..], Outlook::Over),
            (&[Completed, Failed], Outlook::Over),
            (&[Completed, Running], Outlook::GoesOn),
            (&[Blocked, Running], Outlook::GoesOn),
            (&[Blocked, Stopped, Completed], Outlook::Person),
        ] {
            assert_eq!(watching(states).outlook(), outlook, "{states:?}");
        }
    }

    #[test]
    fn one_failed_mission_among_completed_ones_is_a_failure() {
        use MissionState::{Completed, Failed};
        assert!(watching(&[Completed, Completed]).verdict().is_ok());
        let failure = watching(&[Completed, Failed]).verdict().expect_err("one failed");
        assert_eq!(failure.code(), ExitCode::Failed);
        assert!(failure.message().contains("00000001-"), "{}", failure.message());
    }
}
