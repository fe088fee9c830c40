//! What sort of work an issue is and who should do it, from its labels and the whole words of its title.

use crate::id::{AgentName, Role};
use crate::item::{Kind, RoleWish};

/// The kind of an issue: from its labels if one names a kind, else from the first word of its title
/// that does, else [`Kind::Implement`]. Never [`Kind::Review`] or [`Kind::Fix`]: those are made by missions.
pub fn kind_of(title: &str, labels: &[String]) -> Kind {
    let labelled = labels.iter().find_map(|label| kind_of_label(label));
    labelled.or_else(|| words(title).find_map(|word| kind_of_word(&word))).unwrap_or(Kind::Implement)
}

/// The role that an issue asks for: required if a label `role:NAME` or `role/NAME` says so, else a
/// preference that follows from its kind and the words of its title.
pub fn role_wish(kind: Kind, title: &str, labels: &[String]) -> RoleWish {
    match labels.iter().find_map(|label| role_of_label(label)) {
        Some(role) => RoleWish { role, required: true },
        None => RoleWish { role: Role::new(usual_role(kind, title)), required: false },
    }
}

/// The role that an agent's name says, if any: `backend-2` is a `backend`, `alice` is nothing in particular.
pub fn role_of_name(name: &AgentName) -> Option<Role> {
    let parts = name.as_str().split(|c: char| !c.is_ascii_alphabetic());
    parts.into_iter().find_map(|part| role_of_word(&part.to_ascii_lowercase())).map(Role::new)
}

/// The words of a title in lower case; a hyphen joins, so that `test-driven` is no `test`.
fn words(title: &str) -> impl Iterator<Item = String> {
    let words = title.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '\'' | '\u{2019}')));
    words.filter(|word| !word.is_empty()).map(str::to_lowercase)
}

fn kind_of_word(word: &str) -> Option<Kind> {
    Some(match word {
        "design" | "designs" | "designing" | "architecture" | "spec" | "specify" | "specification"
        | "rfc" | "adr" | "wireframe" | "wireframes" | "mockup" | "mockups" => Kind::Design,
        "implement" | "implements" | "implementing" | "implementation" | "build" | "fix" | "fixes"
        | "refactor" | "develop" | "port" | "migrate" => Kind::Implement,
        "test" | "tests" | "testing" | "e2e" | "qa" | "coverage" => Kind::Test,
        "document" | "documents" | "documenting" | "documentation" | "doc" | "docs" | "readme"
        | "changelog" | "tutorial" | "guide" => Kind::Document,
        _ => return None,
    })
}

/// A label names a kind with the kind's own words, bare or behind `kind:` or `type:`.
fn kind_of_label(label: &str) -> Option<Kind> {
    let label = label.trim().to_lowercase();
    let value = ["kind", "type"].iter().find_map(|key| value_of(&label, key)).unwrap_or(&label);
    match value {
        "design" => Some(Kind::Design),
        "implement" | "implementation" => Some(Kind::Implement),
        "test" | "tests" | "testing" => Some(Kind::Test),
        "document" | "documentation" | "docs" => Some(Kind::Document),
        _ => None,
    }
}

fn role_of_label(label: &str) -> Option<Role> {
    let label = label.trim().to_lowercase();
    value_of(&label, "role").filter(|name| !name.is_empty()).map(Role::new)
}

/// The rest of `key:rest` or `key/rest`.
fn value_of<'a>(label: &'a str, key: &str) -> Option<&'a str> {
    let rest = label.strip_prefix(key)?.trim_start();
    rest.strip_prefix([':', '/']).map(str::trim)
}

fn usual_role(kind: Kind, title: &str) -> &'static str {
    let is_frontend =
        |word: String| matches!(word.as_str(), "ui" | "frontend" | "front-end" | "css" | "html");
    match kind {
        Kind::Design => "designer",
        Kind::Test => "tester",
        Kind::Document => "writer",
        Kind::Review => "reviewer",
        Kind::Implement | Kind::Fix if words(title).any(is_frontend) => "frontend",
        Kind::Implement | Kind::Fix => "backend",
    }
}

fn role_of_word(word: &str) -> Option<&'static str> {
    Some(match word {
        "designer" => "designer",
        "architect" => "architect",
        "backend" => "backend",
        "frontend" => "frontend",
        "tester" | "test" | "qa" => "tester",
        "reviewer" | "review" => "reviewer",
        "writer" | "docs" => "writer",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(title: &str) -> Kind {
        kind_of(title, &[])
    }

    #[test]
    fn kinds_follow_the_first_telling_word_of_the_title() {
        for (title, want) in [
            ("Design auth API", Kind::Design),
            ("Implement auth endpoints", Kind::Implement),
            ("Write auth tests", Kind::Test),
            ("Write API docs", Kind::Document),
            ("Implement the design", Kind::Implement),
            ("Add tests for the docs build", Kind::Test),
            ("README: explain tokens", Kind::Document),
            ("Rate limiting", Kind::Implement),
        ] {
            assert_eq!(kind(title), want, "{title}");
        }
    }

    #[test]
    fn kinds_are_not_found_inside_words() {
        for title in [
            "Use the latest",
            "Preview",
            "Emergency stop",
            "Prefix handling",
            "Rapid",
            "Redesigned",
            "Docker",
            "Go test-driven",
        ] {
            assert_eq!(kind(title), Kind::Implement, "{title}");
            assert!(words(title).all(|word| kind_of_word(&word).is_none()), "{title}");
        }
    }

    #[test]
    fn labels_name_the_kind_before_the_title_does() {
        for (label, want) in
            [("documentation", Kind::Document), ("Kind: Test", Kind::Test), ("type/design", Kind::Design)]
        {
            assert_eq!(kind_of("Implement x", &[label.to_owned()]), want, "{label}");
        }
        for label in ["review", "kind:fix", "bug", "latest"] {
            assert_eq!(kind_of("Write tests", &[label.to_owned()]), Kind::Test, "{label}");
        }
    }

    #[test]
    fn roles_are_required_by_labels_and_otherwise_preferred() {
        let wish = |title: &str, label: &[&str]| {
            let labels: Vec<String> = label.iter().map(ToString::to_string).collect();
            let wish = role_wish(kind_of(title, &labels), title, &labels);
            format!("{}{}", wish.role, if wish.required { "!" } else { "" })
        };
        assert_eq!(wish("Design auth API", &[]), "designer");
        assert_eq!(wish("Implement auth endpoints", &[]), "backend");
        assert_eq!(wish("Build the login UI", &[]), "frontend");
        assert_eq!(wish("Build the quick guild", &[]), "backend");
        assert_eq!(wish("Write auth tests", &[]), "tester");
        assert_eq!(wish("Write API docs", &[]), "writer");
        assert_eq!(wish("Anything", &["bug", "Role: DBA"]), "dba!");
        assert_eq!(wish("Anything", &["role/architect"]), "architect!");
        assert_eq!(wish("Anything", &["role:", "roleplay/x"]), "backend");
    }

    #[test]
    fn names_say_a_role_by_whole_words() {
        for (name, want) in [
            ("designer", Some("designer")),
            ("backend-2", Some("backend")),
            ("Backend2", Some("backend")),
            ("my_qa.1", Some("tester")),
            ("review-bot", Some("reviewer")),
            ("docs", Some("writer")),
            ("the-architect", Some("architect")),
            ("alice", None),
            ("latest", None),
            ("protester", None),
        ] {
            let name = AgentName::new(name).expect("a good name");
            assert_eq!(role_of_name(&name), want.map(Role::new), "{name}");
        }
    }
}
