//! From TOML, with the places of its keys and values, to a manifest.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{DependsOn, Manifest, ManifestError, ManifestProblem, Override, PolicyPatch};
use crate::id::Role;
use crate::issue::{IssueRef, RefError};
use crate::item::Kind;
use crate::markers::Lines;
use crate::objective::ObjectiveRef;
use crate::policy::Policy;
use crate::spend::Usd;

pub(super) type Key<'i> = Spanned<std::borrow::Cow<'i, str>>;
pub(super) type Value<'i> = Spanned<DeValue<'i>>;

const TOP_KEYS: &str = "overrides, policy";
const OVERRIDE_KEYS: &str = "issue, depends_on, owner_role, priority, kind, skip";
/// Longest role, in characters.
const LONGEST_ROLE: usize = 40;

pub(super) fn read(text: &str, location: &str) -> Result<Manifest, Vec<ManifestError>> {
    let mut reader = Reader { lines: Lines::of(text), location, errors: Vec::new() };
    let manifest = match DeTable::parse(text) {
        Ok(table) => reader.top(table.get_ref()),
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            reader.error(at, ManifestProblem::Syntax(error.message().to_owned()));
            Manifest::default()
        }
    };
    reader.errors.sort_by_key(|error| error.line);
    if reader.errors.is_empty() { Ok(manifest) } else { Err(reader.errors) }
}

/// Reads on after an error, so that all of them can be told at once.
pub(super) struct Reader<'t> {
    lines: Lines,
    location: &'t str,
    errors: Vec<ManifestError>,
}

