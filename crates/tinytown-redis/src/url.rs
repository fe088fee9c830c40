//! The address of a Redis server, read by ourselves: it may hold a password, which is shown nowhere.

use std::fmt;
use std::path::PathBuf;

/// Where a Redis server is, and as whom to speak to it:
///
/// - `redis://[USER[:PASSWORD]@]HOST[:PORT][/DB]`
/// - `rediss://…`, the same over TLS; `?ca=PATH` names a file with the authorities to trust instead of the system's
/// - `redis+unix://[USER[:PASSWORD]@]/PATH[?db=DB]`
///
/// User, password and path may be percent-encoded. `redis://:PASSWORD@HOST` speaks as the default user.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    pub(crate) place: Place,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) database: u8,
}

/// Where the server listens.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A port; with TLS, and then perhaps with authorities of its own.
    Tcp { host: String, port: u16, tls: Option<Trust> },
    /// A socket of this machine.
    Unix(PathBuf),
}

/// Whom to believe that a server is who it says.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The system's authorities.
    System,
    /// Those in this file (PEM).
    File(PathBuf),
}

/// An address that is none. The address itself is not repeated: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedisUrlError {
    /// It begins with something that we do not know.
    #[error("malformed Redis address: write redis://HOST:PORT/DB, rediss://… or redis+unix:///SOCKET")]
    Scheme,
    /// There is no host, or no absolute path of a socket.
    #[error("the Redis address names no {0}")]
    Missing(&'static str),
    /// The port is none.
    #[error("malformed port in the Redis address: expected a number from 1 to 65535")]
    Port,
    /// The database is none.
    #[error("malformed database in the Redis address: expected a number from 0 to 255")]
    Database,
    /// A percent sign without two hexadecimal digits, or bytes that are no text.
    #[error("malformed percent-encoding in the Redis address")]
    Encoding,
    /// A parameter that we do not know, or that does not fit.
    #[error(
        "the Redis address has a parameter that is not understood: use ca=PATH with rediss://, db=NUMBER with redis+unix://"
    )]
    Parameter,
}

impl RedisUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// [`RedisUrlError`], which never repeats what was given.
    pub fn parse(text: &str) -> Result<Self, RedisUrlError> {
        let (rest, parameters) = text.split_once('?').unwrap_or((text, ""));
        let (scheme, rest) = rest.split_once("://").ok_or(RedisUrlError::Scheme)?;
        // A password may hold an `@`; a host cannot.
        let (login, place) =
            rest.rsplit_once('@').map_or((None, rest), |(login, place)| (Some(login), place));
        let (place, database) = match scheme {
            "redis" => tcp(place, None)?,
            "rediss" => tcp(place, Some(Trust::System))?,
            "redis+unix" => (unix(place)?, 0),
            _ => return Err(RedisUrlError::Scheme),
        };
        let (user, password) = login.map_or(Ok((None, None)), credentials)?;
        let mut url = Self { place, user, password, database };
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            url.take(parameter)?;
        }
        Ok(url)
    }

    fn take(&mut self, parameter: &str) -> Result<(), RedisUrlError> {
        match (parameter.split_once('='), &mut self.place) {
            (Some(("ca", path)), Place::Tcp { tls: Some(trust), .. }) => {
                *trust = Trust::File(decoded(path)?.into());
            }
            (Some(("db", number)), Place::Unix(_)) => self.database = database(number)?,
            _ => return Err(RedisUrlError::Parameter),
        }
        Ok(())
    }
}

/// `HOST[:PORT][/DB]`, where an IPv6 host is in brackets.
fn tcp(text: &str, tls: Option<Trust>) -> Result<(Place, u8), RedisUrlError> {
    let (authority, path) = text.split_once('/').unwrap_or((text, ""));
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':').or(port.is_empty().then_some("6379"))),
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, Some("6379")),
        },
    };
    if host.is_empty() {
        return Err(RedisUrlError::Missing("host"));
    }
    let port =
        port.and_then(|port| port.parse().ok()).filter(|port| *port != 0).ok_or(RedisUrlError::Port)?;
    let database = if path.is_empty() { 0 } else { database(path)? };
    Ok((Place::Tcp { host: host.to_owned(), port, tls }, database))
}

