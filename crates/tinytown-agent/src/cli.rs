//! Agent CLIs as data: which command, and how it gets its prompt.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Longest prompt in bytes that is passed as an argument; Linux refuses arguments of 128 KiB and more.
pub const PROMPT_ARGUMENT_LIMIT: usize = 100 * 1024;

/// Stands, within an argument, for the attempt's private folder: some CLIs confine what they start,
/// and must be told that the result file may be written there.
const PRIVATE: &str = "{private}";

/// A command that works as an agent. See `[cli.…]` in `tinytown.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentCli {
    /// Program and arguments, never a shell line. `{private}` in an argument stands for the attempt's
    /// private folder, in which the result file lies.
    pub command: Vec<String>,
    /// How the prompt gets there.
    #[serde(default)]
    pub prompt: Prompt,
    /// Variables that it gets besides the allow-list, if the worker has them.
    #[serde(default)]
    pub pass_env: Vec<String>,
}

/// How a CLI gets its prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prompt {
    /// On standard input.
    #[default]
    Stdin,
    /// As the last argument; if it is longer than [`PROMPT_ARGUMENT_LIMIT`], the argument says in which file it is.
    Argument,
    /// The path of a file that holds it is the last argument.
    File,
}

/// A prompt, and the file that holds it.
#[derive(Debug, Clone, Copy)]
pub struct PromptFile<'a> {
    /// Where.
    pub path: &'a Path,
    /// What it says.
    pub text: &'a str,
}

/// What to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// What it reads on standard input, if anything.
    pub stdin: Option<PathBuf>,
}

/// Why a CLI cannot be started as it is described.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CliError {
    /// There is no program in it.
    #[error("the command of the agent CLI is empty")]
    Empty,
    /// Arguments are text.
    #[error("the path {} is not UTF-8, and cannot be an argument", .0.display())]
    Path(PathBuf),
}

impl AgentCli {
    /// The command for this prompt, with the attempt's private folder.
    ///
    /// # Errors
    /// [`CliError`]
    pub fn launch(&self, prompt: PromptFile<'_>, private: &Path) -> Result<Launch, CliError> {
        if self.command.is_empty() {
            return Err(CliError::Empty);
        }
        let private = text(private)?;
        let mut argv: Vec<String> = self.command.iter().map(|word| word.replace(PRIVATE, private)).collect();
        match self.prompt {
            Prompt::Stdin => return Ok(Launch { argv, stdin: Some(prompt.path.to_owned()) }),
            Prompt::Argument if prompt.text.len() <= PROMPT_ARGUMENT_LIMIT => {
                argv.push(prompt.text.to_owned());
            }
            Prompt::Argument => {
                argv.push(format!("Read the file {} completely, then do what it says.", text(prompt.path)?));
            }
            Prompt::File => argv.push(text(prompt.path)?.to_owned()),
        }
        Ok(Launch { argv, stdin: None })
    }
}

fn text(path: &Path) -> Result<&str, CliError> {
    path.to_str().ok_or_else(|| CliError::Path(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(prompt: Prompt, text: &str, argv: &[&str], stdin: Option<&str>) {
        let command = ["agent", "--dir={private}"].map(str::to_owned).to_vec();
        let cli = AgentCli { command, prompt, pass_env: Vec::new() };
        let file = PromptFile { path: Path::new("/p/prompt.md"), text };
        let launch = cli.launch(file, Path::new("/p")).expect("can be started");
        assert_eq!(launch.argv, argv);
        assert_eq!(launch.stdin.as_deref(), stdin.map(Path::new));
    }

    #[test]
    fn a_prompt_goes_where_the_cli_wants_it() {
        check(Prompt::Stdin, "do", &["agent", "--dir=/p"], Some("/p/prompt.md"));
        check(Prompt::Argument, "do", &["agent", "--dir=/p", "do"], None);
        check(Prompt::File, "do", &["agent", "--dir=/p", "/p/prompt.md"], None);
    }

    #[test]
    fn a_prompt_too_long_for_an_argument_is_named_instead() {
        let fits = "x".repeat(PROMPT_ARGUMENT_LIMIT);
        check(Prompt::Argument, &fits, &["agent", "--dir=/p", &fits], None);
        let named = "Read the file /p/prompt.md completely, then do what it says.";
        check(Prompt::Argument, &format!("{fits}x"), &["agent", "--dir=/p", named], None);
    }

    #[test]
    fn a_cli_is_read_as_the_contract_writes_it_and_nothing_else() {
        let text = r#"command = ["sh", "agent.sh"]
            prompt = "argument"
            pass_env = ["ANTHROPIC_API_KEY"]"#;
        let cli: AgentCli = toml::from_str(text).expect("reads");
        assert_eq!(cli.prompt, Prompt::Argument);
        assert_eq!(toml::from_str::<AgentCli>("command = [\"a\"]").expect("reads").prompt, Prompt::Stdin);
        assert!(toml::from_str::<AgentCli>("command = [\"a\"]\nshell = true").is_err());
        assert!(toml::from_str::<AgentCli>("command = \"a b\"").is_err());
    }

    #[test]
    fn an_empty_command_is_refused() {
        let cli = AgentCli { command: Vec::new(), prompt: Prompt::Stdin, pass_env: Vec::new() };
        let file = PromptFile { path: Path::new("/p"), text: "" };
        assert_eq!(cli.launch(file, Path::new("/")), Err(CliError::Empty));
    }
}
