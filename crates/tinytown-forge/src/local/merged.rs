//! Which items the base's history says were merged.

use std::collections::HashSet;

use tinytown_core::id::{ItemKey, MissionId};
use tinytown_host::git::{Git, GitError, Oid, TrailerHit};
use tokio::sync::Mutex;

use super::words::{ITEM_TRAILER, one_line};

/// What is known of merges up to some tip of the base; only what came since is read again.
#[derive(Default)]
pub(super) struct Merges(Mutex<Known>);

#[derive(Default)]
struct Known {
    tip: Option<Oid>,
    /// Oldest first.
    merges: Vec<Merge>,
}

/// A merge commit of ours.
#[derive(Clone)]
pub(super) struct Merge {
    pub(super) commit: Oid,
    /// What it merged into the base.
    pub(super) head: Oid,
    /// `MISSION KEY`
    item: String,
}

impl Merge {
    pub(super) fn new(commit: Oid, head: Oid, mission: MissionId, item: &ItemKey) -> Self {
        Self { commit, head, item: named(mission, item) }
    }
}

impl Merges {
    /// The merge that we made for an item, at whichever head: the first, if there are several. Costs a
    /// call of git only if somebody else moved the base since the last question.
    pub(super) async fn of(
        &self,
        git: &Git,
        tip: &Oid,
        mission: MissionId,
        item: &ItemKey,
    ) -> Result<Option<Merge>, GitError> {
        let mut known = self.0.lock().await;
        known.read_up_to(git, tip).await?;
        let item = named(mission, item);
        Ok(known.merges.iter().find(|merge| merge.item == item).cloned())
    }

    /// A merge was made on top of `tip`: there is no need to read it.
    pub(super) async fn made(&self, tip: &Oid, merge: Merge) {
        let mut known = self.0.lock().await;
        if known.tip.as_ref() == Some(tip) {
            known.tip = Some(merge.commit.clone());
            known.merges.push(merge);
        }
    }

    /// The keys of all items that were merged, of whichever mission.
    pub(super) async fn keys(&self, git: &Git, tip: &Oid) -> Result<HashSet<String>, GitError> {
        let mut known = self.0.lock().await;
        known.read_up_to(git, tip).await?;
        let keys = known.merges.iter().filter_map(|merge| merge.item.split_once(' '));
        Ok(keys.map(|(_, key)| key.to_owned()).collect())
    }
}

impl Known {
    async fn read_up_to(&mut self, git: &Git, tip: &Oid) -> Result<(), GitError> {
        if self.tip.as_ref() == Some(tip) {
            return Ok(());
        }
        // A rewritten base is read from its beginning. (The old tip may even be gone.)
        let since = match &self.tip {
            Some(old) if git.is_ancestor(old, tip).await.unwrap_or(false) => Some(old.clone()),
            _ => None,
        };
        let hits = git.merges_with_trailer(ITEM_TRAILER, tip, since.as_ref()).await?;
        if since.is_none() {
            self.merges.clear();
        }
        self.merges.extend(hits.into_iter().rev().filter_map(merge));
        self.tip = Some(tip.clone());
        Ok(())
    }
}

fn merge(hit: TrailerHit) -> Option<Merge> {
    let head = hit.parents.into_iter().nth(1)?;
    Some(Merge { commit: hit.commit, head, item: hit.values.into_iter().next()? })
}

/// An item as a trailer names it.
fn named(mission: MissionId, item: &ItemKey) -> String {
    format!("{mission} {}", one_line(item.as_str()))
}
