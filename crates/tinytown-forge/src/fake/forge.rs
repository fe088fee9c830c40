//! The port over the fake's state.

use async_trait::async_trait;
use tinytown_core::issue::IssueRef;
use tinytown_core::observation::{Checks, Mergeable, Observation, PullState};

use super::commits::Place;
use super::world::{Record, World};
use super::{FakeForge, FakeMerge};
use crate::{
    BaseOutcome, BaseRequest, CheckRequest, Forge, ForgeError, Lookup, MergeOutcome, MergeRequest, Permit,
    PublishOutcome, PublishRequest, governed_files,
};

#[async_trait]
impl Forge for FakeForge {
    async fn issues(&self, references: &[IssueRef]) -> Result<Vec<Lookup>, ForgeError> {
        let world = self.world();
        let look = |reference| match world.issues.get(reference) {
            Some(issue) => Lookup::Found(Box::new(issue.clone())),
            None => Lookup::Unknown,
        };
        Ok(references.iter().map(look).collect())
    }

    async fn base(&self, request: &BaseRequest, permit: &dyn Permit) -> Result<BaseOutcome, ForgeError> {
        self.world().base_for(request, permit)
    }

    async fn publish(
        &self,
        request: &PublishRequest,
        permit: &dyn Permit,
    ) -> Result<PublishOutcome, ForgeError> {
        self.world().publish(request, permit)
    }

    async fn look(&self, pull: u64) -> Result<Observation, ForgeError> {
        let world = self.world();
        world.record(pull).map(|record| world.observe(record)).ok_or_else(|| unknown(pull))
    }

    async fn check(&self, request: &CheckRequest, permit: &dyn Permit) -> Result<Checks, ForgeError> {
        self.world().check(request, permit)
    }

    async fn merge(&self, request: &MergeRequest, permit: &dyn Permit) -> Result<MergeOutcome, ForgeError> {
        self.world().merge(request, permit)
    }
}

impl World {
    fn base_for(&mut self, request: &BaseRequest, permit: &dyn Permit) -> Result<BaseOutcome, ForgeError> {
        let holds = request.holds.iter().map(|sha| self.place(sha)).collect::<Result<Vec<_>, _>>()?;
        let candidate = request.candidate.as_ref().and_then(|sha| self.commits.find(sha));
        let ready_made = std::iter::once(self.base).chain(holds.iter().copied()).chain(candidate);
        let holds_all = |at: &Place| holds.iter().all(|head| self.commits.contains(*at, *head));
        if let Some(place) = ready_made.into_iter().find(holds_all) {
            return Ok(BaseOutcome::Ready(self.commits.sha(place)));
        }
        self.merge_heads(&holds, permit)
    }

    fn merge_heads(&mut self, holds: &[Place], permit: &dyn Permit) -> Result<BaseOutcome, ForgeError> {
        let mut onto = holds[0];
        let mut merged = vec![onto];
        for &head in &holds[1..] {
            if self.commits.contains(onto, head) {
                continue;
            }
            let conflicts = self.commits.conflicts(onto, head);
            if !conflicts.is_empty() {
                let detail = conflicts.join(", ");
                let (onto, head) = (self.commits.sha(onto), self.commits.sha(head));
                return Ok(BaseOutcome::Conflict { onto, head, detail });
            }
            merged.push(head);
            onto = self.kept_merge(&merged, onto, head, permit)?;
        }
        Ok(BaseOutcome::Ready(self.commits.sha(onto)))
    }

    /// The merge of these heads, made at most once.
    fn kept_merge(
        &mut self,
        heads: &[Place],
        onto: Place,
        head: Place,
        permit: &dyn Permit,
    ) -> Result<Place, ForgeError> {
        if let Some(made) = self.bases.get(heads) {
            return Ok(*made);
        }
        allowed(permit, "merging the heads")?;
        let made = self.commits.add(&[onto, head], &[]);
        self.bases.insert(heads.to_vec(), made);
        Ok(made)
    }

    fn publish(
        &mut self,
        request: &PublishRequest,
        permit: &dyn Permit,
    ) -> Result<PublishOutcome, ForgeError> {
        let head = self.place(&request.head)?;
        let number = request.pull.or_else(|| self.pull_of(&request.branch));
        if let Some(number) = number {
            let record = self.record(number).ok_or_else(|| unknown(number))?;
            if self.state(record) != PullState::Open {
                return Ok(PublishOutcome::NotOpen(self.pull(number).ok_or_else(|| unknown(number))?));
            }
        }
        let expected = request.expected.as_ref().and_then(|sha| self.commits.find(sha));
        match self.branches.get(&request.branch) {
            Some(&at) if at != head && Some(at) != expected => {
                return Ok(PublishOutcome::HeadMoved(self.commits.sha(at)));
            }
            None if request.expected.is_some() => {
                return Err(ForgeError::Refused(format!("the branch {} is gone", request.branch)));
            }
            _ => allowed(permit, "publishing")?,
        }
        self.branches.insert(request.branch.clone(), head);
        let number = self.open(number, &request.branch, head);
        Ok(PublishOutcome::Published(self.pull(number).ok_or_else(|| unknown(number))?))
    }

