//! Errands: a text that somebody typed for one agent, as a mission of one item.
//!
//! It is read and compiled as an issue is, so that `Depends on #3` means the same in both.

use std::collections::BTreeMap;
use std::slice;
use std::sync::Arc;

use super::{IssueStanding, Plan, Refusal, Request, compile, references_outside};
use crate::id::AgentName;
use crate::issue::{IssueRef, IssueState, RepoName};
use crate::manifest::Manifest;
use crate::objective::{ERRAND, Objective, ObjectiveRef};

/// What one agent is to do, whatever others are free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    agent: AgentName,
    objective: Objective,
}

impl Errand {
    /// An errand for this agent. The first line that is not blank is its title, the whole text its body.
    pub fn new(agent: AgentName, text: String) -> Self {
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let objective = Objective {
            name: ObjectiveRef::Errand,
            title: first.to_owned(),
            body: text,
            labels: Vec::new(),
            state: IssueState::Open,
            location: ERRAND.to_owned(),
            body_line: 1,
            anchors: Arc::default(),
        };
        Self { agent, objective }
    }

    /// The issues on which it depends, sorted: the caller asks the forge about them.
    pub fn references(&self, own: Option<&RepoName>) -> Vec<IssueRef> {
        references_outside(slice::from_ref(&self.objective), &Manifest::default(), own)
    }

    /// Makes a plan of it; an issue that is missing in `standings` counts as unknown.
    ///
    /// # Errors
    /// A [`Refusal::Dangling`] or [`Refusal::Elsewhere`] for each issue that the forge does not know.
    pub fn compile(
        &self,
        standings: &BTreeMap<IssueRef, IssueStanding>,
        own: Option<&RepoName>,
    ) -> Result<Plan, Vec<Refusal>> {
        let (objectives, manifest) = (slice::from_ref(&self.objective), Manifest::default());
        let mut plan = compile(&Request { objectives, standings, manifest: &manifest, own })?;
        for item in &mut plan.items {
            item.pinned = Some(self.agent.clone());
            // It is the agent's in its own role.
            item.role = None;
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ItemKey;
    use crate::item::{Kind, Origin};

    fn errand(text: &str) -> Errand {
        Errand::new(AgentName::new("ann").expect("a name"), text.to_owned())
    }

    fn compile(text: &str, standings: &[(u64, IssueStanding)]) -> Result<Plan, String> {
        let standings = standings.iter().map(|(number, it)| (IssueRef::own(*number), *it)).collect();
        let plan = errand(text).compile(&standings, None);
        plan.map_err(|refusals| refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn an_errand_is_one_item_that_only_its_agent_may_take() {
        let text = "\n  Write the <!-- x --> docs \nof everything\n";
        let plan = compile(text, &[]).expect("a plan");
        let [item] = plan.items.as_slice() else { panic!("{plan:?}") };
        assert_eq!((item.key.as_str(), item.title.as_str()), ("errand", "Write the docs"));
        assert_eq!((item.kind, &item.origin, &item.role), (Kind::Document, &Origin::Errand, &None));
        assert_eq!(item.pinned.as_ref().map(AgentName::as_str), Some("ann"));
        assert_eq!(item.body.as_inline(), Some("\n  Write the  docs \nof everything\n"));
        assert_eq!((plan.waves, plan.diagnostics), (vec![vec![ItemKey::new("errand")]], vec![]));
    }

    #[test]
    fn what_an_errand_depends_on_is_asked_of_the_forge_each_once() {
        let errand = errand("Tidy up.\n\nDepends on #9 and #3.\nDepends on #9.");
        assert_eq!(errand.references(None), [IssueRef::own(3), IssueRef::own(9)]);
    }

    #[test]
    fn an_errand_waits_for_what_is_open_and_not_for_what_is_closed() {
        let text = "Tidy up.\n\nDepends on #3.\nDepends on #4.";
        let plan = compile(text, &[(3, IssueStanding::Open), (4, IssueStanding::Closed)]).expect("a plan");
        let external: Vec<String> = plan.items[0].external.iter().map(|it| it.on.to_string()).collect();
        assert_eq!(external, ["#3"]);
        let said: Vec<String> = plan.diagnostics.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(said.join("\n"), @r#"
        errand waits until #3 is closed, which is not part of this mission (errand:3 "Depends on #3")
        errand depends on #4, which is closed already (errand:4 "Depends on #4")
        "#);
    }

    #[test]
    fn an_errand_that_depends_on_what_nobody_knows_is_refused() {
        let refused = compile("Tidy up.\nDepends on #3.", &[]).expect_err("dangling");
        insta::assert_snapshot!(refused, @r#"
        errand depends on #3, which does not exist (errand:2 "Depends on #3")
          correct the number in the text
        "#);
    }
}
