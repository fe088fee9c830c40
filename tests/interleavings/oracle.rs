//! What somebody knows who heard exactly what the engine was told, and judges what it does with that.
//!
//! Nothing here is the engine's: per head what was said about it last, and which head is the pull request's.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tinytown_core::effect::{Effect, EffectResult};
use tinytown_core::event::{Event, Outcome};
use tinytown_core::id::{AgentName, Sha};
use tinytown_core::item::Kind;
use tinytown_core::letter::Brief;
use tinytown_core::observation::{Checks, Mergeable, PullState};
use tinytown_core::policy::Policy;

use crate::world::ITEM;

/// What was said about one head.
#[derive(Debug, Clone, Default, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that was said")]
struct Known {
    /// The last word of the checks on it is a pass.
    checked: bool,
    /// The last look at it said that it merges, and nobody approved it since.
    merges: bool,
    /// The last look at it showed files that govern missions.
    governs: bool,
    /// The last judgement of somebody who wrote none of it.
    approved: Option<bool>,
    /// A person approved it.
    person: bool,
}

/// The listener.
#[derive(Debug, Clone, Default, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that was said")]
pub(crate) struct Oracle {
    #[serde(skip)]
    review: bool,
    #[serde(skip)]
    pub(crate) auto_merge: bool,
    heads: BTreeMap<Sha, Known>,
    /// Merges on trial, in order, each with the head that is in it.
    trials: Vec<(Sha, Sha)>,
    authors: BTreeSet<AgentName>,
    /// The head that the pull request was said to have last, and the one that it had before.
    pub(crate) told: Option<Sha>,
    pub(crate) earlier: Option<Sha>,
    /// What was handed in or pushed last: this is what people see, and approve.
    pub(crate) proposed: Option<Sha>,
    open: bool,
    merged: bool,
    /// A person asked for the merge.
    pub(crate) wanted: bool,
    /// What the engine accepted last.
    pub(crate) accepted: Option<Sha>,
}

impl Oracle {
    pub(crate) fn new(policy: &Policy) -> Self {
        Self { review: policy.reviewer_required, auto_merge: policy.auto_merge, ..Self::default() }
    }

    /// How many merges were on trial.
    pub(crate) fn trials(&self) -> u64 {
        self.trials.len() as u64
    }

    /// A merge that was on trial before.
    pub(crate) fn other_trial(&self, than: &Sha) -> Option<&Sha> {
        self.trials.iter().map(|(trial, _)| trial).find(|trial| *trial != than)
    }

    /// The engine is told what came of an effect.
    pub(crate) fn hears_result(&mut self, effect: &Effect, result: &EffectResult) {
        match result {
            EffectResult::Published(pull) => self.pull(&pull.head, &PullState::Open),
            EffectResult::NotOpen(pull) => self.state(&pull.state),
            EffectResult::HeadMoved(head) => {
                self.at(head);
                self.proposed = Some(head.clone());
            }
            EffectResult::Looked(seen) => {
                if self.told.as_ref() != Some(&seen.head) {
                    self.proposed = Some(seen.head.clone());
                }
                self.pull(&seen.head, &seen.state);
                let known = self.heads.entry(seen.head.clone()).or_default();
                known.merges = seen.mergeable == Mergeable::Yes;
                known.governs = !seen.governed.is_empty();
            }
            EffectResult::Checked { head, checks } => {
                let passed = matches!(checks, Checks::Green | Checks::NotRequired);
                self.heads.entry(head.clone()).or_default().checked = passed;
            }
            EffectResult::MergeConflict(_) => {
                if let Effect::Merge { head, .. } = effect {
                    self.heads.entry(head.clone()).or_default().merges = false;
                }
            }
            EffectResult::Untested { head, trial } => self.trials.push((trial.clone(), head.clone())),
            EffectResult::Merged(_) => self.state(&PullState::Merged(None)),
            EffectResult::Closed => self.state(&PullState::Closed),
            _ => {}
        }
    }

    /// The engine is given work under an assignment in force.
    pub(crate) fn hears_work(&mut self, by: &AgentName, head: &Sha) {
        self.authors.insert(by.clone());
        self.proposed = Some(head.clone());
    }

    /// The engine is given a judgement under an assignment in force.
    pub(crate) fn hears_verdict(&mut self, by: &AgentName, head: &Sha, approve: bool) {
        if !self.authors.contains(by) {
            self.judged(head, approve);
        }
    }

