//! Performing effects: from what core asks to what the forge is asked, and back.

use tinytown_core::effect::{Effect, EffectResult};
use tinytown_core::id::{ItemKey, MissionId, OpId, Sha};
use tinytown_core::issue::{IssueRef, IssueState};
use tinytown_forge::{
    BaseOutcome, BaseRequest, Cause, CheckRequest, Forge, ForgeError, Lookup, MergeOutcome, MergeRequest,
    Permit, PublishOutcome, PublishRequest, RestackOutcome, RestackRequest, Unreadable,
};

/// Performs one effect. `None` if it was revoked before anything was changed.
pub async fn perform(
    forge: &dyn Forge,
    mission: MissionId,
    op: OpId,
    effect: Effect,
    permit: &dyn Permit,
) -> Option<EffectResult> {
    match dispatch(forge, mission, op, effect, permit).await {
        Ok(result) => Some(result),
        Err(ForgeError::Revoked(_)) => None,
        Err(error) => {
            let again = matches!(error, ForgeError::Unavailable(_));
            Some(EffectResult::Failed { again, detail: error.to_string() })
        }
    }
}

async fn dispatch(
    forge: &dyn Forge,
    mission: MissionId,
    op: OpId,
    effect: Effect,
    permit: &dyn Permit,
) -> Result<EffectResult, ForgeError> {
    let cause = |item: ItemKey| Cause { mission, item, op: op.clone() };
    match effect {
        Effect::Base { item, holds, candidate } => {
            let request = BaseRequest { cause: cause(item), holds, candidate };
            forge.base(&request, permit).await.map(of_base)
        }
        Effect::Publish { item, pull, branch, expected, head, title, body } => {
            let request = PublishRequest { cause: cause(item), pull, branch, expected, head, title, body };
            forge.publish(&request, permit).await.map(of_publish)
        }
        Effect::Look { pull, .. } => forge.look(pull).await.map(EffectResult::Looked),
        Effect::Check { item, pull, head, again } => {
            let request = CheckRequest { cause: cause(item), pull, head: head.clone(), again };
            let checks = forge.check(&request, permit).await?;
            Ok(EffectResult::Checked { head, checks })
        }
        Effect::Merge { item, pull, head, title, tested } => {
            let request = MergeRequest { cause: cause(item), pull, head: head.clone(), title, tested };
            forge.merge(&request, permit).await.map(|outcome| of_merge(outcome, head))
        }
        Effect::Restack { item, pull, head, stack } => {
            let request = RestackRequest { cause: cause(item), pull, head, stack };
            let outcome = forge.restack(&request, permit).await?;
            Ok(of_restack(outcome, request))
        }
        Effect::Issues { references, .. } => {
            let found = forge.issues(&references).await?;
            Ok(of_issues(references, found))
        }
    }
}

fn of_issues(references: Vec<IssueRef>, found: Vec<Lookup>) -> EffectResult {
    let state = |lookup| match lookup {
        Lookup::Found(issue) => Ok(issue.state),
        // It was known when the mission started; what was deleted since is not done.
        Lookup::Unknown => Ok(IssueState::Open),
        Lookup::Unreadable(unreadable) => Err(unreadable),
    };
    let states = references.into_iter().zip(found).map(|(issue, lookup)| Ok((issue, state(lookup)?)));
    match states.collect::<Result<_, Unreadable>>() {
        Ok(states) => EffectResult::Issues(states),
        Err(unreadable) => EffectResult::Failed { again: false, detail: unreadable.to_string() },
    }
}

fn of_base(outcome: BaseOutcome) -> EffectResult {
    match outcome {
        BaseOutcome::Ready(base) => EffectResult::Base(base),
        BaseOutcome::Conflict { onto, head, detail } => EffectResult::BaseConflict { onto, head, detail },
    }
}

fn of_publish(outcome: PublishOutcome) -> EffectResult {
    match outcome {
        PublishOutcome::Published(pull) => EffectResult::Published(pull),
        PublishOutcome::HeadMoved(head) => EffectResult::HeadMoved(head),
        PublishOutcome::NotOpen(pull) => EffectResult::NotOpen(pull),
    }
}

fn of_restack(outcome: RestackOutcome, request: RestackRequest) -> EffectResult {
    let RestackRequest { head: from, stack, .. } = request;
    match outcome {
        RestackOutcome::Restacked(head) => EffectResult::Restacked { from, head, stack },
        RestackOutcome::Conflict { head, detail } => EffectResult::StackConflict { from, head, detail },
        RestackOutcome::HeadMoved(head) => EffectResult::HeadMoved(head),
        RestackOutcome::NotOpen(pull) => EffectResult::NotOpen(pull),
    }
}

fn of_merge(outcome: MergeOutcome, head: Sha) -> EffectResult {
    match outcome {
        MergeOutcome::Merged(commit) => EffectResult::Merged(commit),
        MergeOutcome::Untested(trial) => EffectResult::Untested { head, trial },
        MergeOutcome::Conflict(detail) => EffectResult::MergeConflict(detail),
        MergeOutcome::HeadMoved(head) => EffectResult::HeadMoved(head),
        MergeOutcome::Closed => EffectResult::Closed,
        MergeOutcome::BaseCheckoutBusy(detail) => EffectResult::BaseCheckoutBusy(detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_that_cannot_be_read_fails_the_look_and_says_why_and_one_that_is_gone_is_open() {
        let unreadable =
            Unreadable { location: "issues/2-b.md".into(), detail: "it is not UTF-8 text".into() };
        let asked = || vec![IssueRef::own(1), IssueRef::own(2)];
        let result = of_issues(asked(), vec![Lookup::Unknown, Lookup::Unreadable(unreadable)]);
        let detail = "issues/2-b.md cannot be read: it is not UTF-8 text".to_owned();
        assert_eq!(result, EffectResult::Failed { again: false, detail });
        let open = asked().into_iter().map(|issue| (issue, IssueState::Open)).collect();
        assert_eq!(of_issues(asked(), vec![Lookup::Unknown, Lookup::Unknown]), EffectResult::Issues(open));
    }
}
