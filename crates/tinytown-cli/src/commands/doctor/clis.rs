//! The agent CLIs: whether the programs are there that would do the work.

use std::collections::{BTreeMap, BTreeSet};

use tinytown_agent::AgentCli;

use super::finding::{Finding, Level};
use crate::compose::is_there;
use crate::config::FILE;
use crate::town::Town;

const CODE: &str = "cli";

/// How each preset's program is installed.
const PACKAGES: [(&str, &str); 3] = [
    ("auggie", "npm install -g @augmentcode/auggie"),
    ("claude", "npm install -g @anthropic-ai/claude-code"),
    ("codex", "npm install -g @openai/codex"),
];

/// A look at the CLIs of a town: the default one and those of the agents who are there must be
/// found; others that it configures should.
pub(super) fn town(town: &Town, of_agents: &[String]) -> impl FnOnce() -> Vec<Finding> + Send + 'static {
    let default = town.config.default_cli.clone();
    let own = town.config.cli.clone();
    let mut needed: BTreeSet<String> = of_agents.iter().cloned().collect();
    needed.insert(default.clone());
    move || {
        let names: BTreeSet<&String> = needed.iter().chain(own.keys()).collect();
        let judge = |name: &String| {
            let level = if needed.contains(name) { Level::Error } else { Level::Warning };
            let what = if *name == default {
                format!("default agent CLI {name}")
            } else {
                format!("agent CLI {name}")
            };
            judge(name, &what, &own, level)
        };
        names.into_iter().map(judge).collect()
    }
}

/// Where there is no town: what could be used in one.
pub(super) fn presets() -> Vec<Finding> {
    let (none, presets) = (BTreeMap::new(), tinytown_agent::presets());
    let all = presets.keys().map(|name| judge(name, &format!("agent CLI {name}"), &none, Level::Warning));
    let found: Vec<Finding> = all.filter(|finding| finding.level == Level::Ok).collect();
    if !found.is_empty() {
        return found;
    }
    let names: Vec<&str> = presets.keys().map(String::as_str).collect();
    let message = format!("no agent CLI that needs no configuration is installed ({})", names.join(", "));
    let install: Vec<&str> = PACKAGES.iter().map(|(_, install)| *install).collect();
    let mend = format!("install one with:\n  {}\n{}", install.join("\n  "), any_command("mine"));
    vec![Finding::warning(CODE, message, mend)]
}

fn judge(name: &str, what: &str, own: &BTreeMap<String, AgentCli>, level: Level) -> Finding {
    let Some(cli) = tinytown_agent::find(name, own) else {
        let message = format!("{what}: nothing of that name is configured or known");
        return Finding { level, ..Finding::error(CODE, message, any_command(name)) };
    };
    let program = cli.command.first().map_or("", String::as_str);
    if is_there(program) {
        return Finding::ok(CODE, format!("{what} runs {program}"));
    }
    let message = format!("{what}: its program {program:?} is not on the PATH");
    let install = PACKAGES.iter().find(|(known, _)| *known == program && !own.contains_key(name));
    let mend = match install {
        Some((_, install)) => format!("install it with: {install}\n{}", any_command("mine")),
        None => format!("install it, or correct [cli.{name}] in {FILE}"),
    };
    Finding { level, ..Finding::error(CODE, message, mend) }
}

fn any_command(name: &str) -> String {
    format!(
        "any command can be an agent CLI; in {FILE}:\n  [cli.{name}]\n  command = [\"PROGRAM\", \"ARGUMENT\"]"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_says_how_its_program_is_installed() {
        for (name, cli) in tinytown_agent::presets() {
            let program = &cli.command[0];
            assert!(PACKAGES.iter().any(|(known, _)| known == program), "{name}: {program}");
        }
    }

    #[test]
    fn a_program_that_is_missing_is_told_with_how_to_mend_it() {
        let own = AgentCli {
            command: vec!["/no/such/agent".into()],
            prompt: tinytown_agent::Prompt::Stdin,
            pass_env: Vec::new(),
        };
        let own = BTreeMap::from([("mine".to_owned(), own)]);
        let missing = judge("mine", "agent CLI mine", &own, Level::Warning);
        assert_eq!(missing.level, Level::Warning);
        assert!(missing.mend.is_some_and(|mend| mend.contains("[cli.mine]")));
        let unknown = judge("gpt", "agent CLI gpt", &own, Level::Error);
        assert!(unknown.mend.is_some_and(|mend| mend.contains("[cli.gpt]")));
    }
}
