//! Private files: folders 0700, files 0600, written whole or not at all, and never through a
//! symbolic link that somebody put where we are about to write.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

/// Readable and writable by the owner, and by nobody else.
const PRIVATE_FILE: u32 = 0o600;
/// The same for a folder.
const PRIVATE_FOLDER: u32 = 0o700;

/// What could not be done with a private file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is a symbolic link where we would write; following it could write anywhere.
    #[error("refused to write through the symbolic link {}", .0.display())]
    Symlink(PathBuf),
    /// The path names no file in a folder.
    #[error("{} does not name a file", .0.display())]
    NotAFile(PathBuf),
    /// The operating system refused.
    #[error("could not {action} {}", path.display())]
    Io {
        /// What was tried, such as `write`.
        action: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

/// Why a file that somebody else wrote is not read.
#[derive(Debug, thiserror::Error)]
pub enum ForeignFile {
    /// It could lead anywhere.
    #[error("it is a symbolic link")]
    Symlink,
    /// A folder, a pipe, a device.
    #[error("it is not a regular file")]
    NotRegular,
    /// The operating system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Opens a file that somebody else wrote, for reading: follows no symbolic link, is held up by no pipe.
/// `None` if there is none.
///
/// # Errors
/// [`ForeignFile`] with what is there instead of a regular file, or what the operating system says.
pub fn open_foreign(path: &Path) -> Result<Option<File>, ForeignFile> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(nix::errno::Errno::ELOOP as i32) => {
            return Err(ForeignFile::Symlink);
        }
        Err(error) => return Err(error.into()),
    };
    if file.metadata()?.is_file() { Ok(Some(file)) } else { Err(ForeignFile::NotRegular) }
}

impl FileError {
    /// For `map_err`: the failure of `action` on `path`.
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

/// Creates the folder and those above it that are missing, for the owner alone (0700). Folders that
/// exist stay as they are.
pub fn create_private_folder(path: &Path) -> Result<(), FileError> {
    let mut builder = DirBuilder::new();
    builder
        .recursive(true)
        .mode(PRIVATE_FOLDER)
        .create(path)
        .map_err(FileError::io("create the folder", path))
}

/// Writes the file whole or not at all (0600): to a temporary file beside it, synced, then renamed over it.
/// The folder must exist. When this returns, the file survives a loss of power.
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let folder = folder_of(path)?;
    refuse_symlink(path)?;
    let mut temporary = tempfile::Builder::new()
        .prefix(".")
        .suffix(".tmp")
        .permissions(Permissions::from_mode(PRIVATE_FILE))
        .tempfile_in(folder)
        .map_err(FileError::io("create a temporary file in", folder))?;
    temporary.write_all(content).map_err(FileError::io("write", path))?;
    temporary.as_file().sync_all().map_err(FileError::io("sync", path))?;
    temporary.persist(path).map_err(|error| FileError::io("replace", path)(error.error))?;
    // The rename itself is durable only once the folder is.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(FileError::io("sync the folder", folder))
}

/// Opens a log for appending, creating it if it is missing (0600, also if it existed with more).
pub fn open_log(path: &Path) -> Result<File, FileError> {
    let opened = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(PRIVATE_FILE)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(path);
    let file = opened.map_err(|source| match source.raw_os_error() {
        Some(code) if code == nix::errno::Errno::ELOOP as i32 => FileError::Symlink(path.to_owned()),
        _ => FileError::io("open the log", path)(source),
    })?;
    file.set_permissions(Permissions::from_mode(PRIVATE_FILE))
        .map_err(FileError::io("make private", path))?;
    Ok(file)
}

/// Deletes the file; that it is gone already is fine.
pub fn remove(path: &Path) -> Result<(), FileError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::io("delete", path)(error)),
        _ => Ok(()),
    }
}

fn folder_of(path: &Path) -> Result<&Path, FileError> {
    match (path.file_name(), path.parent()) {
        (Some(_), Some(parent)) if parent.as_os_str().is_empty() => Ok(Path::new(".")),
        (Some(_), Some(parent)) => Ok(parent),
        _ => Err(FileError::NotAFile(path.to_owned())),
    }
}

/// A rename would replace the link rather than follow it, but whoever put it there meant the file
/// to be elsewhere: neither is what we want.
fn refuse_symlink(path: &Path) -> Result<(), FileError> {
    match path.symlink_metadata() {
        Ok(found) if found.is_symlink() => Err(FileError::Symlink(path.to_owned())),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(FileError::io("look at", path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().expect("exists").permissions().mode() & 0o777
    }

    #[test]
    fn folders_and_files_are_private() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("a/b");
        create_private_folder(&folder).expect("created");
        create_private_folder(&folder).expect("twice is fine");
        let (file, log) = (folder.join("file"), folder.join("log"));
        write_private(&file, b"one").expect("written");
        open_log(&log).expect("opened");
        assert_eq!([mode(&place.path().join("a")), mode(&folder)], [0o700, 0o700]);
        assert_eq!([mode(&file), mode(&log)], [0o600, 0o600]);
    }

    #[test]
    fn writing_replaces_the_whole_file_and_leaves_nothing_else() {
        let place = tempfile::tempdir().expect("a folder");
        let file = place.path().join("file");
        write_private(&file, b"a long first text").expect("written");
        write_private(&file, b"two").expect("written");
        assert_eq!(std::fs::read(&file).expect("read"), b"two");
        assert_eq!(std::fs::read_dir(place.path()).expect("listed").count(), 1);
    }

    #[test]
    fn a_log_is_appended_to_and_made_private() {
        let place = tempfile::tempdir().expect("a folder");
        let log = place.path().join("log");
        std::fs::write(&log, "one\n").expect("written");
        std::fs::set_permissions(&log, Permissions::from_mode(0o644)).expect("opened up");
        open_log(&log).expect("opened").write_all(b"two\n").expect("written");
        assert_eq!(std::fs::read_to_string(&log).expect("read"), "one\ntwo\n");
        assert_eq!(mode(&log), 0o600);
    }

    #[test]
    fn a_symbolic_link_is_refused_and_its_target_untouched() {
        let place = tempfile::tempdir().expect("a folder");
        let (target, link) = (place.path().join("target"), place.path().join("link"));
        std::fs::write(&target, "precious").expect("written");
        std::os::unix::fs::symlink(&target, &link).expect("linked");
        assert!(matches!(write_private(&link, b"x"), Err(FileError::Symlink(_))));
        assert!(matches!(open_log(&link), Err(FileError::Symlink(_))));
        assert_eq!(std::fs::read_to_string(&target).expect("read"), "precious");
    }

    #[test]
    fn deleting_what_is_gone_is_fine() {
        let place = tempfile::tempdir().expect("a folder");
        let file = place.path().join("file");
        write_private(&file, b"").expect("written");
        remove(&file).expect("deleted");
        remove(&file).expect("already gone");
        assert!(!file.exists());
    }
}
