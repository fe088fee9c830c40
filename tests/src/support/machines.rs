//! Several machines that share a town: each has a clone, a network link that can be cut, and (where this
//! machine allows it) processes of its own.
//!
//! With `ip`, `nsenter` and the right to use them, a machine is a network, process and name space; both
//! Redis and the shared repository (`git daemon`) are across its link. Else it is a folder, and its link
//! is a proxy before Redis: git's way to the shared repository cannot be cut then.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tinytown_host::process::{ProcessId, Signal, signal};
use tinytown_redis::testing::{CuttingProxy, RedisServer, ServerOptions};

use super::{Merge, Place, Running, Town, poll};

/// What machines share: Redis, a bare repository, and the network between.
pub struct Network {
    redis: RedisServer,
    /// Where the bare repository `shared.git` is.
    folder: tempfile::TempDir,
    kind: Kind,
    machines: AtomicU32,
}

enum Kind {
    Namespaces(Bridge),
    /// Proxies need somebody who runs them.
    Proxies(tokio::runtime::Runtime),
}

/// A machine of the town.
pub struct Machine {
    town: Town,
    link: Link,
}

enum Link {
    Namespace(Namespace),
    Proxy(CuttingProxy),
}

impl Deref for Machine {
    type Target = Town;

    fn deref(&self) -> &Town {
        &self.town
    }
}

impl Network {
    /// Redis that keeps what it acknowledges, and an empty shared repository.
    ///
    /// # Panics
    /// If there is no `redis-server` or no git.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("tinytown-shared-").tempdir().expect("a folder");
        let made = Command::new("git")
            .args(["init", "--quiet", "--bare", "--initial-branch=main", "--template="])
            .arg(folder.path().join("shared.git"))
            .status();
        assert!(made.is_ok_and(|status| status.success()), "git init fails");
        let bridge = Bridge::new(folder.path());
        let listen = bridge.as_ref().map_or_else(|| "127.0.0.1".to_owned(), |bridge| bridge.address(1));
        let redis = RedisServer::with(&ServerOptions {
            tcp: true,
            durable: true,
            more: ["--bind", &listen, "--protected-mode", "no"].map(str::to_owned).to_vec(),
        });
        let kind = match bridge {
            Some(bridge) => Kind::Namespaces(bridge),
            None => Kind::Proxies(tokio::runtime::Runtime::new().expect("a runtime")),
        };
        Self { redis, folder, kind, machines: AtomicU32::new(0) }
    }

    /// The server, to be killed and stopped.
    pub fn redis(&mut self) -> &mut RedisServer {
        &mut self.redis
    }

    /// The bare repository.
    pub fn shared(&self) -> PathBuf {
        self.folder.path().join("shared.git")
    }

    /// The first machine: a town with these issues, as `(number, text)`, that bears any number of
    /// losses, pushed to the shared repository.
    pub fn found(&self, leases: Duration, issues: impl IntoIterator<Item = (u64, String)>) -> Machine {
        let place = Place::new();
        place.git_init();
        place.write("issues/README.md", "One file for each issue.\n");
        for (number, text) in issues {
            place.write(format!("issues/{number}-item.md"), text);
        }
        place.commit("Begin");
        place.git(&["remote", "add", "origin", &self.git_address()]);
        let (place, link) = self.joined(place);
        let town = Town::found_with(place, &["--store", &self.store()]);
        let millis = leases.as_millis().to_string();
        town.configure("forge.remote", "origin");
        town.configure("timing.dispatcher_lease_ms", &millis);
        town.configure("timing.agent_lease_ms", &millis);
        town.configure("policy.max_losses", "1000");
        town.git(&["push", "--quiet", &self.shared().display().to_string(), "main"]);
        Machine { town, link }
    }

    /// A further machine: a clone of the shared repository.
    pub fn join(&self) -> Machine {
        let place = Place::new();
        place.git(&["clone", "--quiet", &self.shared().display().to_string(), "."]);
        place.git(&["remote", "set-url", "origin", &self.git_address()]);
        let (place, link) = self.joined(place);
        place.tt(&["init"]).exits(0);
        Machine { town: Town::of(place), link }
    }

    fn joined(&self, mut place: Place) -> (Place, Link) {
        let number = self.machines.fetch_add(1, Ordering::Relaxed);
        match &self.kind {
            Kind::Namespaces(bridge) => {
                let namespace = bridge.machine(number);
                place.move_into(namespace.process);
                (place, Link::Namespace(namespace))
            }
            Kind::Proxies(runtime) => {
                let proxy = runtime.block_on(CuttingProxy::before(&self.redis.socket()));
                place.env("TINYTOWN_STORE", proxy.url(0).to_string());
                (place, Link::Proxy(proxy))
            }
        }
    }

    fn store(&self) -> String {
        let host = match &self.kind {
            Kind::Namespaces(bridge) => bridge.address(1),
            Kind::Proxies(_) => "127.0.0.1".to_owned(),
        };
        format!("redis://{host}:{}/0", self.redis.port())
    }

    fn git_address(&self) -> String {
        match &self.kind {
            Kind::Namespaces(bridge) => format!("git://{}:{}/shared.git", bridge.address(1), bridge.port),
            Kind::Proxies(_) => self.shared().display().to_string(),
        }
    }

    /// Whether machines are namespaces, so that git's way is cut as well.
    pub fn cuts_git(&self) -> bool {
        matches!(self.kind, Kind::Namespaces(_))
    }

    /// The merges that the shared base's history tells of, oldest first.
    pub fn merges(&self) -> Vec<Merge> {
        let format = "--format=%(trailers:key=Tinytown-Item,valueonly)";
        let told = Command::new("git")
            .arg("-C")
            .arg(self.shared())
            .args(["log", "--first-parent", "--merges", "--reverse", format, "refs/heads/main", "--"])
            .output()
            .expect("git runs");
        super::town::merges_of(&String::from_utf8_lossy(&told.stdout))
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}

