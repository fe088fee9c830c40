//! `tt config`: shows tinytown.toml, one key of it, or changes one.

use std::io::Write as _;
use std::path::Path;

use clap::Args;
use serde_json::Value;

use crate::app::App;
use crate::config::{self, EditError, FILE, StoreUrl};
use crate::failure::{ExitCode, Failure};
use crate::town::Town;

/// Arguments of `tt config`.
#[derive(Debug, Args)]
pub(crate) struct Config {
    /// Such as policy.max_parallel
    key: Option<String>,
    /// The new value, as in TOML or as plain text
    value: Option<String>,
    /// One JSON object
    #[arg(long, conflicts_with = "value")]
    json: bool,
}

impl Config {
    pub(super) fn run(self, app: &App) -> Result<(), Failure> {
        let town = app.town()?;
        match (&self.key, &self.value) {
            (Some(key), Some(value)) => change(app, &town, key, value),
            (Some(key), None) => self.show(app, find(&shown(&town)?, key)?),
            (None, _) => self.show(app, &shown(&town)?),
        }
    }

    fn show(&self, app: &App, value: &Value) -> Result<(), Failure> {
        match value {
            value if self.json => app.terminal.json(value),
            Value::Object(_) => flatten("", value).iter().try_for_each(|line| app.terminal.line(line)),
            Value::String(text) => app.terminal.line(text),
            value => app.terminal.line(value),
        }
    }
}

/// The configuration in force, defaults filled in and passwords left out.
fn shown(town: &Town) -> Result<Value, Failure> {
    let mut config = town.config.clone();
    config.store.url = town.store.to_string();
    Ok(serde_json::to_value(&config).map_err(std::io::Error::other)?)
}

fn find<'a>(config: &'a Value, key: &str) -> Result<&'a Value, Failure> {
    let unknown = || {
        Failure::new(ExitCode::Invalid, format!("unknown key {key:?}")).hint("tt config shows all of them")
    };
    match key.split('.').try_fold(config, |value, part| value.get(part)).ok_or_else(unknown)? {
        Value::Null => {
            let message = format!("{key} is not set");
            Err(Failure::new(ExitCode::NotFound, message).hint(format!("set it with: tt config {key} VALUE")))
        }
        value => Ok(value),
    }
}

/// `table.key = value`, one line each, without what is not set.
fn flatten(prefix: &str, value: &Value) -> Vec<String> {
    match value {
        Value::Object(entries) => {
            let inner = entries.iter().flat_map(|(key, value)| {
                let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten(&path, value)
            });
            inner.collect()
        }
        Value::Null => Vec::new(),
        value => vec![format!("{prefix} = {value}")],
    }
}

fn change(app: &App, town: &Town, key: &str, value: &str) -> Result<(), Failure> {
    let path = town.root.join(FILE);
    let text = std::fs::read_to_string(&path)?;
    let changed = config::set(&text, FILE, key, value).map_err(|error| refused(&error))?;
    replace(&path, &changed)?;
    let value = if key == "store.url" { masked(value) } else { value.to_owned() };
    app.terminal.note(format!("{key} = {value}"));
    Ok(())
}

fn masked(url: &str) -> String {
    StoreUrl::parse(url).map_or_else(|_| url.to_owned(), |url| url.to_string())
}

fn refused(error: &EditError) -> Failure {
    Failure::from_error(ExitCode::Invalid, error).hint("nothing was changed; tt config shows all keys")
}

/// Replaces the file whole or not at all; it keeps its rights, and a link stays a link.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".tinytown.").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    let rights = match path.metadata() {
        Ok(found) => found.permissions(),
        Err(_missing) => std::os::unix::fs::PermissionsExt::from_mode(0o644),
    };
    file.as_file().set_permissions(rights)?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app_in(folder: &Path, text: &str) -> App {
        std::fs::write(folder.join(FILE), text).expect("written");
        let terminal = crate::terminal::Terminal::new(true, false, anstream::ColorChoice::Never);
        App { terminal, named: Some(folder.to_owned()) }
    }

    fn set(app: &App, key: &str, value: &str) -> Result<(), Failure> {
        Config { key: Some(key.to_owned()), value: Some(value.to_owned()), json: false }.run(app)
    }

    #[test]
    fn an_invalid_value_changes_nothing_and_a_valid_one_is_in_force() {
        let place = tempfile::tempdir().expect("a folder");
        let text = "name = \"x\" # mine\n";
        let app = app_in(place.path(), text);
        let file = place.path().join(FILE);
        let failure = set(&app, "policy.max_parallel", "0").expect_err("refused");
        assert_eq!(failure.code(), ExitCode::Invalid);
        assert_eq!(std::fs::read_to_string(&file).expect("read"), text);
        set(&app, "policy.max_parallel", "7").expect("taken");
        assert_eq!(app.town().expect("valid").config.policy.max_parallel, 7);
        assert_eq!(std::fs::read_dir(place.path()).expect("listed").count(), 1, "nothing else is left");
    }

    #[test]
    fn keys_are_shown_with_their_defaults_and_without_passwords() {
        let place = tempfile::tempdir().expect("a folder");
        let app = app_in(place.path(), "name = \"x\"\n[store]\nurl = \"redis://u:secret@h/0\"\n");
        let config = shown(&app.town().expect("valid")).expect("shown");
        assert_eq!(find(&config, "policy.max_parallel").expect("set"), &Value::from(2));
        assert_eq!(find(&config, "store.url").expect("set"), &Value::from("redis://…@h/0"));
        assert_eq!(find(&config, "forge.check").expect_err("not set").code(), ExitCode::NotFound);
        assert_eq!(find(&config, "forge.chek").expect_err("unknown").code(), ExitCode::Invalid);
        assert!(!flatten("", &config).iter().any(|line| line.contains("secret")));
    }
}
