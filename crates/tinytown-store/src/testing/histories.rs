//! Histories of several callers at once: each must be explained by some order of its calls, in which a
//! call that ended before another began comes first, and each is answered as the model answers it then.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use tinytown_core::id::{AgentName, Generation, OpId};

use crate::conformance::fixture::{
    agent, commit, effect, held, identity, letter, mission_id, mission_write, op, post, record, take,
    town_write,
};
use crate::{
    Commit, Committed, InboxEntry, InputId, LeaseCall, LeaseFence, LeaseReply, Mailbox, MemoryStore,
    MissionView, Post, Record, Store, StoreError, TownView, Vitals, Wait,
};

/// How many callers a history has.
pub const CALLERS: usize = 3;

/// How many calls each of them makes.
const CALLS: usize = 6;

/// A call of the port.
#[derive(Debug, Clone)]
enum Call {
    Lease(OpId, LeaseCall),
    Beat(AgentName, Generation),
    Post(Post),
    Commit(Box<Commit>),
    Town,
    Vitals,
    Mission,
    Inbox,
    Answer(OpId),
}

/// What it was answered.
#[derive(Debug, Clone, PartialEq)]
enum Reply {
    Lease(Result<LeaseReply, StoreError>),
    Beat(Result<u64, StoreError>),
    Post(Result<InputId, StoreError>),
    Commit(Result<Committed, StoreError>),
    Town(Result<TownView, StoreError>),
    Vitals(Result<Vitals, StoreError>),
    Mission(Result<MissionView, StoreError>),
    Inbox(Result<Vec<InboxEntry>, StoreError>),
    Answer(Result<Option<Record>, StoreError>),
}

/// A call with what is known of its time.
#[derive(Debug)]
struct Event {
    began: u64,
    ended: u64,
    call: Call,
    answer: Reply,
}

impl Call {
    async fn make(&self, store: &dyn Store) -> Reply {
        let of = Wait::NONE;
        match self {
            Self::Lease(op, call) => Reply::Lease(store.lease(op, call).await),
            Self::Beat(agent, generation) => Reply::Beat(store.beat(agent, *generation).await),
            Self::Post(post) => Reply::Post(store.post(post).await),
            Self::Commit(commit) => Reply::Commit(store.commit(commit).await),
            Self::Town => Reply::Town(store.town().await),
            Self::Vitals => Reply::Vitals(store.vitals().await),
            Self::Mission => Reply::Mission(store.mission(mission_id(1)).await),
            Self::Inbox => Reply::Inbox(store.inbox(InputId(0), 9, of).await),
            Self::Answer(op) => Reply::Answer(store.answer(op, of).await),
        }
    }
}

impl Reply {
    /// Whether it is not known what became of the call.
    const fn is_unknown(&self) -> bool {
        matches!(
            self,
            Self::Lease(Err(StoreError::Unavailable { .. }))
                | Self::Post(Err(StoreError::Unavailable { .. }))
                | Self::Commit(Err(StoreError::Unavailable { .. }))
                | Self::Town(Err(StoreError::Unavailable { .. }))
                | Self::Vitals(Err(StoreError::Unavailable { .. }))
                | Self::Mission(Err(StoreError::Unavailable { .. }))
                | Self::Inbox(Err(StoreError::Unavailable { .. }))
                | Self::Answer(Err(StoreError::Unavailable { .. }))
        )
    }
}

/// Numbers at random, the same for the same seed.
struct Dice(u64);

impl Dice {
    /// A number below `n`.
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// One of the callers, with what it has learnt so far.
struct Caller {
    name: u64,
    dice: Dice,
    fence: LeaseFence,
    town: u64,
    mission: u64,
    waiting: Vec<InputId>,
    made: u64,
}

impl Caller {
    fn draw(&mut self) -> Call {
        self.made += 1;
        // Few names, so that several callers use the same.
        let shared = self.dice.below(4);
        match self.dice.below(16) {
            0..=5 => Call::Commit(Box::new(self.commit())),
            6..=8 => Call::Post(post(&format!("p{shared}"), &(shared / 3 * self.name).to_string())),
            9 => Call::Lease(op(&format!("r{shared}")), LeaseCall::Renew(self.fence)),
            10 => self.take(),
            11 => Call::Beat(agent("ann"), Generation(1 + self.dice.below(2))),
            12 => Call::Town,
            13 => {
                if shared > 1 {
                    Call::Mission
                } else {
                    Call::Vitals
                }
            }
            14 => Call::Inbox,
            _ => Call::Answer(op(&format!("p{shared}"))),
        }
    }

