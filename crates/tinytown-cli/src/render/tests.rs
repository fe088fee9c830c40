//! What users read of a mission, at telling moments of the tutorial.

use serde_json::{Value, json};
use tinytown_core::id::ItemKey;
use tinytown_core::input::MissionInput;
use tinytown_core::mission::ItemIx;
use tinytown_store::codec::encode;
use tinytown_store::{MissionRow, MissionView};

use super::mission::{Parts, Scene, no_dispatcher};
use super::mission_json::MissionJson;
use super::watch;
use super::world::{World, healthy};
use crate::pulse::Pulse;
use crate::terminal::clean;

const ALL: Parts = Parts { work: true, watch: true, dispatcher: true };

fn shown(world: &World, pulse: &Pulse, parts: Parts) -> String {
    let (mission, roster) = (world.mission(), world.town.roster());
    Scene { mission, roster, pulse, now: world.now }.lines(parts).join("\n")
}

fn json_of(world: &World) -> Value {
    let pulse = healthy();
    let json = MissionJson::of(world.mission(), world.town.roster(), &pulse);
    serde_json::to_value(&json).expect("written")
}

#[test]
fn a_failing_check_is_shown_exactly_as_in_the_tutorial() {
    let world = World::failing();
    let lines = watch::lines(&watch::of(world.mission()), world.now);
    assert_eq!(lines, ["🚧 Watch Items: 1", "   ⚠️  PR #42 CI check: failing (retrying in 180s)"]);
    let later = world.now + std::time::Duration::from_millis(178_500);
    let lines = watch::lines(&watch::of(world.mission()), later);
    assert_eq!(lines[1], "   ⚠️  PR #42 CI check: failing (retrying in 2s)");
}

#[test]
fn a_review_says_who_is_waited_for() {
    let mut world = World::green();
    let watched = |world: &World| watch::lines(&watch::of(world.mission()), world.now)[1..].join("\n");
    let (green, icon) = ("   ✅ PR #42 CI check: green", "   ⏳ PR #42 review: waiting for");
    assert_eq!(watched(&world), format!("{green}\n{icon} #1/review-1"));
    world.join("rita", Some("reviewer"));
    assert_eq!(watched(&world), format!("{green}\n{icon} rita"));
}

#[test]
fn a_mission_that_has_just_begun_says_that_nobody_is_there() {
    let pulse = Pulse { holder: None, running: Some(false), inputs_waiting: 1, effects_waiting: 0 };
    insta::assert_snapshot!(shown(&World::started(), &pulse, Parts::default()), @r#"
    🚀 Mission abc123de-f456-4000-8000-000000000001: running, started 0s ago
    📋 Objectives: 3 issues
    📦 Work items: 3 (1 ready, 2 pending)
       ⚠️  Issue #1: no agent is there; spawn one
    No dispatcher is running: 1 input and 0 effects wait. Start it with: tt mission dispatch
    "#);
}

#[test]
fn a_mission_with_a_failing_check_is_shown_whole() {
    let mut world = World::failing();
    world.note("mind the \u{1b}[31mtokens");
    insta::assert_snapshot!(clean_lines(&shown(&world, &healthy(), ALL)), @r#"
    🚀 Mission abc123de-f456-4000-8000-000000000001: running, started 9s ago
    📋 Objectives: 3 issues
    📦 Work items: 4 (1 gated, 1 assigned, 2 pending)
       🔍 Issue #1: Design auth API · gated: waits for #1/fix-1 (PR #42)
       ⏳ Issue #2: Implement auth endpoints · pending: waits for #1
       ⏳ Issue #3: Write auth tests · pending: waits for #2
       🔧 #1/fix-1: Fix #1: check failed: exit code 1 · assigned to backend (attempt 1)
    🚧 Watch Items: 1
       ⚠️  PR #42 CI check: failing (retrying in 179s)
    📡 Dispatcher: process 7 on host, running
       Last step: 0s ago
       Last progress: 0s ago
       Effects waiting: 0
    🆘 Help: none asked for
    📝 Notes: 1
       2023-11-14T22:13:30.000Z ann: mind the �[31mtokens
    "#);
}

/// As the terminal prints it.
fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_waits_for_a_dispatcher_is_counted() {
    let pulse = |inputs_waiting, effects_waiting| Pulse {
        holder: None,
        running: Some(false),
        inputs_waiting,
        effects_waiting,
    };
    let end = "Start it with: tt mission dispatch";
    assert_eq!(
        no_dispatcher(&pulse(1, 2)),
        format!("No dispatcher is running: 1 input and 2 effects wait. {end}")
    );
}

#[test]
fn status_json_holds_everything_of_the_contract() {
    let mut world = World::failing();
    world.note("hello");
    insta::assert_json_snapshot!(json_of(&world));
}

#[test]
fn a_stopped_mission_says_so_for_every_item() {
    let mut world = World::started();
    world.tell_mission(MissionInput::Stop { force: false });
    let json = json_of(&world);
    assert_eq!(json["state"], "stopped");
    let waits =
        json["work_items"].as_array().expect("a list").iter().map(|item| item["wait"]["code"].clone());
    assert_eq!(waits.collect::<Vec<_>>(), vec![json!("stopped"); 3]);
    assert_eq!(json["next_wake_at"], Value::Null);
}

#[test]
fn a_mission_read_back_from_its_records_is_shown_the_same() {
    let world = World::failing();
    let mission = world.mission();
    let indices = (0..).map(ItemIx).zip(mission.items());
    let records =
        indices.map(|(ix, item)| (format!("item/{}", item.spec.key), encode(&mission.record_to_write(ix))));
    let row = MissionRow {
        id: mission.id(),
        version: mission.head().seq,
        unfinished: true,
        charter: encode(mission.charter()),
        head: encode(mission.head()),
    };
    let view = MissionView { row, records: records.collect() };
    let again = tinytown_store::records::load_mission(&view).expect("read");
    let pulse = healthy();
    let json = serde_json::to_value(MissionJson::of(&again, world.town.roster(), &pulse)).expect("written");
    assert_eq!(json, json_of(&world));
    assert_eq!(again.find(&ItemKey::new("#1/fix-1")), Some(world.at("#1/fix-1")));
}
