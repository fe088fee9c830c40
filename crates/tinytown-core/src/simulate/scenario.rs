//! What is simulated, as data: issues, agents, a forge, what happens meanwhile, and what is left to chance.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::check::{self, Flaw};
use super::span::Span;
use crate::id::AgentName;
use crate::issue::{Issue, IssueRef, IssueState};
use crate::manifest::Manifest;
use crate::mission::Mission;
use crate::objective::Objective;
use crate::plan::{Addition, Draft, IssueStanding, Plan, Refusal};
use crate::policy::Policy;
use crate::spend::Spend;

/// A world to run a mission in. Read from TOML by [`Scenario::parse`], or made in code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// What it is about, for people.
    pub title: String,
    /// Everything that is left to chance follows from it.
    pub seed: u64,
    /// After this much virtual time the simulation gives up.
    pub until: Span,
    /// The mission's policy.
    pub policy: Policy,
    /// What agents, reviewers and forge do where nothing is scripted.
    pub chance: Chance,
    /// The issues of the mission.
    #[serde(rename = "issue")]
    pub issues: Vec<ScriptedIssue>,
    /// The agents of the town.
    #[serde(rename = "agent")]
    pub agents: Vec<ScriptedAgent>,
    /// What else happens, and when.
    #[serde(rename = "meanwhile")]
    pub meanwhile: Vec<Meanwhile>,
}

/// An issue, and what comes of the work on it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScriptedIssue {
    /// Its number, from 1.
    pub number: u64,
    /// Its title; `Issue N` if empty.
    pub title: String,
    /// Its text in Markdown; markers in it count.
    pub body: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// Issues that must be done first: the same as a line `After #1, #2.` in its text.
    pub after: Vec<u64>,
    /// Files that work on it touches; two that touch the same file conflict. Its own file if empty.
    pub touches: Vec<String>,
    /// What agents do in successive launches, instead of what they would do by themselves.
    pub attempts: Vec<Conduct>,
    /// The same for its fixes, counted over all of them.
    pub fixes: Vec<Conduct>,
    /// The same for its reviews.
    pub reviews: Vec<Conduct>,
    /// It is not there at the start; [`Happening::Add`] brings it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub later: bool,
    /// Whether successive verdicts approve.
    pub approves: Vec<bool>,
    /// What successive runs of its checks say.
    pub checks: Vec<CheckAnswer>,
}

/// An agent, and how it behaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedAgent {
    /// Its name.
    pub name: AgentName,
    /// What it is good at.
    #[serde(default)]
    pub role: Option<String>,
    /// The agent CLI that it runs.
    #[serde(default = "simulated")]
    pub cli: String,
    /// What an attempt of it costs.
    #[serde(default)]
    pub costs: Spend,
    /// How long an attempt takes it.
    #[serde(default = "a_minute")]
    pub takes: Span,
    /// What it does in each launch.
    #[serde(default)]
    pub conduct: Conduct,
    /// When its worker joins, after the start of the mission.
    #[serde(default)]
    pub joins: Span,
}

fn simulated() -> String {
    "simulated".to_owned()
}

const fn a_minute() -> Span {
    Span::secs(60)
}

/// What an agent does in one launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conduct {
    /// Does the work and hands it in.
    #[default]
    Honest,
    /// The same in ten times its time.
    Slow,
    /// Never comes to an end; the policy's limits end it.
    Hangs,
    /// Says that the work is done, and changed nothing.
    Lies,
    /// Ends at once with an error.
    ExitsEarly,
    /// Falls silent, is declared lost, and hands in its work all the same, much later.
    ReturnsLate,
    /// Ends as if well, without work and without saying anything.
    NothingDone,
    /// Ends with a question.
    Stuck,
    /// Its agent CLI reached a limit of its provider.
    Limited,
    /// Its worker is lost with it, and joins again after a while.
    Dies,
    /// Fails in the first so many launches of each item, and is honest from then on.
    Fails(u32),
}

