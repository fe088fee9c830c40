//! When two worlds are the same: whatever is told to both from now on, both do the same.
//!
//! What differs without consequence is left out: the names of operations and fences (an item has at most one effect of
//! a kind under way, and at most one assignment), absolute times, follow-ups that are over, notes, and when the
//! mission first began an item, which no gate depends on. Everything else of mission, agents, forge and oracle is in it.

use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Write};

use serde::Serialize;
use tinytown_core::effect::Effect;
use tinytown_core::id::{Fence, OpId};
use tinytown_core::mission::{Item, ItemNow};
use tinytown_core::time::Time;

use crate::world::World;

/// Which of all worlds it is: 128 bits, so that no two of some millions are likely to share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct State(u64, u64);

/// The state of a world.
pub(crate) fn state(world: &World) -> State {
    let mut print = Print(DefaultHasher::new(), DefaultHasher::new());
    print.1.write_u8(1);
    if let Some(mission) = world.mission() {
        print.take(&mission.head().state);
        let open = |item: &&Item| item.parent.is_none() || !item.now.phase.is_over();
        for item in mission.items().iter().filter(open) {
            print.take(&(&item.spec.key, &item.task, normal(&item.now, world.now)));
        }
    }
    for agent in world.town.roster().iter() {
        print.take(&agent.claim().map(|claim| &claim.item));
    }
    for one in &world.assigned {
        print.take(&(&one.claim.item, &one.claim.agent, &one.about, one.cancelled));
    }
    let mut under_way: Vec<&Effect> = world.under_way.iter().map(|(_, effect)| effect).collect();
    under_way.sort_by_key(|effect| (effect.item().clone(), effect.kind()));
    print.take(&(under_way, world.heads, &world.oracle));
    State(print.0.finish(), print.1.finish())
}

fn normal(now: &ItemNow, at: Time) -> ItemNow {
    let left = |due: Option<Time>| due.map(|due| Time::from_millis(due.as_millis() - at.as_millis()));
    let mut now = ItemNow {
        since: Time::default(),
        not_before: left(now.not_before),
        look_at: left(now.look_at),
        began_at: None,
        ..now.clone()
    };
    if let Some(asked) = &mut now.asked {
        (asked.since, asked.at) =
            (left(Some(asked.since)).unwrap_or_default(), left(Some(asked.at)).unwrap_or_default());
    }
    now.effects.iter_mut().for_each(|(_, op)| *op = OpId::new(""));
    now.effects.sort();
    if let Some(held) = &mut now.assignment {
        held.fence = Fence(0);
        held.since = Time::default();
    }
    now
}

struct Print(DefaultHasher, DefaultHasher);

impl Print {
    fn take(&mut self, value: &impl Serialize) {
        serde_json::to_writer(self, value).expect("it can be written");
    }
}

impl Write for Print {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        self.1.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
