//! The repository: whether there is one, with a commit and the base branch, and what state it is in.

use std::path::{Path, PathBuf};

use tinytown_host::git::{Git, GitError, look_abroad, without_password};

use super::finding::Finding;
use crate::failure::{ExitCode, Failure};
use crate::remote;
use crate::town::Town;

const CODE: &str = "repository";

/// Looks at the repository of a folder; `base` is where work is merged into, if that is known.
pub(super) async fn check(folder: PathBuf, base: Option<String>) -> Vec<Finding> {
    match survey(&folder, base.as_deref()).await {
        Ok(findings) => findings,
        Err(error) => {
            let mend = format!("see what git says in {}: git status", folder.display());
            vec![Finding::of_failure(CODE, &Failure::from(error), &mend)]
        }
    }
}

/// Looks at the repository that several machines share, if the town names one.
pub(super) async fn shared(town: &Town) -> Vec<Finding> {
    let remote = match remote::of(town).await {
        Ok(None) => return Vec::new(),
        Ok(Some(remote)) => remote,
        Err(failure) => return vec![Finding::of_failure("remote", &failure, "see: git remote --verbose")],
    };
    let (address, base) = (without_password(&remote.address), &town.config.forge.base);
    let mend = "see whether git reaches it without asking for anything: git fetch";
    vec![match look_abroad(&remote.address, &format!("refs/heads/{base}")).await {
        Ok(Some(_)) => {
            Finding::ok("remote", format!("shared repository {address} with the base branch {base}"))
        }
        Ok(None) => {
            let message =
                format!("the shared repository {address} has no branch {base:?}, the configured base");
            Finding::error("remote", message, format!("push it: git push -- {address} {base}"))
        }
        Err(error) => Finding::of_failure("remote", &Failure::from(error), mend),
    }]
}

async fn survey(folder: &Path, base: Option<&str>) -> Result<Vec<Finding>, GitError> {
    let refuse = |message: String, mend: &str| Ok(vec![refused(message, mend)]);
    let git = Git::at(folder);
    let layout = match git.layout().await {
        Err(GitError::Failed { stderr, .. }) => return Ok(vec![no_repository(folder, &stderr)]),
        layout => layout?,
    };
    let Some(root) = layout.work_tree else {
        let message = format!("the repository {} is bare: a town needs a working tree", folder.display());
        return refuse(message, "use a clone with a working tree");
    };
    if git.rev_parse("HEAD").await?.is_none() {
        let message = format!("the repository {} has no commit yet", root.display());
        return refuse(message, "commit something first, such as: git commit --allow-empty -m begin");
    }
    let Some(base) = base else {
        return Ok(vec![Finding::ok(CODE, format!("repository {}", root.display()))]);
    };
    if git.rev_parse(&format!("refs/heads/{base}")).await?.is_none() {
        let message =
            format!("the repository {} has no branch {base:?}, the configured base", root.display());
        return refuse(message, "name another with: tt config forge.base BRANCH");
    }
    let mut findings = vec![Finding::ok(CODE, format!("repository with the base branch {base}"))];
    findings.push(working_tree(&git).await?);
    findings.extend(unfinished(&git, base).await?);
    Ok(findings)
}

fn refused(message: String, mend: &str) -> Finding {
    Finding::error(CODE, message, mend).exits(ExitCode::NotNow)
}

/// Git says no for other reasons too, such as a folder that belongs to somebody else.
fn no_repository(folder: &Path, stderr: &str) -> Finding {
    if stderr.contains("not a git repository") {
        let message = format!("{} is not in a git repository", folder.display());
        return refused(message, "make one with: git init");
    }
    let message = format!("git does not work in {}: {}", folder.display(), stderr.replace('\n', " "));
    refused(message, "do what git says")
}

/// Local changes are nobody's business, but the user may wonder why a merge waits.
async fn working_tree(git: &Git) -> Result<Finding, GitError> {
    let message = if git.is_dirty().await? {
        "working tree with local changes: they stay, and a merge that touches the same files waits"
    } else {
        "working tree without local changes"
    };
    Ok(Finding::ok("working-tree", message))
}

/// What owns the base branch until somebody finishes it.
async fn unfinished(git: &Git, base: &str) -> Result<Vec<Finding>, GitError> {
    let branch = format!("refs/heads/{base}");
    let in_the_way = |what: String| {
        let mend = format!("finish it or give it up; until then nothing is merged into {base}");
        Finding::warning("working-tree", what, mend)
    };
    let worktrees = git.worktrees().await?;
    Ok(worktrees.iter().filter_map(|worktree| worktree.unfinished(&branch)).map(in_the_way).collect())
}
