//! A real repository with a local forge in it, and a person who works there.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use std::io::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;
use tinytown_core::id::{ItemKey, Sha};
use tinytown_forge::conformance::{Harness, Verdict};
use tinytown_forge::{Always, Forge, LocalConfig, LocalForge, LocalRemote};
use tinytown_host::supervise::Supervisor;

/// What every commit's checks are, unless it brings its own.
const GREEN: &str = "exit 0\n";

pub(crate) struct Place {
    root: PathBuf,
    /// Removes it at the end, if we made it.
    _made: Option<TempDir>,
    /// Where the base is checked out, if it is.
    checked_out: bool,
    /// The town is in a clone, and `repo` is what it shares with other machines.
    shared: bool,
}

impl Place {
    /// A repository whose base is checked out in the user's folder.
    pub(crate) fn new() -> Self {
        Self::of_format("sha1", true)
    }

    /// A repository whose user has something else checked out.
    pub(crate) fn elsewhere() -> Self {
        Self::of_format("sha1", false)
    }

    /// A repository that several machines share, and a clone of it with the town.
    pub(crate) fn shared() -> Self {
        let mut place = Self::elsewhere();
        place.shared = true;
        place.git(&["clone", "-q", "--no-local", ".", "../clone"]);
        std::os::unix::fs::symlink(place.repo().join("issues"), place.path("clone/issues")).unwrap();
        std::fs::create_dir_all(place.path("town")).unwrap();
        place
    }

    pub(crate) fn of_format(format: &str, checked_out: bool) -> Self {
        let made = tempfile::tempdir().unwrap();
        let place = Self { root: made.path().to_owned(), _made: Some(made), checked_out, shared: false };
        std::fs::create_dir(place.repo()).unwrap();
        place.git(&["init", "-q", "-b", "main", "--object-format", format]);
        place.write(".gitignore", "/issues/\n");
        place.write("ci.sh", GREEN);
        place.write("README.md", "one\n");
        place.git(&["add", "-A"]);
        place.git(&["commit", "-q", "-m", "one"]);
        if !checked_out {
            place.git(&["checkout", "-q", "--detach"]);
        }
        place
    }

