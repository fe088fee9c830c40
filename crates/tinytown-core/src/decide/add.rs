//! Work that an operator adds to a mission: all of it in one step, or none of it.

use std::collections::BTreeSet;

use super::Turn;
use crate::event::{Event, SkipReason};
use crate::graph::{Graph, GraphError};
use crate::id::ItemKey;
use crate::input::{Answer, Refusal};
use crate::issue::IssueRef;
use crate::item::ItemSpec;
use crate::mission::{Item, ItemIx, Mission, Phase};

impl Turn<'_> {
    /// The caller compiled the items upon the mission as it was then: whatever may have changed since is judged
    /// again here.
    pub(super) fn add(&mut self, items: &[ItemSpec]) -> Answer {
        let fitted = self.may_grow(items).and_then(|()| fit(self.mission, items));
        let Fitted { order, joined } = match fitted {
            Ok(fitted) => fitted,
            Err(refused) => return refused,
        };
        for at in order {
            let spec = &items[at];
            self.emit(Event::ItemJoined { item: spec.key.clone(), spec: Box::new(spec.clone()) });
        }
        for (item, reference) in joined {
            self.join_external(item, reference);
        }
        for spec in items.iter().filter(|spec| spec.skip) {
            self.emit(Event::ItemSkipped { item: spec.key.clone(), reason: SkipReason::Manifest });
        }
        Answer::said(match items.len() {
            1 => "1 item added".to_owned(),
            count => format!("{count} items added"),
        })
    }

    fn may_grow(&self, items: &[ItemSpec]) -> Result<(), Answer> {
        let head = self.mission.head();
        if head.state.is_over() || head.ending {
            let state = if head.ending { "being ended" } else { head.state.as_str() };
            let message = format!("the mission is {state} and takes no more work; start another one");
            return Err(Answer::refused(Refusal::NotNow, message));
        }
        if items.is_empty() {
            return Err(Answer::refused(Refusal::Invalid, "there is nothing to add"));
        }
        match items.iter().find(|spec| self.mission.find(&spec.key).is_some()) {
            Some(spec) => {
                let message = format!("{} is in the mission already", spec.key);
                Err(Answer::refused(Refusal::NotNow, message))
            }
            None => Ok(()),
        }
    }

    /// What was asked about the issues outside is asked anew, if anything of it is still to be known.
    fn join_external(&mut self, item: ItemKey, reference: IssueRef) {
        if let Some(ix) = self.mission.find(&item) {
            self.revoke(ix);
        }
        self.emit(Event::ExternalJoined { item, reference });
    }
}

/// How items fit into a mission.
struct Fitted {
    /// Their positions, each after those that it depends on.
    order: Vec<usize>,
    /// Who waits for an issue outside that is inside from now on, and for which.
    joined: Vec<(ItemKey, IssueRef)>,
}

/// Looks at every item that may wait for an added one, and at all that the added ones depend on.
fn fit(mission: &Mission, items: &[ItemSpec]) -> Result<Fitted, Answer> {
    let added: BTreeSet<ItemKey> = items.iter().map(|spec| spec.key.clone()).collect();
    let mut specs = items.to_vec();
    let mut joined = Vec::new();
    for spec in &mut specs {
        joined.extend(taken_in(spec, |key| added.contains(key) || mission.find(key).is_some()));
    }
    let mut around = Around { mission, specs, seen: vec![false; mission.items().len()] };
    for ix in waiting_outside(mission) {
        let mut spec = mission.item(ix).as_planned();
        let inside = taken_in(&mut spec, |key| added.contains(key));
        if !inside.is_empty() {
            joined.extend(inside);
            around.put(ix, |_| spec);
        }
    }
    let specs = around.complete()?;
    let graph = Graph::build(&specs).map_err(|errors| refused(&errors))?;
    let order = graph.order().into_iter().filter(|at| *at < items.len()).collect();
    Ok(Fitted { order, joined })
}

fn waiting_outside(mission: &Mission) -> Vec<ItemIx> {
    let items = (0u32..).map(ItemIx).zip(mission.items());
    let waiting =
        items.filter(|(_, item)| item.now.phase == Phase::Pending && !item.now.externals.is_empty());
    waiting.map(|(ix, _)| ix).collect()
}

/// Turns what is inside from now on into dependencies; who waits for what of it.
fn taken_in(spec: &mut ItemSpec, is_inside: impl Fn(&ItemKey) -> bool) -> Vec<(ItemKey, IssueRef)> {
    let inside = spec.take_in(is_inside);
    inside.into_iter().map(|reference| (spec.key.clone(), reference)).collect()
}

/// Added items, and the part of the mission upon which they depend.
struct Around<'m> {
    mission: &'m Mission,
    specs: Vec<ItemSpec>,
    seen: Vec<bool>,
}

impl Around<'_> {
    fn put(&mut self, ix: ItemIx, spec: impl FnOnce(&Item) -> ItemSpec) {
        if !std::mem::replace(&mut self.seen[ix.at()], true) {
            self.specs.push(spec(self.mission.item(ix)));
        }
    }

    /// With all that they depend on, directly or not.
    fn complete(mut self) -> Result<Vec<ItemSpec>, Answer> {
        let mut at = 0;
        while at < self.specs.len() {
            for on in self.specs[at].depends_on.clone() {
                if let Some(ix) = self.mission.find(&on.on) {
                    self.refuse_hopeless(at, ix)?;
                    self.put(ix, Item::as_planned);
                }
            }
            at += 1;
        }
        Ok(self.specs)
    }

    /// Nothing would come of what depends on something that failed.
    fn refuse_hopeless(&self, at: usize, on: ItemIx) -> Result<(), Answer> {
        let (item, on) = (&self.specs[at].key, self.mission.item(on));
        let over = on.now.phase.is_over() && on.now.phase != Phase::Done;
        if self.mission.find(item).is_some() || !over || on.satisfies_dependents() {
            return Ok(());
        }
        let message = format!(
            "{item} depends on {}, which {} and will not be done: replace depends_on of {item} in the manifest",
            on.spec.key,
            if on.now.phase == Phase::Failed { "failed" } else { "was skipped" }
        );
        Err(Answer::refused(Refusal::NotNow, message))
    }
}

fn refused(errors: &[GraphError]) -> Answer {
    let reasons: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Answer::refused(Refusal::Invalid, reasons.join("\n"))
}
