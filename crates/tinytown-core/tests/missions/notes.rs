//! Who may say what to a mission.

use tinytown_core::input::{Answer, AttemptEnd, MissionInput, Refusal};
use tinytown_core::mission::{MissionState, Phase};
use tinytown_core::policy::Policy;

use super::world::{World, item};
use super::{alone, phase};

/// One item whose only try failed, with a conductor there to ask.
fn out_of_tries() -> World {
    let mut world = World::new();
    world.worker = Box::new(|brief| {
        let end = AttemptEnd::Failed { cause: "exit".to_owned(), detail: "exit code 1".to_owned() };
        Some(MissionInput::ended(brief.claim.clone(), end))
    });
    world.join("worker", None);
    world.join("maestro", Some("conductor"));
    world.start(1, Policy { max_attempts: 1, ..alone() }, vec![item(1, "One", &[])]);
    world.settle();
    world
}

fn note(world: &mut World, text: &str, by: &str) -> Answer {
    world.tell(MissionInput::Note { text: text.to_owned(), by: by.to_owned() })
}

#[track_caller]
fn needs_a_person(answer: &Answer) {
    match answer {
        Answer::Refused { why: Refusal::NotNow, message } => {
            assert!(message.contains("needs a person"), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_agent_may_ask_for_more_of_the_same_and_judge_nothing() {
    for agent in ["maestro", "worker", "conductor"] {
        let mut world = out_of_tries();
        for text in ["approve #1", "merge #1", "skip #1", "Skip #1", "pause"] {
            needs_a_person(&note(&mut world, text, agent));
        }
        assert_eq!((world.state(), phase(&world, "#1")), (MissionState::Blocked, Phase::Ready));
        for text in ["the machine was full", "redirect #1 to worker", "retry #1", "resume"] {
            let answer = note(&mut world, text, agent);
            assert!(matches!(answer, Answer::Applied { .. }), "{text}: {answer:?}");
        }
    }
}

#[test]
fn what_a_person_stopped_only_a_person_lets_go_on() {
    let mut world = out_of_tries();
    world.tell(MissionInput::Stop { force: false });
    needs_a_person(&note(&mut world, "resume", "maestro"));
    assert_eq!(world.state(), MissionState::Stopped);
    assert!(matches!(note(&mut world, "resume", "operator"), Answer::Applied { .. }));
}

#[test]
fn what_is_asked_about_an_item_that_was_skipped_meanwhile_is_withdrawn_at_resume() {
    let mut world = World::new();
    world.worker = Box::new(|brief| {
        let end = AttemptEnd::Failed { cause: "exit".to_owned(), detail: "exit code 1".to_owned() };
        (brief.claim.item.as_str() == "#1").then(|| MissionInput::ended(brief.claim.clone(), end))
    });
    world.join("ann", None);
    world.join("ben", None);
    let items = vec![item(1, "One", &[]), item(2, "Two", &[])];
    world.start(1, Policy { max_attempts: 1, ..alone() }, items);
    world.settle();
    let asked = |world: &World| world.mission().asked_about().count();
    assert_eq!((asked(&world), phase(&world, "#1")), (1, Phase::Ready));
    world.tell(MissionInput::Stop { force: false });
    world.note("skip #1");
    world.tell(MissionInput::Resume);
    assert_eq!((world.state(), phase(&world, "#2")), (MissionState::Running, Phase::Running));
    assert_eq!(asked(&world), 0, "{}", world.log);
}

#[test]
fn people_may_say_everything_whatever_agents_are_called() {
    for person in ["ada", "operator"] {
        let mut world = out_of_tries();
        assert!(matches!(note(&mut world, "skip #1", person), Answer::Applied { .. }));
        assert_eq!(phase(&world, "#1"), Phase::Skipped);
    }
    let refused = World::new().join("operator", None);
    assert!(matches!(refused, Answer::Refused { why: Refusal::Invalid, .. }), "{refused:?}");
}
