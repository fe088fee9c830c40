//! Missions that grow while they run: what joins, what is refused, and what waits for what then.

use tinytown_core::decide::{self, Grant};
use tinytown_core::effect::{Effect, EffectResult};
use tinytown_core::event::Event;
use tinytown_core::id::ItemKey;
use tinytown_core::input::{Answer, AttemptEnd, MissionInput, NewMission, Refusal};
use tinytown_core::issue::{IssueRef, IssueState};
use tinytown_core::item::{External, ItemSpec};
use tinytown_core::mission::{MissionState, Phase, WaitCode};
use tinytown_core::policy::Policy;
use tinytown_core::roster::Roster;
use tinytown_core::time::Time;

use super::world::{World, honest, item, mission_id};
use super::{alone, phase, wait};

/// An item that waits for issues outside.
fn outside(number: u64, on: &[u64]) -> ItemSpec {
    let spec = item(number, "Waits", on);
    let external = spec.depends_on.iter().zip(on);
    let external =
        external.map(|(edge, on)| External { on: IssueRef::own(*on), source: edge.source.clone() });
    ItemSpec { external: external.collect(), depends_on: Vec::new(), ..spec }
}

fn add(world: &mut World, items: Vec<ItemSpec>) -> Answer {
    world.tell(MissionInput::Add { items })
}

fn refusal(answer: &Answer) -> (Refusal, &str) {
    match answer {
        Answer::Refused { why, message } => (*why, message),
        answer => panic!("it was not refused: {answer:?}"),
    }
}

fn silent(world: &mut World) {
    world.worker = Box::new(|_| None);
}

#[test]
fn what_is_added_starts_when_its_dependencies_are_done_and_the_mission_ends_with_it() {
    let mut world = World::new();
    world.join("ann", None);
    world.start(1, alone(), vec![item(1, "One", &[])]);
    // Named before what it depends on, which is added with it.
    let answer = add(&mut world, vec![item(9, "Nine", &[10]), item(10, "Ten", &[1])]);
    assert_eq!(answer, Answer::said("2 items added"));
    assert_eq!(wait(&world, "#10"), Some(WaitCode::Dependency));
    world.run();
    assert_eq!(world.state(), MissionState::Completed, "{}", world.log);
    let order: Vec<usize> =
        ["#1 item-done", "#10 item-ready", "#10 item-done", "#9 item-ready", "#9 item-done"]
            .iter()
            .map(|line| world.log.find(line).unwrap_or_else(|| panic!("no {line}:\n{}", world.log)))
            .collect();
    assert!(order.is_sorted(), "{}", world.log);
    assert_eq!(world.mission().objectives().collect::<Vec<_>>(), ["#1", "#10", "#9"]);
}

#[test]
fn a_blocked_mission_goes_on_with_what_is_added() {
    let mut world = World::new();
    world.join("ann", None);
    world.start(1, alone(), vec![item(1, "One", &[])]);
    world.worker = Box::new(|brief| {
        let end = AttemptEnd::Stuck { summary: "which one?".to_owned() };
        let asks = brief.claim.item.as_str() == "#1";
        if asks { Some(MissionInput::ended(brief.claim.clone(), end)) } else { honest(brief) }
    });
    world.run();
    assert_eq!(world.state(), MissionState::Blocked);
    add(&mut world, vec![item(9, "Nine", &[])]);
    assert_eq!(world.state(), MissionState::Running);
    world.run();
    assert_eq!((phase(&world, "#9"), world.state()), (Phase::Done, MissionState::Blocked));
}

#[test]
fn what_is_added_to_a_stopped_mission_begins_when_it_is_resumed() {
    let mut world = World::new();
    world.join("ann", None);
    world.start(1, alone(), vec![item(1, "One", &[])]);
    world.tell(MissionInput::Stop { force: false });
    add(&mut world, vec![item(9, "Nine", &[])]);
    world.run();
    assert_eq!(phase(&world, "#9"), Phase::Pending);
    world.tell(MissionInput::Resume);
    world.run();
    assert_eq!(world.state(), MissionState::Completed, "{}", world.log);
}

