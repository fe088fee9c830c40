//! What the forge and people do in a simulation: effects performed, and everything that happens besides.

use std::collections::BTreeMap;
use std::time::Duration;

use super::conduct::Script;
use super::forge::{Denial, ForgeModel};
use super::scenario::Happening;
use super::transcript::ByHand;
use crate::effect::{Effect, EffectKind, EffectResult};
use crate::id::{ItemKey, MissionId, OpId, Sha};
use crate::issue::{Issue, IssueRef, IssueState};
use crate::mission::Mission;
use crate::observation::{Pull, PullState};

/// The forge, and how often it was asked about each item.
#[derive(Debug)]
pub(super) struct Outside<'a> {
    script: Script<'a>,
    pub(super) forge: ForgeModel,
    tallies: BTreeMap<ItemKey, Tally>,
    /// What people did since somebody last asked.
    pub(super) by_hand: Vec<ByHand>,
}

/// How often something was done for an item.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    effects: u64,
    looks: u64,
    runs: u64,
}

/// How long an effect takes.
pub(super) const fn takes(kind: EffectKind) -> Duration {
    match kind {
        EffectKind::Base => Duration::from_millis(200),
        EffectKind::Look | EffectKind::Issues => Duration::from_millis(500),
        EffectKind::Publish | EffectKind::Merge | EffectKind::Restack => Duration::from_secs(1),
        EffectKind::Check => Duration::from_secs(5),
    }
}

impl<'a> Outside<'a> {
    pub(super) fn new(script: Script<'a>) -> Self {
        Self { script, forge: ForgeModel::new(), tallies: BTreeMap::new(), by_hand: Vec::new() }
    }

    /// The forge gets to an effect.
    pub(super) fn perform(&mut self, mission: MissionId, op: &OpId, effect: &Effect) -> EffectResult {
        let (item, chance) = (effect.item(), &self.script.scenario().chance);
        let nth = self.count(item, |tally| &mut tally.effects);
        let silent = self.script.happens(chance.unavailable, "unavailable", item, nth);
        // Whether a forge that does not answer has done what it was asked is a matter of luck.
        if silent && self.script.happens(0.5, "not done", item, nth) {
            return unavailable();
        }
        if let Effect::Look { item, pull } = effect {
            self.before_look(item, *pull);
        }
        if let Effect::Check { item, head, again, .. } = effect
            && (*again || self.forge.verdict(head).is_none())
            && !self.script_run(item, head)
        {
            return unavailable();
        }
        match self.forge.perform(mission, op, effect, &|| true) {
            _ if silent => unavailable(),
            Ok(result) => result,
            Err(denial @ (Denial::Revoked(_) | Denial::Refused(_))) => {
                EffectResult::Failed { again: false, detail: denial.to_string() }
            }
        }
    }

    fn count(&mut self, item: &ItemKey, which: impl Fn(&mut Tally) -> &mut u64) -> u64 {
        let tally = match self.tallies.get_mut(item) {
            Some(tally) => tally,
            None => self.tallies.entry(item.clone()).or_default(),
        };
        let count = which(tally);
        *count += 1;
        *count
    }

    /// Decides what the coming run of the checks says; `false` if the forge does not answer.
    fn script_run(&mut self, item: &ItemKey, head: &Sha) -> bool {
        let nth = self.count(item, |tally| &mut tally.runs);
        let answer = self.script.checks(item, nth);
        let answers = answer.is_some();
        self.forge.script_checks(head, answer);
        answers
    }

    /// What people do between two looks, and what the forge does not know yet.
    fn before_look(&mut self, item: &ItemKey, number: u64) {
        let nth = self.count(item, |tally| &mut tally.looks);
        let Some(pull) = self.open_pull(number) else { return };
        let (script, chance) = (self.script, &self.script.scenario().chance);
        let happens = |probability, what| script.happens(probability, what, item, nth);
        if happens(chance.finding, "finding") {
            self.comment(&pull);
        }
        let mut head = pull.head.clone();
        if happens(chance.push, "push") {
            head = self.push(item, &pull);
        }
        if happens(chance.close, "close") {
            self.close(number);
        } else if happens(chance.merge, "merge") {
            self.merge(number);
        }
        if chance.unknown > 0.0 {
            self.forge.set_mergeability_unknown(&head, happens(chance.unknown, "unknown"));
        }
    }

