//! What holds for every simulation, whatever its scenario.

use std::time::Duration;

use super::*;
use crate::event::Event;
use crate::id::{AgentName, ItemKey};
use crate::input::Input;
use crate::mission::{MissionState, Phase};
use crate::policy::Policy;
use crate::roster::Roster;
use crate::town::Town;

fn name(text: &str) -> AgentName {
    AgentName::new(text).expect("a name")
}

fn one_item() -> Scenario {
    Scenario {
        policy: Policy { reviewer_required: false, auto_merge: true, ..Policy::default() },
        issues: vec![ScriptedIssue { number: 1, ..ScriptedIssue::default() }],
        agents: vec![ScriptedAgent::new(name("ann"), None)],
        ..Scenario::default()
    }
}

fn told(scenario: &Scenario) -> String {
    run(scenario).expect("a plan").to_string()
}

#[test]
fn equal_scenarios_give_equal_bytes() {
    for seed in 0..200 {
        let scenario = || Scenario::drawn(seed, 1 + usize::try_from(seed % 8).expect("small"));
        assert_eq!(told(&scenario()), told(&scenario()), "seed {seed}");
    }
}

#[test]
fn other_seeds_give_other_worlds() {
    let told: std::collections::BTreeSet<String> =
        (0..50).map(|seed| told(&Scenario::drawn(seed, 4))).collect();
    assert_eq!(told.len(), 50);
}

#[test]
fn drawn_scenarios_can_be_written_down_and_read_again() {
    for seed in 0..50 {
        let scenario = Scenario::drawn(seed, 5);
        let text = toml::to_string(&scenario).expect("it can be written");
        assert_eq!(Scenario::parse(&text).as_ref(), Ok(&scenario), "{text}");
        assert!(scenario.policy.clone().validate().is_ok() && scenario.plan().is_ok());
    }
}

#[test]
fn in_a_friendly_world_every_item_is_merged_at_its_first_launch() {
    for seed in 0..20 {
        let mut scenario = Scenario::friendly(seed, 12);
        scenario.policy.reviewer_required = seed % 2 == 0;
        let transcript = run(&scenario).expect("a plan");
        assert_eq!((transcript.state(), transcript.finish()), (MissionState::Completed, &Finish::Ended));
        let items = transcript.mission().items();
        assert!(items.iter().all(|item| item.now.phase == Phase::Done && item.now.launches == 1));
    }
}

#[test]
fn whoever_looks_on_sees_what_the_transcript_tells() {
    let scenario = one_item();
    let mut simulation = Simulation::new(&scenario).expect("a plan");
    let (mut seen, mut steps, mut before) = (Vec::new(), 0, simulation.now());
    while let Some(decision) = simulation.step() {
        assert!(decision.now >= before);
        before = decision.now;
        steps += 1;
        seen.extend(decision.decided.step.events.iter().cloned());
    }
    assert_eq!(simulation.forge().merges().len(), 1);
    let transcript = simulation.into_transcript();
    assert_eq!((transcript.steps(), transcript.events().count()), (steps, seen.len()));
    assert!(transcript.events().map(|(_, event)| event).eq(&seen));
    assert_eq!(transcript.item(&ItemKey::new("#1")).expect("an item").now.phase, Phase::Done);
    assert_eq!(told(&scenario), transcript.to_string());
}

#[test]
fn a_worker_that_is_asked_to_leave_finishes_its_work_first_unless_by_force() {
    for (force, done) in [(false, true), (true, false)] {
        let scenario = one_item();
        let mut simulation = Simulation::new(&scenario).expect("a plan");
        while simulation.mission().is_none_or(|mission| mission.items()[0].now.phase != Phase::Running) {
            simulation.step().expect("it is begun");
        }
        simulation.post(Input::Retire { agent: name("ann"), force });
        while simulation.step().is_some() {}
        let transcript = simulation.into_transcript();
        assert!(!transcript.town().roster().get(&name("ann")).expect("an agent").is_present());
        assert_eq!(transcript.state() == MissionState::Completed, done, "{transcript}");
    }
}

#[test]
fn what_never_can_happen_keeps_no_simulation_going() {
    // It never has a pull request.
    let what = Happening::Push(1);
    let stuck = ScriptedIssue { number: 1, attempts: vec![Conduct::Stuck], ..ScriptedIssue::default() };
    let meanwhile = vec![Meanwhile { at: Span::secs(1), what }];
    let transcript = run(&Scenario { issues: vec![stuck], meanwhile, ..one_item() }).expect("a plan");
    assert_eq!(transcript.finish(), &Finish::AtRest);
    assert!(transcript.took() < Duration::from_mins(5), "{transcript}");
}

#[test]
fn a_forge_where_somebody_always_pushes_ends_no_mission_and_every_simulation() {
    let chance = Chance { push: 1.0, ..Chance::default() };
    let transcript = run(&Scenario { chance, until: Span::secs(3600), ..one_item() }).expect("a plan");
    assert!(matches!(transcript.finish(), Finish::TimeUp | Finish::TooManySteps), "{transcript}");
    let moved = transcript.events().filter(|(_, event)| matches!(event, Event::HeadMoved { .. })).count();
    assert!(moved > 10);
}

#[test]
fn a_violation_ends_the_simulation_and_is_told() {
    let scenario = one_item();
    let mut simulation = Simulation::new(&scenario).expect("a plan").checking(true);
    while simulation.mission().is_none_or(|mission| mission.running() == 0) {
        simulation.step().expect("somebody gets it");
    }
    simulation.replace_town(|town| Town::new(Roster::default(), town.missions().cloned()));
    simulation.step().expect("the step that shows it");
    assert!(simulation.step().is_none());
    let transcript = simulation.into_transcript();
    assert!(matches!(transcript.finish(), Finish::Violated(_)));
    assert!(transcript.to_string().contains("VIOLATION: #1 is assigned to ann"), "{transcript}");
}

#[test]
fn a_forge_that_is_often_silent_merges_each_item_once() {
    for seed in 0..30 {
        let chance = Chance { unavailable: 0.4, ..Chance::default() };
        let scenario = Scenario { chance, ..Scenario::friendly(seed, 4) };
        let mut simulation = Simulation::new(&scenario).expect("a plan");
        while simulation.step().is_some() {}
        let merges = simulation.forge().merges();
        let items: std::collections::BTreeSet<&ItemKey> = merges.iter().map(|merge| &merge.item).collect();
        assert_eq!((items.len(), merges.len(), simulation.forge().pulls().len()), (4, 4, 4), "seed {seed}");
    }
}
