//! Who would take what: a plan played in rounds of equal length by the agents that are present.
//!
//! It follows the order and the preferences of [`crate::decide`], and it is a forecast: how long work takes is not known.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{Code, Diagnostic, Level, Plan};
use crate::graph::Lookup;
use crate::id::{AgentName, ItemKey, Role};
use crate::item::ItemSpec;
use crate::policy::Policy;
use crate::roster::{Agent, Roster};

/// Who would take what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forecast {
    /// For each item of the plan who would take it; nobody if it is skipped, or nobody may.
    pub agents: Vec<Option<AgentName>>,
    /// In how many rounds everything would be done that somebody may take.
    pub rounds: usize,
    /// What the user should know before anything starts.
    pub diagnostics: Vec<Diagnostic>,
}

/// The order in which ready items are given out.
type Rank = (Reverse<i32>, Reverse<u32>, usize);

/// Says who would take what, with these agents under this policy, and what stands in the way.
pub fn forecast(plan: &Plan, roster: &Roster, policy: &Policy) -> Forecast {
    let agents: Vec<&Agent> = roster.iter().filter(|agent| agent.is_present() && !agent.retiring).collect();
    let mut round = Rounds::new(plan, agents, policy);
    round.play();
    let mut diagnostics = Vec::new();
    round.without_agent(&mut diagnostics);
    round.without_reviewer(&mut diagnostics);
    round.idle_slots(&mut diagnostics);
    Forecast { agents: round.taken, rounds: round.played, diagnostics }
}

struct Rounds<'p> {
    plan: &'p Plan,
    policy: &'p Policy,
    agents: Vec<&'p Agent>,
    /// Agents by role.
    by_role: BTreeMap<Option<&'p Role>, Vec<usize>>,
    /// For each item how many it still waits for, and who waits for it.
    waits: Vec<usize>,
    dependents: Vec<Vec<usize>>,
    ready: BTreeSet<Rank>,
    taken: Vec<Option<AgentName>>,
    played: usize,
}

impl<'p> Rounds<'p> {
    fn new(plan: &'p Plan, agents: Vec<&'p Agent>, policy: &'p Policy) -> Self {
        let items = &plan.items;
        let mut by_role: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (at, agent) in agents.iter().enumerate() {
            by_role.entry(agent.role.as_ref()).or_default().push(at);
        }
        let mut rounds = Self {
            plan,
            policy,
            agents,
            by_role,
            waits: vec![0; items.len()],
            dependents: vec![Vec::new(); items.len()],
            ready: BTreeSet::new(),
            taken: vec![None; items.len()],
            played: 0,
        };
        rounds.connect();
        rounds
    }

    /// Skipped items are satisfied from the start.
    fn connect(&mut self) {
        let places: Lookup<&ItemKey, usize> = self.plan.items.iter().map(|item| &item.key).zip(0..).collect();
        for (at, item) in self.plan.items.iter().enumerate().filter(|(_, item)| !item.skip) {
            let on = item.depends_on.iter().filter_map(|dependency| places.get(&dependency.on).copied());
            for on in on.filter(|on| !self.plan.items[*on].skip) {
                self.waits[at] += 1;
                self.dependents[on].push(at);
            }
            if self.waits[at] == 0 {
                self.ready.insert(rank(at, item));
            }
        }
    }

    fn play(&mut self) {
        loop {
            let given = self.round();
            if given.is_empty() {
                return;
            }
            self.played += 1;
            for at in given {
                for dependent in std::mem::take(&mut self.dependents[at]) {
                    self.waits[dependent] -= 1;
                    if self.waits[dependent] == 0 {
                        self.ready.insert(rank(dependent, &self.plan.items[dependent]));
                    }
                }
            }
        }
    }

    /// Gives out what is ready while there are slots and agents; what nobody may ever take is let pass, so
    /// that what comes after it is forecast too.
    fn round(&mut self) -> Vec<usize> {
        let mut free: BTreeSet<usize> = (0..self.agents.len()).collect();
        let mut slots = self.policy.max_parallel as usize;
        let mut given = Vec::new();
        let mut later = BTreeSet::new();
        while let Some(rank) = self.ready.pop_first() {
            let at = rank.2;
            let item = &self.plan.items[at];
            if !self.agents.iter().any(|agent| may_take(item, agent)) {
                given.push(at);
            } else if slots == 0 || free.is_empty() {
                later.insert(rank);
                break;
            } else if let Some(agent) = self.best(item, &free) {
                free.remove(&agent);
                slots -= 1;
                self.taken[at] = Some(self.agents[agent].name.clone());
                given.push(at);
            } else {
                later.insert(rank);
            }
        }
        self.ready.append(&mut later);
        given
    }

