//! The active dispatcher's work: one input at a time, decided, committed, and then performed.

use tinytown_core::effect::EffectResult;
use tinytown_core::id::{AgentName, MissionId, OpId};
use tinytown_core::input::{Answer, Input, MissionInput, Refusal};
use tinytown_core::mission::Mission;
use tinytown_core::mutant::{Mutant, is_planted};
use tinytown_core::observation::{Checks, looks_like_infrastructure};
use tinytown_core::text::Text;
use tinytown_core::time::Time;
use tinytown_core::town::Decided;
use tinytown_store::codec::{decode, encode, intern};
use tinytown_store::records::{self, Context, EffectRecord, Versions};
use tinytown_store::{Blob, Commit, Committed, Heartbeat, InboxEntry, InputId, StoreError, TownView, Wait};

use super::{Call, Driver, Mode, Moment, Report, STORE_RETRY, Watched, trouble};

/// How many inputs are read at once.
pub(crate) const BATCH: usize = 64;
/// How long a read of the inbox waits.
const INBOX_WAIT: std::time::Duration = std::time::Duration::from_secs(10);

/// Something to be decided.
#[derive(Debug)]
pub(super) enum Work {
    /// Somebody posted it.
    Posted { post: Posted, op: OpId, input: Box<Result<Input, StoreError>> },
    /// Something came of an effect.
    Effect { op: OpId, result: EffectResult },
    /// A mission was loaded whose assignments the roster does not know of.
    Reconcile(MissionId),
    /// We saw that a worker is dead.
    Loss { input: Input, unmoved: Option<Heartbeat> },
}

/// Where an input came from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Posted {
    id: InputId,
    at: Time,
}

/// What a decision needs besides the town.
#[derive(Debug)]
struct Case {
    input: Input,
    /// How it was posted, if it was.
    posted: Option<Posted>,
    /// It is what we are waiting for.
    ours: bool,
    /// The heartbeat that must not have moved.
    unmoved: Option<Heartbeat>,
    /// Long texts that the input refers to.
    blobs: Vec<Blob>,
}

impl Case {
    /// Something that nobody posted.
    const fn of(input: Input) -> Self {
        Self { input, posted: None, ours: false, unmoved: None, blobs: Vec::new() }
    }
}

/// A commit that is under way.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) commit: Box<Commit>,
    decided: Decided,
    ours: bool,
    /// It is not wanted any more: an empty commit under the same name tells whether it was executed,
    /// and keeps it from being executed later.
    void: bool,
}

impl Flight {
    /// What is to be sent when it is not known what became of it.
    pub(super) fn again(&self) -> Box<Commit> {
        let Commit { op, fence, at, .. } = &*self.commit;
        if self.void { Box::new(Commit::new(op.clone(), *fence, *at)) } else { self.commit.clone() }
    }
}

impl Work {
    /// Whether it was decided because somebody was silent.
    pub(super) const fn is_silence(&self) -> bool {
        matches!(self, Self::Loss { unmoved: Some(_), .. })
    }

    pub(super) fn is_loss_of(&self, name: &AgentName) -> bool {
        matches!(self, Self::Loss { input: Input::Gone { agent, .. }, .. } if agent == name)
    }
}

impl Watched {
    pub(super) fn of(mission: &Mission) -> Self {
        let effects = mission.effects_under_way().count();
        Self { id: mission.id(), state: mission.head().state, effects }
    }
}

impl Driver {
    /// Whether it is the input for which a command waits.
    fn is_ours(&self, work: &Work) -> bool {
        matches!((&self.settings.mode, work), (Mode::Apply(ours), Work::Posted { op, .. }) if op == ours)
    }

    /// Decides as long as there is something to decide and nothing is being committed.
    pub(super) fn work(&mut self, now: Moment, calls: &mut Vec<Call>) {
        while self.flight.is_none() && self.is_active() && !self.stopping && !self.applied {
            let Some(work) = self.queue.pop_front() else {
                if !self.wake(now, calls) {
                    break;
                }
                continue;
            };
            self.decide_work(work, now, calls);
        }
        if self.flight.is_none()
            && let Some(round) = self.round.finish()
        {
            calls.push(Call::Report(Report::Round(round)));
        }
        self.read(now, calls);
    }

