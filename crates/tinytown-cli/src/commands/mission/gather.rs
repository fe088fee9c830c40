//! What a mission is to be about, as it is named on a command line, and the plan that comes of it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use tinytown_core::document;
use tinytown_core::id::{ItemKey, MissionId};
use tinytown_core::issue::{IssueRef, IssueState, RepoName};
use tinytown_core::manifest::Manifest;
use tinytown_core::mission::Mission;
use tinytown_core::objective::Objective;
use tinytown_core::plan::{Addition, Code, Diagnostic, Draft, Errand, IssueStanding, Level, Plan, Refusal};
use tinytown_core::policy::Policy;
use tinytown_core::town;
use tinytown_forge::{Forge, Lookup};
use tinytown_store::records::load_outline;

use crate::compose::Composed;
use crate::config::ForgeKind;
use crate::failure::{ExitCode, Failure};
use crate::town::Town;

/// Objectives and a manifest.
#[derive(Debug, Default, Args)]
#[command(group(ArgGroup::new("objectives").required(true).multiple(true)))]
pub(crate) struct Matter {
    /// An issue: 23, #23, owner/repo#23 or its address; may be given several times
    #[arg(short, long = "issue", value_name = "REF", group = "objectives")]
    pub(crate) issues: Vec<String>,
    /// A document of this repository; with #HEADING each task or section under that heading; may be given several times
    #[arg(short, long = "doc", value_name = "PATH[#HEADING]", group = "objectives")]
    pub(crate) docs: Vec<String>,
    /// What to do differently from what the issues say
    #[arg(short, long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
}

/// What a mission is to be about, and its policy.
#[derive(Debug, Default, Args)]
pub(crate) struct Wanted {
    #[command(flatten)]
    pub(crate) matter: Matter,
    /// Most agents at work at once
    #[arg(long, value_name = "N")]
    pub(crate) max_parallel: Option<u32>,
    /// No other agent needs to approve
    #[arg(long)]
    pub(crate) no_reviewer: bool,
    /// Merge what passes its gates
    #[arg(long)]
    pub(crate) auto_merge: bool,
}

/// A plan, and the policy that it would be carried out under.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) plan: Plan,
    pub(crate) policy: Policy,
}

/// What was named, as far as it can be judged without a town.
#[derive(Debug)]
pub(crate) struct Named {
    references: Vec<IssueRef>,
    manifest: Manifest,
}

/// Why there is no plan.
#[derive(Debug)]
pub(crate) enum NoPlan {
    /// What was named cannot be planned, for these reasons.
    Refused(Vec<Diagnostic>),
    /// It could not be looked at.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for NoPlan {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl NoPlan {
    fn refused<T: ToString>(code: Code, reasons: impl IntoIterator<Item = T>) -> Self {
        Self::Refused(refusals(code, reasons))
    }

    /// All reasons at once, and that nothing happened.
    pub(crate) fn into_failure(self) -> Failure {
        self.saying("no mission was started")
    }

    /// The same in other words for nothing.
    pub(crate) fn saying(self, nothing: &str) -> Failure {
        match self {
            Self::Failed(failure) => failure,
            Self::Refused(reasons) => {
                let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
                Failure::new(ExitCode::Invalid, reasons.join("\n")).hint(nothing)
            }
        }
    }
}

fn refusals<T: ToString>(code: Code, reasons: impl IntoIterator<Item = T>) -> Vec<Diagnostic> {
    let diagnostic =
        |reason: T| Diagnostic { level: Level::Error, code, item: None, message: reason.to_string() };
    reasons.into_iter().map(diagnostic).collect()
}

impl Matter {
    /// Judges what can be judged without a town: all that is wrong, not only the first.
    pub(crate) fn named(&self) -> Result<Named, NoPlan> {
        match (self.references(), self.manifest()) {
            (Err(NoPlan::Refused(mut reasons)), Err(NoPlan::Refused(more))) => {
                reasons.extend(more);
                Err(NoPlan::Refused(reasons))
            }
            (references, manifest) => Ok(Named { references: references?, manifest: manifest? }),
        }
    }