    fn comment(&mut self, pull: &Pull) {
        let (author, text) = ("bugbot[bot]", "this overflows for large inputs");
        self.forge.comment(pull.number, author, text);
        self.by_hand.push(ByHand::Commented { pull: pull.number, author: author.to_owned() });
    }

    /// Does what happens besides, if it can happen now. Of agents and operators others take care.
    pub(super) fn happen(&mut self, happening: &Happening, mission: &Mission) -> bool {
        match happening {
            Happening::Push(number)
            | Happening::Find(number)
            | Happening::Resolve(number)
            | Happening::Close(number)
            | Happening::Merge(number) => {
                let Some(pull) = self.open_pull_of(*number, mission) else { return false };
                match happening {
                    Happening::Push(_) => drop(self.push(&IssueRef::own(*number).key(), &pull)),
                    Happening::Find(_) => self.comment(&pull),
                    Happening::Resolve(_) => {
                        self.forge.resolve_comments(pull.number);
                        self.by_hand.push(ByHand::Resolved { pull: pull.number });
                    }
                    Happening::Close(_) => self.close(pull.number),
                    _ => self.merge(pull.number),
                }
            }
            Happening::Conflict(number) => {
                if self.open_pull_of(*number, mission).is_none() {
                    return false;
                }
                self.move_base(&IssueRef::own(*number).key());
            }
            Happening::CloseIssue(number) => self.close_issue(*number),
            Happening::Busy(busy) => self.set_busy(*busy),
            Happening::Note(_)
            | Happening::Stop(_)
            | Happening::Resume
            | Happening::Add(_)
            | Happening::Leave(_)
            | Happening::Join(_) => {}
        }
        true
    }

    fn open_pull(&self, number: u64) -> Option<Pull> {
        self.forge.pull(number).filter(|pull| pull.state == PullState::Open)
    }

    fn open_pull_of(&self, issue: u64, mission: &Mission) -> Option<Pull> {
        let ix = mission.find(&IssueRef::own(issue).key())?;
        self.open_pull(mission.item(ix).now.pull.as_ref()?.number)
    }

    fn commit(&mut self, parent: &Sha, item: &ItemKey) -> Sha {
        let files = self.script.files(item);
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        self.forge.commit(&[parent], &files)
    }

    fn push(&mut self, item: &ItemKey, pull: &Pull) -> Sha {
        let head = self.commit(&pull.head, item);
        self.forge.push(&pull.branch, Some(&head));
        self.by_hand.push(ByHand::Pushed { pull: pull.number, head: head.clone() });
        head
    }

    fn close(&mut self, pull: u64) {
        self.forge.close(pull);
        self.by_hand.push(ByHand::Closed { pull });
    }

    fn merge(&mut self, pull: u64) {
        if let Some(commit) = self.forge.merge_by_hand(pull) {
            self.by_hand.push(ByHand::Merged { pull, commit });
        }
    }

    fn move_base(&mut self, item: &ItemKey) {
        let base = self.commit(&self.forge.base_tip(), item);
        self.forge.move_base(&base);
        self.by_hand.push(ByHand::BaseMoved { base });
    }

    fn close_issue(&mut self, number: u64) {
        let reference = IssueRef::own(number);
        let (title, location) = (format!("Issue {number}"), format!("issue {number}"));
        self.by_hand.push(ByHand::IssueClosed(reference.clone()));
        self.forge.put_issue(Issue {
            reference,
            title,
            body: String::new(),
            labels: Vec::new(),
            state: IssueState::Closed,
            location,
            body_line: 1,
        });
    }

    fn set_busy(&mut self, busy: bool) {
        self.forge.set_base_busy(busy.then_some("your changes to README.md would be overwritten"));
        self.by_hand.push(ByHand::Busy(busy));
    }
}

/// As dispatchers say it.
fn unavailable() -> EffectResult {
    let detail = "the forge is not available: no answer".to_owned();
    EffectResult::Failed { again: true, detail }
}
