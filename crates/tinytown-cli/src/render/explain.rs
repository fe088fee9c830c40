//! Why things wait, in words: whose move it is, until when, and what it would unblock.

use std::cmp::Reverse;

use serde_json::{Value, json};
use tinytown_core::event::Event;
use tinytown_core::id::{AgentName, ItemKey, MissionId};
use tinytown_core::item::EdgeSource;
use tinytown_core::mission::{Item, ItemIx, Phase, Reaction, Wait, WaitCode};
use tinytown_core::policy::Policy;
use tinytown_store::records::StepRecord;

use super::mission::{Scene, no_dispatcher};
use super::{event, item, span};

/// How many of an item's last events are told.
const LAST_EVENTS: usize = 8;

impl<'a> Scene<'a> {
    /// What waits, what would unblock most first; what waits for other items comes after what does not.
    fn waiting(&self) -> Vec<(&'a Item, Wait)> {
        let items = self.mission.items().iter().zip(self.mission.waits(self.roster));
        let mut waiting: Vec<(&Item, Wait)> = items.filter_map(|(item, wait)| Some((item, wait?))).collect();
        waiting.sort_by_cached_key(|(_, wait)| (self.on_another(wait), Reverse(wait.unblocks)));
        waiting
    }

    /// Whether it waits for an item, which has a wait of its own.
    fn on_another(&self, wait: &Wait) -> bool {
        self.mission.find(&tinytown_core::id::ItemKey::new(wait.owner.as_str())).is_some()
    }

    /// Everything that waits.
    pub(crate) fn waits(&self) -> Vec<String> {
        let head = self.mission.head();
        let reason = head.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let mut lines = vec![format!("🚀 Mission {} is {}{reason}", self.mission.id(), head.state.as_str())];
        if self.pulse.running == Some(false) && !head.state.is_over() {
            lines.push(format!("   ⚠️  {}", no_dispatcher(self.pulse)));
        }
        for (item, wait) in self.waiting() {
            lines.push(format!(
                "   {} {}: {} · {}",
                item::icon(item.now.phase),
                item::label(&item.spec),
                item.spec.title,
                item.now.phase.as_str()
            ));
            lines.push(format!("      {}", self.sentence(&wait)));
            lines.extend(next(self.mission.id(), item, &wait).map(|next| format!("      next: {next}")));
        }
        if head.state.is_over() {
            lines.push(format!("   what was done: tt mission report {}", self.mission.id()));
        }
        lines
    }

    /// The same as data.
    pub(crate) fn waits_json(&self) -> Value {
        let head = self.mission.head();
        let waits: Vec<Value> =
            self.waiting().into_iter().map(|(item, wait)| wait_json(item, &wait)).collect();
        json!({
            "id": self.mission.id().to_string(),
            "state": head.state.as_str(),
            "reason": head.reason,
            "waits": waits,
        })
    }

    /// `checks, waits on forge: the checks are running; looked at again in 90s; 2 items wait for it`.
    fn sentence(&self, wait: &Wait) -> String {
        let until = wait.until.map(|until| match until.since(self.now) {
            left if left.is_zero() => "; due now".to_owned(),
            left => format!("; looked at again in {}", span(left)),
        });
        let unblocks = match wait.unblocks {
            0 => String::new(),
            1 => "; 1 item waits for it".to_owned(),
            many => format!("; {many} items wait for it"),
        };
        // `waits for #1` names its owner itself.
        let named = wait.detail.starts_with("waits for ");
        let on = if named { String::new() } else { format!(", waits on {}", wait.owner) };
        let (code, until) = (wait.code.as_str(), until.unwrap_or_default());
        format!("{code}{on}: {}{until}{unblocks}", wait.detail)
    }

