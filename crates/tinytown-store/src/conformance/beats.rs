//! Heartbeats: a counter for each agent, and the latest start of it in force.

use tinytown_core::id::Generation;

use super::Harness;
use super::fixture::{agent, founded};
use crate::{Heartbeat, StoreError};

/// Nothing but the counter moves.
pub async fn a_first_beat_is_one_and_each_further_moves_the_counter(harness: &dyn Harness) {
    let store = founded(harness).await;
    for counter in 1..=3 {
        assert_eq!(store.beat(&agent("ann"), Generation(4)).await, Ok(counter));
        let beats = harness.open().await.vitals().await.expect("answers").beats;
        assert_eq!(beats, [Heartbeat { agent: agent("ann"), generation: Generation(4), counter }]);
    }
}

/// The earlier start of the same agent learns that it is over, and changes nothing.
pub async fn a_later_generation_begins_anew_and_shuts_out_the_earlier(harness: &dyn Harness) {
    let store = founded(harness).await;
    store.beat(&agent("ann"), Generation(1)).await.expect("beats");
    store.beat(&agent("ann"), Generation(1)).await.expect("beats");
    assert_eq!(store.beat(&agent("ann"), Generation(3)).await, Ok(1));
    let refusal = StoreError::Superseded { agent: agent("ann"), current: Generation(3) };
    for earlier in [1, 2] {
        let refused = store.beat(&agent("ann"), Generation(earlier)).await;
        assert_eq!(refused, Err(refusal.clone()));
    }
    assert_eq!(store.beat(&agent("ann"), Generation(3)).await, Ok(2));
}

/// Each agent has a counter of its own.
pub async fn vitals_show_all_agents_by_name(harness: &dyn Harness) {
    let store = founded(harness).await;
    for (name, generation) in [("zoe", 1), ("Bob", 2), ("ann", 3), ("ann", 3)] {
        store.beat(&agent(name), Generation(generation)).await.expect("beats");
    }
    let beats = store.vitals().await.expect("answers").beats;
    let beats: Vec<_> = beats.iter().map(|b| (b.agent.as_str(), b.generation.0, b.counter)).collect();
    assert_eq!(beats, [("Bob", 2, 1), ("ann", 3, 2), ("zoe", 1, 1)]);
}
