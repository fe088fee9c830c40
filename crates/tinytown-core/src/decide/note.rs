//! Notes: an operator's directives. The first word, whole, decides; anything else is kept as free text.

use super::Turn;
use crate::event::{Event, Hold, SkipReason};
use crate::id::{AgentName, ItemKey};
use crate::input::{Answer, Refusal};
use crate::mission::{ItemIx, MissionState, Phase};
use crate::roster::OPERATOR;

/// What only people may say: it gives work up, passes a gate, or stops everything.
const PERSONS: [&str; 4] = ["approve", "merge", "skip", "pause"];

impl Turn<'_> {
    pub(super) fn note(&mut self, text: &str, by: &str) -> Answer {
        let mut words = text.split_whitespace();
        let first = words.next().unwrap_or("").to_lowercase();
        let rest: Vec<&str> = words.collect();
        let taken = Event::NoteTaken { text: text.to_owned(), by: by.to_owned() };
        if self.mission.head().state.is_over() {
            return Answer::refused(Refusal::NotNow, "the mission has ended; start another one");
        }
        if let Some(refused) = self.not_an_agents(&first, by) {
            return refused;
        }
        let answer = match first.as_str() {
            "resume" => self.note_resume(),
            "pause" => self.stop(false),
            "retry" => self.with_items(&rest, Self::retry),
            "approve" => self.with_item(&first, &rest, Self::approve),
            "skip" => self.with_item(&first, &rest, Self::skip),
            "merge" => self.with_item(&first, &rest, Self::merge_now),
            "" => Answer::refused(Refusal::Invalid, "a note without a word says nothing"),
            "redirect" => self.redirect(&rest),
            "refresh" => {
                Answer::refused(Refusal::NotNow, "an item's text stays as it was when the mission started")
            }
            _ => Answer::said("noted"),
        };
        if !matches!(answer, Answer::Refused { .. }) {
            self.emit(taken);
        }
        answer
    }

    /// Agents may ask for more of the same. What a person must judge, and what a person stopped, is not theirs.
    fn not_an_agents(&self, first: &str, by: &str) -> Option<Answer> {
        let stopped = first == "resume" && self.mission.head().state == MissionState::Stopped;
        if !(stopped || PERSONS.contains(&first)) || !self.roster.counts_as_agent(by) {
            return None;
        }
        let what = if stopped { "resuming a stopped mission" } else { first };
        let message = format!("{what} needs a person, and {by} is an agent of this town");
        Some(Answer::refused(Refusal::NotNow, message))
    }

    fn with_item(&mut self, what: &str, words: &[&str], act: fn(&mut Self, ItemIx) -> Answer) -> Answer {
        match words.first() {
            Some(word) => match self.mission.find(&item_key(word)) {
                Some(ix) => act(self, ix),
                None => Answer::refused(Refusal::Unknown, format!("no item {word} in this mission")),
            },
            None => Answer::refused(Refusal::Invalid, format!("name the item, as in: {what} #2")),
        }
    }

    /// One item, or without a name every item that a person holds up.
    fn with_items(&mut self, words: &[&str], act: fn(&mut Self, ItemIx) -> Answer) -> Answer {
        if !words.is_empty() {
            return self.with_item("retry", words, act);
        }
        let held: Vec<ItemIx> = self.mission.waiting_for_person().collect();
        for ix in &held {
            act(self, *ix);
        }
        Answer::said(format!("retrying {} items", held.len()))
    }

    fn note_resume(&mut self) -> Answer {
        if self.mission.head().state == MissionState::Stopped {
            return self.resume();
        }
        if self.mission.head().budget.is_some() {
            self.emit(Event::BudgetGranted);
        }
        if self.mission.head().help.is_some() {
            self.retire_help();
        }
        let held: Vec<ItemIx> = self.mission.waiting_for_person().collect();
        for ix in held {
            match self.mission.item(ix).now.hold {
                Some(Hold::Limit { .. } | Hold::Stuck { .. }) => self.clear_hold(ix, true),
                Some(Hold::Checks { .. }) => self.clear_hold(ix, false),
                Some(Hold::Closed | Hold::Refused { .. }) | None => {}
            }
        }
        self.look_everywhere();
        Answer::said("looking at everything now")
    }

    fn retry(&mut self, ix: ItemIx) -> Answer {
        let now = &self.mission.item(ix).now;
        match now.phase {
            Phase::Gated if matches!(now.hold, Some(Hold::Checks { .. })) => {
                self.clear_hold(ix, false);
                Answer::said("its checks are run again")
            }
            Phase::Pending | Phase::Ready | Phase::Gated if now.hold.is_some() => {
                self.clear_hold(ix, true);
                Answer::said("one more try is granted")
            }
            Phase::Pending | Phase::Ready if now.not_before.is_some() => {
                self.emit(Event::BackoffEnded { item: self.mission.key(ix).clone() });
                Answer::said("trying again now")
            }
            Phase::Gated => {
                self.look_now(ix);
                Answer::said("looking again now")
            }
            phase => self.not_now(ix, phase, "retried"),
        }
    }

    fn approve(&mut self, ix: ItemIx) -> Answer {
        let now = &self.mission.item(ix).now;
        let item = self.mission.key(ix).clone();
        let Some(head) = now.proposed.clone().filter(|_| now.phase == Phase::Gated) else {
            return self.not_now(ix, now.phase, "approved");
        };
        let short = head.short().to_owned();
        self.emit(Event::VerdictGiven {
            item,
            head,
            by: OPERATOR.to_owned(),
            approve: true,
            summary: String::new(),
        });
        if let Some(open) = self.mission.item(ix).now.open_review {
            self.supersede(ItemIx(open));
        }
        Answer::said(format!("approved at {short}"))
    }

    fn skip(&mut self, ix: ItemIx) -> Answer {
        let phase = self.mission.item(ix).now.phase;
        if phase.is_over() {
            return self.not_now(ix, phase, "skipped");
        }
        self.skip_for(ix, SkipReason::Operator);
        Answer::said("skipped; what depends on it goes on without it")
    }

    fn merge_now(&mut self, ix: ItemIx) -> Answer {
        let now = &self.mission.item(ix).now;
        if !(now.phase == Phase::Gated || now.is_accepted()) || now.pull.is_none() {
            return self.not_now(ix, now.phase, "merged");
        }
        self.emit(Event::MergeWanted { item: self.mission.key(ix).clone() });
        if self.mission.item(ix).now.look_at.is_some() {
            self.look_now(ix);
        }
        Answer::said("it is merged once its gates hold")
    }

    fn redirect(&mut self, words: &[&str]) -> Answer {
        let (item, agent) = match words {
            [item, to, agent, ..] if to.eq_ignore_ascii_case("to") => (*item, *agent),
            _ => return Answer::refused(Refusal::Invalid, "write it as: redirect #2 to NAME"),
        };
        let Some(ix) = self.mission.find(&item_key(item)) else {
            return Answer::refused(Refusal::Unknown, format!("no item {item} in this mission"));
        };
        let known = AgentName::new(agent).ok().filter(|name| self.roster.get(name).is_some());
        let Some(agent) = known else {
            return Answer::refused(Refusal::Unknown, format!("no agent {agent} in this town"));
        };
        let now = &self.mission.item(ix).now;
        let phase = now.phase;
        if phase.is_over() || phase == Phase::Gated {
            return self.not_now(ix, phase, "redirected");
        }
        let elsewhere = now.assignment.as_ref().is_some_and(|held| held.agent != agent);
        self.emit(Event::ItemPinned { item: self.mission.key(ix).clone(), agent: agent.clone() });
        if elsewhere {
            self.cancel(ix, None);
        }
        Answer::said(format!("only {agent} may take it now"))
    }

    pub(super) fn clear_hold(&mut self, ix: ItemIx, granted: bool) {
        let item = self.mission.key(ix).clone();
        self.emit(Event::HoldCleared { item, granted });
        if self.mission.item(ix).now.phase == Phase::Gated {
            self.look_now(ix);
        }
    }

    fn not_now(&self, ix: ItemIx, phase: Phase, what: &str) -> Answer {
        let key = self.mission.key(ix);
        Answer::refused(Refusal::NotNow, format!("{key} is {} and cannot be {what} now", phase.as_str()))
    }
}

/// `2` and `#2` name the same item.
fn item_key(word: &str) -> ItemKey {
    let word = word.trim_end_matches([',', '.', ';', ':']);
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        return ItemKey::new(format!("#{word}"));
    }
    ItemKey::new(word)
}
