//! What the checks say about a commit: run once, kept with the commit, run again only when asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use sha2::{Digest, Sha256};
use tinytown_core::id::Sha;
use tinytown_core::observation::Checks;
use tinytown_host::git::{Oid, RefEdit};
use tokio::sync::OnceCell;

use super::base::hex;
use super::record::{CHECKS, VerdictRecord, decode, encode};
use super::repo::oid;
use super::{LocalForge, allowed};
use crate::{CheckRequest, ForgeError, Permit};

/// Runs under way in this process, so that callers at once share one.
#[derive(Default)]
pub(super) struct UnderWay(Mutex<HashMap<Sha, Weak<OnceCell<Checks>>>>);

impl UnderWay {
    /// The run for a commit, a new one if nobody waits for one.
    fn join(&self, head: &Sha) -> Arc<OnceCell<Checks>> {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        runs.retain(|_, run| run.strong_count() > 0);
        if let Some(run) = runs.get(head).and_then(Weak::upgrade) {
            return run;
        }
        let run = Arc::default();
        runs.insert(head.clone(), Arc::downgrade(&run));
        run
    }
}

impl LocalForge {
    pub(super) async fn judge(
        &self,
        request: &CheckRequest,
        permit: &dyn Permit,
    ) -> Result<Checks, ForgeError> {
        let Some(command) = &self.config.check else { return Ok(Checks::NotRequired) };
        let run = self.under_way.join(&request.head);
        let verdict = run.get_or_try_init(|| self.judge_once(command, request, permit)).await?;
        Ok(verdict.clone())
    }

    async fn judge_once(
        &self,
        command: &str,
        request: &CheckRequest,
        permit: &dyn Permit,
    ) -> Result<Checks, ForgeError> {
        let head = oid(&request.head)?;
        let name = format!("{CHECKS}/{head}");
        let by = hex(&Sha256::digest(command));
        let kept = self.kept(&name).await?;
        if let Some((_, record)) = &kept
            && record.command == by
            && !request.again
        {
            return Ok(record.checks.clone());
        }
        if !self.git().has_commit(&head).await? {
            return Err(ForgeError::Refused(format!("there is no commit {head}")));
        }
        allowed(permit, "running the checks")?;
        let checks = self.runner.run(command, &request.head, &request.cause).await?;
        if matches!(checks, Checks::Green | Checks::Red(_)) {
            allowed(permit, "keeping the verdict")?;
            let record = VerdictRecord { command: by, checks: checks.clone() };
            self.keep_verdict(&name, &record, kept.map(|(blob, _)| blob)).await?;
        }
        Ok(checks)
    }

    /// The verdict on record, with its blob. One that cannot be read is none: the checks can say it again.
    async fn kept(&self, name: &str) -> Result<Option<(Oid, VerdictRecord)>, ForgeError> {
        let found = self.git().refs_with_content(&[name]).await?;
        let exact = found.into_iter().find(|r| r.name == name);
        Ok(exact.and_then(|r| Some((r.oid, decode(name, &r.content).ok()?))))
    }

    /// Puts a verdict on record. If somebody else did meanwhile, theirs stands: both are of this commit.
    async fn keep_verdict(
        &self,
        name: &str,
        record: &VerdictRecord,
        old: Option<Oid>,
    ) -> Result<(), ForgeError> {
        let blob = self.git().write_blob(encode(record)).await?;
        let edit = match old {
            Some(old) => RefEdit::Move(name.to_owned(), blob, old),
            None => RefEdit::Create(name.to_owned(), blob),
        };
        self.repo.edit(&[edit], "tinytown: checks").await.map(drop)
    }
}
