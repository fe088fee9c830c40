//! The forge inside a git repository: issues are Markdown files, a pull request is a branch plus a
//! record under `refs/tinytown/pull/N`, CI is a command, a merge is a merge commit on the base.
//!
//! | where | what |
//! |---|---|
//! | the issue folder of the user's working tree | issues, `NUMBER-any-slug.md` |
//! | `refs/tinytown/pull/N` | a blob: the record of pull request `N` |
//! | `refs/tinytown/base/HASH` | a commit that contains several heads, found again by them |
//! | `refs/tinytown/checks/SHA` | a blob: what the checks said about a commit |
//! | trailers `Tinytown-Item`, `Tinytown-Op` | which item a merge commit merged, under which name |
//!
//! With [`LocalConfig::remote`] all of these are in a repository that several machines share; each has a copy
//! of it, fetched before each call, and changes are pushed. The folders of users are then left alone.
//!
//! Nothing else is remembered: state is worked out from the references at each look, so a person's own
//! merge, push or deleted branch counts like ours. Every reference moves by compare-and-swap.
//!
//! A pull request is merged if the base's history has a merge commit of ours for its item, and stays at
//! the head that this commit merged, wherever its branch is by now; or if the base contains its branch,
//! whoever brought that about. So a merge by hand counts until more is pushed, and a merge that is taken
//! out of the base's history is undone.

mod base;
mod checks;
mod issue_text;
mod issues;
mod locks;
mod merge;
mod merged;
mod publish;
mod pulls;
mod record;
mod repo;
mod restack;
mod runner;
mod scratch;
mod survey;
mod words;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use tinytown_core::issue::IssueRef;
use tinytown_core::observation::{Checks, Observation};
use tinytown_host::git::{Git, GitError, Mirror, ObjectFormat, require_supported};
use tinytown_host::supervise::Supervisor;

use crate::{
    BaseOutcome, BaseRequest, CheckRequest, Forge, ForgeError, Lookup, MergeOutcome, MergeRequest, Permit,
    PublishOutcome, PublishRequest, RestackOutcome, RestackRequest,
};
pub use survey::{IssueFolder, IssueTrouble, survey_issues};

use checks::UnderWay;
use merged::Merges;
use record::{CHECKS, PULLS};
use repo::Repo;
use runner::Runner;

/// Where a local forge is, and how it checks.
#[derive(Debug, Clone)]
pub struct LocalConfig {
    /// The town's folder, in the working tree of its repository.
    pub repository: PathBuf,
    /// The base branch, by its short name.
    pub base: String,
    /// The issue folder, as seen from `repository`.
    pub issues: PathBuf,
    /// What CI means, for `sh -c`; `None` if nothing is checked.
    pub check: Option<String>,
    /// A private folder for checkouts of the commits being checked.
    pub scratch: PathBuf,
    /// A private folder for the run files of supervised checks.
    pub runs: PathBuf,
    /// A private folder for the output of checks.
    pub logs: PathBuf,
    /// How long a check may run, in milliseconds.
    pub check_limit_ms: u64,
    /// How long a check may go on without a sign of life from this process, in milliseconds.
    pub ping_limit_ms: u64,
    /// What runs checks.
    pub supervisor: Supervisor,
    /// Where branches and records are, if not in `repository` itself: workers on other machines meet there.
    pub remote: Option<LocalRemote>,
}

/// A repository that several machines share.
#[derive(Debug, Clone)]
pub struct LocalRemote {
    /// Its address, as git understands it.
    pub address: String,
    /// Where this machine keeps its copy; made unless it is there, in a folder that must be.
    pub mirror: PathBuf,
}

/// The parts of a shared repository that a forge reads and changes.
const SHARED: [&str; 5] = ["refs/heads", PULLS, CHECKS, base::BASES, merge::TRIALS];

impl LocalRemote {
    /// This machine's copy; nothing is fetched yet.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub async fn mirror(&self, format: ObjectFormat) -> Result<Mirror, GitError> {
        Mirror::open(&self.mirror, &self.address, format, &SHARED).await
    }
}

