//! Which records a town is made of: what the domain's state and history look like in a store.
//!
//! | where | key | record |
//! |---|---|---|
//! | town | `agent/NAME` | [`Agent`] |
//! | mission | charter, head | [`Charter`], [`Head`] |
//! | mission | `item/KEY` | [`ItemRecord`], for items that ever changed |
//! | history | number | [`StepRecord`] |
//! | inbox | position | [`Input`] |
//! | answers | operation | [`tinytown_core::input::Answer`] |
//! | mail | key | [`Letter`] |
//! | effects | operation | [`EffectRecord`] |

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tinytown_core::effect::Effect;
use tinytown_core::event::Event;
use tinytown_core::id::{AgentName, ItemKey, MissionId, OpId};
use tinytown_core::input::Input;
use tinytown_core::letter::{Letter, Recipient};
use tinytown_core::mission::{Charter, Head, ItemRecord, Mission};
use tinytown_core::roster::{Agent, Roster, RosterChange};
use tinytown_core::time::Time;
use tinytown_core::town::{Decided, Town};

use crate::codec::{decode, encode};
use crate::{
    Mail, Mailbox, MissionRow, MissionView, MissionWrite, Outgoing, Record, StoreError, TownView, TownWrite,
};

const AGENT: &str = "agent/";
const ITEM: &str = "item/";

/// One step of a history: an input, and all that it led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The version of the engine that decided.
    pub engine: String,
    /// When it was decided.
    pub now: Time,
    /// When the input was posted, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posted_at: Option<Time>,
    /// Upon what.
    pub input: Input,
    /// What became true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// What changed among the agents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roster: Vec<RosterChange>,
    /// What was to be done outside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<(OpId, Effect)>,
}

/// A [`StepRecord`] as it is written: nothing is copied for that. The two must have the same fields.
#[derive(Serialize)]
struct StepToWrite<'a> {
    engine: &'a str,
    now: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    posted_at: Option<Time>,
    input: &'a Input,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    events: &'a [Event],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    roster: &'a [RosterChange],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    effects: &'a [(OpId, Effect)],
}

/// An [`EffectRecord`] as it is written.
#[derive(Serialize)]
struct EffectToWrite<'a> {
    mission: MissionId,
    effect: &'a Effect,
}

/// An effect that was decided and not yet reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectRecord {
    /// Whose.
    pub mission: MissionId,
    /// What to do.
    pub effect: Effect,
}

/// The versions on which a decision was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// Of what missions share.
    pub town: u64,
    /// Of the mission, 0 for one that begins.
    pub mission: u64,
}

/// What a decision's records tell besides the decision.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The version of the engine that decided.
    pub engine: &'a str,
    /// When the input was posted, if it was.
    pub posted_at: Option<Time>,
    /// What was decided upon.
    pub versions: Versions,
}

/// A decision as records: what a commit carries besides its name, its fence and its acknowledgements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The change to what missions share.
    pub town: Option<TownWrite>,
    /// The change to the mission.
    pub mission: Option<MissionWrite>,
    /// Deliveries.
    pub mail: Vec<Mail>,
    /// Deliveries that are over.
    pub mail_done: Vec<(Mailbox, String)>,
    /// Effects to remember.
    pub effects: Vec<Outgoing>,
    /// Effects that are over.
    pub effects_done: Vec<OpId>,
}

/// The mailbox of a recipient.
pub fn mailbox(to: &Recipient) -> Mailbox {
    match to {
        Recipient::Agent(name) => Mailbox::Agent(name.clone()),
        Recipient::Conductor => Mailbox::Conductor,
    }
}

/// A decision as records. `town` is as it was after the decision.
pub fn write(town: &Town, decided: &Decided, input: &Input, context: Context<'_>) -> Written {
    let Context { engine, posted_at, versions } = context;
    let step = &decided.step;
    let record = encode(&StepToWrite {
        engine,
        now: step.now,
        posted_at,
        input,
        events: &step.events,
        roster: &step.roster,
        effects: &step.effects,
    });
    let mission = decided.mission.filter(|_| !step.is_empty()).and_then(|id| town.mission(id));
    let (of_mission, of_town) = match mission {
        Some(_) => (Some(record), None),
        // What changed nothing is no history.
        None if step.is_empty() => (None, None),
        None => (None, Some(record)),
    };
    let effect = |(op, effect): &(OpId, Effect)| {
        let mission = decided.mission?;
        Some(Outgoing { op: op.clone(), record: encode(&EffectToWrite { mission, effect }) })
    };
    Written {
        town: write_town(town.roster(), &step.roster, versions.town, of_town),
        mission: mission
            .zip(of_mission)
            .map(|(mission, step)| write_mission(mission, versions.mission, decided.begins, step)),
        mail: step
            .letters
            .iter()
            .map(|one| Mail { to: mailbox(&one.to), key: one.key.clone(), record: encode(&one.letter) })
            .collect(),
        mail_done: step.letters_over.iter().map(|(to, key)| (mailbox(to), key.clone())).collect(),
        effects: step.effects.iter().filter_map(effect).collect(),
        effects_done: step.effects_over.clone(),
    }
}

fn write_town(
    roster: &Roster,
    changes: &[RosterChange],
    expect: u64,
    step: Option<Record>,
) -> Option<TownWrite> {
    if changes.is_empty() && step.is_none() {
        return None;
    }
    let names: BTreeSet<&AgentName> = changes.iter().map(changed_agent).collect();
    let agents = names.into_iter().filter_map(|name| roster.get(name));
    let put = agents.map(|agent| (format!("{AGENT}{}", agent.name), encode(agent))).collect();
    Some(TownWrite { expect, put, delete: Vec::new(), step })
}

