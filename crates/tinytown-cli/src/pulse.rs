//! Whether a dispatcher lives, and what waits for one.

use std::time::{Duration, Instant};

use tinytown_core::id::MissionId;
use tinytown_host::process::Fate;
use tinytown_store::codec::decode;
use tinytown_store::records::EffectRecord;
use tinytown_store::{InputId, Lease, Store, StoreError, TownView, Wait};

use crate::proof::Holder;

/// More waiting inputs than this are counted as this many.
const COUNTED: usize = 1000;
/// Between two looks at a lease.
const PAUSE: Duration = Duration::from_millis(50);

/// What is known of the dispatcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pulse {
    /// Who holds the lease, for people.
    pub(crate) holder: Option<String>,
    /// Whether the holder lives; nothing if that cannot be told from here at once.
    pub(crate) running: Option<bool>,
    /// Inputs that nobody has applied yet.
    pub(crate) inputs_waiting: usize,
    /// Effects that were decided and not reported: of the mission asked about, or of all.
    pub(crate) effects_waiting: usize,
}

/// Looks. `patience` is how long a holder on another host is watched; zero asks nothing of it.
pub(crate) async fn take(
    store: &dyn Store,
    view: &TownView,
    mission: Option<MissionId>,
    patience: Duration,
) -> Result<Pulse, StoreError> {
    let lease = store.vitals().await?.lease;
    let running = lives(store, &lease, patience).await?;
    let inputs_waiting = store.inbox(InputId(0), COUNTED, Wait::NONE).await?.len();
    let holder = lease.holder.as_ref().map(|record| {
        Holder::read(record).map_or_else(|| "a process that cannot be named".to_owned(), |it| it.to_string())
    });
    Ok(Pulse { holder, running, inputs_waiting, effects_waiting: effects(view, mission)? })
}

fn effects(view: &TownView, mission: Option<MissionId>) -> Result<usize, StoreError> {
    let Some(mission) = mission else { return Ok(view.effects.len()) };
    let mut count = 0;
    for outgoing in &view.effects {
        let effect: EffectRecord = decode(&format!("effect {}", outgoing.op), &outgoing.record)?;
        count += usize::from(effect.mission == mission);
    }
    Ok(count)
}

/// Whether whoever holds the lease lives. On this host the process tells; elsewhere the counter does, if it moves.
async fn lives(store: &dyn Store, lease: &Lease, patience: Duration) -> Result<Option<bool>, StoreError> {
    let Some(record) = &lease.holder else { return Ok(Some(false)) };
    match Holder::read(record).map(|holder| holder.process.fate()) {
        Some(Fate::Alive) => return Ok(Some(true)),
        Some(Fate::Gone) => return Ok(Some(false)),
        Some(Fate::Unknown) | None if patience.is_zero() => return Ok(None),
        Some(Fate::Unknown) | None => {}
    }
    let began = Instant::now();
    while began.elapsed() < patience {
        tokio::time::sleep(PAUSE).await;
        let seen = store.vitals().await?.lease;
        if (seen.epoch, seen.counter) != (lease.epoch, lease.counter) {
            return Ok(Some(seen.holder.is_some()));
        }
    }
    Ok(Some(false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinytown_core::id::{OpId, TownId};
    use tinytown_core::time::Time;
    use tinytown_store::{LeaseCall, MemoryStore, Record, TownIdentity};

    async fn town() -> MemoryStore {
        let store = MemoryStore::new();
        let id = TownId(crate::clock::new_id());
        let founded = TownIdentity { id, name: "x".into(), created_at: Time::from_millis(0) };
        store.found(&founded).await.expect("founded");
        store
    }

    async fn taken_by(holder: Record) -> Pulse {
        let store = town().await;
        let call = LeaseCall::Take { holder, seen: None };
        store.lease(&OpId::new("take"), &call).await.expect("taken");
        let view = store.town().await.expect("a town");
        take(&store, &view, None, Duration::ZERO).await.expect("looked")
    }

    #[tokio::test]
    async fn a_free_lease_means_that_no_dispatcher_runs() {
        let store = town().await;
        let view = store.town().await.expect("a town");
        let pulse = take(&store, &view, None, Duration::ZERO).await.expect("looked");
        assert_eq!((pulse.running, pulse.holder), (Some(false), None));
    }

    #[tokio::test]
    async fn a_holder_on_this_host_is_known_to_live_or_not() {
        let mut holder = Holder::here().expect("we run");
        assert_eq!(taken_by(holder.record()).await.running, Some(true));
        holder.process.start_time += 1;
        assert_eq!(taken_by(holder.record()).await.running, Some(false));
    }

    #[tokio::test]
    async fn a_holder_elsewhere_is_not_declared_dead_at_a_glance() {
        let mut holder = Holder::here().expect("we run");
        "another boot".clone_into(&mut holder.process.boot_id);
        assert_eq!(taken_by(holder.record()).await.running, None);
    }
}
