//! Gates: from submitted work to done. Everything is judged on one head; a new head begins anew.

use std::time::Duration;

use super::Turn;
use super::attempt::backoff;
use crate::effect::{Effect, EffectKind};
use crate::event::{Event, Hold, Outcome};
use crate::id::Sha;
use crate::mission::{Gates, ItemIx};
use crate::mutant::{Mutant, is_planted};
use crate::observation::{Checks, Mergeable, PullState};
use crate::spend::Spend;
use crate::text::Text;

/// How soon a merge is tried again that the user's local changes were in the way of.
pub(super) const BUSY_RETRY: Duration = Duration::from_secs(5);

/// What a judgement of the gates leads to.
pub(super) enum Verdict {
    /// Something under way will tell.
    Wait,
    /// Look again after the policy's interval; and ask the checks again then.
    LookLater { again: bool },
    /// Run the checks again: they said nothing about the work.
    Rerun { times: u32 },
    /// However often they are run, they say nothing about the work.
    Unjudged { detail: String },
    /// The head must be mended.
    Mend { cause: &'static str, summary: String, output: Text },
    /// A review is needed.
    Review,
    /// Every gate is passed.
    Pass,
}

/// All that bots found in one head is one fix.
fn findings(gates: &Gates) -> Verdict {
    let count = gates.findings.len();
    let author = gates.findings.first().map_or("", |first| first.author.as_str());
    let what = if count == 1 { "a finding" } else { "findings" };
    let texts: Vec<String> =
        gates.findings.iter().map(|finding| format!("{}: {}", finding.author, finding.text)).collect();
    Verdict::Mend {
        cause: "bugbot",
        summary: format!("{author} has {what} that nobody has answered"),
        output: Text::inline(texts.join("\n\n")),
    }
}

impl Turn<'_> {
    /// The next thing to do for an item whose work was handed in.
    pub(super) fn judge(&mut self, ix: ItemIx) {
        let item = self.mission.item(ix);
        let now = &item.now;
        if item.task.is_some() || now.hold.is_some() || (now.forge_trouble.is_some() && now.look_at.is_some())
        {
            return;
        }
        if now.empty && now.pull.is_none() {
            return self.judge_empty(ix);
        }
        match now.pull.as_ref().map(|pull| pull.state.clone()) {
            Some(PullState::Merged(commit)) => self.done(ix, Outcome::Merged { commit }),
            Some(PullState::Closed) if !is_planted(Mutant::PublishedForEver) => self.judge_closed(ix),
            // A look may have seen the head that is being published; what comes of that is still to be heard.
            _ if now.awaits(EffectKind::Publish) => {}
            _ if now.head() != now.proposed.as_ref() => self.publish(ix),
            Some(PullState::Open | PullState::Closed) => self.judge_open(ix),
            None => {}
        }
    }

    /// Closed unmerged: a person says what is to happen. Before they are asked, and after they said so,
    /// it is looked at: it may have been opened again.
    fn judge_closed(&mut self, ix: ItemIx) {
        if self.mission.item(ix).now.gates.mergeable.is_none() {
            return self.ask_look(ix);
        }
        self.hold(ix, Hold::Closed);
    }

    fn judge_open(&mut self, ix: ItemIx) {
        if self.restack(ix) {
            return;
        }
        self.look_if_unknown(ix);
        let verdict = self.verdict_on(ix);
        if !matches!(verdict, Verdict::Wait | Verdict::Pass) {
            self.leave_lane(ix);
        }
        match verdict {
            Verdict::Wait => {}
            Verdict::LookLater { again } => self.look_later(ix, again),
            Verdict::Rerun { times } => self.look_at(ix, backoff(times), true),
            Verdict::Unjudged { detail } => self.hold_unjudged(ix, detail),
            Verdict::Mend { cause, summary, output } => {
                self.accepted_moved(ix, &summary);
                self.mend(ix, cause, &summary, &output);
                self.look_later(ix, cause == "checks");
            }
            Verdict::Review => self.review(ix),
            Verdict::Pass => self.pass(ix),
        }
    }