    /// Decides for a mission that is due or may have its pick; tells whether there was one.
    fn wake(&mut self, now: Moment, calls: &mut Vec<Call>) -> bool {
        // A command applies what was posted, and leaves the rest to a dispatcher.
        if matches!(self.settings.mode, Mode::Apply(_)) {
            return false;
        }
        let Some(mission) = self.town.next_wake(now.wall) else { return false };
        let case = Case::of(Input::Mission { mission, what: MissionInput::Wake });
        self.decide(case, now, calls);
        if self.flight.is_none() && self.is_active() && self.town.next_wake(now.wall) == Some(mission) {
            let why = "a defect of tinytown: it is due, and nothing comes of it".to_owned();
            self.leave_alone_for_good(mission, why, calls);
            self.reload(now);
            return false;
        }
        true
    }

    fn decide_work(&mut self, work: Work, now: Moment, calls: &mut Vec<Call>) {
        let ours = self.is_ours(&work);
        match work {
            Work::Posted { post, op, input } => match *input {
                Ok(input) => self.decide(Case { posted: Some(post), ours, ..Case::of(input) }, now, calls),
                Err(error) => self.refuse_unreadable(post.id, &op, &error, ours, now, calls),
            },
            Work::Effect { op, mut result } => {
                let mission = self.town.missions().find(|mission| mission.item_of_effect(&op).is_some());
                let Some(mission) = mission.map(Mission::id) else { return };
                let mut blobs = Vec::new();
                intern_result(&mut result, &mut blobs);
                let input = Input::Mission { mission, what: MissionInput::Effect { op, result } };
                self.decide(Case { blobs, ..Case::of(input) }, now, calls);
            }
            Work::Reconcile(mission) => {
                let input = Input::Mission { mission, what: MissionInput::Reconcile };
                self.decide(Case::of(input), now, calls);
            }
            Work::Loss { input, unmoved } => self.decide(Case { unmoved, ..Case::of(input) }, now, calls),
        }
    }

    fn decide(&mut self, case: Case, now: Moment, calls: &mut Vec<Call>) {
        let input = &case.input;
        let decided = self.town.decide(input, now.wall);
        if let Some(defect) = &decided.step.defect {
            let why = format!("a defect of tinytown: {defect}");
            return self.break_off(decided.mission, why, &case, now, calls);
        }
        let Case { input, posted, ours, unmoved, blobs } = case;
        if decided.step.is_empty() && posted.is_none() {
            return;
        }
        let mission = decided.mission.and_then(|id| self.mission_versions.get(&id)).copied().unwrap_or(0);
        let versions = Versions { town: self.town_version, mission };
        let context =
            Context { engine: &self.settings.engine, posted_at: posted.map(|post| post.at), versions };
        let written = records::write(&self.town, &decided, &input, context);
        let Some(fence) = self.fence else { return };
        let commit = Commit {
            town: written.town,
            mission: written.mission,
            unmoved: unmoved.into_iter().collect(),
            acks: posted.iter().map(|post| (post.id, encode(&decided.step.answer))).collect(),
            mail: written.mail,
            mail_done: written.mail_done,
            effects: written.effects,
            effects_done: written.effects_done,
            blobs,
            ..Commit::new(self.next_op("commit"), fence, now.wall)
        };
        self.launch(commit, decided, ours, calls);
    }

    /// The engine contradicted itself: nothing of that is written, its mission is left alone, and what
    /// we hold in memory is read anew. A mission that was only to begin is refused.
    fn break_off(
        &mut self,
        mission: Option<MissionId>,
        why: String,
        case: &Case,
        now: Moment,
        calls: &mut Vec<Call>,
    ) {
        if let (Input::Start(_), Some(post)) = (&case.input, case.posted) {
            let error = StoreError::Corrupt { what: "the mission".to_owned(), detail: why };
            let op = OpId::new("start");
            self.reload(now);
            return self.refuse_unreadable(post.id, &op, &error, case.ours, now, calls);
        }
        if let Some(mission) = mission {
            self.leave_alone_for_good(mission, why, calls);
        }
        self.reload(now);
    }