#[test]
fn who_waited_for_an_issue_outside_waits_for_the_item_that_it_becomes() {
    let mut world = World::new();
    world.join("ann", None);
    world.start(1, alone(), vec![outside(1, &[9, 40]), outside(2, &[9])]);
    world.settle();
    assert_eq!(wait(&world, "#2"), Some(WaitCode::External));
    add(&mut world, vec![item(9, "Nine", &[])]);
    assert_eq!(
        (wait(&world, "#1"), wait(&world, "#2")),
        (Some(WaitCode::Dependency), Some(WaitCode::Dependency))
    );
    // The forge would say at once that both are closed; #9 is the mission's own now.
    world.forge = Box::new(|effect| match effect {
        Effect::Issues { references, .. } => {
            assert_eq!(references, &[IssueRef::own(40)]);
            Some(EffectResult::Issues(vec![(IssueRef::own(40), IssueState::Closed)]))
        }
        _ => None,
    });
    world.run();
    assert_eq!(world.state(), MissionState::Completed, "{}", world.log);
    let at = |line: &str| world.log.find(line).unwrap_or_else(|| panic!("no {line}"));
    assert!(at("#9 item-done") < at("#1 item-ready") && at("#9 item-done") < at("#2 item-ready"));
}

#[test]
fn what_was_asked_about_an_issue_that_is_an_item_now_is_not_waited_for() {
    let mut world = World::new();
    world.start(1, alone(), vec![outside(1, &[9])]);
    assert_eq!(world.mission().effects_under_way().count(), 1);
    add(&mut world, vec![item(9, "Nine", &[])]);
    assert_eq!(world.mission().effects_under_way().count(), 0);
}

#[test]
fn an_item_that_has_begun_keeps_what_it_had() {
    let mut world = World::new();
    world.join("ann", None);
    silent(&mut world);
    world.forge = Box::new(|effect| match effect {
        Effect::Issues { references, .. } => {
            Some(EffectResult::Issues(references.iter().map(|it| (it.clone(), IssueState::Closed)).collect()))
        }
        _ => None,
    });
    world.start(1, alone(), vec![outside(1, &[9])]);
    world.settle();
    assert_eq!(phase(&world, "#1"), Phase::Running);
    add(&mut world, vec![item(9, "Nine", &[])]);
    let mission = world.mission();
    assert!(mission.dependencies(mission.find(&ItemKey::new("#1")).expect("there")).is_empty());
}

#[test]
fn two_additions_that_did_not_know_of_each_other_are_connected() {
    let mut world = World::new();
    world.start(1, alone(), vec![item(1, "One", &[])]);
    add(&mut world, vec![item(10, "Ten", &[])]);
    add(&mut world, vec![outside(9, &[10])]);
    assert_eq!(wait(&world, "#9"), Some(WaitCode::Dependency));
}

