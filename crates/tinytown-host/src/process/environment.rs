//! Which of our own environment a child may see: an allow-list, so that no secret goes along by chance.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

/// What every child gets if we have it, and besides it every `LC_…`.
const PASSED: [&str; 8] = ["PATH", "HOME", "USER", "LANG", "TERM", "TZ", "TMPDIR", "SHELL"];

/// The complete environment of a child, sorted by name: of `present` what is on the allow-list or named
/// in `pass`, then `extra`, which wins. `present` is normally [`std::env::vars_os`].
pub fn environment(
    present: impl IntoIterator<Item = (OsString, OsString)>,
    pass: &[String],
    extra: &[(String, String)],
) -> Vec<(OsString, OsString)> {
    let passed = present.into_iter().filter(|(name, _)| {
        let also = |allowed: &str| name.as_bytes() == allowed.as_bytes();
        name.as_bytes().starts_with(b"LC_")
            || PASSED.into_iter().any(also)
            || pass.iter().any(|name| also(name))
    });
    let extra = extra.iter().map(|(name, value)| (name.into(), value.into()));
    passed.chain(extra).collect::<BTreeMap<OsString, OsString>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(present: &[(&str, &str)], pass: &[&str], extra: &[(&str, &str)], expected: &[(&str, &str)]) {
        let pairs =
            |list: &[(&str, &str)]| list.iter().map(|(n, v)| (n.into(), v.into())).collect::<Vec<_>>();
        let pass: Vec<String> = pass.iter().map(ToString::to_string).collect();
        let extra: Vec<(String, String)> = extra.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
        assert_eq!(environment(pairs(present), &pass, &extra), pairs(expected));
    }

    #[test]
    fn only_the_allow_list_goes_along() {
        check(
            &[("PATH", "/bin"), ("GITHUB_TOKEN", "secret"), ("LC_ALL", "C"), ("LCX", "no"), ("PATHS", "no")],
            &[],
            &[],
            &[("LC_ALL", "C"), ("PATH", "/bin")],
        );
    }

    #[test]
    fn named_variables_go_along_if_we_have_them() {
        check(&[("API_KEY", "k"), ("OTHER", "o")], &["API_KEY", "MISSING"], &[], &[("API_KEY", "k")]);
    }

    #[test]
    fn what_is_added_wins() {
        check(&[("HOME", "/a")], &[], &[("HOME", "/b"), ("X", "")], &[("HOME", "/b"), ("X", "")]);
    }
}
