//! People: they start missions, meddle while things go wrong, and answer when asked for help.

use std::collections::BTreeMap;

use tinytown_core::id::{ItemKey, MissionId, OpId};
use tinytown_core::input::{Answer, Input, MissionInput, NewMission};
use tinytown_core::item::ItemSpec;
use tinytown_core::mission::{Mission, MissionState, WaitCode};

use super::calls::StoreReply;
use super::post::Poster;
use super::world::{Message, Pid, World};

/// A person at a terminal.
#[derive(Default)]
pub(super) struct Operator {
    poster: Poster,
    ops: u64,
    begun: bool,
    /// How often an item was helped, by mission.
    helped: BTreeMap<(MissionId, ItemKey), u32>,
    /// What was answered to starts.
    pub refused: Vec<String>,
}

impl Operator {
    pub(super) fn hear(&mut self, world: &mut World, pid: Pid, message: Message) {
        match message {
            Message::Tick => {
                if !std::mem::replace(&mut self.begun, true) {
                    self.begin(world, pid);
                }
                self.poster.tick(world, pid);
            }
            Message::Store(reply @ (StoreReply::Post(..) | StoreReply::Answer(..))) => {
                if let Some((op, Answer::Refused { message, .. })) = self.poster.hear(world, pid, &reply)
                    && op.as_str().contains("start")
                {
                    self.refused.push(message);
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, world: &mut World, pid: Pid) {
        for (id, scenario) in world.scenarios.clone().iter() {
            let plan = scenario.plan().expect("drawn scenarios make a plan");
            let objectives = plan.items.iter().map(|item| item.key.to_string()).collect();
            let (policy, items) = (scenario.policy.clone(), plan.items);
            let start = Input::Start(Box::new(NewMission { id: *id, policy, objectives, items }));
            self.say(world, pid, "start", &start);
        }
    }

    fn say(&mut self, world: &mut World, pid: Pid, what: &str, input: &Input) {
        self.ops += 1;
        let op = OpId::new(format!("operator/{what}/{}", self.ops));
        self.poster.post(world, pid, op, input, true);
    }

    /// Writes a note.
    pub(super) fn note(&mut self, world: &mut World, pid: Pid, mission: MissionId, text: &str) {
        let what = MissionInput::Note { text: text.to_owned(), by: "operator".to_owned() };
        world.say(|| format!("note: {text}"));
        self.say(world, pid, "note", &Input::Mission { mission, what });
    }

    /// Stops a mission, or lets it go on.
    pub(super) fn stop(&mut self, world: &mut World, pid: Pid, mission: MissionId, stop: bool) {
        let what = if stop { MissionInput::Stop { force: false } } else { MissionInput::Resume };
        world.say(|| format!("operator: {what:?}"));
        self.say(world, pid, "stop", &Input::Mission { mission, what });
    }

    /// Adds work.
    pub(super) fn add(&mut self, world: &mut World, pid: Pid, mission: MissionId, items: Vec<ItemSpec>) {
        world.say(|| format!("operator: adds {}", items[0].key));
        let what = MissionInput::Add { items };
        self.say(world, pid, "add", &Input::Mission { mission, what });
    }

    /// Answers what missions ask: tries again twice, then leaves it out.
    pub(super) fn help(&mut self, world: &mut World, pid: Pid) {
        if self.poster.is_busy() {
            return;
        }
        for (id, text) in self.answers(world) {
            match text {
                Some(text) => self.note(world, pid, id, &text),
                None => self.stop(world, pid, id, false),
            }
        }
    }

    fn answers(&mut self, world: &World) -> Vec<(MissionId, Option<String>)> {
        let Some(town) = world.decided() else { return Vec::new() };
        // Half of all people wait for what comes by itself.
        let patient = world.dice.between(0, 1, "patient", 0) == 0;
        let mut answers = Vec::new();
        for mission in town.missions() {
            if mission.head().state == MissionState::Stopped {
                answers.push((mission.id(), None));
            } else {
                answers.extend(self.of_mission(mission, town.roster(), patient));
            }
        }
        answers
    }

    fn of_mission(
        &mut self,
        mission: &Mission,
        roster: &tinytown_core::roster::Roster,
        patient: bool,
    ) -> Vec<(MissionId, Option<String>)> {
        let mut answers = Vec::new();
        if mission.head().budget.is_some() {
            answers.push((mission.id(), Some("resume".to_owned())));
        }
        for item in mission.items() {
            let key = &item.spec.key;
            let Some(ix) = mission.find(key) else { continue };
            let Some(wait) = mission.wait(ix, roster) else { continue };
            // Who is not asked for help only hurries what waits for nothing but time.
            let asked = mission.head().open_request().is_some();
            if !asked && (wait.code != WaitCode::Backoff || patient) {
                continue;
            }
            let root = ItemKey::new(key.as_str().split('/').next().unwrap_or_default());
            let times = self.helped.entry((mission.id(), key.clone())).or_default();
            let word = match wait.code {
                WaitCode::Backoff if patient => continue,
                WaitCode::Backoff => {
                    answers.push((mission.id(), Some(format!("retry {key}"))));
                    continue;
                }
                // A limit of a provider is lifted by itself, and a budget of the mission was just granted.
                WaitCode::Limit if wait.owner != "operator" || mission.head().budget.is_some() => continue,
                WaitCode::Limit | WaitCode::Person => again(*times < 2, key),
                WaitCode::EmptyChange | WaitCode::Governance if wait.owner == "operator" => {
                    format!("approve {key}")
                }
                WaitCode::NoReviewer if wait.owner == "operator" => format!("approve {root}"),
                WaitCode::NoAgent if wait.owner == "operator" => again(false, key),
                WaitCode::Checks if wait.owner == "operator" => again(*times < 3, key),
                _ => continue,
            };
            *times += 1;
            answers.push((mission.id(), Some(word)));
        }
        answers
    }
}

/// Once more, or without it.
fn again(more: bool, key: &ItemKey) -> String {
    if more { format!("retry {key}") } else { format!("skip {key}") }
}
