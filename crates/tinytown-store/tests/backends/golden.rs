//! Records as they lie in stores of users: their shape may not change without a new record version,
//! and what an earlier program wrote must still be read.

use tinytown_core::effect::EffectResult;
use tinytown_core::id::{AgentName, ItemKey, MissionId, Role, Sha};
use tinytown_core::input::{Input, Join, MissionInput, NewMission};
use tinytown_core::issue::IssueRef;
use tinytown_core::item::{EdgeOrigin, EdgeSource, External, ItemSpec, Kind, Origin, RoleWish};
use tinytown_core::mission::{Charter, Head, ItemRecord};
use tinytown_core::policy::Policy;
use tinytown_core::roster::{Agent, Place};
use tinytown_core::text::Text;
use tinytown_core::time::Time;
use tinytown_core::town::Town;
use tinytown_store::Record;
use tinytown_store::codec::{RECORD_VERSION, decode};
use tinytown_store::records::{Context, EffectRecord, StepRecord, Versions, Written, load_letter, write};

fn item() -> ItemSpec {
    ItemSpec {
        key: ItemKey::new("#2"),
        title: "Implement auth endpoints".to_owned(),
        kind: Kind::Implement,
        role: Some(RoleWish { role: Role::new("backend"), required: false }),
        pinned: None,
        priority: 0,
        body: Text::inline("Depends on nothing."),
        depends_on: Vec::new(),
        external: Vec::new(),
        skip: false,
        path_length: 1,
        origin: Origin::Issue(IssueRef::own(2)),
    }
}

/// Three steps of a small town: an agent joins, a mission starts, the agent is told.
fn steps() -> Vec<Written> {
    let agent = AgentName::new("backend").expect("a name");
    let place =
        Place { host: "host".into(), boot: "boot".into(), pid: 7, started: 8, runs: "/town/run".into() };
    let join = Join { agent, role: Some(Role::new("backend")), cli: "claude".into(), place };
    let new =
        NewMission { id: ID, policy: Policy::default(), objectives: vec!["#2".into()], items: vec![item()] };
    decided(vec![Input::Join(join), Input::Start(Box::new(new))])
}

/// Two steps: a mission starts, and then gets the issue for which its item waits.
fn growth() -> Vec<Written> {
    let source = EdgeSource {
        by: EdgeOrigin::Marker,
        location: "issues/2.md".into(),
        line: Some(3),
        words: String::new(),
    };
    let waiting = ItemSpec { external: vec![External { on: IssueRef::own(9), source }], ..item() };
    let added = ItemSpec {
        key: ItemKey::new("#9"),
        origin: Origin::Issue(IssueRef::own(9)),
        path_length: 2,
        ..item()
    };
    let new =
        NewMission { id: ID, policy: Policy::default(), objectives: vec!["#2".into()], items: vec![waiting] };
    let add = Input::Mission { mission: ID, what: MissionInput::Add { items: vec![added] } };
    decided(vec![Input::Start(Box::new(new)), add])
}

const ID: MissionId = MissionId(uuid::Uuid::from_u128(0x2a));

/// The records of these inputs, the base of what is assigned being known at once.
fn decided(mut inputs: Vec<Input>) -> Vec<Written> {
    let mut town = Town::default();
    let mut written: Vec<Written> = Vec::new();
    while let Some(input) = (!inputs.is_empty()).then(|| inputs.remove(0)) {
        let millis = 1_700_000_000_000 + i64::try_from(written.len()).expect("few");
        let decided = town.decide(&input, Time::from_millis(millis));
        for (op, _) in &decided.step.effects {
            let base = Sha::new(&"ab".repeat(20)).expect("40 digits");
            let what = MissionInput::Effect { op: op.clone(), result: EffectResult::Base(base) };
            inputs.push(Input::Mission { mission: ID, what });
        }
        let versions = Versions { town: 0, mission: 0 };
        let context = Context { engine: "0.1.0", posted_at: Some(Time::from_millis(millis)), versions };
        written.push(write(&town, &decided, &input, context));
    }
    written
}

fn lines(written: &[Written]) -> String {
    let mut lines = Vec::new();
    let mut line = |name: &str, record: &Record| lines.push(format!("{name}\n{}\n", record.0));
    for step in written {
        for (key, record) in step.town.iter().flat_map(|town| &town.put) {
            line(key, record);
        }
        for town in step.town.iter().filter_map(|town| town.step.as_ref()) {
            line("town step", town);
        }
        if let Some(mission) = &step.mission {
            if let Some(charter) = &mission.charter {
                line("charter", charter);
            }
            line("head", &mission.head);
            for (key, record) in &mission.put {
                line(key, record);
            }
            line("mission step", &mission.step);
        }
        for effect in &step.effects {
            line("effect", &effect.record);
        }
        for mail in &step.mail {
            line("letter", &mail.record);
        }
    }
    lines.join("\n")
}

#[test]
fn records_have_the_shape_that_their_version_promises() {
    insta::assert_snapshot!(format!("records_v{RECORD_VERSION}"), lines(&steps()));
}

#[test]
fn records_of_a_mission_that_grew_have_the_shape_that_their_version_promises() {
    insta::assert_snapshot!(format!("growth_v{RECORD_VERSION}"), lines(&growth()));
}

#[test]
fn records_of_version_1_can_be_read() {
    let golden = include_str!("snapshots/backends__golden__records_v1.snap");
    assert!(read(golden) >= 12, "few records in the golden file");
    let golden = include_str!("snapshots/backends__golden__growth_v1.snap");
    assert!(read(golden) >= 6, "few records in the golden file");
}

#[test]
fn records_can_be_read_that_were_written_before_fields_were_added_to_version_1() {
    assert!(read(include_str!("written_earlier/records_v1.txt")) >= 12, "few records in the golden file");
}

/// Reads every record of a golden file; how many there were.
fn read(golden: &str) -> usize {
    let records = golden.split("---\n").nth(2).expect("a snapshot has a header");
    let mut read = 0;
    let mut rest = records.lines().filter(|line| !line.is_empty());
    while let (Some(name), Some(text)) = (rest.next(), rest.next()) {
        let record = Record(text.to_owned());
        let outcome = match name {
            name if name.starts_with("agent/") => decode::<Agent>(name, &record).err(),
            name if name.starts_with("item/") => decode::<ItemRecord>(name, &record).err(),
            "charter" => decode::<Charter>(name, &record).err(),
            "head" => decode::<Head>(name, &record).err(),
            "effect" => decode::<EffectRecord>(name, &record).err(),
            "letter" => load_letter(name, &record).err(),
            _ => decode::<StepRecord>(name, &record).err(),
        };
        assert_eq!(outcome, None, "{name}");
        read += 1;
    }
    read
}