    /// One item with all that is known about it.
    pub(crate) fn item(&self, ix: ItemIx, steps: &[(u64, StepRecord)]) -> Vec<String> {
        let item = self.mission.item(ix);
        let now = &item.now;
        let since = span(self.now.since(now.since));
        let since = if now.phase.is_over() { format!("{since} ago") } else { format!("for {since}") };
        let mut lines = vec![
            format!("{} {}: {}", item::icon(now.phase), item::label(&item.spec), item.spec.title),
            format!("   {} {since}", state(item)),
        ];
        if let Some(wait) = self.mission.wait(ix, self.roster) {
            lines.push(format!("   {}", self.sentence(&wait)));
            lines.extend(next(self.mission.id(), item, &wait).map(|next| format!("   next: {next}")));
        }
        lines.extend(self.mission.reaction(ix).map(|reaction| format!("   {}", rung(&reaction))));
        lines.extend((!now.spent.is_none()).then(|| format!("   spent: {}", now.spent)));
        lines.push(format!("   {}", kind(item, self.mission.policy())));
        lines
            .extend(now.pull.as_ref().map(|pull| format!("   pull request #{} ({})", pull.number, pull.url)));
        lines.extend(now.evidence.as_ref().map(|last| {
            format!("   attempt {} ended: {}: {}", last.attempt, last.cause, first_line(&last.detail))
        }));
        lines.extend(self.edges(item));
        lines.extend(self.dependents(ix));
        let events = self.events(item, steps);
        lines.extend((!events.is_empty()).then(|| "   last events:".to_owned()));
        lines.extend(events.into_iter().map(|line| format!("      {line}")));
        lines
    }

    fn edges(&self, item: &Item) -> Vec<String> {
        let inside = item.depends_on().map(|(on, source)| {
            let state = self.mission.find(&on).map_or("", |on| self.mission.item(on).now.phase.as_str());
            format!("   depends on {on}, {state}{}", said(source))
        });
        let outside = item.outside().map(|external| {
            let open = item.now.externals.contains(&external.on);
            let state = if open { "still open" } else { "closed" };
            format!("   depends on {} outside the mission, {state}{}", external.on, said(&external.source))
        });
        inside.chain(outside).collect()
    }

    fn dependents(&self, ix: ItemIx) -> Option<String> {
        let keys: Vec<&str> =
            self.mission.dependents(ix).iter().map(|on| self.mission.item(*on).spec.key.as_str()).collect();
        (!keys.is_empty()).then(|| format!("   needed by {}", keys.join(", ")))
    }

    /// What happened to it last. How the dispatcher went about it is for `tt mission log`.
    fn events(&self, item: &Item, steps: &[(u64, StepRecord)]) -> Vec<String> {
        let about = steps.iter().flat_map(|(_, step)| step.events.iter().map(move |event| (step.now, event)));
        let about: Vec<_> =
            about.filter(|(_, event)| event.item() == Some(&item.spec.key) && !is_machinery(event)).collect();
        let last = &about[about.len().saturating_sub(LAST_EVENTS)..];
        last.iter()
            .map(|(at, it)| {
                let words = event::words(it);
                let words = words.strip_prefix(item.spec.key.as_str()).map_or(&*words, str::trim_start);
                format!("{} ago  {words}", span(self.now.since(*at)))
            })
            .collect()
    }

    /// The same as data.
    pub(crate) fn item_json(&self, ix: ItemIx, steps: &[(u64, StepRecord)]) -> Value {
        let item = self.mission.item(ix);
        let events: Vec<Value> = steps
            .iter()
            .flat_map(|(seq, step)| event::json(*seq, step))
            .filter(|event| event["item"] == item.spec.key.as_str())
            .collect();
        json!({
            "id": self.mission.id().to_string(),
            "key": item.spec.key,
            "title": item.spec.title,
            "state": item.now.phase.as_str(),
            "since": item.now.since,
            "wait": self.mission.wait(ix, self.roster),
            "reaction": self.mission.reaction(ix),
            "spent": item.now.spent,
            "depends_on": item.depends_on().map(|(on, source)| edge_json(&on, source)).collect::<Vec<_>>(),
            "external": item.outside().map(|it| edge_json(&it.on, &it.source)).collect::<Vec<_>>(),
            "needed_by": self.mission.dependents(ix).iter().map(|on| &self.mission.item(*on).spec.key).collect::<Vec<_>>(),
            "events": events,
        })
    }
}

