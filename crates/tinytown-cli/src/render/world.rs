//! A small town for tests: the tutorial's mission, driven by the engine itself, hand by hand.

use std::collections::BTreeMap;

use tinytown_core::effect::{EffectKind, EffectResult};
use tinytown_core::id::{AgentName, Claim, ItemKey, MissionId, Role, Sha};
use tinytown_core::input::{Answer, Input, Join, MissionInput, NewMission, Submission};
use tinytown_core::issue::{IssueRef, IssueState};
use tinytown_core::manifest::Manifest;
use tinytown_core::mission::{ItemIx, Mission};
use tinytown_core::objective::{Objective, ObjectiveRef};
use tinytown_core::observation::{CheckReport, Checks, Observation, Pull, PullState};
use tinytown_core::plan::{Plan, Request, compile};
use tinytown_core::policy::Policy;
use tinytown_core::roster::Place;
use tinytown_core::text::Text;
use tinytown_core::time::Time;
use tinytown_core::town::Town;

use crate::pulse::Pulse;

/// The mission's id.
pub(crate) const ID: &str = "abc123de-f456-4000-8000-000000000001";

/// The town, at a time that only tests move.
pub(crate) struct World {
    pub(crate) town: Town,
    pub(crate) now: Time,
}

/// A commit made of one digit.
pub(crate) fn sha(digit: char) -> Sha {
    Sha::new(&digit.to_string().repeat(40)).expect("40 digits")
}

/// The tutorial's issues.
pub(crate) fn issues() -> Vec<Objective> {
    let issue = |number: u64, title: &str, body: &str| Objective {
        name: ObjectiveRef::Issue(IssueRef::own(number)),
        title: title.to_owned(),
        body: body.to_owned(),
        labels: Vec::new(),
        state: IssueState::Open,
        location: format!("issues/{number}.md"),
        body_line: 3,
        anchors: std::sync::Arc::default(),
    };
    vec![
        issue(1, "Design auth API", "Design the authentication API schema."),
        issue(2, "Implement auth endpoints", "Depends on #1."),
        issue(3, "Write auth tests", "After #2."),
    ]
}

/// Their plan.
pub(crate) fn compiled(objectives: &[Objective]) -> Plan {
    let (standings, manifest) = (BTreeMap::new(), Manifest::default());
    let request = Request { objectives, standings: &standings, manifest: &manifest, own: None };
    compile(&request).expect("a plan")
}

/// Nothing waits, and a dispatcher runs.
pub(crate) fn healthy() -> Pulse {
    let holder = Some("process 7 on host".to_owned());
    Pulse { holder, running: Some(true), inputs_waiting: 0, effects_waiting: 0 }
}

impl World {
    /// The tutorial's mission, just started.
    pub(crate) fn started() -> Self {
        let items = compiled(&issues()).items;
        let mut world = Self { town: Town::default(), now: Time::from_millis(1_700_000_000_000) };
        let objectives = items.iter().map(|item| item.key.to_string()).collect();
        let policy = Policy::default();
        world.tell(&Input::Start(Box::new(NewMission { id: Self::id(), policy, objectives, items })));
        world
    }

    /// The same, with #1 at a pull request whose checks fail.
    pub(crate) fn failing() -> Self {
        let mut world = Self::started();
        world.join("backend", None);
        world.submit('a');
        world.publish(42, 'a');
        world.judge('a', Checks::Red(CheckReport::new("check", "exit code 1", Text::default())));
        world
    }

    /// The same, with #1 at a pull request whose checks pass.
    pub(crate) fn green() -> Self {
        let mut world = Self::started();
        world.join("backend", None);
        world.submit('a');
        world.publish(42, 'a');
        world.judge('a', Checks::Green);
        world
    }

    pub(crate) fn id() -> MissionId {
        ID.parse().expect("an id")
    }

    pub(crate) fn mission(&self) -> &Mission {
        self.town.mission(Self::id()).expect("not ended")
    }

    pub(crate) fn join(&mut self, name: &str, role: Option<&str>) {
        let place =
            Place { host: "host".into(), boot: "boot/1".into(), pid: 9, started: 1, runs: "/runs".into() };
        let agent = AgentName::new(name).expect("a name");
        self.tell(&Input::Join(Join { agent, role: role.map(Role::new), cli: "demo".into(), place }));
        self.tell_mission(MissionInput::Wake);
    }

    /// What was decided about the first item, so that its agent hands in this commit.
    fn submit(&mut self, digit: char) {
        self.report(EffectKind::Base, EffectResult::Base(sha('0')));
        let claim = self.claim();
        self.tell_mission(MissionInput::Started { claim: claim.clone() });
        let submission = Submission::Work { head: sha(digit), empty: false, summary: "did it".into() };
        self.tell_mission(MissionInput::submitted(claim, submission));
    }

    fn publish(&mut self, number: u64, digit: char) {
        let pull = Pull {
            number,
            url: format!("refs/tinytown/pull/{number}"),
            branch: "tt/abc123de/1-design-auth-api".into(),
            head: sha(digit),
            state: PullState::Open,
        };
        self.report(EffectKind::Publish, EffectResult::Published(pull));
    }

    fn judge(&mut self, digit: char, checks: Checks) {
        self.report(EffectKind::Look, EffectResult::Looked(Observation::open(sha(digit))));
        self.report(EffectKind::Check, EffectResult::Checked { head: sha(digit), checks });
    }

    fn claim(&self) -> Claim {
        self.mission().item(ItemIx(0)).claim(Self::id()).expect("#1 is assigned")
    }

    fn report(&mut self, kind: EffectKind, result: EffectResult) {
        let now = &self.mission().item(ItemIx(0)).now;
        let op = now.effects.iter().find(|(under_way, _)| *under_way == kind).expect("asked for").1.clone();
        self.tell_mission(MissionInput::Effect { op, result });
    }

    pub(crate) fn note(&mut self, text: &str) {
        self.tell_mission(MissionInput::Note { text: text.to_owned(), by: "ann".to_owned() });
    }

    pub(crate) fn tell_mission(&mut self, what: MissionInput) {
        self.tell(&Input::Mission { mission: Self::id(), what });
    }

    fn tell(&mut self, input: &Input) {
        self.now = self.now + std::time::Duration::from_secs(1);
        let decided = self.town.decide(input, self.now);
        assert!(
            !matches!(decided.step.answer, Answer::Refused { .. }),
            "{input:?}: {:?}",
            decided.step.answer
        );
    }

    /// The position of an item.
    pub(crate) fn at(&self, key: &str) -> ItemIx {
        self.mission().find(&ItemKey::new(key)).expect("an item")
    }
}