    fn take(&mut self) -> Call {
        let seen = (self.dice.below(2) == 0).then_some((self.fence.epoch, self.dice.below(2)));
        let holder = record(&self.name.to_string());
        Call::Lease(op(&format!("t{}/{}", self.name, self.made)), LeaseCall::Take { holder, seen })
    }

    fn commit(&mut self) -> Commit {
        let name = format!("c{}/{}", self.name, self.made);
        let key = format!("k{}", self.dice.below(2));
        let town = (self.dice.below(3) > 0).then(|| town_write(self.town, &key, &name));
        let mission = (self.dice.below(2) > 0).then(|| mission_write(1, self.mission));
        let acks = match self.waiting.first() {
            Some(id) if self.dice.below(2) == 0 => vec![(*id, record(&name))],
            _ => Vec::new(),
        };
        let mail = vec![letter(&Mailbox::Conductor, &key, &name)];
        Commit { town, mission, acks, mail, effects: vec![effect(&key)], ..commit(&name, self.fence) }
    }

    fn learn(&mut self, answer: &Reply) {
        match answer {
            Reply::Commit(Ok(made)) => {
                self.town = made.town;
                self.mission = self.mission.max(made.mission);
            }
            Reply::Commit(Err(StoreError::Stale { what, found, .. })) => {
                *(if what == "town" { &mut self.town } else { &mut self.mission }) = *found;
            }
            Reply::Commit(Err(StoreError::Fenced { theirs, .. })) => self.fence = *theirs,
            Reply::Commit(Err(StoreError::Corrupt { .. })) => self.waiting.clear(),
            Reply::Post(Ok(id)) => self.waiting = vec![*id],
            Reply::Inbox(Ok(entries)) => self.waiting = entries.iter().map(|entry| entry.id).collect(),
            Reply::Town(Ok(view)) => self.town = view.version,
            Reply::Lease(Ok(LeaseReply::Held(fence))) => self.fence = *fence,
            _ => {}
        }
    }

    /// Makes its calls, each again under its name until it is known what became of it.
    async fn run(mut self, store: Arc<dyn Store>, clock: Arc<AtomicU64>) -> Vec<Event> {
        let mut events = Vec::with_capacity(CALLS);
        for _ in 0..CALLS {
            let call = self.draw();
            let began = clock.fetch_add(1, Ordering::SeqCst);
            let mut answer = call.make(&*store).await;
            while answer.is_unknown() {
                answer = call.make(&*store).await;
            }
            let ended = clock.fetch_add(1, Ordering::SeqCst);
            self.learn(&answer);
            events.push(Event { began, ended, call, answer });
        }
        events
    }
}

/// Makes so many histories, and finds an order for each. `open` makes [`CALLERS`] handles to one empty
/// place; it is told which history it is for.
///
/// # Panics
/// If a history has no such order; it is printed.
pub fn check(histories: u32, open: impl AsyncFn(u32) -> Vec<Arc<dyn Store>>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a test can have threads").block_on(async {
        for seed in 0..histories {
            let handles = open(seed).await;
            let history = History::make(seed, handles).await;
            assert!(history.has_an_order(), "history {seed} has no order:\n{:#?}", history.callers);
        }
    });
}

/// What happened, caller by caller.
struct History {
    fence: LeaseFence,
    callers: Vec<Vec<Event>>,
}

