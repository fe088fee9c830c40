//! A fault decorator over any forge: calls that fail before they run, fail after they ran (the
//! answer is lost), or are made twice. A [`Plan`] decides, so runs can be repeated.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use tinytown_core::issue::IssueRef;
use tinytown_core::observation::{Checks, Observation};

use crate::{
    BaseOutcome, BaseRequest, CheckRequest, Forge, ForgeError, Lookup, MergeOutcome, MergeRequest, Permit,
    PublishOutcome, PublishRequest, RestackOutcome, RestackRequest,
};

/// Which of the port's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the method of the same name")]
pub enum CallName {
    Issues,
    Base,
    Publish,
    Look,
    Check,
    Merge,
    Restack,
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing unusual.
    None,
    /// It is not executed, and the caller hears [`ForgeError::Unavailable`].
    FailBefore,
    /// It is executed, and the caller hears [`ForgeError::Unavailable`].
    FailAfter,
    /// It is executed twice, and the caller hears the second answer.
    Repeat,
}

/// Decides what happens to each call.
pub trait Plan: Send + Sync {
    /// The fault for the `nth` call, counted over all calls from 1.
    fn fault(&self, call: CallName, nth: u64) -> Fault;
}

impl<F: Fn(CallName, u64) -> Fault + Send + Sync> Plan for F {
    fn fault(&self, call: CallName, nth: u64) -> Fault {
        self(call, nth)
    }
}

/// A forge with faults. A clone shares the plan and the count.
#[derive(Clone)]
pub struct Faulty<F> {
    inner: F,
    plan: Arc<dyn Plan>,
    calls: Arc<AtomicU64>,
}

impl<F> Faulty<F> {
    /// Puts a plan of faults over a forge.
    pub fn new(inner: F, plan: impl Plan + 'static) -> Self {
        Self { inner, plan: Arc::new(plan), calls: Arc::default() }
    }

    /// The forge beneath, for looking at the truth.
    pub fn inner(&self) -> &F {
        &self.inner
    }

    /// Makes a call as the plan wants it.
    async fn call<T, M>(&self, name: CallName, make: impl Fn() -> M + Send) -> Result<T, ForgeError>
    where
        M: Future<Output = Result<T, ForgeError>> + Send,
        T: Send,
    {
        let nth = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let fault = self.plan.fault(name, nth);
        if matches!(fault, Fault::FailAfter | Fault::Repeat) {
            // Whatever it answered, the caller does not hear it.
            let _unheard = make().await;
        }
        match fault {
            Fault::None | Fault::Repeat => make().await,
            Fault::FailBefore | Fault::FailAfter => {
                Err(ForgeError::Unavailable(format!("call {nth} ({name:?}): {fault:?}")))
            }
        }
    }
}

#[async_trait]
impl<F: Forge> Forge for Faulty<F> {
    async fn issues(&self, references: &[IssueRef]) -> Result<Vec<Lookup>, ForgeError> {
        self.call(CallName::Issues, || self.inner.issues(references)).await
    }

    async fn base(&self, request: &BaseRequest, permit: &dyn Permit) -> Result<BaseOutcome, ForgeError> {
        self.call(CallName::Base, || self.inner.base(request, permit)).await
    }

    async fn publish(
        &self,
        request: &PublishRequest,
        permit: &dyn Permit,
    ) -> Result<PublishOutcome, ForgeError> {
        self.call(CallName::Publish, || self.inner.publish(request, permit)).await
    }

    async fn look(&self, pull: u64) -> Result<Observation, ForgeError> {
        self.call(CallName::Look, || self.inner.look(pull)).await
    }

    async fn check(&self, request: &CheckRequest, permit: &dyn Permit) -> Result<Checks, ForgeError> {
        self.call(CallName::Check, || self.inner.check(request, permit)).await
    }

    async fn merge(&self, request: &MergeRequest, permit: &dyn Permit) -> Result<MergeOutcome, ForgeError> {
        self.call(CallName::Merge, || self.inner.merge(request, permit)).await
    }

    async fn restack(
        &self,
        request: &RestackRequest,
        permit: &dyn Permit,
    ) -> Result<RestackOutcome, ForgeError> {
        self.call(CallName::Restack, || self.inner.restack(request, permit)).await
    }
}