    /// A place that somebody else made.
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), _made: None, checked_out: true, shared: false }
    }

    pub(crate) fn repo(&self) -> PathBuf {
        self.root.join("repo")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(crate) fn config(&self) -> LocalConfig {
        // The runs are counted outside of the checkout: it is gone when they are over.
        let count = self.path("runs-of-checks");
        let address = self.repo().display().to_string();
        let remote = LocalRemote { address, mirror: self.path("town/mirror.git") };
        LocalConfig {
            repository: if self.shared { self.path("clone") } else { self.repo() },
            remote: self.shared.then_some(remote),
            base: "main".into(),
            issues: "issues".into(),
            check: Some(format!("git rev-parse HEAD >> '{}'; sh ./ci.sh", count.display())),
            scratch: self.path("town/scratch"),
            runs: self.path("town/runs"),
            logs: self.path("town/logs"),
            check_limit_ms: 60_000,
            ping_limit_ms: 20_000,
            supervisor: supervisor(),
        }
    }

    pub(crate) async fn local(&self) -> LocalForge {
        LocalForge::open(self.config()).await.unwrap()
    }

    /// What a person types; it must work.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = self.try_git(arguments, None);
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn try_git(&self, arguments: &[&str], input: Option<&str>) -> Output {
        self.git_with(&[], arguments, input)
    }

    fn git_with(&self, environment: &[(&str, &Path)], arguments: &[&str], input: Option<&str>) -> Output {
        let mut command = Command::new("git");
        command.current_dir(self.repo()).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("HOME", "/nonexistent").args(["-c", "core.hooksPath=/dev/null"]).args(arguments);
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "person").env(format!("GIT_{who}_EMAIL"), "p@example.org");
        }
        command.envs(environment.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.unwrap_or_default().as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.repo().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.repo().join(file)).unwrap()
    }

    pub(crate) fn sha(&self, name: &str) -> Sha {
        Sha::new(&self.git(&["rev-parse", "--verify", name])).unwrap()
    }

    pub(crate) fn status(&self) -> String {
        self.git(&["status", "--porcelain"])
    }

    /// A commit in the object store: the first parent's files, with these written over.
    pub(crate) fn commit_of(&self, parents: &[&Sha], files: &[(&str, &str)]) -> Sha {
        let index = tempfile::Builder::new().tempdir_in(&self.root).unwrap();
        let file = index.path().join("index");
        let git = |arguments: &[&str], input: &str| {
            let output = self.git_with(&[("GIT_INDEX_FILE", &file)], arguments, Some(input));
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        git(&["read-tree", parents[0].as_str()], "");
        for (name, text) in files {
            let blob = git(&["hash-object", "-w", "--stdin"], text);
            git(&["update-index", "--add", "--cacheinfo", &format!("100644,{blob},{name}")], "");
        }
        let tree = git(&["write-tree"], "");
        let mut arguments = vec!["commit-tree", &tree, "-m", "work"];
        for parent in parents {
            arguments.extend(["-p", parent.as_str()]);
        }
        Sha::new(&git(&arguments, "")).unwrap()
    }

    /// What is shared travels by reference: a worker on another machine makes its branch.
    fn published(&self, commit: Sha) -> Sha {
        if self.shared {
            self.git(&["update-ref", &format!("refs/heads/work/{commit}"), commit.as_str()]);
        }
        commit
    }

    pub(crate) fn hook(&self, name: &str, script: &str) {
        let path = format!(".git/hooks/{name}");
        self.write(&path, script);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(self.repo().join(path), mode).unwrap();
    }

    pub(crate) fn scratch_entries(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path("town/scratch")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

/// The example beside this test, which `cargo test` builds first.
fn supervisor() -> Supervisor {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("examples/supervise");
    assert!(program.exists(), "build the example `supervise` first: cargo build --examples");
    Supervisor { program, args: Vec::new() }
}

#[async_trait]
impl Harness for Place {
    async fn forge(&self) -> Arc<dyn Forge> {
        Arc::new(self.local().await)
    }

    async fn forge_without_checks(&self) -> Arc<dyn Forge> {
        Arc::new(LocalForge::open(LocalConfig { check: None, ..self.config() }).await.unwrap())
    }

    async fn base(&self) -> Sha {
        self.sha("refs/heads/main")
    }

    async fn commit(&self, parents: &[&Sha], files: &[(&str, &str)]) -> Sha {
        self.published(self.commit_of(parents, files))
    }

    async fn judged_commit(&self, parent: &Sha, verdict: Verdict) -> Sha {
        let script = match verdict {
            Verdict::Green => GREEN,
            Verdict::Red => "echo the answer is 41 >&2; exit 3\n",
            Verdict::CouldNotRun => "exec no-such-command-anywhere\n",
        };
        self.published(self.commit_of(&[parent], &[("ci.sh", script)]))
    }

    async fn check_runs(&self, head: &Sha) -> usize {
        let runs = std::fs::read_to_string(self.path("runs-of-checks")).unwrap_or_default();
        runs.lines().filter(|line| *line == head.as_str()).count()
    }

    async fn contains(&self, descendant: &Sha, ancestor: &Sha) -> bool {
        let question = ["merge-base", "--is-ancestor", ancestor.as_str(), descendant.as_str()];
        self.try_git(&question, None).status.success()
    }

    async fn branch(&self, name: &str) -> Option<Sha> {
        let output = self.try_git(&["rev-parse", "--verify", "-q", &format!("refs/heads/{name}")], None);
        output.status.success().then(|| Sha::new(String::from_utf8(output.stdout).unwrap().trim()).unwrap())
    }

    async fn push(&self, name: &str, to: &Sha) {
        self.git(&["update-ref", &format!("refs/heads/{name}"), to.as_str()]);
    }

    async fn move_base(&self, to: &Sha) {
        if self.checked_out {
            self.git(&["merge", "-q", "--ff-only", to.as_str()]);
        } else {
            self.git(&["update-ref", "refs/heads/main", to.as_str()]);
        }
    }

    async fn close(&self, pull: u64) {
        assert!(self.local().await.close(pull, &Always).await.unwrap());
    }

    async fn pulls(&self) -> usize {
        self.git(&["for-each-ref", "refs/tinytown/pull"]).lines().count()
    }

    async fn merges_of(&self, item: &ItemKey) -> usize {
        let format = "--format=%(trailers:key=Tinytown-Item,valueonly)";
        let values = self.git(&["log", "refs/heads/main", "--merges", format]);
        values.lines().filter(|value| value.ends_with(&format!(" {item}"))).count()
    }

    async fn put_issue(&self, number: u64, title: &str, body: &str, open: bool) {
        let state = if open { "open" } else { "closed" };
        let text = format!("---\nstate: {state}\n---\n# {title}\n\n{body}");
        self.write(&format!("issues/{number}-any-slug.md"), &text);
    }
}