    /// A person approves what they see.
    pub(crate) fn hears_approval(&mut self) {
        if let Some(head) = self.proposed.clone() {
            self.judged(&head, true);
            self.heads.entry(head).or_default().person = true;
        }
    }

    fn judged(&mut self, head: &Sha, approve: bool) {
        let known = self.heads.entry(head.clone()).or_default();
        known.approved = Some(approve);
        known.merges &= !approve;
    }

    fn pull(&mut self, head: &Sha, state: &PullState) {
        self.at(head);
        self.open = *state == PullState::Open;
        self.state(state);
    }

    fn state(&mut self, state: &PullState) {
        self.open &= *state == PullState::Open;
        self.merged |= matches!(state, PullState::Merged(_));
    }

    fn at(&mut self, head: &Sha) {
        if self.told.as_ref() != Some(head) {
            self.earlier = self.told.replace(head.clone());
        }
    }

    /// Whether the engine may say so.
    pub(crate) fn judges_event(&mut self, event: &Event) -> Result<(), String> {
        let Event::ItemDone { item, outcome } = event else { return Ok(()) };
        if item.as_str() != ITEM {
            return Ok(());
        }
        match outcome {
            Outcome::Accepted { .. } if self.auto_merge => {
                Err("accepted where it is to be merged".to_owned())
            }
            Outcome::Accepted { head } => {
                self.proved(head).map_err(|why| format!("accepted {}: {why}", head.short()))?;
                self.accepted = Some(head.clone());
                Ok(())
            }
            Outcome::Merged { .. } if self.merged => Ok(()),
            other => Err(format!("done as {other:?}, and nobody said so")),
        }
    }

    /// Whether the engine may ask for it.
    pub(crate) fn judges_effect(&self, effect: &Effect) -> Result<(), String> {
        match effect {
            Effect::Merge { head, tested, .. } => {
                let may = self.may_merge(head).and_then(|()| self.may_land(head, tested.as_ref()));
                may.map_err(|why| format!("merge of {}: {why}", head.short()))
            }
            Effect::Publish { head, .. } if self.proposed.as_ref() != Some(head) => {
                Err(format!("published {}, which is not what was handed in last", head.short()))
            }
            Effect::Base { holds, .. } if !holds.iter().all(|head| self.may_be_built_upon(head)) => {
                Err("built upon what is not accepted".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Whether the engine may give that to that agent.
    pub(crate) fn judges_assignment(&self, brief: &Brief) -> Result<(), String> {
        let own = brief.kind == Kind::Review && self.authors.contains(&brief.claim.agent);
        if own { Err(format!("{} is to review what they wrote", brief.claim.agent)) } else { Ok(()) }
    }

    fn may_merge(&self, head: &Sha) -> Result<(), &'static str> {
        if self.merged {
            return Err("it is merged already");
        }
        if !self.auto_merge && !self.wanted {
            return Err("nobody wants that");
        }
        self.proved(head)
    }

    /// What is said to be tested is a merge of that head, on which the checks have passed.
    fn may_land(&self, head: &Sha, tested: Option<&Sha>) -> Result<(), &'static str> {
        let Some(tested) = tested else { return Ok(()) };
        if !self.trials.iter().any(|(trial, of)| trial == tested && of == head) {
            return Err("the merge that was tested is of another head");
        }
        let passed = self.heads.get(tested).is_some_and(|known| known.checked);
        if passed { Ok(()) } else { Err("the merge that is to land was not tested") }
    }

    fn may_be_built_upon(&self, head: &Sha) -> bool {
        self.accepted.as_ref() == Some(head) && self.told.as_ref() == Some(head)
    }

    /// Whether all that was said about exactly this head, and not about another, lets it pass.
    fn proved(&self, head: &Sha) -> Result<(), &'static str> {
        let Some(known) = self.heads.get(head) else { return Err("nothing is known of that head") };
        let gates = [
            (self.told.as_ref() == Some(head), "the pull request is at another head"),
            (self.open, "the pull request is not open"),
            (known.checked, "its checks have not passed"),
            (known.merges, "that it merges was not said since it was approved"),
            (known.approved != Some(false), "changes were asked for"),
            (!self.review || known.approved == Some(true), "nobody else approved it"),
            (!known.governs || known.person, "it changes what governs, and no person approved it"),
        ];
        gates.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, why)| Err(why))
    }
}
