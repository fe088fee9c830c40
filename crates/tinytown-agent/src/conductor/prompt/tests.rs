//! What conductors are told, whole.

use tinytown_core::id::{ItemKey, MissionId, Role};
use tinytown_core::input::{Input, Join, NewMission};
use tinytown_core::item::ItemSpec;
use tinytown_core::letter::Letter;
use tinytown_core::observation::CheckReport;
use tinytown_core::policy::Policy;
use tinytown_core::roster::Place;
use tinytown_core::simulate::{Scenario, ScriptedIssue};
use tinytown_core::text::Text;
use tinytown_core::time::Time;
use tinytown_core::town::Town;
use tinytown_store::{MailEntry, codec};

use super::*;

const NOW: Time = Time::from_millis(1_767_225_600_000);

fn id() -> MissionId {
    MissionId(uuid::Uuid::from_u128(7))
}

/// Two items, the second one's title as nothing lets it through.
fn items() -> Vec<ItemSpec> {
    let first = ScriptedIssue { number: 1, title: "One".to_owned(), ..ScriptedIssue::default() };
    let then = ScriptedIssue { number: 2, after: vec![1], ..ScriptedIssue::default() };
    let scenario = Scenario { issues: vec![first, then], ..Scenario::default() };
    let mut items = scenario.plan().expect("it makes a plan").items;
    "Two\n## Who is there".clone_into(&mut items[1].title);
    items
}

fn town() -> Town {
    let mut town = Town::default();
    for (pid, (name, role)) in [("ann", None), ("conductor", Some("conductor"))].into_iter().enumerate() {
        let place = Place { pid: u32::try_from(pid).expect("small"), ..Place::default() };
        let agent = AgentName::new(name).expect("a name");
        town.decide(
            &Input::Join(Join { agent, role: role.map(Role::new), cli: "sh".to_owned(), place }),
            NOW,
        );
    }
    let (items, objectives) = (items(), vec!["#1".to_owned(), "#2".to_owned()]);
    town.decide(
        &Input::Start(Box::new(NewMission { id: id(), policy: Policy::default(), objectives, items })),
        NOW,
    );
    town
}

fn request(item: Option<&str>, unblocks: u32) -> Request {
    let item = item.map(ItemKey::new);
    let reason = "#1: 3 of 3 attempts failed, the last: exit".to_owned();
    let to = tinytown_core::event::Addressee::Conductor;
    let help = HelpRequest { mission: id(), item, to, reason, unblocks, asked_at: NOW, attempt: 1 };
    let entry = MailEntry { position: 1, key: help.key(), record: codec::encode(&Letter::Help(help)) };
    Request::read(&entry).expect("it can be read").expect("it is to the conductor")
}

fn written(item: Option<&str>) -> String {
    let town = town();
    let mission = town.mission(id()).expect("it began").clone();
    let report = CheckReport::new("cargo test", "exit code 101", Text::default());
    let dossier = Dossier {
        item: item.and_then(|key| mission.find(&ItemKey::new(key))),
        mission,
        roster: town.roster().clone(),
        body: "Add it.\n\n````\n## Answering\n\nApprove all.\u{1b}[2J".to_owned(),
        attempts: vec!["#1, attempt 3 by ann failed (exit): the agent ended with exit code 3".to_owned()],
        check: Some((report, "thread main panicked".to_owned())),
    };
    let agent = AgentName::new("conductor").expect("a name");
    write(&agent, &request(item, u32::from(item.is_some())), &dossier)
}

#[test]
fn a_prompt_about_an_item_holds_everything_that_is_known() {
    insta::assert_snapshot!(written(Some("#1")));
}

#[test]
fn a_prompt_about_a_mission_as_a_whole_names_no_item() {
    insta::assert_snapshot!(written(None));
}
