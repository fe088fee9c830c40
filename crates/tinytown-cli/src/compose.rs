//! The only place that names backends: it turns a town's configuration into store, forge and parts.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tinytown_agent::{AgentCli, Applier, Report, Worker};
use tinytown_core::id::{AgentName, Role};
use tinytown_core::input::{Answer, Input, Refusal};
use tinytown_core::roster::OPERATOR;
use tinytown_dispatcher::{Applied, ApplyError, Mode, Parts, Settings};
use tinytown_forge::{Forge, LocalConfig, LocalError, LocalForge};
use tinytown_host::git::{Identity, Mirror};
use tinytown_host::supervise::Supervisor;
use tinytown_redis::{RedisStore, RedisUrl, health};
use tinytown_store::codec::encode;
use tinytown_store::{
    Blob, Glance, InboxEntry, InputId, Post, SqliteFile, SqliteStore, Store, StoreError, TownIdentity,
    Vitals, Wait,
};

use crate::config::{ForgeKind, StoreUrl};
use crate::failure::{ExitCode, Failure};
use crate::idle_forge::IdleForge;
use crate::proof::{Holder, Proof};
use crate::town::Town;
use crate::{clock, git_config, remote};

/// How long a command waits for its input to be applied.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a look at the store's server may hold up a start.
const GLANCE: Duration = Duration::from_secs(2);

/// A town with its store open.
#[derive(Clone)]
pub(crate) struct Composed {
    /// The town.
    pub(crate) town: Town,
    /// Its store.
    pub(crate) store: Arc<dyn Store>,
}

impl Composed {
    /// Opens the town's store, which must be there.
    pub(crate) async fn open(town: Town) -> Result<Self, Failure> {
        let store: Arc<dyn Store> = match town.store.file(&town.root) {
            Some(file) => Arc::new(SqliteStore::open(file).await?),
            None => redis_store(&town.store, &town.config.name).await?,
        };
        Ok(Self { town, store })
    }

    /// The town's forge.
    pub(crate) async fn forge(&self) -> Result<Arc<dyn Forge>, Failure> {
        match self.town.config.forge.kind {
            ForgeKind::Local => self.local_forge().await,
            ForgeKind::Github => Err(no_github()),
        }
    }

    async fn local_forge(&self) -> Result<Arc<dyn Forge>, Failure> {
        let (town, table) = (&self.town, &self.town.config.forge);
        let config = LocalConfig {
            repository: town.root.clone(),
            base: table.base.clone(),
            issues: table.issues.clone().into(),
            check: table.check.clone(),
            scratch: town.checks().join("scratch"),
            runs: town.checks().join("run"),
            logs: town.checks().join("logs"),
            check_limit_ms: town.config.policy.item_timeout_secs.saturating_mul(1000),
            ping_limit_ms: town.config.timing.dispatcher_lease_ms,
            supervisor: supervisor()?,
            remote: remote::of(town).await?,
        };
        Ok(Arc::new(LocalForge::open(config).await.map_err(|error| no_forge(&error))?))
    }

    /// What a dispatcher works with.
    pub(crate) fn parts(&self, forge: Arc<dyn Forge>) -> Parts {
        Parts {
            store: Arc::clone(&self.store),
            forge,
            proof: Arc::new(Proof),
            clock: clock::now,
            uptime: tinytown_host::clock::uptime,
        }
    }

