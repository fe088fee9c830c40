//! What lies where in Redis. This is the only place that knows the names of keys.
//!
//! `tt:town:NAME` (string) is the record of the town that goes by this name. Everything else of a town
//! begins with `tt:{TOWN-ID}:`; the braces keep it in one hash slot.
//!
//! | key | type | what |
//! |---|---|---|
//! | `town` | hash | `layout`, `id`, `name`, `created_at`; the life of the store: `incarnation`, `run` (the server's run id), `serial` (moved by each change); `version` of what missions share; the lease: `epoch`, `counter`, `holder`; the last numbers given out: `last_input`, `last_mail`, `last_effect`, `last_mission` |
//! | `shared` | hash | what missions share: key → record |
//! | `steps` | stream | steps of the town, `VERSION-0`: `record` |
//! | `inbox` | stream | inputs not yet applied, `POSITION-0`: `op`, `input`, `at`; deleted by the commit that applies them |
//! | `posts` | hash | name of an input → `POSITION SHA-256` |
//! | `answers` | hash | name of an applied input → answer |
//! | `memos` | stream | names in the order in which they may be forgotten, `SERIAL-n`: `at`, then `commit` or `post` with the name. Whoever waits for an answer reads it |
//! | `commits` | hash | name of a commit → `TOWN-VERSION MISSION-VERSION` |
//! | `leases` | hash | name of a lease call → what it was answered |
//! | `lease_log` | stream | names of lease calls by the server's time: `op` |
//! | `effects` | stream | effects not yet reported, `NUMBER-0`: `key` (name), `record` |
//! | `effect_at` | hash | name of an effect → its number |
//! | `beats` | hash | agent → `GENERATION COUNTER` |
//! | `blobs` | hash | SHA-256 → text |
//! | `missions` | sorted set | missions by the order of their first commits |
//! | `unfinished` | sorted set | those of them that have not ended |
//! | `rows` | hash | `MISSION:version`, `MISSION:charter`, `MISSION:head` |
//! | `items:MISSION` | hash | key → record |
//! | `steps:MISSION` | stream | steps of the mission, `VERSION-0`: `record` |
//! | `mail:agent/NAME`, `mail:conductor` | stream | deliveries, `POSITION-0`: `key`, `record` |
//! | `mail_at:…` | hash | key of a delivery → its position |
//!
//! Nothing expires: a key with a time to live is what `volatile-*` eviction takes first.

use tinytown_core::id::{MissionId, TownId};
use tinytown_store::Mailbox;

/// The newest layout of keys that this program reads and writes.
pub(crate) const LAYOUT: u32 = 1;

/// The key that says which town goes by a name.
pub(crate) fn name(town: &str) -> String {
    format!("tt:town:{town}")
}

/// The keys of one town.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    prefix: String,
}

macro_rules! fixed {
    ($($key:ident)*) => {
        impl Keys {
            $(pub(crate) fn $key(&self) -> String {
                self.key(stringify!($key))
            })*
        }
    };
}

fixed! {
    town shared steps inbox posts answers memos commits leases lease_log effects effect_at beats blobs
    missions unfinished rows
}

impl Keys {
    pub(crate) fn new(town: TownId) -> Self {
        Self { prefix: format!("tt:{{{town}}}:") }
    }

    fn key(&self, rest: &str) -> String {
        format!("{}{rest}", self.prefix)
    }

    pub(crate) fn items(&self, mission: MissionId) -> String {
        self.key(&format!("items:{mission}"))
    }

    pub(crate) fn steps_of(&self, mission: MissionId) -> String {
        self.key(&format!("steps:{mission}"))
    }

    pub(crate) fn mail(&self, of: &Mailbox) -> String {
        self.key(&format!("mail:{of}"))
    }

    pub(crate) fn mail_at(&self, of: &Mailbox) -> String {
        self.key(&format!("mail_at:{of}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinytown_store::conformance::fixture::{agent, identity, mission_id};

    #[test]
    fn all_keys_of_a_town_lie_in_one_hash_slot() {
        let keys = Keys::new(identity().id);
        let of_town = fred::util::redis_keyslot(identity().id.to_string().as_bytes());
        let to = Mailbox::Agent(agent("ann"));
        let id = mission_id(1);
        let all =
            [keys.town(), keys.rows(), keys.items(id), keys.steps_of(id), keys.mail(&to), keys.mail_at(&to)];
        for key in all {
            assert_eq!(fred::util::redis_keyslot(key.as_bytes()), of_town, "{key}");
        }
    }
}
