//! Holding the lease: taking it, renewing it, losing it, giving it back; and loading what it guards.

use std::collections::BTreeMap;
use std::time::Duration;

use tinytown_core::id::MissionId;
use tinytown_core::id::OpId;
use tinytown_core::mission::Mission;
use tinytown_core::mutant::{Mutant, is_planted};
use tinytown_core::town::Town;
use tinytown_store::records::{load_mission, load_roster};
use tinytown_store::{InputId, Lease, LeaseCall, LeaseReply, MissionView, StoreError, TownView, Vitals};

use super::work::Work;
use super::{Call, Driver, Mode, Moment, Part, Report, STORE_RETRY, trouble};

/// How long after a mission could not be read that is tried again.
const REREAD: Duration = Duration::from_secs(30);

impl Driver {
    pub(super) fn on_vitals(
        &mut self,
        vitals: Result<Vitals, StoreError>,
        now: Moment,
        calls: &mut Vec<Call>,
    ) {
        self.due.vitals = Some(now.mono + self.watch_interval());
        match vitals {
            Err(error) => {
                self.watch_anew();
                trouble(&error, calls);
            }
            Ok(vitals) => match self.part {
                Part::StandBy { .. } => self.consider_taking(&vitals.lease, now, calls),
                Part::Active => self.observe(&vitals, now),
                _ => {}
            },
        }
    }

    fn consider_taking(&mut self, lease: &Lease, now: Moment, calls: &mut Vec<Call>) {
        let Some(holder) = &lease.holder else {
            self.watch.lease = None;
            return self.take(None, now, calls);
        };
        let seen = (lease.epoch, lease.counter);
        match self.watch.lease {
            Some((watched, since)) if watched == seen => {
                if now.mono.saturating_sub(since) >= self.abandoned_after() {
                    return self.take(Some(seen), now, calls);
                }
            }
            _ => self.watch.lease = Some((seen, now.mono)),
        }
        calls.push(Call::ProveHolder { holder: holder.clone(), seen });
        if let Part::StandBy { told: told @ false } = &mut self.part {
            *told = true;
            calls.push(Call::Report(Report::StandingBy { holder: Some(holder.clone()) }));
        }
    }

    /// How long a holder must be silent.
    fn abandoned_after(&self) -> Duration {
        let lease = self.settings.lease;
        if is_planted(Mutant::TakenTooEarly) {
            lease / 4
        } else if is_planted(Mutant::TakenTooLate) {
            lease * 3
        } else {
            lease
        }
    }

    pub(super) fn on_holder_dead(&mut self, seen: (u64, u64), now: Moment, calls: &mut Vec<Call>) {
        if matches!(self.part, Part::StandBy { .. }) {
            self.take(Some(seen), now, calls);
        }
    }

    fn take(&mut self, seen: Option<(u64, u64)>, now: Moment, calls: &mut Vec<Call>) {
        if self.stopping {
            return;
        }
        self.part = Part::Taking;
        self.watch.asked_at = now.boot;
        self.ask("take", LeaseCall::Take { holder: self.settings.holder.clone(), seen }, calls);
    }

    fn ask(&mut self, what: &str, call: LeaseCall, calls: &mut Vec<Call>) {
        let op = self.next_op(what);
        self.asked = Some((op.clone(), call.clone()));
        calls.push(Call::Lease(op, call));
    }

    pub(super) fn renew(&mut self, now: Moment, calls: &mut Vec<Call>) {
        if let Some((op, call)) = &self.asked {
            // Whether it was executed is not known: the same call under the same name tells.
            calls.push(Call::Lease(op.clone(), call.clone()));
        } else if let Some(fence) = self.fence {
            self.watch.asked_at = now.boot;
            self.ask("renew", LeaseCall::Renew(fence), calls);
        }
    }

