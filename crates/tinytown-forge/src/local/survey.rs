//! Looking through the whole issue folder for what would be in a mission's way.

use std::io;
use std::path::Path;

use super::issue_text::parse;
use super::issues::{Entry, Folder, title_from};

/// What an issue folder holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IssueFolder {
    /// How many issues can be read.
    pub readable: usize,
    /// What is wrong with others, or with these, in the order of their numbers.
    pub troubles: Vec<IssueTrouble>,
}

/// What is wrong with an issue. Files are named as the folder was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssueTrouble {
    /// It cannot be read; a mission over it is refused.
    Unreadable {
        /// Which file.
        file: String,
        /// Why.
        detail: String,
    },
    /// Several files have one number; a mission over it is refused.
    Doubled {
        /// Which number.
        number: u64,
        /// Which files, sorted.
        files: Vec<String>,
    },
    /// It has no heading; it can be worked on under a title made from its file's name.
    Untitled {
        /// Which file.
        file: String,
        /// That title.
        title: String,
    },
}

/// Reads every issue of a folder, which messages call `shown`. Blocks.
///
/// # Errors
/// Why the folder cannot be read, such as that there is none.
pub fn survey_issues(folder: &Path, shown: &Path) -> io::Result<IssueFolder> {
    let folder = Folder { path: folder.to_owned(), shown: shown.to_owned() };
    let mut found = IssueFolder::default();
    for (number, entries) in folder.files()? {
        let trouble = match entries.as_slice() {
            [entry] => trouble(&folder, entry),
            _ => Some(IssueTrouble::Doubled {
                number,
                files: entries.iter().map(|entry| file(&folder, entry)).collect(),
            }),
        };
        found.readable += usize::from(matches!(trouble, None | Some(IssueTrouble::Untitled { .. })));
        found.troubles.extend(trouble);
    }
    Ok(found)
}

fn trouble(folder: &Folder, entry: &Entry) -> Option<IssueTrouble> {
    match folder.text(entry) {
        Err(error) => Some(IssueTrouble::Unreadable { file: file(folder, entry), detail: error.to_string() }),
        Ok(text) => {
            let (untitled, title) = (parse(text).title.is_empty(), || title_from(&entry.name));
            untitled.then(|| IssueTrouble::Untitled { file: file(folder, entry), title: title() })
        }
    }
}

fn file(folder: &Folder, entry: &Entry) -> String {
    folder.shown.join(&entry.name).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_issue_in_the_way_of_a_mission_is_named() {
        let place = tempfile::tempdir().expect("a folder");
        let write =
            |name: &str, content: &[u8]| std::fs::write(place.path().join(name), content).expect("written");
        write("1-good.md", b"# Good\n");
        write("2-one.md", b"# One\n");
        write("02-other.md", b"# Other\n");
        write("3-no-text.md", b"# \xff\n");
        write("4-no-title.md", b"just words\n");
        write("README.md", b"\xff");
        std::fs::create_dir(place.path().join("5-a-folder.md")).expect("made");
        let found = survey_issues(place.path(), Path::new("issues")).expect("read");
        assert_eq!(found.readable, 2);
        let unreadable =
            |file: &str, detail: &str| IssueTrouble::Unreadable { file: file.into(), detail: detail.into() };
        let files = ["issues/02-other.md", "issues/2-one.md"].map(str::to_owned).to_vec();
        let expected = [
            IssueTrouble::Doubled { number: 2, files },
            unreadable("issues/3-no-text.md", "it is not UTF-8 text"),
            IssueTrouble::Untitled { file: "issues/4-no-title.md".into(), title: "no title".into() },
            unreadable("issues/5-a-folder.md", "it is not a file"),
        ];
        assert_eq!(found.troubles, expected);
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let place = tempfile::tempdir().expect("a folder");
        let missing = survey_issues(&place.path().join("issues"), Path::new("issues")).expect_err("none");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
