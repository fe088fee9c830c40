//! What missions do over time, told by their events.

mod errands;
mod growing;
mod notes;
mod world;

use tinytown_core::effect::{Effect, EffectResult};
use tinytown_core::id::ItemKey;
use tinytown_core::input::{Answer, AttemptEnd, MissionInput, Submission};
use tinytown_core::item::Kind;
use tinytown_core::mission::{MissionState, Phase, WaitCode};
use tinytown_core::observation::{CheckReport, Checks, Observation};
use tinytown_core::policy::Policy;
use tinytown_core::text::Text;
use world::{World, honest, item, sha, wishing, work};

fn tutorial() -> Vec<tinytown_core::item::ItemSpec> {
    vec![
        wishing(item(1, "Design auth API", &[]), "designer", false),
        wishing(item(2, "Implement auth endpoints", &[1]), "backend", false),
        wishing(item(3, "Write auth tests", &[2]), "tester", false),
    ]
}

fn team(world: &mut World) {
    for name in ["designer", "backend", "tester"] {
        world.join(name, Some(name));
    }
}

fn merging() -> Policy {
    Policy { auto_merge: true, ..Policy::default() }
}

fn alone() -> Policy {
    Policy { reviewer_required: false, ..merging() }
}

fn phase(world: &World, key: &str) -> Phase {
    let mission = world.mission();
    mission.item(mission.find(&ItemKey::new(key)).expect("an item")).now.phase
}

fn wait(world: &World, key: &str) -> Option<WaitCode> {
    let mission = world.mission();
    let ix = mission.find(&ItemKey::new(key)).expect("an item");
    mission.wait(ix, world.town.roster()).map(|wait| wait.code)
}

fn red() -> Checks {
    Checks::Red(CheckReport::new("check", "exit 1", Text::inline("boom")))
}

#[test]
fn the_tutorials_mission_goes_from_designer_to_backend_to_tester_and_is_reviewed() {
    let mut world = World::new();
    team(&mut world);
    world.join("reviewer", Some("reviewer"));
    world.start(1, merging(), tutorial());
    world.run();
    assert_eq!(world.state(), MissionState::Completed);
    insta::assert_snapshot!(world.log);
}

#[test]
fn a_reviewer_takes_other_work_only_if_nobody_else_is_free() {
    let mut world = World::new();
    world.join("judge", Some("reviewer"));
    world.join("tester", Some("tester"));
    world.worker = Box::new(|_| None);
    world.start(1, Policy { max_parallel: 2, ..merging() }, vec![item(1, "One", &[])]);
    assert!(world.log.contains("#1 item-assigned tester"), "{}", world.log);
    world.tell(MissionInput::Add { items: vec![item(2, "Two", &[])] });
    assert!(world.log.contains("#2 item-assigned judge"), "{}", world.log);
}

#[test]
fn a_reviewer_takes_what_it_may_if_others_are_wanted_elsewhere() {
    let mut world = World::new();
    world.join("judge", Some("reviewer"));
    world.join("tester", Some("tester"));
    world.worker = Box::new(|_| None);
    let items = vec![item(1, "One", &[]), wishing(item(2, "Two", &[]), "tester", true)];
    world.start(1, Policy { max_parallel: 2, ..merging() }, items);
    assert!(world.log.contains("#1 item-assigned judge"), "{}", world.log);
    assert!(world.log.contains("#2 item-assigned tester"), "{}", world.log);
}

#[test]
fn without_a_reviewer_another_agent_that_wrote_nothing_reviews() {
    let mut world = World::new();
    team(&mut world);
    world.start(1, merging(), tutorial());
    world.run();
    assert_eq!(world.state(), MissionState::Completed);
    assert!(!world.log.contains("#1 verdict-given designer"), "{}", world.log);
}

