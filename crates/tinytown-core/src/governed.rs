//! Which files govern a mission: changing them changes the rules by which the change is judged.

/// Settings and CI definitions, by file or folder (with a slash at its end), from the repository's root.
const RULES: [&str; 5] = [".github/workflows/", ".ci/", ".gitlab-ci.yml", "Jenkinsfile", "tinytown.toml"];

/// Those of the changed files that govern missions, sorted: `tinytown.toml`, CI definitions, and whatever
/// is in the issue folder. `prefix` is the path from the repository's root to the town, empty or with
/// a slash at its end; `issues` is the issue folder as seen from there, if it is in the repository.
///
/// Case does not matter: on some file systems it does not to whoever reads the files either.
pub fn governed_files<'a>(
    changed: impl IntoIterator<Item = &'a str>,
    prefix: &str,
    issues: Option<&str>,
) -> Vec<String> {
    let in_town = |path: &str| {
        let issues = issues.map(|folder| folder.trim_end_matches('/'));
        after(path, prefix).is_some_and(|path| {
            matches("tinytown.toml", path)
                || issues.and_then(|folder| after(path, folder)).is_some_and(|rest| rest.starts_with('/'))
        })
    };
    let governs = |path: &&str| RULES.iter().any(|rule| matches(rule, path)) || in_town(path);
    let mut found: Vec<String> = changed.into_iter().filter(governs).map(str::to_owned).collect();
    found.sort();
    found.dedup();
    found
}

fn matches(rule: &str, path: &str) -> bool {
    after(path, rule).is_some_and(|rest| rule.ends_with('/') || rest.is_empty())
}

/// The rest of a path that begins so.
fn after<'a>(path: &'a str, beginning: &str) -> Option<&'a str> {
    let (start, rest) = path.split_at_checked(beginning.len())?;
    start.eq_ignore_ascii_case(beginning).then_some(rest)
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_issues_and_ci_govern_and_their_neighbours_do_not() {
        let changed = [
            "src/lib.rs",
            "town/tinytown.toml",
            "TinyTown.toml",
            "town/issues/1-a.md",
            "issues/1-a.md",
            ".github/workflows/ci.yml",
            ".github/CODEOWNERS",
            ".ci/run",
            ".gitlab-ci.yml",
            ".gitlab-ci.yml.md",
            "Jenkinsfile",
            "sub/Jenkinsfile",
        ];
        let expected = [
            ".ci/run",
            ".github/workflows/ci.yml",
            ".gitlab-ci.yml",
            "Jenkinsfile",
            "TinyTown.toml",
            "town/issues/1-a.md",
            "town/tinytown.toml",
        ];
        assert_eq!(governed_files(changed, "town/", Some("issues")), expected);
        assert_eq!(governed_files(["issues/1-a.md"], "", Some("issues/")), ["issues/1-a.md"]);
        assert!(governed_files(["issues/1-a.md", "é"], "", None).is_empty());
    }
}
