//! The table of evidence: every sort of ending, with and without work and words.

use super::*;
use crate::result_file::Usage;

fn sha(digit: &str) -> Sha {
    Sha::new(&digit.repeat(40)).expect("40 digits")
}

fn some_work() -> Work {
    Work {
        head: sha("b"),
        moved: true,
        empty: false,
        holds_base: true,
        lacking: Vec::new(),
        subject: "add a thing".to_owned(),
    }
}

fn no_work() -> Work {
    Work { head: sha("a"), moved: false, empty: true, subject: String::new(), ..some_work() }
}

fn said(outcome: Outcome, summary: &str) -> ResultFile {
    ResultFile::Said(Said { outcome, summary: summary.to_owned(), usage: Usage::default(), until: None })
}

fn broken() -> ResultFile {
    ResultFile::Broken("it is a symbolic link".to_owned())
}

/// One line: what was found, then what is made of it.
fn check(kind: Kind, ending: Ending, left: Left, result: ResultFile) -> String {
    match judge(&Facts { kind, ending, left, result }) {
        Judged::Submit(Submission::Work { head, empty, summary }) => {
            format!("work {} empty={empty} {summary:?}", head.short())
        }
        Judged::Submit(Submission::Verdict { approve, summary }) => {
            format!("verdict approve={approve} {summary:?}")
        }
        Judged::End(AttemptEnd::Failed { cause, detail }) => format!("failed {cause}: {detail}"),
        Judged::End(AttemptEnd::Lost { detail }) => format!("lost: {detail}"),
        Judged::End(AttemptEnd::Stuck { summary }) => format!("stuck: {summary}"),
        Judged::End(AttemptEnd::Limited { until, detail }) => format!("limited until {until:?}: {detail}"),
        Judged::End(AttemptEnd::Cancelled) => "cancelled".to_owned(),
    }
}

fn implemented(ending: Ending, work: Work, result: ResultFile) -> String {
    check(Kind::Implement, ending, Left::Work(work), result)
}

