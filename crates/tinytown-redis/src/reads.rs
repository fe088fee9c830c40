//! Reading: each is one script, as of one moment.

use tinytown_core::id::{AgentName, Generation, MissionId, OpId, TownId};
use tinytown_core::time::Time;
use tinytown_store::{
    Heartbeat, InboxEntry, InputId, Lease, MailEntry, MissionRow, MissionView, Outgoing, Record, Scope,
    StoreError, TownIdentity, TownView, Vitals,
};

use crate::args::Args;
use crate::fault::Fault;
use crate::keys::Keys;
use crate::reply::{Entry, Items, name, number};
use crate::store::{Answer, Inner};

/// `id`, `name`, `created_at`.
pub(crate) fn identity(items: &mut Items) -> Result<TownIdentity, Fault> {
    let (id, called, created_at) = (items.text()?, items.text()?, items.text()?);
    let id = TownId(name("town id", &id, id.parse::<uuid::Uuid>())?);
    let created_at = Time::from_millis(name("time", &created_at, created_at.parse::<i64>())?);
    Ok(TownIdentity { id, name: called, created_at })
}

fn records(pairs: Vec<(String, String)>) -> Vec<(String, Record)> {
    pairs.into_iter().map(|(key, record)| (key, Record(record))).collect()
}

/// `id`, `version`, `charter`, `head`, whether it has not ended.
fn row(mut items: Items) -> Result<MissionRow, Fault> {
    let id = items.text()?;
    Ok(MissionRow {
        id: name("mission id", &id, id.parse::<MissionId>())?,
        version: items.number()?,
        charter: items.record()?,
        head: items.record()?,
        unfinished: items.number()? == 1,
    })
}

fn beat((agent, beat): (String, String)) -> Result<Heartbeat, Fault> {
    let odd = || Fault::Odd(format!("expected generation and counter, found {beat:?}"));
    let (generation, counter) = beat.split_once(' ').ok_or_else(odd)?;
    let (generation, counter) = (Generation(number(generation)?), number(counter)?);
    Ok(Heartbeat { agent: name("agent name", &agent, AgentName::new(&agent))?, generation, counter })
}

/// An entry of a stream with an index: key and record.
fn keyed(entry: Entry) -> Result<(u64, String, Record), Fault> {
    let (position, [key, record]) = entry.values()?;
    Ok((position, key, Record(record)))
}

pub(crate) fn mail_entry(entry: Entry) -> Result<MailEntry, Fault> {
    keyed(entry).map(|(position, key, record)| MailEntry { position, key, record })
}

pub(crate) fn inbox_entry(entry: Entry) -> Result<InboxEntry, Fault> {
    let (id, [op, input, at]) = entry.values()?;
    let at = Time::from_millis(name("time", &at, at.parse::<i64>())?);
    Ok(InboxEntry { id: InputId(id), op: OpId::new(op), input: Record(input), at })
}

impl Inner {
    pub(crate) async fn town(&self) -> Result<TownView, Fault> {
        let keys = self.keys().await?;
        let named = vec![keys.town(), keys.shared(), keys.effects()];
        let Answer { life: incarnation, mut items, .. } =
            self.read(&self.scripts.town, named, |_| {}).await?;
        let mut own = items.list()?;
        let (identity, version) = (identity(&mut own)?, own.number()?);
        let records = records(items.list()?.pairs()?);
        let effect = |entry| keyed(entry).map(|(_, op, record)| Outgoing { op: OpId::new(op), record });
        let effects = items.list()?.entries()?.into_iter().map(effect).collect::<Result<_, _>>()?;
        Ok(TownView { identity, incarnation, version, records, effects })
    }

    pub(crate) async fn vitals(&self) -> Result<Vitals, Fault> {
        let keys = self.keys().await?;
        let named = vec![keys.town(), keys.beats()];
        let Answer { life: incarnation, mut items, .. } =
            self.read(&self.scripts.vitals, named, |_| {}).await?;
        let mut own = items.list()?;
        let (epoch, counter) = (own.number()?, own.number()?);
        let lease = Lease { epoch, counter, holder: own.maybe()?.map(Record) };
        let beats = items.list()?.pairs()?.into_iter().map(beat).collect::<Result<_, _>>()?;
        Ok(Vitals { incarnation, lease, beats })
    }

    pub(crate) async fn missions(&self, ended: bool) -> Result<Vec<MissionRow>, Fault> {
        let keys = self.keys().await?;
        let index = if ended { keys.missions() } else { keys.unfinished() };
        let named = vec![keys.town(), index, keys.unfinished(), keys.rows()];
        let mut found = self.read(&self.scripts.missions, named, |_| {}).await?.items.list()?;
        let mut rows = Vec::new();
        while !found.is_empty() {
            rows.push(row(found.list()?)?);
        }
        Ok(rows)
    }

    pub(crate) async fn mission(&self, id: MissionId) -> Result<MissionView, Fault> {
        let keys = self.keys().await?;
        let named = vec![keys.town(), keys.unfinished(), keys.rows(), keys.items(id)];
        let more = |args: &mut Args| {
            args.word(&id.to_string());
        };
        let Answer { word, mut items, .. } = self.read(&self.scripts.mission, named, more).await?;
        if word == "no-mission" {
            return Err(StoreError::NoMission(id).into());
        }
        Ok(MissionView { row: row(items.list()?)?, records: records(items.list()?.pairs()?) })
    }

    /// At most `limit` entries of a stream after a position; of a mission's, if there is that mission.
    pub(crate) async fn page(
        &self,
        stream: String,
        after: u64,
        limit: usize,
        mission: Option<MissionId>,
    ) -> Result<Vec<Entry>, Fault> {
        let keys = self.keys().await?;
        let more = |args: &mut Args| {
            let mission = mission.map_or(String::new(), |id| id.to_string());
            args.word(&after).word(&most(limit)).word(&mission);
        };
        let Answer { word, mut items, .. } =
            self.read(&self.scripts.page, vec![keys.town(), stream, keys.rows()], more).await?;
        match mission {
            Some(id) if word == "no-mission" => Err(StoreError::NoMission(id).into()),
            _ if limit == 0 => Ok(Vec::new()),
            _ => items.list()?.entries(),
        }
    }

    pub(crate) async fn steps(
        &self,
        scope: Scope,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Record)>, Fault> {
        let keys = self.keys().await?;
        let (stream, mission) = match scope {
            Scope::Town => (keys.steps(), None),
            Scope::Mission(id) => (keys.steps_of(id), Some(id)),
        };
        let step = |entry: Entry| entry.values().map(|(number, [record])| (number, Record(record)));
        self.page(stream, after, limit, mission).await?.into_iter().map(step).collect()
    }

    pub(crate) async fn blob(&self, sha256: &str) -> Result<String, Fault> {
        let keys = self.keys().await?;
        let found = self.field(&keys, keys.blobs(), sha256).await?.items.maybe()?;
        Ok(found.ok_or_else(|| StoreError::NoBlob(sha256.to_owned()))?)
    }

    /// One field of a hash.
    pub(crate) async fn field(&self, keys: &Keys, hash: String, field: &str) -> Result<Answer, Fault> {
        let more = |args: &mut Args| {
            args.word(field);
        };
        self.read(&self.scripts.field, vec![keys.town(), hash], more).await
    }
}

/// What `COUNT` takes; 0 is for all that there are.
pub(crate) fn most(limit: usize) -> usize {
    match limit {
        0 => 1,
        limit if i32::try_from(limit).is_ok() => limit,
        _ => 0,
    }
}