    /// Reads everything that is named.
    async fn read(
        &self,
        references: Vec<IssueRef>,
        forge: &dyn Forge,
        town: &Town,
    ) -> Result<Vec<Objective>, NoPlan> {
        let documents = self.documents(town)?;
        let mut objectives = issues(forge, references, own(town).as_ref(), town).await?;
        objectives.extend(documents);
        Ok(objectives)
    }

    /// Reads everything that is named, and what that depends on, and compiles it upon a mission.
    pub(crate) async fn gather(
        &self,
        named: Named,
        composed: &Composed,
        mission: &Mission,
    ) -> Result<Addition, NoPlan> {
        let Named { references, manifest } = named;
        let forge = composed.forge().await?;
        let objectives = self.read(references, &*forge, &composed.town).await?;
        let (present, own) = (mission.standings(), own(&composed.town));
        let draft = Draft::upon(&present, &objectives, &manifest, own.as_ref());
        let keys = draft.keys().map(ToString::to_string).collect();
        let words = |key: &str, taken: MissionId| town::already_open_to(mission.id(), key, taken);
        if let Some(taken) = already_open(composed, &keys, words).await?.first() {
            return Err(Failure::new(ExitCode::NotNow, taken.to_string()).into());
        }
        let standings = standings(&*forge, draft.references_outside(), &composed.town).await?;
        draft.compile_addition(&standings).map_err(|refusals| no_plan(&refusals))
    }

    /// Every malformed reference is named, not only the first.
    fn references(&self) -> Result<Vec<IssueRef>, NoPlan> {
        let (good, bad): (Vec<_>, Vec<_>) =
            self.issues.iter().map(|text| IssueRef::parse(text)).partition(Result::is_ok);
        if bad.is_empty() {
            Ok(good.into_iter().filter_map(Result::ok).collect())
        } else {
            Err(NoPlan::refused(Code::Reference, bad.into_iter().filter_map(Result::err)))
        }
    }

    fn manifest(&self) -> Result<Manifest, NoPlan> {
        let Some(path) = &self.manifest else { return Ok(Manifest::default()) };
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let why = unreadable(&error);
            NoPlan::refused(Code::Manifest, [format!("the manifest {shown} cannot be read: {why}")])
        })?;
        Manifest::parse(&text, &shown).map_err(|errors| NoPlan::refused(Code::Manifest, errors))
    }

    fn documents(&self, town: &Town) -> Result<Vec<Objective>, NoPlan> {
        let (mut read, mut bad) = (Vec::new(), Vec::new());
        for doc in &self.docs {
            match document_objectives(doc, &town.root) {
                Ok(objectives) => read.extend(objectives),
                Err(reason) => bad.push(reason),
            }
        }
        if bad.is_empty() { Ok(read) } else { Err(NoPlan::refused(Code::Document, bad)) }
    }
}

impl Wanted {
    /// As [`Matter::named`].
    pub(crate) fn named(&self) -> Result<Named, NoPlan> {
        self.matter.named()
    }

    /// Reads everything that is named, and what that depends on, and compiles it.
    pub(crate) async fn gather(&self, named: Named, composed: &Composed) -> Result<Gathered, NoPlan> {
        let Named { references, manifest } = named;
        let policy = self.policy(&manifest, &composed.town)?;
        let forge = composed.forge().await?;
        let objectives = self.matter.read(references, &*forge, &composed.town).await?;
        let plan = compile(&*forge, &objectives, &manifest, &composed.town).await?;
        Ok(Gathered { plan, policy })
    }