/// The command that gives a note about an item, unless its key is more than a word between quotes to a shell.
pub(super) fn note(id: MissionId, word: &str, key: &ItemKey) -> Option<String> {
    let plain = !key.as_str().contains(['"', '$', '`', '\\', '!']);
    plain.then(|| format!("tt mission note {id} \"{word} {key}\""))
}

/// The command with which a person goes on, where one is known. No text of others becomes a word of it.
pub(super) fn next(id: MissionId, item: &Item, wait: &Wait) -> Option<String> {
    let note = |word| note(id, word, &item.spec.key);
    match wait.code {
        _ if wait.owner != "operator" => None,
        WaitCode::NoAgent => Some(spawn(item)),
        WaitCode::NoReviewer => Some("tt spawn reviewer".to_owned()),
        WaitCode::Person | WaitCode::Limit => note("retry"),
        WaitCode::EmptyChange | WaitCode::Governance => note("approve"),
        WaitCode::Checks => Some(format!("mend it, then: tt mission note {id} \"resume\"")),
        WaitCode::Stopped => Some(format!("tt mission resume {id}")),
        _ => None,
    }
}

/// `ladder: the same agent tries again, with the evidence (1 of 3)`.
fn rung(reaction: &Reaction) -> String {
    let times = match (reaction.of, reaction.used) {
        (0, 0 | 1) => String::new(),
        (0, used) => format!(" ({used} times)"),
        (of, used) => format!(" ({used} of {of})"),
    };
    format!("ladder: {}{times}", reaction.rung.words())
}

/// Effects and looks.
fn is_machinery(event: &Event) -> bool {
    let effect = matches!(event, Event::EffectAsked { .. } | Event::EffectOver { .. });
    effect || matches!(event, Event::LookScheduled { .. } | Event::LookDue { .. })
}

/// Who would take it. A role may come out of an issue, and not every one can stand in a command.
pub(super) fn spawn(item: &Item) -> String {
    let role = item.spec.role.as_ref().filter(|wish| wish.required).map(|wish| wish.role.as_str());
    match (&item.now.pinned, role) {
        (Some(agent), _) => format!("tt spawn {agent}"),
        (None, Some(role)) if AgentName::new(role).is_ok() => format!("tt spawn NAME --role {role}"),
        (None, Some(_)) => "tt spawn NAME --role ROLE".to_owned(),
        (None, None) => "tt spawn NAME".to_owned(),
    }
}

fn wait_json(item: &Item, wait: &Wait) -> Value {
    let mut written = serde_json::to_value(wait).unwrap_or_default();
    if let Some(fields) = written.as_object_mut() {
        fields.insert("item".to_owned(), item.spec.key.as_str().into());
        fields.insert("title".to_owned(), item.spec.title.as_str().into());
        fields.insert("state".to_owned(), item.now.phase.as_str().into());
    }
    written
}

fn edge_json(on: &impl ToString, source: &EdgeSource) -> Value {
    json!({
        "on": on.to_string(),
        "by": source.by,
        "source": source.location,
        "line": source.line,
        "words": source.words,
    })
}

/// Where an edge is said.
fn said(source: &EdgeSource) -> String {
    format!(" ({source})")
}

fn state(item: &Item) -> String {
    match (&item.now.failed, item.now.phase) {
        (Some(reason), Phase::Failed) => format!("failed: {reason}"),
        (_, Phase::Skipped) => format!("skipped{}", item.now.skipped.map_or("", item::skipped)),
        (_, phase) => phase.as_str().to_owned(),
    }
}

fn kind(item: &Item, policy: &Policy) -> String {
    let role = item.spec.role.as_ref().map(|wish| {
        let sort = if wish.required { "required" } else { "preferred" };
        format!(", role {} ({sort})", wish.role)
    });
    format!(
        "{}{}, {} of {} attempts used, {} of {} losses",
        item.spec.kind,
        role.unwrap_or_default(),
        item.now.attempts,
        policy.max_attempts,
        item.now.losses,
        policy.max_losses,
    )
}

fn first_line(text: &str) -> &str {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default()
}
