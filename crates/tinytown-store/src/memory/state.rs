//! What the in-memory model remembers, and how it is read.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use tinytown_core::id::{AgentName, Generation, MissionId, OpId};

use crate::{
    Committed, Heartbeat, InboxEntry, InputId, Lease, LeaseReply, MailEntry, Mailbox, MissionRow,
    MissionView, Outgoing, Record, Scope, StoreError, TownIdentity, TownView, Vitals,
};

/// The store as a whole: perhaps a town.
#[derive(Debug)]
pub(super) struct State {
    incarnation: u64,
    town: Option<Town>,
}

/// An input, from its post to a long time after its acknowledgement.
#[derive(Debug)]
pub(super) struct Posted {
    pub(super) entry: InboxEntry,
    pub(super) answer: Option<Record>,
}

/// A mission with its records and its history.
#[derive(Debug)]
pub(super) struct Mission {
    pub(super) row: MissionRow,
    pub(super) records: BTreeMap<String, Record>,
    pub(super) steps: BTreeMap<u64, Record>,
}

/// A town.
#[derive(Debug)]
pub(super) struct Town {
    pub(super) identity: TownIdentity,
    pub(super) incarnation: u64,
    pub(super) version: u64,
    pub(super) records: BTreeMap<String, Record>,
    pub(super) steps: BTreeMap<u64, Record>,
    pub(super) lease: Lease,
    pub(super) beats: BTreeMap<AgentName, (Generation, u64)>,
    pub(super) posts: BTreeMap<OpId, Posted>,
    /// Unacknowledged inputs by position.
    pub(super) waiting: BTreeMap<u64, OpId>,
    pub(super) last_input: u64,
    pub(super) mail: BTreeMap<Mailbox, BTreeMap<u64, MailEntry>>,
    pub(super) last_mail: u64,
    /// In the order in which they were decided.
    pub(super) effects: Vec<Outgoing>,
    /// In the order of their first commits.
    pub(super) missions: Vec<Mission>,
    pub(super) blobs: BTreeMap<String, String>,
    pub(super) lease_memos: BTreeMap<OpId, LeaseReply>,
    pub(super) commit_memos: BTreeMap<OpId, Committed>,
}

impl State {
    pub(super) fn new() -> Self {
        Self { incarnation: 1, town: None }
    }

    pub(super) fn town(&self) -> Result<&Town, StoreError> {
        self.town.as_ref().ok_or_else(no_town)
    }

    pub(super) fn town_mut(&mut self) -> Result<&mut Town, StoreError> {
        self.town.as_mut().ok_or_else(no_town)
    }

    pub(super) fn found(&mut self, identity: &TownIdentity) -> Result<(), StoreError> {
        match &self.town {
            Some(town) if town.identity == *identity => Ok(()),
            Some(Town { identity: TownIdentity { id, name, .. }, .. }) => {
                Err(StoreError::TownExists { name: name.clone(), id: *id })
            }
            None => {
                self.town = Some(Town::new(identity.clone(), self.incarnation));
                Ok(())
            }
        }
    }

    pub(super) fn set_incarnation(&mut self, incarnation: u64) {
        self.incarnation = incarnation;
        if let Some(town) = &mut self.town {
            town.incarnation = incarnation;
            town.lease.holder = None;
        }
    }
}

fn no_town() -> StoreError {
    StoreError::NoTown { at: "memory".to_owned() }
}

fn pairs(records: &BTreeMap<String, Record>) -> Vec<(String, Record)> {
    records.iter().map(|(key, record)| (key.clone(), record.clone())).collect()
}

impl Town {
    fn new(identity: TownIdentity, incarnation: u64) -> Self {
        Self {
            identity,
            incarnation,
            version: 0,
            records: BTreeMap::new(),
            steps: BTreeMap::new(),
            lease: Lease { epoch: 0, counter: 0, holder: None },
            beats: BTreeMap::new(),
            posts: BTreeMap::new(),
            waiting: BTreeMap::new(),
            last_input: 0,
            mail: BTreeMap::new(),
            last_mail: 0,
            effects: Vec::new(),
            missions: Vec::new(),
            blobs: BTreeMap::new(),
            lease_memos: BTreeMap::new(),
            commit_memos: BTreeMap::new(),
        }
    }

    fn find(&self, id: MissionId) -> Result<&Mission, StoreError> {
        self.missions.iter().find(|mission| mission.row.id == id).ok_or(StoreError::NoMission(id))
    }

    pub(super) fn view(&self) -> TownView {
        TownView {
            identity: self.identity.clone(),
            incarnation: self.incarnation,
            version: self.version,
            records: pairs(&self.records),
            effects: self.effects.clone(),
        }
    }

    pub(super) fn vitals(&self) -> Vitals {
        let beat = |(agent, (generation, counter)): (&AgentName, &(Generation, u64))| Heartbeat {
            agent: agent.clone(),
            generation: *generation,
            counter: *counter,
        };
        Vitals {
            incarnation: self.incarnation,
            lease: self.lease.clone(),
            beats: self.beats.iter().map(beat).collect(),
        }
    }

    pub(super) fn missions(&self, ended: bool) -> Vec<MissionRow> {
        let rows = self.missions.iter().map(|mission| &mission.row);
        rows.filter(|row| ended || row.unfinished).cloned().collect()
    }

    pub(super) fn mission(&self, id: MissionId) -> Result<MissionView, StoreError> {
        let mission = self.find(id)?;
        Ok(MissionView { row: mission.row.clone(), records: pairs(&mission.records) })
    }

    pub(super) fn steps(
        &self,
        scope: Scope,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Record)>, StoreError> {
        let steps = match scope {
            Scope::Town => &self.steps,
            Scope::Mission(id) => &self.find(id)?.steps,
        };
        let later = steps.range((Excluded(after), Unbounded));
        Ok(later.take(limit).map(|(number, record)| (*number, record.clone())).collect())
    }

    pub(super) fn blob(&self, sha256: &str) -> Result<String, StoreError> {
        self.blobs.get(sha256).cloned().ok_or_else(|| StoreError::NoBlob(sha256.to_owned()))
    }

    pub(super) fn answer(&self, op: &OpId) -> Option<Record> {
        self.posts.get(op)?.answer.clone()
    }

    pub(super) fn inbox(&self, after: InputId, limit: usize) -> Vec<InboxEntry> {
        let later = self.waiting.range((Excluded(after.0), Unbounded)).take(limit);
        later.filter_map(|(_, op)| self.posts.get(op)).map(|posted| posted.entry.clone()).collect()
    }

    pub(super) fn mail(&self, of: &Mailbox, after: u64, limit: usize) -> Vec<MailEntry> {
        let Some(entries) = self.mail.get(of) else { return Vec::new() };
        entries.range((Excluded(after), Unbounded)).take(limit).map(|(_, entry)| entry.clone()).collect()
    }
}