impl Machine {
    /// Nothing goes in or out any more.
    pub fn cut(&self) {
        match &self.link {
            Link::Namespace(namespace) => namespace.link("down"),
            Link::Proxy(proxy) => proxy.set_down(true),
        }
    }

    /// Everything goes in and out again.
    pub fn heal(&self) {
        match &self.link {
            Link::Namespace(namespace) => namespace.link("up"),
            Link::Proxy(proxy) => proxy.set_down(false),
        }
    }

    /// Signals those of its processes whose command line holds the word; how many there were.
    pub fn signal(&self, word: &str, which: Signal) -> usize {
        let all = self.processes_left().into_iter();
        // What goes into a namespace waits there for what it started, and stops when that does.
        let waits = |command: &str| command.contains("nsenter") && which != Signal::Continue;
        let meant = all.filter(|found| found.command.contains(word) && !waits(&found.command));
        let found: Vec<ProcessId> = meant.map(|found| found.process).collect();
        let told = found.iter().filter(|process| signal(process, which).unwrap_or(false)).count();
        if which == Signal::Kill {
            poll(Duration::from_secs(10), || (!found.iter().any(ProcessId::is_alive)).then_some(()));
        }
        told
    }

    /// What the kernel says of such processes, for the message of a failed story.
    pub fn states(&self, word: &str) -> String {
        let meant = self.processes_left().into_iter().filter(|found| found.command.contains(word));
        let read = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = |text: String| text.lines().take(4).collect::<Vec<_>>().join(" ");
        meant.map(|found| line(read(found.process.pid))).collect::<Vec<_>>().join("\n")
    }

    /// Starts a dispatcher in the background of this machine.
    pub fn dispatch(&self) -> Running {
        self.start(self.tt_command(&["mission", "dispatch"]))
    }
}

/// A bridge between namespaces, with `git daemon` on its address.
struct Bridge {
    name: String,
    /// The third number of its addresses.
    subnet: u32,
    daemon: Child,
    port: u16,
}

