//! Questions about history: who contains whom, what changed, which commits carry a trailer.

use super::{Git, GitError, Oid};

/// A merge commit that carries a trailer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailerHit {
    /// The commit.
    pub commit: Oid,
    /// Its parents, in order.
    pub parents: Vec<Oid>,
    /// The trailer's values, in order.
    pub values: Vec<String>,
}

impl Git {
    /// Whether `descendant` contains `ancestor` (or is it).
    pub async fn is_ancestor(&self, ancestor: &Oid, descendant: &Oid) -> Result<bool, GitError> {
        let call = self.call(["merge-base", "--is-ancestor"]).args([ancestor, descendant]);
        Ok(call.question().await?.is_some())
    }

    /// The best common ancestor; `None` if the two have no common history.
    pub async fn merge_base(&self, one: &Oid, other: &Oid) -> Result<Option<Oid>, GitError> {
        let call = self.call(["merge-base"]).args([one, other]);
        let shown = call.shown();
        call.question().await?.map(|bytes| Oid::from_git(&bytes, &shown)).transpose()
    }

    /// Those commits that are contained in no other of them.
    pub async fn independent(&self, commits: &[&Oid]) -> Result<Vec<Oid>, GitError> {
        let call = self.call(["merge-base", "--independent"]).args(commits);
        let shown = call.shown();
        let printed = call.bytes().await?;
        lines(&printed).map(|line| Oid::from_git(line, &shown)).collect()
    }

    /// The parents of a commit, in order.
    pub async fn parents(&self, commit: &Oid) -> Result<Vec<Oid>, GitError> {
        let call = self.call(["rev-list", "--parents", "--max-count=1"]).arg(commit);
        let shown = call.shown();
        let printed = call.bytes().await?;
        let words = printed.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        words.skip(1).map(|word| Oid::from_git(word, &shown)).collect()
    }

    /// The files in which two commits differ, both names of a renamed one.
    pub async fn changed_files(&self, old: &Oid, new: &Oid) -> Result<Vec<String>, GitError> {
        let options = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-ext-diff"];
        let printed = self.call(options).args([old, new]).bytes().await?;
        let names = printed.split(|b| *b == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }

    /// Merge commits on the first-parent line of `tip` (and not of `since`) that carry a trailer of
    /// exactly this key, newest first.
    ///
    /// Only the first-parent line: what a merged branch says about itself is not a merge of ours.
    pub async fn merges_with_trailer(
        &self,
        key: &str,
        tip: &Oid,
        since: Option<&Oid>,
    ) -> Result<Vec<TrailerHit>, GitError> {
        let format = format!("--format=%H%x00%P%x00%(trailers:key={key},valueonly,unfold)");
        let options = ["log", "-z", "--first-parent", "--merges", "--fixed-strings", "--no-notes"];
        let mut call = self.call(options).arg(format!("--grep={key}: ")).arg(format).arg(tip);
        if let Some(since) = since {
            call = call.arg(format!("^{since}"));
        }
        let shown = call.arg("--");
        let command = shown.shown();
        let printed = shown.bytes().await?;
        let fields: Vec<&[u8]> = printed.split(|b| *b == 0).collect();
        let hits: Result<Vec<_>, _> =
            fields.chunks_exact(3).map(|record| trailer_hit(record, &command)).collect();
        Ok(hits?.into_iter().filter(|hit| !hit.values.is_empty()).collect())
    }
}

/// Reads one record of three fields: commit, parents, values.
fn trailer_hit(record: &[&[u8]], command: &str) -> Result<TrailerHit, GitError> {
    let [commit, parents, values] = record else {
        return Err(GitError::answer(command, "a record is cut short"));
    };
    let parents = parents.split(|b| *b == b' ').filter(|p| !p.is_empty());
    let values = lines(values).map(|value| String::from_utf8_lossy(value).trim().to_owned());
    Ok(TrailerHit {
        commit: Oid::from_git(commit, command)?,
        parents: parents.map(|parent| Oid::from_git(parent, command)).collect::<Result<_, _>>()?,
        values: values.collect(),
    })
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty())
}