    /// The role wished for, then no role, then anybody, reviewers last.
    fn best(&self, item: &ItemSpec, free: &BTreeSet<usize>) -> Option<usize> {
        let of = |role: Option<&Role>| {
            let agents = self.by_role.get(&role).into_iter().flatten().copied();
            agents.into_iter().find(|agent| free.contains(agent) && may_take(item, self.agents[*agent]))
        };
        let wished = item.role.as_ref().and_then(|wish| of(Some(&wish.role)));
        let anybody = || {
            let all = free.iter().copied().filter(|agent| may_take(item, self.agents[*agent]));
            all.min_by_key(|agent| self.agents[*agent].is_reviewer())
        };
        wished.or_else(|| of(None)).or_else(anybody)
    }

    fn without_agent(&self, diagnostics: &mut Vec<Diagnostic>) {
        let open = || self.plan.items.iter().filter(|item| !item.skip);
        if self.agents.is_empty() && open().next().is_some() {
            let message = "no agent is there: everything waits until one is (tt spawn NAME)".to_owned();
            return diagnostics.push(warning(Code::NoAgent, None, message));
        }
        let mut wanting: BTreeMap<String, Vec<&ItemKey>> = BTreeMap::new();
        for item in open().filter(|item| !self.agents.iter().any(|agent| may_take(item, agent))) {
            wanting.entry(wanted(item)).or_default().push(&item.key);
        }
        for (wanted, keys) in wanting {
            let message = format!("{} {wanted}", listed(&keys));
            diagnostics.push(warning(Code::NoAgent, Some(keys[0].clone()), message));
        }
    }

    /// Work is judged by somebody other than its author.
    fn without_reviewer(&self, diagnostics: &mut Vec<Diagnostic>) {
        if let ([alone], true) = (&self.agents[..], self.policy.reviewer_required) {
            let message = format!(
                "{} is the only agent, and nobody may review their own work: spawn another one (tt spawn NAME --role reviewer), or start with --no-reviewer",
                alone.name
            );
            diagnostics.push(warning(Code::NoReviewer, None, message));
        }
    }

    fn idle_slots(&self, diagnostics: &mut Vec<Diagnostic>) {
        let widest = self.plan.waves.iter().map(Vec::len).max().unwrap_or(0);
        let (slots, agents) = (self.policy.max_parallel as usize, self.agents.len());
        let info = |message| Diagnostic { level: Level::Info, code: Code::Parallelism, item: None, message };
        // Nobody who left the default asked for so many.
        let chosen = self.policy.max_parallel != Policy::default().max_parallel;
        if chosen && slots > widest && widest > 0 {
            diagnostics.push(info(format!(
                "max_parallel = {slots}, but never more than {widest} of these items can be worked on at once"
            )));
        } else if agents > 0 && slots.min(widest) > agents {
            diagnostics.push(info(format!(
                "up to {} items could be worked on at once, and {agents} {} there: more agents would shorten it (tt spawn NAME)",
                slots.min(widest),
                if agents == 1 { "agent is" } else { "agents are" },
            )));
        } else if agents > slots && widest > slots {
            diagnostics.push(info(format!(
                "up to {} items could be worked on at once, but max_parallel = {slots}",
                widest.min(agents)
            )));
        }
    }
}

fn rank(at: usize, item: &ItemSpec) -> Rank {
    (Reverse(item.priority), Reverse(item.path_length), at)
}

fn may_take(item: &ItemSpec, agent: &Agent) -> bool {
    match (&item.pinned, &item.role) {
        (Some(pinned), _) => *pinned == agent.name,
        (None, Some(wish)) if wish.required => agent.role.as_ref().is_none_or(|role| *role == wish.role),
        _ => true,
    }
}

/// What an item would wait for, and what to do about it.
fn wanted(item: &ItemSpec) -> String {
    match (&item.pinned, &item.role) {
        (Some(pinned), _) => format!("is for {pinned}, who is not there (tt spawn {pinned})"),
        (_, Some(wish)) => {
            format!("wants the role {0}, which no agent has (tt spawn NAME --role {0})", wish.role)
        }
        _ => "finds no agent (tt spawn NAME)".to_owned(),
    }
}

