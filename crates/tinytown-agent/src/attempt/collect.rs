//! Bringing an agent's work into safety, and learning what it is, without running anything that the
//! agent configured: it is taken through a quarantine, and looked at in the town's own repository.

use tinytown_core::id::Sha;
use tinytown_core::letter::Brief;
use tinytown_core::markers::clean_title;
use tinytown_host::git::{Git, GitError, Oid, Quarantine, RefEdit, Snapshot, Swap};

use super::prepare::{Desk, oid};
use crate::evidence::{Left, Work};
use crate::office::Office;
use crate::report::{Progress, chain};
use crate::result_file::ResultFile;
use crate::words::{plain, summary};

/// What was brought into safety.
pub(super) struct Collected {
    /// What was found.
    pub(super) left: Left,
    /// The reference under which it is kept, and the commit.
    pub(super) kept: Option<(String, Oid)>,
    /// Whether nothing of it is left in the checkout alone.
    pub(super) complete: bool,
}

/// Commits what was left uncommitted, and keeps all of it under `refs/tinytown/kept/`.
pub(super) async fn collect(office: &Office, brief: &Brief, desk: &Desk, result: &ResultFile) -> Collected {
    match try_collect(office, brief, desk, result).await {
        Ok(collected) => collected,
        Err(error) => {
            let why = format!("the work in {} cannot be read: {}", desk.checkout.display(), chain(&error));
            office.say(&Progress::Trouble(why.clone()));
            Collected { left: Left::Unreadable(why), kept: None, complete: false }
        }
    }
}

async fn try_collect(
    office: &Office,
    brief: &Brief,
    desk: &Desk,
    result: &ResultFile,
) -> Result<Collected, GitError> {
    let branch = brief.branch.as_deref().unwrap_or("detached");
    let (base, private) = (oid(&brief.base), desk.private.join("git"));
    // Both read names only; nothing configured there runs for that.
    let there = Git::on(&desk.checkout.join(".git"), &desk.checkout);
    let tip = format!("refs/heads/{branch}");
    let (quarantine, tip) =
        tokio::try_join!(Quarantine::of(&desk.checkout, &private), there.rev_parse(&tip))?;
    let town = Git::at(&office.settings.repository);
    let kept = format!("refs/tinytown/kept/{branch}");
    let safe = Safe { town, brief, base, base_tree: desk.base_tree.as_ref(), quarantine, kept };
    let collected = safe.collect(tip, &commit_message(brief, result)).await;
    let Safe { quarantine, kept, .. } = safe;
    // Nobody waits for its removal.
    tokio::task::spawn_blocking(move || drop(quarantine));
    let (work, skipped) = collected?;
    if !skipped.is_empty() {
        let what = format!("{}: not all could be taken: {}", desk.checkout.display(), plain(&skipped));
        office.say(&Progress::Trouble(what));
    }
    let kept = work.moved.then(|| (kept, oid(&work.head)));
    Ok(Collected { left: Left::Work(work), kept, complete: skipped.is_empty() })
}

/// A way for work into the town's repository.
struct Safe<'a> {
    town: Git,
    brief: &'a Brief,
    base: Oid,
    base_tree: Option<&'a Oid>,
    quarantine: Quarantine,
    /// Where it goes.
    kept: String,
}

