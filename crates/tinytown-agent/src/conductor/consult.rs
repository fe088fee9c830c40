//! One request: the agent is asked once, and its notes are posted.

use tinytown_core::input::{Answer as Answered, Input, MissionInput};
use tinytown_core::letter::HelpRequest;
use tinytown_store::{StoreError, Wait};

use super::Conductor;
use super::answer::{Answer, notes};
use super::dossier::gather;
use super::folder::Folder;
use super::prompt;
use super::request::Request;
use crate::cli::Launch;
use crate::evidence::Ending;
use crate::report::{Progress, chain};
use crate::running::{Begun, Limits, Running, Task};

/// How often an agent is asked about one item: what so many answers did not mend is for a person.
const MOST_ASKED: usize = 5;

/// A request that is ready to be asked.
struct Ready {
    launch: Launch,
    limits: Limits,
}

impl Conductor {
    /// From the request to its notes. What does not come to notes is said, and left to a person.
    pub(super) async fn consult(&self, request: &Request) -> Result<(), StoreError> {
        let folder = Folder::of(&self.office.settings, request);
        if let Some(answer) = Answer::kept(&folder.answer(), &request.name()) {
            return self.post(request, &answer.notes).await;
        }
        let Some(Some(ready)) = self.unless_stopped(self.prepare(request, &folder)).await? else {
            return Ok(());
        };
        let Some(notes) = self.ask(request, &folder, &ready).await? else { return Ok(()) };
        let answer = Answer { request: request.name(), notes };
        self.office.say_if_failed(answer.keep(&folder.answer()));
        match self.unless_stopped(self.is_open(request)).await? {
            Some(true) => self.post(request, &answer.notes).await,
            Some(false) => {
                // Nothing is left to answer, after a restart neither.
                let nothing = Answer { notes: Vec::new(), ..answer };
                self.office.say_if_failed(nothing.keep(&folder.answer()));
                self.left(request, "it was withdrawn, or is a person's by now");
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Everything that the agent is to read; nothing if it is not to be asked.
    async fn prepare(&self, request: &Request, folder: &Folder) -> Result<Option<Ready>, StoreError> {
        let office = &self.office;
        let first = request.op(0);
        if office.persist(|| office.store().answer(&first, Wait::NONE)).await?.is_some() {
            return Ok(None);
        }
        if folder.requests_before() >= MOST_ASKED {
            self.left(request, &format!("{MOST_ASKED} answers about it did not help"));
            return Ok(None);
        }
        let dossier = match office.persist(|| gather(office.store(), request)).await {
            Ok(dossier) => dossier,
            // One mission that cannot be read holds up no other one's request.
            Err(error) => {
                self.left(request, &chain(&error));
                return Ok(None);
            }
        };
        let text = prompt::write(&office.settings.agent, request, &dossier);
        let policy = dossier.mission.policy();
        let wait_ms = policy.conductor_wait_secs.saturating_mul(1000);
        let limits = Limits {
            time_ms: policy.item_timeout_secs.saturating_mul(1000).min(wait_ms),
            stall_ms: policy.stall_timeout_secs.saturating_mul(1000),
        };
        match folder.furnish(&office.settings, &text) {
            Ok(launch) => Ok(Some(Ready { launch, limits })),
            Err(error) => {
                self.left(request, &chain(&error));
                Ok(None)
            }
        }
    }

    /// Runs the agent. Its notes, none if it has none to give; nothing if it was not able to say.
    async fn ask(
        &self,
        request: &Request,
        folder: &Folder,
        ready: &Ready,
    ) -> Result<Option<Vec<String>>, StoreError> {
        let about = request.about();
        let running = Running {
            office: &self.office,
            standing: &self.standing,
            stop: &self.stop,
            item: &about,
            limits: ready.limits,
        };
        let start = running.begin(&self.task(request, folder, &ready.launch)).await?;
        let ending = match start {
            Begun::Runs(run) => {
                self.office
                    .say(&Progress::Consulted { item: about.clone(), why: request.help.reason.clone() });
                running.attend(run).await
            }
            Begun::Ended(ending) => ending,
            Begun::NotOurs(why) => Ending::Lost(why),
        };
        self.office.say_if_failed(folder.clear_scratch());
        let notes = match ending {
            Ending::Code(0) => notes(&folder.result()),
            Ending::Cancelled | Ending::Lost(_) => {
                self.left(request, &words(&ending));
                return Ok(None);
            }
            ending => Err(words(&ending)),
        };
        Ok(Some(notes.unwrap_or_else(|why| {
            self.left(request, &why);
            Vec::new()
        })))
    }

    /// Gives the notes, under names of their own: a repeat is the same input.
    async fn post(&self, request: &Request, notes: &[String]) -> Result<(), StoreError> {
        for (nth, text) in notes.iter().enumerate() {
            let by = self.office.settings.agent.to_string();
            let what = MissionInput::Note { text: text.clone(), by };
            let input = Input::Mission { mission: request.help.mission, what };
            let post = self.office.named(request.op(nth), &input);
            let said = match self.unless_stopped(self.office.ask(&post)).await {
                Ok(Some(answer)) => told(answer),
                Ok(None) => return Ok(()),
                // Another conductor answered otherwise.
                Err(error @ StoreError::Corrupt { .. }) => format!("not given: {error}"),
                Err(error) => return Err(error),
            };
            let (item, note) = (request.about(), text.clone());
            self.office.say(&Progress::Noted { item, note, said });
        }
        Ok(())
    }

    fn left(&self, request: &Request, why: &str) {
        self.office.say(&Progress::LeftToPerson { item: request.about(), why: why.to_owned() });
    }

    fn task<'a>(&'a self, request: &'a Request, folder: &Folder, launch: &'a Launch) -> Task<'a> {
        let HelpRequest { mission, item, attempt, .. } = &request.help;
        let settings = &self.office.settings;
        let name = folder.name();
        Task {
            launch,
            folder: folder.scratch(),
            log: settings.logs().join(format!("{}-{name}.log", mission.short())),
            name: format!("{name}.conductor"),
            mission: *mission,
            item: item.as_ref(),
            kind: "help".to_owned(),
            role: settings.role.as_ref(),
            attempt: *attempt,
            branch: None,
            head: None,
            result: folder.result(),
        }
    }
}

fn told(answer: Answered) -> String {
    match answer {
        Answered::Applied { message } => message,
        Answered::Joined { .. } => String::new(),
        Answered::Refused { message, .. } => format!("refused: {message}"),
    }
}

/// Why an agent that ended so gave no notes.
fn words(ending: &Ending) -> String {
    match ending {
        Ending::Code(code) => format!("its CLI ended with exit code {code}"),
        Ending::Signal(signal) => format!("its CLI was ended by signal {signal}"),
        Ending::TimedOut(limit) => format!("its CLI took longer than {} s", limit.as_secs()),
        Ending::Stalled(limit) => format!("its CLI was silent for {} s", limit.as_secs()),
        Ending::Cancelled => "its CLI was cancelled".to_owned(),
        Ending::Lost(why) => why.clone(),
        Ending::NotStarted(why) => format!("its CLI could not be started: {why}"),
    }
}
