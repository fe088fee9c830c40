//! Errands, and messages to agents: what is one agent's alone.

use tinytown_core::effect::{Effect, EffectResult};
use tinytown_core::id::{AgentName, MessageId};
use tinytown_core::input::{Answer, Input, Message, Refusal};
use tinytown_core::item::{ItemSpec, Origin};
use tinytown_core::letter::{Letter, MESSAGE_LIMIT, Recipient, message_key};
use tinytown_core::mission::{MissionState, WaitCode};
use tinytown_core::observation::Checks;
use tinytown_core::time::Time;
use tinytown_core::town::Decided;
use uuid::Uuid;

use crate::world::{World, item};
use crate::{alone, red, wait};

fn name(name: &str) -> AgentName {
    AgentName::new(name).expect("a name")
}

fn errand(agent: &str) -> ItemSpec {
    ItemSpec { pinned: Some(name(agent)), origin: Origin::Errand, ..item(1, "Tidy up", &[]) }
}

#[test]
fn an_errand_is_its_agents_although_others_are_free_and_so_are_its_fixes() {
    let mut world = World::new();
    for name in ["ann", "ben", "cleo"] {
        world.join(name, None);
    }
    let mut checked = 0;
    world.forge = Box::new(move |effect| {
        let Effect::Check { head, .. } = effect else { return None };
        checked += 1;
        let checks = if checked == 1 { red() } else { Checks::Green };
        Some(EffectResult::Checked { head: head.clone(), checks })
    });
    world.start(1, alone(), vec![errand("ben")]);
    world.run();
    assert_eq!(world.state(), MissionState::Completed);
    assert!(world.log.contains("#1/fix-1 item-assigned ben"), "{}", world.log);
    assert!(!world.log.contains("ann") && !world.log.contains("cleo"), "{}", world.log);
}

#[test]
fn an_errand_of_an_agent_that_is_gone_waits_for_it_by_name() {
    let mut world = World::new();
    for name in ["ann", "ben"] {
        world.join(name, None);
    }
    world.gone("ben");
    world.start(1, alone(), vec![errand("ben")]);
    world.settle();
    assert_eq!(wait(&world, "#1"), Some(WaitCode::NoAgent));
    let mission = world.mission();
    let ix = mission.find(&errand("ben").key).expect("an item");
    let detail = mission.wait(ix, world.town.roster()).map(|wait| wait.detail);
    assert_eq!(detail.as_deref(), Some("ben is not there, and nobody else may take it; spawn it"));
    world.join("ben", None);
    world.run();
    assert_eq!(world.state(), MissionState::Completed);
}

fn message(agent: &str, text: &str) -> Input {
    let id = MessageId(Uuid::from_u128(7));
    Input::Message(Message { id, agent: name(agent), text: text.to_owned(), from: "ada".to_owned() })
}

fn decide(world: &mut World, input: &Input) -> Decided {
    world.town.decide(input, Time::from_millis(2_000_000))
}

#[test]
fn a_message_is_delivered_to_an_agent_that_is_there_busy_or_gone() {
    let mut world = World::new();
    world.join("ann", None);
    world.gone("ann");
    let decided = decide(&mut world, &message("ann", "Mind the gap."));
    assert_eq!((decided.mission, &decided.step.answer), (None, &Answer::applied()));
    let [delivery] = decided.step.letters.as_slice() else { panic!("{decided:?}") };
    assert_eq!((&delivery.to, delivery.key.as_str()), (&Recipient::Agent(name("ann")), KEY));
    assert!(matches!(&delivery.letter, Letter::Message { text, .. } if text == "Mind the gap."));
}

const KEY: &str = "message/00000000-0000-0000-0000-000000000007";

#[test]
fn a_message_that_was_read_is_over_and_nothing_else_is() {
    let mut world = World::new();
    world.join("ann", None);
    let messages = vec![MessageId(Uuid::from_u128(7))];
    let decided = decide(&mut world, &Input::MessagesRead { agent: name("ann"), messages });
    assert_eq!(decided.step.letters_over, [(Recipient::Agent(name("ann")), KEY.to_owned())]);
    assert_eq!(message_key(MessageId(Uuid::from_u128(7))), KEY);
}

#[test]
fn a_message_to_nobody_without_words_or_too_long_is_refused_and_delivers_nothing() {
    let mut world = World::new();
    world.join("ann", None);
    let long = "x".repeat(MESSAGE_LIMIT + 1);
    for (agent, text, why) in [
        ("ben", "Hello", Refusal::Unknown),
        ("ann", " \n", Refusal::Invalid),
        ("ann", &long, Refusal::Invalid),
    ] {
        let decided = decide(&mut world, &message(agent, text));
        assert!(
            matches!(&decided.step.answer, Answer::Refused { why: it, .. } if *it == why),
            "{:?}",
            decided.step.answer
        );
        assert!(decided.step.is_empty());
    }
    let whole = decide(&mut world, &message("ann", &long[1..]));
    assert_eq!(whole.step.answer, Answer::applied());
    let read = Input::MessagesRead { agent: name("ben"), messages: vec![] };
    assert!(matches!(decide(&mut world, &read).step.answer, Answer::Refused { why: Refusal::Unknown, .. }));
}
