//! Whether a scenario can be run at all: what would otherwise be a world that nobody meant.

use std::collections::BTreeSet;

use super::scenario::{Chance, Happening, Scenario};
use crate::id::{AgentName, NameError};
use crate::policy::PolicyError;

/// Something in a scenario that makes no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Flaw {
    /// A knob of its policy is out of range.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Issues are numbered from 1.
    #[error("an issue has the number 0; they are numbered from 1")]
    IssueZero,
    /// Two issues have the same number.
    #[error("two issues have the number {0}")]
    SameIssue(u64),
    /// An agent has a name that no agent can have.
    #[error(transparent)]
    Agent(#[from] NameError),
    /// Two agents have the same name.
    #[error("two agents are called {0}")]
    SameAgent(AgentName),
    /// A probability that is none.
    #[error("chance {of} = {is}: must be 0 to 1")]
    Chance {
        /// Of what.
        of: String,
        /// As given.
        is: f64,
    },
    /// Something happens to the pull request of an issue that there is not.
    #[error("meanwhile something happens to issue {0}, which the scenario does not have")]
    NoIssue(u64),
    /// An issue is added that is there already, or never.
    #[error("issue {0} is later = true and never added, or added and not later = true")]
    Later(u64),
    /// Something happens to an agent that there is not.
    #[error("meanwhile something happens to agent {0}, whom the scenario does not have")]
    NoAgent(AgentName),
}

/// Everything that makes no sense in a scenario.
pub(super) fn flaws(scenario: &Scenario) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    flaws.extend(scenario.policy.clone().validate().err().map(Flaw::Policy));
    let mut numbers = BTreeSet::new();
    for issue in &scenario.issues {
        if issue.number == 0 {
            flaws.push(Flaw::IssueZero);
        } else if !numbers.insert(issue.number) {
            flaws.push(Flaw::SameIssue(issue.number));
        }
    }
    let mut names = BTreeSet::new();
    for agent in &scenario.agents {
        flaws.extend(AgentName::new(agent.name.as_str()).err().map(Flaw::Agent));
        if !names.insert(&agent.name) {
            flaws.push(Flaw::SameAgent(agent.name.clone()));
        }
    }
    flaws.extend(of_chance(&scenario.chance));
    for meanwhile in &scenario.meanwhile {
        match &meanwhile.what {
            Happening::Add(number)
            | Happening::Push(number)
            | Happening::Find(number)
            | Happening::Resolve(number)
            | Happening::Close(number)
            | Happening::Merge(number)
            | Happening::Conflict(number)
                if !numbers.contains(number) =>
            {
                flaws.push(Flaw::NoIssue(*number));
            }
            Happening::Leave(name) | Happening::Join(name) if !names.contains(name) => {
                flaws.push(Flaw::NoAgent(name.clone()));
            }
            _ => {}
        }
    }
    flaws.extend(of_later(scenario));
    flaws
}

fn of_later(scenario: &Scenario) -> Vec<Flaw> {
    let added: BTreeSet<u64> = scenario
        .meanwhile
        .iter()
        .filter_map(|meanwhile| match meanwhile.what {
            Happening::Add(number) => Some(number),
            _ => None,
        })
        .collect();
    let odd = scenario.issues.iter().filter(|issue| issue.later != added.contains(&issue.number));
    odd.map(|issue| Flaw::Later(issue.number)).collect()
}

fn of_chance(chance: &Chance) -> Vec<Flaw> {
    let all = toml::Table::try_from(chance).unwrap_or_default().into_iter();
    let all = all.filter_map(|(of, value)| Some((of, value.as_float()?)));
    all.filter(|(_, is)| !(0.0..=1.0).contains(is)).map(|(of, is)| Flaw::Chance { of, is }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::scenario::ScenarioError;
    use super::*;

    #[test]
    fn a_scenario_that_makes_no_sense_is_refused_with_every_reason() {
        let text = r#"
            policy = { max_parallel = 0 }
            chance = { red = 1.5, slow = nan, lies = -0.1 }
            issue = [{ number = 0 }, { number = 2 }, { number = 2 }]
            agent = [{ name = "../x" }, { name = "a" }, { name = "a" }]
            meanwhile = [
                { at = "1s", do = { push = 7 } },
                { at = "1s", do = { close-issue = 9 } },
                { at = "1s", do = { leave = "nobody" } },
            ]
        "#;
        let scenario = Scenario::parse(text).expect("it can be read");
        let error = scenario.plan().expect_err("it makes no sense");
        let ScenarioError::Flawed(flaws) = &error else { panic!("{error}") };
        let said: Vec<String> = flaws.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(said.join("\n"), @r#"
        policy max_parallel = 0: must be 1 to 1000
        an issue has the number 0; they are numbered from 1
        two issues have the number 2
        malformed agent name "../x": use 1 to 40 letters, digits, '-', '_' or '.', beginning with a letter or digit
        two agents are called a
        chance lies = -0.1: must be 0 to 1
        chance red = 1.5: must be 0 to 1
        chance slow = NaN: must be 0 to 1
        meanwhile something happens to issue 7, which the scenario does not have
        meanwhile something happens to agent nobody, whom the scenario does not have
        "#);
    }
}
