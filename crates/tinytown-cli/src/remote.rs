//! The repository that several machines share, as the configuration names it.

use std::path::Path;

use tinytown_forge::LocalRemote;
use tinytown_host::git::{Git, Mirror};

use crate::config::ForgeKind;
use crate::failure::{ExitCode, Failure};
use crate::git_config;
use crate::town::Town;

/// The shared repository, if the town has one and its forge is a local one.
pub(crate) async fn of(town: &Town) -> Result<Option<LocalRemote>, Failure> {
    let forge = &town.config.forge;
    let Some(name) = forge.remote.as_ref().filter(|_| forge.kind == ForgeKind::Local) else {
        return Ok(None);
    };
    let Some(url) = git_config::get(&town.root, &format!("remote.{name}.url")).await? else {
        let message = format!("forge.remote names {name:?}, and the repository has no remote of that name");
        let hint = format!("name one of: git remote, or add it with: git remote add {name} ADDRESS");
        return Err(Failure::new(ExitCode::NotNow, message).hint(hint));
    };
    let layout = Git::at(&town.root).layout().await?;
    let from = layout.work_tree.unwrap_or_else(|| town.root.clone());
    Ok(Some(LocalRemote { address: absolute(&url, &from), mirror: town.state().join("mirror.git") }))
}

/// This machine's copy of it.
pub(crate) async fn mirror(town: &Town) -> Result<Option<Mirror>, Failure> {
    let Some(remote) = of(town).await? else { return Ok(None) };
    let format = Git::at(&town.root).layout().await?.format;
    Ok(Some(remote.mirror(format).await?))
}

/// A path is meant from the working tree's root; anything else is an address.
fn absolute(url: &str, from: &Path) -> String {
    // As git sees it: with a colon before the first slash it is host:path, or a scheme.
    let is_path = url.split('/').next().is_some_and(|first| !first.contains(':'));
    if is_path { from.join(url).display().to_string() } else { url.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_meant_from_the_working_tree_and_an_address_is_left_alone() {
        for (url, meant) in [
            ("../shared.git", "/home/me/app/../shared.git"),
            ("/srv/app.git", "/srv/app.git"),
            ("git@example.org:acme/app.git", "git@example.org:acme/app.git"),
            ("ssh://git@example.org/app.git", "ssh://git@example.org/app.git"),
            ("file:///srv/app.git", "file:///srv/app.git"),
        ] {
            assert_eq!(absolute(url, Path::new("/home/me/app")), meant);
        }
    }
}
