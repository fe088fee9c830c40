//! Situations in which the predecessor went wrong, as far as judgement alone decides them: each ends rightly
//! in a test that is named for it. Those with processes and commands are in `stories/situations.rs`.

use std::time::Duration;

use tinytown_core::event::{Event, Hold};
use tinytown_core::id::ItemKey;
use tinytown_core::input::{Answer, Input, MissionInput};
use tinytown_core::mission::{Item, MissionState, Phase};
use tinytown_core::observation::Checks;
use tinytown_core::simulate::{Finish, Scenario, Simulation, Transcript, run};

/// Nobody needs to look, and what passes is merged.
const ALONE: &str = "auto_merge = true, reviewer_required = false, watch_interval_secs = 20";

/// Runs a mission with one agent, ann, and more of a scenario.
#[track_caller]
fn with_ann(policy: &str, more: &str) -> Transcript {
    told(&format!("until = \"2h\"\npolicy = {{ {policy} }}\nagent = [{{ name = \"ann\" }}]\n{more}"))
}

#[track_caller]
fn told(scenario: &str) -> Transcript {
    let scenario = Scenario::parse(scenario).unwrap_or_else(|error| panic!("{error}\n{scenario}"));
    run(&scenario).expect("it makes a plan")
}

#[track_caller]
fn item<'a>(transcript: &'a Transcript, key: &str) -> &'a Item {
    transcript.item(&ItemKey::new(key)).unwrap_or_else(|| panic!("no {key}\n{transcript}"))
}

/// When the first such event was.
fn first(transcript: &Transcript, wanted: impl Fn(&Event) -> bool) -> Option<Duration> {
    transcript.events().find(|(_, event)| wanted(event)).map(|(at, _)| at)
}

/// When somebody was asked first.
fn asked(transcript: &Transcript) -> Option<Duration> {
    first(transcript, |event| matches!(event, Event::HelpAsked { .. }))
}

const fn is_done(event: &Event) -> bool {
    matches!(event, Event::ItemDone { .. } | Event::MissionCompleted)
}

/// Says that nothing passed, and that somebody heard of it.
#[track_caller]
fn waits_and_asks(transcript: &Transcript) {
    assert_eq!(first(transcript, is_done), None, "{transcript}");
    assert!(asked(transcript).is_some(), "{transcript}");
}

/// One check that passed and one that still ran were read as a pass, and the mission completed.
#[test]
fn d1_checks_that_still_run_are_no_pass() {
    let end = with_ann(ALONE, "issue = [{ number = 1 }]\nchance = { pending = 1.0 }");
    waits_and_asks(&end);
    assert_eq!((end.finish(), item(&end, "#1").now.phase), (&Finish::TimeUp, Phase::Gated), "{end}");
    let end = with_ann(ALONE, "issue = [{ number = 1, checks = [\"pending\", \"pending\", \"green\"] }]");
    let green =
        |event: &Event| matches!(event, Event::ChecksSeen { checks, .. } if **checks == Checks::Green);
    assert_eq!(end.state(), MissionState::Completed, "{end}");
    assert!(first(&end, green) < first(&end, is_done), "{end}");
}

/// Outcomes that it did not know, such as a check that broke at its start, were counted as passes.
#[test]
fn d2_an_outcome_that_says_nothing_about_the_work_is_no_pass() {
    let end = with_ann(ALONE, "issue = [{ number = 1 }]\nchance = { could_not_run = 1.0 }");
    waits_and_asks(&end);
    assert!(matches!(item(&end, "#1").now.hold, Some(Hold::Checks { .. })), "{end}");
    let end = with_ann(ALONE, "issue = [{ number = 1 }]\nchance = { unknown = 1.0 }");
    waits_and_asks(&end);
}

/// The only agent of a town did the work, and then approved it itself.
#[test]
fn d3_nobody_reviews_their_own_work() {
    let end = told(
        "until = \"2h\"\npolicy = { auto_merge = true }\nissue = [{ number = 1 }]\n\
         agent = [{ name = \"sole\", role = \"reviewer\" }]",
    );
    waits_and_asks(&end);
    assert_eq!(item(&end, "#1/review-1").now.launches, 0, "{end}");
}

