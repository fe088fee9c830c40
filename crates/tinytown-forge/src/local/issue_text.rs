//! Reading an issue's file: front matter, title, body.

/// What an issue's file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct IssueText {
    /// The first heading, as written; empty if there is none.
    pub(super) title: String,
    /// The rest, as written.
    pub(super) body: String,
    /// The line at which the body begins, from 1.
    pub(super) body_line: u32,
    /// Whether the front matter says that it is closed.
    pub(super) closed: bool,
    /// The front matter's labels, sorted.
    pub(super) labels: Vec<String>,
}

/// A title and the lines that it takes, counted from 0.
struct Heading {
    title: String,
    from: usize,
    to: usize,
}

/// Reads a file. What follows the heading is the body; if there is text before it too, the body is all of it, with
/// the heading's lines left empty, so that nothing is lost and every line keeps its number.
pub(super) fn parse(mut file: String) -> IssueText {
    if file.starts_with('\u{feff}') {
        file.remove(0);
    }
    let lines: Vec<&str> = file.split_inclusive('\n').collect();
    let start = front_matter_end(&lines);
    let mut issue = IssueText::default();
    lines[..start].iter().for_each(|line| read_key(line, &mut issue));
    let heading = find_heading(&lines, start);
    let preamble =
        heading.as_ref().is_some_and(|h| lines[start..h.from].iter().any(|l| !l.trim().is_empty()));
    let (from, blank) = match &heading {
        Some(h) if preamble => (start, h.from..h.to),
        Some(h) => (h.to, 0..0),
        None => (start, 0..0),
    };
    issue.body_line = u32::try_from(from + 1).unwrap_or(u32::MAX);
    issue.title = heading.map(|h| h.title).unwrap_or_default();
    issue.labels.sort();
    issue.labels.dedup();
    let span = |lines: &[&str]| lines.iter().map(|line| line.len()).sum::<usize>();
    let (begin, blank_at) = (span(&lines[..from]), span(&lines[..blank.start]));
    let (blank_bytes, blank_lines) = (span(&lines[blank.clone()]), blank.len());
    file.replace_range(blank_at..blank_at + blank_bytes, &"\n".repeat(blank_lines));
    file.drain(..begin);
    issue.body = file;
    issue
}

/// The first line after the front matter; 0 if there is none.
fn front_matter_end(lines: &[&str]) -> usize {
    if lines.first().is_none_or(|line| line.trim_end() != "---") {
        return 0;
    }
    let end = lines.iter().skip(1).position(|line| matches!(line.trim_end(), "---" | "..."));
    end.map_or(0, |at| at + 2)
}

/// Takes over a key that we know; others are nobody's business here.
fn read_key(line: &str, issue: &mut IssueText) {
    let Some((key, value)) = line.split_once(':') else { return };
    match key.trim_end() {
        "state" => issue.closed = unquoted(value).eq_ignore_ascii_case("closed"),
        "labels" => {
            let list = value.trim().trim_start_matches('[').trim_end_matches(']');
            issue.labels =
                list.split(',').map(unquoted).filter(|l| !l.is_empty()).map(str::to_owned).collect();
        }
        _ => {}
    }
}

fn unquoted(value: &str) -> &str {
    value.trim().trim_matches(['"', '\'']).trim()
}

/// The first heading at or after a line, outside of code and comments.
fn find_heading(lines: &[&str], start: usize) -> Option<Heading> {
    let mut fence: Option<&str> = None;
    let mut comment = false;
    let mut paragraph: Option<usize> = None;
    for (at, line) in lines.iter().enumerate().skip(start) {
        let text = line.trim();
        if let Some(open) = fence {
            fence = if closes(open, text) { None } else { fence };
        } else if comment || text.starts_with("<!--") {
            comment = !text.contains("-->");
            paragraph = None;
        } else if let Some(open) = opening(text) {
            (fence, paragraph) = (Some(open), None);
        } else if let Some(title) = atx(line) {
            return Some(Heading { title, from: at, to: at + 1 });
        } else if let Some(from) = paragraph.filter(|_| is_underline(line)) {
            return Some(Heading { title: joined(&lines[from..at]), from, to: at + 1 });
        } else {
            paragraph = if continues(line, paragraph.is_some()) { paragraph.or(Some(at)) } else { None };
        }
    }
    None
}

/// The mark of a code fence that this line opens.
fn opening(text: &str) -> Option<&str> {
    let mark = text.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = text.len() - text.trim_start_matches(mark).len();
    (length >= 3 && !(mark == '`' && text[length..].contains('`'))).then(|| &text[..length])
}

