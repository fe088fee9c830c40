//! Making everything ready that an attempt needs, while the town is told that it begins.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use tinytown_core::id::{Claim, ItemKey, Sha};
use tinytown_core::letter::Brief;
use tinytown_host::files::{FileError, create_private_folder};
use tinytown_host::git::{CheckoutRequest, Git, GitError, Oid, RefEdit, isolated_checkout};
use tinytown_store::StoreError;

use super::shared;
use crate::cli::{CliError, Launch, PromptFile};
use crate::office::Office;
use crate::prompt::{self, Ask, Message, Written};

/// Most folders that may be in the way of one attempt's name.
const MOST_NAMESAKES: u32 = 100;

/// Where an attempt works, all absolute.
#[derive(Debug)]
pub(super) struct Desk {
    /// The agent's working folder.
    pub(super) checkout: PathBuf,
    /// For prompt and result; outside the checkout, for the owner alone.
    pub(super) private: PathBuf,
    /// The result file.
    pub(super) result: PathBuf,
    /// The agent's output.
    pub(super) log: PathBuf,
    /// The attempt's name among those of its agent.
    pub(super) name: String,
    /// What to start.
    pub(super) launch: Launch,
    /// The content of the base.
    pub(super) base_tree: Option<Oid>,
}

/// Why an attempt could not be made ready.
#[derive(Debug, thiserror::Error)]
pub(super) enum PrepareError {
    /// The checkout could not be made.
    #[error("no checkout of {base}")]
    Git {
        /// Of what.
        base: Sha,
        /// Why.
        source: GitError,
    },
    /// A folder could not be made.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file of ours could not be written.
    #[error("could not write {}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The item's text could not be read.
    #[error("the item's text is missing")]
    Body(#[from] StoreError),
    /// The worker was told to stop before all was known.
    #[error("the worker stops")]
    Stopped,
    /// The agent CLI cannot be started as it is configured.
    #[error(transparent)]
    Cli(#[from] CliError),
}

/// Makes checkout, prompt and folders. What is there already is left alone: a name of our own is found.
/// `body` answers the item's text, or nothing if the worker stops before it is known.
pub(super) async fn prepare(
    office: &Office,
    brief: &Brief,
    messages: &[Message],
    body: impl Future<Output = Result<Option<String>, StoreError>>,
) -> Result<Desk, PrepareError> {
    let settings = &office.settings;
    let mission = brief.claim.mission.short();
    let (checkouts, attempts) = (settings.checkouts().join(&mission), settings.attempts().join(&mission));
    for folder in [&checkouts, &attempts, &settings.logs()] {
        create_private_folder(folder)?;
    }
    let (name, private) = reserve(&attempts, &checkouts, &brief.claim)?;
    let checkout = checkouts.join(&name);
    let furnished = furnish(office, brief, messages, body, (&checkout, &private)).await;
    if furnished.is_err() {
        // A leftover is litter in folders of ours, nothing more.
        let _ = (std::fs::remove_dir_all(&private), std::fs::remove_dir_all(&checkout));
    }
    let (launch, base_tree) = furnished?;
    let log = settings.logs().join(format!("{mission}-{name}.log"));
    Ok(Desk { result: private.join("result.json"), checkout, private, log, name, launch, base_tree })
}

/// What stands on the desk: the checkout, and what is to be done there.
async fn furnish(
    office: &Office,
    brief: &Brief,
    messages: &[Message],
    body: impl Future<Output = Result<Option<String>, StoreError>>,
    (checkout, private): (&Path, &Path),
) -> Result<(Launch, Option<Oid>), PrepareError> {
    let (base_tree, body) = tokio::join!(check_out(office, brief, checkout), body);
    let base_tree = base_tree.map_err(|source| PrepareError::Git { base: brief.base.clone(), source })?;
    let body = body?.ok_or(PrepareError::Stopped)?;
    Ok((write_prompt(office, brief, &body, messages, private)?, base_tree))
}

/// The checkout, with the base branch as `origin/…`; answers the tree of the base.
async fn check_out(office: &Office, brief: &Brief, dest: &Path) -> Result<Option<Oid>, GitError> {
    let settings = &office.settings;
    if let Some(mirror) = &settings.remote {
        shared::fetch(office, mirror).await?;
    }
    let request = CheckoutRequest {
        dest: dest.to_owned(),
        source: settings.repository.clone(),
        commit: oid(&brief.base),
        branch: brief.branch.clone(),
        identity: settings.identity.clone(),
    };
    let town = Git::at(&settings.repository);
    let tree = format!("{}^{{tree}}", brief.base);
    let (made, base_tree, tip) =
        tokio::join!(isolated_checkout(&request), town.rev_parse(&tree), town.rev_parse(&settings.base_ref));
    made?;
    if let Some(tip) = tip? {
        let name = format!("refs/remotes/origin/{}", settings.base_branch);
        let there = Git::on(&dest.join(".git"), dest);
        there.edit_refs(&[RefEdit::Create(name, tip)], "tinytown: the base branch").await?;
    }
    base_tree
}

fn write_prompt(
    office: &Office,
    brief: &Brief,
    body: &str,
    messages: &[Message],
    private: &Path,
) -> Result<Launch, PrepareError> {
    let (path, rest_path) = (private.join("prompt.md"), private.join("item-rest.md"));
    let base_branch = &office.settings.base_branch;
    let Written { prompt, rest } =
        prompt::write(&Ask { brief, body, messages, base_branch, rest: &rest_path });
    write_new(&path, &prompt)?;
    if let Some(rest) = rest {
        write_new(&rest_path, &rest)?;
    }
    Ok(office.settings.cli.launch(PromptFile { path: &path, text: &prompt }, private)?)
}

/// A file in a folder that is ours alone. It need not survive a loss of power: nothing of the attempt does.
fn write_new(path: &Path, text: &str) -> Result<(), PrepareError> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| PrepareError::Write { path: path.to_owned(), source })
}