/// Some of them by name, the others by their number.
fn listed(keys: &[&ItemKey]) -> String {
    const NAMED: usize = 5;
    let named: Vec<&str> = keys.iter().take(NAMED).map(|key| key.as_str()).collect();
    match keys.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

fn warning(code: Code, item: Option<ItemKey>, message: String) -> Diagnostic {
    Diagnostic { level: Level::Warning, code, item, message }
}

#[cfg(test)]
mod tests {
    use super::super::{Request, compile};
    use super::*;
    use crate::id::Generation;
    use crate::issue::{Issue, IssueRef, IssueState};
    use crate::manifest::Manifest;
    use crate::objective::Objective;
    use crate::roster::{AgentState, Place};
    use crate::time::Time;

    fn plan(issues: &[(u64, &str, &str)], manifest: &str) -> Plan {
        let objectives: Vec<Objective> = issues
            .iter()
            .map(|(number, title, body)| {
                let issue = Issue {
                    reference: IssueRef::own(*number),
                    title: (*title).to_owned(),
                    body: (*body).to_owned(),
                    labels: Vec::new(),
                    state: IssueState::Open,
                    location: format!("issues/{number}.md"),
                    body_line: 3,
                };
                issue.into()
            })
            .collect();
        let manifest = Manifest::parse(manifest, "mission.toml").expect("a manifest");
        let standings = BTreeMap::new();
        let request =
            Request { objectives: &objectives, standings: &standings, manifest: &manifest, own: None };
        compile(&request).expect("a plan")
    }

    fn roster(agents: &[(&str, Option<&str>)]) -> Roster {
        Roster::new(agents.iter().map(|(name, role)| Agent {
            name: AgentName::new(name).expect("a name"),
            generation: Generation(1),
            role: role.map(Role::new),
            cli: "claude".to_owned(),
            place: Place::default(),
            state: AgentState::Idle,
            retiring: false,
            paused_until: None,
            since: Time::from_millis(0),
        }))
    }

    fn told(plan: &Plan, agents: &[(&str, Option<&str>)], policy: &Policy) -> String {
        let forecast = forecast(plan, &roster(agents), policy);
        let who = forecast.agents.iter().zip(&plan.items).map(|(agent, item)| {
            format!("{} {}", item.key, agent.as_ref().map_or("nobody", |agent| agent.as_str()))
        });
        let said = forecast.diagnostics.iter().map(|it| format!("{:?} {}: {it}", it.level, it.code));
        let lines: Vec<String> = who.chain([format!("rounds {}", forecast.rounds)]).chain(said).collect();
        lines.join("\n")
    }

    const TUTORIAL: &[(u64, &str, &str)] = &[
        (1, "Design auth API", ""),
        (2, "Implement auth endpoints", "Depends on #1."),
        (3, "Write auth tests", "After #2."),
    ];

    #[test]
    fn each_item_goes_to_who_suits_it() {
        let agents =
            [("backend", Some("backend")), ("designer", Some("designer")), ("tester", Some("tester"))];
        insta::assert_snapshot!(told(&plan(TUTORIAL, ""), &agents, &Policy::default()));
    }

    #[test]
    fn what_nobody_may_take_is_said_and_what_comes_after_it_is_forecast_all_the_same() {
        let manifest = "[[overrides]]\nissue = 1\nowner_role = \"architect\"\n";
        let agents = [("tester", Some("tester"))];
        insta::assert_snapshot!(told(&plan(TUTORIAL, manifest), &agents, &Policy::default()));
    }

    #[test]
    fn an_empty_town_is_told_to_spawn() {
        insta::assert_snapshot!(told(&plan(TUTORIAL, ""), &[], &Policy::default()));
    }

    #[test]
    fn slots_and_agents_that_no_wave_can_use_are_told() {
        let many: Vec<(u64, &str, &str)> = (1..=6).map(|number| (number, "Part", "")).collect();
        let plan = plan(&many, "");
        let three = [("a", None), ("b", None), ("c", None)];
        let policy = |max_parallel| Policy { max_parallel, ..Policy::default() };
        insta::assert_snapshot!(told(&plan, &three, &policy(8)));
        insta::assert_snapshot!(told(&plan, &three, &policy(5)));
        insta::assert_snapshot!(told(&plan, &three, &policy(2)));
    }

    #[test]
    fn slots_that_nobody_asked_for_are_no_news() {
        let chain = plan(TUTORIAL, "");
        let said =
            |policy: &Policy| told(&chain, &[("a", None), ("b", None)], policy).contains("max_parallel");
        assert!(!said(&Policy::default()));
        assert!(said(&Policy { max_parallel: 4, ..Policy::default() }));
    }

    #[test]
    fn skipped_items_are_given_to_nobody_and_waited_for_by_nobody() {
        let manifest = "[[overrides]]\nissue = 1\nskip = true\n";
        let agents = [("a", None), ("b", None)];
        insta::assert_snapshot!(told(&plan(TUTORIAL, manifest), &agents, &Policy::default()));
    }
}
