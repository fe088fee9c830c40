//! What a repository's git configuration says that we want to know.

use std::path::Path;
use std::process::Stdio;

use tinytown_core::issue::RepoName;
use tokio::process::Command;

use crate::failure::Failure;

/// The value of a key, the user's own configuration included, if it has one.
pub(crate) async fn get(repository: &Path, key: &str) -> Result<Option<String>, Failure> {
    let mut command = Command::new("git");
    command.arg("-C").arg(repository).args(["config", "--get", key]);
    // GIT_DIR and its like would answer for another repository than this one.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"GIT_")) {
        command.env_remove(name);
    }
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().await?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(Some(text).filter(|text| output.status.success() && !text.is_empty()))
}

/// `owner/name`, if the address is GitHub's.
pub(crate) fn github_repository(url: &str) -> Option<String> {
    // As git writes it (https://host/owner/name) or as scp does (git@host:owner/name).
    let (host, path) = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/'),
        None => url.split_once(':'),
    }?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _port)| host);
    if !host.eq_ignore_ascii_case("github.com") {
        return None;
    }
    let path = path.trim_matches('/');
    let name = RepoName::new(path.strip_suffix(".git").unwrap_or(path))?;
    Some(name.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_at_github_name_a_repository_and_others_do_not() {
        for url in [
            "https://github.com/acme/app.git",
            "https://github.com/acme/app",
            "https://token@github.com/acme/app/",
            "ssh://git@github.com:22/acme/app.git",
            "git@github.com:acme/app.git",
        ] {
            assert_eq!(github_repository(url).as_deref(), Some("acme/app"), "{url}");
        }
        for url in [
            "https://gitlab.com/acme/app",
            "/srv/app.git",
            "../app",
            "git@example.org:acme/app.git",
            "https://github.com/acme",
            "https://notgithub.com/a/b",
        ] {
            assert_eq!(github_repository(url), None, "{url}");
        }
    }
}
