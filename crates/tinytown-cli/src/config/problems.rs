//! Everything that is wrong with the file at once. Reading it stops at the first mistake, so what is
//! wrong is taken out, and the rest read again.

use std::ops::Range;

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer, Error};

use super::{Config, ConfigError, line_of};

/// A file with more mistakes than this is not ours; nobody reads on.
const MOST: usize = 50;

/// Every problem of the file's text: what is no TOML, else keys and types, then values.
pub(crate) fn problems(text: &str, file: &str) -> Vec<ConfigError> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut found = Problems { text, file, errors: Vec::new() };
    if errors.is_empty() {
        found.read(table);
    }
    for error in &errors {
        found.add(error);
    }
    // What has a line comes first, from top to bottom.
    found.errors.sort_by_key(|error| match error {
        ConfigError::Shape { line, .. } => *line,
        ConfigError::Value { .. } | ConfigError::Policy { .. } => usize::MAX,
    });
    found.errors
}

struct Problems<'a> {
    text: &'a str,
    file: &'a str,
    errors: Vec<ConfigError>,
}

impl<'a> Problems<'a> {
    fn add(&mut self, error: &Error) {
        let line = error.span().map_or(1, |span| line_of(self.text, span.start));
        let message = error.message().trim().to_owned();
        let shape = ConfigError::Shape { file: self.file.to_owned(), line, message };
        if !self.errors.contains(&shape) {
            self.errors.push(shape);
        }
    }

    /// Reads again and again, each time without what was wrong.
    fn read(&mut self, mut table: Spanned<DeTable<'a>>) {
        let mut taken: Vec<Taken> = Vec::new();
        for _ in 0..MOST {
            let error = match Config::deserialize(Deserializer::from(table.clone())) {
                Ok(config) => return self.errors.extend(config.faults(self.file)),
                Err(error) => error,
            };
            let span = error.span().unwrap_or_default();
            // What is missing only because we took it out is no news.
            let took =
                |(key, table): &Taken| *table == span && error.message() == format!("missing field `{key}`");
            if !taken.iter().any(took) {
                self.add(&error);
            }
            let whole = table.span();
            match take_out(table.get_mut(), whole, &span) {
                Some(entry) => taken.push(entry),
                None if name_it(table.get_mut(), &error) => {}
                None => return,
            }
        }
    }
}

/// A key that was taken out, and where the table begins and ends of which it was one.
type Taken = (String, Range<usize>);

/// Removes the innermost entry whose key or value is at that place. `own` is the table's.
fn take_out(table: &mut DeTable<'_>, own: Range<usize>, span: &Range<usize>) -> Option<Taken> {
    // A table's own place is its header, not what stands below it.
    let inside = |value: &mut Spanned<DeValue<'_>>| {
        let own = value.span();
        match value.get_mut() {
            DeValue::Table(inner) => take_out(inner, own, span),
            _ => None,
        }
    };
    let deeper = table.iter_mut().find_map(|(_, value)| inside(value));
    if deeper.is_some() {
        return deeper;
    }
    let at = |place: Range<usize>| !span.is_empty() && place.start <= span.start && span.end <= place.end;
    let found = table.iter().find(|(key, value)| at(key.span()) || at(value.span()));
    let key = found.map(|(key, _)| key.get_ref().to_string())?;
    table.remove(key.as_str()).map(|_| (key, own))
}

/// A town without a name is read on under any.
fn name_it(table: &mut DeTable<'_>, error: &Error) -> bool {
    let nameless = error.message().contains("`name`") && !table.contains_key("name");
    if nameless {
        let name = DeValue::String("x".into());
        table.insert(Spanned::new(0..0, "name".into()), Spanned::new(0..0, name));
    }
    nameless
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = problems(text, "f").iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found} for {expected}");
        }
        assert_eq!(Config::parse(text, "f").is_err(), !expected.is_empty(), "as reading it would");
    }

    #[test]
    fn a_good_file_has_none() {
        check("name = \"x\"\n[cli.a]\ncommand = [\"sh\"]\n", &[]);
    }

    #[test]
    fn unknown_keys_and_wrong_types_are_all_told_with_their_lines() {
        let text = "name = \"x\"\nnmae = 1\n\n[policy]\nmax_paralel = 1\nmax_attempts = \"3\"\n[plicy]\na = 1\n\
                    [cli.a]\ncommand = \"sh\"\n[forge]\nkind = \"gitlab\"\n[cli.b]\nprompt = \"stdin\"\n";
        let lines: Vec<String> = problems(text, "f").iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn values_out_of_range_are_told_beside_unknown_keys() {
        check(
            "name = \"x\"\nfoo = 1\n[policy]\nmax_parallel = 0\nmax_attempts = 0\n[timing]\nagent_lease_ms = 1\n",
            &[
                "f:2: unknown field",
                "f: policy max_parallel",
                "f: policy max_attempts",
                "f: timing.agent_lease",
            ],
        );
    }

    #[test]
    fn a_missing_name_is_told_once_and_does_not_hide_the_rest() {
        check("[policy]\nmax_parallel = 0\n", &["f:1: missing field `name`", "f: policy max_parallel"]);
        check("name = 1\n[policy]\nx = 1\n", &["f:1: invalid type", "f:3: unknown field"]);
        check("", &["f:1: missing field `name`"]);
    }

    #[test]
    fn what_is_no_toml_is_told_with_its_line() {
        check("name = \"x\"\nfast =\n", &["f:2: "]);
    }
}
