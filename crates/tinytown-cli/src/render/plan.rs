//! A plan in words, as a picture, and as JSON.

use std::collections::HashMap;

use serde::Serialize;
use tinytown_core::id::{AgentName, ItemKey};
use tinytown_core::item::{Dependency, EdgeOrigin};
use tinytown_core::plan::{Diagnostic, Forecast, Plan};
use tinytown_core::policy::Policy;

use super::picture::of_plan;
use super::{count, objectives};

/// A plan as people read it.
pub(crate) fn lines(plan: &Plan, forecast: &Forecast) -> Vec<String> {
    let mut lines = vec![
        format!("📋 Objectives: {}", objectives(&plan.objectives())),
        format!("📦 Work items: {}, in {}", plan.items.len(), count(plan.waves.len(), "wave")),
        String::new(),
    ];
    lines.extend(
        of_plan(plan, forecast).text().lines().map(|line| format!("   {line}").trim_end().to_owned()),
    );
    lines.push(String::new());
    lines.extend((1..).zip(&plan.waves).map(|(nth, wave)| format!("🌊 Wave {nth}: {}", listed(wave, ", "))));
    if plan.critical_path.len() > 1 {
        lines.push(format!("🧵 Critical path: {}", listed(&plan.critical_path, " → ")));
    }
    lines.extend(who(plan, forecast));
    lines
}

fn listed(keys: &[ItemKey], between: &str) -> String {
    keys.iter().map(ItemKey::as_str).collect::<Vec<_>>().join(between)
}

/// What each agent would take, in order.
fn who(plan: &Plan, forecast: &Forecast) -> Vec<String> {
    let mut order: Vec<&AgentName> = Vec::new();
    let mut taken: HashMap<&AgentName, Vec<&str>> = HashMap::new();
    for (item, agent) in plan.items.iter().zip(&forecast.agents) {
        if let Some(agent) = agent {
            let items = taken.entry(agent).or_default();
            if items.is_empty() {
                order.push(agent);
            }
            items.push(item.key.as_str());
        }
    }
    order.sort();
    order.iter().map(|agent| format!("🤖 {agent} would take {}", taken[*agent].join(", "))).collect()
}

/// A plan as `--json` shows it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct PlanJson<'p> {
    work_items: Vec<ItemJson<'p>>,
    waves: &'p [Vec<ItemKey>],
    critical_path: &'p [ItemKey],
    /// In how many rounds of equal length the agents that are present would be done.
    rounds: usize,
    policy: Option<&'p Policy>,
    diagnostics: Vec<DiagnosticJson<'p>>,
}

#[derive(Debug, Serialize)]
struct ItemJson<'p> {
    key: &'p ItemKey,
    title: &'p str,
    kind: &'p str,
    role: Option<&'p str>,
    priority: i32,
    depends_on: Vec<EdgeJson<'p>>,
    external: Vec<String>,
    wave: Option<usize>,
    agent: Option<&'p AgentName>,
    skip: bool,
}

#[derive(Debug, Serialize)]
struct EdgeJson<'p> {
    on: &'p ItemKey,
    source: &'p str,
    line: Option<u32>,
    by: EdgeOrigin,
    words: &'p str,
}

#[derive(Debug, Serialize)]
struct DiagnosticJson<'p> {
    level: tinytown_core::plan::Level,
    code: &'p str,
    item: Option<&'p ItemKey>,
    message: &'p str,
}

impl<'p> PlanJson<'p> {
    /// A plan that can be started.
    pub(crate) fn of(plan: &'p Plan, policy: &'p Policy, forecast: &'p Forecast) -> Self {
        let waves: HashMap<&ItemKey, usize> =
            (1..).zip(&plan.waves).flat_map(|(nth, wave)| wave.iter().map(move |key| (key, nth))).collect();
        let items = plan.items.iter().zip(&forecast.agents).map(|(item, agent)| ItemJson {
            key: &item.key,
            title: &item.title,
            kind: item.kind.as_str(),
            role: item.role.as_ref().map(|wish| wish.role.as_str()),
            priority: item.priority,
            depends_on: item.depends_on.iter().map(edge).collect(),
            external: item.external.iter().map(|external| external.on.to_string()).collect(),
            wave: waves.get(&item.key).copied(),
            agent: agent.as_ref(),
            skip: item.skip,
        });
        Self {
            work_items: items.collect(),
            waves: &plan.waves,
            critical_path: &plan.critical_path,
            rounds: forecast.rounds,
            policy: Some(policy),
            diagnostics: plan.diagnostics.iter().chain(&forecast.diagnostics).map(diagnostic).collect(),
        }
    }

    /// One that cannot.
    pub(crate) fn refused(reasons: &'p [Diagnostic]) -> Self {
        Self { diagnostics: reasons.iter().map(diagnostic).collect(), ..Self::default() }
    }
}

fn edge(dependency: &Dependency) -> EdgeJson<'_> {
    let source = &dependency.source;
    EdgeJson {
        on: &dependency.on,
        source: &source.location,
        line: source.line,
        by: source.by,
        words: &source.words,
    }
}

fn diagnostic(diagnostic: &Diagnostic) -> DiagnosticJson<'_> {
    DiagnosticJson {
        level: diagnostic.level,
        code: diagnostic.code.as_str(),
        item: diagnostic.item.as_ref(),
        message: &diagnostic.message,
    }
}