fn reviewed(ending: Ending, result: ResultFile) -> String {
    check(Kind::Review, ending, Left::Unseen, result)
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn new_commits_or_changed_files_are_a_submission() {
    let ok = || Ending::Code(0);
    assert_eq!(
        implemented(ok(), some_work(), ResultFile::Absent),
        "work bbbbbbbb empty=false \"add a thing\""
    );
    assert_eq!(
        implemented(ok(), some_work(), said(Outcome::Done, "did it")),
        "work bbbbbbbb empty=false \"did it\""
    );
    assert_eq!(implemented(ok(), some_work(), broken()), "work bbbbbbbb empty=false \"add a thing\"");
    let reverted = Work { empty: true, ..some_work() };
    assert_eq!(implemented(ok(), reverted, ResultFile::Absent), "work bbbbbbbb empty=true \"add a thing\"");
}

#[test]
fn done_without_a_change_is_an_empty_submission_of_the_base() {
    assert_eq!(
        implemented(Ending::Code(0), no_work(), said(Outcome::Done, "there was nothing to do")),
        "work aaaaaaaa empty=true \"there was nothing to do\""
    );
}

#[test]
fn exit_0_without_evidence_is_nothing_done() {
    let nothing = "failed nothing-done: the agent left no commit and no changed file";
    assert_eq!(implemented(Ending::Code(0), no_work(), ResultFile::Absent), nothing);
    assert_eq!(
        implemented(Ending::Code(0), no_work(), said(Outcome::Approve, "fine")),
        format!("{nothing}; it said: fine")
    );
    assert_eq!(
        implemented(Ending::Code(0), no_work(), broken()),
        format!("{nothing}; the result file cannot be read: it is a symbolic link")
    );
}

#[test]
fn any_other_exit_code_is_a_failure_whatever_was_done_or_said() {
    let exit = "failed exit: the agent ended with exit code 3";
    assert_eq!(implemented(Ending::Code(3), some_work(), ResultFile::Absent), exit);
    assert_eq!(implemented(Ending::Code(3), some_work(), said(Outcome::Done, "")), exit);
    assert_eq!(reviewed(Ending::Code(3), said(Outcome::Approve, "")), exit);
}

#[test]
fn only_an_explicit_verdict_ends_a_review() {
    let ok = || Ending::Code(0);
    assert_eq!(reviewed(ok(), said(Outcome::Approve, "good")), "verdict approve=true \"good\"");
    assert_eq!(reviewed(ok(), said(Outcome::RequestChanges, "bad")), "verdict approve=false \"bad\"");
    let none = "failed no-verdict: the agent gave neither approve nor request_changes";
    assert_eq!(reviewed(ok(), ResultFile::Absent), none);
    assert_eq!(reviewed(ok(), said(Outcome::Done, "")), none);
    assert_eq!(check(Kind::Review, ok(), Left::Work(some_work()), ResultFile::Absent), none);
}

#[test]
fn what_the_agent_did_not_end_is_lost_or_cancelled_and_never_its_failure() {
    let done = || said(Outcome::Done, "");
    assert_eq!(
        implemented(Ending::Signal(9), some_work(), done()),
        "lost: the agent was ended by signal 9, which was not ours"
    );
    assert_eq!(
        implemented(Ending::Lost("worker stopped".into()), some_work(), done()),
        "lost: worker stopped"
    );
    assert_eq!(implemented(Ending::Cancelled, some_work(), done()), "cancelled");
    assert_eq!(implemented(Ending::Cancelled, no_work(), said(Outcome::Stuck, "?")), "cancelled");
}

#[test]
fn limits_are_failures_even_with_work() {
    let absent = || ResultFile::Absent;
    assert_eq!(
        implemented(Ending::TimedOut(SECOND), some_work(), absent()),
        "failed timed-out: it ran longer than 1s"
    );
    assert_eq!(
        implemented(Ending::Stalled(SECOND), some_work(), absent()),
        "failed stalled: it showed no sign of life for 1s"
    );
    let missing = Ending::NotStarted("no such program".into());
    assert_eq!(implemented(missing, no_work(), absent()), "failed not-started: no such program");
}

#[test]
fn stuck_asks_its_question_however_the_agent_ended() {
    for ending in [Ending::Code(0), Ending::Code(1), Ending::TimedOut(SECOND), Ending::Signal(6)] {
        assert_eq!(implemented(ending, some_work(), said(Outcome::Stuck, "which?")), "stuck: which?");
    }
    assert_eq!(reviewed(Ending::Code(0), said(Outcome::Stuck, "which?")), "stuck: which?");
}

#[test]
fn work_that_lacks_what_it_must_contain_is_refused() {
    let elsewhere = Work { holds_base: false, ..some_work() };
    assert_eq!(
        implemented(Ending::Code(0), elsewhere, ResultFile::Absent),
        format!("failed base-missing: the branch ended at {}, which does not contain its base", sha("b"))
    );
    let unmerged = Work { lacking: vec![sha("c")], ..some_work() };
    assert_eq!(
        check(Kind::Fix, Ending::Code(0), Left::Work(unmerged), said(Outcome::Done, "")),
        format!("failed must-hold-missing: the branch does not contain {}", sha("c"))
    );
    let unreadable = Left::Unreadable("no repository".into());
    assert_eq!(
        check(Kind::Implement, Ending::Code(0), unreadable, said(Outcome::Done, "")),
        "failed work-unreadable: no repository"
    );
}

#[test]
fn an_agents_words_are_cut_and_cleaned() {
    let long = format!("\u{1b}[1m{}", "ä".repeat(5000));
    match judge(&Facts {
        kind: Kind::Implement,
        ending: Ending::Code(0),
        left: Left::Work(some_work()),
        result: said(Outcome::Done, &long),
    }) {
        Judged::Submit(Submission::Work { summary, .. }) => {
            assert!(summary.len() <= 4096 && summary.starts_with("[1mä"), "{}", summary.len());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_limit_is_a_limit_however_the_run_ended_and_its_time_is_taken_if_it_is_one() {
    let limited = |until: &str| {
        let said = Said {
            outcome: Outcome::Limit,
            summary: "5-hour limit".to_owned(),
            usage: Usage::default(),
            until: Some(until.to_owned()),
        };
        implemented(Ending::Code(1), no_work(), ResultFile::Said(said))
    };
    assert_eq!(limited("2026-11-23T03:00:00+01:00"), "limited until Some(Time(1795399200000)): 5-hour limit");
    assert_eq!(limited("tomorrow"), "limited until None: 5-hour limit");
}
