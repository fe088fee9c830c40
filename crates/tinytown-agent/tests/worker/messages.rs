//! Messages of operators: in the next prompt, once, and in no mailbox any more after it.

use std::time::Duration;

use tinytown_agent::{Ended, Shutdown};
use tinytown_core::id::{Generation, MessageId};
use tinytown_core::input::{AttemptEnd, Input, Message};
use tinytown_core::letter::{Brief, Letter, message_key};
use tinytown_store::{Mailbox, Store as _, Wait};
use uuid::Uuid;

use crate::joining::post;
use crate::world::{World, agent, in_time};

/// An agent whose prompts can be read.
const READS: &str = r#"cat > "$WORLD/prompt-$TINYTOWN_ATTEMPT""#;

async fn send(world: &World, number: u128, text: &str) {
    let id = MessageId(Uuid::from_u128(number));
    let message = Message { id, agent: agent(), text: text.into(), from: "ada".into() };
    post(world, &format!("message {number}"), &Input::Message(message)).await;
    let delivered = async {
        while !keys(world).await.iter().any(|key| *key == message_key(id)) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    in_time("the delivery", delivered).await;
}

/// The messages that wait in the agent's mailbox.
async fn keys(world: &World) -> Vec<String> {
    let mail = world.store.mail(&Mailbox::Agent(agent()), 0, 100, Wait::NONE).await.unwrap();
    mail.into_iter().map(|entry| entry.key).filter(|key| key.starts_with("message/")).collect()
}

async fn all_read(world: &World) {
    let read = async {
        while !keys(world).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    in_time("the messages to be over", read).await;
}

fn nth(world: &World, attempt: u32, generation: u64) -> Brief {
    let mut brief = world.brief();
    brief.claim.attempt = attempt;
    brief.claim.fence.0 += u64::from(attempt);
    brief.claim.generation = Generation(generation);
    brief
}

async fn attempt(world: &World, brief: &Brief) -> AttemptEnd {
    world.dispatcher.assign(brief).await;
    world.dispatcher.outcome(&brief.claim).await.expect_err("nothing is handed in")
}

fn prompt(world: &World, attempt: u32) -> String {
    std::fs::read_to_string(world.path(&format!("prompt-{attempt}"))).unwrap()
}

#[tokio::test]
async fn a_message_is_in_the_next_prompt_and_only_there_and_then_over() {
    let world = World::new(READS).await;
    let worker = world.spawn().await;
    send(&world, 1, "mind the gap").await;
    send(&world, 2, "mind the doors").await;
    for number in [1, 2] {
        attempt(&world, &nth(&world, number, 1)).await;
        all_read(&world).await;
    }
    let first = prompt(&world, 1);
    let at = |text: &str| first.find(text).unwrap_or_else(|| panic!("no {text:?} in:\n{first}"));
    assert!(at("## Messages") < at("mind the gap") && at("mind the gap") < at("mind the doors"));
    assert!(!prompt(&world, 2).contains("mind the"), "{}", prompt(&world, 2));
    worker.stop().await;
}

#[tokio::test]
async fn a_message_survives_a_worker_that_ended_before_it_told_it() {
    let world = World::new(READS).await;
    let worker = world.spawn().await;
    send(&world, 1, "mind the gap").await;
    worker.shutdown.send(Shutdown::Now).unwrap();
    assert_eq!(worker.ended().await.unwrap(), Ended::Aborted);
    let gone = Input::Gone { agent: agent(), generation: Generation(1), reason: "killed".into() };
    post(&world, "gone", &gone).await;
    world.dispatcher.agent(|agent| !agent.is_present()).await;
    let worker = world.spawn().await;
    world.dispatcher.agent(|agent| agent.generation == Generation(2)).await;
    attempt(&world, &nth(&world, 1, 2)).await;
    assert_eq!(prompt(&world, 1).matches("mind the gap").count(), 1);
    all_read(&world).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_message_in_a_prompt_that_nobody_got_stays() {
    let mut world = World::new("").await;
    world.settings.cli.command = vec!["/nonexistent/agent".into()];
    let worker = world.spawn().await;
    send(&world, 1, "mind the gap").await;
    let end = attempt(&world, &nth(&world, 1, 1)).await;
    worker.stop().await;
    assert_eq!(keys(&world).await.len(), 1, "after {end:?}");
}

#[tokio::test]
async fn a_message_is_told_once_though_it_is_read_again_before_it_is_over() {
    let world = World::new(READS).await;
    let worker = world.spawn().await;
    send(&world, 1, "mind the gap").await;
    attempt(&world, &nth(&world, 1, 1)).await;
    all_read(&world).await;
    // It lies there again, as after a loss of the store's newest data.
    let id = MessageId(Uuid::from_u128(1));
    let letter = Letter::Message { id, text: "mind the gap".into(), from: "ada".into() };
    world.dispatcher.send(message_key(id), letter).await;
    attempt(&world, &nth(&world, 2, 1)).await;
    assert!(!prompt(&world, 2).contains("mind the gap"));
    worker.stop().await;
}
