//! What agents, reviewers and checks do in a scenario: scripted, or left to chance.
//!
//! Every answer follows from the scenario and the question alone, so that a world in which things
//! happen in another order is asked the same questions and answers them alike.

use std::time::Duration;

use super::dice::Dice;
use super::scenario::{CheckAnswer, Conduct, Scenario, ScriptedAgent, ScriptedIssue};
use crate::id::ItemKey;
use crate::input::AttemptEnd;
use crate::item::Kind;
use crate::letter::Brief;
use crate::observation::{CheckReport, Checks};
use crate::text::Text;

/// How much longer a slow agent takes.
const SLOWER: u32 = 10;
/// How soon an agent ends that ends early.
const EARLY: Duration = Duration::from_secs(1);
/// How much later an agent returns that was declared lost.
const LATE: Duration = Duration::from_mins(10);

/// What becomes of one launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// How long it takes.
    pub takes: Duration,
    /// How it ends.
    pub end: Ending,
}

/// How a launch ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// With work: a commit that touches these files; none if nothing was changed.
    Work {
        /// The files.
        touches: Vec<String>,
    },
    /// With a judgement.
    Verdict {
        /// Whether it approves.
        approve: bool,
    },
    /// Without a submission.
    Without(AttemptEnd),
    /// Its worker is declared lost, and work is handed in all the same after so long.
    Late {
        /// How much later.
        after: Duration,
        /// The files.
        touches: Vec<String>,
    },
    /// Its worker is lost with it.
    Dead,
}

/// A scenario, asked what comes of things.
#[derive(Debug, Clone, Copy)]
pub struct Script<'a> {
    scenario: &'a Scenario,
    dice: Dice,
}

impl<'a> Script<'a> {
    /// The script of a scenario.
    pub const fn new(scenario: &'a Scenario) -> Self {
        Self { scenario, dice: Dice::new(scenario.seed) }
    }