impl History {
    async fn make(seed: u32, handles: Vec<Arc<dyn Store>>) -> Self {
        handles[0].found(&identity()).await.expect("founds");
        let fence = held(handles[0].lease(&op("first"), &take("first")).await.expect("answers"));
        let clock = Arc::new(AtomicU64::new(0));
        let callers: Vec<_> = (0..)
            .zip(handles)
            .map(|(name, store)| {
                let dice = Dice(u64::from(seed) << 8 | name);
                let (town, mission, waiting, made) = Default::default();
                let caller = Caller { name, dice, fence, town, mission, waiting, made };
                tokio::spawn(caller.run(store, Arc::clone(&clock)))
            })
            .collect();
        let mut events = Vec::new();
        for caller in callers {
            events.push(caller.await.expect("does not panic"));
        }
        Self { fence, callers: events }
    }

    /// Looks for an order, call by call; each try plays the calls so far anew on a model of its own.
    fn has_an_order(&self) -> bool {
        self.search(&mut Vec::new(), &mut vec![0; self.callers.len()])
    }

    fn search(&self, order: &mut Vec<usize>, next: &mut Vec<usize>) -> bool {
        let ahead = |caller: usize, next: &[usize]| self.callers[caller].get(next[caller]);
        let all = 0..self.callers.len();
        let Some(first_end) = all.clone().filter_map(|it| Some(ahead(it, next)?.ended)).min() else {
            return true;
        };
        for caller in all {
            // Whatever began after another call had ended comes after it.
            if ahead(caller, next).is_none_or(|event| event.began > first_end) {
                continue;
            }
            order.push(caller);
            next[caller] += 1;
            if self.explains(order) && self.search(order, next) {
                return true;
            }
            next[caller] -= 1;
            order.pop();
        }
        false
    }

    /// Whether the model answers the last call of this order as it was answered.
    fn explains(&self, order: &[usize]) -> bool {
        let model = MemoryStore::new();
        model.set_incarnation(self.fence.incarnation);
        at_once(model.found(&identity())).expect("founds");
        at_once(model.lease(&op("first"), &take("first"))).expect("answers");
        let mut next = vec![0; self.callers.len()];
        let mut fits = true;
        for caller in order {
            let event = &self.callers[*caller][next[*caller]];
            next[*caller] += 1;
            fits = at_once(event.call.make(&model)) == event.answer;
        }
        fits
    }
}

/// The model answers without waiting.
fn at_once<T>(call: impl Future<Output = T>) -> T {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("the model waits"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn town(began: u64, ended: u64, version: u64) -> Event {
        let view = TownView { version, ..read() };
        Event { began, ended, call: Call::Town, answer: Reply::Town(Ok(view)) }
    }

    fn read() -> TownView {
        TownView {
            identity: identity(),
            incarnation: 1,
            version: 0,
            records: Vec::new(),
            effects: Vec::new(),
        }
    }

    fn written(began: u64, ended: u64) -> Event {
        let town = Some(crate::TownWrite::default());
        let call = Call::Commit(Box::new(Commit { town, ..commit("c", FENCE) }));
        Event { began, ended, call, answer: Reply::Commit(Ok(Committed { town: 1, mission: 0 })) }
    }

    const FENCE: LeaseFence = LeaseFence { incarnation: 1, epoch: 1 };

    fn history(callers: Vec<Vec<Event>>) -> History {
        History { fence: FENCE, callers }
    }

    #[test]
    fn while_a_commit_is_under_way_a_reader_may_see_either() {
        for seen in [0, 1] {
            assert!(history(vec![vec![written(0, 9)], vec![town(1, 2, seen)]]).has_an_order());
        }
        assert!(history(vec![vec![written(0, 9)], vec![town(1, 2, 0), town(3, 4, 1)]]).has_an_order());
    }

    #[test]
    fn what_was_seen_is_not_unseen_and_what_ended_is_seen() {
        assert!(!history(vec![vec![written(0, 9)], vec![town(1, 2, 1), town(3, 4, 0)]]).has_an_order());
        assert!(!history(vec![vec![written(0, 1)], vec![town(2, 3, 0)]]).has_an_order());
        assert!(!history(vec![vec![written(3, 4)], vec![town(0, 1, 1)]]).has_an_order());
    }
}
