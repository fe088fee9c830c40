//! A repository that several machines share, and this machine's copy of it: read here after it was
//! fetched, changed there first, by compare-and-swap.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Git, GitError, Lane, ObjectFormat, Oid, RefEdit, Swap};

/// How long one call to another machine may take. A large first fetch takes minutes.
const LIMIT: Duration = Duration::from_mins(10);
/// How long another process of this machine that fetches is waited for.
const PATIENCE: Duration = Duration::from_mins(10);

/// Our copy of a repository elsewhere. Only the parts that were asked for are copied.
#[derive(Debug, Clone)]
pub struct Mirror {
    git: Git,
    address: String,
    /// What is copied, as refspecs.
    parts: Vec<String>,
}

impl Mirror {
    /// The copy in `folder`, which is made unless it is there; nothing is fetched yet. `parts` are
    /// the namespaces that are copied, such as `refs/heads`.
    ///
    /// # Errors
    /// If the folder cannot be made, or git refuses it.
    pub async fn open(
        folder: &Path,
        address: &str,
        format: ObjectFormat,
        parts: &[&str],
    ) -> Result<Self, GitError> {
        if !folder.join("HEAD").exists() {
            make(folder, format).await?;
        }
        let parts = parts.iter().map(|part| format!("+{part}/*:{part}/*")).collect();
        Ok(Self { git: Git::bare(folder), address: address.to_owned(), parts })
    }

    /// Git on the copy. What is changed there alone is lost with the next fetch, if it is in a copied part.
    pub fn git(&self) -> &Git {
        &self.git
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.git.dir()
    }

    /// Brings the copy up to date; what is gone there goes here.
    ///
    /// # Errors
    /// [`GitError::Failed`] or [`GitError::Slow`] if the other machine cannot be reached or refuses.
    pub async fn fetch(&self) -> Result<(), GitError> {
        let _lane = self.lane().await?;
        self.fetch_alone().await
    }

    /// Makes several changes there together, each only if its reference is where the change expects
    /// it, or is already where the change wants it; then here as well. What is there by now decides
    /// between [`Swap::Elsewhere`] and an error: after an error it is not known whether they were made.
    ///
    /// # Errors
    /// As [`Mirror::fetch`].
    pub async fn edit_refs(&self, edits: &[RefEdit]) -> Result<Swap, GitError> {
        let _lane = self.lane().await?;
        match self.push(edits).await {
            Ok(()) => {
                let now: Vec<RefEdit> = edits.iter().filter(|edit| !is_verify(edit)).cloned().collect();
                // Where the copy was behind, the next fetch mends it.
                let _behind = self.git.edit_refs(&now, "tinytown: pushed").await?;
                Ok(Swap::Done)
            }
            Err(error) => {
                self.fetch_alone().await?;
                self.git.elsewhere_or(edits, error).await
            }
        }
    }

    async fn push(&self, edits: &[RefEdit]) -> Result<(), GitError> {
        let text = |oid: Option<&Oid>| oid.map_or_else(String::new, ToString::to_string);
        let leases =
            edits.iter().map(|edit| format!("--force-with-lease={}:{}", edit.name(), text(edit.expected())));
        let words = edits.iter().map(|edit| format!("{}:{}", text(edit.wanted()), edit.name()));
        let git = self.git.clone().abroad();
        let call = git.call(["push", "--quiet", "--atomic", "--no-verify", "--no-signed"]).args(leases);
        let name = format!("git push {}", self.address);
        call.arg("--").arg(&self.address).args(words).within(LIMIT, &name).await.map(drop)
    }

    async fn fetch_alone(&self) -> Result<(), GitError> {
        let git = self.git.clone().abroad();
        let options = ["fetch", "--quiet", "--prune", "--no-tags", "--no-write-fetch-head"];
        let more = ["--no-auto-maintenance", "--no-recurse-submodules", "--no-show-forced-updates", "--"];
        let call = git.call(options).args(more).arg(&self.address).args(&self.parts);
        call.within(LIMIT, &format!("git fetch {}", self.address)).await.map(drop)
    }

    /// Two that fetch at once would be in each other's way.
    async fn lane(&self) -> Result<Lane, GitError> {
        let lane = Lane::enter_named(self.git.dir(), "mirror", PATIENCE).await?;
        lane.ok_or_else(|| GitError::Slow { command: "git fetch".to_owned(), limit: PATIENCE })
    }
}

/// Where a reference of a repository elsewhere is, if it is there. Copies nothing.
///
/// # Errors
/// As [`Mirror::fetch`].
pub async fn look_abroad(address: &str, name: &str) -> Result<Option<Oid>, GitError> {
    let git = Git::at("/").abroad();
    let call = git.call(["ls-remote", "--refs", "--", address, name]);
    let shown = format!("git ls-remote {address}");
    let printed = call.within(LIMIT, &shown).await?;
    let text = String::from_utf8_lossy(&printed);
    let line = text.lines().find(|line| line.split('\t').nth(1) == Some(name));
    line.map(|line| Oid::from_git(line.split('\t').next().unwrap_or_default().as_bytes(), &shown)).transpose()
}

fn is_verify(edit: &RefEdit) -> bool {
    matches!(edit, RefEdit::Verify(..))
}

/// Makes it beside its place and moves it there, so that nobody ever sees half of it.
async fn make(folder: &Path, format: ObjectFormat) -> Result<(), GitError> {
    static DRAFTS: AtomicU64 = AtomicU64::new(0);
    let mut draft = folder.as_os_str().to_owned();
    draft.push(format!(".{}-{}", std::process::id(), DRAFTS.fetch_add(1, Ordering::Relaxed)));
    let draft = PathBuf::from(draft);
    let parent = folder.parent().unwrap_or(Path::new("."));
    let name = if format == ObjectFormat::Sha256 { "sha256" } else { "sha1" };
    let git = Git::at(parent);
    let call = git.call(["init", "--quiet", "--bare", "--template="]);
    call.arg(format!("--object-format={name}")).arg("--").arg(&draft).bytes().await?;
    // It may hold what is private, whatever the folder around it allows.
    let private = fs::set_permissions(&draft, fs::Permissions::from_mode(0o700));
    private.map_err(GitError::io("protect", &draft))?;
    match fs::rename(&draft, folder) {
        Ok(()) => Ok(()),
        // Another was faster.
        Err(_) if folder.join("HEAD").exists() => {
            let _litter = fs::remove_dir_all(&draft);
            Ok(())
        }
        Err(error) => Err(GitError::io("make", folder)(error)),
    }
}
