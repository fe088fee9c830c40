//! The file that `tt init` writes: every key with its default, those without one commented out.

use std::fmt::Write as _;

use toml_edit::Value;

use super::{Config, ForgeKind};

/// What a new file is to say.
#[derive(Debug, Clone)]
pub(crate) struct Template<'a> {
    /// The values.
    pub(crate) config: &'a Config,
}

/// What a key is, its value if it has one, and an example for one that has none.
struct Line<'a> {
    key: &'a str,
    value: Option<Value>,
    example: &'a str,
    about: &'a str,
}

fn line<'a>(key: &'a str, value: impl Into<Value>, about: &'a str) -> Line<'a> {
    Line { key, value: Some(value.into()), example: "", about }
}

fn optional<'a>(key: &'a str, value: Option<&String>, example: &'a str, about: &'a str) -> Line<'a> {
    Line { key, value: value.map(|value| value.as_str().into()), example, about }
}

impl Template<'_> {
    /// The file's text.
    pub(crate) fn render(&self) -> String {
        let mut text =
            "# What this town is made of. `tt config` shows it, `tt config KEY VALUE` changes it.\n"
                .to_owned();
        write_table(&mut text, None, &self.top());
        write_table(&mut text, Some("store"), &self.store());
        write_table(&mut text, Some("forge"), &self.forge());
        write_table(&mut text, Some("policy"), &self.policy());
        write_table(&mut text, Some("timing"), &self.timing());
        text
    }

    fn top(&self) -> Vec<Line<'_>> {
        vec![
            line("name", self.config.name.as_str(), ""),
            line("default_cli", self.config.default_cli.as_str(), "what `tt spawn` starts without --cli"),
        ]
    }

    fn store(&self) -> Vec<Line<'_>> {
        let about =
            "or redis://host:6379/0, rediss://…, redis+unix:///path/redis.sock ; TINYTOWN_STORE overrides it";
        vec![line("url", self.config.store.url.as_str(), about)]
    }

    fn forge(&self) -> Vec<Line<'_>> {
        let forge = &self.config.forge;
        let kind = match forge.kind {
            ForgeKind::Local => "local",
            ForgeKind::Github => "github",
        };
        let authors: toml_edit::Array = forge.trusted_authors.iter().map(String::as_str).collect();
        vec![
            line("kind", kind, "\"local\" or \"github\""),
            line("base", forge.base.as_str(), "the branch into which work is merged"),
            optional(
                "remote",
                forge.remote.as_ref(),
                "origin",
                "local: where workers on other machines meet",
            ),
            line("issues", forge.issues.as_str(), "local: folder of NUMBER-any-slug.md"),
            optional(
                "check",
                forge.check.as_ref(),
                "cargo test",
                "local: what CI means, run with sh -c at the exact commit",
            ),
            optional("repo", forge.repo.as_ref(), "owner/name", "github; default: from origin"),
            line("api_url", forge.api_url.as_str(), "github; Enterprise or a test server"),
            line("trusted_authors", authors, "github"),
        ]
    }

    fn policy(&self) -> Vec<Line<'_>> {
        let policy = &self.config.policy;
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let count = |count: u32| i64::from(count);
        let bugbots = || policy.bugbots.iter().map(String::as_str).collect::<toml_edit::Array>();
        vec![
            line("max_parallel", count(policy.max_parallel), "most agents of one mission at work at once"),
            line("reviewer_required", policy.reviewer_required, ""),
            line("reviewers", count(policy.reviewers), "how many different agents must approve"),
            line("independent_cli", policy.independent_cli, "reviewers run another CLI than the author"),
            line("bugbots", bugbots(), "authors whose comments must be answered"),
            line(
                "auto_merge",
                policy.auto_merge,
                "whether done means merged, or accepted and left to a person",
            ),
            line("watch_interval_secs", number(policy.watch_interval_secs), ""),
            line("max_attempts", count(policy.max_attempts), ""),
            line("max_losses", count(policy.max_losses), ""),
            line("item_timeout_secs", number(policy.item_timeout_secs), ""),
            line("stall_timeout_secs", number(policy.stall_timeout_secs), ""),
            line(
                "check_reruns",
                count(policy.check_reruns),
                "of what could not run, or looks like the network",
            ),
            line("conductor_wait_secs", number(policy.conductor_wait_secs), "then a person is asked"),
            line("person_wait_secs", number(policy.person_wait_secs), "then the item fails; 0: at once"),
            line("watchdog_secs", number(policy.watchdog_secs), ""),
            line("max_launches", count(policy.max_launches), "of a mission; here and below 0 means no limit"),
            line("max_item_secs", number(policy.max_item_secs), "from its first launch to its last"),
            line("max_mission_secs", number(policy.max_mission_secs), ""),
            line("max_item_tokens", number(policy.max_item_tokens), "as far as agents report them"),
            line("max_mission_tokens", number(policy.max_mission_tokens), ""),
            line("max_item_usd", f64::from(policy.max_item_usd), ""),
            line("max_mission_usd", f64::from(policy.max_mission_usd), ""),
        ]
    }

    fn timing(&self) -> Vec<Line<'_>> {
        let millis = |millis: u64| i64::try_from(millis).unwrap_or(i64::MAX);
        vec![
            line("dispatcher_lease_ms", millis(self.config.timing.dispatcher_lease_ms), ""),
            line("agent_lease_ms", millis(self.config.timing.agent_lease_ms), ""),
        ]
    }
}

fn write_table(text: &mut String, header: Option<&str>, lines: &[Line<'_>]) {
    if let Some(header) = header {
        let _ = write!(text, "\n[{header}]\n");
    }
    for Line { key, value, example, about } in lines {
        let assignment = match value {
            Some(value) => format!("{key} = {value}"),
            None => format!("# {key} = {}", Value::from(*example)),
        };
        let about = if about.is_empty() { String::new() } else { format!("  # {about}") };
        let _ = writeln!(text, "{assignment}{about}");
    }
}
