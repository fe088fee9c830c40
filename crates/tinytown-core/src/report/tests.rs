//! Reports on simulated missions: every wait is the one that `explain` names, and nothing is told that was not so.

use std::fmt::Write as _;

use super::replay::Replay;
use super::*;
use crate::mission::{ItemIx, Phase};
use crate::simulate::{Decision, Entry, Scenario, Simulation, Transcript, What, run};

/// The history of a simulation, as a store has it.
fn history(transcript: &Transcript) -> Vec<Moment<'_>> {
    let began = transcript.mission().charter().created_at;
    let mut moments = Vec::new();
    for Entry { at, what } in transcript.entries() {
        if let What::Step { events, roster } = what {
            moments.push(Moment { at: began + *at, events, roster });
        }
    }
    moments
}

fn simulated(scenario: &str) -> Transcript {
    run(&Scenario::parse(scenario).expect("a scenario")).expect("a plan")
}

fn of(transcript: &Transcript) -> Report {
    let mission = transcript.mission();
    let now = mission.charter().created_at + transcript.took();
    report(mission.charter(), history(transcript), now).expect("a history")
}

/// A report in a few lines, with times after the start.
fn told(scenario: &str) -> String {
    let transcript = simulated(scenario);
    let (mission, report) = (transcript.mission(), of(&transcript));
    let (mut text, began) = (String::new(), mission.charter().created_at);
    for (item, took) in mission.items().iter().zip(&report.items) {
        let (key, phase) = (&item.spec.key, item.now.phase.as_str());
        let root = took.root.as_ref().map(|root| format!(" for {root}")).unwrap_or_default();
        let (waited, worked, judged) = (took.waited, took.worked, took.judged);
        let _ =
            writeln!(text, "{key} {phase}{root}: waited {waited:?}, worked {worked:?}, judged {judged:?}");
        for wait in &took.waits {
            let _ = writeln!(text, "    {} ({:?}) {:?}", wait.code.as_str(), wait.owner, wait.took);
        }
        for Try { attempt, agent, end, .. } in &took.tries {
            let end = end.as_ref().map(|(_, end)| end);
            let _ = writeln!(text, "    {attempt} by {agent}: {end:?}");
        }
    }
    for merge in &report.merges {
        let _ = writeln!(text, "merged {} (PR {:?}) at {:?}", merge.item, merge.pull, merge.at.since(began));
    }
    for asked in &report.questions {
        let (to, reason, times, end) =
            (&asked.to, &asked.reason, asked.times, asked.end.as_ref().map(|it| &it.1));
        let open = asked.open_for(began + transcript.took());
        let _ = writeln!(text, "asked {to:?} {times}: {reason}; open for {open:?}; {end:?}");
    }
    for AgentReport { agent, launches, handed_in, failed, lost, worked, .. } in report.agents(began) {
        let _ =
            writeln!(text, "{agent}: {launches}, {handed_in} in, {failed} failed, {lost} lost, {worked:?}");
    }
    let _ = writeln!(text, "took {:?}", report.ended_at.map(|at| at.since(began)));
    text
}

#[test]
fn what_each_item_took_is_told_apart_by_who_had_it() {
    insta::assert_snapshot!(told(
        r#"
        policy = { auto_merge = true, reviewer_required = true }
        issue = [{ number = 1, attempts = ["exits-early"] }, { number = 2, after = [1] }]
        agent = [{ name = "ann", takes = "2m" }, { name = "ben", takes = "30s" }]
        "#
    ));
}

#[test]
fn a_busy_agent_is_told_apart_from_one_that_is_not_there_and_from_a_full_mission() {
    insta::assert_snapshot!(told(
        r#"
        policy = { auto_merge = true, reviewer_required = false, max_parallel = 2 }
        issue = [{ number = 1 }, { number = 2 }, { number = 3, labels = ["role:architect"] }, { number = 4 }, { number = 5 }]
        agent = [
            { name = "ann", role = "backend", joins = "5m" },
            { name = "arch", role = "architect", joins = "9m" },
            { name = "ben", role = "backend", takes = "30s", joins = "330s" },
            { name = "cleo", role = "backend", joins = "330s" },
        ]
        "#
    ));
}

#[test]
fn an_item_that_fell_names_the_failure_at_the_end_of_the_chain_and_no_other() {
    let transcript = simulated(
        r#"
        policy = { auto_merge = true, reviewer_required = false, max_attempts = 1, person_wait_secs = 0 }
        issue = [
            { number = 1, attempts = ["exits-early"] },
            { number = 2, after = [1] },
            { number = 3, after = [2, 5] },
            { number = 4, after = [5] },
            { number = 5, attempts = ["slow"] },
            { number = 6, after = [3] },
        ]
        agent = [{ name = "ann" }, { name = "ben" }]
        "#,
    );
    let report = of(&transcript);
    let roots: Vec<Option<&str>> =
        report.items.iter().map(|item| item.root.as_ref().map(ItemKey::as_str)).collect();
    assert_eq!(roots, [None, Some("#1"), Some("#1"), None, None, Some("#1")]);
    assert_eq!(transcript.mission().items()[3].now.phase, Phase::Done);
}

#[test]
fn questions_are_told_with_their_answers() {
    insta::assert_snapshot!(told(
        r#"
        policy = { auto_merge = true, reviewer_required = false, max_attempts = 1, person_wait_secs = 7200 }
        issue = [
            { number = 1, attempts = ["stuck"] },
            { number = 2, attempts = ["exits-early", "exits-early"] },
            { number = 3, attempts = ["exits-early"] },
        ]
        agent = [{ name = "ann" }]
        meanwhile = [{ at = "40m", do = { note = "retry #1" } }, { at = "50m", do = { note = "skip #3" } }]
        "#
    ));
}

