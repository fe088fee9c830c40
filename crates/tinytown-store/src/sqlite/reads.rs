//! Reading: each function as of one moment.

use rusqlite::{Connection, Row, params};
use tinytown_core::id::{AgentName, Generation, MissionId, OpId};
use tinytown_core::time::Time;

use super::failure::Failure;
use super::value::{Num, all, first, limit as most, name, num};
use crate::{
    Heartbeat, InboxEntry, InputId, Lease, MailEntry, Mailbox, MissionRow, MissionView, Outgoing, Record,
    Scope, StoreError, TownIdentity, TownView, Vitals,
};

/// The town's row.
pub(super) struct Town {
    pub(super) identity: TownIdentity,
    pub(super) incarnation: u64,
    pub(super) version: u64,
    pub(super) lease: Lease,
}

/// The town's row, or [`Failure::NoTown`].
pub(super) fn town_row(connection: &Connection) -> Result<Town, Failure> {
    let sql = "SELECT id, name, created_at, incarnation, version, lease_epoch, lease_counter, lease_holder
               FROM town";
    let read = |row: &Row<'_>| {
        let lease = Lease { epoch: num(row, 5)?, counter: num(row, 6)?, holder: row.get(7)? };
        let identity = (row.get::<_, String>(0)?, row.get(1)?, row.get(2)?);
        Ok((identity, num(row, 3)?, num(row, 4)?, lease))
    };
    let row = first(connection, sql, [], read)?.ok_or(Failure::NoTown)?;
    let ((id, town, created_at), incarnation, version, lease) = row;
    let id = name("town id", &id, |text| text.parse().map_err(|error| format!("{error}")))?;
    let identity = TownIdentity { id, name: town, created_at: Time::from_millis(created_at) };
    Ok(Town { identity, incarnation, version, lease })
}

/// Reads within one transaction, if there is a town.
fn of_town<T>(
    connection: &mut Connection,
    read: impl FnOnce(&Connection, Town) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let moment = connection.transaction()?;
    let town = town_row(&moment)?;
    read(&moment, town)
}

fn pair(row: &Row<'_>) -> rusqlite::Result<(String, Record)> {
    Ok((row.get(0)?, row.get(1)?))
}

pub(super) fn town(connection: &mut Connection) -> Result<TownView, Failure> {
    of_town(connection, |moment, Town { identity, incarnation, version, .. }| {
        let records = all(moment, "SELECT key, record FROM town_record ORDER BY key", [], pair)?;
        let effect =
            |row: &Row<'_>| Ok(Outgoing { op: OpId::new(row.get::<_, String>(0)?), record: row.get(1)? });
        let effects = all(moment, "SELECT op, record FROM effect ORDER BY position", [], effect)?;
        Ok(TownView { identity, incarnation, version, records, effects })
    })
}

pub(super) fn vitals(connection: &mut Connection) -> Result<Vitals, Failure> {
    of_town(connection, |moment, Town { incarnation, lease, .. }| {
        let sql = "SELECT agent, generation, counter FROM beat ORDER BY agent";
        let row = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, num(row, 1)?, num(row, 2)?));
        let beats = all(moment, sql, [], row)?.into_iter().map(|(agent, generation, counter)| {
            let agent = agent_name(&agent)?;
            Ok(Heartbeat { agent, generation: Generation(generation), counter })
        });
        Ok(Vitals { incarnation, lease, beats: beats.collect::<Result<_, Failure>>()? })
    })
}

fn agent_name(text: &str) -> Result<AgentName, Failure> {
    name("agent name", text, |text| AgentName::new(text).map_err(|error| error.to_string()))
}

/// The latest beat of an agent.
pub(super) fn beat(connection: &Connection, agent: &AgentName) -> Result<Option<(Generation, u64)>, Failure> {
    let sql = "SELECT generation, counter FROM beat WHERE agent = ?1";
    let read = |row: &Row<'_>| Ok((Generation(num(row, 0)?), num(row, 1)?));
    Ok(first(connection, sql, [agent.as_str()], read)?)
}

/// A mission's place in the order of first commits, and its version.
pub(super) fn mission_version(connection: &Connection, id: MissionId) -> Result<Option<(i64, u64)>, Failure> {
    let sql = "SELECT seq, version FROM mission WHERE id = ?1";
    Ok(first(connection, sql, [id.to_string()], |row| Ok((row.get(0)?, num(row, 1)?)))?)
}

type RawRow = (i64, String, u64, bool, Record, Record);

