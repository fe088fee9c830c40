//! Whether we may still act, judged on a clock that goes on while the machine is suspended: the driver
//! alone, told what happened and when; and the shell's permit.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tinytown_core::id::{AgentName, OpId};
use tinytown_core::input::{Input, Join};
use tinytown_core::mission::MissionState;
use tinytown_core::roster::Place;
use tinytown_core::time::Time;
use tinytown_dispatcher::{Call, Driver, Event, Mode, Moment, Settings};
use tinytown_store::{
    Archive as _, Lease, LeaseCall, LeaseFence, LeaseReply, MissionView, Record, Store as _, StoreError,
    TownView, Vitals,
};

use crate::town::{LEASE, Town, chain, mission};

const HOUR: Duration = Duration::from_hours(1);
const FENCE: LeaseFence = LeaseFence { incarnation: 1, epoch: 1 };

/// A driver and the machine that it runs on, which does nothing but let time pass.
struct Machine {
    driver: Driver,
    now: Moment,
    /// The name of the last lease call.
    asked: OpId,
}

impl Machine {
    /// Starts where nobody holds the lease, and takes it.
    fn holding() -> Self {
        let settings = Settings {
            mode: Mode::Serve,
            lease: LEASE,
            agent_lease: LEASE,
            holder: Record("us".to_owned()),
            nonce: "us".to_owned(),
            engine: "test".to_owned(),
        };
        // The clocks need not agree on where they begin.
        let now = Moment { mono: LEASE, wall: Time::from_millis(1_700_000_000_000), boot: HOUR * 7 };
        let mut machine = Self { driver: Driver::new(settings), now, asked: OpId::new("") };
        machine.on(Event::Tick);
        let free = Lease { epoch: 0, counter: 0, holder: None };
        let calls = machine.on(Event::Vitals(Ok(Vitals { incarnation: 1, lease: free, beats: Vec::new() })));
        assert!(matches!(calls[..], [Call::Lease(_, LeaseCall::Take { .. })]), "{calls:?}");
        let calls = machine.held();
        assert_eq!(calls, [Call::Permit(machine.now.boot + LEASE), Call::Load]);
        machine
    }

    fn on(&mut self, event: Event) -> Vec<Call> {
        let calls = self.driver.on(event, self.now);
        for call in &calls {
            if let Call::Lease(op, _) = call {
                self.asked = op.clone();
            }
        }
        calls
    }

    /// The store answers the last lease call.
    fn leased(&mut self, reply: Result<LeaseReply, StoreError>) -> Vec<Call> {
        let op = self.asked.clone();
        self.on(Event::Lease { op, reply })
    }

    fn held(&mut self) -> Vec<Call> {
        self.leased(Ok(LeaseReply::Held(FENCE)))
    }

    /// Time passes while the machine is awake.
    fn runs(&mut self, time: Duration) {
        self.now.mono += time;
        self.suspended(time);
    }

    /// Time passes while it is not.
    fn suspended(&mut self, time: Duration) {
        self.now.wall = self.now.wall + time;
        self.now.boot += time;
    }
}

/// A town whose outbox holds an effect that nobody has performed.
async fn with_a_waiting_effect() -> (TownView, Vec<MissionView>) {
    let town = Town::found().await;
    let place = Place { host: "h".into(), boot: "b".into(), pid: 1, started: 1, runs: String::new() };
    let agent = AgentName::new("ann").expect("a name");
    town.command(&Input::Join(Join { agent, role: None, cli: "sh".into(), place })).await;
    let (_, waiting) = town.start(chain(1)).await;
    assert_eq!(waiting, Some(1));
    let view = town.model.town().await.expect("the town");
    (view, vec![town.model.mission(mission()).await.expect("the mission")])
}

fn performs(calls: &[Call]) -> bool {
    calls.iter().any(|call| matches!(call, Call::Perform { .. }))
}

fn renewals(calls: &[Call]) -> usize {
    calls.iter().filter(|call| matches!(call, Call::Lease(_, LeaseCall::Renew(_)))).count()
}

