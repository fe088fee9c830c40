//! What the properties have in common: causes, requests, permits, and a published pull request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tinytown_core::id::{ItemKey, MissionId, OpId, Sha};
use tinytown_core::observation::{Checks, Pull};

use super::Harness;
use crate::{
    Always, BaseOutcome, BaseRequest, Cause, CheckRequest, Forge, ForgeError, MergeOutcome, MergeRequest,
    Permit, PublishOutcome, PublishRequest,
};

/// A permit that was withdrawn.
#[derive(Debug, Clone, Copy)]
pub struct Withdrawn;

impl Permit for Withdrawn {
    fn holds(&self) -> bool {
        false
    }
}

/// The key of the item for issue `number`.
pub fn item(number: u64) -> ItemKey {
    ItemKey::new(format!("#{number}"))
}

/// A cause under a name that was not used before.
///
/// # Panics
/// Never: the mission's name is well formed.
pub fn cause(number: u64) -> Cause {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mission: MissionId = "0c7f6d0e-8f43-4f6e-9d8d-2b1f6a5e4c3b".parse().expect("a UUID");
    let op = OpId::new(format!("op-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    Cause { mission, item: item(number), op }
}

/// The branch of the pull request for issue `number`.
pub fn branch(number: u64) -> String {
    format!("tt/0c7f6d0e/{number}-work")
}

/// A publication of `head` for issue `number`.
pub fn publication(number: u64, expected: Option<&Sha>, head: &Sha) -> PublishRequest {
    PublishRequest {
        cause: cause(number),
        pull: None,
        branch: branch(number),
        expected: expected.cloned(),
        head: head.clone(),
        title: format!("Work for #{number}"),
        body: "What was done.".to_owned(),
    }
}

/// A request to merge `pull` at `head`.
pub fn merging(number: u64, pull: u64, head: &Sha) -> MergeRequest {
    MergeRequest {
        cause: cause(number),
        pull,
        head: head.clone(),
        title: format!("Work for #{number}"),
        tested: None,
    }
}

/// Publishes, and insists that it worked.
///
/// # Panics
/// If it did not.
pub async fn published(forge: &dyn Forge, request: &PublishRequest) -> Pull {
    match forge.publish(request, &Always).await {
        Ok(PublishOutcome::Published(pull)) => pull,
        other => panic!("published, not {other:?}"),
    }
}

/// A forge with one open pull request for issue 2, which writes a file.
pub struct Open {
    /// The forge.
    pub forge: Arc<dyn Forge>,
    /// The pull request.
    pub pull: Pull,
    /// The base before it.
    pub base: Sha,
}

/// Opens a pull request for issue 2 that writes `files`.
pub async fn open(harness: &dyn Harness, files: &[(&str, &str)]) -> Open {
    let base = harness.base().await;
    let head = harness.commit(&[&base], files).await;
    let forge = harness.forge().await;
    let pull = published(&*forge, &publication(2, None, &head)).await;
    Open { forge, pull, base }
}

impl Open {
    /// Merges it, and insists that it answers at all.
    ///
    /// # Panics
    /// If the call fails.
    pub async fn merge(&self) -> MergeOutcome {
        match self.merge_tested(None).await {
            MergeOutcome::Untested(trial) => {
                assert_eq!(check(&*self.forge, self.pull.number, &trial, false).await, Checks::Green);
                self.merge_tested(Some(&trial)).await
            }
            outcome => outcome,
        }
    }

    /// Merges it as it is, or with a trial on which the checks have passed.
    ///
    /// # Panics
    /// If the call fails.
    pub async fn merge_tested(&self, tested: Option<&Sha>) -> MergeOutcome {
        let merging = merging(2, self.pull.number, &self.pull.head);
        let request = MergeRequest { tested: tested.cloned(), ..merging };
        self.forge.merge(&request, &Always).await.expect("the merge answers")
    }

    /// Merges it, and then a person pushes another commit to its branch. Answers that commit.
    ///
    /// # Panics
    /// If it is not merged.
    pub async fn merge_and_push(&self, harness: &dyn Harness) -> Sha {
        let outcome = self.merge().await;
        assert!(matches!(outcome, MergeOutcome::Merged(_)), "merged, not {outcome:?}");
        let later = harness.commit(&[&self.pull.head], &[("later", "later\n")]).await;
        harness.push(&self.pull.branch, &later).await;
        later
    }
}

/// Asks what the checks say.
///
/// # Panics
/// If the call fails.
pub async fn check(forge: &dyn Forge, pull: u64, head: &Sha, again: bool) -> Checks {
    let request = CheckRequest { cause: cause(2), pull, head: head.clone(), again };
    forge.check(&request, &Always).await.expect("the checks answer")
}

/// Asks for a base that holds these heads.
pub async fn base(
    forge: &dyn Forge,
    holds: &[&Sha],
    candidate: Option<&Sha>,
    permit: &dyn Permit,
) -> Result<BaseOutcome, ForgeError> {
    let holds = holds.iter().map(|&sha| sha.clone()).collect();
    forge.base(&BaseRequest { cause: cause(9), holds, candidate: candidate.cloned() }, permit).await
}

/// A commit id that names nothing.
///
/// # Panics
/// Never: it is well formed.
pub fn nowhere() -> Sha {
    Sha::new(&"ab".repeat(20)).expect("40 digits")
}
