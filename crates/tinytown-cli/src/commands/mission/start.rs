//! `tt mission start`: everything is read, checked and compiled before anything is created.

use clap::Args;
use serde_json::json;
use tinytown_core::id::MissionId;
use tinytown_core::input::{Input, NewMission};
use tinytown_core::item::ItemSpec;
use tinytown_core::plan::{Diagnostic, Level, Plan as CompiledPlan, forecast};
use tinytown_core::policy::Policy;
use tinytown_core::text::Text;
use tinytown_host::git::Git;
use tinytown_store::Blob;
use tinytown_store::codec::intern;
use tinytown_store::records::load_roster;

use super::gather::{Gathered, Matter, Named, NoPlan, Wanted};
use super::plan::Plan;
use super::tell::tell_waiting;
use crate::app::App;
use crate::clock;
use crate::compose::Composed;
use crate::failure::Failure;
use crate::render::{item, objectives};
use crate::terminal::Terminal;
use crate::town::Town;

/// Arguments of `tt mission start`.
#[derive(Debug, Args)]
pub(crate) struct Start {
    #[command(flatten)]
    wanted: Wanted,
    /// Only say what would be started, as `tt mission plan` does
    #[arg(long)]
    dry_run: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Start {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        if self.dry_run {
            return Plan::new(self.wanted, self.json).run(app).await;
        }
        let named = self.named()?;
        let composed = Composed::open(app.town()?).await?;
        self.begin(app.terminal, &composed, named).await.map(drop)
    }

    /// What can be judged without a town.
    pub(crate) fn named(&self) -> Result<Named, Failure> {
        self.wanted.named().map_err(NoPlan::into_failure)
    }

    /// A mission over these issues, merged as far as its gates allow.
    pub(crate) fn merging(issues: &[u64]) -> Self {
        let issues = issues.iter().map(ToString::to_string).collect();
        let matter = Matter { issues, ..Matter::default() };
        let wanted = Wanted { matter, auto_merge: true, ..Wanted::default() };
        Self { wanted, dry_run: false, json: false }
    }

    /// Starts the mission in this town, and prints that.
    pub(crate) async fn begin(
        &self,
        terminal: Terminal,
        composed: &Composed,
        named: Named,
    ) -> Result<MissionId, Failure> {
        let gathered = self.wanted.gather(named, composed).await;
        let Gathered { plan, policy } = gathered.map_err(NoPlan::into_failure)?;
        let roster = load_roster(&composed.store.town().await?)?;
        let forecast = forecast(&plan, &roster, &policy);
        let warnings = forecast.diagnostics.iter().filter(|it| it.level == Level::Warning);
        tell_diagnostics(terminal, warnings);
        create(terminal, composed, policy, &plan, self.json).await
    }
}

/// Creates the mission of a plan, and prints that, with what the user should know.
pub(crate) async fn create(
    terminal: Terminal,
    composed: &Composed,
    policy: Policy,
    plan: &CompiledPlan,
    json: bool,
) -> Result<MissionId, Failure> {
    tell_diagnostics(terminal, &plan.diagnostics);
    warn_of_uncommitted(terminal, &composed.town).await;
    let id = MissionId(clock::new_id());
    let mut blobs = Vec::new();
    let input = Input::Start(Box::new(new_mission(id, policy, plan, &mut blobs)));
    let applied = composed.apply(&input, blobs).await?;
    print(terminal, id, plan, json)?;
    tell_waiting(terminal, &applied);
    Ok(id)
}

fn print(terminal: Terminal, id: MissionId, plan: &CompiledPlan, json: bool) -> Result<(), Failure> {
    if json {
        return terminal.json(&items_json(id, &plan.items));
    }
    if terminal.is_quiet() {
        return terminal.line(id);
    }
    terminal.lines(&started(id, plan))
}

/// What the user should know about a plan; that is no data.
pub(super) fn tell_diagnostics<'d>(
    terminal: Terminal,
    diagnostics: impl IntoIterator<Item = &'d Diagnostic>,
) {
    for diagnostic in diagnostics {
        match diagnostic.level {
            Level::Info => terminal.note(diagnostic),
            Level::Warning | Level::Error => terminal.warn(diagnostic),
        }
    }
}

/// Whether there is something in the user's folder that agents do not get, as far as git can say.
pub(super) async fn has_uncommitted(town: &Town) -> bool {
    matches!(Git::at(&town.root).is_dirty().await, Ok(true))
}

/// What is said of it.
pub(super) const UNCOMMITTED: &str =
    "there are uncommitted changes in this folder; they are not part of the mission";

pub(super) async fn warn_of_uncommitted(terminal: Terminal, town: &Town) {
    if has_uncommitted(town).await {
        terminal.warn(UNCOMMITTED);
    }
}

/// The mission as it is frozen; long texts go beside it.
fn new_mission(id: MissionId, policy: Policy, plan: &CompiledPlan, blobs: &mut Vec<Blob>) -> NewMission {
    let objectives = plan.objectives();
    NewMission { id, policy, objectives, items: frozen(plan.items.clone(), blobs) }
}

/// Items without their long texts, which go beside them.
pub(super) fn frozen(mut items: Vec<ItemSpec>, blobs: &mut Vec<Blob>) -> Vec<ItemSpec> {
    for item in &mut items {
        if let Text::Inline(text) = std::mem::take(&mut item.body) {
            item.body = intern(blobs, text);
        }
    }
    items
}

/// As the tutorial prints it.
fn started(id: MissionId, plan: &CompiledPlan) -> Vec<String> {
    let items = plan.items.len();
    let mut lines = vec![
        format!("🚀 Mission started: {id}"),
        format!("📋 Objectives: {}", objectives(&plan.objectives())),
        format!("📦 Work items: {items}"),
    ];
    lines.extend(plan.items.iter().map(item::planned));
    lines
}

/// A mission, and items that it got.
pub(super) fn items_json(id: MissionId, items: &[ItemSpec]) -> serde_json::Value {
    let items = items.iter().map(|item| {
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
    use crate::render::world::{compiled, issues};

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
}
