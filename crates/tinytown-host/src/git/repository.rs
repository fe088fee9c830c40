//! Finding a repository's parts, and making standalone checkouts that share its objects.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::{Git, GitError, ObjectFormat, Oid};

/// Where a repository keeps things. All paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The git folder of this working tree.
    pub git_dir: PathBuf,
    /// The git folder that all its working trees share.
    pub common_dir: PathBuf,
    /// Its objects.
    pub objects: PathBuf,
    /// The list of commits whose parents were left out, if the repository is shallow.
    pub shallow: Option<PathBuf>,
    /// How it names objects.
    pub format: ObjectFormat,
    /// The folder into which it is checked out; `None` if it is bare.
    pub work_tree: Option<PathBuf>,
    /// The path from `work_tree` to the folder asked about, empty or with a slash at its end.
    pub prefix: String,
}

/// Under which name commits are made in a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
}

/// A checkout to be made.
#[derive(Debug, Clone)]
pub struct CheckoutRequest {
    /// Where; must not exist, its parent must.
    pub dest: PathBuf,
    /// A folder of the repository whose objects it shares.
    pub source: PathBuf,
    /// What to check out.
    pub commit: Oid,
    /// The branch to make there (short name); detached if `None`.
    pub branch: Option<String>,
    /// The identity for commits made there, written into its configuration.
    pub identity: Identity,
}

impl Git {
    /// Where the repository keeps things.
    pub async fn layout(&self) -> Result<Layout, GitError> {
        let call =
            self.call(["rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir"]).args([
                "--git-path",
                "objects",
                "--git-path",
                "shallow",
                "--show-object-format",
                "--is-bare-repository",
                "--show-prefix",
            ]);
        let shown = call.shown();
        let printed = call.bytes().await?;
        let lines: Vec<&[u8]> = printed.split(|b| *b == b'\n').collect();
        let [git_dir, common_dir, objects, shallow, format, bare, prefix, ..] = lines.as_slice() else {
            return Err(GitError::answer(&shown, String::from_utf8_lossy(&printed)));
        };
        Ok(Layout {
            git_dir: path(git_dir),
            common_dir: path(common_dir),
            objects: path(objects),
            shallow: Some(path(shallow)).filter(|file| file.exists()),
            format: if *format == b"sha256" { ObjectFormat::Sha256 } else { ObjectFormat::Sha1 },
            work_tree: if *bare == b"true" { None } else { Some(self.toplevel().await?) },
            prefix: String::from_utf8_lossy(prefix).into_owned(),
        })
    }

    async fn toplevel(&self) -> Result<PathBuf, GitError> {
        let printed = self.call(["rev-parse", "--path-format=absolute", "--show-toplevel"]).bytes().await?;
        Ok(path(printed.strip_suffix(b"\n").unwrap_or(&printed)))
    }
}

fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// Makes a standalone repository that shares the objects of another, and checks a commit out there.
///
/// It has a configuration, hooks and references of its own: whatever is done to them there never
/// reaches the repository whose objects it shares. No hook of anybody runs.
pub async fn isolated_checkout(request: &CheckoutRequest) -> Result<(), GitError> {
    let source = Git::at(&request.source).layout().await?;
    let git_dir = request.dest.join(".git");
    create_private(&request.dest)?;
    borrow(&git_dir, false, &source).await?;
    let config = git_dir.join("config");
    let append = |text: String| File::options().append(true).open(&config)?.write_all(text.as_bytes());
    append(identity_section(&request.identity)).map_err(GitError::io("write", &config))?;
    let git = Git::on(&git_dir, &request.dest);
    let call = git.call(["checkout", "--quiet", "--no-track", "--force"]);
    let call = match &request.branch {
        Some(branch) => call.args(["-B", branch.as_str(), request.commit.as_str(), "--"]),
        None => git.call(["checkout", "--quiet", "--force", "--detach", request.commit.as_str(), "--"]),
    };
    call.bytes().await.map(drop)
}

/// Makes an empty repository that reads its objects from another place.
pub(super) async fn borrow(git_dir: &Path, bare: bool, source: &Layout) -> Result<(), GitError> {
    let format = format!("--object-format={}", source.format.as_str());
    let root = if bare { git_dir } else { git_dir.parent().unwrap_or(git_dir) };
    let git = Git::at(root).configured("init.defaultBranch=main");
    let call = git.call(["init", "--quiet", "--template=", &format]);
    let call = if bare { call.arg("--bare") } else { call };
    call.bytes().await?;
    let alternates = git_dir.join("objects/info/alternates");
    let mut line = source.objects.as_os_str().as_bytes().to_vec();
    line.push(b'\n');
    fs::write(&alternates, line).map_err(GitError::io("write", &alternates))?;
    if let Some(shallow) = &source.shallow {
        fs::copy(shallow, git_dir.join("shallow")).map_err(GitError::io("copy", shallow))?;
    }
    Ok(())
}

/// Makes a folder that only we can enter; it must not exist.
pub(super) fn create_private(dir: &Path) -> Result<(), GitError> {
    DirBuilder::new().mode(0o700).create(dir).map_err(GitError::io("create", dir))
}

/// The identity as git's configuration has it.
fn identity_section(identity: &Identity) -> String {
    let quoted = |text: &str| {
        let plain: String = text.chars().filter(|c| !c.is_control()).collect();
        plain.replace('\\', "\\\\").replace('"', "\\\"")
    };
    format!("[user]\n\tname = \"{}\"\n\temail = \"{}\"\n", quoted(&identity.name), quoted(&identity.email))
}
