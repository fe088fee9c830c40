//! The local forge: whether the issues can be read, and whether anything is tested before a merge.

use std::io;
use std::path::Path;

use tinytown_forge::{IssueFolder, IssueTrouble, survey_issues};

use super::finding::{Finding, quoted};
use crate::compose::no_github;
use crate::config::{ForgeKind, ForgeTable};
use crate::failure::ExitCode;
use crate::render::count;
use crate::town::Town;

const CODE: &str = "issues";

/// A look at what missions are made of.
pub(super) fn look_at(town: &Town) -> impl FnOnce() -> Vec<Finding> + Send + 'static {
    let (root, table) = (town.root.clone(), town.config.forge.clone());
    move || match table.kind {
        ForgeKind::Local => local(&root.join(&table.issues), &table),
        ForgeKind::Github => vec![Finding::of_failure("forge", &no_github(), "")],
    }
}

fn local(folder: &Path, table: &ForgeTable) -> Vec<Finding> {
    let mut findings = match survey_issues(folder, table.issues.as_ref()) {
        Ok(found) => readable(found, &table.issues),
        Err(error) => vec![no_folder(&error, folder, &table.issues)],
    };
    findings.push(match &table.check {
        Some(check) => Finding::ok("check", format!("check before a merge: {check}")),
        None => Finding::warning(
            "check",
            "no check is configured: nothing is tested before a merge",
            "say what tests the work: tt config forge.check \"cargo test\"",
        ),
    });
    findings
}

fn no_folder(error: &io::Error, folder: &Path, shown: &str) -> Finding {
    if error.kind() == io::ErrorKind::NotFound {
        let message = format!("the folder of issues, {shown}, is missing");
        let mend = format!(
            "mkdir {}\nwrite one file for each issue, such as 1-first.md with a heading; or name another folder: tt config forge.issues FOLDER",
            quoted(folder)
        );
        // Missions can be about documents and errands as well.
        return Finding::warning(CODE, message, mend);
    }
    let message = format!("the folder of issues, {shown}, cannot be read: {error}");
    Finding::error(CODE, message, format!("see who may read {}", quoted(folder)))
}

fn readable(found: IssueFolder, shown: &str) -> Vec<Finding> {
    let mut findings: Vec<Finding> = found.troubles.into_iter().map(trouble).collect();
    if found.readable > 0 {
        let issues = count(found.readable, "issue");
        findings.insert(0, Finding::ok(CODE, format!("{issues} in {shown} can be read")));
    } else if findings.is_empty() {
        let mend = format!("write one file for each issue, such as {shown}/1-first.md with a heading");
        findings.push(Finding::warning(CODE, format!("there is no issue in {shown} yet"), mend));
    }
    findings
}

fn trouble(trouble: IssueTrouble) -> Finding {
    match trouble {
        IssueTrouble::Unreadable { file, detail } => Finding::error(
            CODE,
            format!("{file} cannot be read: {detail}"),
            "mend or remove it: no mission over it can start",
        )
        .exits(ExitCode::Invalid),
        IssueTrouble::Doubled { number, files } => Finding::error(
            CODE,
            format!("several files have the number {number}: {}", files.join(" and ")),
            "give all but one a number of their own: no mission over it can start",
        )
        .exits(ExitCode::Invalid),
        IssueTrouble::Untitled { file, title } => {
            let message = format!("{file} has no heading: its title is taken from its name, {title:?}");
            Finding::warning(CODE, message, "let it begin with a line such as: # What is to be done")
        }
    }
}
