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
    merges: Vec<Merge>,
}

struct Merge {
    commit: Oid,
    head: Option<Oid>,
    /// `MISSION KEY`
    item: String,
}

impl Merges {
    /// The commit that merged exactly this head for an item, if one of ours did.
    pub(super) async fn commit_of(
        &self,
        git: &Git,
        tip: &Oid,
        (mission, item): (MissionId, &ItemKey),
        head: &Oid,
    ) -> Result<Option<Oid>, GitError> {
        let mut known = self.0.lock().await;
        known.read_up_to(git, tip).await?;
        let item = format!("{mission} {}", one_line(item.as_str()));
        let found = known.merges.iter().find(|m| m.item == item && m.head.as_ref() == Some(head));
        Ok(found.map(|merge| merge.commit.clone()))
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
        self.merges.extend(hits.into_iter().filter_map(merge));
        self.tip = Some(tip.clone());
        Ok(())
    }
}

fn merge(hit: TrailerHit) -> Option<Merge> {
    let head = hit.parents.into_iter().nth(1);
    Some(Merge { commit: hit.commit, head, item: hit.values.into_iter().next()? })
}
