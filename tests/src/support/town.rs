//! A repository that is a town, with short leases and a scripted agent.

use std::ops::Deref;
use std::time::Duration;

use serde_json::Value;

use super::{Place, Running, WAIT_LIMIT, poll};

/// An agent that does what it is asked to: approves what it reviews, and otherwise writes one file
/// whose name tells the item.
pub const WORKS: &str = r#"cat > /dev/null
case "$TINYTOWN_KIND" in
review) printf '{"outcome": "approve", "summary": "fine"}' > "$TINYTOWN_RESULT" ;;
*) printf '%s\n' "$TINYTOWN_ITEM" > "done$(printf %s "$TINYTOWN_ITEM" | tr -c 'a-zA-Z0-9' '-').txt" ;;
esac
"#;

/// A merge that the base's history tells of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Merge {
    /// The mission's id.
    pub mission: String,
    /// The item's key.
    pub key: String,
}

/// A town in a place of its own. Its scripted agent CLI is `script`, the default one; its check
/// passes; both leases are one second long.
#[derive(Debug)]
pub struct Town {
    place: Place,
}

impl Deref for Town {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

impl Default for Town {
    fn default() -> Self {
        Self::new()
    }
}

impl Town {
    /// A repository with an empty issue folder, made a town by `tt init`; all is committed.
    pub fn new() -> Self {
        let place = Place::new();
        place.git_init();
        place.write("issues/README.md", "One file for each issue.\n");
        place.commit("Begin");
        Self::found(place)
    }

    /// Makes the repository of a place a town, and commits that.
    pub fn found(place: Place) -> Self {
        let store = super::store::fresh();
        let store = store.as_deref().map_or_else(Vec::new, |url| vec!["--store", url]);
        Self::found_with(place, &store)
    }

    /// A place that is a town already.
    pub(super) fn of(place: Place) -> Self {
        Self { place }
    }

    /// As [`Town::found`], with further words for `tt init`.
    pub(super) fn found_with(place: Place, more: &[&str]) -> Self {
        place.tt(&[&["init", "--forge", "local", "--check", "true"], more].concat()).exits(0);
        let town = Self { place };
        let config = town.repo().join("tinytown.toml");
        let text = std::fs::read_to_string(&config).expect("tt init wrote it");
        let text = line(&text, "default_cli", "\"script\"");
        let text = line(&text, "dispatcher_lease_ms", "1000");
        let text = line(&text, "agent_lease_ms", "1000");
        let text = line(&text, "watch_interval_secs", "1");
        let agent = town.agent_file().display().to_string();
        town.write(
            &config,
            format!("{text}\n[cli.script]\ncommand = [\"sh\", {agent:?}]\nprompt = \"stdin\"\n"),
        );
        town.agent_script(WORKS);
        town.commit("Make it a town");
        town
    }

    /// Sets a key of `tinytown.toml`, as `tt config` does, and commits that.
    pub fn configure(&self, key: &str, value: &str) {
        self.tt(&["config", key, value]).exits(0);
        self.commit("Configure");
    }

    /// What CI means from now on.
    pub fn check(&self, command: &str) {
        self.configure("forge.check", command);
    }

    /// What the scripted agent does from now on: a text for `sh`, in the attempt's checkout.
    pub fn agent_script(&self, text: &str) {
        self.write(self.agent_file(), text);
    }

    fn agent_file(&self) -> std::path::PathBuf {
        self.path().join("agent.sh")
    }

    /// Writes `issues/NUMBER-SLUG.md` and commits it.
    pub fn issue(&self, number: u64, slug: &str, title: &str, body: &str) {
        self.write(format!("issues/{number}-{slug}.md"), format!("# {title}\n\n{body}\n"));
        self.commit(&format!("Issue {number}"));
    }

    /// Runs `tt`, which must succeed, and reads its data as JSON. `--json` is added.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.tt(&[arguments, &["--json"]].concat()).exits(0);
        serde_json::from_str(&output.stdout)
            .unwrap_or_else(|error| panic!("no JSON ({error}):\n{}", output.stdout))
    }

    /// Starts a mission over these issues; its id.
    pub fn start_mission(&self, issues: &[u64], more: &[&str]) -> String {
        let issues: Vec<String> = issues.iter().map(|issue| format!("--issue={issue}")).collect();
        let issues: Vec<&str> = issues.iter().map(String::as_str).collect();
        let output = self.tt(&[&["--quiet", "mission", "start"], &issues[..], more].concat()).exits(0);
        output.stdout.trim().to_owned()
    }

