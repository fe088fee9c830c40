//! Issues as Markdown files in the user's working tree.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tinytown_core::issue::{Issue, IssueRef, IssueState};

use super::LocalForge;
use super::issue_text::parse;
use crate::{ForgeError, Lookup};

/// Largest issue that is read, in bytes; beyond that it is a mistake.
const SIZE_LIMIT: u64 = 64 * 1024 * 1024;

/// An issue folder.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    /// What messages call it.
    pub(super) shown: PathBuf,
}

impl LocalForge {
    pub(super) async fn look_up(&self, references: &[IssueRef]) -> Result<Vec<Lookup>, ForgeError> {
        let tip = self.repo.base_tip().await?;
        let merged = self.merges.keys(self.git(), &tip).await?;
        let path = self.config.repository.join(&self.config.issues);
        let folder = Folder { path, shown: self.config.issues.clone() };
        let references = references.to_vec();
        let reading = tokio::task::spawn_blocking(move || folder.read(&references, &merged));
        reading.await.map_err(|join| ForgeError::Unavailable(join.to_string()))?
    }
}

impl Folder {
    fn read(&self, references: &[IssueRef], merged: &HashSet<String>) -> Result<Vec<Lookup>, ForgeError> {
        let files = match self.files() {
            Ok(files) => files,
            // No folder, no issues: every reference dangles.
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(unreadable(&self.shown, &error)),
        };
        let look = |reference: &IssueRef| match files.get(&reference.number) {
            Some(found) if reference.repo.is_none() => self.issue(reference, found, merged),
            _ => Ok(Lookup::Unknown),
        };
        references.iter().map(look).collect()
    }

    /// The files that have an issue's name, by its number.
    pub(super) fn files(&self) -> io::Result<BTreeMap<u64, Vec<PathBuf>>> {
        let mut files: BTreeMap<u64, Vec<PathBuf>> = BTreeMap::new();
        for entry in fs::read_dir(&self.path)? {
            let name = PathBuf::from(entry?.file_name());
            if let Some(number) = number_of(&name) {
                files.entry(number).or_default().push(name);
            }
        }
        for names in files.values_mut() {
            names.sort();
        }
        Ok(files)
    }

    fn issue(
        &self,
        reference: &IssueRef,
        names: &[PathBuf],
        merged: &HashSet<String>,
    ) -> Result<Lookup, ForgeError> {
        let [name] = names else {
            let all: Vec<String> = names.iter().map(|n| self.shown.join(n).display().to_string()).collect();
            let detail = format!("several files have the number {}", reference.number);
            return Err(ForgeError::Unreadable { location: all.join(" and "), detail });
        };
        let location = self.shown.join(name);
        let file = self.text(name).map_err(|error| unreadable(&location, &error))?;
        let text = parse(&file);
        let title = if text.title.is_empty() { title_from(name) } else { text.title };
        let closed = text.closed || merged.contains(reference.key().as_str());
        Ok(Lookup::Found(Box::new(Issue {
            reference: reference.clone(),
            title,
            body: text.body,
            labels: text.labels,
            state: if closed { IssueState::Closed } else { IssueState::Open },
            location: location.display().to_string(),
            body_line: text.body_line,
        })))
    }

    /// The text of a file in the folder; a link must not lead out of it.
    pub(super) fn text(&self, name: &Path) -> io::Result<String> {
        let mut path = self.path.join(name);
        let mut kind = fs::symlink_metadata(&path)?;
        if kind.is_symlink() {
            path = fs::canonicalize(&path)?;
            if !path.starts_with(fs::canonicalize(&self.path)?) {
                return Err(io::Error::other("it is a link to a place outside of the issue folder"));
            }
            kind = fs::metadata(&path)?;
        }
        if !kind.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        if kind.len() > SIZE_LIMIT {
            return Err(io::Error::other("it is larger than 64 MiB"));
        }
        let mut bytes = Vec::new();
        fs::File::open(&path)?.take(SIZE_LIMIT).read_to_end(&mut bytes)?;
        String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8 text"))
    }
}

/// The number in a name such as `12-any-slug.md` or `012.md`.
fn number_of(name: &Path) -> Option<u64> {
    let name = name.to_string_lossy();
    let stem = name.strip_suffix(".md")?;
    let digits = stem.split('-').next().unwrap_or(stem);
    let well_formed = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|number| well_formed && *number > 0)
}

/// A title for an issue without a heading, from its file's name.
pub(super) fn title_from(name: &Path) -> String {
    let stem = name.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    stem.split_once('-').map_or_else(|| stem.clone(), |(_, slug)| slug.replace(['-', '_'], " "))
}

fn unreadable(location: &Path, error: &io::Error) -> ForgeError {
    ForgeError::Unreadable { location: location.display().to_string(), detail: error.to_string() }
}