    /// Judges what is known of the head, in the order in which waits are told.
    fn verdict_on(&self, ix: ItemIx) -> Verdict {
        let item = self.mission.item(ix);
        let gates = &item.now.gates;
        let mending = item.now.open_fix.is_some();
        if let Err(verdict) = self.verdict_of(gates.checks.as_ref(), gates.unjudged, mending) {
            return verdict;
        }
        match &gates.mergeable {
            _ if mending => return Verdict::Wait,
            None => return Verdict::Wait,
            Some(Mergeable::Unknown) if is_planted(Mutant::UnknownMerges) => {}
            Some(Mergeable::Unknown) => return Verdict::LookLater { again: false },
            Some(Mergeable::Conflict(detail)) => {
                let summary =
                    "it does not merge into the base: merge the base into it and resolve the conflict";
                let output = Text::inline(detail.clone());
                return Verdict::Mend { cause: "conflict", summary: summary.to_owned(), output };
            }
            Some(Mergeable::Yes) => {}
        }
        if !gates.findings.is_empty() && !gates.person && !is_planted(Mutant::FindingsIgnored) {
            return findings(gates);
        }
        if item.unmet > 0 || (!gates.governed.is_empty() && !gates.person) {
            return Verdict::LookLater { again: false };
        }
        match &gates.review {
            Some(review) if !review.approve => {
                let summary = format!("{} asks for changes", review.by);
                Verdict::Mend { cause: "review", summary, output: Text::inline(review.summary.clone()) }
            }
            _ if self.mission.wants_review(ix) => Verdict::Review,
            Some(_) | None => self.verdict_on_trial(ix),
        }
    }

    /// What the checks say; nothing if they passed.
    pub(super) fn verdict_of(
        &self,
        checks: Option<&Checks>,
        unjudged: u32,
        mending: bool,
    ) -> Result<(), Verdict> {
        Err(match checks {
            None => Verdict::Wait,
            Some(Checks::Pending) => Verdict::LookLater { again: true },
            Some(Checks::CouldNotRun(_)) if is_planted(Mutant::CouldNotRunPasses) => return Ok(()),
            Some(checks) if checks.could_not_judge() && self.may_rerun(unjudged) => {
                Verdict::Rerun { times: unjudged }
            }
            Some(Checks::CouldNotRun(report)) => {
                let (name, summary) = (&report.name, &report.summary);
                let detail = format!("{name} could not run, {unjudged} times, the last: {summary}");
                Verdict::Unjudged { detail }
            }
            Some(Checks::Red(_)) if is_planted(Mutant::RedIsGreen) => return Ok(()),
            Some(Checks::Red(_)) if mending => Verdict::LookLater { again: true },
            Some(Checks::Red(report)) => {
                let summary = format!("{} failed: {}", report.name, report.summary);
                Verdict::Mend { cause: "checks", summary, output: report.output.clone() }
            }
            Some(Checks::Green | Checks::NotRequired) => return Ok(()),
        })
    }

    fn may_rerun(&self, unjudged: u32) -> bool {
        unjudged <= self.mission.policy().check_reruns || is_planted(Mutant::RerunForEver)
    }

    /// Unless they are being run again, somebody is asked.
    fn hold_unjudged(&mut self, ix: ItemIx, detail: String) {
        let now = &self.mission.item(ix).now;
        if now.look_at.is_none() && !now.awaits(EffectKind::Check) {
            self.hold(ix, Hold::Checks { detail });
        }
    }

    /// Every gate is passed on this head: merge it, or leave it to a person.
    fn pass(&mut self, ix: ItemIx) {
        let now = &self.mission.item(ix).now;
        let Some(head) = now.head().cloned() else { return };
        if !self.mission.is_merging(ix) {
            return self.done(ix, Outcome::Accepted { head });
        }
        if now.gates.busy.is_some() {
            return self.look_at(ix, BUSY_RETRY, false);
        }
        self.merge(ix);
    }

    pub(super) fn done(&mut self, ix: ItemIx, outcome: Outcome) {
        let item = self.mission.key(ix).clone();
        self.supersede_follow_ups(ix);
        self.emit(Event::ItemDone { item, outcome });
    }

    /// Work that changed nothing is done when a reviewer or a person agrees.
    fn judge_empty(&mut self, ix: ItemIx) {
        let review = self.mission.item(ix).now.gates.review.clone();
        match review {
            Some(review) if !review.approve => {
                let item = self.mission.item(ix);
                let (key, attempt) = (item.spec.key.clone(), item.now.launches);
                let Some(agent) = item.now.authors.last().cloned() else { return };
                let cause = "empty-change".to_owned();
                self.emit(Event::AttemptFailed {
                    item: key,
                    agent,
                    attempt,
                    cause,
                    detail: review.summary,
                    spend: Spend::NONE,
                });
                self.after_failure(ix);
            }
            Some(_) if !self.mission.wants_review(ix) => self.done(ix, Outcome::Unchanged),
            _ if self.mission.policy().reviewer_required => self.review(ix),
            _ => {}
        }
    }

