//! A commit as the script takes it; `scripts/commit.lua` has the same order.

use std::collections::BTreeMap;

use tinytown_core::id::{AgentName, MissionId};
use tinytown_store::{
    Commit, Committed, InputId, LeaseFence, Mailbox, MissionWrite, StoreError, TownWrite, rules,
};

use crate::args::Args;
use crate::fault::Fault;
use crate::keys::Keys;
use crate::reply::name;
use crate::store::Answer;

/// For how long names of operations are remembered, in milliseconds.
const DAY: i64 = 86_400_000;

/// Where a mailbox's stream is among the keys, counted from 1; its index follows it.
type Boxes<'a> = BTreeMap<&'a Mailbox, usize>;

/// The keys of a commit, and where each mailbox's are.
pub(crate) fn keys<'a>(keys: &Keys, commit: &'a Commit) -> (Vec<String>, Boxes<'a>) {
    // Keys must be named, so a commit without a mission names those of none.
    let mission = commit.mission.as_ref().map_or(MissionId(uuid::Uuid::nil()), |write| write.id);
    let mut named = vec![
        keys.town(),
        keys.shared(),
        keys.steps(),
        keys.inbox(),
        keys.posts(),
        keys.answers(),
        keys.memos(),
        keys.commits(),
        keys.effects(),
        keys.effect_at(),
        keys.beats(),
        keys.blobs(),
        keys.missions(),
        keys.unfinished(),
        keys.rows(),
        keys.items(mission),
        keys.steps_of(mission),
    ];
    let mut boxes = Boxes::new();
    let done = commit.mail_done.iter().map(|(of, _)| of);
    for of in done.chain(commit.mail.iter().map(|mail| &mail.to)) {
        boxes.entry(of).or_insert_with(|| {
            named.extend([keys.mail(of), keys.mail_at(of)]);
            named.len() - 1
        });
    }
    (named, boxes)
}

/// A commit behind what every changing script is given.
pub(crate) fn args(args: &mut Args, commit: &Commit, boxes: &Boxes<'_>) {
    let LeaseFence { incarnation, epoch } = commit.fence;
    let at = commit.at.as_millis();
    args.word(commit.op.as_str()).word(&incarnation).word(&epoch).word(&at).word(&at.saturating_sub(DAY));
    town(args, commit.town.as_ref());
    mission(args, commit.mission.as_ref());
    args.list(&commit.unmoved, |args, seen| {
        args.word(seen.agent.as_str()).word(&seen.generation.0).word(&seen.counter);
    });
    args.list(&commit.acks, |args, (InputId(id), answer)| {
        args.word(id).word(answer);
    });
    let place = |of: &Mailbox| boxes.get(of).copied().unwrap_or_default();
    args.list(&commit.mail_done, |args, (of, key)| {
        args.word(&place(of)).word(key);
    });
    args.list(&commit.mail, |args, mail| {
        args.word(&place(&mail.to)).word(&mail.key).word(&mail.record);
    });
    args.list(&commit.effects_done, |args, op| {
        args.word(op.as_str());
    });
    args.list(&commit.effects, |args, effect| {
        args.word(effect.op.as_str()).word(&effect.record);
    });
    args.list(&commit.blobs, |args, blob| {
        args.word(&blob.sha256).word(&blob.text);
    });
}

fn town(args: &mut Args, write: Option<&TownWrite>) {
    args.word(&write.is_some());
    let Some(write) = write else { return };
    args.word(&write.expect).word(&write.expect.saturating_add(1));
    let step = write.step.as_ref().map_or("", |step| &step.0);
    args.word(&write.step.is_some()).word(step);
    args.list(&write.delete, |args, key| {
        args.word(key);
    });
    args.list(&write.put, |args, (key, record)| {
        args.word(key).word(record);
    });
}

fn mission(args: &mut Args, write: Option<&MissionWrite>) {
    args.word(&write.is_some());
    let Some(write) = write else { return };
    let charter = write.charter.as_ref().map_or("", |charter| &charter.0);
    args.word(&write.id.to_string()).word(&write.expect).word(&write.expect.saturating_add(1));
    args.word(charter).word(&write.head).word(&write.unfinished).word(&write.step);
    args.list(&write.put, |args, (key, record)| {
        args.word(key).word(record);
    });
}

/// What the script's answer means.
pub(crate) fn outcome(commit: &Commit, answer: Answer) -> Result<Committed, Fault> {
    let Answer { word, life, mut items, .. } = answer;
    let refusal = match word.as_str() {
        "committed" => return Ok(Committed { town: items.number()?, mission: items.number()? }),
        "fenced" => {
            let theirs = LeaseFence { incarnation: life, epoch: items.number()? };
            StoreError::Fenced { ours: commit.fence, theirs }
        }
        "stale" => stale(commit, &items.text()?, items.number()?),
        "no-mission" => {
            StoreError::NoMission(commit.mission.as_ref().map_or(MissionId(uuid::Uuid::nil()), |it| it.id))
        }
        "moved" => {
            let agent = items.text()?;
            StoreError::Moved { agent: name("agent name", &agent, AgentName::new(&agent))? }
        }
        "not-waiting" => rules::not_waiting(items.number()?),
        other => return Err(Fault::Odd(format!("answered {other:?} to a commit"))),
    };
    Err(refusal.into())
}

fn stale(commit: &Commit, what: &str, found: u64) -> StoreError {
    let town = commit.town.as_ref().filter(|_| what == "town").map(|write| write.expect);
    let expected = town.or_else(|| commit.mission.as_ref().map(|write| write.expect)).unwrap_or_default();
    StoreError::Stale { what: what.to_owned(), expected, found }
}