/// What [`raw_row`] reads.
const MISSION: &str = "SELECT seq, id, version, unfinished,
                              (SELECT record FROM charter WHERE charter.mission = seq), head
                       FROM mission";

fn raw_row(row: &Row<'_>) -> rusqlite::Result<RawRow> {
    Ok((row.get(0)?, row.get(1)?, num(row, 2)?, row.get(3)?, row.get(4)?, row.get(5)?))
}

fn mission_row((_, id, version, unfinished, charter, head): RawRow) -> Result<MissionRow, Failure> {
    let id = name("mission id", &id, |text| text.parse().map_err(|error| format!("{error}")))?;
    Ok(MissionRow { id, version, unfinished, charter, head })
}

pub(super) fn missions(connection: &mut Connection, ended: bool) -> Result<Vec<MissionRow>, Failure> {
    let which = if ended { "" } else { "WHERE unfinished = 1" };
    let sql = format!("{MISSION} {which} ORDER BY seq");
    of_town(connection, |moment, _| all(moment, &sql, [], raw_row)?.into_iter().map(mission_row).collect())
}

pub(super) fn mission(connection: &mut Connection, id: MissionId) -> Result<MissionView, Failure> {
    of_town(connection, |moment, _| {
        let sql = format!("{MISSION} WHERE id = ?1");
        let row = first(moment, &sql, [id.to_string()], raw_row)?.ok_or(StoreError::NoMission(id))?;
        let sql = "SELECT key, record FROM mission_record WHERE mission = ?1 ORDER BY key";
        let records = all(moment, sql, [row.0], pair)?;
        Ok(MissionView { row: mission_row(row)?, records })
    })
}

pub(super) fn steps(
    connection: &mut Connection,
    scope: Scope,
    after: u64,
    limit: usize,
) -> Result<Vec<(u64, Record)>, Failure> {
    of_town(connection, |moment, _| {
        let scope = match scope {
            Scope::Town => 0,
            Scope::Mission(id) => mission_version(moment, id)?.ok_or(StoreError::NoMission(id))?.0,
        };
        let sql = "SELECT number, record FROM step WHERE scope = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
        let params = params![scope, Num(after), most(limit)];
        Ok(all(moment, sql, params, |row| Ok((num(row, 0)?, row.get(1)?)))?)
    })
}

pub(super) fn blob(connection: &mut Connection, sha256: &str) -> Result<String, Failure> {
    of_town(connection, |moment, _| {
        let text = first(moment, "SELECT text FROM blob WHERE sha256 = ?1", [sha256], |row| row.get(0))?;
        Ok(text.ok_or_else(|| StoreError::NoBlob(sha256.to_owned()))?)
    })
}

pub(super) fn answer(connection: &mut Connection, op: &OpId) -> Result<Option<Record>, Failure> {
    of_town(connection, |moment, _| {
        let answer =
            first(moment, "SELECT answer FROM input WHERE op = ?1", [op.as_str()], |row| row.get(0))?;
        Ok(answer.flatten())
    })
}

pub(super) fn inbox(
    connection: &mut Connection,
    after: InputId,
    limit: usize,
) -> Result<Vec<InboxEntry>, Failure> {
    // The index is named, so that a day of acknowledged inputs is never walked through.
    let sql = "SELECT id, op, input, at FROM input INDEXED BY input_waiting
               WHERE answer IS NULL AND id > ?1 ORDER BY id LIMIT ?2";
    let read = |row: &Row<'_>| {
        Ok(InboxEntry {
            id: InputId(num(row, 0)?),
            op: OpId::new(row.get::<_, String>(1)?),
            input: row.get(2)?,
            at: Time::from_millis(row.get(3)?),
        })
    };
    of_town(connection, |moment, _| Ok(all(moment, sql, params![Num(after.0), most(limit)], read)?))
}

pub(super) fn mail(
    connection: &mut Connection,
    of: &Mailbox,
    after: u64,
    limit: usize,
) -> Result<Vec<MailEntry>, Failure> {
    let sql = "SELECT position, key, record FROM mail INDEXED BY mail_order
               WHERE box = ?1 AND position > ?2 ORDER BY position LIMIT ?3";
    let read =
        |row: &Row<'_>| Ok(MailEntry { position: num(row, 0)?, key: row.get(1)?, record: row.get(2)? });
    let params = params![of.to_string(), Num(after), most(limit)];
    of_town(connection, |moment, _| Ok(all(moment, sql, params, read)?))
}