fn hands_in(input: &Input, key: &str) -> bool {
    match input {
        Input::Mission { what: MissionInput::Submitted { claim, .. }, .. } => claim.item.as_str() == key,
        _ => false,
    }
}

/// A second report of completion for an item that was done took it out of its end again.
#[test]
fn d4_work_that_is_handed_in_again_reopens_nothing() {
    let text = format!(
        "policy = {{ {ALONE} }}\nagent = [{{ name = \"ann\" }}]\n\
         issue = [{{ number = 1 }}, {{ number = 2, after = [1] }}]"
    );
    let scenario = Scenario::parse(&text).expect("a scenario");
    let mut simulation = Simulation::new(&scenario).expect("a plan");
    let (mut handed_in, mut answers) = (None, Vec::new());
    while let Some(decision) = simulation.step() {
        let again = decision.decided.step.events.iter().any(is_done) && answers.len() == 1;
        if hands_in(decision.input, "#1") {
            answers.push(decision.decided.step.answer.clone());
            handed_in.get_or_insert(decision.input.clone());
        }
        if let Some(input) = handed_in.clone().filter(|_| again) {
            simulation.post(input);
        }
    }
    let end = simulation.into_transcript();
    assert!(matches!(answers[..], [_, Answer::Refused { .. }, ..]), "{answers:?}\n{end}");
    assert_eq!(end.state(), MissionState::Completed, "{end}");
    let dones = end.events().filter(|(_, event)| matches!(event, Event::ItemDone { .. })).count();
    assert_eq!((dones, item(&end, "#1").now.launches), (2, 1), "{end}");
}

/// A pull request for which no checks run was watched for ever.
#[test]
fn d6_a_pull_request_without_checks_comes_to_its_end() {
    let end = with_ann(ALONE, "issue = [{ number = 1, checks = [\"not-required\"] }]");
    assert_eq!(end.state(), MissionState::Completed, "{end}");
}

/// A pull request that somebody closed held its mission up for ever, and nobody was told.
#[test]
fn d6_a_closed_pull_request_is_asked_about_and_can_be_skipped() {
    let close = "issue = [{ number = 1 }, { number = 2, after = [1] }]\n\
                 meanwhile = [{ at = \"61500ms\", do = { close = 1 } }";
    let end = with_ann(ALONE, &format!("{close}]"));
    waits_and_asks(&end);
    assert_eq!(item(&end, "#1").now.hold, Some(Hold::Closed), "{end}");
    let end = with_ann(ALONE, &format!("{close}, {{ at = \"1h\", do = {{ note = \"skip #1\" }} }}]"));
    assert_eq!((end.state(), item(&end, "#2").now.phase), (MissionState::Completed, Phase::Done), "{end}");
}

/// Each look at an old objection made another fix for it, though one was open, and though it had been answered.
#[test]
fn d7_an_objection_makes_one_fix_however_often_it_is_seen() {
    let slow = "issue = [{ number = 1, fixes = [\"slow\"], approves = [false, true] }]";
    let policy = "auto_merge = true, watch_interval_secs = 5";
    let end = told(&format!(
        "policy = {{ {policy} }}\n{slow}\n\
         agent = [{{ name = \"ann\" }}, {{ name = \"rita\", role = \"reviewer\", takes = \"10s\" }}]"
    ));
    assert_eq!((end.state(), item(&end, "#1").now.fixes), (MissionState::Completed, 1), "{end}");
    assert_eq!(item(&end, "#1").now.reviews, 2, "the new head is judged, and the old verdict is void\n{end}");
}