#[test]
fn a_cycle_through_items_that_are_there_is_refused_edge_by_edge_and_nothing_is_added() {
    let mut world = World::new();
    world.start(1, alone(), vec![outside(1, &[9]), item(2, "Two", &[1])]);
    let answer = add(&mut world, vec![item(8, "Eight", &[]), item(9, "Nine", &[2])]);
    let (why, message) = refusal(&answer);
    assert_eq!(why, Refusal::Invalid);
    insta::assert_snapshot!(message, @"
    cycle: #9 → #2 → #1 → #9
      #9 depends on #2 (issues/9.md:1)
      #2 depends on #1 (issues/2.md:1)
      #1 depends on #9 (issues/1.md:1)
    ");
    assert_eq!(world.mission().items().len(), 2);
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_is_added() {
    let mut world = World::new();
    world.start(1, alone(), vec![item(1, "One", &[])]);
    let mut said = Vec::new();
    for items in [
        vec![],
        vec![item(9, "Nine", &[]), item(1, "One", &[])],
        vec![item(9, "Nine", &[77])],
        vec![item(9, "Nine", &[]), item(9, "Nine", &[])],
    ] {
        let answer = add(&mut world, items);
        let (why, message) = refusal(&answer);
        said.push(format!("{why:?}: {message}"));
    }
    insta::assert_snapshot!(said.join("\n"), @"
    Invalid: there is nothing to add
    NotNow: #1 is already in the unfinished mission 00000000-0000-0000-0000-000000000001, to which it was to be added
    Invalid: #9 depends on #77, which is not an item of the mission
    Invalid: two items have the key #9
    ");
    assert_eq!(world.mission().items().len(), 1);
}

#[test]
fn an_objective_of_another_mission_is_refused_and_one_that_was_added_is_taken() {
    let mut world = World::new();
    world.start(1, alone(), vec![item(1, "One", &[])]);
    world.start(2, alone(), vec![item(2, "Two", &[])]);
    let answer = add(&mut world, vec![item(2, "Two", &[])]);
    assert_eq!(refusal(&answer).0, Refusal::NotNow);
    add(&mut world, vec![item(9, "Nine", &[])]);
    let answer = world.start(3, alone(), vec![item(9, "Nine", &[])]);
    let (why, message) = refusal(&answer);
    assert_eq!(why, Refusal::NotNow);
    assert!(
        message.starts_with("#9 is already in the unfinished mission 00000000-0000-0000-0000-000000000001"),
        "{message}"
    );
}

#[test]
fn a_mission_that_is_over_or_is_being_ended_takes_nothing() {
    let mut world = World::new();
    world.join("ann", None);
    silent(&mut world);
    world.start(1, alone(), vec![item(1, "One", &[])]);
    world.settle();
    world.tell(MissionInput::Stop { force: true });
    let answer = add(&mut world, vec![item(9, "Nine", &[])]);
    assert_eq!(refusal(&answer).0, Refusal::NotNow);
    world.settle();
    assert_eq!(world.state(), MissionState::Failed);
    let answer = add(&mut world, vec![item(9, "Nine", &[])]);
    assert_eq!(refusal(&answer).0, Refusal::NotNow);
}

#[test]
fn what_depends_on_something_that_an_operator_skipped_is_ready() {
    let mut world = World::new();
    world.start(1, alone(), vec![item(1, "One", &[]), item(2, "Two", &[])]);
    world.note("skip #1");
    assert_eq!(add(&mut world, vec![item(9, "Nine", &[1])]), Answer::said("1 item added"));
    assert_eq!(phase(&world, "#9"), Phase::Ready);
}

#[test]
fn what_depends_on_something_that_failed_is_refused() {
    let items = vec![item(1, "One", &[]), item(2, "Two", &[])];
    let new = NewMission { id: mission_id(1), policy: alone(), objectives: Vec::new(), items };
    let (mut roster, now) = (Roster::default(), Time::from_millis(1));
    let (mut mission, _) = decide::start(&new, &mut roster, now, Grant::Nothing);
    let failed = Event::ItemFailed { item: ItemKey::new("#1"), reason: "no".to_owned() };
    mission.apply(&failed, now).expect("it was ready");
    let input = MissionInput::Add { items: vec![item(9, "Nine", &[2]), item(10, "Ten", &[1])] };
    let step = decide::decide(&mut mission, &mut roster, &input, now, Grant::Nothing);
    let (why, message) = refusal(&step.answer);
    assert_eq!(why, Refusal::NotNow);
    insta::assert_snapshot!(message, @"#10 depends on #1, which failed and will not be done: replace depends_on of #10 in the manifest");
    assert!(step.is_empty());
}

#[test]
fn a_longer_path_puts_an_item_before_others_and_closed_issues_are_skipped() {
    let mut world = World::new();
    silent(&mut world);
    world.start(1, alone(), vec![item(1, "One", &[]), item(2, "Two", &[]), item(3, "Three", &[2])]);
    let length = |world: &World, key: &str| {
        let mission = world.mission();
        mission.item(mission.find(&ItemKey::new(key)).expect("there")).path_length
    };
    let closed = ItemSpec { skip: true, ..item(8, "Eight", &[1]) };
    add(&mut world, vec![item(9, "Nine", &[3]), closed]);
    assert_eq!(["#1", "#2", "#3", "#9"].map(|key| length(&world, key)), [1, 3, 2, 1]);
    assert_eq!(phase(&world, "#8"), Phase::Skipped);
    world.join("ann", None);
    world.settle();
    assert_eq!(phase(&world, "#2"), Phase::Running, "{}", world.log);
}

#[test]
fn an_item_that_is_added_may_be_reviewed_and_mended_like_any_other() {
    let mut world = World::new();
    world.join("ann", None);
    world.join("ben", None);
    let policy = Policy { auto_merge: true, ..Policy::default() };
    world.start(1, policy, vec![item(1, "One", &[])]);
    add(&mut world, vec![item(9, "Nine", &[1])]);
    world.run();
    assert_eq!(world.state(), MissionState::Completed, "{}", world.log);
    assert!(world.log.contains("#9/review-1 item-added"), "{}", world.log);
}
