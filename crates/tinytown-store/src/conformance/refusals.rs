//! Refused commits: for whatever reason, nothing of them becomes true.

use std::sync::Arc;

use tinytown_core::id::Generation;

use super::Harness;
use super::fixture::{
    agent, commit, effect, led, letter, mission_id, mission_write, op, post, record, take, town_write,
};
use crate::{
    Blob, Commit, Committed, Heartbeat, InputId, LeaseCall, LeaseFence, MailEntry, Mailbox, MissionView,
    Record, Scope, Store, StoreError, TownView, Wait, codec::sha256_hex,
};

/// A town at version 1 with mission 1 at version 1, ann who has beaten twice, and one waiting input.
struct Scene {
    store: Arc<dyn Store>,
    fence: LeaseFence,
    input: InputId,
    seen: Heartbeat,
}

/// All that a commit could have changed.
#[derive(Debug, PartialEq)]
struct Everything {
    town: TownView,
    missions: Vec<MissionView>,
    steps: [Vec<(u64, Record)>; 2],
    inbox: Vec<crate::InboxEntry>,
    answer: Option<Record>,
    mail: Vec<MailEntry>,
    blob: Result<String, StoreError>,
}

fn text() -> Blob {
    Blob { sha256: sha256_hex("a text"), text: "a text".to_owned() }
}

impl Scene {
    async fn new(harness: &dyn Harness) -> Self {
        let (store, fence) = led(harness).await;
        let first = Commit {
            town: Some(town_write(0, "k", "v")),
            mission: Some(mission_write(1, 0)),
            mail: vec![letter(&Mailbox::Conductor, "old", "x")],
            effects: vec![effect("old")],
            ..commit("first", fence)
        };
        store.commit(&first).await.expect("commits");
        let input = store.post(&post("p", "x")).await.expect("posts");
        store.beat(&agent("ann"), Generation(2)).await.expect("beats");
        let counter = store.beat(&agent("ann"), Generation(2)).await.expect("beats");
        let seen = Heartbeat { agent: agent("ann"), generation: Generation(2), counter };
        Self { store, fence, input, seen }
    }

    /// A commit that would change everything there is, and be accepted.
    fn good(&self, name: &str) -> Commit {
        Commit {
            town: Some(crate::TownWrite { step: Some(record("s")), ..town_write(1, "k", "w") }),
            mission: Some(mission_write(1, 1)),
            unmoved: vec![self.seen.clone()],
            acks: vec![(self.input, record("done"))],
            mail: vec![letter(&Mailbox::Conductor, "new", "x")],
            mail_done: vec![(Mailbox::Conductor, "old".to_owned())],
            effects: vec![effect("new")],
            effects_done: vec![op("old")],
            blobs: vec![text()],
            ..commit(name, self.fence)
        }
    }

    async fn everything(&self) -> Everything {
        let store = &self.store;
        let mut missions = Vec::new();
        for row in store.missions(true).await.expect("answers") {
            missions.push(store.mission(row.id).await.expect("answers"));
        }
        let steps = async |scope| store.steps(scope, 0, 99).await.expect("answers");
        Everything {
            town: store.town().await.expect("answers"),
            missions,
            steps: [steps(Scope::Town).await, steps(Scope::Mission(mission_id(1))).await],
            inbox: store.inbox(InputId(0), 99, Wait::NONE).await.expect("answers"),
            answer: store.answer(&op("p"), Wait::NONE).await.expect("answers"),
            mail: store.mail(&Mailbox::Conductor, 0, 99, Wait::NONE).await.expect("answers"),
            blob: store.blob(&text().sha256).await,
        }
    }

    /// The commit is refused, twice alike, and nothing changed; then a good one is accepted.
    async fn refuses(&self, bad: &Commit) -> StoreError {
        let before = self.everything().await;
        let refusal = self.store.commit(bad).await.expect_err("a refusal");
        assert_eq!(self.store.commit(bad).await, Err(refusal.clone()), "a repeat is refused alike");
        assert_eq!(self.everything().await, before, "a refused commit changed something");
        refusal
    }

