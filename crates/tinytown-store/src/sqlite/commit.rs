//! A commit as one transaction: first everything that may refuse it, then all changes. Whatever
//! fails on the way takes everything with it.

use rusqlite::{Connection, Row, params};
use tinytown_core::id::OpId;
use tinytown_core::mutant::{Mutant, is_planted};

use super::failure::Failure;
use super::reads::{self, mission_version, town_row};
use super::value::{Num, execute, first, num};
use super::writes::{DAY, keep_blobs, write};
use crate::{
    Commit, Committed, InputId, Mail, Mailbox, MissionWrite, Outgoing, Record, StoreError, TownWrite, rules,
};

pub(super) fn commit(connection: &mut Connection, commit: &Commit) -> Result<Committed, Failure> {
    if is_planted(Mutant::CommitWithoutTransaction) {
        return change(connection, commit);
    }
    let committed = write(connection, |tx| change(tx, commit))?;
    if is_planted(Mutant::AcknowledgedApart) {
        write(connection, |tx| acknowledge(tx, commit).or(Ok(())))?;
    }
    Ok(committed)
}

fn change(tx: &Connection, commit: &Commit) -> Result<Committed, Failure> {
    let town = town_row(tx)?;
    if let Some(first) = memo(tx, &commit.op)? {
        return Ok(first);
    }
    rules::holds(town.incarnation, &town.lease, commit.fence)?;
    let mission = check(tx, commit, town.version)?;
    if !is_planted(Mutant::AcknowledgedApart) {
        acknowledge(tx, commit)?;
    }
    let version = match &commit.town {
        Some(change) => write_town(tx, change)?,
        None => town.version,
    };
    let mission = match &commit.mission {
        Some(change) => write_mission(tx, change, mission)?,
        None => 0,
    };
    write_mail(tx, &commit.mail_done, &commit.mail)?;
    write_effects(tx, &commit.effects_done, &commit.effects)?;
    keep_blobs(tx, &commit.blobs)?;
    let committed = Committed { town: version, mission };
    remember(tx, commit, committed)?;
    Ok(committed)
}

fn memo(tx: &Connection, op: &OpId) -> Result<Option<Committed>, Failure> {
    let sql = "SELECT town, mission FROM commit_memo WHERE op = ?1";
    let read = |row: &Row<'_>| Ok(Committed { town: num(row, 0)?, mission: num(row, 1)? });
    Ok(first(tx, sql, [op.as_str()], read)?)
}

/// Versions and heartbeats. Answers the place of the mission, if it is there already.
fn check(tx: &Connection, commit: &Commit, version: u64) -> Result<Option<i64>, Failure> {
    if let Some(change) = &commit.town {
        rules::fresh("town", change.expect, version)?;
    }
    let place = match &commit.mission {
        Some(change) => check_mission(tx, change)?,
        None => None,
    };
    for seen in &commit.unmoved {
        rules::unmoved(seen, reads::beat(tx, &seen.agent)?)?;
    }
    Ok(place)
}

fn check_mission(tx: &Connection, change: &MissionWrite) -> Result<Option<i64>, Failure> {
    match mission_version(tx, change.id)? {
        Some((place, version)) => {
            rules::fresh(change.id, change.expect, version)?;
            Ok(Some(place))
        }
        None if change.expect == 0 => Ok(None),
        None => Err(StoreError::NoMission(change.id).into()),
    }
}

/// The last thing that may refuse: each input must be waiting.
fn acknowledge(tx: &Connection, commit: &Commit) -> Result<(), Failure> {
    let sql = "UPDATE input SET answer = ?2, answered_at = ?3 WHERE id = ?1 AND answer IS NULL";
    for (InputId(id), answer) in &commit.acks {
        let changed = execute(tx, sql, params![Num(*id), answer, commit.at.as_millis()])?;
        if changed != 1 {
            return Err(rules::not_waiting(*id).into());
        }
    }
    Ok(())
}

fn write_town(tx: &Connection, change: &TownWrite) -> Result<u64, Failure> {
    let version = change.expect + 1;
    execute(tx, "UPDATE town SET version = ?1", [Num(version)])?;
    for key in &change.delete {
        execute(tx, "DELETE FROM town_record WHERE key = ?1", [key])?;
    }
    let sql = "INSERT INTO town_record (key, record) VALUES (?1, ?2)
               ON CONFLICT (key) DO UPDATE SET record = ?2";
    for (key, record) in &change.put {
        execute(tx, sql, params![key, record])?;
    }
    if let Some(step) = &change.step {
        write_step(tx, 0, version, step)?;
    }
    Ok(version)
}