fn unix(text: &str) -> Result<Place, RedisUrlError> {
    let path = decoded(text)?;
    if path.len() < 2 || !path.starts_with('/') {
        return Err(RedisUrlError::Missing("absolute path of a socket"));
    }
    Ok(Place::Unix(path.into()))
}

fn database(text: &str) -> Result<u8, RedisUrlError> {
    text.parse().map_err(|_| RedisUrlError::Database)
}

type Login = (Option<String>, Option<String>);

/// `USER`, `USER:PASSWORD` or `:PASSWORD`.
fn credentials(text: &str) -> Result<Login, RedisUrlError> {
    let (user, password) = text.split_once(':').map_or((text, None), |(user, word)| (user, Some(word)));
    let user = decoded(user)?;
    Ok((Some(user).filter(|user| !user.is_empty()), password.map(decoded).transpose()?))
}

fn decoded(text: &str) -> Result<String, RedisUrlError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => 16 * hex(rest.next())? + hex(rest.next())?,
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| RedisUrlError::Encoding)
}

fn hex(digit: Option<u8>) -> Result<u8, RedisUrlError> {
    let digit = digit.and_then(|digit| char::from(digit).to_digit(16)).ok_or(RedisUrlError::Encoding)?;
    u8::try_from(digit).map_err(|_| RedisUrlError::Encoding)
}

/// Without user and password.
impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp { host, port, tls } => {
                let scheme = if tls.is_some() { "rediss" } else { "redis" };
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                write!(f, "{scheme}://{host}:{port}/{}", self.database)
            }
            Place::Unix(path) if self.database == 0 => write!(f, "redis+unix://{}", path.display()),
            Place::Unix(path) => write!(f, "redis+unix://{}?db={}", path.display(), self.database),
        }
    }
}

/// As [`fmt::Display`]: a password must not come to light by way of a debug line.
impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_user_and_password() {
        let cases = [
            ("redis://h", "redis://h:6379/0"),
            ("redis://h/", "redis://h:6379/0"),
            ("redis://h:7/3", "redis://h:7/3"),
            ("redis://:s%40crét@h:7/3", "redis://h:7/3"),
            ("rediss://me:p@ss:w@[::1]:7", "rediss://[::1]:7/0"),
            ("rediss://[::1]", "rediss://[::1]:6379/0"),
            ("rediss://h?ca=/etc/our%20ca.pem", "rediss://h:6379/0"),
            ("redis+unix:///run/x.sock", "redis+unix:///run/x.sock"),
            ("redis+unix://me:pass@/run/x.sock?db=4", "redis+unix:///run/x.sock?db=4"),
        ];
        for (text, shown) in cases {
            let url = RedisUrl::parse(text).expect(text);
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), format!("RedisUrl({shown})"));
        }
    }

    #[test]
    fn what_an_address_says_is_taken_apart() {
        let url = RedisUrl::parse("rediss://me:p@s%3As@h:7?ca=/a%20b.pem").expect("an address");
        assert_eq!((url.user.as_deref(), url.password.as_deref()), (Some("me"), Some("p@s:s")));
        let tls = Some(Trust::File("/a b.pem".into()));
        assert!(url.place == Place::Tcp { host: "h".to_owned(), port: 7, tls });
        let url = RedisUrl::parse("redis://:word@h").expect("an address");
        assert_eq!((url.user, url.password.as_deref()), (None, Some("word")));
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        use RedisUrlError::{Database, Encoding, Missing, Parameter, Port, Scheme};
        let cases = [
            ("", Scheme),
            ("h:1", Scheme),
            ("http://h", Scheme),
            ("redis://", Missing("host")),
            ("redis://secret@", Missing("host")),
            ("redis://h:0", Port),
            ("redis://h:x", Port),
            ("redis://[::1]x", Port),
            ("redis://h/256", Database),
            ("redis://s%zz@h", Encoding),
            ("redis://%ff@h", Encoding),
            ("redis://h?ca=/x", Parameter),
            ("rediss://h?db=1", Parameter),
            ("redis+unix://run/x", Missing("absolute path of a socket")),
        ];
        for (text, error) in cases {
            assert_eq!(RedisUrl::parse(text), Err(error), "{text}");
        }
    }
}
