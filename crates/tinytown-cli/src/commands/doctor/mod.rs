//! `tt doctor`: looks at everything that a night depends on, says what it found, and how to mend it.
//! Looking changes nothing: no file is made, no lease is taken, nothing is swept.

mod clis;
mod crew;
mod files;
mod finding;
mod issues;
mod redis;
mod repository;
mod store;
mod work;

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use clap::Args;
use tinytown_core::mission::Mission;
use tinytown_core::roster::Roster;
use tinytown_host::git;
use tinytown_store::{Glance, records};

use self::finding::{Finding, Report};
use crate::app::App;
use crate::config::{self, FILE};
use crate::failure::{ExitCode, Failure};
use crate::town::{self, Town};

/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Arguments of `tt doctor`.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let report = Report(examine(app.named.as_deref()).await);
        if self.json {
            app.terminal.json(&report.json())?;
        } else {
            app.terminal.lines(&report.lines(app.terminal.is_quiet()))?;
        }
        // Everything was said; only the exit code is left.
        if report.is_healthy() { Ok(()) } else { Err(Failure::new(report.exit(), "")) }
    }
}

/// One look: what it is called in findings, and what it finds.
type Look<'a> = (&'static str, Pin<Box<dyn Future<Output = Vec<Finding>> + Send + 'a>>);

fn look<'a>(code: &'static str, find: impl Future<Output = Vec<Finding>> + Send + 'a) -> Look<'a> {
    (code, Box::pin(find))
}

/// A look at files, beside the runtime's threads: a file system may hang.
fn look_at_files<'a>(code: &'static str, find: impl FnOnce() -> Vec<Finding> + Send + 'static) -> Look<'a> {
    look(code, async { tokio::task::spawn_blocking(find).await.unwrap_or_default() })
}

async fn examine(named: Option<&Path>) -> Vec<Finding> {
    let mut findings = within(PATIENCE, vec![look("git", git_itself())]).await;
    // Without git there is nothing to ask about a repository.
    let has_git = findings.iter().all(|finding| finding.mend.is_none());
    match town::root(named) {
        Ok(root) => findings.extend(in_town(root, has_git).await),
        Err(failure) => findings.extend(outside(named, &failure, has_git).await),
    }
    findings
}

async fn git_itself() -> Vec<Finding> {
    vec![match git::version().await {
        Ok(version) => Finding::ok("git", format!("git {version}")),
        Err(error) => Finding::of_failure("git", &Failure::from(error), "install git 2.38 or newer"),
    }]
}

/// What can be looked at where no town is.
async fn outside(named: Option<&Path>, failure: &Failure, has_git: bool) -> Vec<Finding> {
    let folder = named.map_or_else(std::env::current_dir, |folder| Ok(folder.to_owned()));
    let mut looks = vec![look_at_files("cli", clis::presets)];
    if let (Ok(folder), true) = (folder, has_git) {
        looks.insert(0, look("repository", repository::check(folder, None)));
    }
    let mut findings = vec![Finding::of_failure("town", failure, "make one with: tt init")];
    findings.extend(within(PATIENCE, looks).await);
    findings
}

async fn in_town(root: PathBuf, has_git: bool) -> Vec<Finding> {
    let (town, mut findings) = read_config(&root);
    let base = town.as_ref().map(|town| town.config.forge.base.clone());
    let mut looks = Vec::new();
    if has_git {
        looks.push(look("repository", repository::check(root.clone(), base)));
    }
    let state = root.join(town::STATE);
    looks.push(look_at_files("folder", move || files::state(&state)));
    findings.extend(within(PATIENCE, looks).await);
    if let Some(town) = town {
        findings.extend(of_town(&town).await);
    }
    findings
}

