//! Scenarios from a seed alone: what campaigns run on, and what is measured.

use std::time::Duration;

use super::dice::Dice;
use super::scenario::{Chance, Happening, Meanwhile, Scenario, ScriptedAgent, ScriptedIssue};
use super::span::Span;
use crate::id::AgentName;
use crate::policy::Policy;
use crate::spend::{Spend, Usd};

/// Names and roles of agents, in the order in which they are hired.
const AGENTS: [(&str, Option<&str>); 5] = [
    ("backend", Some("backend")),
    ("reviewer", Some("reviewer")),
    ("anybody", None),
    ("tester", Some("tester")),
    ("designer", Some("designer")),
];
const TITLES: [&str; 4] = ["Design", "Implement", "Write tests for", "Document"];

impl Scenario {
    /// A random scenario of so many issues (at least one): a graph with up to three dependencies each,
    /// one to five agents, a policy, and everything that may go wrong, mostly rarely.
    #[must_use]
    pub fn drawn(seed: u64, issues: usize) -> Self {
        let dice = Dice::new(seed).of("scenario");
        let agents = agents(dice, between(dice, 1, 5, "agents"));
        let reviewers = agents.len() > 2 || dice.happens(0.1, "nobody reviews", 0);
        Self {
            title: format!("drawn from seed {seed}"),
            seed,
            until: Span::secs(2 * 3600),
            policy: Policy {
                max_parallel: small(dice, 1, 4, "max_parallel"),
                reviewer_required: reviewers && dice.happens(0.6, "reviewer_required", 0),
                auto_merge: dice.happens(0.6, "auto_merge", 0),
                watch_interval_secs: dice.between(2, 20, "watch_interval", 0),
                max_attempts: small(dice, 1, 4, "max_attempts"),
                max_losses: small(dice, 1, 6, "max_losses"),
                item_timeout_secs: dice.between(60, 300, "item_timeout", 0),
                stall_timeout_secs: dice.between(20, 60, "stall_timeout", 0),
                max_launches: if dice.happens(0.1, "max_launches", 0) {
                    small(dice, 3, 12, "launches")
                } else {
                    0
                },
                max_item_tokens: if dice.happens(0.1, "max_item_tokens", 0) { 3_000 } else { 0 },
                check_reruns: small(dice, 0, 3, "check_reruns"),
                reviewers: if agents.len() > 3 { small(dice, 1, 2, "reviewers") } else { 1 },
                independent_cli: agents.len() > 3 && dice.happens(0.2, "independent_cli", 0),
                person_wait_secs: if dice.happens(0.3, "nobody is waited for", 0) { 0 } else { 259_200 },
                ..Policy::default()
            },
            chance: chance(dice),
            issues: graph(dice, issues.max(1)),
            agents,
            meanwhile: meanwhile(dice, issues.max(1)),
        }
    }

    /// A scenario of so many issues (at least one) in which nothing goes wrong, without reviews and
    /// with merges, for measuring.
    #[must_use]
    pub fn friendly(seed: u64, issues: usize) -> Self {
        let dice = Dice::new(seed).of("scenario");
        Self {
            title: format!("friendly, from seed {seed}"),
            seed,
            policy: Policy {
                max_parallel: 4,
                reviewer_required: false,
                auto_merge: true,
                ..Policy::default()
            },
            issues: graph(dice, issues.max(1)),
            agents: agents(dice, 5),
            ..Self::default()
        }
    }
}

fn between(dice: Dice, least: usize, most: usize, what: &str) -> usize {
    usize::try_from(dice.between(least as u64, most as u64, what, 0)).unwrap_or(least)
}

fn small(dice: Dice, least: u32, most: u32, what: &str) -> u32 {
    u32::try_from(dice.between(u64::from(least), u64::from(most), what, 0)).unwrap_or(least)
}

fn agents(dice: Dice, count: usize) -> Vec<ScriptedAgent> {
    let drawn = |(nth, (name, role)): (u64, &(&str, Option<&str>))| {
        let name = AgentName::new(name).expect("names of agents are well formed");
        let late = dice.happens(0.2, "joins late", nth) && nth > 0;
        let joins = if late { dice.between(1, 120, "joins", nth) } else { 0 };
        let takes = Span::millis(dice.between(1_000, 20_000, "takes", nth));
        let cli = ["simulated", "other"][usize::from(dice.happens(0.5, "other cli", nth))].to_owned();
        let costs = Spend { tokens: 1_000, usd: Usd::default() };
        ScriptedAgent { cli, costs, takes, joins: Span::secs(joins), ..ScriptedAgent::new(name, *role) }
    };
    (0..).zip(&AGENTS).take(count).map(drawn).collect()
}