/// Whether a line closes the fence that began with `open`.
fn closes(open: &str, text: &str) -> bool {
    text.starts_with(open) && text.trim_start_matches(&open[..1]).is_empty()
}

/// How far a line is indented; four columns make it code.
fn is_code(line: &str) -> bool {
    line.starts_with("    ") || line.starts_with('\t')
}

/// The title of a heading such as `## Title ##`.
fn atx(line: &str) -> Option<String> {
    let text = line.trim();
    let marks = text.len() - text.trim_start_matches('#').len();
    let rest = &text[marks..];
    if is_code(line) || !(1..=6).contains(&marks) || !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
        return None;
    }
    let rest = rest.trim();
    let open = rest.trim_end_matches('#');
    let title = if open.is_empty() || open.ends_with([' ', '\t']) { open.trim_end() } else { rest };
    (!title.is_empty()).then(|| title.to_owned())
}

/// Whether a line makes the paragraph above it a heading.
fn is_underline(line: &str) -> bool {
    let text = line.trim();
    let all = |mark| !text.is_empty() && text.chars().all(|c| c == mark);
    !is_code(line) && (all('=') || all('-'))
}

/// Whether a line is plain text: what lists and quotes begin with does not begin a paragraph.
fn continues(line: &str, in_paragraph: bool) -> bool {
    let text = line.trim();
    let item = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let listed = ["- ", "* ", "+ ", ">", "|"].iter().any(|mark| text.starts_with(mark))
        || (item.len() < text.len() && (item.starts_with(". ") || item.starts_with(") ")));
    !text.is_empty() && !listed && (in_paragraph || !is_code(line))
}

fn joined(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_str(file: &str) -> IssueText {
        parse(file.to_owned())
    }

    fn check(file: &str, title: &str, body: &str, body_line: u32) {
        let issue = parse_str(file);
        assert_eq!(
            (issue.title.as_str(), issue.body.as_str(), issue.body_line),
            (title, body, body_line),
            "{file:?}"
        );
    }

    #[test]
    fn the_first_heading_is_the_title_and_the_rest_the_body() {
        check("# Title\n\nBody\n", "Title", "\nBody\n", 2);
        check("\n\n## Title ##\nBody", "Title", "Body", 4);
        check("Title\n=====\nBody\n", "Title", "Body\n", 3);
        check("A long\ntitle\n---\n", "A long title", "", 4);
        check("\u{feff}# C# and #2\r\nBody\r\n", "C# and #2", "Body\r\n", 2);
        check("# Only", "Only", "", 2);
    }

    #[test]
    fn what_only_looks_like_a_heading_is_not_one() {
        check("```\n# code\n```\n# Title\n", "Title", "```\n# code\n```\n\n", 1);
        check("<!-- # a\n# b -->\n# Title\nx", "Title", "<!-- # a\n# b -->\n\nx", 1);
        check(
            "#hashtag\n\n    # code\n\n- item\n---\n####### seven\n",
            "",
            "#hashtag\n\n    # code\n\n- item\n---\n####### seven\n",
            1,
        );
        check("#\n# Title\n", "Title", "#\n\n", 1);
        check("", "", "", 1);
    }

    #[test]
    fn text_before_the_heading_is_kept_and_lines_keep_their_numbers() {
        check("Depends on #1\n\n# Title\nBody\n", "Title", "Depends on #1\n\n\nBody\n", 1);
    }

    #[test]
    fn front_matter_closes_and_labels() {
        let issue = parse_str(
            "---\nstate: Closed\nlabels: [b, \"a x\", b,]\nother: 1\nrubbish\n---\n# Title\nBody\n",
        );
        assert!(issue.closed);
        assert_eq!((issue.labels, issue.body_line), (vec!["a x".to_owned(), "b".to_owned()], 8));
        let open = parse_str("---\nstate: open\n---\n# Title\n");
        assert_eq!((open.closed, open.title.as_str()), (false, "Title"));
        let unclosed = parse_str("---\nstate: closed\n# Title\n");
        assert_eq!((unclosed.closed, unclosed.title.as_str()), (false, "Title"));
        let prose = parse_str("# Title\nstate: closed\n");
        assert!(!prose.closed);
    }

    #[test]
    fn a_large_body_is_read_whole() {
        let body = "word ".repeat(2 * 1024 * 1024);
        assert_eq!(parse(format!("# Title\n{body}")).body, body);
    }
}
