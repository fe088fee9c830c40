//! Moving a branch to submitted work, and opening its pull request: one transaction of references.

use tinytown_core::observation::PullState;
use tinytown_host::git::{Oid, RefEdit, Swap};

use super::pulls::{Standing, full};
use super::record::{PULLS, PullRecord, encode};
use super::repo::{oid, sha};
use super::{LocalForge, allowed};
use crate::{ForgeError, Permit, PublishOutcome, PublishRequest};

/// How often a lost race for a number or a branch is run again.
const TRIES: usize = 20;

impl LocalForge {
    pub(super) async fn publish_head(
        &self,
        request: &PublishRequest,
        permit: &dyn Permit,
    ) -> Result<PublishOutcome, ForgeError> {
        let head = oid(&request.head)?;
        if !is_safe(&request.branch) || full(&request.branch) == self.repo.base {
            return Err(ForgeError::Refused(format!("{:?} is no branch for a pull request", request.branch)));
        }
        if !self.git().has_commit(&head).await? {
            return Err(ForgeError::Refused(format!("there is no commit {head}")));
        }
        for _ in 0..TRIES {
            if let Some(outcome) = self.try_publish(request, &head, permit).await? {
                return Ok(outcome);
            }
        }
        Err(ForgeError::Unavailable(format!("the branch {} does not come to rest", request.branch)))
    }

    /// One look and one leap; `None` if somebody else leaped in between.
    async fn try_publish(
        &self,
        request: &PublishRequest,
        head: &Oid,
        permit: &dyn Permit,
    ) -> Result<Option<PublishOutcome>, ForgeError> {
        let (standing, number) = match request.pull {
            Some(number) => (Some(self.standing(number).await?), number),
            None => self.standing_of(&request.branch).await?,
        };
        if let Some(standing) = &standing {
            let pull = self.describe(standing).await?;
            if pull.state != PullState::Open {
                return Ok(Some(PublishOutcome::NotOpen(pull)));
            }
        }
        let name = full(standing.as_ref().map_or(&request.branch, |s| &s.record.branch));
        let edit = match self.branch_edit(&name, request, head).await? {
            Ok(edit) => edit,
            Err(moved) => return Ok(Some(moved)),
        };
        let number = standing.as_ref().map_or(number, |s| s.number);
        let Some(edits) = self.with_record(edit, request, head, standing.as_ref(), number).await? else {
            return self.published(number).await.map(Some);
        };
        allowed(permit, "publishing")?;
        match self.repo.edit(&edits, "tinytown: publish").await? {
            Swap::Done => self.published(number).await.map(Some),
            Swap::Elsewhere => Ok(None),
        }
    }

    async fn published(&self, number: u64) -> Result<PublishOutcome, ForgeError> {
        let standing = self.standing(number).await?;
        Ok(PublishOutcome::Published(self.describe(&standing).await?))
    }

    /// How the branch gets to the head, or the outcome if it must not.
    async fn branch_edit(
        &self,
        name: &str,
        request: &PublishRequest,
        head: &Oid,
    ) -> Result<Result<RefEdit, PublishOutcome>, ForgeError> {
        let expected = request.expected.as_ref().map(oid).transpose()?;
        match self.git().rev_parse(name).await? {
            Some(at) if at == *head => Ok(Ok(RefEdit::Verify(name.to_owned(), Some(at)))),
            Some(at) if Some(&at) == expected.as_ref() => {
                self.nobody_stands_on(name).await?;
                Ok(Ok(RefEdit::Move(name.to_owned(), head.clone(), at)))
            }
            Some(at) => Ok(Err(PublishOutcome::HeadMoved(sha(&at)))),
            None if expected.is_some() => Err(ForgeError::Refused(format!("the branch {name} is gone"))),
            None => Ok(Ok(RefEdit::Create(name.to_owned(), head.clone()))),
        }
    }

    /// Moving a branch that a person has checked out would make their folder look changed.
    async fn nobody_stands_on(&self, name: &str) -> Result<(), ForgeError> {
        let worktrees = self.git().worktrees().await?;
        match worktrees.iter().find(|w| w.branch.as_deref() == Some(name) || w.unfinished(name).is_some()) {
            None => Ok(()),
            Some(worktree) => {
                let place = worktree.path.display();
                Err(ForgeError::Unavailable(format!(
                    "{name} is checked out in {place}: check out something else there"
                )))
            }
        }
    }

    /// The edits for branch and record together; `None` if everything is as it should be.
    async fn with_record(
        &self,
        branch: RefEdit,
        request: &PublishRequest,
        head: &Oid,
        standing: Option<&Standing>,
        number: u64,
    ) -> Result<Option<Vec<RefEdit>>, ForgeError> {
        let base = self.repo.base_tip().await?;
        let record = PullRecord {
            mission: request.cause.mission,
            item: request.cause.item.clone(),
            branch: standing.map_or_else(|| request.branch.clone(), |s| s.record.branch.clone()),
            head: request.head.clone(),
            title: request.title.clone(),
            body: request.body.clone(),
            empty: self.git().is_ancestor(head, &base).await?,
            closed: false,
        };
        let settled = matches!(branch, RefEdit::Verify(..));
        if settled && standing.is_some_and(|s| s.record == record) {
            return Ok(None);
        }
        let blob = self.git().write_blob(encode(&record)).await?;
        let kept = match standing {
            Some(standing) => RefEdit::Move(standing.name(), blob, standing.blob.clone()),
            None => RefEdit::Create(format!("{PULLS}/{number}"), blob),
        };
        Ok(Some(vec![branch, kept]))
    }
}

/// Whether a branch's name is made of safe characters only, as ours are.
fn is_safe(branch: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['.', '-'])
            && !part.ends_with('.')
            && !part.contains("..")
            && !part.to_ascii_lowercase().ends_with(".lock")
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    branch.len() <= 200 && branch.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::is_safe;

    #[test]
    fn branches_of_safe_characters_pass_and_nothing_else() {
        for good in ["tt/0c7f6d0e/2-add-login", "x", "a.b_c-D"] {
            assert!(is_safe(good), "{good}");
        }
        let long = "x".repeat(201);
        for bad in [
            "", "-x", "a/-x", "a//b", "/a", "a/", "a..b", ".a", "a.lock", "a.", "a b", "a~1", "é", "a:b",
            "@{1}", &long,
        ] {
            assert!(!is_safe(bad), "{bad}");
        }
    }
}
