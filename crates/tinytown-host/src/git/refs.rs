//! References: reading many at once, and changing them only from where they were expected.

use super::command::Input;
use super::{Git, GitError, Oid};

/// A reference and where it points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ref {
    /// Its full name, `refs/…`.
    pub name: String,
    /// The object.
    pub oid: Oid,
}

/// A reference with the content of its object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefContent {
    /// Its full name, `refs/…`.
    pub name: String,
    /// The object.
    pub oid: Oid,
    /// The object's bytes, as `git cat-file` would print them.
    pub content: Vec<u8>,
}

/// One change to a reference, with what it expects. Names are full (`refs/…`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefEdit {
    /// Make one that is not there.
    Create(String, Oid),
    /// Move one: name, new, old.
    Move(String, Oid, Oid),
    /// Remove one: name, old.
    Delete(String, Oid),
    /// Change nothing, but insist: name, and where it is (`None`: not there).
    Verify(String, Option<Oid>),
}

/// What became of a change that names what it expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swap {
    /// Everything was as expected and was changed.
    Done,
    /// Something was elsewhere; nothing was changed.
    Elsewhere,
}

impl RefEdit {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Create(name, _) | Self::Move(name, ..) | Self::Delete(name, _) | Self::Verify(name, _) => {
                name
            }
        }
    }

    /// Where the reference must be for the change to happen.
    pub(super) fn expected(&self) -> Option<&Oid> {
        match self {
            Self::Create(..) => None,
            Self::Move(_, _, old) | Self::Delete(_, old) => Some(old),
            Self::Verify(_, old) => old.as_ref(),
        }
    }

    /// Where the reference is after the change.
    pub(super) fn wanted(&self) -> Option<&Oid> {
        match self {
            Self::Create(_, new) | Self::Move(_, new, _) => Some(new),
            Self::Delete(..) => None,
            Self::Verify(_, at) => at.as_ref(),
        }
    }

    /// The change as `git update-ref --stdin -z` reads it.
    fn instruction(&self) -> String {
        match self {
            Self::Create(name, new) => format!("create {name}\0{new}\0"),
            Self::Move(name, new, old) => format!("update {name}\0{new}\0{old}\0"),
            Self::Delete(name, old) => format!("delete {name}\0{old}\0"),
            Self::Verify(name, old) => format!("verify {name}\0{}\0", old.as_ref().map_or("", Oid::as_str)),
        }
    }
}

impl Git {
    /// The object that a name stands for, if there is one. Names of references are given in full.
    pub async fn rev_parse(&self, name: &str) -> Result<Option<Oid>, GitError> {
        let call = self.call(["rev-parse", "--verify", "--quiet", "--end-of-options", name]);
        let shown = call.shown();
        call.question().await?.map(|bytes| Oid::from_git(&bytes, &shown)).transpose()
    }

    /// References whose names are, or begin with whole parts of, one of the patterns; sorted by name.
    pub async fn refs(&self, patterns: &[&str]) -> Result<Vec<Ref>, GitError> {
        let call = self.call(["for-each-ref", "--format=%(objectname) %(refname)", "--"]).args(patterns);
        let shown = call.shown();
        let printed = call.bytes().await?;
        let line = |line: &str| {
            let (oid, name) = line.split_once(' ')?;
            Some(Ref { name: name.to_owned(), oid: Oid::new(oid)? })
        };
        let text = String::from_utf8_lossy(&printed);
        text.lines().map(|l| line(l).ok_or_else(|| GitError::answer(&shown, l))).collect()
    }

    /// The same, each with the bytes of its object: one process however many there are.
    pub async fn refs_with_content(&self, patterns: &[&str]) -> Result<Vec<RefContent>, GitError> {
        const FORMAT: &str = "--format=%(refname)%00%(objectname)%00%(raw:size)%00%(raw)";
        let call = self.call(["for-each-ref", FORMAT, "--"]).args(patterns);
        let shown = call.shown();
        let printed = call.bytes().await?;
        let mut rest = printed.as_slice();
        let mut found = Vec::new();
        while !rest.is_empty() {
            let (one, after) =
                take_content(rest).ok_or_else(|| GitError::answer(&shown, "a record is cut short"))?;
            found.push(one);
            rest = after;
        }
        Ok(found)
    }

    /// Makes several changes together, each only if its reference is where the change expects it.
    ///
    /// `reason` is what the reflog keeps. What is there by now decides between [`Swap::Elsewhere`] and an
    /// error, not git's words: a lock held by somebody else is an error, and may be tried again.
    pub async fn edit_refs(&self, edits: &[RefEdit], reason: &str) -> Result<Swap, GitError> {
        let instructions: String = edits.iter().map(RefEdit::instruction).collect();
        let call = self.call(["update-ref", "-m", reason, "--stdin", "-z"]);
        match call.input(Input::Bytes(instructions.into_bytes())).bytes().await {
            Ok(_) => Ok(Swap::Done),
            Err(error) => self.elsewhere_or(edits, error).await,
        }
    }

    /// [`Swap::Elsewhere`] if some reference is not where it was expected, else the error.
    pub(super) async fn elsewhere_or(&self, edits: &[RefEdit], error: GitError) -> Result<Swap, GitError> {
        let names: Vec<&str> = edits.iter().map(RefEdit::name).collect();
        let found = self.refs(&names).await?;
        let there = |edit: &RefEdit| found.iter().find(|r| r.name == edit.name()).map(|r| &r.oid);
        if edits.iter().any(|edit| there(edit) != edit.expected()) { Ok(Swap::Elsewhere) } else { Err(error) }
    }
}

/// Reads one record of `refs_with_content`, and what is left after it.
fn take_content(bytes: &[u8]) -> Option<(RefContent, &[u8])> {
    let mut parts = bytes.splitn(4, |b| *b == 0);
    let name = std::str::from_utf8(parts.next()?).ok()?.to_owned();
    let oid = Oid::new(std::str::from_utf8(parts.next()?).ok()?)?;
    let size: usize = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
    let (content, rest) = parts.next()?.split_at_checked(size)?;
    Some((RefContent { name, oid, content: content.to_owned() }, rest.strip_prefix(b"\n")?))
}