#[test]
fn in_a_town_of_one_the_review_waits_for_a_reviewer_who_joins_later() {
    let mut world = World::new();
    world.join("solo", None);
    world.start(1, merging(), vec![item(1, "One", &[])]);
    world.settle();
    assert_eq!(wait(&world, "#1/review-1"), Some(WaitCode::NoReviewer));
    assert_eq!(world.state(), MissionState::Running, "a reviewer may just be starting");
    world.pass(60);
    assert_eq!(world.state(), MissionState::Blocked);
    assert_eq!(world.help.len(), 1, "{:?}", world.help);
    world.join("reviewer", Some("reviewer"));
    world.run();
    assert_eq!(world.state(), MissionState::Completed);
}

#[test]
fn a_failing_check_makes_one_fix_and_the_new_head_is_judged_anew() {
    let mut world = World::new();
    team(&mut world);
    world.start(1, merging(), vec![item(1, "One", &[])]);
    let mut bad = None;
    world.forge = Box::new(move |effect| match effect {
        Effect::Check { head, .. } => {
            let first = bad.get_or_insert_with(|| head.clone()) == head;
            Some(EffectResult::Checked {
                head: head.clone(),
                checks: if first { red() } else { Checks::Green },
            })
        }
        _ => None,
    });
    world.run();
    assert_eq!(world.state(), MissionState::Completed);
    assert_eq!(world.log.matches("item-added").count(), 2, "one fix and one review:\n{}", world.log);
    assert!(world.log.contains("#1/fix-1 item-done"));
}

#[test]
fn a_check_that_turns_green_by_itself_needs_no_fix() {
    let mut world = World::new();
    world.start(1, alone(), vec![item(1, "One", &[])]);
    world.join("solo", None);
    let mut runs = 0;
    world.forge = Box::new(move |effect| match effect {
        Effect::Check { head, .. } => {
            runs += 1;
            let checks = if runs == 1 { red() } else { Checks::Green };
            Some(EffectResult::Checked { head: head.clone(), checks })
        }
        _ => None,
    });
    world.worker = Box::new(|brief| if brief.kind == Kind::Fix { None } else { honest(brief) });
    world.settle();
    assert_eq!(phase(&world, "#1/fix-1"), Phase::Running);
    world.pass(180);
    assert!(world.log.matches("checks-seen").count() >= 2);
}

#[test]
fn a_review_that_asks_for_changes_leads_to_a_fix_and_another_review() {
    let mut world = World::new();
    team(&mut world);
    world.join("reviewer", Some("reviewer"));
    world.start(1, merging(), vec![item(1, "One", &[])]);
    let mut reviews = 0;
    world.worker = Box::new(move |brief| {
        if brief.kind != Kind::Review {
            return honest(brief);
        }
        reviews += 1;
        let submission =
            Submission::Verdict { approve: reviews > 1, summary: "tests are missing".to_owned() };
        Some(MissionInput::submitted(brief.claim.clone(), submission))
    });
    world.run();
    assert_eq!(world.state(), MissionState::Completed);
    assert!(world.log.contains("#1/review-2 item-done"), "{}", world.log);
}

#[test]
fn a_failing_agent_is_tried_again_later_and_then_a_person_is_asked() {
    let mut world = World::new();
    world.join("solo", None);
    world.start(1, alone(), vec![item(1, "One", &[])]);
    world.worker = Box::new(|brief| {
        let end = AttemptEnd::Failed { cause: "nothing-done".to_owned(), detail: String::new() };
        Some(MissionInput::ended(brief.claim.clone(), end))
    });
    world.run();
    assert_eq!(world.log.matches("attempt-failed").count(), 3);
    assert_eq!(wait(&world, "#1"), Some(WaitCode::Limit));
    assert_eq!(world.state(), MissionState::Blocked);
    assert_eq!(world.help.len(), 1, "asked once: {:?}", world.help);
    world.worker = Box::new(honest);
    world.note("resume it was the network");
    world.run();
    assert_eq!(world.state(), MissionState::Completed);
}