/// The town, if its file can be read, and what there is to say about the file.
fn read_config(root: &Path) -> (Option<Town>, Vec<Finding>) {
    let mend = format!("correct it in {}", root.join(FILE).display());
    match Town::at(root.to_owned(), town::store_override().as_deref()) {
        Ok(town) => {
            let message = format!("town {} in {}", town.config.name, root.display());
            (Some(town), vec![Finding::ok("config", message)])
        }
        Err(failure) => {
            let text = std::fs::read_to_string(root.join(FILE)).unwrap_or_default();
            let problem = |error: &config::ConfigError| {
                Finding::error("config", error.to_string(), mend.clone()).exits(ExitCode::Invalid)
            };
            let mut findings: Vec<Finding> = config::problems(&text, FILE).iter().map(problem).collect();
            if findings.is_empty() || text.is_empty() {
                // It is no text at all, or the environment is wrong and not the file.
                findings = vec![Finding::of_failure("config", &failure, &mend)];
            }
            let message = "store, issues and agents were not looked at: where they are is not known";
            findings.push(Finding::warning("town", message, "mend that first, then ask again: tt doctor"));
            (None, findings)
        }
    }
}

/// Everything that is looked at in a town whose file can be read, each by itself. What other stores and
/// forges need looked at comes here.
async fn of_town(town: &Town) -> Vec<Finding> {
    let (mut findings, glance) = store::check(town, PATIENCE).await;
    let scene = glance.map(|glance| Scene::new(town, glance, &mut findings));
    let issues = issues::look_at(town);
    let agents_clis = scene.as_ref().map(Scene::clis).unwrap_or_default();
    let clis = clis::town(town, &agents_clis);
    let mut looks = vec![look("remote", repository::shared(town))];
    looks.extend([look_at_files("issues", issues), look_at_files("cli", clis)]);
    if let Some(scene) = &scene {
        looks.push(look("agents", async { crew::agents(scene) }));
        looks.push(look("dispatcher", crew::dispatcher(scene)));
        looks.push(look("missions", async { work::missions(scene) }));
    }
    findings.extend(within(PATIENCE, looks).await);
    findings
}

/// What the store says goes on in the town.
struct Scene<'a> {
    town: &'a Town,
    glance: Glance,
    roster: Roster,
    missions: Vec<Mission>,
}

impl<'a> Scene<'a> {
    /// Reads the records; those that cannot be read become findings.
    fn new(town: &'a Town, glance: Glance, findings: &mut Vec<Finding>) -> Self {
        let mut unreadable = |error| findings.push(store::unusable(&error));
        let roster = records::load_roster(&glance.town).map_err(&mut unreadable).unwrap_or_default();
        let load = |view| records::load_mission(view).map_err(&mut unreadable).ok();
        let missions = glance.missions.iter().filter_map(load).collect();
        Self { town, glance, roster, missions }
    }

    /// The agent CLIs of those who are there.
    fn clis(&self) -> Vec<String> {
        self.roster.all_present().map(|agent| agent.cli.clone()).collect()
    }
}

/// Looks, one after the other. One that does not come back in time is a finding itself.
async fn within(patience: Duration, looks: Vec<Look<'_>>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (code, look) in looks {
        match tokio::time::timeout(patience, look).await {
            Ok(found) => findings.extend(found),
            Err(_over) => findings.push(hangs(code, patience)),
        }
    }
    findings
}

/// There was no answer.
fn hangs(code: &'static str, patience: Duration) -> Finding {
    let message = format!("no answer about {code} within {} s", patience.as_secs());
    Finding::error(code, message, "see whether the disk, a network file system or a program hangs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_look_that_hangs_is_given_up_and_the_next_one_is_taken() {
        let hanging = look("git", std::future::pending());
        let fine = look("issues", async { vec![Finding::ok("issues", "fine")] });
        let findings = within(Duration::from_millis(1), vec![hanging, fine]).await;
        assert!(findings[0].message.starts_with("no answer about git"), "{findings:?}");
        assert_eq!(findings[1], Finding::ok("issues", "fine"));
    }
}