/// The remark of a bot was fixed again at each look; here three of them are one fix.
#[test]
fn d7_a_bots_findings_make_one_fix_and_are_over_with_it() {
    let finds = r#"meanwhile = [
        { at = "61500ms", do = { find = 1 } },
        { at = "62s", do = { find = 1 } },
        { at = "3m", do = { find = 1 } },
    ]"#;
    let issue =
        "issue = [{ number = 1, fixes = [\"slow\"], checks = [\"pending\", \"pending\", \"green\"] }]";
    let end = with_ann(ALONE, &format!("{issue}\n{finds}"));
    assert_eq!((end.state(), item(&end, "#1").now.fixes), (MissionState::Completed, 1), "{end}");
}

/// Whatever held the word bugbot counted as a finding, whoever wrote it.
#[test]
fn d7_a_remark_counts_by_its_author_alone() {
    let remark = "issue = [{ number = 1, checks = [\"pending\", \"pending\", \"green\"] }]\n\
                  meanwhile = [{ at = \"61500ms\", do = { find = 1 } }]";
    let end = with_ann(&format!("{ALONE}, bugbots = [\"somebody else\"]"), remark);
    assert_eq!((end.state(), item(&end, "#1").now.fixes), (MissionState::Completed, 0), "{end}");
}

/// A mission that had never moved counted as one that had just moved, so that nobody was ever asked.
#[test]
fn d20_a_mission_that_never_moved_asks_for_help() {
    let end = told(
        "until = \"24h\"\nissue = [{ number = 1 }, { number = 2, after = [1] }]\n\
         meanwhile = [{ at = \"23h\", do = { note = \"still there?\" } }]",
    );
    waits_and_asks(&end);
    assert!(asked(&end) <= Some(Duration::from_mins(2)), "{end}");
    let times = end.events().filter(|(_, event)| matches!(event, Event::HelpAsked { .. })).count();
    assert!((3..=12).contains(&times), "{times} times in a day\n{end}");
}

/// The state of a mission of one long item after a note.
#[track_caller]
fn after_note(note: &str) -> Transcript {
    with_ann(
        &format!("{ALONE}, person_wait_secs = 0"),
        &format!(
            "issue = [{{ number = 1 }}, {{ number = 2, after = [1] }}]\n\
             meanwhile = [{{ at = \"30s\", do = {{ note = {note:?} }} }}]"
        ),
    )
}

/// Notes were matched by how they begin, wherever they say something else.
#[test]
fn notes_that_only_sound_like_an_order_are_kept_as_text() {
    for note in [
        "Holding pattern is fine, carry on",
        "retrying the flaky test is fine but pause the mission",
        "pausing is a thought",
        "please pause",
        "stopgap measures are fine",
    ] {
        let end = after_note(note);
        let stopped = |event: &Event| matches!(event, Event::MissionStopped { .. });
        assert_eq!((end.state(), first(&end, stopped)), (MissionState::Completed, None), "{note}\n{end}");
        let kept = |event: &Event| matches!(event, Event::NoteTaken { text, .. } if text == note);
        assert!(first(&end, kept).is_some(), "{note}\n{end}");
    }
}

/// The other side of it: an order is one in whatever case, and whatever comes after it.
#[test]
fn notes_whose_first_word_is_an_order_are_obeyed() {
    for note in ["pause", "Pause for the night", "PAUSE"] {
        let end = after_note(note);
        assert_eq!((end.state(), item(&end, "#2").now.launches), (MissionState::Stopped, 0), "{note}\n{end}");
    }
}

/// A note to resume declared everything passed that was being watched.
#[test]
fn a_note_to_resume_passes_no_gate() {
    let resume = "meanwhile = [{ at = \"1h\", do = { note = \"resume\" } }]\nissue = [{ number = 1 }]\n";
    for chance in ["could_not_run", "pending", "unknown"] {
        let end = with_ann(ALONE, &format!("{resume}chance = {{ {chance} = 1.0 }}"));
        waits_and_asks(&end);
        let after = |at: Duration| at > Duration::from_hours(1);
        assert!(end.events().any(|(at, _)| after(at)), "it looks again\n{end}");
    }
}
