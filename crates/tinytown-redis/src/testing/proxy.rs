//! Between a client and a server: passes bytes on, and cuts connections where it is told to.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream as Blocking;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use crate::RedisUrl;

/// What happens to the replies of requests that hold a word.
#[derive(Debug, Clone)]
pub struct Cut {
    /// The bytes by which a request is known, such as the name of an operation.
    pub word: String,
    /// How many such requests lose their connection after the server has run them and before the
    /// reply arrives.
    pub times: u64,
}

/// A proxy on a loopback port, before the server behind a socket. It ends when it is dropped.
#[derive(Debug)]
pub struct CuttingProxy {
    port: u16,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    server: PathBuf,
    cut: Mutex<Option<Cut>>,
    cuts: AtomicU64,
    down: AtomicBool,
    /// Told at each change of `down`.
    changed: tokio::sync::Notify,
    /// Told when the connections of that moment go dead.
    muted: tokio::sync::Notify,
}

impl CuttingProxy {
    /// Listens, and passes on to the server at that socket.
    ///
    /// # Panics
    /// If there is no port for it.
    pub async fn before(server: &Path) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a loopback port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            server: server.to_owned(),
            cut: Mutex::default(),
            cuts: AtomicU64::new(0),
            down: AtomicBool::new(false),
            changed: tokio::sync::Notify::new(),
            muted: tokio::sync::Notify::new(),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { port, shared, task }
    }

    /// The address of the server through this proxy.
    ///
    /// # Panics
    /// Never: what is formatted is an address.
    pub fn url(&self, database: u8) -> RedisUrl {
        RedisUrl::parse(&format!("redis://127.0.0.1:{}/{database}", self.port)).expect("an address")
    }

    /// From now on, requests lose their replies as told.
    pub fn cut(&self, cut: Cut) {
        *self.shared.cut.lock().unwrap_or_else(PoisonError::into_inner) = Some(cut);
    }

    /// How many connections were cut between request and reply.
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::SeqCst)
    }

    /// Cuts all connections, and refuses new ones, until it is told otherwise.
    pub fn set_down(&self, down: bool) {
        self.shared.down.store(down, Ordering::SeqCst);
        self.shared.changed.notify_waiters();
    }
}

impl CuttingProxy {
    /// From now on the connections that there are pass nothing on, without a word; new ones work. So it
    /// is when a link is cut for good and another way is found.
    pub fn mute(&self) {
        self.shared.muted.notify_waiters();
    }
}

impl Drop for CuttingProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            // An error ends this connection, as it would on a wire.
            let _ended = pass(client, &shared).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Passes requests and replies until one side ends, or the connection is to be cut.
async fn pass(client: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let (changed, muted) = (shared.changed.notified(), shared.muted.notified());
    if shared.down.load(Ordering::SeqCst) {
        return Ok(());
    }
    client.set_nodelay(true)?;
    let server = UnixStream::connect(&shared.server).await?;
    let (requests, to_client) = client.into_split();
    let (replies, to_server) = server.into_split();
    let doomed = AtomicBool::new(false);
    // Once doomed, the server's next word is the answer: it has run the request.
    let forth = copy(requests, to_server, |request| {
        doomed.fetch_or(shared.is_cut(request), Ordering::SeqCst);
        true
    });
    let back = copy(replies, to_client, |_| !doomed.load(Ordering::SeqCst));
    let both = async {
        tokio::select! {
            ended = forth => ended,
            ended = back => ended,
        }
    };
    tokio::pin!(both);
    tokio::select! {
        ended = &mut both => ended,
        () = changed => Ok(()),
        () = muted => std::future::pending().await,
    }
}

/// Passes bytes on until their source ends or `goes_on` says no.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    goes_on: impl Fn(&[u8]) -> bool,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 || !goes_on(&buffer[..read]) {
            return Ok(());
        }
        to.write_all(&buffer[..read]).await?;
    }
}

impl Shared {
    fn is_cut(&self, request: &[u8]) -> bool {
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(cut) = cut.as_mut().filter(|cut| cut.times > 0) else { return false };
        let word = cut.word.as_bytes();
        let found = request.windows(word.len()).any(|window| window == word);
        if found {
            cut.times -= 1;
            self.cuts.fetch_add(1, Ordering::SeqCst);
        }
        found
    }
}

/// One command on a connection of its own; the whole reply as it stands on the wire.
pub(super) fn ask(socket: &Path, words: &[&str]) -> std::io::Result<String> {
    let mut connection = std::io::BufWriter::new(Blocking::connect(socket)?);
    write!(connection, "*{}\r\n", words.len())?;
    for word in words {
        write!(connection, "${}\r\n{word}\r\n", word.len())?;
    }
    // The server ends the connection behind the reply.
    connection.write_all(b"*1\r\n$4\r\nQUIT\r\n")?;
    let mut connection = connection.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    let mut reply = Vec::new();
    connection.read_to_end(&mut reply)?;
    let reply = String::from_utf8_lossy(&reply);
    Ok(reply.strip_suffix("+OK\r\n").unwrap_or(&reply).to_owned())
}