    /// Starts an agent's worker in the background, with the scripted CLI, and waits until it is ready.
    pub fn spawn_worker(&self, name: &str, role: Option<&str>) {
        let role = role.map_or_else(Vec::new, |role| vec!["--role", role]);
        self.tt(&[&["spawn", name, "--cli", "script"], &role[..]].concat()).exits(0);
    }

    /// Starts a dispatcher, which runs until it is killed or stopped.
    pub fn dispatcher(&self) -> Running {
        self.start(self.tt_command(&["mission", "dispatch"]))
    }

    /// The state of a mission as `tt mission status ID --json` tells it.
    pub fn status(&self, mission: &str) -> Value {
        self.json(&["mission", "status", mission])
    }

    /// Waits until a mission's status is as wanted; that status.
    ///
    /// # Panics
    /// If it is not within [`WAIT_LIMIT`].
    #[track_caller]
    pub fn wait_until(&self, mission: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait_within(WAIT_LIMIT, mission, wanted)
    }

    /// As [`Self::wait_until`], with a limit of its own.
    #[track_caller]
    pub fn wait_within(&self, limit: Duration, mission: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let found = poll(limit, || {
            last = self.status(mission);
            wanted(&last).then(|| last.clone())
        });
        found.unwrap_or_else(|| panic!("not so after {limit:?}: {last:#}\n{}", self.logs()))
    }

    /// Waits until a mission has ended, which must be completed.
    #[track_caller]
    pub fn wait_completed(&self, mission: &str) -> Value {
        let ended = |status: &Value| matches!(status["state"].as_str(), Some("completed" | "failed"));
        let status = self.wait_until(mission, ended);
        assert_eq!(status["state"], "completed", "{status:#}\n{}", self.logs());
        status
    }

    /// What workers and agents wrote, for the message of a failed story.
    pub fn logs(&self) -> String {
        let mut command = self.command("grep");
        command.args(["-r", "--text", "-m", "200", "-e", "", "--"]).arg(self.repo().join(".tinytown/logs"));
        let output = self.run(command);
        output.stdout.chars().take(20_000).collect()
    }

    /// The merges that the base's history tells of, oldest first. What a merged branch says about
    /// itself is no merge.
    pub fn merges(&self) -> Vec<Merge> {
        let format = "--format=%(trailers:key=Tinytown-Item,valueonly)";
        let options = ["log", "--first-parent", "--merges", "--reverse"];
        merges_of(&self.git(&[&options[..], &[format, "refs/heads/main", "--"]].concat()))
    }

    /// All missions, ended ones too, as `tt mission list` tells them.
    pub fn missions(&self) -> Vec<Value> {
        let list = self.json(&["mission", "list", "--all"]);
        list["missions"].as_array().expect("a list of missions").clone()
    }

    /// The references that missions made: under `refs/tinytown` and `refs/heads/tt`.
    pub fn mission_refs(&self) -> Vec<String> {
        let listed = self.git(&["for-each-ref", "--format=%(refname)", "refs/tinytown", "refs/heads/tt"]);
        listed.lines().map(str::to_owned).collect()
    }

    /// Says that no mission was created, and no reference.
    ///
    /// # Panics
    /// If one was.
    #[track_caller]
    pub fn has_no_mission(&self) {
        assert_eq!(self.missions(), Vec::<Value>::new());
        assert_eq!(self.mission_refs(), Vec::<String>::new());
    }
}

/// The merges in what git printed of their trailers.
pub(super) fn merges_of(words: &str) -> Vec<Merge> {
    let merge = |line: &str| {
        let (mission, key) = line.split_once(' ')?;
        Some(Merge { mission: mission.to_owned(), key: key.to_owned() })
    };
    words.lines().filter_map(merge).collect()
}

/// The text with `key = value` in place of the line that sets the key.
fn line(text: &str, key: &str, value: &str) -> String {
    let sets = |line: &&str| line.split_once('=').is_some_and(|(name, _)| name.trim() == key);
    assert_eq!(text.lines().filter(sets).count(), 1, "{key} is set once in:\n{text}");
    let lines =
        text.lines().map(|line| if sets(&line) { format!("{key} = {value}") } else { line.to_owned() });
    lines.collect::<Vec<_>>().join("\n")
}