/// Why there can be no local forge here.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The folder is in no git repository, or git refuses to work there.
    #[error("{} is not in a git repository: {detail}", dir.display())]
    NotARepository {
        /// The folder.
        dir: PathBuf,
        /// Git's words.
        detail: String,
    },
    /// The repository has no working tree.
    #[error("the repository at {} is bare: a town needs a working tree", .0.display())]
    Bare(PathBuf),
    /// The repository has no commit yet.
    #[error("the repository at {} has no commit yet", .0.display())]
    Unborn(PathBuf),
    /// The base branch is missing.
    #[error("the repository has no branch {0:?}, the configured base")]
    NoBase(String),
    /// The shared repository cannot be read.
    #[error("the shared repository {address} cannot be read")]
    Remote {
        /// Where it is, without a password.
        address: String,
        /// Why not.
        #[source]
        source: GitError,
    },
    /// Git failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A private folder cannot be used.
    #[error("cannot prepare the folders for checks")]
    Folders(#[source] std::io::Error),
}

impl LocalConfig {
    /// The same wherever a command runs.
    fn with_absolute_paths(mut self) -> std::io::Result<Self> {
        let mirror = self.remote.as_mut().map(|remote| &mut remote.mirror);
        let own = [&mut self.repository, &mut self.scratch, &mut self.runs, &mut self.logs];
        for path in own.into_iter().chain(mirror) {
            *path = std::path::absolute(&*path)?;
        }
        Ok(self)
    }
}

/// The forge inside a git repository.
pub struct LocalForge {
    config: LocalConfig,
    repo: Arc<Repo>,
    merges: Merges,
    runner: Runner,
    under_way: UnderWay,
    /// Merges of this process wait for each other here; those of others meet in git's lane.
    merging: tokio::sync::Mutex<()>,
}

impl LocalForge {
    /// Opens the forge; sweeps what killed checks left in `scratch`.
    pub async fn open(config: LocalConfig) -> Result<Self, LocalError> {
        require_supported().await?;
        let config = config.with_absolute_paths().map_err(LocalError::Folders)?;
        let repo = Repo::open(&config).await?;
        let folders = [&config.scratch, &config.runs, &config.logs].map(Clone::clone);
        let sweeping = tokio::task::spawn_blocking(move || scratch::prepare(&folders));
        sweeping
            .await
            .unwrap_or_else(|join| Err(std::io::Error::other(join)))
            .map_err(LocalError::Folders)?;
        let runner = Runner::new(&config, repo.git.dir());
        let (repo, merges, under_way) = (Arc::new(repo), Merges::default(), UnderWay::default());
        Ok(Self { config, repo, merges, runner, under_way, merging: tokio::sync::Mutex::default() })
    }

    /// Marks a pull request as closed without merging it; `false` if it is not open.
    pub async fn close(&self, pull: u64, permit: &dyn Permit) -> Result<bool, ForgeError> {
        self.close_pull(pull, permit).await
    }

    fn git(&self) -> &Git {
        &self.repo.git
    }
}

/// Goes on only while the permit holds.
fn allowed(permit: &dyn Permit, before: &'static str) -> Result<(), ForgeError> {
    if permit.holds() { Ok(()) } else { Err(ForgeError::Revoked(before)) }
}

#[async_trait]
impl Forge for LocalForge {
    async fn issues(&self, references: &[IssueRef]) -> Result<Vec<Lookup>, ForgeError> {
        self.repo.refresh().await?;
        self.look_up(references).await
    }

    async fn base(&self, request: &BaseRequest, permit: &dyn Permit) -> Result<BaseOutcome, ForgeError> {
        self.repo.refresh().await?;
        self.base_for(request, permit).await
    }

    async fn publish(
        &self,
        request: &PublishRequest,
        permit: &dyn Permit,
    ) -> Result<PublishOutcome, ForgeError> {
        self.repo.refresh().await?;
        self.publish_head(request, permit).await
    }

    async fn look(&self, pull: u64) -> Result<Observation, ForgeError> {
        self.repo.refresh().await?;
        self.observe(pull).await
    }

    async fn check(&self, request: &CheckRequest, permit: &dyn Permit) -> Result<Checks, ForgeError> {
        self.repo.refresh().await?;
        self.judge(request, permit).await
    }

    async fn merge(&self, request: &MergeRequest, permit: &dyn Permit) -> Result<MergeOutcome, ForgeError> {
        self.repo.refresh().await?;
        self.merge_pull(request, permit).await
    }

    async fn restack(
        &self,
        request: &RestackRequest,
        permit: &dyn Permit,
    ) -> Result<RestackOutcome, ForgeError> {
        self.repo.refresh().await?;
        self.restack_pull(request, permit).await
    }
}