    /// Records the head of a pull request, a new one if it has no number; answers its number.
    fn open(&mut self, number: Option<u64>, branch: &str, head: Place) -> u64 {
        let empty = self.commits.contains(self.base, head);
        if let Some((record, number)) = number.and_then(|n| Some((self.pull_mut(n)?, n))) {
            (record.head, record.empty) = (head, empty);
            return number;
        }
        self.pulls.push(Record { branch: branch.to_owned(), head, closed: false, empty, merged: None });
        u64::try_from(self.pulls.len()).unwrap_or(u64::MAX)
    }

    fn observe(&self, record: &Record) -> Observation {
        let head = self.head(record);
        let changed = self.commits.changed(self.base, head);
        let conflicts = self.commits.conflicts(self.base, head);
        let mergeable = if self.unknown_mergeability.contains(&head) {
            Mergeable::Unknown
        } else if conflicts.is_empty() {
            Mergeable::Yes
        } else {
            Mergeable::Conflict(conflicts.join(", "))
        };
        Observation {
            head: self.commits.sha(head),
            state: self.state(record),
            mergeable,
            has_diff: !changed.is_empty(),
            governed: governed_files(changed, "", Some("issues")),
        }
    }

    fn check(&mut self, request: &CheckRequest, permit: &dyn Permit) -> Result<Checks, ForgeError> {
        let head = self.place(&request.head)?;
        if self.checks_default == Checks::NotRequired {
            return Ok(Checks::NotRequired);
        }
        if let Some(verdict) = self.verdicts.get(&head).filter(|_| !request.again) {
            return Ok(verdict.clone());
        }
        allowed(permit, "running the checks")?;
        *self.check_runs.entry(head).or_default() += 1;
        let scripted = self.checks_script.get_mut(&head).and_then(|answers| {
            if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
        });
        let verdict = scripted.unwrap_or_else(|| self.checks_default.clone());
        if matches!(verdict, Checks::Green | Checks::Red(_)) {
            self.verdicts.insert(head, verdict.clone());
        }
        Ok(verdict)
    }

    fn merge(&mut self, request: &MergeRequest, permit: &dyn Permit) -> Result<MergeOutcome, ForgeError> {
        let head = self.place(&request.head)?;
        let record = self.record(request.pull).ok_or_else(|| unknown(request.pull))?;
        let (state, at) = (self.state(record), self.head(record));
        if self.commits.contains(self.base, head) {
            let commit = if let PullState::Merged(commit) = state { commit } else { None };
            return Ok(MergeOutcome::Merged(commit));
        }
        if state == PullState::Closed {
            return Ok(MergeOutcome::Closed);
        }
        if at != head {
            return Ok(MergeOutcome::HeadMoved(self.commits.sha(at)));
        }
        let conflicts = self.commits.conflicts(self.base, head);
        if !conflicts.is_empty() {
            return Ok(MergeOutcome::Conflict(conflicts.join(", ")));
        }
        if let Some(words) = &self.base_busy {
            return Ok(MergeOutcome::BaseCheckoutBusy(words.clone()));
        }
        allowed(permit, "merging")?;
        Ok(MergeOutcome::Merged(self.merge_for(request)))
    }

    fn merge_for(&mut self, request: &MergeRequest) -> Option<tinytown_core::id::Sha> {
        let commit = self.merge_head(request.pull).map(|place| self.commits.sha(place))?;
        self.merges.push(FakeMerge {
            mission: request.cause.mission,
            item: request.cause.item.clone(),
            op: request.cause.op.clone(),
            head: request.head.clone(),
            commit: commit.clone(),
        });
        Some(commit)
    }
}

/// Goes on only while the permit holds.
fn allowed(permit: &dyn Permit, before: &'static str) -> Result<(), ForgeError> {
    if permit.holds() { Ok(()) } else { Err(ForgeError::Revoked(before)) }
}

fn unknown(pull: u64) -> ForgeError {
    ForgeError::Refused(format!("there is no pull request {pull}"))
}