    /// How a dispatcher in this process is set up.
    pub(crate) fn settings(&self, mode: Mode) -> Result<Settings, Failure> {
        let timing = &self.town.config.timing;
        Ok(Settings {
            mode,
            lease: Duration::from_millis(timing.dispatcher_lease_ms),
            agent_lease: Duration::from_millis(timing.agent_lease_ms),
            holder: Holder::here()?.record(),
            nonce: clock::new_id().to_string(),
            engine: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    /// Applies what was posted before, if nobody has meanwhile. Repeating a post changes nothing.
    pub(crate) async fn apply_posted(&self, entry: InboxEntry) -> Result<(), Failure> {
        let InboxEntry { op, input, at, .. } = entry;
        let mode = Mode::Apply(op.clone());
        let post = Post { op, input, at, blobs: Vec::new() };
        let parts = self.parts(Arc::new(IdleForge));
        let applied = tinytown_dispatcher::apply(parts, self.settings(mode)?, post, PATIENCE).await;
        applied.map(drop).map_err(|error| not_applied(&error))
    }

    /// Posts an input and waits until it was applied: by the dispatcher that runs, else by ourselves.
    /// Applying performs nothing, so no forge is needed.
    pub(crate) async fn apply(&self, input: &Input, blobs: Vec<Blob>) -> Result<Applied, Failure> {
        let post = Post { op: clock::new_op("tt"), input: encode(input), at: clock::now(), blobs };
        let mode = Mode::Apply(post.op.clone());
        let parts = self.parts(Arc::new(IdleForge));
        let applied = tinytown_dispatcher::apply(parts, self.settings(mode)?, post, PATIENCE).await;
        match applied.map_err(|error| not_applied(&error))? {
            Applied { answer: Answer::Refused { why, message }, .. } => Err(refused(why, message)),
            applied => Ok(applied),
        }
    }
}

/// Who is to work.
#[derive(Debug, Clone)]
pub(crate) struct Hand {
    /// Under which name.
    pub(crate) name: AgentName,
    /// What it is good at.
    pub(crate) role: Option<Role>,
    /// The name of its CLI in the configuration.
    pub(crate) cli: String,
}

impl Composed {
    /// The command of an agent CLI: the town's own before a preset. Its program must be there.
    pub(crate) fn agent_cli(&self, name: &str) -> Result<AgentCli, Failure> {
        let Some(cli) = tinytown_agent::find(name, &self.town.config.cli) else {
            let known: Vec<String> = tinytown_agent::presets().into_keys().collect();
            let message =
                format!("unknown agent CLI {name:?} (known without configuration: {})", known.join(", "));
            return Err(Failure::new(ExitCode::Unavailable, message).hint(how_to_configure(name)));
        };
        let program = cli.command.first().cloned().unwrap_or_default();
        if !is_there(&program) {
            let message = format!("the program {program:?} of the agent CLI {name:?} is not on the PATH");
            return Err(Failure::new(ExitCode::Unavailable, message).hint(how_to_configure(name)));
        }
        Ok(cli)
    }

    /// A worker in this process; `applier` applies what it posts where no dispatcher does.
    pub(crate) async fn worker(
        &self,
        hand: &Hand,
        applier: Arc<dyn Applier>,
        report: Arc<dyn Report>,
    ) -> Result<Worker, Failure> {
        let (town, config) = (&self.town, &self.town.config);
        let remote = remote::mirror(town).await?;
        let settings = tinytown_agent::Settings {
            agent: hand.name.clone(),
            role: hand.role.clone(),
            cli_name: hand.cli.clone(),
            cli: self.agent_cli(&hand.cli)?,
            town_dir: town.root.clone(),
            town_name: config.name.clone(),
            repository: remote.as_ref().map_or(&*town.root, Mirror::folder).to_owned(),
            remote,
            base_branch: config.forge.base.clone(),
            base_ref: format!("refs/heads/{}", config.forge.base),
            lease: Duration::from_millis(config.timing.agent_lease_ms),
            supervisor: supervisor()?,
            identity: identity(town, &hand.name).await?,
            environment: std::env::vars_os().collect(),
            wait_for_name: true,
        };
        let ports = tinytown_agent::Ports {
            store: Arc::clone(&self.store),
            applier,
            report,
            clock: Arc::new(clock::now),
            uptime: Arc::new(tinytown_host::clock::uptime),
            mint: Arc::new(|| clock::new_op("worker")),
        };
        Ok(Worker::new(settings, ports))
    }
}

/// The user's own identity, if git knows one: work done on their behalf is committed as theirs.
async fn identity(town: &Town, agent: &AgentName) -> Result<Identity, Failure> {
    let name = git_config::get(&town.root, "user.name").await?;
    let email = git_config::get(&town.root, "user.email").await?;
    Ok(Identity {
        name: name.unwrap_or_else(|| agent.to_string()),
        email: email.unwrap_or_else(|| format!("{agent}@tinytown.localhost")),
    })
}

/// Whether a program can be found; one with a path of its own is looked for when it is started.
pub(crate) fn is_there(program: &str) -> bool {
    let executable = |path: &Path| {
        path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return !program.starts_with('/') || executable(Path::new(program));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| executable(&folder.join(program)))
}

fn how_to_configure(name: &str) -> String {
    format!(
        "install it, choose another with --cli, or say what it is in tinytown.toml:\n  [cli.{name}]\n  command = [\"PROGRAM\", \"ARGUMENT\"]"
    )
}

/// Makes the store of the town of that name if it is not there yet, for `tt init`.
pub(crate) async fn create_store(url: &StoreUrl, root: &Path, name: &str) -> Result<Arc<dyn Store>, Failure> {
    match url.file(root) {
        Some(file) => Ok(Arc::new(SqliteStore::create(file).await?)),
        None => redis_store(url, name).await,
    }
}

/// The town that a store already holds, if it does; of a server with many, the one of that name. Makes nothing.
pub(crate) async fn town_in(
    url: &StoreUrl,
    root: &Path,
    name: &str,
) -> Result<Option<TownIdentity>, Failure> {
    let store: Result<Arc<dyn Store>, StoreError> = match url.file(root) {
        Some(file) => SqliteStore::open(file).await.map(|store| Arc::new(store) as _),
        None => Ok(redis_store(url, name).await?),
    };
    let town = async { store?.town().await };
    match town.await {
        Ok(view) => Ok(Some(view.identity)),
        Err(StoreError::NoTown { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A handle to the town of that name on a Redis server; the town need not be there.
async fn redis_store(url: &StoreUrl, name: &str) -> Result<Arc<dyn Store>, Failure> {
    Ok(Arc::new(RedisStore::open(&redis_url(url)?, name).await?))
}

/// The address of a Redis server, taken apart.
pub(crate) fn redis_url(url: &StoreUrl) -> Result<RedisUrl, Failure> {
    RedisUrl::parse(&url.secret()).map_err(|error| Failure::from_error(ExitCode::Invalid, &error))
}

/// What an operator should know of the store's server before a night, each with its mend; nothing of a file.
/// A server that does not let itself be looked at is not said to be bad.
pub(crate) async fn store_concerns(town: &Town) -> Vec<String> {
    if town.store.file(&town.root).is_some() {
        return Vec::new();
    }
    let look = async { Ok::<_, Failure>(health::inspect(&redis_url(&town.store)?).await?.concerns) };
    let Ok(Ok(concerns)) = tokio::time::timeout(GLANCE, look).await else { return Vec::new() };
    concerns
        .iter()
        .map(|concern| format!("{concern}; mend: {}", concern.mend().replace('\n', "; ")))
        .collect()
}

/// A store as somebody looks at it who changes nothing.
pub(crate) enum Onlooker {
    /// A file, which is read without taking part.
    File(SqliteFile),
    /// A handle.
    Handle(Arc<dyn Store>),
}

/// Whoever can be asked about the town's store without changing it.
pub(crate) async fn onlooker(town: &Town) -> Result<Onlooker, Failure> {
    match town.store.file(&town.root) {
        Some(file) => Ok(Onlooker::File(SqliteFile::at(file))),
        None => Ok(Onlooker::Handle(redis_store(&town.store, &town.config.name).await?)),
    }
}

impl Onlooker {
    /// The lease and the heartbeats.
    pub(crate) async fn vitals(&self) -> Result<Vitals, StoreError> {
        match self {
            Self::File(file) => file.vitals().await,
            Self::Handle(store) => store.vitals().await,
        }
    }

    /// What the town is doing; of a handle, as of about one moment.
    pub(crate) async fn glance(&self) -> Result<Glance, StoreError> {
        match self {
            Self::File(file) => file.glance().await,
            Self::Handle(store) => glance(&**store).await,
        }
    }
}

/// Most inputs that are counted.
const COUNTED: usize = 1000;

async fn glance(store: &dyn Store) -> Result<Glance, StoreError> {
    let mut missions = Vec::new();
    for row in store.missions(false).await? {
        missions.push(store.mission(row.id).await?);
    }
    let inputs_waiting = store.inbox(InputId(0), COUNTED, Wait::NONE).await?.len();
    Ok(Glance { town: store.town().await?, vitals: store.vitals().await?, missions, inputs_waiting })
}

/// The agent from whose run this program was called, if it was.
pub(crate) fn calling_agent() -> Option<String> {
    std::env::var("TINYTOWN_AGENT").ok().filter(|name| !name.is_empty())
}

/// Who gives orders here, for the record: an agent, else the user.
pub(crate) fn operator() -> String {
    let user = || std::env::var("USER").ok().filter(|name| !name.is_empty());
    calling_agent().or_else(user).unwrap_or_else(|| OPERATOR.to_owned())
}

/// This very program.
pub(crate) fn program() -> Result<PathBuf, Failure> {
    Ok(std::env::current_exe()?)
}

/// What supervises agents and checks.
fn supervisor() -> Result<Supervisor, Failure> {
    Ok(Supervisor { program: program()?, args: vec!["supervise".to_owned()] })
}

/// There is no such forge yet.
pub(crate) fn no_github() -> Failure {
    let message = "this build of tt has no GitHub forge";
    let hint = "use issues in files with: tt config forge.kind local";
    Failure::new(ExitCode::Unavailable, message).hint(hint)
}

fn no_forge(error: &LocalError) -> Failure {
    let (code, hint) = match error {
        LocalError::NotARepository { .. } => (ExitCode::NotNow, "make one with: git init"),
        LocalError::Bare(_) => (ExitCode::NotNow, "use a clone with a working tree"),
        LocalError::Unborn(_) => (ExitCode::NotNow, "commit something first"),
        LocalError::NoBase(_) => (ExitCode::NotNow, "name another with: tt config forge.base BRANCH"),
        LocalError::Remote { .. } => (ExitCode::Unavailable, "see whether git reaches it: git fetch"),
        LocalError::Git(_) | LocalError::Folders(_) => {
            (ExitCode::Unavailable, "see what git and the folder .tinytown say")
        }
    };
    Failure::from_error(code, error).hint(hint)
}

fn not_applied(error: &ApplyError) -> Failure {
    match error {
        ApplyError::Store(error) => Failure::from(error.clone()),
        ApplyError::Unanswered { .. } => Failure::from_error(ExitCode::Failed, error)
            .hint("see whether a dispatcher works with: tt mission status --dispatcher"),
    }
}

fn refused(why: Refusal, message: String) -> Failure {
    let code = match why {
        Refusal::Unknown => ExitCode::NotFound,
        Refusal::NotNow => ExitCode::NotNow,
        Refusal::Invalid => ExitCode::Invalid,
    };
    Failure::new(code, message)
}
