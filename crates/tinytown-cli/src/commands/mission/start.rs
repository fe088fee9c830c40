//! `tt mission start`: everything is read, checked and compiled before anything is created.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tinytown_core::id::MissionId;
use tinytown_core::input::{Input, NewMission};
use tinytown_core::issue::{IssueRef, IssueState, RepoName};
use tinytown_core::manifest::Manifest;
use tinytown_core::objective::Objective;
use tinytown_core::plan::{self, IssueStanding, Plan, Request};
use tinytown_core::policy::Policy;
use tinytown_core::text::Text;
use tinytown_forge::{Forge, Lookup};
use tinytown_host::git::Git;
use tinytown_store::Blob;
use tinytown_store::codec::intern;

use super::tell::tell_waiting;
use crate::app::App;
use crate::clock;
use crate::compose::Composed;
use crate::failure::{ExitCode, Failure};
use crate::render::{count, item};
use crate::terminal::Terminal;
use crate::town::Town;

/// Arguments of `tt mission start`.
#[derive(Debug, Args)]
pub(crate) struct Start {
    /// An issue: 23, #23, owner/repo#23 or its address; may be given several times
    #[arg(short, long = "issue", value_name = "REF", required = true)]
    issues: Vec<String>,
    /// What to do differently from what the issues say
    #[arg(short, long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Most agents at work at once
    #[arg(long, value_name = "N")]
    max_parallel: Option<u32>,
    /// No other agent needs to approve
    #[arg(long)]
    no_reviewer: bool,
    /// Merge what passes its gates
    #[arg(long)]
    auto_merge: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Start {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        // What can be judged without a town is judged first.
        self.references()?;
        self.manifest()?;
        let composed = Composed::open(app.town()?).await?;
        self.begin(app.terminal, &composed).await.map(drop)
    }

    /// A mission over these issues, merged as far as its gates allow.
    pub(crate) fn merging(issues: &[u64]) -> Self {
        let issues = issues.iter().map(ToString::to_string).collect();
        Self { issues, manifest: None, max_parallel: None, no_reviewer: false, auto_merge: true, json: false }
    }

    /// Starts the mission in this town, and prints that.
    pub(crate) async fn begin(&self, terminal: Terminal, composed: &Composed) -> Result<MissionId, Failure> {
        let (references, manifest) = (self.references()?, self.manifest()?);
        let policy = self.policy(&manifest, &composed.town)?;
        let forge = composed.forge().await?;
        let plan = plan(&*forge, &references, &manifest, own(&composed.town).as_ref()).await?;
        for diagnostic in &plan.diagnostics {
            match diagnostic.level {
                plan::Level::Info => terminal.note(diagnostic),
                plan::Level::Warning | plan::Level::Error => terminal.warn(diagnostic),
            }
        }
        warn_of_uncommitted(terminal, &composed.town).await;
        let id = MissionId(clock::new_id());
        let mut blobs = Vec::new();
        let input = Input::Start(Box::new(new_mission(id, policy, &plan, &mut blobs)));
        let applied = composed.apply(&input, blobs).await?;
        self.print(terminal, id, &plan)?;
        tell_waiting(terminal, &applied);
        Ok(id)
    }

    fn print(&self, terminal: Terminal, id: MissionId, plan: &Plan) -> Result<(), Failure> {
        if self.json {
            return terminal.json(&started_json(id, plan));
        }
        if terminal.is_quiet() {
            return terminal.line(id);
        }
        terminal.lines(&started(id, plan))
    }

    /// Every malformed reference is named, not only the first.
    fn references(&self) -> Result<Vec<IssueRef>, Failure> {
        let (good, bad): (Vec<_>, Vec<_>) =
            self.issues.iter().map(|text| IssueRef::parse(text)).partition(Result::is_ok);
        let complaints: Vec<String> =
            bad.into_iter().filter_map(Result::err).map(|error| error.to_string()).collect();
        if complaints.is_empty() {
            Ok(good.into_iter().filter_map(Result::ok).collect())
        } else {
            Err(Failure::new(ExitCode::Invalid, complaints.join("\n")))
        }
    }

    fn manifest(&self) -> Result<Manifest, Failure> {
        let Some(path) = &self.manifest else { return Ok(Manifest::default()) };
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::from_error(ExitCode::Invalid, &error)
                .during(format!("the manifest {shown} cannot be read"))
        })?;
        Manifest::parse(&text, &shown).map_err(|errors| refused(errors.iter().map(ToString::to_string)))
    }

    /// The town's policy, then the manifest's, then what the command line says.
    fn policy(&self, manifest: &Manifest, town: &Town) -> Result<Policy, Failure> {
        let mut policy = manifest.policy.over(&town.config.policy);
        policy.max_parallel = self.max_parallel.unwrap_or(policy.max_parallel);
        policy.reviewer_required &= !self.no_reviewer;
        policy.auto_merge |= self.auto_merge;
        policy.validate().map_err(|error| Failure::from_error(ExitCode::Invalid, &error))
    }
}

/// The town's own repository, if it has a name.
fn own(town: &Town) -> Option<RepoName> {
    town.config.forge.repo.as_deref().and_then(RepoName::new)
}

