//! Connections: one for commands, and one for each read that waits just now.
//!
//! fred would repeat a command whose reply was lost; we have it make one attempt, and leave the
//! repeating to whoever knows the operation's name. Reconnecting goes on for ever, at most a second apart.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fred::clients::Client;
use fred::interfaces::ClientLike as _;
use fred::types::config::{
    Config, ConnectionConfig, PerformanceConfig, ReconnectPolicy, ServerConfig, TcpConfig,
};
use fred::types::{ConnectHandle, RespVersion};
use tokio::sync::Mutex as AsyncMutex;

use crate::fault::Fault;
use crate::tls;
use crate::url::{Place, RedisUrl};

/// How long a command may take, with waiting for a connection that is being made anew.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Between two attempts to reconnect, in milliseconds.
const SOONEST: u32 = 20;
const LATEST: u32 = 1000;

/// Waiting connections that are kept for the next who waits.
const IDLE: usize = 4;

/// A client with one connection. It goes when this is dropped, whatever is under way on it.
pub(crate) struct Link {
    pub(crate) client: Client,
    task: ConnectHandle,
}

impl Link {
    /// Connects once; from then on the connection is made anew whenever it is lost.
    pub(crate) async fn open(url: &RedisUrl) -> Result<Self, Fault> {
        let performance =
            PerformanceConfig { default_command_timeout: PATIENCE, ..PerformanceConfig::default() };
        let mut policy = ReconnectPolicy::new_exponential(0, SOONEST, LATEST, 2);
        policy.set_jitter(SOONEST);
        let client = Client::new(config(url)?, Some(performance), Some(connection()), Some(policy));
        let task = client.init().await?;
        Ok(Self { client, task })
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn config(url: &RedisUrl) -> Result<Config, Fault> {
    let (server, tls) = match &url.place {
        Place::Unix(path) => (ServerConfig::new_unix_socket(path), None),
        Place::Tcp { host, port, tls } => {
            let tls = tls.as_ref().map(tls::config).transpose()?;
            (ServerConfig::new_centralized(host, *port), tls)
        }
    };
    Ok(Config {
        fail_fast: true,
        username: url.user.clone(),
        password: url.password.clone(),
        server,
        version: RespVersion::RESP2,
        database: (url.database != 0).then_some(url.database),
        tls,
        ..Config::default()
    })
}

fn connection() -> ConnectionConfig {
    ConnectionConfig {
        connection_timeout: PATIENCE,
        internal_command_timeout: PATIENCE,
        max_command_attempts: 1,
        // Small requests of several callers must not wait for each other's acknowledgements.
        tcp: TcpConfig { nodelay: Some(true), ..TcpConfig::default() },
        ..ConnectionConfig::default()
    }
}

/// The connections of one handle.
pub(crate) struct Links {
    url: RedisUrl,
    /// Where commands go; nothing after one was not answered in time, until the next is made.
    commands: AsyncMutex<Option<Arc<Link>>>,
    idle: Mutex<Vec<Link>>,
}

impl Links {
    pub(crate) async fn open(url: RedisUrl) -> Result<Self, Fault> {
        let commands = Some(Arc::new(Link::open(&url).await?));
        Ok(Self { url, commands: AsyncMutex::new(commands), idle: Mutex::default() })
    }

    /// Makes a call on the connection for commands.
    ///
    /// If it is not answered in time, the next call gets a connection of its own: a link may be dead
    /// without a word, and fred's own watch for that sees no silence where calls go on being made.
    pub(crate) async fn call<T, F>(&self, call: impl FnOnce(Client) -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let link = self.commands().await?;
        let answered = call(link.client.clone()).await;
        if answered.as_ref().is_err_and(Fault::is_silence) {
            let mut commands = self.commands.lock().await;
            commands.take_if(|now| Arc::ptr_eq(now, &link));
        }
        answered
    }

    async fn commands(&self) -> Result<Arc<Link>, Fault> {
        let mut commands = self.commands.lock().await;
        if let Some(link) = &*commands {
            return Ok(Arc::clone(link));
        }
        let link = Arc::new(Link::open(&self.url).await?);
        *commands = Some(Arc::clone(&link));
        Ok(link)
    }

    /// A connection that nobody else waits on.
    pub(crate) async fn waiting(&self) -> Result<Link, Fault> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match kept {
            Some(link) => Ok(link),
            None => Link::open(&self.url).await,
        }
    }

    /// Takes back a connection on which nothing is under way.
    pub(crate) fn keep(&self, link: Link) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(link);
        }
    }
}
