//! Founding a town, once.

use tinytown_core::id::Generation;

use super::Harness;
use super::fixture::{agent, commit, founded, identity, mission_id, op, post, take};
use crate::{InputId, LeaseFence, Mailbox, Scope, StoreError, TownIdentity, Wait};

fn is_no_town<T: std::fmt::Debug>(answer: &Result<T, StoreError>) {
    assert!(matches!(answer, Err(StoreError::NoTown { .. })), "{answer:?}");
}

/// Every call but `found` says that there is no town.
pub async fn before_it_is_founded_a_store_holds_no_town(harness: &dyn Harness) {
    let store = harness.open().await;
    let fence = LeaseFence { incarnation: 1, epoch: 1 };
    is_no_town(&store.town().await);
    is_no_town(&store.lease(&op("l"), &take("me")).await);
    is_no_town(&store.beat(&agent("a"), Generation(1)).await);
    is_no_town(&store.vitals().await);
    is_no_town(&store.post(&post("p", "x")).await);
    is_no_town(&store.answer(&op("p"), Wait::NONE).await);
    is_no_town(&store.inbox(InputId(0), 1, Wait::NONE).await);
    is_no_town(&store.mail(&Mailbox::Conductor, 0, 1, Wait::NONE).await);
    is_no_town(&store.commit(&commit("c", fence)).await);
    is_no_town(&store.missions(true).await);
    is_no_town(&store.mission(mission_id(1)).await);
    is_no_town(&store.steps(Scope::Town, 0, 1).await);
    is_no_town(&store.blob("00").await);
}

/// The identity is kept whole, and nothing else is there.
pub async fn a_founded_town_is_empty_and_keeps_its_identity(harness: &dyn Harness) {
    founded(harness).await;
    let other = harness.open().await;
    let town = other.town().await.expect("the town is there");
    assert_eq!(town.identity, identity());
    assert_eq!((town.version, town.records, town.effects), (0, vec![], vec![]));
    let vitals = other.vitals().await.expect("the vitals are there");
    assert_eq!(vitals.incarnation, town.incarnation);
    assert_eq!((vitals.lease.epoch, vitals.lease.holder, vitals.beats), (0, None, vec![]));
    assert_eq!(other.missions(true).await, Ok(vec![]));
    assert_eq!(other.steps(Scope::Town, 0, 9).await, Ok(vec![]));
}

/// A repeat neither fails nor begins a new life of the store.
pub async fn founding_again_with_the_same_identity_changes_nothing(harness: &dyn Harness) {
    let store = founded(harness).await;
    let before = store.town().await;
    store.post(&post("p", "x")).await.expect("posts");
    let other = harness.open().await;
    assert_eq!(other.found(&identity()).await, Ok(()));
    assert_eq!(other.town().await, before);
    assert_eq!(super::fixture::waiting(&*other).await, ["p"]);
}

/// The town that is there is named, and stays.
pub async fn founding_with_another_identity_is_refused(harness: &dyn Harness) {
    let store = founded(harness).await;
    let id = "99999999-2222-4333-8444-555555555555".parse().expect("a UUID");
    let usurper = TownIdentity { id, name: "usurper".to_owned(), ..identity() };
    let refusal = StoreError::TownExists { name: identity().name, id: identity().id };
    assert_eq!(harness.open().await.found(&usurper).await, Err(refusal));
    assert_eq!(store.town().await.map(|town| town.identity), Ok(identity()));
}
