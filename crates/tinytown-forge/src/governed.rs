//! Which files govern a mission: changing them changes the rules by which the change is judged.

/// CI definitions, by file or folder (with a slash at its end).
const CI: [&str; 4] = [".github/workflows/", ".ci/", ".gitlab-ci.yml", "Jenkinsfile"];

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
    let mut rules: Vec<String> = CI.map(str::to_owned).to_vec();
    rules.extend(["tinytown.toml".to_owned(), format!("{prefix}tinytown.toml")]);
    rules.extend(issues.map(|folder| format!("{prefix}{}/", folder.trim_end_matches('/'))));
    let governs = |path: &str| rules.iter().any(|rule| matches(rule, path));
    let mut found: Vec<String> = changed.into_iter().filter(|p| governs(p)).map(str::to_owned).collect();
    found.sort();
    found.dedup();
    found
}

fn matches(rule: &str, path: &str) -> bool {
    let beginning = path.get(..rule.len()).is_some_and(|start| start.eq_ignore_ascii_case(rule));
    beginning && (rule.ends_with('/') || path.len() == rule.len())
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