fn changed_agent(change: &RosterChange) -> &AgentName {
    match change {
        RosterChange::AgentJoined { agent } => &agent.name,
        RosterChange::AgentBusy { claim } => &claim.agent,
        RosterChange::AgentFreed { agent }
        | RosterChange::AgentRetiring { agent }
        | RosterChange::AgentPaused { agent, .. }
        | RosterChange::AgentGone { agent, .. } => agent,
    }
}

fn write_mission(mission: &Mission, expect: u64, begins: bool, step: Record) -> MissionWrite {
    let put = mission
        .changed()
        .map(|ix| (format!("{ITEM}{}", mission.key(ix)), encode(&mission.record_to_write(ix))))
        .collect();
    MissionWrite {
        id: mission.id(),
        expect,
        charter: begins.then(|| encode(mission.charter())),
        head: encode(mission.head()),
        unfinished: !mission.head().state.is_over(),
        put,
        step,
    }
}

/// The agents of a town.
///
/// # Errors
/// [`StoreError::Newer`] or [`StoreError::Corrupt`], naming the record.
pub fn load_roster(view: &TownView) -> Result<Roster, StoreError> {
    let agents = view.records.iter().filter(|(key, _)| key.starts_with(AGENT));
    let agents: Result<Vec<Agent>, StoreError> = agents.map(|(key, record)| decode(key, record)).collect();
    Ok(Roster::new(agents?))
}

/// A mission in a list: its charter without policy and items, and its head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Its identity.
    pub id: MissionId,
    /// When it began.
    pub created_at: Time,
    /// What it is about, as keys; see [`Mission::objectives`].
    pub objectives: Vec<String>,
    /// What changes about it as a whole.
    pub head: Head,
}

/// A mission in a list. Its items are passed over, which are nearly all of its charter.
///
/// # Errors
/// [`StoreError::Newer`] or [`StoreError::Corrupt`], naming the record.
pub fn load_outline(row: &MissionRow) -> Result<Outline, StoreError> {
    /// Of a [`Charter`]; the fields must have its names.
    #[derive(Deserialize)]
    struct Named {
        created_at: Time,
        objectives: Vec<String>,
    }
    let Named { created_at, mut objectives } = decode(&charter_of(row.id), &row.charter)?;
    let head = load_head(row)?;
    objectives.extend_from_slice(&head.joined);
    Ok(Outline { id: row.id, created_at, objectives, head })
}

/// What changes about a mission as a whole.
///
/// # Errors
/// [`StoreError::Newer`] or [`StoreError::Corrupt`], naming the record.
pub fn load_head(row: &MissionRow) -> Result<Head, StoreError> {
    decode(&format!("the head of mission {}", row.id), &row.head)
}

fn charter_of(mission: MissionId) -> String {
    format!("the charter of mission {mission}")
}

/// A mission whole.
///
/// # Errors
/// [`StoreError::Newer`] or [`StoreError::Corrupt`], naming the record.
pub fn load_mission(view: &MissionView) -> Result<Mission, StoreError> {
    let charter: Charter = decode(&charter_of(view.row.id), &view.row.charter)?;
    let head = load_head(&view.row)?;
    let mut records: Vec<(ItemKey, ItemRecord)> = Vec::with_capacity(view.records.len());
    for (key, record) in &view.records {
        if let Some(item) = key.strip_prefix(ITEM) {
            let what = format!("item {item} of mission {}", view.row.id);
            records.push((ItemKey::new(item), decode(&what, record)?));
        }
    }
    Mission::load(charter, head, records).map_err(|error| StoreError::Corrupt {
        what: format!("mission {}", view.row.id),
        detail: error.to_string(),
    })
}

/// What a letter says.
///
/// # Errors
/// [`StoreError::Newer`] or [`StoreError::Corrupt`], naming the record.
pub fn load_letter(key: &str, record: &Record) -> Result<Letter, StoreError> {
    decode(&format!("letter {key}"), record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinytown_core::effect::EffectKind;
    use tinytown_core::input::MissionInput;

    /// Names every field: a new one does not compile until it is written.
    fn to_write(record: &StepRecord) -> StepToWrite<'_> {
        let StepRecord { engine, now, posted_at, input, events, roster, effects } = record;
        StepToWrite { engine, now: *now, posted_at: *posted_at, input, events, roster, effects }
    }

    #[test]
    fn a_step_is_written_as_its_record_is_read() {
        let (mission, item, op) = (MissionId(uuid::Uuid::from_u128(1)), ItemKey::new("#1"), OpId::new("op"));
        let agent = AgentName::new("ann").expect("a name");
        let record = StepRecord {
            engine: "test".to_owned(),
            now: Time::from_millis(1),
            posted_at: Some(Time::from_millis(2)),
            input: Input::Mission { mission, what: MissionInput::Wake },
            events: vec![Event::EffectOver { item: item.clone(), op: op.clone(), kind: EffectKind::Look }],
            roster: vec![RosterChange::AgentFreed { agent }],
            effects: vec![(op, Effect::Look { item, pull: 1 })],
        };
        assert_eq!(encode(&to_write(&record)), encode(&record));
        let bare = StepRecord {
            posted_at: None,
            events: Vec::new(),
            roster: Vec::new(),
            effects: Vec::new(),
            ..record
        };
        assert_eq!(encode(&to_write(&bare)), encode(&bare));
    }

    #[test]
    fn an_effect_is_written_as_its_record_is_read() {
        let mission = MissionId(uuid::Uuid::from_u128(1));
        let record = EffectRecord { mission, effect: Effect::Look { item: ItemKey::new("#1"), pull: 1 } };
        let EffectRecord { mission, effect } = &record;
        assert_eq!(encode(&EffectToWrite { mission: *mission, effect }), encode(&record));
    }
}