/// What a run of the checks says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckAnswer {
    /// Passed.
    Green,
    /// Failed.
    Red,
    /// Failed, because the machine or the network did.
    Infrastructure,
    /// Not done yet.
    Pending,
    /// Could not run.
    CouldNotRun,
    /// None are required.
    NotRequired,
    /// The forge does not answer.
    Unavailable,
}

/// Something that happens besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meanwhile {
    /// When, after the start of the mission.
    pub at: Span,
    /// What.
    #[serde(rename = "do")]
    pub what: Happening,
}

/// What may happen besides. What cannot happen then (no such pull request yet) is tried again every
/// second until it can, or the mission has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Happening {
    /// An operator writes a note.
    Note(String),
    /// An operator stops the mission; with `true` by force.
    Stop(bool),
    /// An operator lets it go on.
    Resume,
    /// An operator adds that issue to the mission.
    Add(u64),
    /// Somebody pushes another commit to the pull request of that issue.
    Push(u64),
    /// A bot comments on the head of the pull request of that issue.
    Find(u64),
    /// Somebody resolves all comments on the pull request of that issue.
    Resolve(u64),
    /// Somebody closes the pull request of that issue.
    Close(u64),
    /// Somebody merges the pull request of that issue by hand.
    Merge(u64),
    /// The base moves in a way that conflicts with the work on that issue.
    Conflict(u64),
    /// An issue outside the mission is closed.
    CloseIssue(u64),
    /// Something is in the way where the base is checked out, or no more.
    Busy(bool),
    /// An agent's worker ends.
    Leave(AgentName),
    /// An agent's worker joins again.
    Join(AgentName),
}

/// Probabilities, each from 0 to 1, of what is not scripted.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "each of the first is the conduct of that name")]
pub struct Chance {
    pub slow: f64,
    pub hangs: f64,
    pub lies: f64,
    pub exits_early: f64,
    pub returns_late: f64,
    pub nothing_done: f64,
    pub stuck: f64,
    pub limited: f64,
    pub dies: f64,
    /// A review asks for changes.
    pub changes: f64,
    /// A run of the checks fails.
    pub red: f64,
    /// A run of the checks is not done yet when it is asked.
    pub pending: f64,
    /// A run of the checks could not run.
    pub could_not_run: f64,
    /// The forge does not know yet whether a head merges.
    pub unknown: f64,
    /// The forge does not answer.
    pub unavailable: f64,
    /// Between two looks a bot comments on a pull request.
    pub finding: f64,
    /// Between two looks somebody pushes to a pull request.
    pub push: f64,
    /// Between two looks somebody closes a pull request.
    pub close: f64,
    /// Between two looks somebody merges a pull request.
    pub merge: f64,
    /// Two items touch the same file.
    pub conflict: f64,
}

/// A scenario that cannot be read, or not be run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScenarioError {
    /// It is not the TOML of a scenario.
    #[error("the scenario cannot be read: {0}")]
    Malformed(#[from] toml::de::Error),
    /// It makes no sense.
    #[error("the scenario makes no sense: {}", listed(.0))]
    Flawed(Vec<Flaw>),
    /// Its issues make no plan.
    #[error("its issues make no plan: {}", listed(.0))]
    Plan(Vec<Refusal>),
}

fn listed<T: ToString>(reasons: &[T]) -> String {
    reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            title: String::new(),
            seed: 1,
            until: Span::secs(48 * 3600),
            policy: Policy::default(),
            chance: Chance::default(),
            issues: Vec::new(),
            agents: Vec::new(),
            meanwhile: Vec::new(),
        }
    }
}

impl ScriptedAgent {
    /// An honest agent of that name and role.
    pub fn new(name: AgentName, role: Option<&str>) -> Self {
        let role = role.map(str::to_owned);
        Self {
            name,
            role,
            cli: simulated(),
            costs: Spend::default(),
            takes: a_minute(),
            conduct: Conduct::Honest,
            joins: Span::default(),
        }
    }
}