impl Safe<'_> {
    /// Brings in what the agent committed while what it did not is being looked for: mostly that is
    /// nothing. Answers the work, and git's words on files that could not be taken.
    async fn collect(&self, tip: Option<Oid>, message: &str) -> Result<(Work, String), GitError> {
        let ended_on = self.quarantine.head();
        let (snapshot, committed) =
            tokio::try_join!(self.quarantine.snapshot(message), self.bring(ended_on))?;
        let (head, aside) = choose(&self.base, ended_on, &snapshot, tip);
        if let Some(aside) = aside {
            let name = format!("{}.aside", self.kept);
            self.town.take(&self.quarantine, &aside, &name).await?;
        }
        let work = if head == *ended_on { committed } else { self.bring(&head).await? };
        Ok((work, snapshot.skipped))
    }

    /// Keeps a commit, and says what it is as work.
    async fn bring(&self, head: &Oid) -> Result<Work, GitError> {
        if *head == self.base {
            return self.untouched().await;
        }
        self.town.take(&self.quarantine, head, &self.kept).await?;
        let tree = format!("{head}^{{tree}}");
        let newest = [self.kept.as_str()];
        let (holds_base, tree, newest, lacking) = tokio::try_join!(
            self.town.is_ancestor(&self.base, head),
            self.town.rev_parse(&tree),
            self.town.refs_with_content(&newest),
            self.lacking(head),
        )?;
        Ok(Work {
            head: Sha::new(head.as_str()).expect("both are 40 or 64 hexadecimal digits"),
            moved: true,
            empty: tree.as_ref() == self.base_tree,
            holds_base,
            lacking,
            subject: newest.first().map(|newest| subject(&newest.content)).unwrap_or_default(),
        })
    }

    async fn untouched(&self) -> Result<Work, GitError> {
        let (head, subject) = (self.brief.base.clone(), String::new());
        let lacking = self.lacking(&self.base).await?;
        Ok(Work { head, moved: false, empty: true, holds_base: true, lacking, subject })
    }

    async fn lacking(&self, head: &Oid) -> Result<Vec<Sha>, GitError> {
        let mut lacking = Vec::new();
        for sha in &self.brief.must_hold {
            if !self.town.is_ancestor(&oid(sha), head).await? {
                lacking.push(sha.clone());
            }
        }
        Ok(lacking)
    }
}

/// Which commit is the work: what the agent ended on, or the branch it was given if it left that with
/// commits and ended on nothing new. The other one, if it has something of its own, is put aside.
fn choose(base: &Oid, agents_head: &Oid, snapshot: &Snapshot, tip: Option<Oid>) -> (Oid, Option<Oid>) {
    let ended_on = snapshot.commit.clone();
    match tip.filter(|tip| tip != base && tip != agents_head) {
        Some(tip) if ended_on == *base => (tip, None),
        tip => (ended_on, tip),
    }
}

/// The first line of a commit's message; its headers end with an empty line.
fn subject(commit: &[u8]) -> String {
    let text = String::from_utf8_lossy(commit);
    let message = text.split_once("\n\n").map_or("", |(_, message)| message);
    message.lines().next().unwrap_or_default().to_owned()
}

/// Publishes work that is handed in, as a new branch. If that cannot be, it stays where it is kept:
/// the submission names the commit, not the branch.
pub(super) async fn publish(office: &Office, brief: &Brief, collected: &Collected) {
    let (Some((kept, head)), Some(branch)) = (&collected.kept, &brief.branch) else { return };
    let name = format!("refs/heads/{branch}");
    let edits = [RefEdit::Create(name.clone(), head.clone()), RefEdit::Delete(kept.clone(), head.clone())];
    let town = Git::at(&office.settings.repository);
    let trouble = match town.edit_refs(&edits, "tinytown: handed in").await {
        Ok(Swap::Done) => return,
        Ok(Swap::Elsewhere) => format!("{name} is there already; the work is kept as {kept}"),
        Err(error) => format!("{name} could not be made; the work is kept as {kept}: {}", chain(&error)),
    };
    office.say(&Progress::Trouble(trouble));
}

/// Under what the worker commits what an agent left. Nothing in it is a trailer of ours.
fn commit_message(brief: &Brief, result: &ResultFile) -> String {
    let title = clean_title(&brief.title);
    let words = match result {
        ResultFile::Said(said) => summary(&said.summary),
        ResultFile::Absent | ResultFile::Broken(_) => String::new(),
    };
    let ours = |line: &&str| line.trim_start().to_ascii_lowercase().starts_with("tinytown-");
    let words: Vec<&str> = words.lines().filter(|line| !ours(line)).collect();
    format!("{title}\n\n{}", words.join("\n")).trim_end().to_owned() + "\n"
}
