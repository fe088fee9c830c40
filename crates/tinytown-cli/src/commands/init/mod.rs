//! `tt init`: makes a repository a town. Whatever is refused is refused before anything is created.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use clap::Args;
use tinytown_core::id::TownId;
use tinytown_host::files;
use tinytown_host::git::{Git, GitError, Layout};
use tinytown_store::{StoreError, TownIdentity};

use super::config::replace;
use crate::app::App;
use crate::config::{
    Config, FILE, ForgeKind, ForgeTable, NAME_RULE, StoreTable, StoreUrl, Template, is_name,
};
use crate::failure::{ExitCode, Failure};
use crate::terminal::Terminal;
use crate::town::{STATE, STORE_VARIABLE, Town, invalid, outside_checkouts, store_override};
use crate::{clock, compose, git_config};

/// Arguments of `tt init`.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The town's name; else the repository's and its branch's
    #[arg(long)]
    name: Option<String>,
    /// Where it lives: sqlite:PATH, redis://…, or the word redis for what REDIS_URL says
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// Where issues and pull requests live; else GitHub if origin is there
    #[arg(long, value_enum)]
    forge: Option<ForgeKind>,
    /// What CI means on the local forge, such as "cargo test"
    #[arg(long, value_name = "CMD")]
    check: Option<String>,
    /// Use the town that the store already holds
    #[arg(long)]
    join: bool,
}

/// A repository in which a town can be.
struct Ground {
    root: PathBuf,
    branch: Option<String>,
    origin: Option<String>,
}

impl Init {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let folder = match &app.named {
            Some(folder) => folder.clone(),
            None => std::env::current_dir()?,
        };
        let ground = survey(&folder).await?;
        if ground.root.join(FILE).is_file() {
            return again(app, ground.root).await;
        }
        let town = self.found(app.terminal, ground, store_override()).await?;
        let kind = if town.config.forge.kind == ForgeKind::Local { "local" } else { "github" };
        app.terminal.line(format!("🏘️  Town {} is ready in {}", town.config.name, town.root.display()))?;
        app.terminal.line(format!("   Store: {}", town.store))?;
        app.terminal.line(format!("   Forge: {kind}, merging into {}", town.config.forge.base))?;
        app.terminal.note("Next: tt spawn backend, then tt mission start --issue 1");
        Ok(())
    }

    /// A town that lives where it is told to, whatever the environment says.
    pub(super) async fn local(
        terminal: Terminal,
        folder: &Path,
        store: Option<String>,
        check: &str,
    ) -> Result<Town, Failure> {
        let (forge, check) = (Some(ForgeKind::Local), Some(check.to_owned()));
        let init = Self { name: None, store, forge, check, join: false };
        init.found(terminal, survey(folder).await?, None).await
    }

    async fn found(
        &self,
        terminal: Terminal,
        ground: Ground,
        overriding: Option<String>,
    ) -> Result<Town, Failure> {
        let config = self.config(terminal, &ground)?;
        let config = self.agree(config, &ground.root, overriding.as_deref()).await?;
        replace(&ground.root.join(FILE), &Template { config: &config }.render())?;
        let town = Town::at(ground.root, overriding.as_deref())?;
        complete(&town).await?;
        Ok(town)
    }

    fn config(&self, terminal: Terminal, ground: &Ground) -> Result<Config, Failure> {
        let name = self.name.clone().unwrap_or_else(|| usual_name(ground));
        if !is_name(&name) {
            return Err(Failure::new(ExitCode::Invalid, format!("the town's name {name:?} {NAME_RULE}")));
        }
        let store = StoreTable { url: self.store_url()? };
        let forge = self.forge(terminal, ground);
        let (policy, timing, cli) = Default::default();
        let config = Config { name, default_cli: "claude".to_owned(), store, forge, policy, timing, cli };
        // What is written must be readable again, whatever the arguments held.
        Config::parse(&Template { config: &config }.render(), FILE).map_err(|error| invalid(&error))
    }

    fn store_url(&self) -> Result<String, Failure> {
        let url = match self.store.as_deref() {
            None => StoreTable::default().url,
            Some("redis") => std::env::var("REDIS_URL").map_err(|_| {
                Failure::new(
                    ExitCode::Invalid,
                    "--store redis takes the address from REDIS_URL, which is not set",
                )
                .hint("give the address itself: --store redis://HOST:6379/0")
            })?,
            Some(url) => url.to_owned(),
        };
        match StoreUrl::parse(&url) {
            Ok(_) => Ok(url),
            Err(error) => Err(Failure::from_error(ExitCode::Invalid, &error)),
        }
    }

    fn forge(&self, terminal: Terminal, ground: &Ground) -> ForgeTable {
        let repo = ground.origin.as_deref().and_then(git_config::github_repository);
        let kind = self.forge.unwrap_or(if repo.is_some() { ForgeKind::Github } else { ForgeKind::Local });
        if kind == ForgeKind::Github && repo.is_none() {
            terminal
                .warn("origin is not on GitHub: set the repository with: tt config forge.repo OWNER/NAME");
        }
        let mut forge = ForgeTable { kind, check: self.check.clone(), ..ForgeTable::default() };
        match &ground.branch {
            Some(branch) => forge.base.clone_from(branch),
            None => terminal.warn("no branch is checked out: see that forge.base names the right one"),
        }
        if kind == ForgeKind::Github {
            forge.repo = repo;
        }
        forge
    }

    /// The configuration, once it is clear that the store is free for it or is to be joined.
    async fn agree(
        &self,
        mut config: Config,
        root: &Path,
        overriding: Option<&str>,
    ) -> Result<Config, Failure> {
        let url = StoreUrl::parse(overriding.unwrap_or(&config.store.url));
        let url =
            url.map_err(|error| Failure::from_error(ExitCode::Invalid, &error).during(STORE_VARIABLE))?;
        let Some(found) = compose::town_in(&url, root, &config.name).await? else { return Ok(config) };
        if !self.join {
            let message = format!("the store at {url} already holds the town {:?}", found.name);
            return Err(
                Failure::new(ExitCode::NotNow, message).hint("use it with --join, or name another --store")
            );
        }
        if self.name.as_ref().is_some_and(|name| *name != found.name) {
            let message = format!("the town in the store at {url} is called {:?}", found.name);
            return Err(Failure::new(ExitCode::NotNow, message).hint("leave out --name"));
        }
        config.name = found.name;
        Ok(config)
    }
}

