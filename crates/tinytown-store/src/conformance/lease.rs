//! The town's one lease: taken, renewed, released, and never judged by a clock.

use super::Harness;
use super::fixture::{founded, held, led, op, record, take};
use crate::{Lease, LeaseCall, LeaseFence, LeaseReply, Store};

async fn lease(store: &dyn Store) -> Lease {
    store.vitals().await.expect("the vitals are there").lease
}

fn take_seen(holder: &str, seen: &Lease) -> LeaseCall {
    LeaseCall::Take { holder: record(holder), seen: Some((seen.epoch, seen.counter)) }
}

/// The first to come gets it under epoch 1.
pub async fn a_free_lease_is_taken_and_shows_its_holder(harness: &dyn Harness) {
    let store = founded(harness).await;
    let fence = held(store.lease(&op("a"), &take("me")).await.expect("answers"));
    assert_eq!(fence.epoch, 1);
    let other = harness.open().await;
    assert_eq!(lease(&*other).await, Lease { epoch: 1, counter: 0, holder: Some(record("me")) });
    assert_eq!(fence.incarnation, other.vitals().await.expect("answers").incarnation);
}

/// Whoever comes second learns who holds it.
pub async fn a_held_lease_is_refused_and_shown(harness: &dyn Harness) {
    let (store, _) = led(harness).await;
    let before = lease(&*store).await;
    let reply = harness.open().await.lease(&op("b"), &take("me too")).await;
    assert_eq!(reply, Ok(LeaseReply::Refused(before.clone())));
    assert_eq!(lease(&*store).await, before);
}

/// What was seen must still be so, in epoch and counter; then the epoch rises.
pub async fn an_abandoned_lease_is_taken_only_exactly_as_it_was_seen(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    let seen = lease(&*store).await;
    held(store.lease(&op("renew"), &LeaseCall::Renew(fence)).await.expect("answers"));
    let now = lease(&*store).await;
    let wrong_epoch = Lease { epoch: now.epoch + 1, ..now.clone() };
    for (name, stale) in [("late", &seen), ("guess", &wrong_epoch)] {
        let reply = store.lease(&op(name), &take_seen("next", stale)).await;
        assert_eq!(reply, Ok(LeaseReply::Refused(now.clone())), "{name}");
    }
    let taken = held(store.lease(&op("exact"), &take_seen("next", &now)).await.expect("answers"));
    assert_eq!(taken, LeaseFence { epoch: fence.epoch + 1, ..fence });
    assert_eq!(lease(&*store).await.holder, Some(record("next")));
}

/// Each renewal is a movement that observers see; nothing else changes.
pub async fn a_renewal_moves_the_counter(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    let before = lease(&*store).await;
    for n in 1..=3 {
        let reply = store.lease(&op(&format!("renew {n}")), &LeaseCall::Renew(fence)).await;
        assert_eq!(reply, Ok(LeaseReply::Held(fence)));
        assert_eq!(lease(&*store).await, Lease { counter: before.counter + n, ..before.clone() });
    }
}

/// Neither an old epoch, nor a future one, nor another life of the store.
pub async fn a_stale_fence_neither_renews_nor_releases(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    let before = lease(&*store).await;
    let stale = [
        LeaseFence { epoch: fence.epoch - 1, ..fence },
        LeaseFence { epoch: fence.epoch + 1, ..fence },
        LeaseFence { incarnation: fence.incarnation + 1, ..fence },
    ];
    for (n, stale) in stale.into_iter().enumerate() {
        for (word, call) in [("renew", LeaseCall::Renew(stale)), ("release", LeaseCall::Release(stale))] {
            let reply = store.lease(&op(&format!("{word} {n}")), &call).await;
            assert_eq!(reply, Ok(LeaseReply::Refused(before.clone())), "{word} {stale:?}");
        }
    }
    assert_eq!(lease(&*store).await, before);
}

/// The next needs not wait, and the old fence does nothing more.
pub async fn a_released_lease_is_free_at_once_and_its_fence_is_dead(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    assert_eq!(store.lease(&op("back"), &LeaseCall::Release(fence)).await, Ok(LeaseReply::Released));
    let free = lease(&*store).await;
    assert_eq!((free.epoch, &free.holder), (fence.epoch, &None));
    let renewal = store.lease(&op("renew"), &LeaseCall::Renew(fence)).await;
    assert_eq!(renewal, Ok(LeaseReply::Refused(free.clone())));
    let again = store.lease(&op("back again"), &LeaseCall::Release(fence)).await;
    assert_eq!(again, Ok(LeaseReply::Refused(free)));
    let next = held(store.lease(&op("next"), &take("next")).await.expect("answers"));
    assert_eq!(next, LeaseFence { epoch: fence.epoch + 1, ..fence });
}

/// Also when things are otherwise by now, and also a refusal: a late repeat must not take a lease
/// of which nobody would know.
pub async fn a_repeated_lease_call_answers_what_it_answered_first(harness: &dyn Harness) {
    let (store, fence) = led(harness).await;
    let refused = store.lease(&op("second"), &take("second")).await;
    assert_eq!(store.lease(&op("renew"), &LeaseCall::Renew(fence)).await, Ok(LeaseReply::Held(fence)));
    assert_eq!(store.lease(&op("renew"), &LeaseCall::Renew(fence)).await, Ok(LeaseReply::Held(fence)));
    assert_eq!(lease(&*store).await.counter, 1, "a repeat is no second renewal");
    assert_eq!(store.lease(&op("back"), &LeaseCall::Release(fence)).await, Ok(LeaseReply::Released));
    let other = harness.open().await;
    assert_eq!(other.lease(&op("back"), &LeaseCall::Release(fence)).await, Ok(LeaseReply::Released));
    assert_eq!(other.lease(&op("second"), &take("second")).await, refused);
    assert_eq!(other.lease(&op("renew"), &LeaseCall::Renew(fence)).await, Ok(LeaseReply::Held(fence)));
    assert_eq!(lease(&*store).await.holder, None);
}

/// Takers through many handles at once.
pub async fn of_many_takers_one_gets_the_lease(harness: &dyn Harness) {
    founded(harness).await;
    let mut takers = Vec::new();
    for n in 0..8 {
        let store = harness.open().await;
        let call = async move { store.lease(&op(&format!("taker {n}")), &take(&format!("{n}"))).await };
        takers.push(tokio::spawn(call));
    }
    let mut granted = 0;
    for taker in takers {
        let reply = taker.await.expect("does not panic").expect("answers");
        granted += usize::from(matches!(reply, LeaseReply::Held(_)));
    }
    assert_eq!(granted, 1);
}
