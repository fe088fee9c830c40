//! Asking for help: about one item, or about a mission that stands still. Each is asked once, repeated ever
//! more seldom, and withdrawn when it is not needed any more. An item about which nobody answers fails.

use std::collections::BTreeSet;

use super::Turn;
use crate::event::{Addressee, Event, Hold};
use crate::letter::{HelpRequest, Letter, Recipient, help_key};
use crate::mission::{Asked, ItemIx, Phase, Rank};

/// How many items of a queue the watchdog asks about at once.
const NEGLECTED: usize = 16;

impl Turn<'_> {
    /// Asks about every item that came to wait for a person, and withdraws what is not needed any more.
    pub(super) fn see_to_asks(&mut self) {
        if !self.mission.head().state.is_active() {
            return;
        }
        // While it was stopped, nobody was asked, and nothing was withdrawn.
        let resumed = self.step.events.contains(&Event::MissionResumed);
        let meanwhile = resumed.then(|| self.mission.waiting_for_person().chain(self.mission.asked_about()));
        let concerned: BTreeSet<ItemIx> =
            self.mission.changed().chain(meanwhile.into_iter().flatten()).collect();
        for ix in concerned {
            let wanted = self.mission.is_persons(ix);
            match (&self.mission.item(ix).now.asked, wanted) {
                (None, true) => self.ask_about(ix, self.first_asked(ix), 1),
                (Some(_), false) if !self.is_neglected(ix) => self.withdraw_ask(ix),
                _ => {}
            }
        }
    }

    /// The time came to take an open request about an item further.
    pub(super) fn ask_further(&mut self, ix: ItemIx) {
        if self.mission.gives_up_at(ix).is_some_and(|at| at <= self.now) {
            return self.give_up(ix);
        }
        let Some(asked) = self.mission.item(ix).now.asked.clone() else { return };
        self.ask_about(ix, Addressee::Person, asked.times + 1);
    }

    /// A conductor can give out another try; the rest is for people.
    fn first_asked(&self, ix: ItemIx) -> Addressee {
        let may = match &self.mission.item(ix).now.hold {
            Some(Hold::Limit { .. } | Hold::Stuck { .. } | Hold::Checks { .. } | Hold::Refused { .. }) => {
                true
            }
            Some(Hold::Closed) | None => false,
        };
        self.conductor_if(may)
    }

    /// A conductor, if it may answer and is there; else a person.
    fn conductor_if(&self, may: bool) -> Addressee {
        if may && self.roster.has_conductor() { Addressee::Conductor } else { Addressee::Person }
    }

    fn ask_about(&mut self, ix: ItemIx, to: Addressee, times: u32) {
        if to == Addressee::Person
            && self.mission.item(ix).now.hold.is_some()
            && self.mission.policy().person_wait().is_zero()
        {
            return self.give_up(ix);
        }
        let (reason, unblocks) = self.plight(ix);
        self.withdraw_letter(ix);
        self.send(HelpRequest {
            mission: self.mission.id(),
            item: Some(self.mission.key(ix).clone()),
            to,
            reason,
            unblocks,
            asked_at: self.now,
            attempt: times,
        });
    }

    /// Puts the request into the mailbox, and down in the history.
    fn send(&mut self, request: HelpRequest) {
        let HelpRequest { item, to, reason, attempt, .. } = request.clone();
        self.emit(Event::HelpAsked { item, to, reason, attempt });
        self.deliver(Recipient::Conductor, request.key(), Letter::Help(request));
    }

    /// Why the item does not move, for whoever is asked about it, and how many items wait for it.
    pub(super) fn plight(&self, ix: ItemIx) -> (String, u32) {
        let (detail, unblocks) = self.detail(ix);
        let key = self.mission.key(ix);
        let reason = if self.mission.is_launchable(ix) {
            format!("{key} is ready and nobody takes it: {detail}")
        } else {
            format!("{key}: {detail}")
        };
        (reason, unblocks)
    }

    /// What the item waits for, in words, and how many items wait for it.
    fn detail(&self, ix: ItemIx) -> (String, u32) {
        let wait = self.mission.wait(ix, self.roster);
        wait.map_or_else(Default::default, |wait| (wait.detail, wait.unblocks))
    }

    fn withdraw_letter(&mut self, ix: ItemIx) {
        if let Some(Asked { times, .. }) = self.mission.item(ix).now.asked {
            let key = help_key(self.mission.id(), Some(self.mission.key(ix)), times);
            self.step.letters_over.push((Recipient::Conductor, key));
        }
    }

    fn withdraw_ask(&mut self, ix: ItemIx) {
        self.withdraw_letter(ix);
        let item = Some(self.mission.key(ix).clone());
        self.emit(Event::HelpRetired { item });
    }

    /// Nobody answered: the item fails, and with it what depends on it; the rest goes on.
    fn give_up(&mut self, ix: ItemIx) {
        let (why, _) = self.detail(ix);
        let asked = self.mission.item(ix).now.asked.as_ref().map(|asked| self.now.since(asked.since));
        self.fail(
            ix,
            match asked {
                Some(waited) => format!("{why}; nobody answered within {} hours", waited.as_secs() / 3600),
                None => why,
            },
        );
    }

    /// Nothing more comes of the item.
    pub(super) fn fail(&mut self, ix: ItemIx, reason: String) {
        if self.mission.item(ix).now.asked.is_some() {
            self.withdraw_ask(ix);
        }
        self.supersede_follow_ups(ix);
        self.revoke(ix);
        let item = self.mission.key(ix).clone();
        self.emit(Event::ItemFailed { item, reason });
    }

    /// What was being made for an item cannot be made: then the item cannot be done.
    pub(super) fn failed_for(&mut self, ix: ItemIx) {
        let item = self.mission.item(ix);
        let Some(parent) = item.parent else { return };
        let reason = format!("{}: {}", item.spec.key, item.now.failed.clone().unwrap_or_default());
        if matches!(self.mission.item(parent).now.phase, Phase::Pending | Phase::Ready | Phase::Gated) {
            self.fail(parent, reason);
        }
    }

    /// Looks for items that are ready and that nobody who is there may take, and asks about them.
    pub(super) fn watch_over(&mut self) {
        if self.mission.watch_due().is_none_or(|at| at > self.now) {
            return;
        }
        self.emit(Event::WatchdogLooked);
        let long_ago = |rank: &Rank| {
            self.mission.item(rank.item).now.since + self.mission.policy().watchdog() <= self.now
        };
        let neglected: Vec<ItemIx> = self
            .mission
            .ready_queues()
            .flat_map(|queue| queue.iter().filter(|rank| long_ago(rank)).take(NEGLECTED))
            .map(|rank| rank.item)
            .filter(|ix| self.mission.item(*ix).now.asked.is_none() && !self.may_be_taken(*ix))
            .collect();
        for ix in neglected {
            self.ask_about(ix, Addressee::Person, 1);
        }
    }

    /// Whether anybody who is there may take the item, were they free.
    fn may_be_taken(&self, ix: ItemIx) -> bool {
        self.roster.all_present().any(|agent| self.mission.may_take(ix, self.roster, agent))
    }

    fn is_neglected(&self, ix: ItemIx) -> bool {
        self.mission.is_launchable(ix) && !self.may_be_taken(ix)
    }

    /// Nobody needs to look at anything any more.
    pub(super) fn withdraw_all(&mut self) {
        let asked: Vec<ItemIx> = self.mission.asked_about().collect();
        for ix in asked {
            self.withdraw_ask(ix);
        }
        if self.mission.head().help.is_some() {
            self.retire_help();
        }
    }

    pub(super) fn ask_help(&mut self, reason: String) {
        let attempt = self.mission.head().help.as_ref().map_or(0, |help| help.attempts) + 1;
        self.withdraw_help_letter();
        self.send(HelpRequest {
            mission: self.mission.id(),
            item: None,
            to: self.conductor_if(attempt == 1),
            reason,
            unblocks: self.mission.open_items(),
            asked_at: self.now,
            attempt,
        });
    }

    fn withdraw_help_letter(&mut self) {
        if let Some(help) = &self.mission.head().help {
            let key = help_key(self.mission.id(), None, help.attempts);
            self.step.letters_over.push((Recipient::Conductor, key));
        }
    }

    pub(super) fn retire_help(&mut self) {
        self.withdraw_help_letter();
        self.emit(Event::HelpRetired { item: None });
    }
}
