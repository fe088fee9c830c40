//! One request: the agent is asked once, and its notes are posted.

use std::time::Duration;

use tinytown_core::input::{Answer as Answered, Input, MissionInput};
use tinytown_host::process::environment;
use tinytown_host::supervise::Spec;
use tinytown_store::{StoreError, Wait};

use super::Conductor;
use super::answer::{Answer, notes};
use super::dossier::gather;
use super::folder::Folder;
use super::prompt;
use super::request::Request;
use crate::cli::Launch;
use crate::evidence::Ending;
use crate::office::Office;
use crate::report::{Progress, chain};
use crate::running::{Begun, GRACE, Limits, Running, millis};

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
        if let Err(error) = answer.keep(&folder.answer()) {
            self.office.say(&Progress::Trouble(chain(&error)));
        }
        match self.unless_stopped(self.is_open(request)).await? {
            Some(true) => self.post(request, &answer.notes).await,
            Some(false) => {
                // Nothing is left to answer, after a restart neither.
                let nothing = Answer { notes: Vec::new(), ..answer };
                if let Err(error) = nothing.keep(&folder.answer()) {
                    self.office.say(&Progress::Trouble(chain(&error)));
                }
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
        let start = running.begin(|begin_by| self.spec(request, folder, ready, begin_by)).await?;
        let ending = match start {
            Begun::Runs(run) => {
                self.office.say(&Progress::Consulted { item: about.clone(), why: request.reason.clone() });
                running.attend(run).await
            }
            Begun::Ended(ending) => ending,
            Begun::NotOurs(why) => Ending::Lost(why),
        };
        self.tidy(folder);
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
            let input = Input::Mission { mission: request.mission, what };
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

    fn tidy(&self, folder: &Folder) {
        if let Err(error) = folder.clear_scratch() {
            self.office.say(&Progress::Trouble(chain(&error)));
        }
    }

    fn spec(&self, request: &Request, folder: &Folder, ready: &Ready, begin_by: Duration) -> Spec {
        let settings = &self.office.settings;
        let (name, generation) = (folder.name(), self.standing.generation);
        let run = format!("{}.{name}.conductor.{}.{generation}", request.mission, settings.agent);
        Spec {
            argv: ready.launch.argv.clone(),
            cwd: folder.scratch(),
            env: environment(
                settings.environment.iter().cloned(),
                &settings.cli.pass_env,
                &contract(&self.office, request, folder),
            ),
            stdin: ready.launch.stdin.clone(),
            log: settings.logs().join(format!("{}-{name}.log", short(request))),
            begin_by_ms: Some(millis(begin_by)),
            time_limit_ms: ready.limits.time_ms,
            stall_limit_ms: Some(ready.limits.stall_ms),
            stall_watch: Some(folder.scratch()),
            ping_limit_ms: millis(settings.lease * 2 / 3),
            grace_ms: millis(GRACE),
            run_file: settings.runs().join(&run),
            run,
        }
    }
}

/// What the agent finds in its environment besides the allow-list: what attempts do, as far as there is such.
fn contract(office: &Office, request: &Request, folder: &Folder) -> Vec<(String, String)> {
    let settings = &office.settings;
    let pairs = [
        ("DIR", settings.town_dir.display().to_string()),
        ("TOWN", settings.town_name.clone()),
        ("MISSION", request.mission.to_string()),
        ("ITEM", request.item.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("KIND", "help".to_owned()),
        ("ROLE", settings.role.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("AGENT", settings.agent.to_string()),
        ("ATTEMPT", request.attempt.to_string()),
        ("BRANCH", String::new()),
        ("HEAD", String::new()),
        ("RESULT", folder.result().display().to_string()),
    ];
    pairs.into_iter().map(|(name, value)| (format!("TINYTOWN_{name}"), value)).collect()
}

fn short(request: &Request) -> String {
    request.mission.to_string().chars().take(8).collect()
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