    /// The scenario.
    pub const fn scenario(&self) -> &'a Scenario {
        self.scenario
    }

    /// The scenario's dice.
    pub const fn dice(&self) -> Dice {
        self.dice
    }

    /// What an agent does with an assignment.
    pub fn deed(&self, agent: &ScriptedAgent, brief: &Brief) -> Deed {
        let conduct = self.conduct(agent, brief);
        let takes = agent.takes.get();
        match conduct {
            Conduct::Slow => Deed { takes: takes * SLOWER, end: self.good_end(brief) },
            Conduct::Hangs => hang(brief),
            Conduct::Lies => Deed { takes, end: self.lie(brief) },
            Conduct::ExitsEarly => failing(EARLY, "exit", "exit status 1"),
            Conduct::Fails(times) if brief.claim.attempt <= times => failing(takes, "exit", "exit status 1"),
            Conduct::NothingDone => failing(takes, "nothing-done", "no commit and no word about it"),
            Conduct::Stuck => {
                let summary = "which of the two is meant?".to_owned();
                Deed { takes, end: Ending::Without(AttemptEnd::Stuck { summary }) }
            }
            Conduct::Limited => {
                let detail = "usage limit reached".to_owned();
                Deed { takes: EARLY, end: Ending::Without(AttemptEnd::Limited { until: None, detail }) }
            }
            Conduct::ReturnsLate => {
                Deed { takes, end: Ending::Late { after: LATE, touches: self.touches(brief) } }
            }
            Conduct::Dies => Deed { takes: takes / 2, end: Ending::Dead },
            Conduct::Honest | Conduct::Fails(_) => Deed { takes, end: self.good_end(brief) },
        }
    }

    /// What the `nth` run of the checks for an item says, from 1; `None` if the forge does not answer.
    pub fn checks(&self, item: &ItemKey, nth: u64) -> Option<Checks> {
        let issue = self.issue(item);
        let scripted = issue.and_then(|issue| issue.checks.get(at(nth))).copied();
        Some(match scripted.unwrap_or_else(|| self.checks_by_chance(item, nth)) {
            CheckAnswer::Green => Checks::Green,
            CheckAnswer::Red => Checks::Red(report("1 test failed")),
            CheckAnswer::Infrastructure => {
                let report = report("connection reset by peer");
                Checks::Red(CheckReport { infrastructure: true, ..report })
            }
            CheckAnswer::Pending => Checks::Pending,
            CheckAnswer::CouldNotRun => Checks::CouldNotRun(report("command not found")),
            CheckAnswer::NotRequired => Checks::NotRequired,
            CheckAnswer::Unavailable => return None,
        })
    }

    /// Whether something happens at the `nth` look at an item's pull request.
    pub fn happens(&self, probability: f64, what: &str, item: &ItemKey, nth: u64) -> bool {
        self.dice.of(what).happens(probability, item.as_str(), nth)
    }

    fn checks_by_chance(&self, item: &ItemKey, nth: u64) -> CheckAnswer {
        let chance = &self.scenario.chance;
        let answers = [
            (chance.red, "red", CheckAnswer::Red),
            (chance.pending, "pending", CheckAnswer::Pending),
            (chance.could_not_run, "could not run", CheckAnswer::CouldNotRun),
        ];
        let happens =
            |(probability, what, _): &&(f64, &str, CheckAnswer)| self.happens(*probability, what, item, nth);
        answers.iter().find(happens).map_or(CheckAnswer::Green, |(_, _, answer)| *answer)
    }

    fn conduct(&self, agent: &ScriptedAgent, brief: &Brief) -> Conduct {
        let scripted = self.issue(&brief.claim.item).and_then(|issue| {
            let (script, nth) = match brief.kind {
                Kind::Fix => (&issue.fixes, follow_up_number(&brief.claim.item) - 1),
                Kind::Review => (&issue.reviews, follow_up_number(&brief.claim.item) - 1),
                _ => (&issue.attempts, 0),
            };
            script.get(nth + brief.claim.attempt as usize - 1).copied()
        });
        match (scripted, agent.conduct) {
            (None, Conduct::Honest) => self.conduct_by_chance(brief),
            (Some(conduct), _) | (None, conduct) => conduct,
        }
    }

    fn conduct_by_chance(&self, brief: &Brief) -> Conduct {
        let chance = &self.scenario.chance;
        let conducts = [
            (chance.slow, "slow", Conduct::Slow),
            (chance.hangs, "hangs", Conduct::Hangs),
            (chance.lies, "lies", Conduct::Lies),
            (chance.exits_early, "exits early", Conduct::ExitsEarly),
            (chance.returns_late, "returns late", Conduct::ReturnsLate),
            (chance.nothing_done, "nothing done", Conduct::NothingDone),
            (chance.stuck, "stuck", Conduct::Stuck),
            (chance.limited, "limited", Conduct::Limited),
            (chance.dies, "dies", Conduct::Dies),
        ];
        let nth = u64::from(brief.claim.attempt);
        let happens = |(probability, what, _): &&(f64, &str, Conduct)| {
            self.happens(*probability, what, &brief.claim.item, nth)
        };
        conducts.iter().find(happens).map_or(Conduct::Honest, |(_, _, conduct)| *conduct)
    }

    fn good_end(&self, brief: &Brief) -> Ending {
        if brief.kind == Kind::Review {
            return Ending::Verdict { approve: self.approves(&brief.claim.item) };
        }
        Ending::Work { touches: self.touches(brief) }
    }

    fn lie(&self, brief: &Brief) -> Ending {
        if brief.kind == Kind::Review {
            return self.good_end(brief);
        }
        Ending::Work { touches: Vec::new() }
    }

    fn approves(&self, review: &ItemKey) -> bool {
        let nth = follow_up_number(review);
        let scripted = self.issue(review).and_then(|issue| issue.approves.get(nth - 1)).copied();
        scripted.unwrap_or_else(|| !self.happens(self.scenario.chance.changes, "changes", review, nth as u64))
    }

    fn touches(&self, brief: &Brief) -> Vec<String> {
        self.files(&brief.claim.item)
    }

    /// The files that work on an item, or on what it follows up, touches.
    pub fn files(&self, item: &ItemKey) -> Vec<String> {
        let root = root(item);
        match self.issue(item) {
            Some(issue) if !issue.touches.is_empty() => issue.touches.clone(),
            _ if self.happens(self.scenario.chance.conflict, "conflict", &ItemKey::new(root), 0) => {
                vec![format!("file of {root}"), "shared".to_owned()]
            }
            _ => vec![format!("file of {root}")],
        }
    }

    /// The scripted issue of an item, or of what it follows up.
    fn issue(&self, item: &ItemKey) -> Option<&'a ScriptedIssue> {
        let number = root(item).strip_prefix('#')?.parse::<u64>().ok()?;
        self.scenario.issues.iter().find(|issue| issue.number == number)
    }
}

/// The item itself, or the one that it follows up.
fn root(item: &ItemKey) -> &str {
    item.as_str().split('/').next().unwrap_or_default()
}

/// Which fix or review of its item it is, from 1.
fn follow_up_number(item: &ItemKey) -> usize {
    item.as_str().rsplit('-').next().and_then(|digits| digits.parse().ok()).unwrap_or(1).max(1)
}

fn at(nth: u64) -> usize {
    usize::try_from(nth.saturating_sub(1)).unwrap_or(usize::MAX)
}

fn failing(takes: Duration, cause: &str, detail: &str) -> Deed {
    let (cause, detail) = (cause.to_owned(), detail.to_owned());
    Deed { takes, end: Ending::Without(AttemptEnd::Failed { cause, detail }) }
}

/// What ends an agent that does nothing: the shorter of the brief's limits.
fn hang(brief: &Brief) -> Deed {
    let (time, stall) = (brief.time_limit_ms, brief.stall_limit_ms);
    let cause = if stall < time { "stalled" } else { "timed-out" };
    failing(Duration::from_millis(stall.min(time)), cause, "stopped by its supervisor")
}

fn report(summary: &str) -> CheckReport {
    CheckReport::new("test", summary, Text::default())
}
