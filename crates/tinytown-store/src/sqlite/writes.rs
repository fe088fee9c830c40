//! Writing, but for commits: founding, the lease, beats and posts. Each is one transaction.

use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Row, TransactionBehavior, params};
use tinytown_core::id::{AgentName, Generation, OpId};

use super::failure::Failure;
use super::reads::{self, Town, town_row};
use super::value::{Num, execute, first, num};
use crate::{
    Blob, InputId, Lease, LeaseCall, LeaseFence, LeaseReply, Post, Record, StoreError, TownIdentity, crash,
    rules,
};

/// For how long names of operations are remembered, in milliseconds.
pub(super) const DAY: i64 = 86_400_000;

/// Writes within one transaction, which waits for its turn among processes before it reads anything.
pub(super) fn write<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    crash::point("nothing");
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    crash::point("BEGIN");
    let answer = work(&transaction)?;
    crash::point("everything before COMMIT");
    transaction.commit()?;
    crash::point("COMMIT");
    Ok(answer)
}

pub(super) fn found(connection: &mut Connection, identity: &TownIdentity) -> Result<(), Failure> {
    write(connection, |tx| match town_row(tx) {
        Ok(Town { identity: there, .. }) if there == *identity => Ok(()),
        Ok(Town { identity: TownIdentity { id, name, .. }, .. }) => {
            Err(StoreError::TownExists { name, id }.into())
        }
        Err(Failure::NoTown) => {
            // A number that no earlier file under this path had; 53 bits pass through any JSON.
            let sql = "INSERT INTO town (one, id, name, created_at, incarnation)
                       VALUES (1, ?1, ?2, ?3, (random() & 0x1fffffffffffff) | 1)";
            let TownIdentity { id, name, created_at } = identity;
            execute(tx, sql, params![id.to_string(), name, created_at.as_millis()])?;
            Ok(())
        }
        Err(other) => Err(other),
    })
}

pub(super) fn lease(connection: &mut Connection, op: &OpId, call: &LeaseCall) -> Result<LeaseReply, Failure> {
    write(connection, |tx| {
        let Town { incarnation, mut lease, .. } = town_row(tx)?;
        if let Some(first) = lease_memo(tx, op)? {
            return Ok(first);
        }
        let reply = rules::lease(incarnation, &mut lease, call);
        if !matches!(reply, LeaseReply::Refused(_)) {
            let sql = "UPDATE town SET lease_epoch = ?1, lease_counter = ?2, lease_holder = ?3";
            execute(tx, sql, params![Num(lease.epoch), Num(lease.counter), lease.holder])?;
        }
        remember_lease(tx, op, &reply)?;
        Ok(reply)
    })
}

/// The first answer to a lease call of that name.
fn lease_memo(tx: &Connection, op: &OpId) -> Result<Option<LeaseReply>, Failure> {
    let sql = "SELECT reply, incarnation, epoch, counter, holder FROM lease_memo WHERE op = ?1";
    let read = |row: &Row<'_>| {
        let (incarnation, epoch) = (num(row, 1)?, num(row, 2)?);
        Ok(match row.get_ref(0)?.as_str()? {
            "held" => LeaseReply::Held(LeaseFence { incarnation, epoch }),
            "released" => LeaseReply::Released,
            _ => LeaseReply::Refused(Lease { epoch, counter: num(row, 3)?, holder: row.get(4)? }),
        })
    };
    Ok(first(tx, sql, [op.as_str()], read)?)
}

fn remember_lease(tx: &Connection, op: &OpId, reply: &LeaseReply) -> Result<(), Failure> {
    let none: &Option<Record> = &None;
    let (word, incarnation, epoch, counter, holder) = match reply {
        LeaseReply::Held(LeaseFence { incarnation, epoch }) => ("held", *incarnation, *epoch, 0, none),
        LeaseReply::Released => ("released", 0, 0, 0, none),
        LeaseReply::Refused(Lease { epoch, counter, holder }) => ("refused", 0, *epoch, *counter, holder),
    };
    // Lease calls carry no time, so this machine's says when their names may be forgotten. It judges nothing else.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let sql = "INSERT INTO lease_memo (op, at, reply, incarnation, epoch, counter, holder)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let values = params![op.as_str(), now, word, Num(incarnation), Num(epoch), Num(counter), holder];
    execute(tx, sql, values)?;
    let sql = "DELETE FROM lease_memo
               WHERE at < ?1 AND seq IN (SELECT seq FROM lease_memo ORDER BY seq LIMIT 4)";
    execute(tx, sql, [now - DAY])?;
    Ok(())
}

pub(super) fn beat(
    connection: &mut Connection,
    agent: &AgentName,
    generation: Generation,
) -> Result<u64, Failure> {
    write(connection, |tx| {
        town_row(tx)?;
        let counter = rules::beat(agent, reads::beat(tx, agent)?, generation)?;
        let sql = "INSERT INTO beat (agent, generation, counter) VALUES (?1, ?2, ?3)
                   ON CONFLICT (agent) DO UPDATE SET generation = ?2, counter = ?3";
        execute(tx, sql, params![agent.as_str(), Num(generation.0), Num(counter)])?;
        Ok(counter)
    })
}

pub(super) fn post(connection: &mut Connection, post: &Post) -> Result<InputId, Failure> {
    write(connection, |tx| {
        town_row(tx)?;
        let sql = "SELECT id, input FROM input WHERE op = ?1";
        let known = first(tx, sql, [post.op.as_str()], |row| Ok((num(row, 0)?, row.get::<_, Record>(1)?)))?;
        match known {
            Some((id, input)) if input == post.input => return Ok(InputId(id)),
            Some(_) => return Err(rules::other_content(post).into()),
            None => {}
        }
        keep_blobs(tx, &post.blobs)?;
        let sql = "INSERT INTO input (op, input, at) VALUES (?1, ?2, ?3) RETURNING id";
        let values = params![post.op.as_str(), post.input, post.at.as_millis()];
        let id = tx.prepare_cached(sql)?.query_row(values, |row| num(row, 0))?;
        crash::point(sql);
        Ok(InputId(id))
    })
}

pub(super) fn keep_blobs(tx: &Connection, blobs: &[Blob]) -> Result<(), Failure> {
    for Blob { sha256, text } in blobs {
        let sql = "INSERT INTO blob (sha256, text) VALUES (?1, ?2) ON CONFLICT (sha256) DO NOTHING";
        execute(tx, sql, [sha256, text])?;
    }
    Ok(())
}