/// Issues that wait for up to three earlier ones each.
fn graph(dice: Dice, count: usize) -> Vec<ScriptedIssue> {
    let issue = |number: u64| {
        let wanted = dice.between(0, 3, "dependencies", number).min(number - 1);
        let mut after: Vec<u64> =
            (0..wanted).map(|nth| dice.between(1, number - 1, "dependency", number * 4 + nth)).collect();
        after.sort_unstable();
        after.dedup();
        let title = TITLES[usize::try_from(dice.between(0, 3, "title", number)).unwrap_or(0)];
        ScriptedIssue { number, title: format!("{title} part {number}"), after, ..ScriptedIssue::default() }
    };
    (1..=count as u64).map(issue).collect()
}

/// Most probabilities are zero, most others small, and a few large; in one scenario of four all are zero.
fn chance(dice: Dice) -> Chance {
    if dice.happens(0.25, "a friendly world", 0) {
        return Chance::default();
    }
    let of = |what: &str| {
        let hundredth = |most| Duration::from_millis(10 * dice.between(1, most, what, 1)).as_secs_f64();
        match dice.between(0, 19, what, 0) {
            0..=11 => 0.0,
            12..=18 => hundredth(6),
            _ => hundredth(50),
        }
    };
    Chance {
        slow: of("slow"),
        hangs: of("hangs"),
        lies: of("lies"),
        exits_early: of("exits early"),
        returns_late: of("returns late"),
        nothing_done: of("nothing done"),
        stuck: of("stuck"),
        limited: of("limited") / 4.0,
        dies: of("dies"),
        changes: of("changes"),
        red: of("red"),
        pending: of("pending"),
        could_not_run: of("could not run"),
        unknown: of("unknown"),
        unavailable: of("unavailable"),
        finding: of("finding"),
        push: of("push"),
        close: of("close"),
        merge: of("merge"),
        conflict: of("conflict"),
    }
}

/// Up to three things that happen besides; whoever stops, leaves or is in the way does not do so for
/// ever. Some operators answer now and then, when somebody may have been asked for help.
fn meanwhile(dice: Dice, issues: usize) -> Vec<Meanwhile> {
    let count = dice.between(0, 3, "happenings", 0);
    let mut all: Vec<Meanwhile> = (0..count).flat_map(|nth| happening(dice, issues, nth)).collect();
    if dice.happens(0.5, "an operator answers", 0) {
        let retry = |minutes: u64| Meanwhile {
            at: Span::secs(60 * minutes),
            what: Happening::Note("retry".to_owned()),
        };
        all.extend([5, 10, 20, 40].map(retry));
    }
    all.sort_by_key(|meanwhile| meanwhile.at);
    all
}

fn happening(dice: Dice, issues: usize, nth: u64) -> Vec<Meanwhile> {
    let at = dice.between(0, 120_000, "when", nth);
    let issue = dice.between(1, issues as u64, "which issue", nth);
    let later = at + dice.between(1_000, 60_000, "how long", nth);
    let agent = || AgentName::new(AGENTS[0].0).expect("names of agents are well formed");
    let then = |at, what| Meanwhile { at: Span::millis(at), what };
    match dice.between(0, 11, "what", nth) {
        0 => vec![then(at, Happening::Stop(false)), then(later, Happening::Resume)],
        1 => vec![then(at, Happening::Leave(agent())), then(later, Happening::Join(agent()))],
        2 => vec![then(at, Happening::Busy(true)), then(later, Happening::Busy(false))],
        3 => vec![then(at, Happening::Push(issue))],
        4 => vec![then(at, Happening::Close(issue))],
        5 => vec![then(at, Happening::Merge(issue))],
        6 | 7 => vec![then(at, Happening::Conflict(issue))],
        8 => vec![then(at, Happening::Note(format!("skip #{issue}")))],
        9 => vec![then(at, Happening::Note(format!("redirect #{issue} to {}", AGENTS[0].0)))],
        10 => vec![then(at, Happening::Note(format!("merge #{issue}")))],
        _ if dice.happens(0.3, "by force", nth) => vec![then(at, Happening::Stop(true))],
        _ => vec![then(at, Happening::Note("retry".to_owned()))],
    }
}
