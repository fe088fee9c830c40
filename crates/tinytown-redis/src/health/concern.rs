//! What can be wrong with a server, and how to mend it.

use std::collections::BTreeMap;
use std::fmt;

use super::version::{Flavour, OLDEST, Version};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A promise of ours may be broken, or somebody else may read and change the town.
    Error,
    /// Something to know and to decide upon.
    Warning,
}

/// Something that an operator should know. [`fmt::Display`] says it in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concern {
    /// It throws keys away when it is full.
    Evicts {
        /// The policy, such as `allkeys-lru`.
        policy: String,
        /// Whether there is a limit at which that begins.
        limited: bool,
    },
    /// It has no append-only file: a restart forgets everything since the last snapshot, if there is one.
    KeepsNothing,
    /// It may lose what it acknowledged last.
    MayLose {
        /// `everysec` or `no`.
        setting: String,
    },
    /// It could not write its append-only file lately.
    CannotWrite,
    /// Its port is open to other machines, without a password.
    OpenPort {
        /// The addresses on which it listens.
        bind: String,
    },
    /// Its version is older than what we are tested with.
    TooOld {
        /// Which program.
        flavour: Flavour,
        /// Its version.
        version: Version,
    },
    /// Its version has known holes.
    KnownHole {
        /// Which program.
        flavour: Flavour,
        /// Its version.
        version: Version,
        /// The hole's public name.
        name: &'static str,
        /// The version in which it is mended; nothing if its line of versions never got that.
        mended: Option<Version>,
    },
    /// It told no version that we can read.
    UnknownVersion,
    /// It is a replica: nothing can be written there.
    Replica,
    /// It does not let us see something.
    NotSeen {
        /// What.
        what: &'static str,
        /// The command that is not allowed.
        command: &'static str,
    },
}

impl Concern {
    /// How bad it is.
    pub fn severity(&self) -> Severity {
        match self {
            Self::Evicts { limited: true, .. }
            | Self::KeepsNothing
            | Self::CannotWrite
            | Self::OpenPort { .. }
            | Self::TooOld { .. }
            | Self::Replica => Severity::Error,
            Self::MayLose { setting } if setting == "no" => Severity::Error,
            Self::Evicts { .. }
            | Self::MayLose { .. }
            | Self::KnownHole { .. }
            | Self::UnknownVersion
            | Self::NotSeen { .. } => Severity::Warning,
        }
    }

    /// What to do about it, as a line or as commands for the server.
    pub fn mend(&self) -> String {
        match self {
            Self::Evicts { .. } => set("maxmemory-policy", "noeviction"),
            Self::KeepsNothing => format!("{}\n{}", set("appendonly", "yes"), set("appendfsync", "always")),
            Self::MayLose { .. } => set("appendfsync", "always"),
            Self::CannotWrite => "see its log, and whether its disk is full".to_owned(),
            Self::OpenPort { .. } => {
                "give it a password (an ACL user), or let it listen on 127.0.0.1 or a socket only".to_owned()
            }
            Self::TooOld { flavour, .. } => format!("use {flavour} {OLDEST} or later"),
            Self::KnownHole { flavour, mended: Some(mended), .. } => {
                format!(
                    "upgrade to {flavour} {mended} or later, unless your distribution mended it in this version"
                )
            }
            Self::KnownHole { .. } => {
                "upgrade to a later line, unless your distribution mended it in this version".to_owned()
            }
            Self::UnknownVersion => format!("see whether it answers like Redis {OLDEST} or later"),
            Self::Replica => "name the primary in store.url".to_owned(),
            Self::NotSeen { command, .. } => {
                format!("look yourself, or allow our user +{}", command.to_lowercase().replace(' ', "|"))
            }
        }
    }
}

/// Until the next start, and from then on.
fn set(name: &str, value: &str) -> String {
    format!("redis-cli CONFIG SET {name} {value} && redis-cli CONFIG REWRITE")
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Evicts { policy, limited: true } => {
                write!(f, "Redis throws keys of the town away when it is full (maxmemory-policy {policy})")
            }
            Self::Evicts { policy, limited: false } => write!(
                f,
                "Redis would throw keys of the town away (maxmemory-policy {policy}), had it a limit to its memory"
            ),
            Self::KeepsNothing => f.write_str("Redis forgets the town when it restarts (appendonly no)"),
            Self::MayLose { setting } if setting == "everysec" => f.write_str(
                "Redis may lose the last second when it crashes (appendfsync everysec); a town notices, and reconciles",
            ),
            Self::MayLose { setting } => {
                write!(f, "Redis may lose what it acknowledged when it crashes (appendfsync {setting})")
            }
            Self::CannotWrite => f.write_str("Redis could not write its append-only file lately"),
            Self::OpenPort { bind } => {
                write!(f, "whoever reaches Redis can read and change the town: no password, and bound to {bind}")
            }
            Self::TooOld { flavour, version } => write!(f, "{flavour} {version} is older than {OLDEST}"),
            Self::KnownHole { flavour, version, name, .. } => {
                write!(f, "{flavour} {version} has a known hole ({name})")
            }
            Self::UnknownVersion => f.write_str("the server tells no version that we can read"),
            Self::Replica => f.write_str("the server is a replica: nothing can be written there"),
            Self::NotSeen { what, command } => write!(f, "Redis does not let us see its {what} ({command})"),
        }
    }
}

/// What its settings do to a town.
pub(super) fn of_settings(config: &BTreeMap<String, String>) -> Vec<Concern> {
    let setting = |name: &str| config.get(name).map_or("", String::as_str);
    let mut concerns = Vec::new();
    let policy = setting("maxmemory-policy");
    // Nothing of ours expires, so policies that take only what expires take nothing of ours.
    if policy.starts_with("allkeys") {
        let limited = setting("maxmemory") != "0";
        concerns.push(Concern::Evicts { policy: policy.to_owned(), limited });
    }
    if setting("appendonly") == "no" {
        concerns.push(Concern::KeepsNothing);
    } else if setting("appendfsync") != "always" {
        concerns.push(Concern::MayLose { setting: setting("appendfsync").to_owned() });
    }
    concerns
}

/// Whether anybody may come in.
pub(super) fn of_the_door(config: &BTreeMap<String, String>, default_user: &[String]) -> Option<Concern> {
    let setting = |name: &str| config.get(name).map_or("", String::as_str);
    let has = |flag: &str| default_user.iter().any(|found| found == flag);
    let listens = setting("port") != "0" || setting("tls-port") != "0";
    let bind = setting("bind");
    let is_local = |address: &str| {
        let address = address.trim_start_matches('-');
        address.starts_with("127.") || address == "::1" || address == "localhost"
    };
    let local = !bind.is_empty() && bind.split_whitespace().all(is_local);
    let open = has("on") && has("nopass") && listens && !local && setting("protected-mode") == "no";
    open.then(|| Concern::OpenPort { bind: bind.to_owned() })
}
