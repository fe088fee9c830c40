//! A `redis-server` of one's own: on a socket and perhaps a port, in a folder that goes with it.

use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::RedisUrl;

/// Starts a server, tells its process id, and waits until its input ends, which it does when whoever
/// started it is gone, however that came about. Then nothing of it is left.
const KEEPER: &str = r#"folder=$1; shift
"$@" >"$folder/log" 2>&1 &
server=$!
echo "$server"
read -r word
if [ "$word" != leave ]; then kill -KILL "$server"; fi
wait "$server" 2>/dev/null
[ "$word" = leave ] || rm -rf "$folder""#;

/// How long a server may take to answer. Machines may be busy.
const START: Duration = Duration::from_secs(30);

/// How many databases a server has: the most that an address can name.
const DATABASES: u16 = 256;

/// What a server is like; by default it keeps everything in memory, and listens on its socket only.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// Also listens on a loopback port.
    pub tcp: bool,
    /// Writes an append-only file, synchronised at each change.
    pub durable: bool,
    /// Further options, as words of the command line.
    pub more: Vec<String>,
}

/// A server. It is killed when this is dropped, and also when the process that holds it is killed.
#[derive(Debug)]
pub struct RedisServer {
    folder: PathBuf,
    port: Option<u16>,
    words: Vec<String>,
    process: Option<Process>,
    next_database: AtomicU8,
}

#[derive(Debug)]
struct Process {
    keeper: Child,
    /// Dropped, it tells the keeper to end the server.
    lifeline: Option<ChildStdin>,
    pid: Pid,
}

impl RedisServer {
    /// Starts a server that keeps nothing, on a socket.
    ///
    /// # Panics
    /// If that fails; also if there is no `redis-server`, with how to get one.
    pub fn start() -> Self {
        Self::with(&ServerOptions::default())
    }

    /// Starts a server as the options say.
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    pub fn with(options: &ServerOptions) -> Self {
        let folder = tempfile::Builder::new().prefix("tt-redis-").tempdir().expect("a folder").keep();
        let port = options.tcp.then(free_port);
        let mut server = Self {
            words: words(&folder, port, options),
            folder,
            port,
            process: None,
            next_database: AtomicU8::new(0),
        };
        server.run();
        server
    }

    /// The address of its socket, with database 0.
    ///
    /// # Panics
    /// Never: what is formatted is an address.
    pub fn url(&self) -> RedisUrl {
        RedisUrl::parse(&format!("redis+unix://{}", self.socket().display())).expect("an address")
    }

    /// An address of a database that nobody was given yet.
    ///
    /// # Panics
    /// If all were given out.
    pub fn fresh(&self) -> RedisUrl {
        let database = self.next_database.fetch_add(1, Ordering::Relaxed);
        assert!(database < u8::MAX, "a server has no more than 256 databases");
        match self.port {
            None => RedisUrl::parse(&format!("redis+unix://{}?db={database}", self.socket().display())),
            Some(port) => RedisUrl::parse(&format!("redis://127.0.0.1:{port}/{database}")),
        }
        .expect("an address")
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    /// Its port on 127.0.0.1.
    ///
    /// # Panics
    /// If it has none.
    pub fn port(&self) -> u16 {
        self.port.expect("a server with a port")
    }

    /// What it wrote into its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Kills it, as a crash would.
    ///
    /// # Panics
    /// If it runs no more.
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("a server that runs");
        kill_process(process.pid, Signal::KILL).expect("a process of ours");
        process.end("leave");
    }

    /// Starts it again after it was killed, with what it has on its disk.
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    pub fn restart(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        self.run();
    }

    /// Sends it a signal, such as `STOP` and `CONT`.
    ///
    /// # Panics
    /// If it runs no more.
    pub fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().expect("a server that runs");
        kill_process(process.pid, signal).expect("a process of ours");
    }

    /// What it answers to a command, as text: for looking behind the store's back.
    ///
    /// # Panics
    /// If it does not answer.
    pub fn ask(&self, words: &[&str]) -> String {
        super::proxy::ask(&self.socket(), words).expect("the server answers")
    }

    fn run(&mut self) {
        let _ = std::fs::remove_file(self.socket());
        self.process = Some(Process::start(&self.folder, &self.words));
        let began = Instant::now();
        while !self.answers() {
            assert!(began.elapsed() < START, "redis-server does not answer:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether it is there and has read its data.
    fn answers(&self) -> bool {
        UnixStream::connect(self.socket()).is_ok()
            && super::proxy::ask(&self.socket(), &["PING"]).is_ok_and(|said| !said.contains("LOADING"))
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        match self.process.take() {
            Some(mut process) => process.end("end"),
            None => drop(std::fs::remove_dir_all(&self.folder)),
        }
    }
}

impl Process {
    fn start(folder: &Path, words: &[String]) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper"]).arg(folder).args(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut keeper = command.spawn().expect("a shell");
        let out = keeper.stdout.take().expect("piped");
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).expect("the keeper tells the process id");
        let pid = line.trim().parse().ok().and_then(Pid::from_raw).expect("a process id");
        Self { lifeline: keeper.stdin.take(), keeper, pid }
    }

    /// Lets the keeper go: it leaves the folder as it is, or ends everything.
    fn end(&mut self, word: &str) {
        use std::io::Write as _;
        if let Some(mut lifeline) = self.lifeline.take() {
            let _gone = writeln!(lifeline, "{word}");
        }
        let _gone = self.keeper.wait();
    }
}

fn words(folder: &Path, port: Option<u16>, options: &ServerOptions) -> Vec<String> {
    let socket = folder.join("socket").display().to_string();
    let append_only = if options.durable { "yes" } else { "no" };
    let mut words = vec![program(), "--dir".to_owned(), folder.display().to_string()];
    let own = [
        ("--port", port.unwrap_or(0).to_string()),
        ("--bind", "127.0.0.1".to_owned()),
        ("--unixsocket", socket),
        ("--unixsocketperm", "700".to_owned()),
        ("--databases", DATABASES.to_string()),
        ("--save", String::new()),
        ("--appendonly", append_only.to_owned()),
        ("--appendfsync", "always".to_owned()),
        ("--daemonize", "no".to_owned()),
    ];
    words.extend(own.into_iter().flat_map(|(name, value)| [name.to_owned(), value]));
    words.extend(options.more.iter().cloned());
    words
}

/// `redis-server` on the path, or what `TINYTOWN_REDIS_SERVER` names.
fn program() -> String {
    if let Ok(named) = std::env::var("TINYTOWN_REDIS_SERVER") {
        return named;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|folder| folder.join("redis-server")).find(|file| file.is_file());
    let missing = "redis-server is needed for this test and is not on the path: `cargo xtask test` installs it \
                   where it may, else: apt-get install redis-server";
    found.expect(missing).display().to_string()
}

/// A port that nobody uses at this moment.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port");
    listener.local_addr().expect("an address").port()
}