impl Scenario {
    /// Reads a scenario from TOML.
    ///
    /// # Errors
    /// [`ScenarioError::Malformed`], with the line.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        Ok(toml::from_str(text)?)
    }

    /// The plan of its issues, compiled as `tt mission start` does. Issues outside are open.
    ///
    /// # Errors
    /// [`ScenarioError::Flawed`] or [`ScenarioError::Plan`], with every reason against it.
    pub fn plan(&self) -> Result<Plan, ScenarioError> {
        let flaws = check::flaws(self);
        if !flaws.is_empty() {
            return Err(ScenarioError::Flawed(flaws));
        }
        let present = self.issues.iter().filter(|issue| !issue.later);
        let objectives: Vec<Objective> = present.map(|issue| issue.issue().into()).collect();
        let manifest = Manifest::default();
        let draft = Draft::read(&objectives, &manifest, None);
        let standings = all_open(&draft);
        draft.compile(&standings).map_err(ScenarioError::Plan)
    }

    /// What adding an issue to the mission means, compiled as `tt mission add` does.
    pub(super) fn addition(&self, number: u64, mission: &Mission) -> Result<Addition, Vec<Refusal>> {
        let issue = self.issues.iter().filter(|issue| issue.number == number);
        let objectives: Vec<Objective> = issue.map(|issue| issue.issue().into()).collect();
        let (manifest, present) = (Manifest::default(), mission.standings());
        let draft = Draft::upon(&present, &objectives, &manifest, None);
        let standings = all_open(&draft);
        draft.compile_addition(&standings)
    }
}

/// Issues outside are open.
fn all_open(draft: &Draft<'_>) -> BTreeMap<IssueRef, IssueStanding> {
    draft.references_outside().into_iter().map(|reference| (reference, IssueStanding::Open)).collect()
}

impl ScriptedIssue {
    /// The issue as a forge would show it.
    pub fn issue(&self) -> Issue {
        let title = if self.title.is_empty() { format!("Issue {}", self.number) } else { self.title.clone() };
        let after: Vec<String> = self.after.iter().map(|number| format!("#{number}")).collect();
        let body = match (self.body.as_str(), after.is_empty()) {
            (body, true) => body.to_owned(),
            (body, false) => format!("{body}\n\nAfter {}.\n", after.join(", ")).trim_start().to_owned(),
        };
        Issue {
            reference: IssueRef::own(self.number),
            title,
            body,
            labels: self.labels.clone(),
            state: IssueState::Open,
            location: format!("issue {}", self.number),
            body_line: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_read_from_toml_and_written_back() {
        let text = r#"
            title = "two items"
            seed = 7
            policy = { auto_merge = true }
            chance = { red = 0.5 }

            [[issue]]
            number = 1
            checks = ["red", "could-not-run"]
            attempts = ["exits-early", { fails = 2 }]

            [[issue]]
            number = 2
            after = [1]

            [[agent]]
            name = "backend"
            takes = "30s"

            [[meanwhile]]
            at = "2m"
            do = { note = "retry #2" }

            [[meanwhile]]
            at = "3m"
            do = "resume"
        "#;
        let scenario = Scenario::parse(text).expect("a scenario");
        let plan = scenario.plan().expect("a plan");
        assert_eq!(plan.items[1].depends_on[0].on, plan.items[0].key);
        let written = toml::to_string(&scenario).expect("it can be written");
        assert_eq!(Scenario::parse(&written).expect("a scenario"), scenario);
    }

    #[test]
    fn what_a_scenario_does_not_know_is_refused_with_its_line() {
        let error = Scenario::parse("seed = 1\nsede = 2\n").expect_err("a typing error");
        assert!(error.to_string().contains("line 2") && error.to_string().contains("sede"), "{error}");
    }
}
