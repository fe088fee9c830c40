//! The port over the model: what is asked of the port is asked of the model, and its answers translated.

use async_trait::async_trait;
use tinytown_core::effect::{Effect, EffectResult};
use tinytown_core::issue::IssueRef;
use tinytown_core::observation::{Checks, Observation};
use tinytown_core::simulate::Denial;

use super::FakeForge;
use crate::{
    BaseOutcome, BaseRequest, Cause, CheckRequest, Forge, ForgeError, Lookup, MergeOutcome, MergeRequest,
    Permit, PublishOutcome, PublishRequest, RestackOutcome, RestackRequest,
};

#[async_trait]
impl Forge for FakeForge {
    async fn issues(&self, references: &[IssueRef]) -> Result<Vec<Lookup>, ForgeError> {
        let model = self.model();
        let look = |reference| match model.issue(reference) {
            Some(issue) => Lookup::Found(Box::new(issue.clone())),
            None => Lookup::Unknown,
        };
        Ok(references.iter().map(look).collect())
    }

    async fn base(&self, request: &BaseRequest, permit: &dyn Permit) -> Result<BaseOutcome, ForgeError> {
        let BaseRequest { cause, holds, candidate } = request.clone();
        let effect = Effect::Base { item: cause.item.clone(), holds, candidate };
        match self.perform(&cause, &effect, permit)? {
            EffectResult::Base(base) => Ok(BaseOutcome::Ready(base)),
            EffectResult::BaseConflict { onto, head, detail } => {
                Ok(BaseOutcome::Conflict { onto, head, detail })
            }
            other => Err(astray(&other)),
        }
    }

    async fn publish(
        &self,
        request: &PublishRequest,
        permit: &dyn Permit,
    ) -> Result<PublishOutcome, ForgeError> {
        let PublishRequest { cause, pull, branch, expected, head, title, body } = request.clone();
        let item = cause.item.clone();
        let effect = Effect::Publish { item, pull, branch, expected, head, title, body };
        match self.perform(&cause, &effect, permit)? {
            EffectResult::Published(pull) => Ok(PublishOutcome::Published(pull)),
            EffectResult::HeadMoved(head) => Ok(PublishOutcome::HeadMoved(head)),
            EffectResult::NotOpen(pull) => Ok(PublishOutcome::NotOpen(pull)),
            other => Err(astray(&other)),
        }
    }

    async fn look(&self, pull: u64) -> Result<Observation, ForgeError> {
        self.model().look(pull).map_err(denied)
    }

    async fn check(&self, request: &CheckRequest, permit: &dyn Permit) -> Result<Checks, ForgeError> {
        let CheckRequest { cause, pull, head, again } = request.clone();
        let effect = Effect::Check { item: cause.item.clone(), pull, head, again };
        match self.perform(&cause, &effect, permit)? {
            EffectResult::Checked { checks, .. } => Ok(checks),
            other => Err(astray(&other)),
        }
    }

    async fn merge(&self, request: &MergeRequest, permit: &dyn Permit) -> Result<MergeOutcome, ForgeError> {
        let MergeRequest { cause, pull, head, title, tested } = request.clone();
        let effect = Effect::Merge { item: cause.item.clone(), pull, head, title, tested };
        match self.perform(&cause, &effect, permit)? {
            EffectResult::Merged(commit) => Ok(MergeOutcome::Merged(commit)),
            EffectResult::Untested { trial, .. } => Ok(MergeOutcome::Untested(trial)),
            EffectResult::MergeConflict(detail) => Ok(MergeOutcome::Conflict(detail)),
            EffectResult::HeadMoved(head) => Ok(MergeOutcome::HeadMoved(head)),
            EffectResult::Closed => Ok(MergeOutcome::Closed),
            EffectResult::BaseCheckoutBusy(words) => Ok(MergeOutcome::BaseCheckoutBusy(words)),
            other => Err(astray(&other)),
        }
    }

    async fn restack(
        &self,
        request: &RestackRequest,
        permit: &dyn Permit,
    ) -> Result<RestackOutcome, ForgeError> {
        let RestackRequest { cause, pull, head, stack } = request.clone();
        let effect = Effect::Restack { item: cause.item.clone(), pull, head, stack };
        match self.perform(&cause, &effect, permit)? {
            EffectResult::Restacked { head, .. } => Ok(RestackOutcome::Restacked(head)),
            EffectResult::StackConflict { head, detail, .. } => Ok(RestackOutcome::Conflict { head, detail }),
            EffectResult::HeadMoved(head) => Ok(RestackOutcome::HeadMoved(head)),
            EffectResult::NotOpen(pull) => Ok(RestackOutcome::NotOpen(pull)),
            other => Err(astray(&other)),
        }
    }
}

impl FakeForge {
    fn perform(
        &self,
        cause: &Cause,
        effect: &Effect,
        permit: &dyn Permit,
    ) -> Result<EffectResult, ForgeError> {
        let permit = || permit.holds();
        self.model().perform(cause.mission, &cause.op, effect, &permit).map_err(denied)
    }
}

fn denied(denial: Denial) -> ForgeError {
    match denial {
        Denial::Revoked(before) => ForgeError::Revoked(before),
        Denial::Refused(detail) => ForgeError::Refused(detail),
    }
}

/// The model answers each effect in its own way; this is for the compiler.
fn astray(result: &EffectResult) -> ForgeError {
    ForgeError::Refused(format!("the model answered something else: {result:?}"))
}
