//! Issues as Markdown files in the user's working tree.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, FileType};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tinytown_core::issue::{Issue, IssueRef, IssueState};
use tinytown_core::parallel;

use super::LocalForge;
use super::issue_text::parse;
use crate::{ForgeError, Lookup, Unreadable};

/// Largest issue that is read, in bytes; beyond that it is a mistake.
const SIZE_LIMIT: u64 = 64 * 1024 * 1024;
/// So many issues are worth a thread of their own.
const ISSUES_PER_THREAD: usize = 64;

/// An issue folder.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    /// What messages call it.
    pub(super) shown: PathBuf,
}

/// A file in an issue folder.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its name.
    pub(super) name: PathBuf,
    /// What the folder says that it is: listing a folder tells it, asking for each file again takes long.
    kind: FileType,
}

/// The files of an issue folder that have an issue's name, by its number.
pub(super) type Entries = BTreeMap<u64, Vec<Entry>>;

impl LocalForge {
    pub(super) async fn look_up(&self, references: &[IssueRef]) -> Result<Vec<Lookup>, ForgeError> {
        let path = self.config.repository.join(&self.config.issues);
        let folder = Folder { path, shown: self.config.issues.clone() };
        let references = references.to_vec();
        // The files are read while git answers.
        let reading = tokio::task::spawn_blocking(move || folder.read(&references));
        let tip = self.repo.base_tip().await?;
        let merged = self.merges.keys(self.git(), &tip).await?;
        let mut found = reading.await.map_err(|join| ForgeError::Unavailable(join.to_string()))?;
        close(&mut found, &merged);
        Ok(found)
    }
}

/// What a mission of this town merged is done, whatever its file says.
fn close(found: &mut [Lookup], merged: &HashSet<String>) {
    if merged.is_empty() {
        return;
    }
    for lookup in found {
        if let Lookup::Found(issue) = lookup
            && merged.contains(issue.reference.key().as_str())
        {
            issue.state = IssueState::Closed;
        }
    }
}

impl Folder {
    /// The issues, as their files have them, in the order asked.
    fn read(&self, references: &[IssueRef]) -> Vec<Lookup> {
        let files = match self.files() {
            Ok(files) => files,
            // No folder, no issues: every reference dangles.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Entries::new(),
            Err(error) => {
                let unread = unreadable(&self.shown, &error);
                return vec![Lookup::Unreadable(unread); references.len()];
            }
        };
        parallel::map(references, ISSUES_PER_THREAD, |reference| self.look(reference, &files))
    }

    fn look(&self, reference: &IssueRef, files: &Entries) -> Lookup {
        match files.get(&reference.number) {
            Some(found) if reference.repo.is_none() => {
                self.issue(reference, found).unwrap_or_else(Lookup::Unreadable)
            }
            _ => Lookup::Unknown,
        }
    }

    /// The files that have an issue's name, by its number.
    pub(super) fn files(&self) -> io::Result<Entries> {
        let mut files = Entries::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = PathBuf::from(entry.file_name());
            if let Some(number) = number_of(&name) {
                files.entry(number).or_default().push(Entry { name, kind: entry.file_type()? });
            }
        }
        for entries in files.values_mut() {
            entries.sort_by(|a, b| a.name.cmp(&b.name));
        }
        Ok(files)
    }

    fn issue(&self, reference: &IssueRef, entries: &[Entry]) -> Result<Lookup, Unreadable> {
        let [entry] = entries else {
            let all: Vec<String> =
                entries.iter().map(|entry| self.shown.join(&entry.name).display().to_string()).collect();
            let detail = format!("several files have the number {}", reference.number);
            return Err(Unreadable { location: all.join(" and "), detail });
        };
        let location = self.shown.join(&entry.name);
        let file = self.text(entry).map_err(|error| unreadable(&location, &error))?;
        let text = parse(file);
        Ok(Lookup::Found(Box::new(Issue {
            reference: reference.clone(),
            title: if text.title.is_empty() { title_from(&entry.name) } else { text.title },
            body: text.body,
            labels: text.labels,
            state: if text.closed { IssueState::Closed } else { IssueState::Open },
            location: location.display().to_string(),
            body_line: text.body_line,
        })))
    }

    /// The text of a file in the folder; a link must not lead out of it.
    pub(super) fn text(&self, entry: &Entry) -> io::Result<String> {
        let mut path = self.path.join(&entry.name);
        let mut kind = entry.kind;
        if kind.is_symlink() {
            path = fs::canonicalize(&path)?;
            if !path.starts_with(fs::canonicalize(&self.path)?) {
                return Err(io::Error::other("it is a link to a place outside of the issue folder"));
            }
            kind = fs::metadata(&path)?.file_type();
        }
        // Opening anything else might wait for ever.
        if !kind.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        let file = fs::File::open(&path)?;
        let length = file.metadata()?.len();
        if length > SIZE_LIMIT {
            return Err(io::Error::other("it is larger than 64 MiB"));
        }
        // One more, so that the end is found without growing.
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
        file.take(SIZE_LIMIT).read_to_end(&mut bytes)?;
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

fn unreadable(location: &Path, error: &io::Error) -> Unreadable {
    Unreadable { location: location.display().to_string(), detail: error.to_string() }
}