    async fn accepts(&self, good: &Commit) {
        let before = self.everything().await;
        let committed = self.store.commit(good).await;
        assert_eq!(committed, Ok(Committed { town: 2, mission: 2 }));
        let after = self.everything().await;
        assert_eq!((after.answer, after.blob), (Some(record("done")), Ok("a text".to_owned())));
        assert_ne!((after.town, after.steps, after.mail), (before.town, before.steps, before.mail));
    }
}

/// Neither an earlier epoch, nor a later one, nor another life of the store.
pub async fn a_stale_fence_changes_nothing(harness: &dyn Harness) {
    let scene = Scene::new(harness).await;
    let theirs = scene.fence;
    let stale = [
        LeaseFence { epoch: theirs.epoch - 1, ..theirs },
        LeaseFence { epoch: theirs.epoch + 1, ..theirs },
        LeaseFence { incarnation: theirs.incarnation + 1, ..theirs },
    ];
    for ours in stale {
        let refusal = scene.refuses(&Commit { fence: ours, ..scene.good("c") }).await;
        assert_eq!(refusal, StoreError::Fenced { ours, theirs });
    }
    scene.accepts(&scene.good("c")).await;
}

/// Until it is taken again, nobody commits; then only the new holder.
pub async fn a_lease_given_back_guards_nothing(harness: &dyn Harness) {
    let scene = Scene::new(harness).await;
    let ours = scene.fence;
    scene.store.lease(&op("release"), &LeaseCall::Release(ours)).await.expect("answers");
    let refusal = scene.refuses(&scene.good("c")).await;
    assert_eq!(refusal, StoreError::Fenced { ours, theirs: ours });
    let taken = scene.store.lease(&op("next"), &take("next")).await.expect("answers");
    let theirs = super::fixture::held(taken);
    assert_eq!(scene.refuses(&scene.good("c")).await, StoreError::Fenced { ours, theirs });
    scene.accepts(&Commit { fence: theirs, ..scene.good("c") }).await;
}

/// Decided on an older or on an unheard-of version of what missions share.
pub async fn a_stale_town_changes_nothing(harness: &dyn Harness) {
    let scene = Scene::new(harness).await;
    for expected in [0, 2] {
        let bad = Commit { town: Some(town_write(expected, "k", "w")), ..scene.good("c") };
        let what = "town".to_owned();
        assert_eq!(scene.refuses(&bad).await, StoreError::Stale { what, expected, found: 1 });
    }
    scene.accepts(&scene.good("c")).await;
}

/// Decided on an older or on an unheard-of version of the mission, or made twice.
pub async fn a_stale_mission_changes_nothing(harness: &dyn Harness) {
    let scene = Scene::new(harness).await;
    for expected in [0, 2] {
        let bad = Commit { mission: Some(mission_write(1, expected)), ..scene.good("c") };
        let what = mission_id(1).to_string();
        assert_eq!(scene.refuses(&bad).await, StoreError::Stale { what, expected, found: 1 });
    }
    scene.accepts(&scene.good("c")).await;
}

/// A version of a mission that was never made.
pub async fn an_unknown_mission_changes_nothing(harness: &dyn Harness) {
    let scene = Scene::new(harness).await;
    let bad = Commit { mission: Some(mission_write(2, 1)), ..scene.good("c") };
    assert_eq!(scene.refuses(&bad).await, StoreError::NoMission(mission_id(2)));
    scene.accepts(&scene.good("c")).await;
}

/// Whoever beats after all is not declared lost.
pub async fn a_moved_heartbeat_changes_nothing(harness: &dyn Harness) {
    let scene = Scene::new(harness).await;
    let moved = StoreError::Moved { agent: agent("ann") };
    let counter = scene.store.beat(&agent("ann"), Generation(2)).await.expect("beats");
    assert_eq!(scene.refuses(&scene.good("c")).await, moved);
    let seen = Heartbeat { counter, ..scene.seen.clone() };
    scene.accepts(&Commit { unmoved: vec![seen], ..scene.good("c") }).await;
}

