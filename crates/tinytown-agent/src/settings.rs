//! What a worker is told when it starts, and what it works through.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tinytown_core::id::{AgentName, OpId, Role};
use tinytown_core::time::Time;
use tinytown_host::git::{Identity, Mirror};
use tinytown_host::supervise::Supervisor;
use tinytown_store::Store;

use crate::cli::AgentCli;
use crate::report::Report;

/// Tells the wall clock. Its answers are data, and never prove that somebody is dead.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// Tells the time since a fixed point of this boot, suspend included; normally [`tinytown_host::clock::uptime`],
/// by which supervisors judge too.
pub type Uptime = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Mints the name of an operation, never the same twice.
pub type MintOp = Arc<dyn Fn() -> OpId + Send + Sync>;

/// What a worker is told when it starts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The name to take.
    pub agent: AgentName,
    /// What the agent is good at; without a role it takes anything.
    pub role: Option<Role>,
    /// The name of `cli` in the configuration.
    pub cli_name: String,
    /// The command that works as the agent.
    pub cli: AgentCli,
    /// The town's folder, absolute.
    pub town_dir: PathBuf,
    /// The town's name.
    pub town_name: String,
    /// The town's repository, absolute: where bases come from and work is published.
    pub repository: PathBuf,
    /// If several machines share a repository: this machine's copy, which is then `repository`. It is fetched
    /// before each checkout, and work is pushed before it is handed in.
    pub remote: Option<Mirror>,
    /// Short name of the branch that missions work for, such as `main`.
    pub base_branch: String,
    /// Where that branch is in `repository`, such as `refs/heads/main`; checkouts see it as `origin/…`.
    pub base_ref: String,
    /// The agent lease: a worker silent for this long counts as lost.
    pub lease: Duration,
    /// How supervisors are started.
    pub supervisor: Supervisor,
    /// Under which name commits are made in checkouts.
    pub identity: Identity,
    /// The environment from which the allow-list is taken, normally [`std::env::vars_os`].
    pub environment: Vec<(OsString, OsString)>,
    /// Whether to wait until a worker of this name on another host is gone, instead of refusing.
    pub wait_for_name: bool,
}

/// What a worker works through.
#[derive(Clone)]
pub struct Ports {
    /// The town's store.
    pub store: Arc<dyn Store>,
    /// Told after each post.
    pub applier: Arc<dyn Applier>,
    /// Hears what goes on.
    pub report: Arc<dyn Report>,
    /// The wall clock.
    pub clock: Clock,
    /// The clock by which it is judged whether we may have been declared lost.
    pub uptime: Uptime,
    /// Names for operations that have no natural one.
    pub mint: MintOp,
}

impl Settings {
    /// Where everything of ours lies, in the town's folder.
    fn home(&self) -> PathBuf {
        self.town_dir.join(".tinytown")
    }

    pub(crate) fn checkouts(&self) -> PathBuf {
        self.home().join("checkouts")
    }

    /// Result files, prompts and the like, outside of checkouts.
    pub(crate) fn attempts(&self) -> PathBuf {
        self.home().join("attempts")
    }

    /// Requests for help, each with its prompt and what was answered.
    pub(crate) fn requests(&self) -> PathBuf {
        self.home().join("conductor")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.home().join("logs").join(self.agent.as_str())
    }

    pub(crate) fn runs(&self) -> PathBuf {
        self.home().join("run").join(self.agent.as_str())
    }
}

/// Told after each post: whoever composed the worker may apply it, if no dispatcher is there.
#[async_trait]
pub trait Applier: Send + Sync {
    /// Something was posted.
    async fn nudge(&self);
}
