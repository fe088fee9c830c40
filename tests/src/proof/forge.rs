//! The fake forge with a script: what checks say and what people do there follows from the scenario.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tinytown_core::id::{ItemKey, MissionId};
use tinytown_core::issue::IssueRef;
use tinytown_core::observation::{Checks, Observation};
use tinytown_core::simulate::{Scenario, Script};
use tinytown_forge::{
    BaseOutcome, BaseRequest, CheckRequest, FakeForge, Forge, ForgeError, Lookup, MergeOutcome, MergeRequest,
    Permit, PublishOutcome, PublishRequest, RestackOutcome, RestackRequest,
};

/// Most that people do to one pull request, so that it comes to an end.
const MEDDLING: u64 = 3;

/// A fake forge with people around it.
#[derive(Clone)]
pub(super) struct ScriptedForge {
    /// The forge itself.
    pub fake: FakeForge,
    scenarios: Arc<BTreeMap<MissionId, Scenario>>,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Default)]
struct Counts {
    checks: BTreeMap<(MissionId, ItemKey), u64>,
    looks: BTreeMap<u64, u64>,
    meddled: BTreeMap<u64, u64>,
    /// Whose pull request it is.
    pulls: BTreeMap<u64, (MissionId, ItemKey)>,
    /// People leave pull requests alone.
    quiet: bool,
}

impl ScriptedForge {
    /// A new forge for these missions.
    pub(super) fn new(scenarios: Arc<BTreeMap<MissionId, Scenario>>) -> Self {
        Self { fake: FakeForge::new(), scenarios, counts: Arc::default() }
    }

    /// From now on checks pass, and people leave pull requests alone.
    pub(super) fn be_quiet(&self) {
        self.with(|counts| counts.quiet = true);
    }

    fn with<T>(&self, look: impl FnOnce(&mut Counts) -> T) -> T {
        look(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn answer(&self, request: &CheckRequest) -> Option<Checks> {
        let (mission, item) = (request.cause.mission, request.cause.item.clone());
        let nth = self.with(|counts| {
            let nth = counts.checks.entry((mission, item.clone())).or_default();
            *nth += 1;
            (!counts.quiet).then_some(*nth)
        });
        match (nth, self.scenarios.get(&mission)) {
            (Some(nth), Some(scenario)) => Script::new(scenario).checks(&item, nth),
            _ => Some(Checks::Green),
        }
    }

    /// What people do to a pull request between two looks.
    fn meddle(&self, pull: u64) {
        let known = self.with(|counts| {
            let nth = counts.looks.entry(pull).or_default();
            *nth += 1;
            let (nth, meddled) = (*nth, counts.meddled.get(&pull).copied().unwrap_or(0));
            let whose = counts.pulls.get(&pull).cloned()?;
            (!counts.quiet && meddled < MEDDLING).then_some((whose, nth))
        });
        let shown = self.fake.pull(pull);
        if let Some(shown) = &shown {
            self.fake.set_mergeability_unknown(&shown.head, false);
        }
        let (Some(((mission, item), nth)), Some(shown)) = (known, shown) else { return };
        let Some(scenario) = self.scenarios.get(&mission) else { return };
        let (script, chance) = (Script::new(scenario), &scenario.chance);
        let unknown = script.happens(chance.unknown, "unknown", &item, nth);
        self.fake.set_mergeability_unknown(&shown.head, unknown);
        let mut did = true;
        if script.happens(chance.finding, "finding", &item, nth) {
            self.fake.comment(pull, "bugbot[bot]", "this overflows");
        }
        if script.happens(chance.push, "push", &item, nth) {
            let files = script.files(&item);
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            let head = self.fake.commit(&[&shown.head], &files);
            self.fake.push(&shown.branch, Some(&head));
        } else if script.happens(chance.close, "close", &item, nth) {
            self.fake.close(pull);
        } else if script.happens(chance.merge, "merge", &item, nth) {
            self.fake.merge_by_hand(pull);
        } else {
            did = false;
        }
        if did {
            self.with(|counts| *counts.meddled.entry(pull).or_default() += 1);
        }
    }
}

#[async_trait]
impl Forge for ScriptedForge {
    async fn issues(&self, references: &[IssueRef]) -> Result<Vec<Lookup>, ForgeError> {
        self.fake.issues(references).await
    }

    async fn base(&self, request: &BaseRequest, permit: &dyn Permit) -> Result<BaseOutcome, ForgeError> {
        self.fake.base(request, permit).await
    }

    async fn publish(
        &self,
        request: &PublishRequest,
        permit: &dyn Permit,
    ) -> Result<PublishOutcome, ForgeError> {
        let outcome = self.fake.publish(request, permit).await?;
        if let PublishOutcome::Published(pull) = &outcome {
            let whose = (request.cause.mission, request.cause.item.clone());
            self.with(|counts| counts.pulls.insert(pull.number, whose));
        }
        Ok(outcome)
    }

    async fn look(&self, pull: u64) -> Result<Observation, ForgeError> {
        self.meddle(pull);
        self.fake.look(pull).await
    }

    async fn check(&self, request: &CheckRequest, permit: &dyn Permit) -> Result<Checks, ForgeError> {
        match self.answer(request) {
            Some(answer) => self.fake.script_checks(&request.head, [answer]),
            None => return Err(ForgeError::Unavailable("the checks do not answer".to_owned())),
        }
        self.fake.check(request, permit).await
    }

    async fn merge(&self, request: &MergeRequest, permit: &dyn Permit) -> Result<MergeOutcome, ForgeError> {
        self.fake.merge(request, permit).await
    }

    async fn restack(
        &self,
        request: &RestackRequest,
        permit: &dyn Permit,
    ) -> Result<RestackOutcome, ForgeError> {
        self.fake.restack(request, permit).await
    }
}
