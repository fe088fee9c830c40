//! Bringing a pull request up to what its item builds upon: merges on top of its head, and its branch moved to them.

use tinytown_core::observation::PullState;
use tinytown_host::git::{MergeTree, Oid};

use super::pulls::{Standing, conflict};
use super::repo::{oid, sha};
use super::words::one_line;
use super::{LocalForge, allowed};
use crate::{ForgeError, Permit, PublishOutcome, PublishRequest, RestackOutcome, RestackRequest};

impl LocalForge {
    pub(super) async fn restack_pull(
        &self,
        request: &RestackRequest,
        permit: &dyn Permit,
    ) -> Result<RestackOutcome, ForgeError> {
        let standing = self.standing(request.pull).await?;
        let pull = self.describe(&standing).await?;
        if pull.state != PullState::Open {
            return Ok(RestackOutcome::NotOpen(pull));
        }
        if pull.head != request.head {
            return Ok(RestackOutcome::HeadMoved(pull.head));
        }
        let from = oid(&request.head)?;
        let mut onto = from.clone();
        for head in self.missing(request, &standing, &from).await? {
            let tree = match self.git().merge_tree(&onto, &head).await? {
                MergeTree::Tree(tree) => tree,
                MergeTree::Conflict(files) => {
                    return Ok(RestackOutcome::Conflict { head: sha(&head), detail: conflict(&files) });
                }
            };
            let message = format!("Merge what {} builds upon\n", one_line(request.cause.item.as_str()));
            onto = self.git().commit_tree(&tree, &[&onto, &head], &message).await?;
        }
        if onto == from {
            return Ok(RestackOutcome::Restacked(request.head.clone()));
        }
        allowed(permit, "restacking")?;
        self.move_to(request, &standing, &onto, permit).await
    }

    /// What the head does not hold and must.
    async fn missing(
        &self,
        request: &RestackRequest,
        standing: &Standing,
        from: &Oid,
    ) -> Result<Vec<Oid>, ForgeError> {
        let mut wanted = request.stack.accepted.iter().map(oid).collect::<Result<Vec<_>, _>>()?;
        for head in &request.stack.landed {
            if !self.git().is_ancestor(&oid(head)?, &standing.base).await? {
                wanted.push(standing.base.clone());
                break;
            }
        }
        let mut missing = Vec::new();
        for head in wanted {
            if !self.git().is_ancestor(&head, from).await? {
                missing.push(head);
            }
        }
        Ok(missing)
    }

    /// The branch and the record move together, as for any submission.
    async fn move_to(
        &self,
        request: &RestackRequest,
        standing: &Standing,
        to: &Oid,
        permit: &dyn Permit,
    ) -> Result<RestackOutcome, ForgeError> {
        let record = &standing.record;
        let publication = PublishRequest {
            cause: request.cause.clone(),
            pull: Some(request.pull),
            branch: record.branch.clone(),
            expected: Some(request.head.clone()),
            head: sha(to),
            title: record.title.clone(),
            body: record.body.clone(),
        };
        Ok(match self.publish_head(&publication, permit).await? {
            PublishOutcome::Published(pull) => RestackOutcome::Restacked(pull.head),
            PublishOutcome::HeadMoved(head) => RestackOutcome::HeadMoved(head),
            PublishOutcome::NotOpen(pull) => RestackOutcome::NotOpen(pull),
        })
    }
}