    fn revoke(&mut self, ops: &[OpId], calls: &mut Vec<Call>) {
        self.held_back.retain(|call| !matches!(call, Call::Perform { op, .. } if ops.contains(op)));
        for op in ops {
            if self.performing.remove(op).is_some() {
                calls.push(Call::Revoke(op.clone()));
            }
        }
    }

    fn leave_alone_for_good(&mut self, mission: MissionId, why: String, calls: &mut Vec<Call>) {
        self.broken.insert(mission, why.clone());
        self.leave_alone(mission, why, calls);
    }

    fn launch(&mut self, commit: Commit, decided: Decided, ours: bool, calls: &mut Vec<Call>) {
        // Before that is committed, so that nothing is changed outside once it is. If it is refused, what
        // the store holds is taken up anew.
        if !is_planted(Mutant::RevokedTooLate) {
            self.revoke(&decided.step.effects_over, calls);
        }
        let commit = Box::new(commit);
        calls.push(Call::Commit(commit.clone()));
        self.flight = Some(Box::new(Flight { commit, decided, ours, void: false }));
    }

    /// An input that nobody can read is answered, so that its poster learns of it and the inbox goes on.
    fn refuse_unreadable(
        &mut self,
        id: InputId,
        op: &OpId,
        error: &StoreError,
        ours: bool,
        now: Moment,
        calls: &mut Vec<Call>,
    ) {
        let message = format!("the input {op} cannot be applied: {error}");
        calls.push(Call::Report(Report::Trouble(message.clone())));
        let Some(fence) = self.fence else { return };
        let answer = Answer::refused(Refusal::Invalid, message);
        let acks = vec![(id, encode(&answer))];
        let commit = Commit { acks, ..Commit::new(self.next_op("commit"), fence, now.wall) };
        let step = tinytown_core::decide::Step::refusing(answer, now.wall);
        self.launch(commit, Decided { mission: None, begins: false, step }, ours, calls);
    }

    pub(super) fn on_committed(
        &mut self,
        op: &OpId,
        outcome: Result<Committed, StoreError>,
        now: Moment,
        calls: &mut Vec<Call>,
    ) {
        // An answer to a commit of an earlier holding of the lease concerns nobody.
        let Some(flight) = self.flight.take_if(|flight| flight.commit.op == *op) else { return };
        match outcome {
            Ok(committed) if flight.void && committed.mission == 0 && committed.town == self.town_version => {
                self.reload(now);
            }
            Ok(committed) => self.became_true(*flight, committed, calls),
            // Whether it was executed is not known: the same commit under the same name tells.
            Err(error @ StoreError::Unavailable { .. }) => {
                trouble(&error, calls);
                // Who was silent before an outage may be unable to beat in it: observe anew.
                let void = !flight.commit.unmoved.is_empty();
                if void {
                    self.watch_anew();
                }
                self.flight = Some(Box::new(Flight { void, ..*flight }));
                if !is_planted(Mutant::CommitNotRepeated) {
                    self.due.commit = Some(now.mono + STORE_RETRY);
                }
            }
            Err(StoreError::Fenced { .. }) => self.step_down(now, calls),
            Err(error) => {
                trouble(&error, calls);
                if let StoreError::Moved { .. } = error {
                    self.watch_anew();
                }
                self.reload(now);
            }
        }
    }

    fn became_true(&mut self, flight: Flight, committed: Committed, calls: &mut Vec<Call>) {
        let Flight { commit, decided, ours, .. } = flight;
        self.town_version = committed.town;
        if let Some(mission) = &commit.mission {
            self.mission_versions.insert(mission.id, committed.mission);
        }
        self.applied |= ours;
        self.round.add(&self.town, &decided);
        if is_planted(Mutant::RevokedTooLate) {
            self.revoke(&decided.step.effects_over, calls);
        }
        if let Some(mission) = decided.mission {
            for (op, effect) in decided.step.effects {
                self.perform(EffectRecord { mission, effect }, op, calls);
            }
            if let Some(mission) = self.town.mission(mission).filter(|_| commit.mission.is_some()) {
                calls.push(Call::Report(Report::Mission(Watched::of(mission))));
            }
            self.town.forget_ended(mission);
        }
    }