impl Reader<'_> {
    fn line(&self, at: usize) -> u32 {
        self.lines.at(at)
    }

    fn error(&mut self, at: usize, problem: ManifestProblem) {
        let line = self.line(at);
        self.errors.push(ManifestError { location: self.location.to_owned(), line, problem });
    }

    pub(super) fn unknown(&mut self, key: &Key<'_>, known: &str) {
        let problem = ManifestProblem::UnknownKey { key: key.get_ref().to_string(), known: known.to_owned() };
        self.error(key.span().start, problem);
    }

    fn wrong_type(&mut self, key: &Key<'_>, value: &Value<'_>, expected: &'static str) {
        let found = match value.get_ref().type_str() {
            name @ ("integer" | "array") => format!("an {name}"),
            name => format!("a {name}"),
        };
        self.error(
            value.span().start,
            ManifestProblem::Type { key: key.get_ref().to_string(), expected, found },
        );
    }

    fn top(&mut self, table: &DeTable<'_>) -> Manifest {
        let mut manifest = Manifest { location: self.location.to_owned(), ..Manifest::default() };
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("overrides", DeValue::Array(tables)) => {
                    manifest.overrides =
                        tables.iter().filter_map(|table| self.override_of(key, table)).collect();
                }
                ("overrides", _) => {
                    self.wrong_type(key, value, "a list of tables, each begun with [[overrides]]");
                }
                ("policy", DeValue::Table(table)) => manifest.policy = self.policy(table),
                ("policy", _) => self.wrong_type(key, value, "a table, begun with [policy]"),
                _ => self.unknown(key, TOP_KEYS),
            }
        }
        manifest
    }

    fn override_of(&mut self, list: &Key<'_>, value: &Value<'_>) -> Option<Override> {
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_type(list, value, "a list of tables, each begun with [[overrides]]");
            return None;
        };
        let mut read = Override {
            issue: ObjectiveRef::Issue(IssueRef::own(0)),
            line: self.line(value.span().start),
            depends_on: None,
            owner_role: None,
            priority: None,
            kind: None,
            skip: None,
        };
        let mut issue = None;
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "issue" => {
                    read.line = self.line(key.span().start);
                    issue = Some(self.reference(key, value));
                }
                "depends_on" => read.depends_on = self.depends_on(key, value),
                "owner_role" => read.owner_role = self.role(key, value),
                "priority" => read.priority = self.integer(key, value, "an integer of 32 bits"),
                "kind" => read.kind = self.kind(key, value),
                "skip" => read.skip = self.boolean(key, value),
                _ => self.unknown(key, OVERRIDE_KEYS),
            }
        }
        if issue.is_none() {
            self.error(value.span().start, ManifestProblem::Missing("issue"));
        }
        read.issue = issue??;
        Some(read)
    }

    fn reference(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<ObjectiveRef> {
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            _ => {
                self.wrong_type(key, value, "an issue's number or reference");
                return None;
            }
        };
        let error = match (value.get_ref(), ObjectiveRef::parse(&text)) {
            (_, Ok(reference)) => return Some(reference),
            (DeValue::Integer(_), Err(_)) => RefError::Number(text),
            (_, Err(error)) => error,
        };
        self.error(value.span().start, ManifestProblem::Reference { key: key.get_ref().to_string(), error });
        None
    }

    fn depends_on(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<DependsOn> {
        let line = self.line(key.span().start);
        let DeValue::Array(values) = value.get_ref() else {
            self.wrong_type(key, value, "a list of issues, such as [1, \"owner/repo#2\"]");
            return None;
        };
        let on = values.iter().filter_map(|value| self.reference(key, value)).collect();
        Some(DependsOn { line, on })
    }

    fn role(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<Role> {
        let text = self.string(key, value)?;
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.chars().all(allowed) && (1..=LONGEST_ROLE).contains(&text.chars().count()) {
            return Some(Role::new(&text));
        }
        self.bad_value(key, value, text, "one word of at most 40 letters, digits, '-', '_' and '.'");
        None
    }

    fn kind(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<Kind> {
        let text = self.string(key, value)?;
        let kinds = [Kind::Design, Kind::Implement, Kind::Test, Kind::Document];
        let kind = kinds.into_iter().find(|kind| kind.as_str() == text);
        if kind.is_none() {
            self.bad_value(key, value, text, "design, implement, test or document");
        }
        kind
    }

    fn bad_value(&mut self, key: &Key<'_>, at: &Value<'_>, value: String, expected: &'static str) {
        self.error(
            at.span().start,
            ManifestProblem::Value { key: key.get_ref().to_string(), value, expected },
        );
    }

    fn string(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<String> {
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong_type(key, value, "a string");
        }
        text
    }

    pub(super) fn boolean(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<bool> {
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong_type(key, value, "true or false");
        }
        flag
    }

    pub(super) fn count<N: TryFrom<i64>>(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<N> {
        self.integer(key, value, "a whole number, not negative")
    }

    /// Whole dollars, or dollars and cents.
    pub(super) fn money(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<Usd> {
        const EXPECTED: &str = "dollars, as in 20 or 2.50";
        let written = match value.get_ref() {
            DeValue::Integer(dollars) => dollars.as_str(),
            DeValue::Float(dollars) => dollars.as_str(),
            _ => {
                self.wrong_type(key, value, EXPECTED);
                return None;
            }
        };
        let dollars = written.parse::<f64>().ok().filter(|dollars| dollars.is_finite() && *dollars >= 0.0);
        if dollars.is_none() {
            self.bad_value(key, value, written.to_owned(), EXPECTED);
        }
        dollars.map(Usd::from)
    }

    pub(super) fn strings(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<Vec<String>> {
        let Some(values) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "an array of strings");
            return None;
        };
        values.iter().map(|value| self.string(key, value)).collect()
    }

    fn integer<N: TryFrom<i64>>(
        &mut self,
        key: &Key<'_>,
        value: &Value<'_>,
        expected: &'static str,
    ) -> Option<N> {
        let Some(integer) = value.get_ref().as_integer() else {
            self.wrong_type(key, value, expected);
            return None;
        };
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.and_then(|number| N::try_from(number).ok());
        if number.is_none() {
            self.bad_value(key, value, integer.to_string(), expected);
        }
        number
    }

    fn policy(&mut self, table: &DeTable<'_>) -> PolicyPatch {
        let mut patch = PolicyPatch::default();
        for (key, value) in table {
            let before = patch.clone();
            self.knob(&mut patch, key, value);
            // Ranges do not depend on each other, so what fails now is this knob, on this line.
            if let Err(error) = patch.over(&Policy::default()).validate() {
                self.error(value.span().start, error.into());
                patch = before;
            }
        }
        patch
    }
}