    /// The town's policy, then the manifest's, then what the command line says.
    fn policy(&self, manifest: &Manifest, town: &Town) -> Result<Policy, NoPlan> {
        let mut policy = manifest.policy.over(&town.config.policy);
        policy.max_parallel = self.max_parallel.unwrap_or(policy.max_parallel);
        policy.reviewer_required &= !self.no_reviewer;
        policy.auto_merge |= self.auto_merge;
        // The manifest's and the town's were judged where they stand; what is wrong now was typed.
        policy.validate().map_err(|error| NoPlan::refused(Code::Policy, [format!("--max-parallel: {error}")]))
    }
}

/// What a mission that has not ended is about already, and in which words that is refused.
pub(super) async fn already_open(
    composed: &Composed,
    objectives: &HashSet<String>,
    words: impl Fn(&str, MissionId) -> String,
) -> Result<Vec<Diagnostic>, Failure> {
    let mut open = Vec::new();
    for row in composed.store.missions(false).await? {
        let outline = load_outline(&row)?;
        for objective in outline.objectives.iter().filter(|objective| objectives.contains(*objective)) {
            open.push(Diagnostic {
                level: Level::Error,
                code: Code::AlreadyOpen,
                item: Some(ItemKey::new(objective.as_str())),
                message: words(objective, row.id),
            });
        }
    }
    Ok(open)
}

/// What a document, or a heading of it, holds. It is known by its path in the repository, since there agents see it.
fn document_objectives(doc: &str, root: &Path) -> Result<Vec<Objective>, String> {
    let (path, heading) = match doc.split_once('#') {
        Some((path, heading)) if !Path::new(doc).exists() => (path, Some(heading)),
        _ => (doc, None),
    };
    if path.is_empty() {
        return Err(format!("no document is named in {doc:?}: write --doc PATH or --doc PATH#HEADING"));
    }
    let failed =
        |error: std::io::Error| format!("the document {path} cannot be read: {}", unreadable(&error));
    let file = Path::new(path).canonicalize().map_err(failed)?;
    let inside = root.canonicalize().ok().and_then(|root| Some(file.strip_prefix(root).ok()?.to_owned()));
    let Some(name) = inside.as_deref().and_then(Path::to_str) else {
        return Err(format!(
            "the document {path} is outside this repository ({}), where agents cannot read it",
            root.display()
        ));
    };
    let text = std::fs::read_to_string(&file).map_err(failed)?;
    document::objectives(&text, name, heading).map_err(|error| error.to_string())
}

/// Why a file that the user named cannot be read, in the user's words where it is the user's to mend.
fn unreadable(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => {
            "there is no such file (a path counts from the folder that you are in)".to_owned()
        }
        ErrorKind::IsADirectory => "it is a folder; name a file in it".to_owned(),
        ErrorKind::InvalidData => "it is not UTF-8; save it as UTF-8 text".to_owned(),
        _ => error.to_string(),
    }
}

/// What is there and cannot be read, each once: the user's to mend, like a reference that leads nowhere.
fn unread(found: &[Lookup]) -> Vec<Diagnostic> {
    let mut told = BTreeSet::new();
    let unreadable = found.iter().filter_map(|lookup| match lookup {
        Lookup::Unreadable(unreadable) => Some(format!("{unreadable}; mend it")),
        Lookup::Found(_) | Lookup::Unknown => None,
    });
    refusals(Code::Unreadable, unreadable.filter(|words| told.insert(words.clone())))
}

/// What an issue is called that the forge does not know, and where it was looked for.
fn unknown(reference: &IssueRef, town: &Town) -> String {
    let forge = &town.config.forge;
    match (&forge.kind, &reference.repo) {
        (ForgeKind::Local, None) => {
            let (folder, number) = (&forge.issues, reference.number);
            format!(
                "no issue {reference}: there is no {folder}/{number}-….md; write it, or correct the number"
            )
        }
        (ForgeKind::Local, Some(_)) => {
            format!("no issue {reference}: the local forge knows the issues of this repository only")
        }
        (ForgeKind::Github, _) => format!("no issue {reference} that the forge lets you see; correct it"),
    }
}