    fn perform(&mut self, record: EffectRecord, op: OpId, calls: &mut Vec<Call>) {
        let EffectRecord { mission, effect } = record;
        if !matches!(self.settings.mode, Mode::Apply(_)) && !self.performing.contains_key(&op) {
            self.tickets += 1;
            let ticket = self.tickets;
            self.performing.insert(op.clone(), ticket);
            calls.push(Call::Perform { mission, op, ticket, effect });
        }
    }

    /// Effects that an earlier holder decided and nobody reported.
    pub(super) fn take_up_effects(&mut self, view: &TownView, calls: &mut Vec<Call>) {
        for outgoing in &view.effects {
            match decode::<EffectRecord>(&format!("effect {}", outgoing.op), &outgoing.record) {
                Ok(record) => {
                    let mission = self.town.mission(record.mission);
                    if mission.is_some_and(|mission| mission.item_of_effect(&outgoing.op).is_some()) {
                        self.perform(record, outgoing.op.clone(), calls);
                    }
                }
                Err(error) => trouble(&error, calls),
            }
        }
    }

    pub(super) fn on_inbox(
        &mut self,
        after: InputId,
        entries: Result<Vec<InboxEntry>, StoreError>,
        now: Moment,
        calls: &mut Vec<Call>,
    ) {
        // An answer to a read that was asked before we loaded anew is not about what we need.
        if !self.is_active() || self.reading != Some(after) {
            return;
        }
        self.reading = None;
        match entries {
            Ok(entries) => {
                self.inbox_empty = entries.is_empty();
                for entry in entries {
                    self.take_in(entry, calls);
                }
                self.due.inbox = Some(now.mono);
            }
            Err(error) => {
                trouble(&error, calls);
                self.due.inbox = Some(now.mono + STORE_RETRY);
            }
        }
    }

    fn is_left_alone(&self, mission: MissionId) -> bool {
        self.unreadable.contains_key(&mission) && !is_planted(Mutant::UnreadableAnswered)
    }

    fn take_in(&mut self, entry: InboxEntry, calls: &mut Vec<Call>) {
        self.read_to = entry.id;
        let input = decode::<Input>(&format!("input {}", entry.op), &entry.input);
        match input {
            // Its mission cannot be read here: the input waits until it can, and is not answered before.
            Ok(Input::Mission { mission, .. }) if self.is_left_alone(mission) => {}
            // It was written for a newer engine than this one: leave it to that.
            Err(error @ StoreError::Newer { .. }) => trouble(&error, calls),
            input => {
                let post = Posted { id: entry.id, at: entry.at };
                self.queue.push_back(Work::Posted { post, op: entry.op, input: Box::new(input) });
            }
        }
    }

    /// Asks for more inputs when those at hand are nearly used up.
    fn read(&mut self, now: Moment, calls: &mut Vec<Call>) {
        let due = self.due.inbox.is_some_and(|at| at <= now.mono);
        if self.reading.is_some() || !due || self.queue.len() >= BATCH || self.stopping {
            return;
        }
        self.reading = Some(self.read_to);
        self.due.inbox = None;
        let busy = !self.performing.is_empty() || self.town.missions().any(|mission| mission.running() > 0);
        let upto = if self.settings.mode == Mode::Serve { INBOX_WAIT } else { std::time::Duration::ZERO };
        calls.push(Call::Inbox(self.read_to, Wait { upto, eager: busy }));
    }
}

/// Long outputs are stored once and referred to.
fn intern_result(result: &mut EffectResult, blobs: &mut Vec<Blob>) {
    if let EffectResult::Checked { checks, .. } = result
        && let failed = matches!(checks, Checks::Red(_))
        && let Checks::Red(report) | Checks::CouldNotRun(report) = checks
    {
        if let Text::Inline(output) = &report.output {
            report.infrastructure |= failed && looks_like_infrastructure(output);
        }
        report.output = match std::mem::take(&mut report.output) {
            Text::Inline(text) => intern(blobs, text),
            stored @ Text::Stored { .. } => stored,
        };
    }
}
