//! Where a town lives, as an address: `sqlite:PATH`, `redis://…`, `rediss://…`, `redis+unix://…`.

use std::fmt;
use std::path::{Path, PathBuf};

/// The address of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoreUrl {
    /// A file; a relative path begins at the town's folder.
    Sqlite(PathBuf),
    /// A Redis server, with the address as it was written; it may hold a password.
    Redis(String),
}

/// An address that is none. The address itself is not repeated: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreUrlError {
    /// It begins with something that we do not know.
    #[error(
        "malformed store address: write sqlite:PATH, redis://HOST:PORT/DB, rediss://… or redis+unix:///SOCKET"
    )]
    Scheme,
    /// There is nothing after the beginning.
    #[error("the store address names no {0}")]
    Empty(&'static str),
}

impl StoreUrl {
    /// Reads an address.
    pub(crate) fn parse(text: &str) -> Result<Self, StoreUrlError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() {
                Err(StoreUrlError::Empty("file"))
            } else {
                Ok(Self::Sqlite(path.into()))
            };
        }
        let schemes = ["redis://", "rediss://", "redis+unix://"];
        match schemes.iter().find_map(|scheme| text.strip_prefix(scheme)) {
            Some("") => Err(StoreUrlError::Empty("server")),
            Some(_) => Ok(Self::Redis(text.to_owned())),
            None => Err(StoreUrlError::Scheme),
        }
    }

    /// The whole address, password and all: for those who must connect, never for people.
    pub(crate) fn secret(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Redis(url) => url.clone(),
        }
    }

    /// The file, seen from the town's folder, if it is one.
    pub(crate) fn file(&self, root: &Path) -> Option<PathBuf> {
        match self {
            Self::Sqlite(path) => Some(root.join(path)),
            Self::Redis(_) => None,
        }
    }
}

/// Without the password.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Redis(url) => f.write_str(&without_password(url)),
        }
    }
}

/// `redis://user:secret@host` becomes `redis://…@host`.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_files_and_servers_are_told_apart() {
        assert_eq!(StoreUrl::parse("sqlite:a/b.db"), Ok(StoreUrl::Sqlite("a/b.db".into())));
        assert_eq!(StoreUrl::parse("sqlite:///a/b.db"), Ok(StoreUrl::Sqlite("/a/b.db".into())));
        for redis in ["redis://h:1/0", "rediss://h", "redis+unix:///run/x.sock"] {
            assert_eq!(StoreUrl::parse(redis), Ok(StoreUrl::Redis(redis.to_owned())));
        }
        for bad in ["", "town.db", "mysql://h", "REDIS://h", "redis:h"] {
            assert_eq!(StoreUrl::parse(bad), Err(StoreUrlError::Scheme), "{bad}");
        }
        assert_eq!(StoreUrl::parse("sqlite:"), Err(StoreUrlError::Empty("file")));
        assert_eq!(StoreUrl::parse("rediss://"), Err(StoreUrlError::Empty("server")));
    }

    #[test]
    fn a_password_is_never_shown() {
        let url = StoreUrl::parse("rediss://me:p@ss@host:6379/0").expect("an address");
        assert_eq!(url.to_string(), "rediss://…@host:6379/0");
    }
}