/// The town's own repository, if it has a name.
fn own(town: &Town) -> Option<RepoName> {
    town.config.forge.repo.as_deref().and_then(RepoName::new)
}

async fn issues(
    forge: &dyn Forge,
    references: Vec<IssueRef>,
    own: Option<&RepoName>,
    town: &Town,
) -> Result<Vec<Objective>, NoPlan> {
    if references.is_empty() {
        return Ok(Vec::new());
    }
    let references: Vec<IssueRef> = references.into_iter().map(|it| it.relative_to(own)).collect();
    let lookups = forge.issues(&references).await?;
    let mut refused = unread(&lookups);
    let (mut found, mut missing) = (Vec::with_capacity(references.len()), Vec::new());
    for (reference, lookup) in references.iter().zip(lookups) {
        match lookup {
            Lookup::Found(issue) => found.push(Objective::from(*issue)),
            Lookup::Unknown => missing.push(unknown(reference, town)),
            Lookup::Unreadable(_) => {}
        }
    }
    refused.extend(refusals(Code::UnknownObjective, missing));
    if refused.is_empty() { Ok(found) } else { Err(NoPlan::Refused(refused)) }
}

/// Asks the forge about what objectives depend on, and compiles them.
async fn compile(
    forge: &dyn Forge,
    objectives: &[Objective],
    manifest: &Manifest,
    town: &Town,
) -> Result<Plan, NoPlan> {
    let draft = Draft::read(objectives, manifest, own(town).as_ref());
    let standings = standings(forge, draft.references_outside(), town).await?;
    draft.compile(&standings).map_err(|refusals| no_plan(&refusals))
}

/// Asks the forge what an errand depends on, and compiles it.
pub(crate) async fn errand(composed: &Composed, errand: &Errand) -> Result<Plan, NoPlan> {
    let (forge, own) = (composed.forge().await?, own(&composed.town));
    let standings = standings(&*forge, errand.references(own.as_ref()), &composed.town).await?;
    errand.compile(&standings, own.as_ref()).map_err(|refusals| no_plan(&refusals))
}

fn no_plan(refusals: &[Refusal]) -> NoPlan {
    NoPlan::Refused(refusals.iter().map(Refusal::diagnostic).collect())
}

/// What the forge says about issues that are not objectives.
async fn standings(
    forge: &dyn Forge,
    outside: Vec<IssueRef>,
    town: &Town,
) -> Result<BTreeMap<IssueRef, IssueStanding>, NoPlan> {
    let found = if outside.is_empty() { Vec::new() } else { forge.issues(&outside).await? };
    let refused = unread(&found);
    if !refused.is_empty() {
        return Err(NoPlan::Refused(refused));
    }
    let local = town.config.forge.kind == ForgeKind::Local;
    let standings = found.iter().zip(&outside).map(|(lookup, issue)| match lookup {
        Lookup::Found(issue) if issue.state == IssueState::Closed => IssueStanding::Closed,
        Lookup::Found(_) => IssueStanding::Open,
        Lookup::Unknown | Lookup::Unreadable(_) if local && issue.repo.is_some() => IssueStanding::Elsewhere,
        Lookup::Unknown | Lookup::Unreadable(_) => IssueStanding::Unknown,
    });
    let standings: Vec<IssueStanding> = standings.collect();
    Ok(outside.into_iter().zip(standings).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_malformed_reference_is_named() {
        let issues = ["1", "x", "2", "0"].map(str::to_owned).to_vec();
        let failure =
            Matter { issues, ..Matter::default() }.named().expect_err("two are malformed").into_failure();
        assert_eq!(failure.code(), ExitCode::Invalid);
        assert!(
            failure.message().contains("\"x\"") && failure.message().contains("\"0\""),
            "{}",
            failure.message()
        );
    }
}
