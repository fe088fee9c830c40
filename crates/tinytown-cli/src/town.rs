//! Finding the town: by name, by environment, or upwards from where the user stands.

use std::path::{Path, PathBuf};

use tinytown_core::id::AgentName;

use crate::config::{Config, ConfigError, FILE, StoreUrl};
use crate::failure::{ExitCode, Failure};

/// The folder of a town for what is not to be committed.
pub(crate) const STATE: &str = ".tinytown";
/// Under it, where agents work.
const CHECKOUTS: &str = "checkouts";
/// Overrides `[store] url`.
pub(crate) const STORE_VARIABLE: &str = "TINYTOWN_STORE";

/// A town as it was found.
#[derive(Debug, Clone)]
pub(crate) struct Town {
    /// Its folder, absolute.
    pub(crate) root: PathBuf,
    /// What its file says.
    pub(crate) config: Config,
    /// Where it lives.
    pub(crate) store: StoreUrl,
}

impl Town {
    /// The town that the user means: `named` (from `--town` or `TINYTOWN_DIR`), else upwards from here.
    pub(crate) fn find(named: Option<&Path>) -> Result<Self, Failure> {
        Self::at(root(named)?, store_override().as_deref())
    }

    /// The town in that folder; `store` overrides where it lives.
    pub(crate) fn at(root: PathBuf, store: Option<&str>) -> Result<Self, Failure> {
        let file = root.join(FILE);
        let text = std::fs::read_to_string(&file).map_err(|error| {
            Failure::from_error(ExitCode::Invalid, &error)
                .during(format!("could not read {}", file.display()))
        })?;
        let config = Config::parse(&text, FILE).map_err(|error| invalid(&error))?;
        let store = StoreUrl::parse(store.unwrap_or(&config.store.url))
            .map_err(|error| Failure::from_error(ExitCode::Invalid, &error).during(STORE_VARIABLE))?;
        Ok(Self { root, config, store })
    }

    /// The folder for what is not to be committed.
    pub(crate) fn state(&self) -> PathBuf {
        self.root.join(STATE)
    }

    /// Where the local forge checks. No agent can have a folder of that name: theirs are elsewhere.
    pub(crate) fn checks(&self) -> PathBuf {
        self.state().join("checks")
    }

    /// Where workers write.
    pub(crate) fn logs(&self) -> PathBuf {
        self.state().join("logs")
    }

    /// Where one agent's worker writes.
    pub(crate) fn log_of(&self, agent: &AgentName) -> PathBuf {
        self.logs().join(format!("{agent}.log"))
    }
}

/// The folder of the town that the user means, whatever its file says; see [`Town::find`].
pub(crate) fn root(named: Option<&Path>) -> Result<PathBuf, Failure> {
    let root = match named {
        Some(folder) => folder.canonicalize().ok().filter(|folder| folder.join(FILE).is_file()),
        None => upwards(&std::env::current_dir()?),
    };
    root.ok_or_else(|| {
        let place =
            named.map_or_else(|| "here or above".to_owned(), |folder| format!("in {}", folder.display()));
        let message = format!("no town: there is no {FILE} {place}");
        Failure::new(ExitCode::NotFound, message).hint("make one in this repository with: tt init")
    })
}

/// Where the environment says that towns live, if it does.
pub(crate) fn store_override() -> Option<String> {
    std::env::var(STORE_VARIABLE).ok().filter(|url| !url.is_empty())
}

/// A configuration that cannot be used.
pub(crate) fn invalid(error: &ConfigError) -> Failure {
    Failure::from_error(ExitCode::Invalid, error).hint(format!("correct it in {FILE}"))
}

/// The nearest folder with a town, from `from` upwards. A checkout made for an agent holds a copy of
/// the file and is no town: from inside one, the search begins at the town that made it.
fn upwards(from: &Path) -> Option<PathBuf> {
    let from = from.canonicalize().ok()?;
    let start = outside_checkouts(&from).unwrap_or(&from);
    start.ancestors().find(|folder| folder.join(FILE).is_file()).map(Path::to_owned)
}

/// The folder of the outermost town whose checkouts hold this path, if any do.
pub(crate) fn outside_checkouts(path: &Path) -> Option<&Path> {
    let marker = Path::new(STATE).join(CHECKOUTS);
    path.ancestors().filter(|above| above.ends_with(&marker)).last()?.parent()?.parent()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn town(at: &Path) {
        std::fs::create_dir_all(at).expect("a folder");
        std::fs::write(at.join(FILE), "name = \"x\"\n").expect("written");
    }

    #[test]
    fn the_nearest_town_above_is_found() {
        let place = tempfile::tempdir().expect("a folder");
        let root = place.path().canonicalize().expect("there");
        town(&root);
        std::fs::create_dir_all(root.join("a/b")).expect("folders");
        assert_eq!(upwards(&root.join("a/b")), Some(root.clone()));
        town(&root.join("a"));
        assert_eq!(upwards(&root.join("a/b")), Some(root.join("a")));
    }

    #[test]
    fn from_inside_a_checkout_the_town_that_made_it_is_found() {
        let place = tempfile::tempdir().expect("a folder");
        let root = place.path().canonicalize().expect("there");
        town(&root);
        let checkout = root.join(".tinytown/checkouts/m/2.a1");
        town(&checkout);
        town(&checkout.join(".tinytown/checkouts/inner"));
        assert_eq!(upwards(&checkout), Some(root.clone()));
        assert_eq!(upwards(&checkout.join(".tinytown/checkouts/inner")), Some(root));
    }

    #[test]
    fn a_folder_without_a_town_is_not_searched_upwards_when_it_was_named() {
        let place = tempfile::tempdir().expect("a folder");
        town(place.path());
        let inner = place.path().join("inner");
        std::fs::create_dir(&inner).expect("a folder");
        let failure = Town::find(Some(&inner)).expect_err("no town there");
        assert_eq!(failure.code(), ExitCode::NotFound);
    }
}
