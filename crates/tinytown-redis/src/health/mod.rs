//! What an operator should know of a server before trusting it with a town. Changes nothing there.

mod concern;
mod version;

use std::collections::BTreeMap;

use fred::clients::Client;
use fred::interfaces::ClientLike as _;
use fred::types::{ClusterHash, CustomCommand, Value};
use tinytown_store::StoreError;

pub use concern::{Concern, Severity};
pub use version::{Flavour, Version};

use crate::fault::Fault;
use crate::link::Link;
use crate::reply::{Items, text};
use crate::url::RedisUrl;

/// How a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisHealth {
    /// Which program it is.
    pub flavour: Flavour,
    /// Its version, if it told one that we can read.
    pub version: Option<Version>,
    /// What is wrong with it, or might be; empty if nothing is.
    pub concerns: Vec<Concern>,
}

/// What a server told of itself. A setting that it would not tell is missing.
#[derive(Debug, Default)]
struct Facts {
    /// From `INFO`.
    info: BTreeMap<String, String>,
    /// From `CONFIG GET`; nothing if that is not allowed.
    config: Option<BTreeMap<String, String>>,
    /// The flags of the user `default`; nothing if they may not be seen.
    default_user: Option<Vec<String>>,
}

/// Settings that matter.
const SETTINGS: &[&str] = &[
    "maxmemory",
    "maxmemory-policy",
    "appendonly",
    "appendfsync",
    "protected-mode",
    "bind",
    "port",
    "tls-port",
];

/// Looks at the server. What it does not let us see is a concern, not an error.
///
/// # Errors
/// [`StoreError::Unavailable`] if it cannot be reached, or does not let us in.
pub async fn inspect(url: &RedisUrl) -> Result<RedisHealth, StoreError> {
    let look = async {
        let link = Link::open(url).await?;
        let facts = Facts {
            info: info(&link.client).await?,
            config: config(&link.client).await,
            default_user: default_user(&link.client).await,
        };
        Ok::<_, Fault>(facts)
    };
    let facts = look.await.map_err(|fault| fault.at(&url.to_string()))?;
    Ok(facts.judge())
}

async fn ask(client: &Client, command: &'static str, words: &[&str]) -> Result<Value, Fault> {
    let command = CustomCommand::new_static(command, ClusterHash::Random, false);
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    Ok(client.custom(command, words).await?)
}

async fn info(client: &Client) -> Result<BTreeMap<String, String>, Fault> {
    let told = text(ask(client, "INFO", &[]).await?)?;
    let pair =
        |line: &str| line.trim().split_once(':').map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(told.lines().filter_map(pair).collect())
}

async fn config(client: &Client) -> Option<BTreeMap<String, String>> {
    let told = ask(client, "CONFIG", &[&["GET"], SETTINGS].concat()).await.ok()?;
    Some(Items::of(told).ok()?.pairs().ok()?.into_iter().collect())
}

async fn default_user(client: &Client) -> Option<Vec<String>> {
    let mut told = Items::of(ask(client, "ACL", &["GETUSER", "default"]).await.ok()?).ok()?;
    while told.text().ok()? != "flags" {
        told.value().ok()?;
    }
    let mut flags = told.list().ok()?;
    std::iter::from_fn(|| (!flags.is_empty()).then(|| flags.text().ok())).collect()
}

impl Facts {
    fn judge(&self) -> RedisHealth {
        let (flavour, version) = version::of(&self.info);
        let mut concerns = version::concerns(flavour, version);
        concerns.extend(self.duties());
        match &self.config {
            Some(config) => concerns.extend(concern::of_settings(config)),
            None => concerns.push(Concern::NotSeen { what: "settings", command: "CONFIG GET" }),
        }
        match (&self.config, &self.default_user) {
            (Some(config), Some(flags)) => concerns.extend(concern::of_the_door(config, flags)),
            (_, None) => concerns.push(Concern::NotSeen { what: "users", command: "ACL GETUSER" }),
            _ => {}
        }
        RedisHealth { flavour, version, concerns }
    }

    /// Whether it is what commits must go to, and can write them down.
    fn duties(&self) -> Vec<Concern> {
        let is = |name: &str, value: &str| self.info.get(name).is_some_and(|found| found == value);
        let mut concerns = Vec::new();
        if is("role", "slave") {
            concerns.push(Concern::Replica);
        }
        if is("aof_last_write_status", "err") || is("aof_last_bgrewrite_status", "err") {
            concerns.push(Concern::CannotWrite);
        }
        concerns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// A server with nothing wrong about it, changed in one setting.
    fn with(setting: &str, value: &str) -> Vec<Concern> {
        let good = [
            ("maxmemory", "0"),
            ("maxmemory-policy", "noeviction"),
            ("appendonly", "yes"),
            ("appendfsync", "always"),
            ("protected-mode", "yes"),
            ("bind", "* -::*"),
            ("port", "6379"),
            ("tls-port", "0"),
        ];
        let mut config = map(&good);
        config.insert(setting.to_owned(), value.to_owned());
        let info = map(&[("redis_version", "8.10.1"), ("role", "master")]);
        let flags = vec!["on".to_owned(), "nopass".to_owned()];
        Facts { info, config: Some(config), default_user: Some(flags) }.judge().concerns
    }

    #[test]
    fn a_server_as_it_should_be_raises_no_concern() {
        assert_eq!(with("port", "6379"), []);
        assert_eq!(with("maxmemory-policy", "volatile-lru"), [], "nothing of ours expires");
    }

    #[test]
    fn each_setting_that_endangers_a_town_is_named() {
        let evicts = |full| Concern::Evicts { policy: "allkeys-lru".to_owned(), limited: full };
        assert_eq!(with("maxmemory-policy", "allkeys-lru"), [evicts(false)]);
        assert_eq!(with("appendonly", "no"), [Concern::KeepsNothing]);
        let everysec = Concern::MayLose { setting: "everysec".to_owned() };
        assert_eq!(with("appendfsync", "everysec"), [everysec]);
        let open = Concern::OpenPort { bind: "* -::*".to_owned() };
        assert_eq!(with("protected-mode", "no"), [open]);
    }

    #[test]
    fn what_may_not_be_seen_is_said() {
        let info = map(&[("redis_version", "8.10.1"), ("role", "slave"), ("aof_last_write_status", "err")]);
        let concerns = Facts { info, config: None, default_user: None }.judge().concerns;
        let settings = Concern::NotSeen { what: "settings", command: "CONFIG GET" };
        let users = Concern::NotSeen { what: "users", command: "ACL GETUSER" };
        assert_eq!(concerns, [Concern::Replica, Concern::CannotWrite, settings, users]);
    }
}