#[tokio::test(start_paused = true)]
async fn a_holder_acts_at_once_while_its_permit_lasts_whatever_the_wall_clock_says() {
    let loaded = with_a_waiting_effect().await;
    let mut machine = Machine::holding();
    machine.runs(LEASE / 4);
    machine.now.wall = machine.now.wall + HOUR * 24;
    let calls = machine.on(Event::Loaded(Ok(loaded)));
    assert!(performs(&calls), "{calls:?}");
    assert_eq!(renewals(&calls), 0);
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_slept_asks_for_its_lease_before_it_acts() {
    let loaded = with_a_waiting_effect().await;
    let mut machine = Machine::holding();
    machine.suspended(HOUR);
    let calls = machine.on(Event::Loaded(Ok(loaded)));
    assert!(!performs(&calls), "{calls:?}");
    assert_eq!(renewals(&calls), 1, "though the timer slept too");
    let asked = machine.now.boot;
    machine.runs(LEASE / 10);
    let calls = machine.held();
    assert_eq!(calls[0], Call::Permit(asked + LEASE));
    assert!(performs(&calls), "nobody had taken over: {calls:?}");
    assert!(!performs(&machine.held()), "once");
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_was_succeeded_in_its_sleep_does_not_act_again() {
    let loaded = with_a_waiting_effect().await;
    let mut machine = Machine::holding();
    machine.suspended(HOUR);
    machine.on(Event::Loaded(Ok(loaded)));
    let taken = Lease { epoch: 2, counter: 40, holder: Some(Record("another".to_owned())) };
    let calls = machine.leased(Ok(LeaseReply::Refused(taken)));
    assert_eq!(calls, [Call::Permit(Duration::ZERO)]);
    assert_eq!((machine.driver.fence(), machine.driver.effects_under_way()), (None, 0));
}

#[tokio::test(start_paused = true)]
async fn what_was_handed_out_is_revoked_when_the_lease_is_lost() {
    let mut machine = Machine::holding();
    let calls = machine.on(Event::Loaded(Ok(with_a_waiting_effect().await)));
    let handed_out = calls.iter().find_map(|call| match call {
        Call::Perform { op, .. } => Some(op.clone()),
        _ => None,
    });
    machine.runs(LEASE / 3);
    machine.on(Event::Tick);
    let taken = Lease { epoch: 2, counter: 0, holder: Some(Record("another".to_owned())) };
    let calls = machine.leased(Ok(LeaseReply::Refused(taken)));
    let revoked = Call::Revoke(handed_out.expect("the waiting effect"));
    assert_eq!(calls, [Call::Permit(Duration::ZERO), revoked]);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_asked_before_the_sleep_permits_nothing_after_it() {
    let loaded = with_a_waiting_effect().await;
    let mut machine = Machine::holding();
    machine.runs(LEASE / 3);
    assert_eq!(renewals(&machine.on(Event::Tick)), 1);
    machine.suspended(HOUR);
    let calls = machine.on(Event::Loaded(Ok(loaded)));
    assert_eq!((performs(&calls), renewals(&calls)), (false, 0), "one is under way: {calls:?}");
    let calls = machine.held();
    assert_eq!((performs(&calls), renewals(&calls)), (false, 1), "it is of another time: {calls:?}");
    assert!(performs(&machine.held()));
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_an_earlier_lease_call_says_nothing_about_the_present() {
    let mut machine = Machine::holding();
    machine.runs(LEASE / 3);
    machine.on(Event::Tick);
    let old = machine.asked.clone();
    machine.held();
    machine.runs(LEASE / 3);
    assert_eq!(renewals(&machine.on(Event::Tick)), 1);
    let calls = machine.on(Event::Lease { op: old, reply: Ok(LeaseReply::Held(FENCE)) });
    assert!(!calls.iter().any(|call| matches!(call, Call::Permit(_))), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_release_is_waited_for_though_a_renewal_is_answered_meanwhile() {
    let mut machine = Machine::holding();
    machine.on(Event::Loaded(Ok((with_a_waiting_effect().await.0, Vec::new()))));
    machine.runs(LEASE / 3);
    machine.on(Event::Tick);
    let renewal = machine.asked.clone();
    let calls = machine.on(Event::Stop);
    assert!(matches!(calls[..], [Call::Permit(_), Call::Lease(_, LeaseCall::Release(_))]), "{calls:?}");
    assert_eq!(machine.on(Event::Lease { op: renewal, reply: Ok(LeaseReply::Held(FENCE)) }), []);
    assert_eq!(machine.leased(Ok(LeaseReply::Released)), [Call::Exit]);
}

#[tokio::test(start_paused = true)]
async fn a_lapsed_holder_pauses_between_renewals_while_the_store_is_away() {
    let mut machine = Machine::holding();
    machine.suspended(HOUR);
    assert_eq!(renewals(&machine.on(Event::Tick)), 1);
    let away = StoreError::Unavailable { at: "the store".to_owned(), detail: "away".to_owned() };
    let calls = machine.leased(Err(away));
    assert_eq!(renewals(&calls) + renewals(&machine.on(Event::Tick)), 0);
    assert!(machine.driver.deadline(machine.now).is_some_and(|at| at > machine.now.mono));
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_sleeps_through_its_permit_changes_nothing_before_the_lease_is_renewed() {
    let town = Town::found().await;
    let _dispatcher = town.dispatcher(Mode::Serve);
    let _worker = town.worker("ann");
    town.lapses.suspends.store(3, Ordering::SeqCst);
    town.start(chain(2)).await;
    town.until(MissionState::Completed).await;
    let lapses = &town.lapses;
    let counted = (lapses.suspends.load(Ordering::SeqCst), lapses.noticed.load(Ordering::SeqCst));
    assert_eq!((counted, town.forge.merges().len()), ((0, 3), 2));
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_an_earlier_handing_out_says_nothing_about_the_present_one() {
    let mut machine = Machine::holding();
    let calls = machine.on(Event::Loaded(Ok(with_a_waiting_effect().await)));
    let handed_out = calls.iter().find_map(|call| match call {
        Call::Perform { op, ticket, .. } => Some((op.clone(), *ticket)),
        _ => None,
    });
    let (op, ticket) = handed_out.expect("the waiting effect");
    let earlier = Event::Performed { op: op.clone(), ticket: ticket - 1, result: None };
    assert_eq!((machine.on(earlier), machine.driver.effects_under_way()), (Vec::new(), 1));
    // The same about the present one: it was kept from changing anything, and all is read anew.
    machine.on(Event::Performed { op, ticket, result: None });
    assert!(!machine.driver.is_active());
}