/// Looks whether a town can be here at all.
async fn survey(folder: &Path) -> Result<Ground, Failure> {
    let refuse = |message: String, hint: &str| Err(Failure::new(ExitCode::NotNow, message).hint(hint));
    let git = Git::at(folder);
    let root = match git.layout().await {
        Ok(Layout { work_tree: Some(root), .. }) => root,
        Ok(_) => {
            return refuse(
                format!("{} is a bare repository", folder.display()),
                "use a clone with a working tree",
            );
        }
        Err(GitError::Failed { .. }) => {
            return refuse(
                format!("{} is not in a git repository", folder.display()),
                "make one with: git init",
            );
        }
        Err(error) => return Err(error.into()),
    };
    if outside_checkouts(&root).is_some() {
        return refuse(
            format!("{} is a checkout made for an agent", root.display()),
            "use the town that made it",
        );
    }
    if git.rev_parse("HEAD").await?.is_none() {
        let message = format!("the repository {} has no commit yet", root.display());
        return refuse(message, "commit something first, such as: git commit --allow-empty -m begin");
    }
    let here = git.worktrees().await?.into_iter().find(|worktree| worktree.path == root);
    let branch = here.and_then(|here| here.branch?.strip_prefix("refs/heads/").map(str::to_owned));
    Ok(Ground { origin: git_config::get(&root, "remote.origin.url").await?, root, branch })
}

/// `REPOSITORY-BRANCH`, with what a name cannot hold replaced.
fn usual_name(ground: &Ground) -> String {
    let folder = ground.root.file_name().map_or_else(|| "town".into(), |name| name.to_string_lossy());
    let name = match &ground.branch {
        Some(branch) => format!("{folder}-{branch}"),
        None => folder.into_owned(),
    };
    let allowed = |c: char| if is_name(c.encode_utf8(&mut [0; 4])) { c } else { '-' };
    name.chars().map(allowed).take(100).collect()
}

/// A town that is here already; only what a fresh clone of it lacks is made.
async fn again(app: &App, root: PathBuf) -> Result<(), Failure> {
    let town = Town::at(root, store_override().as_deref())?;
    let made = complete(&town).await?;
    let what = if made { "its private folder and store were made" } else { "nothing was changed" };
    app.terminal.line(format!("Town {} is already in {}: {what}", town.config.name, town.root.display()))
}

/// Makes the private folder and the store, as far as they are missing; tells whether anything was.
async fn complete(town: &Town) -> Result<bool, Failure> {
    let state = town.root.join(STATE);
    let ignore = state.join(".gitignore");
    let missing = !ignore.is_file();
    if missing {
        files::create_private_folder(&state)?;
        files::write_private(&ignore, b"*\n")?;
    }
    let store = compose::create_store(&town.store, &town.root, &town.config.name).await?;
    match store.town().await {
        Ok(_) => Ok(missing),
        Err(StoreError::NoTown { .. }) => {
            let name = town.config.name.clone();
            let identity = TownIdentity { id: TownId(clock::new_id()), name, created_at: clock::now() };
            store.found(&identity).await?;
            Ok(true)
        }
        Err(error) => Err(error.into()),
    }
}
