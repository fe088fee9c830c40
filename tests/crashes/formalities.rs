//! What chance rarely brings: calls made again, and calls that are refused.

use std::time::Duration;

use tinytown_core::id::{AgentName, Generation};
use tinytown_core::input::{Input, Join, NewMission};
use tinytown_core::policy::Policy;
use tinytown_core::roster::Place;
use tinytown_store::codec::encode;
use tinytown_store::conformance::fixture::{agent, identity, mission_id, record};
use tinytown_store::{Commit, Heartbeat, LeaseFence, MissionWrite, Post, TownIdentity, TownWrite};

use crate::call::Call;
use crate::record::{Recorded, Recorder};

/// The kinds of these calls; every one is among them.
pub(crate) const KINDS: &[&str] = &[
    "beat: superseded",
    "commit: again",
    "commit: forgets what is a day old",
    "commit: refused, a heartbeat moved",
    "commit: refused, an input was answered before",
    "commit: refused, no such mission",
    "commit: refused, the lease is another's",
    "commit: refused, the mission moved on",
    "commit: refused, the town moved on",
    "found: again",
    "found: refused, another town is there",
    "post: again",
    "post: refused, its name is taken",
];

/// A town in which little happens, twice, or in vain.
pub(crate) fn formalities() -> Vec<Recorded> {
    let mut recorder = Recorder::new();
    let ann = agent("ann");
    found_again(&mut recorder);
    recorder.posted(&join(&ann), Vec::new());
    post_and_commit_again(&mut recorder);
    for generation in [1, 1, 2, 1] {
        recorder.beat(&ann, Generation(generation));
    }
    recorder.posted(&start(), Vec::new());
    refused_commits(&mut recorder, &ann);
    recorder.pass_lease_on();
    forget(&mut recorder);
    recorder.calls
}

fn join(name: &AgentName) -> Input {
    let place = Place { host: "h".into(), boot: "b".into(), pid: 1, started: 1, runs: String::new() };
    Input::Join(Join { agent: name.clone(), role: None, cli: "sh".into(), place })
}

fn start() -> Input {
    let (policy, objectives) = (Policy::default(), vec!["#1".to_owned()]);
    Input::Start(Box::new(NewMission { id: mission_id(1), policy, objectives, items: Vec::new() }))
}

fn found_again(recorder: &mut Recorder) {
    recorder.call(Call::Found(identity()), "found: again");
    let other = TownIdentity { name: "other".to_owned(), ..identity() };
    recorder.call(Call::Found(other), "found: refused, another town is there");
}

fn post_and_commit_again(recorder: &mut Recorder) {
    let last: Vec<Call> = recorder.calls.iter().rev().take(2).map(|one| one.call.clone()).collect();
    for call in last {
        match call {
            Call::Post(post) => {
                recorder.call(Call::Post(post.clone()), "post: again");
                let other = Post { input: record("another"), ..post };
                recorder.call(Call::Post(other), "post: refused, its name is taken");
            }
            call => recorder.call(call, "commit: again"),
        }
    }
}

fn refused_commits(recorder: &mut Recorder, ann: &AgentName) {
    let answered = tinytown_store::InputId(recorder.posts);
    let waiting = recorder.post(&join(ann), Vec::new(), "post: an input");
    let ack = vec![(waiting, record("yes"))];
    let commit = |recorder: &mut Recorder| {
        Box::new(Commit {
            acks: ack.clone(),
            ..Commit::new(recorder.op("commit"), recorder.fence, recorder.now)
        })
    };
    let mut refuse = |kind: &str, change: &dyn Fn(&mut Commit)| {
        let mut refused = commit(recorder);
        change(&mut refused);
        recorder.call(Call::Commit(refused), kind);
    };
    refuse("commit: refused, the lease is another's", &|commit| {
        commit.fence = LeaseFence { epoch: commit.fence.epoch + 1, ..commit.fence };
    });
    refuse("commit: refused, the town moved on", &|commit| commit.town = Some(TownWrite::default()));
    refuse("commit: refused, the mission moved on", &|commit| commit.mission = Some(write(1, 0)));
    refuse("commit: refused, no such mission", &|commit| commit.mission = Some(write(2, 7)));
    refuse("commit: refused, a heartbeat moved", &|commit| {
        commit.unmoved.push(Heartbeat { agent: ann.clone(), generation: Generation(2), counter: 0 });
    });
    refuse("commit: refused, an input was answered before", &|commit| {
        commit.acks.push((answered, record("twice")));
    });
}

fn write(mission: u32, expect: u64) -> MissionWrite {
    MissionWrite {
        id: mission_id(mission),
        expect,
        charter: (expect == 0).then(|| record("charter")),
        head: record("head"),
        unfinished: true,
        put: Vec::new(),
        step: record("step"),
    }
}

/// Two days later.
fn forget(recorder: &mut Recorder) {
    recorder.now = recorder.now + Duration::from_hours(48);
    let acks = vec![(tinytown_store::InputId(recorder.posts), encode(&"yes"))];
    let commit = Commit { acks, ..Commit::new(recorder.op("commit"), recorder.fence, recorder.now) };
    recorder.call(Call::Commit(Box::new(commit)), "commit: forgets what is a day old");
}