#[test]
fn a_lost_agent_frees_its_item_and_its_late_submission_changes_nothing() {
    let mut world = World::new();
    world.join("one", None);
    world.start(1, alone(), vec![item(1, "One", &[])]);
    let late = std::rc::Rc::new(std::cell::RefCell::new(None));
    let kept = std::rc::Rc::clone(&late);
    world.worker = Box::new(move |brief| {
        *kept.borrow_mut() = Some(MissionInput::submitted(brief.claim.clone(), work(brief, false)));
        None
    });
    world.settle();
    world.gone("one");
    assert_eq!(phase(&world, "#1"), Phase::Ready);
    world.worker = Box::new(honest);
    world.join("two", None);
    world.settle();
    let answer = world.tell(late.borrow_mut().take().expect("a late submission"));
    assert!(matches!(answer, Answer::Refused { .. }));
    world.run();
    assert_eq!(world.log.matches("attempt-lost").count(), 1);
    assert_eq!(world.log.matches("item-done").count(), 1);
}

#[test]
fn accepted_work_stays_open_and_dependents_start_from_accepted_heads() {
    let mut world = World::new();
    team(&mut world);
    world.start(1, Policy { reviewer_required: false, ..Policy::default() }, tutorial());
    let bases = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let seen = std::rc::Rc::clone(&bases);
    world.forge = Box::new(move |effect| {
        if let Effect::Base { holds, .. } = effect {
            seen.borrow_mut().push(holds.len());
        }
        assert!(!matches!(effect, Effect::Merge { .. }), "merging is left to a person");
        None
    });
    world.run();
    assert_eq!(world.state(), MissionState::Completed);
    assert_eq!(*bases.borrow(), [0, 1, 1]);
}

#[test]
fn stop_begins_nothing_and_resume_goes_on_as_if_nothing_had_been() {
    let mut world = World::new();
    team(&mut world);
    world.start(1, alone(), tutorial());
    world.tell(MissionInput::Stop { force: false });
    world.settle();
    assert!(!world.log.contains("item-started"), "{}", world.log);
    assert_eq!(world.state(), MissionState::Stopped);
    assert_eq!(wait(&world, "#1"), Some(WaitCode::Stopped));
    world.tell(MissionInput::Resume);
    world.run();
    assert_eq!(world.state(), MissionState::Completed);
}

#[test]
fn stop_by_force_cancels_agents_and_ends_the_mission_failed() {
    let mut world = World::new();
    team(&mut world);
    world.start(1, alone(), tutorial());
    world.worker = Box::new(|_| None);
    world.settle();
    assert_eq!(phase(&world, "#1"), Phase::Running);
    world.tell(MissionInput::Stop { force: true });
    assert_eq!(phase(&world, "#1"), Phase::Cancelling);
    world.settle();
    assert_eq!(world.state(), MissionState::Failed);
    assert_eq!(world.mission().head().reason.as_deref(), Some("stopped-by-operator"));
    assert!(world.town.roster().has_free());
}

#[test]
fn an_empty_change_is_done_only_when_somebody_agrees() {
    let mut world = World::new();
    world.join("solo", None);
    world.start(1, alone(), vec![item(1, "One", &[])]);
    world.worker = Box::new(|brief| Some(MissionInput::submitted(brief.claim.clone(), work(brief, true))));
    world.settle();
    assert_eq!(wait(&world, "#1"), Some(WaitCode::EmptyChange));
    assert_eq!(world.state(), MissionState::Blocked);
    world.note("approve #1");
    assert_eq!(world.state(), MissionState::Completed);
}

#[test]
fn changes_to_what_governs_missions_wait_for_a_person() {
    let mut world = World::new();
    world.join("solo", None);
    world.start(1, alone(), vec![item(1, "One", &[])]);
    let mut head = None;
    world.forge = Box::new(move |effect| match effect {
        Effect::Publish { head: published, .. } => {
            head = Some(published.clone());
            None
        }
        Effect::Look { .. } => Some(EffectResult::Looked(Observation {
            governed: vec!["tinytown.toml".to_owned()],
            ..Observation::open(head.clone().expect("published"))
        })),
        _ => None,
    });
    world.settle();
    assert_eq!(wait(&world, "#1"), Some(WaitCode::Governance));
    world.note("approve 1");
    world.run();
    assert_eq!(world.state(), MissionState::Completed);
}

