//! How the in-memory model changes: first everything that may be refused, then everything at once.

use tinytown_core::id::{AgentName, Generation, MissionId, OpId};
use tinytown_core::mutant::{Mutant, is_planted};

use super::state::{Mission, Posted, Town};
use crate::{
    Blob, Commit, Committed, InboxEntry, InputId, LeaseCall, LeaseReply, Mail, MailEntry, Mailbox,
    MissionRow, MissionWrite, Outgoing, Post, Record, StoreError, TownWrite, rules,
};

impl Town {
    pub(super) fn change_lease(&mut self, op: &OpId, call: &LeaseCall) -> LeaseReply {
        if let Some(first) = self.lease_memos.get(op) {
            return first.clone();
        }
        let reply = rules::lease(self.incarnation, &mut self.lease, call);
        self.lease_memos.insert(op.clone(), reply.clone());
        reply
    }

    pub(super) fn beat(&mut self, agent: &AgentName, generation: Generation) -> Result<u64, StoreError> {
        let counter = rules::beat(agent, self.beats.get(agent).copied(), generation)?;
        self.beats.insert(agent.clone(), (generation, counter));
        Ok(counter)
    }

    pub(super) fn post(&mut self, post: &Post) -> Result<InputId, StoreError> {
        let known = self.posts.get(&post.op).filter(|_| !is_planted(Mutant::PostedTwice));
        match known {
            Some(first) if first.entry.input == post.input => return Ok(first.entry.id),
            Some(_) => return Err(rules::other_content(post)),
            None => {}
        }
        self.last_input += 1;
        let id = InputId(self.last_input);
        let entry = InboxEntry { id, op: post.op.clone(), input: post.input.clone(), at: post.at };
        self.posts.insert(post.op.clone(), Posted { entry, answer: None });
        self.waiting.insert(id.0, post.op.clone());
        self.keep_blobs(&post.blobs);
        Ok(id)
    }

    pub(super) fn commit(&mut self, commit: &Commit) -> Result<Committed, StoreError> {
        if let Some(first) = self.commit_memos.get(&commit.op) {
            return Ok(*first);
        }
        if is_planted(Mutant::AcknowledgedBeforeCommitted) {
            for (id, answer) in &commit.acks {
                self.acknowledge(*id, answer);
            }
        }
        self.check(commit)?;
        if let Some(write) = &commit.town {
            self.write_town(write);
        }
        let mission = commit.mission.as_ref().map_or(0, |write| self.write_mission(write));
        for (id, answer) in &commit.acks {
            self.acknowledge(*id, answer);
        }
        self.write_mail(&commit.mail_done, &commit.mail);
        self.write_effects(&commit.effects_done, &commit.effects);
        self.keep_blobs(&commit.blobs);
        let committed = Committed { town: self.version, mission };
        self.commit_memos.insert(commit.op.clone(), committed);
        Ok(committed)
    }

    /// Everything a commit may be refused for. After it, nothing fails.
    fn check(&self, commit: &Commit) -> Result<(), StoreError> {
        if !is_planted(Mutant::FenceUnchecked) {
            rules::holds(self.incarnation, &self.lease, commit.fence)?;
        }
        if let Some(write) = &commit.town {
            rules::fresh("town", write.expect, self.version)?;
        }
        if let Some(write) = &commit.mission {
            self.check_mission(write.id, write.expect)?;
        }
        for seen in &commit.unmoved {
            rules::unmoved(seen, self.beats.get(&seen.agent).copied())?;
        }
        if is_planted(Mutant::AcknowledgedBeforeCommitted) {
            return Ok(());
        }
        match commit.acks.iter().find(|(id, _)| !self.waiting.contains_key(&id.0)) {
            Some((id, _)) => Err(rules::not_waiting(id.0)),
            None => Ok(()),
        }
    }

    fn check_mission(&self, id: MissionId, expect: u64) -> Result<(), StoreError> {
        match self.missions.iter().find(|mission| mission.row.id == id) {
            Some(mission) => rules::fresh(id, expect, mission.row.version),
            None if expect == 0 => Ok(()),
            None => Err(StoreError::NoMission(id)),
        }
    }

    fn write_town(&mut self, write: &TownWrite) {
        self.version += 1;
        for key in &write.delete {
            self.records.remove(key);
        }
        self.records.extend(write.put.iter().cloned());
        if let Some(step) = &write.step {
            self.steps.insert(self.version, step.clone());
        }
    }

    fn write_mission(&mut self, write: &MissionWrite) -> u64 {
        let at = self.missions.iter().position(|mission| mission.row.id == write.id);
        let at = at.unwrap_or_else(|| {
            self.missions.push(Mission::new(write));
            self.missions.len() - 1
        });
        self.missions[at].write(write)
    }

    fn acknowledge(&mut self, id: InputId, answer: &Record) {
        let posted = self.waiting.remove(&id.0).and_then(|op| self.posts.get_mut(&op));
        if let Some(posted) = posted {
            posted.answer = Some(answer.clone());
        }
    }

    fn write_mail(&mut self, done: &[(Mailbox, String)], mail: &[Mail]) {
        for (to, key) in done {
            if let Some(entries) = self.mail.get_mut(to) {
                entries.retain(|_, entry| entry.key != *key);
            }
        }
        for Mail { to, key, record } in mail {
            let entries = self.mail.entry(to.clone()).or_default();
            if entries.values().any(|entry| entry.key == *key) {
                continue;
            }
            self.last_mail += 1;
            let entry = MailEntry { position: self.last_mail, key: key.clone(), record: record.clone() };
            entries.insert(entry.position, entry);
        }
    }

    fn write_effects(&mut self, done: &[OpId], effects: &[Outgoing]) {
        self.effects.retain(|effect| !done.contains(&effect.op));
        for effect in effects {
            if self.effects.iter().all(|known| known.op != effect.op) {
                self.effects.push(effect.clone());
            }
        }
    }

    fn keep_blobs(&mut self, blobs: &[Blob]) {
        for Blob { sha256, text } in blobs {
            self.blobs.entry(sha256.clone()).or_insert_with(|| text.clone());
        }
    }
}

impl Mission {
    /// A mission before its first commit.
    fn new(write: &MissionWrite) -> Self {
        let charter = write.charter.clone().expect("a new mission was checked to have a charter");
        let row = MissionRow {
            id: write.id,
            version: 0,
            unfinished: write.unfinished,
            charter,
            head: write.head.clone(),
        };
        Self { row, records: std::collections::BTreeMap::new(), steps: std::collections::BTreeMap::new() }
    }

    fn write(&mut self, write: &MissionWrite) -> u64 {
        self.row.version += 1;
        self.row.unfinished = write.unfinished;
        self.row.head = write.head.clone();
        let dropped = usize::from(is_planted(Mutant::RecordDropped) && write.put.len() > 2);
        self.records.extend(write.put.iter().skip(dropped).cloned());
        self.steps.insert(self.row.version, write.step.clone());
        self.row.version
    }
}