fn write_mission(tx: &Connection, change: &MissionWrite, place: Option<i64>) -> Result<u64, Failure> {
    let version = change.expect + 1;
    let place = match place {
        Some(place) => place,
        None => begin_mission(tx, change)?,
    };
    let sql = "UPDATE mission SET version = ?2, unfinished = ?3, head = ?4 WHERE seq = ?1";
    execute(tx, sql, params![place, Num(version), change.unfinished, change.head])?;
    let sql = "INSERT INTO mission_record (mission, key, record) VALUES (?1, ?2, ?3)
               ON CONFLICT (mission, key) DO UPDATE SET record = ?3";
    for (key, record) in &change.put {
        execute(tx, sql, params![place, key, record])?;
    }
    write_step(tx, place, version, &change.step)?;
    Ok(version)
}

/// A new mission's row, behind all others.
fn begin_mission(tx: &Connection, change: &MissionWrite) -> Result<i64, Failure> {
    let MissionWrite { id, unfinished, charter, head, .. } = change;
    let sql = "INSERT INTO mission (id, version, unfinished, head) VALUES (?1, 0, ?2, ?3)";
    execute(tx, sql, params![id.to_string(), unfinished, head])?;
    let place = tx.last_insert_rowid();
    execute(tx, "INSERT INTO charter (mission, record) VALUES (?1, ?2)", params![place, charter])?;
    Ok(place)
}

fn write_step(tx: &Connection, scope: i64, number: u64, step: &Record) -> Result<(), Failure> {
    let sql = "INSERT INTO step (scope, number, record) VALUES (?1, ?2, ?3)";
    execute(tx, sql, params![scope, Num(number), step])?;
    Ok(())
}

fn write_mail(tx: &Connection, done: &[(Mailbox, String)], mail: &[Mail]) -> Result<(), Failure> {
    for (to, key) in done {
        execute(tx, "DELETE FROM mail WHERE box = ?1 AND key = ?2", [&to.to_string(), key])?;
    }
    // Not `ON CONFLICT DO NOTHING`, which uses up a position.
    let sql = "INSERT INTO mail (box, key, record) SELECT ?1, ?2, ?3
               WHERE NOT EXISTS (SELECT 1 FROM mail WHERE box = ?1 AND key = ?2)";
    for Mail { to, key, record } in mail {
        execute(tx, sql, params![to.to_string(), key, record])?;
    }
    Ok(())
}

fn write_effects(tx: &Connection, done: &[OpId], effects: &[Outgoing]) -> Result<(), Failure> {
    for op in done {
        execute(tx, "DELETE FROM effect WHERE op = ?1", [op.as_str()])?;
    }
    let sql = "INSERT INTO effect (op, record) VALUES (?1, ?2) ON CONFLICT (op) DO NOTHING";
    for Outgoing { op, record } in effects {
        execute(tx, sql, params![op.as_str(), record])?;
    }
    Ok(())
}

/// Remembers the commit's name, and forgets a few names that are more than a day old: at least as
/// many as were added, so that the store does not grow by them.
fn remember(tx: &Connection, commit: &Commit, committed: Committed) -> Result<(), Failure> {
    let at = commit.at.as_millis();
    let Committed { town, mission } = committed;
    let sql = "INSERT INTO commit_memo (op, at, town, mission) VALUES (?1, ?2, ?3, ?4)";
    execute(tx, sql, params![commit.op.as_str(), at, Num(town), Num(mission)])?;
    let few = Num(commit.acks.len() as u64 + 4);
    let sql = "DELETE FROM commit_memo
               WHERE at < ?1 AND seq IN (SELECT seq FROM commit_memo ORDER BY seq LIMIT ?2)";
    execute(tx, sql, params![at - DAY, few])?;
    let sql = "DELETE FROM input
               WHERE answered_at < ?1 AND id IN (SELECT id FROM input ORDER BY id LIMIT ?2)";
    execute(tx, sql, params![at - DAY, few])?;
    Ok(())
}