    pub(super) fn on_lease(
        &mut self,
        op: &OpId,
        reply: Result<LeaseReply, StoreError>,
        now: Moment,
        calls: &mut Vec<Call>,
    ) {
        let Some(asked) = self.asked.take_if(|(asked, _)| asked == op) else { return };
        match (&self.part, reply) {
            (Part::Taking, Ok(LeaseReply::Held(fence))) => {
                self.fence = Some(fence);
                self.part = Part::Loading;
                self.watch.forget();
                self.hold(now, calls);
                calls.push(Call::Load);
            }
            (Part::Loading | Part::Active, Ok(LeaseReply::Held(_))) => self.hold(now, calls),
            (Part::Leaving, _) => self.exit(calls),
            (Part::Gone, _) | (_, Ok(LeaseReply::Released | LeaseReply::Held(_))) => {}
            (_, Ok(LeaseReply::Refused(_)) | Err(StoreError::Fenced { .. })) => self.step_down(now, calls),
            (part, Err(error @ StoreError::Unavailable { .. })) => {
                trouble(&error, calls);
                if self.stopping && matches!(part, Part::Taking) {
                    return self.step_down(now, calls);
                }
                self.asked = Some(asked);
                self.due.renew = Some(now.mono + STORE_RETRY);
            }
            (_, Err(error)) => {
                trouble(&error, calls);
                self.step_down(now, calls);
            }
        }
    }

    /// The lease is ours for a whole lease time from when we asked, not from when we heard: others may
    /// have observed us since, also while we slept. Too old an answer permits nothing; ask again.
    fn hold(&mut self, now: Moment, calls: &mut Vec<Call>) {
        let asked = self.watch.asked_at;
        let forged = if is_planted(Mutant::PermitKept) { self.settings.lease * 10 } else { Duration::ZERO };
        let until = asked + self.settings.lease + forged;
        let ago = now.boot.saturating_sub(asked);
        self.due.renew = Some(now.mono + (self.settings.lease / 3).saturating_sub(ago));
        self.permit = Some(until).filter(|until| now.boot < *until);
        calls.push(Call::Permit(until));
    }

    /// Our permit lapsed while we thought that all was well: we slept, were stopped, or a renewal took
    /// too long. Somebody else may hold the lease: ask now, instead of when the timer says, which
    /// slept too. What we saw of others before is of another time.
    pub(super) fn notice_lapse(&mut self, now: Moment) {
        if self.permit.take_if(|until| *until <= now.boot).is_none() {
            return;
        }
        self.watch.forget();
        // Never two at a time: the answer to the first would count as that to the second.
        if let Some(at) = &mut self.due.renew {
            *at = now.mono;
        }
    }

    /// Hands out no effect before we know that the lease is ours. Each effect would find its permit
    /// lapsed by itself; but then everything would be loaded anew, again and again, until the answer
    /// comes. Deciding goes on: a commit is fenced, so if the lease is gone it changes nothing and
    /// tells us so.
    pub(super) fn hold_back(&mut self, calls: &mut Vec<Call>) {
        if self.permit.is_none() {
            self.held_back.extend(calls.extract_if(.., |call| matches!(call, Call::Perform { .. })));
            return;
        }
        // What was revoked meanwhile is not wanted any more.
        let wanted = |call: &Call| matches!(call, Call::Perform { op, ticket, .. } if self.performing.get(op) == Some(ticket));
        calls.extend(self.held_back.drain(..).filter(wanted));
    }

    /// Act no more.
    fn end_permit(&mut self, calls: &mut Vec<Call>) {
        calls.push(Call::Permit(Duration::ZERO));
        self.permit = None;
        for call in self.held_back.drain(..) {
            if let Call::Perform { op, .. } = call {
                self.performing.remove(&op);
            }
        }
    }

    /// Somebody else decides now: forget everything, act no more.
    pub(super) fn step_down(&mut self, now: Moment, calls: &mut Vec<Call>) {
        self.end_permit(calls);
        // Not even when we hold the lease again: somebody else may have revoked it meanwhile. What is
        // wanted still is taken up anew then.
        calls.extend(std::mem::take(&mut self.performing).into_keys().map(Call::Revoke));
        self.fence = None;
        self.asked = None;
        self.forget();
        self.part = Part::StandBy { told: false };
        self.due = super::Due { vitals: Some(now.mono + self.watch_interval()), ..super::Due::default() };
        self.watch = super::Watch::default();
    }

    /// Read everything anew under the lease that we hold.
    pub(super) fn reload(&mut self, now: Moment) {
        if self.flight.is_some() {
            // What is being committed may become true after we read: wait for that first.
            self.due.reread = Some(now.mono);
            return;
        }
        self.forget();
        self.part = Part::Loading;
        self.due.load = Some(now.mono + STORE_RETRY);
    }

    fn forget(&mut self) {
        self.town = Town::default();
        self.mission_versions = BTreeMap::new();
        self.queue.clear();
        self.flight = None;
        self.due.commit = None;
        self.due.reread = None;
        if !is_planted(Mutant::PositionKept) {
            self.read_to = InputId(0);
        }
        self.reading = None;
        self.inbox_empty = false;
    }