#[test]
fn notes_are_read_by_their_first_whole_word() {
    let mut world = World::new();
    world.start(1, alone(), tutorial());
    world.note("pausing is a thought");
    assert_eq!(world.state(), MissionState::Running);
    world.note("please pause");
    assert_eq!(world.state(), MissionState::Running);
    world.note("pause for the night");
    assert_eq!(world.state(), MissionState::Stopped);
    world.note("resume");
    assert_ne!(world.state(), MissionState::Stopped);
    assert!(matches!(world.note("approve"), Answer::Refused { .. }));
    assert!(matches!(world.note("skip #99"), Answer::Refused { .. }));
}

#[test]
fn skipping_satisfies_dependents_and_redirecting_pins() {
    let mut world = World::new();
    team(&mut world);
    world.worker = Box::new(|brief| if brief.claim.item.as_str() == "#1" { None } else { honest(brief) });
    world.start(1, alone(), tutorial());
    world.settle();
    world.note("skip #1");
    assert_eq!(phase(&world, "#1"), Phase::Cancelling);
    world.note("redirect #2 to tester");
    world.run();
    assert_eq!(world.state(), MissionState::Completed);
    assert!(world.log.contains("#2 item-assigned tester"), "{}", world.log);
}

#[test]
fn max_parallel_is_never_exceeded_and_every_slot_is_used() {
    let mut world = World::new();
    for name in ["a", "bb", "ccc", "dddd"] {
        world.join(name, None);
    }
    world.worker = Box::new(|_| None);
    let items = (1..=6).map(|n| item(n, "Item", &[])).collect();
    world.start(1, Policy { max_parallel: 3, ..alone() }, items);
    world.settle();
    assert_eq!(world.mission().running(), 3);
    assert_eq!(wait(&world, "#4"), Some(WaitCode::Parallel));
}

#[test]
fn a_required_role_waits_and_a_preferred_one_does_not() {
    let mut world = World::new();
    world.join("backend", Some("backend"));
    world.worker = Box::new(|_| None);
    let wants = |n, required| wishing(item(n, "Item", &[]), "architect", required);
    world.start(1, alone(), vec![wants(1, true), wants(2, false)]);
    world.settle();
    assert_eq!(wait(&world, "#1"), Some(WaitCode::NoAgent));
    assert_eq!(phase(&world, "#2"), Phase::Running);
}

#[test]
fn an_objective_is_open_in_one_unfinished_mission_at_most() {
    let mut world = World::new();
    world.start(1, alone(), vec![item(1, "One", &[])]);
    assert!(matches!(world.start(2, alone(), vec![item(1, "One", &[])]), Answer::Refused { .. }));
}

#[test]
fn a_moved_head_voids_what_was_judged_before() {
    let mut world = World::new();
    world.join("solo", None);
    world.start(1, merging(), vec![item(1, "One", &[])]);
    world.settle();
    assert_eq!(wait(&world, "#1/review-1"), Some(WaitCode::NoReviewer));
    world.forge = Box::new(move |effect| match effect {
        Effect::Look { .. } => Some(EffectResult::Looked(Observation::open(sha(77)))),
        _ => None,
    });
    world.note("retry #1");
    world.settle();
    assert!(world.log.contains("#1 head-moved"), "{}", world.log);
    assert_eq!(phase(&world, "#1/review-1"), Phase::Skipped);
    assert_eq!(phase(&world, "#1/review-2"), Phase::Ready);
}

#[test]
fn no_agent_may_bear_the_name_that_means_a_person() {
    let answer = World::new().join("operator", None);
    assert!(
        matches!(&answer, Answer::Refused { message, .. } if message.contains("what people are called")),
        "{answer:?}"
    );
}