    fn publish(&mut self, ix: ItemIx) {
        let item = self.mission.item(ix);
        let Some(head) = item.now.proposed.clone() else { return };
        let effect = Effect::Publish {
            item: item.spec.key.clone(),
            pull: item.now.pull.as_ref().map(|pull| pull.number),
            branch: super::assign::branch(self.mission, ix),
            expected: item.now.head().cloned(),
            head,
            title: format!("{} ({})", item.spec.title, item.spec.key),
            body: item.now.summary.clone(),
        };
        self.ask(ix, effect);
    }

    fn look_if_unknown(&mut self, ix: ItemIx) {
        let item = self.mission.item(ix);
        let Some(head) = item.now.head().cloned() else { return };
        let look = item.now.gates.mergeable.is_none();
        let again = item.now.check_again && item.now.look_at.is_none();
        if item.now.gates.checks.is_none() || again {
            let trial = item.now.gates.trial.as_ref().filter(|trial| trial.checks.is_some());
            let judged_last = trial.map_or(head, |trial| trial.commit.clone());
            self.ask_check(ix, judged_last, again);
        }
        if look {
            self.ask_look(ix);
        }
    }

    /// Asks what the checks say about a commit of the pull request, unless they are being asked.
    pub(super) fn ask_check(&mut self, ix: ItemIx, head: Sha, again: bool) {
        let item = self.mission.item(ix);
        let Some(pull) = item.now.pull.as_ref().filter(|_| !item.now.awaits(EffectKind::Check)) else {
            return;
        };
        let effect = Effect::Check { item: item.spec.key.clone(), pull: pull.number, head, again };
        self.ask(ix, effect);
    }

    /// Looks at the pull request, unless that is under way.
    fn ask_look(&mut self, ix: ItemIx) {
        let item = self.mission.item(ix);
        let Some(pull) = item.now.pull.as_ref().filter(|_| !item.now.awaits(EffectKind::Look)) else {
            return;
        };
        let effect = Effect::Look { item: item.spec.key.clone(), pull: pull.number };
        self.ask(ix, effect);
    }

    fn look_later(&mut self, ix: ItemIx, again: bool) {
        let at_once = is_planted(Mutant::LookedForEver);
        let interval = self.mission.policy().watch_interval();
        self.look_at(ix, if at_once { Duration::ZERO } else { interval }, again);
    }

    pub(super) fn look_at(&mut self, ix: ItemIx, after: Duration, again: bool) {
        let now = &self.mission.item(ix).now;
        // A check under way reports by itself; what is scheduled stays.
        if now.look_at.is_none() && !(again && now.awaits(EffectKind::Check)) {
            let (item, at) = (self.mission.key(ix).clone(), self.now + after);
            self.emit(Event::LookScheduled { item, at, again });
        }
    }

    /// An accepted item is watched for as long as somebody builds upon it.
    pub(super) fn watch(&mut self, ix: ItemIx) {
        let item = self.mission.item(ix);
        if !item.now.is_accepted() || item.now.forge_trouble.is_some() || self.restack(ix) {
            return;
        }
        let item = self.mission.item(ix);
        if item.now.look_at.is_some() || item.now.awaits(EffectKind::Look) || !self.is_built_upon(ix) {
            return;
        }
        if item.now.gates.mergeable.is_none() {
            self.ask_look(ix);
        } else {
            self.look_later(ix, false);
        }
    }

    fn is_built_upon(&self, ix: ItemIx) -> bool {
        self.mission.dependents(ix).iter().any(|on| !self.mission.item(*on).now.phase.is_over())
    }

    /// What was accepted is not what it was: it is judged anew, and what builds upon it waits.
    pub(super) fn accepted_moved(&mut self, ix: ItemIx, detail: &str) {
        let item = self.mission.item(ix);
        if item.now.is_accepted() {
            let (item, detail) = (item.spec.key.clone(), detail.to_owned());
            self.emit(Event::DependencyChanged { item, detail });
        }
    }
}
