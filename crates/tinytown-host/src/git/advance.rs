//! Moving a branch that is checked out: what `git merge --ff-only` does, but safe to be killed at.
//!
//! A killed `git merge` leaves a locked index and a half-new working tree behind, and nobody can
//! tell whose lock it is. Here the index is locked by us, with a note inside: which branch goes from
//! where to where. All work is done on a copy of the index, which replaces it at the end:
//!
//! 1. lock with the note
//! 2. ask git whether it would refuse
//! 3. move the branch: the one deciding moment
//! 4. move the files
//! 5. put the copy in place, and unlock
//!
//! Whoever finds a lock with a note, and holds the [`Lane`], knows that its writer is gone, and
//! finishes: see [`Git::finish_advance`]. While the lock is there, the user's own git changes nothing.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::command::{Call, Input, refusal};
use super::quarantine::{entry, index_info};
use super::{Git, GitError, Lane, Oid, Worktree};

/// A checked-out branch to be moved.
#[derive(Debug, Clone)]
pub struct AdvanceRequest {
    /// Where it is checked out.
    pub worktree: Worktree,
    /// Its full name.
    pub branch: String,
    /// Where it is.
    pub old: Oid,
    /// Where it goes; contains `old`.
    pub new: Oid,
    /// For the reflog.
    pub reason: String,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advance {
    /// Branch, index and files are at the new commit.
    Done,
    /// Something in the folder is in the way, in git's words; nothing was changed.
    Refused(String),
    /// The branch is not where it was expected; nothing was changed.
    Elsewhere,
}

/// What our lock on an index says.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    tinytown: u32,
    branch: String,
    old: String,
    new: String,
}

/// The files of one advance.
struct Desk {
    git: Git,
    index: PathBuf,
    lock: PathBuf,
    copy: PathBuf,
}

/// A file in which two commits differ.
struct Change {
    path: Vec<u8>,
    /// `0` where a commit does not have the file.
    old_mode: Vec<u8>,
    mode: Vec<u8>,
    oid: Vec<u8>,
}

impl Git {
    /// Moves a checked-out branch, its index and its files. Unrelated local changes stay as they are.
    pub async fn advance(&self, request: &AdvanceRequest, lane: &Lane) -> Result<Advance, GitError> {
        let desk = Desk::at(&request.worktree)?;
        if let Some(words) = request.worktree.unfinished(&request.branch) {
            return Ok(Advance::Refused(words));
        }
        if let Some(words) = desk.lock(request)? {
            return Ok(Advance::Refused(words));
        }
        let outcome = self.advance_locked(&desk, request, lane).await;
        if matches!(outcome, Ok(Advance::Refused(_) | Advance::Elsewhere)) {
            desk.unlock()?;
        }
        outcome
    }

    async fn advance_locked(
        &self,
        desk: &Desk,
        r: &AdvanceRequest,
        lane: &Lane,
    ) -> Result<Advance, GitError> {
        desk.copy_index()?;
        desk.refresh(lane).await?;
        if let Some(words) = desk.read_tree(&["--dry-run"], &r.old, &r.new, lane).await? {
            return Ok(Advance::Refused(words));
        }
        if !self.swap_branch(&r.branch, &r.new, &r.old, &r.reason, lane).await? {
            return Ok(Advance::Elsewhere);
        }
        if let Some(words) = desk.read_tree(&[], &r.old, &r.new, lane).await? {
            // Somebody changed a file in the last few milliseconds, or the disk is full: take it back.
            self.swap_branch(&r.branch, &r.old, &r.new, "tinytown: taken back", lane).await?;
            desk.settle(&r.new, &r.old, lane).await?;
            return Ok(Advance::Refused(words));
        }
        desk.install()?;
        Ok(Advance::Done)
    }

    /// Moves one branch from `old` to `new`, with the lane in hand; `false` if it is elsewhere.
    async fn swap_branch(
        &self,
        name: &str,
        new: &Oid,
        old: &Oid,
        why: &str,
        lane: &Lane,
    ) -> Result<bool, GitError> {
        let call = self.call(["update-ref", "-m", why, name, new.as_str(), old.as_str()]);
        let Err(error) = call.input(Input::File(lane.share()?)).bytes().await else { return Ok(true) };
        match self.rev_parse(name).await? {
            // Killed after its work was done.
            Some(found) if found == *new => Ok(true),
            Some(found) if found == *old => Err(error),
            _ => Ok(false),
        }
    }

