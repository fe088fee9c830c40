//! Holding the lease: taking it, renewing it, losing it, giving it back; and loading what it guards.

use std::collections::BTreeMap;

use tinytown_core::mission::Mission;
use tinytown_core::town::Town;
use tinytown_store::records::{load_mission, load_roster};
use tinytown_store::{InputId, Lease, LeaseCall, LeaseReply, MissionView, StoreError, TownView, Vitals};

use super::{Call, Driver, Mode, Moment, Part, Report, STORE_RETRY, trouble};

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
                self.watch.forget();
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
                if now.mono.saturating_sub(since) >= self.settings.lease {
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
        self.watch.asked_at = Some(now.mono);
        let op = self.next_op("take");
        calls.push(Call::Lease(op, LeaseCall::Take { holder: self.settings.holder.clone(), seen }));
    }

    pub(super) fn renew(&mut self, now: Moment, calls: &mut Vec<Call>) {
        if let Some(fence) = self.fence {
            self.watch.asked_at = Some(now.mono);
            let op = self.next_op("renew");
            calls.push(Call::Lease(op, LeaseCall::Renew(fence)));
        }
    }

    pub(super) fn on_lease(
        &mut self,
        reply: Result<LeaseReply, StoreError>,
        now: Moment,
        calls: &mut Vec<Call>,
    ) {
        match (&self.part, reply) {
            (Part::Taking, Ok(LeaseReply::Held(fence))) => {
                self.fence = Some(fence);
                self.part = Part::Loading;
                // The lease is ours for a whole lease time from when we asked, not from when we heard.
                let asked = self.watch.asked_at.unwrap_or(now.mono);
                self.watch.forget();
                self.due.renew = Some(asked + self.settings.lease / 3);
                calls.push(Call::Permit(asked + self.settings.lease));
                calls.push(Call::Load);
            }
            (Part::Loading | Part::Active, Ok(LeaseReply::Held(_))) => {
                let asked = self.watch.asked_at.unwrap_or(now.mono);
                calls.push(Call::Permit(asked + self.settings.lease));
                self.due.renew = Some(now.mono + self.settings.lease / 3);
            }
            (Part::Leaving, _) => self.exit(calls),
            (Part::Gone, _) | (_, Ok(LeaseReply::Released | LeaseReply::Held(_))) => {}
            (_, Ok(LeaseReply::Refused(_)) | Err(StoreError::Fenced { .. })) => self.step_down(now, calls),
            (Part::Taking, Err(error)) => {
                trouble(&error, calls);
                self.step_down(now, calls);
            }
            (_, Err(error)) => {
                trouble(&error, calls);
                self.due.renew = Some(now.mono + STORE_RETRY);
            }
        }
    }

    /// Somebody else decides now: forget everything, act no more.
    pub(super) fn step_down(&mut self, now: Moment, calls: &mut Vec<Call>) {
        calls.push(Call::Permit(std::time::Duration::ZERO));
        self.fence = None;
        self.forget();
        self.part = Part::StandBy { told: false };
        self.due = super::Due { vitals: Some(now.mono + self.watch_interval()), ..super::Due::default() };
        self.watch = super::Watch::default();
    }

    /// Read everything anew under the lease that we hold.
    pub(super) fn reload(&mut self, now: Moment) {
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
        self.read_to = InputId(0);
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
                self.due.inbox = Some(now.mono);
                self.due.vitals = Some(now.mono);
                calls.push(Call::Report(Report::Active));
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
                Ok(loaded) => {
                    self.mission_versions.insert(loaded.id(), mission.row.version);
                    self.unreadable.remove(&loaded.id());
                    missions.push(loaded);
                }
                // One mission that cannot be read must not stop the others.
                Err(error) => {
                    self.unreadable.insert(mission.row.id);
                    trouble(&error, calls);
                }
            }
        }
        self.town = Town::new(roster, missions);
        self.town_version = view.version;
        self.take_up_effects(view, calls);
        Ok(())
    }

    /// Gives the lease back once nothing is under way that must be known.
    pub(super) fn leave_if_done(&mut self, now: Moment, calls: &mut Vec<Call>) {
        let idle = self.queue.is_empty() && self.flight.is_none();
        let nothing_to_do = idle && self.inbox_empty && self.town.next_wake(now.wall).is_none();
        let done = match &self.settings.mode {
            Mode::Serve => false,
            Mode::Once => self.is_active() && nothing_to_do && self.performing.is_empty(),
            Mode::Apply(_) => self.applied && self.flight.is_none(),
        };
        let ours = matches!(self.part, Part::Active | Part::Loading);
        if ours && (done || self.stopping) && self.flight.is_none() {
            if let Some(fence) = self.fence.take() {
                self.part = Part::Leaving;
                self.due = super::Due::default();
                calls.push(Call::Permit(std::time::Duration::ZERO));
                let op = self.next_op("release");
                calls.push(Call::Lease(op, LeaseCall::Release(fence)));
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