#[test]
fn a_question_about_a_missing_agent_is_withdrawn_when_one_comes() {
    let report = of(&simulated(
        r#"
        policy = { auto_merge = true, reviewer_required = false, watchdog_secs = 60 }
        issue = [{ number = 1, labels = ["role:architect"] }]
        agent = [{ name = "ann", role = "backend" }, { name = "arch", role = "architect", joins = "20m" }]
        "#,
    ));
    let about_it = report.questions.iter().filter(|asked| asked.item.is_some());
    let ends: Vec<_> = about_it.map(|asked| asked.end.as_ref().map(|(_, end)| end)).collect();
    assert_eq!(ends, [Some(&QuestionEnd::Withdrawn)]);
    assert_eq!(report.waits()[0].code, WaitCode::NoAgent);
    assert_eq!(report.waits()[0].owner, Owner::Person);
}

#[test]
fn a_merge_by_a_persons_own_hand_is_among_the_merges() {
    let report = of(&simulated(
        r#"
        policy = { reviewer_required = false }
        issue = [{ number = 1 }, { number = 2, after = [1], attempts = ["slow"] }]
        agent = [{ name = "ann" }, { name = "ben" }]
        meanwhile = [{ at = "4m", do = { merge = 1 } }]
        "#,
    ));
    let merged: Vec<_> = report.merges.iter().map(|merge| (merge.item.as_str(), merge.pull)).collect();
    assert_eq!(merged, [("#1", Some(1))]);
}

/// Goes through a drawn mission and its replay side by side.
fn side_by_side(seed: u64, items: usize, mut look: impl FnMut(&Replay, &Simulation<'_>)) {
    let scenario = Scenario::drawn(seed, items);
    let mut simulation = Simulation::new(&scenario).expect("a plan");
    let (mut replay, mut before) = (None, Vec::new());
    while let Some(Decision { now, decided, town, .. }) = simulation.step() {
        let step = &decided.step;
        let Some(mission) = town.missions().next() else {
            before.extend(step.roster.clone());
            continue;
        };
        let replay = replay.get_or_insert_with(|| {
            let mut replay = Replay::new(mission.charter());
            replay.step(&Moment { at: now, events: &[], roster: &before }).expect("a history");
            replay
        });
        replay.step(&Moment { at: now, events: &step.events, roster: &step.roster }).expect("a history");
        look(replay, &simulation);
    }
}

#[test]
fn at_every_step_an_item_waits_in_the_report_for_what_the_mission_says() {
    let mut compared = 0;
    for seed in 0..60 {
        side_by_side(seed, 12, |replay, simulation| {
            let (mission, roster) = (simulation.mission().expect("it began"), simulation.town().roster());
            let open =
                (0u32..).map(ItemIx).zip(mission.items()).filter(|(_, item)| !item.now.phase.is_over());
            for (ix, item) in open {
                let wait = mission.wait(ix, roster).filter(|wait| wait.code != WaitCode::Agent);
                let wait = wait.map(|wait| (wait.code, wait.owner == "operator"));
                let replayed = replay.cause(ix).map(|(code, owner)| (code, owner == Owner::Person));
                if !mission.head().state.is_over() {
                    assert_eq!(replayed, wait, "{} of seed {seed} at {}", item.spec.key, simulation.now());
                    compared += usize::from(wait.is_some());
                }
            }
        });
    }
    assert!(compared > 10_000, "only {compared} waits were compared");
}

#[test]
fn a_replayed_history_makes_the_mission_that_it_is_of() {
    for seed in 60..90 {
        side_by_side(seed, 8, |replay, simulation| {
            let mission = simulation.mission().expect("it began");
            assert_eq!(replay.mission().head(), mission.head(), "seed {seed}");
        });
    }
}

#[test]
fn the_time_of_an_item_is_all_accounted_for() {
    let mut seen = 0;
    for seed in 0..60 {
        let transcript = run(&Scenario::drawn(seed, 12)).expect("a plan");
        let (mission, report) = (transcript.mission(), of(&transcript));
        let end = report.ended_at.unwrap_or(mission.charter().created_at + transcript.took());
        let planned = mission.items().iter().zip(&report.items).filter(|(item, _)| item.task.is_none());
        for (item, took) in planned.filter(|(item, _)| mission.charter().items.contains(&item.spec)) {
            let whole = took.over_at.unwrap_or(end).since(mission.charter().created_at);
            let waits: Duration = took.waits.iter().map(|wait| wait.took).sum();
            assert_eq!(waits + took.worked + took.accepted, whole, "{} of seed {seed}", item.spec.key);
            assert!(took.waited + took.judged <= waits, "{} of seed {seed}", item.spec.key);
            seen += 1;
        }
    }
    assert!(seen > 500, "only {seen} items");
}

#[test]
fn a_history_that_cannot_be_is_refused_with_its_time() {
    let transcript = simulated("issue = [{ number = 1 }]\nagent = [{ name = \"ann\" }]\n");
    let mut moments = history(&transcript);
    moments.remove(1);
    let at = transcript.mission().charter().created_at;
    let error = report(transcript.mission().charter(), moments, at).expect_err("a step is missing");
    assert!(error.to_string().starts_with("the history contradicts itself at 2023-"), "{error}");
}