impl Bridge {
    /// Makes it; nothing if this machine does not let us.
    fn new(folder: &Path) -> Option<Self> {
        static BRIDGES: AtomicU32 = AtomicU32::new(0);
        let pid = std::process::id();
        let subnet = (pid.wrapping_mul(7) + BRIDGES.fetch_add(1, Ordering::Relaxed)) % 250 + 1;
        let name = format!("ttb{}-{subnet}", pid % 10_000);
        if std::env::var_os("TINYTOWN_NO_NAMESPACES").is_some() || !is_there("nsenter") {
            return None;
        }
        let address = format!("10.213.{subnet}.1");
        // An address of its own: else it takes that of whichever machine joins, and the others lose it.
        let own = format!("02:54:54:00:00:{subnet:02x}");
        let made = ip(&["link", "add", &name, "address", &own, "type", "bridge"])
            && ip(&["addr", "add", &format!("{address}/24"), "dev", &name])
            && ip(&["link", "set", &name, "up"]);
        if !made {
            let _perhaps_half = ip(&["link", "del", &name]);
            return None;
        }
        let port = std::net::TcpListener::bind((address.as_str(), 0)).ok()?.local_addr().ok()?.port();
        let daemon = Command::new("git")
            .args(["daemon", "--reuseaddr", "--export-all", "--enable=receive-pack"])
            .args([format!("--listen={address}"), format!("--port={port}")])
            .arg(format!("--base-path={}", folder.display()))
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        Some(Self { name, subnet, daemon, port })
    }

    fn address(&self, host: u32) -> String {
        format!("10.213.{}.{host}", self.subnet)
    }

    fn machine(&self, number: u32) -> Namespace {
        let name = format!("{}-{number}", self.name);
        let (outside, inside) = (format!("{}{number}o", self.name), format!("{}{number}i", self.name));
        let address = format!("{}/24", self.address(number + 10));
        let made = ip(&["netns", "add", &name])
            && ip(&["link", "add", &outside, "type", "veth", "peer", "name", &inside, "netns", &name])
            && ip(&["link", "set", &outside, "master", &self.name, "up"])
            && ip(&["-n", &name, "addr", "add", &address, "dev", &inside])
            && ip(&["-n", &name, "link", "set", &inside, "up"])
            && ip(&["-n", &name, "link", "set", "lo", "up"]);
        assert!(made, "a bridge could be made, and no machine on it");
        let mut holder = Command::new("ip")
            .args([
                "netns",
                "exec",
                &name,
                "unshare",
                "--fork",
                "--pid",
                "--kill-child",
                "--mount-proc",
                "--uts",
            ])
            .args(["sh", "-c", "hostname \"$1\"; while :; do sleep 1; done", "init", &name])
            .stdin(Stdio::null())
            .spawn()
            .expect("ip runs");
        let process = poll(Duration::from_secs(10), || first_child(holder.id()));
        let Some(process) = process else {
            let _ = holder.kill();
            panic!("a machine has no first process");
        };
        Namespace { name, outside, holder, process }
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = (self.daemon.kill(), self.daemon.wait());
        let _gone = ip(&["link", "del", &self.name]);
    }
}

/// A network, process and name space.
struct Namespace {
    name: String,
    /// Our end of its link.
    outside: String,
    /// Keeps it; its child is the first process there.
    holder: Child,
    process: u32,
}

impl Namespace {
    fn link(&self, state: &str) {
        assert!(ip(&["link", "set", &self.outside, state]), "a link can be set {state}");
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = (self.holder.kill(), self.holder.wait());
        let _gone = ip(&["netns", "del", &self.name]);
    }
}

fn ip(words: &[&str]) -> bool {
    let run = Command::new("ip").args(words).stdout(Stdio::null()).stderr(Stdio::null()).status();
    run.is_ok_and(|status| status.success())
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok()
}

/// The first process of a space, once it has its name.
fn first_child(pid: u32) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}
