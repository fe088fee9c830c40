//! The forge of a command that only decides: it is never asked, and would refuse.

use async_trait::async_trait;
use tinytown_core::issue::IssueRef;
use tinytown_core::observation::{Checks, Observation};
use tinytown_forge::{
    BaseOutcome, BaseRequest, CheckRequest, Forge, ForgeError, Lookup, MergeOutcome, MergeRequest, Permit,
    PublishOutcome, PublishRequest, RestackOutcome, RestackRequest,
};

/// See the [module](self).
pub(crate) struct IdleForge;

fn nothing<T>() -> Result<T, ForgeError> {
    Err(ForgeError::Unavailable("this command performs nothing".to_owned()))
}

#[async_trait]
impl Forge for IdleForge {
    async fn issues(&self, _: &[IssueRef]) -> Result<Vec<Lookup>, ForgeError> {
        nothing()
    }

    async fn base(&self, _: &BaseRequest, _: &dyn Permit) -> Result<BaseOutcome, ForgeError> {
        nothing()
    }

    async fn publish(&self, _: &PublishRequest, _: &dyn Permit) -> Result<PublishOutcome, ForgeError> {
        nothing()
    }

    async fn look(&self, _: u64) -> Result<Observation, ForgeError> {
        nothing()
    }

    async fn check(&self, _: &CheckRequest, _: &dyn Permit) -> Result<Checks, ForgeError> {
        nothing()
    }

    async fn merge(&self, _: &MergeRequest, _: &dyn Permit) -> Result<MergeOutcome, ForgeError> {
        nothing()
    }

    async fn restack(&self, _: &RestackRequest, _: &dyn Permit) -> Result<RestackOutcome, ForgeError> {
        nothing()
    }
}