/// Reads issues and what they depend on, and compiles them.
async fn plan(
    forge: &dyn Forge,
    references: &[IssueRef],
    manifest: &Manifest,
    own: Option<&RepoName>,
) -> Result<Plan, Failure> {
    let references: Vec<IssueRef> = references.iter().map(|it| it.clone().relative_to(own)).collect();
    let objectives = objectives(forge, &references).await?;
    let outside = plan::references_outside(&objectives, manifest, own);
    let found = if outside.is_empty() { Vec::new() } else { forge.issues(&outside).await? };
    let standings: BTreeMap<IssueRef, IssueStanding> =
        outside.into_iter().zip(found.iter().map(standing)).collect();
    let request = Request { objectives: &objectives, standings: &standings, manifest, own };
    plan::compile(&request).map_err(|refusals| refused(refusals.iter().map(ToString::to_string)))
}

async fn objectives(forge: &dyn Forge, references: &[IssueRef]) -> Result<Vec<Objective>, Failure> {
    let mut found = Vec::with_capacity(references.len());
    let mut unknown = Vec::new();
    for (reference, lookup) in references.iter().zip(forge.issues(references).await?) {
        match lookup {
            Lookup::Found(issue) => found.push(Objective::from(*issue)),
            Lookup::Unknown => unknown.push(format!("the forge knows no issue {reference}")),
        }
    }
    if unknown.is_empty() { Ok(found) } else { Err(refused(unknown)) }
}

fn standing(lookup: &Lookup) -> IssueStanding {
    match lookup {
        Lookup::Found(issue) if issue.state == IssueState::Closed => IssueStanding::Closed,
        Lookup::Found(_) => IssueStanding::Open,
        Lookup::Unknown => IssueStanding::Unknown,
    }
}

/// All reasons at once, and that nothing happened.
fn refused(reasons: impl IntoIterator<Item = String>) -> Failure {
    let reasons: Vec<String> = reasons.into_iter().collect();
    Failure::new(ExitCode::Invalid, reasons.join("\n")).hint("no mission was started")
}

async fn warn_of_uncommitted(terminal: Terminal, town: &Town) {
    if matches!(Git::at(&town.root).is_dirty().await, Ok(true)) {
        terminal.warn("there are uncommitted changes in this folder; they are not part of the mission");
    }
}

/// The mission as it is frozen; long texts go beside it.
fn new_mission(id: MissionId, policy: Policy, plan: &Plan, blobs: &mut Vec<Blob>) -> NewMission {
    let mut items = plan.items.clone();
    for item in &mut items {
        if let Text::Inline(text) = std::mem::take(&mut item.body) {
            item.body = intern(blobs, text);
        }
    }
    let objectives = items.iter().map(|item| item.key.to_string()).collect();
    NewMission { id, policy, objectives, items }
}

/// As the tutorial prints it.
fn started(id: MissionId, plan: &Plan) -> Vec<String> {
    let items = plan.items.len();
    let mut lines = vec![
        format!("🚀 Mission started: {id}"),
        format!("📋 Objectives: {}", count(items, "issue")),
        format!("📦 Work items: {items}"),
    ];
    lines.extend(plan.items.iter().map(item::planned));
    lines
}

fn started_json(id: MissionId, plan: &Plan) -> serde_json::Value {
    let items = plan.items.iter().map(|item| {
        json!({
            "key": item.key,
            "title": item.title,
            "kind": item.kind.as_str(),
            "role": item.role.as_ref().map(|wish| &wish.role),
            "priority": item.priority,
            "depends_on": item.depends_on.iter().map(|on| &on.on).collect::<Vec<_>>(),
            "skip": item.skip,
        })
    });
    json!({ "id": id.to_string(), "work_items": items.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::world::issues;

    fn compiled(objectives: &[Objective]) -> Plan {
        let standings = BTreeMap::new();
        let manifest = Manifest::default();
        plan::compile(&Request { objectives, standings: &standings, manifest: &manifest, own: None })
            .expect("a plan")
    }

    #[test]
    fn a_started_mission_is_printed_as_in_the_tutorial() {
        let plan = compiled(&issues());
        let id: MissionId = "abc123de-f456-4000-8000-000000000001".parse().expect("an id");
        insta::assert_snapshot!(started(id, &plan).join("\n"), @r#"
    🚀 Mission started: abc123de-f456-4000-8000-000000000001
    📋 Objectives: 3 issues
    📦 Work items: 3
       ⏳ Issue #1: Design auth API
       ⏳ Issue #2: Implement auth endpoints
       ⏳ Issue #3: Write auth tests
    "#);
    }

    #[test]
    fn long_texts_travel_beside_the_mission() {
        let mut issues = issues();
        issues[0].body = "x".repeat(5000);
        let plan = compiled(&issues);
        let mut blobs = Vec::new();
        let id = MissionId(clock::new_id());
        let mission = new_mission(id, Policy::default(), &plan, &mut blobs);
        assert_eq!(blobs.len(), 1);
        assert!(mission.items[0].body.as_inline().is_none());
        assert_eq!(mission.items[1].body.as_inline(), Some("Depends on #1."));
        assert_eq!(mission.objectives, ["#1", "#2", "#3"]);
    }

    #[test]
    fn every_malformed_reference_is_named() {
        let start = Start {
            issues: ["1", "x", "2", "0"].map(str::to_owned).to_vec(),
            manifest: None,
            max_parallel: None,
            no_reviewer: false,
            auto_merge: false,
            json: false,
        };
        let failure = start.references().expect_err("two are malformed");
        assert_eq!(failure.code(), ExitCode::Invalid);
        assert!(
            failure.message().contains("\"x\"") && failure.message().contains("\"0\""),
            "{}",
            failure.message()
        );
    }
}