    /// Finishes what a killed process left half done in a folder, if anything: files that are as the
    /// old or the new commit has them are brought to where the branch is, all others are left alone.
    pub async fn finish_advance(&self, worktree: &Worktree, lane: &Lane) -> Result<(), GitError> {
        let desk = Desk::at(worktree)?;
        let Some(note) = desk.note() else { return Ok(()) };
        let ends = (Oid::new(&note.old), Oid::new(&note.new));
        let (Some(old), Some(new)) = ends else { return desk.unlock() };
        let (from, to) =
            if self.rev_parse(&note.branch).await?.as_ref() == Some(&old) { (new, old) } else { (old, new) };
        desk.settle(&from, &to, lane).await
    }
}

impl Desk {
    fn at(worktree: &Worktree) -> Result<Self, GitError> {
        let git_dir = worktree.git_dir()?;
        let copy = git_dir.join("tinytown-index");
        let git = Git::on(&git_dir, &worktree.path).with("GIT_INDEX_FILE", &copy);
        Ok(Self { git, index: git_dir.join("index"), lock: git_dir.join("index.lock"), copy })
    }

    /// Locks the index with a note that is whole from its first moment; words if it is locked already.
    fn lock(&self, request: &AdvanceRequest) -> Result<Option<String>, GitError> {
        let (old, new) = (request.old.to_string(), request.new.to_string());
        let note = Note { tinytown: 1, branch: request.branch.clone(), old, new };
        let draft = self.lock.with_file_name("tinytown-note");
        let text = serde_json::to_string(&note).expect("a note of texts is JSON");
        let file = fs::File::create(&draft).map_err(GitError::io("create", &draft))?;
        std::io::Write::write_all(&mut &file, text.as_bytes()).map_err(GitError::io("write", &draft))?;
        file.sync_all().map_err(GitError::io("write", &draft))?;
        let linked = fs::hard_link(&draft, &self.lock);
        let _ = fs::remove_file(&draft);
        match linked {
            Ok(()) => Ok(None),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Ok(Some(format!("{} exists: another git is at work there", self.lock.display())))
            }
            Err(source) => Err(GitError::io("create", &self.lock)(source)),
        }
    }

    /// The note in the lock, if the lock is ours.
    fn note(&self) -> Option<Note> {
        let text = fs::read(&self.lock).ok().filter(|text| text.len() < 4096)?;
        serde_json::from_slice(&text).ok().filter(|note: &Note| note.tinytown == 1)
    }

    fn unlock(&self) -> Result<(), GitError> {
        for file in [&self.copy, &self.copy.with_extension("lock"), &self.lock] {
            remove(file)?;
        }
        Ok(())
    }

    fn copy_index(&self) -> Result<(), GitError> {
        remove(&self.copy.with_extension("lock"))?;
        match fs::copy(&self.index, &self.copy) {
            Err(error) if error.kind() == ErrorKind::NotFound => remove(&self.copy),
            copied => copied.map(drop).map_err(GitError::io("copy", &self.index)),
        }
    }

    /// Puts the copy in the place of the index, and unlocks.
    fn install(&self) -> Result<(), GitError> {
        fs::rename(&self.copy, &self.index).map_err(GitError::io("replace", &self.index))?;
        self.unlock()
    }

    /// Learns anew which files are as the index has them.
    async fn refresh(&self, lane: &Lane) -> Result<(), GitError> {
        let call = self.git.call(["update-index", "-q", "--ignore-submodules", "--refresh"]);
        // Exit 1 says that something differs, which is not the question here.
        held(call, lane)?.output().await.map(drop)
    }

    /// Moves index and files from one commit to another as far as git allows; its words if it does not.
    async fn read_tree(
        &self,
        more: &[&str],
        from: &Oid,
        to: &Oid,
        lane: &Lane,
    ) -> Result<Option<String>, GitError> {
        let call = self.git.call(["read-tree", "-m", "-u"]).args(more).args([from, to]);
        let shown = call.shown();
        let output = held(call, lane)?.output().await?;
        match output.status.code() {
            Some(0) => Ok(None),
            Some(_) => Ok(Some(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
            None => Err(refusal(shown, &output)),
        }
    }

    /// Brings a half-moved folder to `to`.
    async fn settle(&self, from: &Oid, to: &Oid, lane: &Lane) -> Result<(), GitError> {
        let differing_from = self.differing(from, lane).await?;
        let differing_to = self.differing(to, lane).await?;
        let is_as = |change: &Change, mode: &[u8], differing: &HashSet<Vec<u8>>| {
            if mode == b"0" { self.is_missing(change) } else { !differing.contains(&change.path) }
        };
        let mut there = Vec::new();
        for change in self.changes(from, to).await? {
            let arrived = is_as(&change, &change.mode, &differing_to);
            let waiting = is_as(&change, &change.old_mode, &differing_from);
            if !arrived && !waiting {
                self.remove_cut_short(&change).await?;
            }
            if arrived || !waiting {
                there.push(change);
            }
        }
        self.copy_index()?;
        // What arrived is entered as it is. What is neither old nor new is entered as new too: it
        // then shows as what it is, a local change. The rest is left to git.
        index_info(&self.git, there.iter().map(|c| entry(&c.mode, &c.oid, &c.path))).await?;
        self.refresh(lane).await?;
        if let Some(words) = self.read_tree(&[], from, to, lane).await? {
            let command = "git read-tree -m -u";
            return Err(GitError::answer(
                command,
                format!("an interrupted merge cannot be finished: {words}"),
            ));
        }
        self.restore_missing(&there, lane).await?;
        self.install()
    }

    /// The files of the working tree that are not as a commit has them, among those it has.
    async fn differing(&self, commit: &Oid, lane: &Lane) -> Result<HashSet<Vec<u8>>, GitError> {
        remove(&self.copy.with_extension("lock"))?;
        remove(&self.copy)?;
        held(self.git.call(["read-tree"]).arg(commit), lane)?.bytes().await?;
        self.refresh(lane).await?;
        let listed =
            self.git.call(["diff-files", "--name-only", "-z", "--ignore-submodules"]).bytes().await?;
        Ok(listed.split(|b| *b == 0).filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect())
    }

    /// In what `to` differs from `from`: the entries of `to`, mode 0 for what it has no more.
    async fn changes(&self, from: &Oid, to: &Oid) -> Result<Vec<Change>, GitError> {
        let options = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", "--no-ext-diff"];
        let listed = self.git.call(options).args([from, to]).bytes().await?;
        let fields: Vec<&[u8]> = listed.split(|b| *b == 0).collect();
        let change = |pair: &[&[u8]]| {
            let words: Vec<&[u8]> = pair.first()?.split(|b| *b == b' ').collect();
            let mode = |word: &[u8]| if word == b"000000" { b"0".to_vec() } else { word.to_vec() };
            let old_mode = mode(words.first()?.strip_prefix(b":")?);
            let path = pair.get(1)?.to_vec();
            Some(Change { path, old_mode, mode: mode(words.get(1)?), oid: words.get(3)?.to_vec() })
        };
        Ok(fields.chunks_exact(2).filter_map(change).collect())
    }

    /// Removes a file that holds the beginning of its new version: git was killed writing it.
    async fn remove_cut_short(&self, change: &Change) -> Result<(), GitError> {
        let file = self.file(change);
        let Some(oid) = Oid::new(&String::from_utf8_lossy(&change.oid)) else { return Ok(()) };
        let regular = fs::symlink_metadata(&file).is_ok_and(|m| m.is_file());
        if !regular || change.mode == b"0" || change.mode == b"160000" {
            return Ok(());
        }
        let whole = self.git.read_blob(&oid).await?;
        match fs::read(&file) {
            Ok(found) if found.len() < whole.len() && whole.starts_with(&found) => remove(&file),
            _ => Ok(()),
        }
    }

    /// Writes files anew that had been removed to be written and then were not.
    async fn restore_missing(&self, changes: &[Change], lane: &Lane) -> Result<(), GitError> {
        let missing = |c: &&Change| c.mode != b"0" && self.is_missing(c);
        let paths: Vec<u8> =
            changes.iter().filter(missing).flat_map(|c| [&c.path, &b"\0"[..]].concat()).collect();
        if paths.is_empty() {
            return Ok(());
        }
        let call = self.git.call(["checkout-index", "-q", "-u", "-z", "--stdin"]).input(Input::Bytes(paths));
        call.bytes().await?;
        self.refresh(lane).await
    }

    fn is_missing(&self, change: &Change) -> bool {
        fs::symlink_metadata(self.file(change)).is_err()
    }

    fn file(&self, change: &Change) -> PathBuf {
        self.git.dir().join(OsStr::from_bytes(&change.path))
    }
}

/// The command with the lane in hand: an orphan keeps others out until it ends.
fn held<'a>(call: Call<'a>, lane: &Lane) -> Result<Call<'a>, GitError> {
    Ok(call.input(Input::File(lane.share()?)))
}

fn remove(file: &Path) -> Result<(), GitError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(GitError::io("remove", file)(error)),
        _ => Ok(()),
    }
}