/// A name that is free in both folders, with the attempt's private folder, made.
fn reserve(attempts: &Path, checkouts: &Path, claim: &Claim) -> Result<(String, PathBuf), PrepareError> {
    let first = format!("{}.a{}", slug(&claim.item), claim.attempt);
    for n in 1..MOST_NAMESAKES {
        let name = if n == 1 { first.clone() } else { format!("{first}-{n}") };
        let private = attempts.join(&name);
        if checkouts.join(&name).symlink_metadata().is_ok() {
            continue;
        }
        match DirBuilder::new().mode(0o700).create(&private) {
            Ok(()) => return Ok((name, private)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(source) => return Err(PrepareError::Write { path: private, source }),
        }
    }
    Err(PrepareError::Write { path: attempts.join(first), source: ErrorKind::AlreadyExists.into() })
}

/// An item's key as part of a file name.
pub(crate) fn slug(key: &ItemKey) -> String {
    const MOST: usize = 80;
    let mut slug = String::new();
    for c in key.as_str().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }) {
        if slug.len() < MOST && (c != '-' || !(slug.is_empty() || slug.ends_with('-'))) {
            slug.push(c.to_ascii_lowercase());
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "item".to_owned() } else { slug.to_owned() }
}

/// The same name, as git's side of us has it.
pub(super) fn oid(sha: &Sha) -> Oid {
    Oid::new(sha.as_str()).expect("both are 40 or 64 hexadecimal digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_plain_file_names() {
        for (key, name) in [
            ("#2", "2"),
            ("#2/fix-1", "2-fix-1"),
            ("owner/re.po#7", "owner-re-po-7"),
            ("docs/Design.md", "docs-design-md"),
            ("../../etc/passwd", "etc-passwd"),
            ("é", "item"),
        ] {
            assert_eq!(slug(&ItemKey::new(key)), name);
        }
        assert_eq!(slug(&ItemKey::new("x".repeat(500))).len(), 80);
    }

    #[test]
    fn namesakes_get_names_of_their_own() {
        let place = tempfile::tempdir().expect("a folder");
        let (attempts, checkouts) = (place.path().join("attempts"), place.path().join("checkouts"));
        for folder in [&attempts, &checkouts] {
            create_private_folder(folder).expect("made");
        }
        let claim = |item: &str| Claim {
            mission: tinytown_core::id::MissionId(uuid::Uuid::nil()),
            item: ItemKey::new(item),
            agent: tinytown_core::id::AgentName::new("a").expect("a name"),
            generation: tinytown_core::id::Generation(1),
            attempt: 2,
            fence: tinytown_core::id::Fence(1),
        };
        let name = |item: &str| reserve(&attempts, &checkouts, &claim(item)).expect("reserved").0;
        assert_eq!([name("a-b/c#1"), name("a/b-c#1")], ["a-b-c-1.a2", "a-b-c-1.a2-2"]);
        create_private_folder(&checkouts.join("9.a2")).expect("made");
        assert_eq!(name("#9"), "9.a2-2");
    }
}
