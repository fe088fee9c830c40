//! Presets for agent CLIs that people have: each runs once, without asking, on one prompt. None of
//! them skips permissions; what an agent may do is for its own configuration to say.

use std::collections::BTreeMap;

use crate::cli::{AgentCli, Prompt};

/// The model of `codex-mini`.
const MINI: &str = "gpt-5.1-codex-mini";

/// All presets, by name.
pub fn presets() -> BTreeMap<String, AgentCli> {
    let table = [
        ("auggie", auggie()),
        ("claude", claude()),
        ("codex", codex(&[])),
        ("codex-mini", codex(&["--model", MINI])),
    ];
    table.into_iter().map(|(name, cli)| (name.to_owned(), cli)).collect()
}

/// The CLI of that name: the user's own before a preset.
pub fn find(name: &str, own: &BTreeMap<String, AgentCli>) -> Option<AgentCli> {
    own.get(name).cloned().or_else(|| presets().remove(name))
}

/// The stream makes the log grow while it thinks, so that silence means what it says.
fn claude() -> AgentCli {
    AgentCli {
        command: words(&["claude", "-p", "--output-format", "stream-json", "--verbose"]),
        prompt: Prompt::Stdin,
        pass_env: words(&[
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "ANTHROPIC_BASE_URL",
            "CLAUDE_CODE_OAUTH_TOKEN",
            "CLAUDE_CONFIG_DIR",
        ]),
    }
}

/// Its sandbox lets it write where it works and, because we say so, where its result file lies.
fn codex(more: &[&str]) -> AgentCli {
    let begin = ["codex", "exec", "--sandbox", "workspace-write", "--add-dir", "{private}"];
    AgentCli {
        command: words(&[&begin, more, &["-"]].concat()),
        prompt: Prompt::Stdin,
        pass_env: words(&["OPENAI_API_KEY", "CODEX_API_KEY", "CODEX_HOME"]),
    }
}

fn auggie() -> AgentCli {
    AgentCli {
        command: words(&["auggie", "--print", "--instruction-file"]),
        prompt: Prompt::File,
        pass_env: words(&["AUGMENT_SESSION_AUTH", "AUGMENT_API_TOKEN", "AUGMENT_API_URL"]),
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_as_documented() {
        insta::assert_snapshot!(toml::to_string(&presets()).expect("writes"));
    }

    #[test]
    fn no_preset_skips_permissions() {
        for (name, cli) in presets() {
            let words = cli.command.join(" ");
            for forbidden in ["danger", "yolo", "bypass", "skip", "allow-all", "full-auto"] {
                assert!(!words.contains(forbidden), "{name}: {words}");
            }
        }
    }

    #[test]
    fn a_cli_of_the_users_own_comes_before_the_preset_of_its_name() {
        let mine = AgentCli { command: words(&["mine"]), prompt: Prompt::File, pass_env: Vec::new() };
        let own = BTreeMap::from([("claude".to_owned(), mine.clone())]);
        assert_eq!(find("claude", &own), Some(mine));
        assert_eq!(find("codex", &own), presets().remove("codex"));
        assert_eq!(find("unknown", &own), None);
    }
}
