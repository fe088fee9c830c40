//! The report as data.

use std::time::Duration;

use serde_json::{Value, json as object};
use tinytown_core::report::{AgentReport, Merge, Question, QuestionEnd, Try, TryEnd, Waited};
use tinytown_core::time::Time;

use super::needs::Need;
use super::{Account, Told};
use crate::render::item;

/// For scripts.
pub(crate) fn json(account: &Account<'_>) -> Value {
    let (head, report) = (account.mission.head(), account.report);
    let note = |(at, note): &(Time, String)| object!({ "at": at, "note": note });
    object!({
        "id": account.mission.id().to_string(),
        "state": head.state.as_str(),
        "reason": head.reason,
        "created_at": account.mission.charter().created_at,
        "ended_at": report.ended_at,
        "took_ms": millis(account.took()),
        "launches": head.launches,
        "spent": head.spent,
        "needs": account.needs().iter().map(need).collect::<Vec<_>>(),
        "work_items": account.items().map(|told| work_item(account, told)).collect::<Vec<_>>(),
        "merged": report.merges.iter().map(|merge| &merge.item).collect::<Vec<_>>(),
        "merges": report.merges.iter().map(merge).collect::<Vec<_>>(),
        "help_asked": report.help_asked,
        "questions": report.questions.iter().map(|asked| question(account, asked)).collect::<Vec<_>>(),
        "waits": waits(&report.waits()),
        "agents": report.agents(account.end()).iter().map(agent).collect::<Vec<_>>(),
        "notes": report.notes.iter().map(note).collect::<Vec<_>>(),
    })
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn need(need: &Need) -> Value {
    object!({
        "item": need.item,
        "what": need.what,
        "detail": need.detail,
        "skipped_for_it": need.fallen,
        "command": need.command,
    })
}

fn work_item(account: &Account<'_>, Told { item, report, .. }: Told<'_>) -> Value {
    object!({
        "key": item.spec.key,
        "title": item.spec.title,
        "kind": item.spec.kind.as_str(),
        "parent": item.parent.map(|parent| account.mission.key(parent)),
        "state": item.now.phase.as_str(),
        "outcome": item.now.outcome.as_ref().map(item::outcome),
        "failed": item.now.failed,
        "agents": report.agents,
        "launches": item.now.launches,
        "attempts": item.now.attempts,
        "losses": item.now.losses,
        "tries": report.tries.iter().map(launch).collect::<Vec<_>>(),
        "spent": item.now.spent,
        "skipped": item.now.skipped,
        "skipped_for": report.root,
        "pull_request": item.now.pull.as_ref().map(|pull| pull.number),
        "began_at": report.began_at,
        "over_at": report.over_at,
        "waited_ms": millis(report.waited),
        "worked_ms": millis(report.worked),
        "judged_ms": millis(report.judged),
        "waits": waits(&report.waits),
    })
}

fn waits(waits: &[Waited]) -> Vec<Value> {
    let one = |Waited { code, owner, took }: &Waited| object!({ "code": code, "owner": owner, "took_ms": millis(*took) });
    waits.iter().map(one).collect()
}

fn launch(launch: &Try) -> Value {
    let Try { attempt, agent, began_at, end, spent } = launch;
    let (how, cause, detail) = match end.as_ref().map(|(_, end)| end) {
        None => (None, None, None),
        Some(TryEnd::HandedIn) => (Some("handed-in"), None, None),
        Some(TryEnd::Failed { cause, detail }) => (Some("failed"), Some(cause), Some(detail)),
        Some(TryEnd::Lost { detail }) => (Some("lost"), None, Some(detail)),
        Some(TryEnd::Cancelled { detail }) => (Some("cancelled"), None, Some(detail)),
    };
    object!({
        "attempt": attempt,
        "agent": agent,
        "began_at": began_at,
        "over_at": end.as_ref().map(|(at, _)| at),
        "end": how,
        "cause": cause,
        "detail": detail,
        "spent": spent,
    })
}

fn merge(Merge { item, pull, commit, at }: &Merge) -> Value {
    object!({ "item": item, "pull_request": pull, "commit": commit, "at": at })
}

fn question(account: &Account<'_>, question: &Question) -> Value {
    let (end, by, answer) = match question.end.as_ref().map(|(_, end)| end) {
        None => (None, None, None),
        Some(QuestionEnd::Answered { by, note }) => (Some("answered"), Some(by), Some(note)),
        Some(QuestionEnd::GivenUp) => (Some("given-up"), None, None),
        Some(QuestionEnd::Withdrawn) => (Some("withdrawn"), None, None),
    };
    object!({
        "item": question.item,
        "to": question.to,
        "reason": question.reason,
        "asked_at": question.asked_at,
        "times": question.times,
        "over_at": question.end.as_ref().map(|(at, _)| at),
        "open_ms": millis(question.open_for(account.end())),
        "end": end,
        "by": by,
        "answer": answer,
    })
}

fn agent(agent: &AgentReport) -> Value {
    let AgentReport { agent, launches, handed_in, failed, lost, worked, spent } = agent;
    object!({
        "agent": agent,
        "launches": launches,
        "handed_in": handed_in,
        "failed": failed,
        "lost": lost,
        "worked_ms": millis(*worked),
        "spent": spent,
    })
}