    pub(super) fn on_loaded(
        &mut self,
        loaded: Result<(TownView, Vec<MissionView>), StoreError>,
        now: Moment,
        calls: &mut Vec<Call>,
    ) {
        if !matches!(self.part, Part::Loading) {
            return;
        }
        let assembled = loaded.and_then(|(town, missions)| self.assemble(&town, &missions, calls));
        match assembled {
            Ok(()) => {
                self.part = Part::Active;
                let again = !is_planted(Mutant::NeverReadAgain);
                self.due.reread =
                    (again && self.unreadable.len() > self.broken.len()).then(|| now.mono + REREAD);
                self.due.inbox = Some(now.mono);
                self.due.vitals = Some(now.mono);
                calls.push(Call::Report(Report::Active));
                let decided = self.town.missions().map(|mission| mission.head().updated_at).max();
                self.reach(decided.unwrap_or(now.wall), now);
                for mission in self.town.missions() {
                    self.round.take_up(mission);
                    calls.push(Call::Report(Report::Mission(super::Watched::of(mission))));
                }
            }
            Err(error) => {
                trouble(&error, calls);
                self.due.load = Some(now.mono + STORE_RETRY * 4);
            }
        }
    }

    fn assemble(
        &mut self,
        view: &TownView,
        views: &[MissionView],
        calls: &mut Vec<Call>,
    ) -> Result<(), StoreError> {
        let roster = load_roster(view)?;
        let mut missions: Vec<Mission> = Vec::with_capacity(views.len());
        for mission in views {
            match load_mission(mission) {
                Ok(loaded) if !self.broken.contains_key(&loaded.id()) => {
                    self.mission_versions.insert(loaded.id(), mission.row.version);
                    self.unreadable.remove(&loaded.id());
                    missions.push(loaded);
                }
                // One mission that cannot be read must not stop the others.
                Ok(_) => {}
                Err(error) => self.leave_alone(mission.row.id, error.to_string(), calls),
            }
        }
        let listed = |id: &MissionId| views.iter().any(|view| view.row.id == *id);
        self.unreadable.retain(|id, _| listed(id));
        self.broken.retain(|id, _| listed(id));
        self.town = Town::new(roster, missions);
        self.town_version = view.version;
        let disowned =
            self.town.missions().filter(|mission| !mission.disowned(self.town.roster()).is_empty());
        self.queue.extend(disowned.map(|mission| Work::Reconcile(mission.id())));
        if !is_planted(Mutant::EffectsNotTakenUp) {
            self.take_up_effects(view, calls);
        }
        Ok(())
    }

    /// Says once why a mission is left alone.
    pub(super) fn leave_alone(&mut self, mission: MissionId, why: String, calls: &mut Vec<Call>) {
        if self.unreadable.get(&mission) != Some(&why) {
            let told = format!("{why}; mission {mission} is left alone until that is mended");
            if !is_planted(Mutant::SaidNothing) {
                calls.push(Call::Report(Report::Trouble(told)));
            }
            self.unreadable.insert(mission, why);
        }
    }

    /// Gives the lease back once nothing is under way that must be known.
    pub(super) fn leave_if_done(&mut self, now: Moment, calls: &mut Vec<Call>) {
        let idle = self.queue.is_empty() && self.flight.is_none();
        let nothing_to_do = idle && self.inbox_empty && self.town.next_wake(now.wall).is_none();
        let done = match &self.settings.mode {
            Mode::Serve => false,
            Mode::Once => self.is_active() && nothing_to_do && self.performing.is_empty(),
            // Others must not wait because what we came for cannot be applied: it stays in the inbox.
            Mode::Apply(_) => {
                let in_vain = self.is_active() && idle && self.inbox_empty;
                self.applied || (in_vain && !is_planted(Mutant::CommandKeepsLease))
            }
        };
        let ours = matches!(self.part, Part::Active | Part::Loading);
        if ours && (done || self.stopping) && self.flight.is_none() {
            if let Some(fence) = self.fence.take() {
                self.part = Part::Leaving;
                self.due = super::Due::default();
                self.end_permit(calls);
                self.ask("release", LeaseCall::Release(fence), calls);
            }
        } else if self.stopping && matches!(self.part, Part::StandBy { .. }) {
            self.exit(calls);
        }
    }

    fn exit(&mut self, calls: &mut Vec<Call>) {
        self.part = Part::Gone;
        self.due = super::Due::default();
        calls.push(Call::Exit);
    }
}