/// A later start has moved; a start that never beat stands at 0, also beside an earlier one.
pub async fn a_heartbeat_is_judged_by_generation_and_counter(harness: &dyn Harness) {
    let scene = Scene::new(harness).await;
    let beat = |name, generation, counter| Heartbeat {
        agent: agent(name),
        generation: Generation(generation),
        counter,
    };
    let moved =
        [beat("ann", 1, 2), beat("ann", 2, 1), beat("ann", 2, 3), beat("ann", 3, 1), beat("bob", 1, 1)];
    for seen in moved {
        let agent = seen.agent.clone();
        let refusal = scene.refuses(&Commit { unmoved: vec![seen], ..scene.good("c") }).await;
        assert_eq!(refusal, StoreError::Moved { agent });
    }
    let still = vec![beat("ann", 2, 2), beat("ann", 3, 0), beat("bob", 1, 0)];
    scene.accepts(&Commit { unmoved: still, ..scene.good("c") }).await;
}

/// It is for new missions, and for every one of them.
pub async fn a_charter_at_the_wrong_time_changes_nothing(harness: &dyn Harness) {
    let scene = Scene::new(harness).await;
    let late = crate::MissionWrite { charter: Some(record("late")), ..mission_write(1, 1) };
    let missing = crate::MissionWrite { charter: None, ..mission_write(2, 0) };
    for mission in [late, missing] {
        let refusal = scene.refuses(&Commit { mission: Some(mission), ..scene.good("c") }).await;
        assert!(matches!(refusal, StoreError::Corrupt { .. }), "{refusal}");
    }
    scene.accepts(&scene.good("c")).await;
}

/// Neither one that was never posted, nor one twice, nor one that was applied already.
pub async fn an_input_that_does_not_wait_is_not_acknowledged(harness: &dyn Harness) {
    let scene = Scene::new(harness).await;
    let done = |id| (id, record("done"));
    let unknown = vec![done(scene.input), done(InputId(scene.input.0 + 1))];
    let twice = vec![done(scene.input), done(scene.input)];
    for acks in [unknown, twice] {
        let refusal = scene.refuses(&Commit { acks, ..scene.good("c") }).await;
        assert!(matches!(refusal, StoreError::Corrupt { .. }), "{refusal}");
    }
    scene.accepts(&scene.good("c")).await;
    let again = Commit { acks: vec![done(scene.input)], ..commit("again", scene.fence) };
    let refusal = scene.refuses(&again).await;
    assert!(matches!(refusal, StoreError::Corrupt { .. }), "{refusal}");
}

/// A text has the name that its bytes give it.
pub async fn a_text_under_a_false_name_changes_nothing(harness: &dyn Harness) {
    let scene = Scene::new(harness).await;
    let forged = Blob { text: "another".to_owned(), ..text() };
    let refusal = scene.refuses(&Commit { blobs: vec![forged], ..scene.good("c") }).await;
    assert!(matches!(refusal, StoreError::Corrupt { .. }), "{refusal}");
    scene.accepts(&scene.good("c")).await;
}

/// A refusal is no answer to remember: the name stands for a commit that was made.
pub async fn a_refused_name_may_be_used_again(harness: &dyn Harness) {
    let scene = Scene::new(harness).await;
    let stale = Commit { town: Some(town_write(0, "k", "w")), ..scene.good("same") };
    scene.refuses(&stale).await;
    scene.accepts(&scene.good("same")).await;
    assert_eq!(scene.store.commit(&stale).await, Ok(Committed { town: 2, mission: 2 }));
}

/// Fence, then town, then mission, then heartbeats, then inputs: the same in every backend.
pub async fn the_first_reason_is_the_one_told(harness: &dyn Harness) {
    let scene = Scene::new(harness).await;
    let mut bad = scene.good("c");
    bad.acks.push((InputId(scene.input.0 + 1), record("unknown")));
    assert!(matches!(scene.refuses(&bad).await, StoreError::Corrupt { .. }));
    bad.unmoved[0].counter += 1;
    assert_eq!(scene.refuses(&bad).await, StoreError::Moved { agent: agent("ann") });
    bad.mission = Some(mission_write(2, 1));
    assert_eq!(scene.refuses(&bad).await, StoreError::NoMission(mission_id(2)));
    bad.town = Some(town_write(0, "k", "w"));
    let what = "town".to_owned();
    assert_eq!(scene.refuses(&bad).await, StoreError::Stale { what, expected: 0, found: 1 });
    bad.fence.epoch += 1;
    let fenced = StoreError::Fenced { ours: bad.fence, theirs: scene.fence };
    assert_eq!(scene.refuses(&bad).await, fenced);
}
