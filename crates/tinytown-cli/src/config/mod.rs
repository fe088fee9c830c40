//! `tinytown.toml`: what a town is made of, typed and validated.

mod edit;
mod problems;
mod store_url;
mod template;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use tinytown_agent::AgentCli;
use tinytown_core::issue::RepoName;
use tinytown_core::policy::{Policy, PolicyError};

pub(crate) use edit::{EditError, set};
pub(crate) use problems::problems;
pub(crate) use store_url::StoreUrl;
pub(crate) use template::Template;

/// The file's name.
pub(crate) const FILE: &str = "tinytown.toml";
/// Where GitHub itself is.
const GITHUB_API: &str = "https://api.github.com";

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The town's name, for people.
    pub(crate) name: String,
    /// The agent CLI of `tt spawn` without `--cli`.
    #[serde(default = "default_cli")]
    pub(crate) default_cli: String,
    #[serde(default)]
    pub(crate) store: StoreTable,
    #[serde(default)]
    pub(crate) forge: ForgeTable,
    #[serde(default)]
    pub(crate) policy: Policy,
    #[serde(default)]
    pub(crate) timing: Timing,
    /// Agent CLIs of the user's own, by name.
    #[serde(default)]
    pub(crate) cli: BTreeMap<String, AgentCli>,
}

/// `[store]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StoreTable {
    /// Where the town lives.
    pub(crate) url: String,
}

/// `[forge]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ForgeTable {
    pub(crate) kind: ForgeKind,
    /// The branch into which work is merged.
    pub(crate) base: String,
    /// Where workers on other machines meet.
    pub(crate) remote: Option<String>,
    /// The folder of issues, relative to the repository.
    pub(crate) issues: String,
    /// What CI means, for `sh -c`.
    pub(crate) check: Option<String>,
    /// `owner/name` at GitHub.
    pub(crate) repo: Option<String>,
    pub(crate) api_url: String,
    pub(crate) trusted_authors: Vec<String>,
}

/// Which forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ForgeKind {
    /// Issues are files, pull requests are branches.
    Local,
    /// GitHub.
    Github,
}

/// `[timing]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Timing {
    pub(crate) dispatcher_lease_ms: u64,
    pub(crate) agent_lease_ms: u64,
}

/// What is wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConfigError {
    /// It is no TOML, or has another shape; with the line, if known.
    #[error("{file}:{line}: {message}")]
    Shape { file: String, line: usize, message: String },
    /// A value that makes no sense.
    #[error("{file}: {key} = {value:?}: {expected}")]
    Value { file: String, key: String, value: String, expected: String },
    /// A policy knob outside its range.
    #[error("{file}: {error}")]
    Policy {
        file: String,
        #[source]
        error: PolicyError,
    },
}

fn default_cli() -> String {
    "claude".to_owned()
}

impl Default for StoreTable {
    fn default() -> Self {
        Self { url: "sqlite:.tinytown/town.db".to_owned() }
    }
}

impl Default for ForgeTable {
    fn default() -> Self {
        Self {
            kind: ForgeKind::Local,
            base: "main".to_owned(),
            remote: None,
            issues: "issues".to_owned(),
            check: None,
            repo: None,
            api_url: GITHUB_API.to_owned(),
            trusted_authors: ["OWNER", "MEMBER", "COLLABORATOR"].map(str::to_owned).to_vec(),
        }
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self { dispatcher_lease_ms: 10_000, agent_lease_ms: 30_000 }
    }
}

impl Config {
    /// Reads and validates the file's text. `file` is where it stands, for messages.
    pub(crate) fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            ConfigError::Shape { file: file.to_owned(), line, message: error.message().trim().to_owned() }
        })?;
        config.validate(file)?;
        Ok(config)
    }

    fn validate(&self, file: &str) -> Result<(), ConfigError> {
        self.faults(file).into_iter().next().map_or(Ok(()), Err)
    }

    /// Everything that can be read and makes no sense.
    fn faults(&self, file: &str) -> Vec<ConfigError> {
        let wrong = |key: &str, value: &str, expected: String| ConfigError::Value {
            file: file.to_owned(),
            key: key.to_owned(),
            value: value.to_owned(),
            expected,
        };
        let texts = self.wrong_texts().into_iter().map(|(key, value, expected)| wrong(key, value, expected));
        let policy = self.policy.faults().map(|error| ConfigError::Policy { file: file.to_owned(), error });
        let timing = self
            .timing
            .faults()
            .map(|(key, ms)| wrong(key, &ms.to_string(), "must be 100 to 3600000 milliseconds".to_owned()));
        let no_program = self.cli.iter().filter(|(_, cli)| cli.command.first().is_none_or(String::is_empty));
        let clis = no_program
            .map(|(name, _)| wrong(&format!("cli.{name}.command"), "", "name the program to run".to_owned()));
        texts.chain(policy).chain(timing).chain(clis).collect()
    }

    /// Values that make no sense: key, value, what is expected.
    fn wrong_texts(&self) -> Vec<(&'static str, &str, String)> {
        let forge = &self.forge;
        let mut faults = Vec::new();
        let mut check = |good: bool, key: &'static str, value, expected: &str| {
            if !good {
                faults.push((key, value, expected.to_owned()));
            }
        };
        check(is_name(&self.name), "name", self.name.as_str(), NAME_RULE);
        check(!self.default_cli.is_empty(), "default_cli", &self.default_cli, "name an agent CLI");
        check(is_branch(&forge.base), "forge.base", &forge.base, "must be the name of a branch");
        check(is_inside(&forge.issues), "forge.issues", &forge.issues, "must be a folder in the repository");
        let repo = forge.repo.as_deref().unwrap_or("o/n");
        check(RepoName::new(repo).is_some(), "forge.repo", repo, "must be owner/name");
        let remote = forge.remote.as_deref().unwrap_or("origin");
        check(is_branch(remote), "forge.remote", remote, "must be the name of a git remote");
        if let Err(error) = StoreUrl::parse(&self.store.url) {
            faults.push(("store.url", "", error.to_string()));
        }
        faults
    }
}

impl Timing {
    /// Leases that are too short or too long: key and milliseconds.
    fn faults(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        let leases = [
            ("timing.dispatcher_lease_ms", self.dispatcher_lease_ms),
            ("timing.agent_lease_ms", self.agent_lease_ms),
        ];
        leases.into_iter().filter(|(_, ms)| !(100..=3_600_000).contains(ms))
    }
}

/// What a town's name may be.
pub(crate) const NAME_RULE: &str = "must be 1 to 100 letters, digits, '-', '_' or '.'";

/// Whether it can be a town's name.
pub(crate) fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text.chars().count() <= 100 && text.chars().all(allowed)
}

/// Whether it can stand where git expects a branch or a remote. Git itself has the last word.
fn is_branch(text: &str) -> bool {
    let refused = |c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(c);
    !text.is_empty() && !text.starts_with('-') && !text.contains("..") && !text.contains(refused)
}

/// Whether it is a path that stays inside the folder that it begins in.
fn is_inside(text: &str) -> bool {
    let plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    !text.is_empty() && !text.starts_with('-') && Path::new(text).components().all(plain)
}

/// The line, from 1, of a position in a text.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
