//! Follow-ups: fixes and reviews, made by the mission for one of its items.

use super::Turn;
use crate::event::{Event, FollowUp, Hold, SkipReason};
use crate::id::{AgentName, Sha};
use crate::item::{ItemSpec, Kind, Origin, RoleWish};
use crate::mission::{ItemIx, Phase};
use crate::mutant::{Mutant, is_planted};
use crate::text::Text;

/// Marks where a fix's text ends and the evidence begins.
const EVIDENCE: &str = "\n\nWhat was seen:\n\n";

impl Turn<'_> {
    /// Makes a fix for the pull request's head, unless one is open or the budget is used up.
    pub(super) fn mend(&mut self, ix: ItemIx, cause: &'static str, summary: &str, output: &Text) {
        let now = &self.mission.item(ix).now;
        // What fails only once it is merged is mended there.
        let trial = now.gates.trial.as_ref().filter(|trial| cause == "checks" && trial.checks.is_some());
        let Some(head) = trial.map(|trial| &trial.commit).or(now.head()).cloned() else { return };
        self.add_fix(
            ix,
            FollowUp::Fix { head, cause: cause.to_owned(), must_hold: Vec::new() },
            summary,
            output,
        );
    }

    /// Makes a fix for heads that do not merge, so that the item can start at all.
    pub(super) fn mend_base(&mut self, ix: ItemIx, onto: Sha, head: Sha, detail: &str) {
        let summary = format!(
            "the accepted work that {} builds upon does not merge: merge {head} into {onto} and resolve the conflict",
            self.mission.key(ix)
        );
        let task = FollowUp::Fix { head: onto, cause: "base-conflict".to_owned(), must_hold: vec![head] };
        self.add_fix(ix, task, &summary, &Text::inline(detail));
    }

    /// Makes a fix for a pull request that does not merge with what its item builds upon.
    pub(super) fn mend_stack(&mut self, ix: ItemIx, must_hold: Sha, detail: &str) {
        let Some(head) = self.mission.item(ix).now.head().cloned() else { return };
        let summary = format!("what it builds upon has changed: merge {must_hold} and resolve the conflict");
        let task = FollowUp::Fix { head, cause: "conflict".to_owned(), must_hold: vec![must_hold] };
        self.add_fix(ix, task, &summary, &Text::inline(detail));
    }

    fn add_fix(&mut self, ix: ItemIx, task: FollowUp, summary: &str, output: &Text) {
        let item = self.mission.item(ix);
        if item.now.open_fix.is_some() {
            return;
        }
        if self.hold_if_overspent(ix) {
            return;
        }
        let item = self.mission.item(ix);
        let allowed = self.mission.tries(item);
        if item.now.fixes >= allowed {
            let detail = format!("{} of {allowed} fixes did not help: {summary}", item.now.fixes);
            return self.hold(ix, Hold::Limit { detail });
        }
        let body = match output {
            Text::Inline(output) if output.is_empty() => Text::inline(summary),
            Text::Inline(output) => Text::inline(format!("{summary}{EVIDENCE}{output}")),
            stored @ Text::Stored { .. } => stored.clone(),
        };
        let spec = ItemSpec {
            key: item.spec.key.follow_up("fix", item.now.fixes + 1),
            title: one_line(&format!("Fix {}: {summary}", item.spec.key)),
            kind: Kind::Fix,
            role: item.spec.role.clone().map(|wish| RoleWish { required: false, ..wish }),
            // An errand is one agent's, to its end.
            pinned: item.now.pinned.clone().filter(|_| item.spec.origin == Origin::Errand),
            body,
            ..follow_up_of(&item.spec)
        };
        self.emit(Event::ItemAdded { item: spec.key.clone(), spec: Box::new(spec), task });
    }

    /// Makes a review of the head, unless one is open.
    pub(super) fn review(&mut self, ix: ItemIx) {
        let item = self.mission.item(ix);
        let Some(head) = item.now.proposed.clone().filter(|_| item.now.open_review.is_none()) else { return };
        if self.hold_if_overspent(ix) {
            return;
        }
        let item = self.mission.item(ix);
        let spec = ItemSpec {
            key: item.spec.key.follow_up("review", item.now.reviews + 1),
            title: one_line(&format!("Review {}: {}", item.spec.key, item.spec.title)),
            kind: Kind::Review,
            body: item.spec.body.clone(),
            ..follow_up_of(&item.spec)
        };
        let task = FollowUp::Review { head };
        self.emit(Event::ItemAdded { item: spec.key.clone(), spec: Box::new(spec), task });
    }

    /// A fix was handed in: the pull request, or the start of the work, moves to it.
    pub(super) fn fixed(&mut self, ix: ItemIx, head: &Sha, by: &AgentName) {
        let Some(parent) = self.mission.item(ix).parent else { return };
        let item = self.mission.key(parent).clone();
        let (head, cli, by) = (head.clone(), self.cli_of(by), by.clone());
        match self.mission.item(parent).now.phase {
            Phase::Gated => self.emit(Event::HeadProposed { item, head, by, cli }),
            Phase::Pending | Phase::Ready => self.emit(Event::BaseMended { item, head, by, cli }),
            _ => {}
        }
    }

    /// A review was handed in. It counts if it is about what is proposed now.
    pub(super) fn verdict(&mut self, ix: ItemIx, head: &Sha, by: &AgentName, approve: bool, summary: &str) {
        let Some(parent) = self.mission.item(ix).parent else { return };
        let now = &self.mission.item(parent).now;
        let own = now.authors.contains(by) && !is_planted(Mutant::OwnReviewCounted);
        if now.phase == Phase::Gated && now.proposed.as_ref() == Some(head) && !own {
            let item = self.mission.key(parent).clone();
            let (by, summary) = (by.to_string(), summary.to_owned());
            self.emit(Event::VerdictGiven { item, head: head.clone(), by, approve, summary });
        }
    }

    /// Nobody needs an item's open follow-ups any more.
    pub(super) fn supersede_follow_ups(&mut self, ix: ItemIx) {
        let now = &self.mission.item(ix).now;
        for open in [now.open_fix, now.open_review].into_iter().flatten() {
            self.supersede(ItemIx(open));
        }
    }

    /// The review of a head that is not proposed any more, and a fix of what mended itself and was not begun.
    pub(super) fn supersede_outdated(&mut self, ix: ItemIx) {
        let now = &self.mission.item(ix).now;
        if let Some(open) = now.open_review.map(ItemIx)
            && let Some(FollowUp::Review { head }) = &self.mission.item(open).task
            && now.proposed.as_ref() != Some(head)
        {
            self.supersede(open);
        }
    }

    /// A fix that nobody began and nobody needs.
    pub(super) fn supersede_unbegun_fix(&mut self, ix: ItemIx) {
        let open = self.mission.item(ix).now.open_fix.map(ItemIx);
        if let Some(open) = open.filter(|open| !self.mission.item(*open).now.phase.holds_slot()) {
            self.supersede(open);
        }
    }

    pub(super) fn supersede(&mut self, ix: ItemIx) {
        let phase = self.mission.item(ix).now.phase;
        if phase.holds_slot() {
            self.cancel(ix, Some(SkipReason::Superseded));
        } else if !phase.is_over() {
            let item = self.mission.key(ix).clone();
            self.emit(Event::ItemSkipped { item, reason: SkipReason::Superseded });
        }
    }
}

/// What a follow-up takes over from the item that it follows.
fn follow_up_of(of: &ItemSpec) -> ItemSpec {
    ItemSpec {
        key: of.key.clone(),
        title: String::new(),
        kind: Kind::Fix,
        role: None,
        pinned: None,
        priority: of.priority,
        body: Text::default(),
        depends_on: Vec::new(),
        external: Vec::new(),
        skip: false,
        path_length: of.path_length,
        origin: Origin::FollowUp(of.key.clone()),
    }
}

fn one_line(text: &str) -> String {
    const MOST: usize = 120;
    let line: String = text.lines().next().unwrap_or("").chars().take(MOST + 1).collect();
    if line.chars().count() <= MOST {
        return line;
    }
    line.chars().take(MOST).chain(['…']).collect()
}
