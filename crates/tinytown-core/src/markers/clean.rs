//! Outside text made fit for prompts, terminals and branch names.

use std::collections::BTreeSet;
use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Tag};

use super::blocks::parser;

/// Longest title, in characters.
const MAX_TITLE: usize = 200;
/// Longest slug, in bytes.
const MAX_SLUG: usize = 40;

/// An issue's text for a prompt, without what its readers on the forge cannot see: HTML comments,
/// link definitions that no link uses, control characters and invisible ones (direction, zero width,
/// tags, variation selectors). Comments in code stay: they are visible there. Lines end with `\n`.
pub fn strip_hidden(body: &str) -> String {
    if is_plain(body) {
        return body.to_owned();
    }
    let visible = strip_invisible(body);
    let mut kept = String::with_capacity(visible.len());
    let mut from = 0;
    for hidden in hidden_ranges(&visible) {
        kept.push_str(&visible[from..hidden.start.max(from)]);
        from = from.max(hidden.end);
    }
    kept.push_str(&visible[from..]);
    kept
}

/// Whether a text has nothing in which something could be hidden: no markup that opens a comment or
/// defines a link, and only visible ASCII, spaces and line ends.
fn is_plain(body: &str) -> bool {
    let visible = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t');
    // Several bytes at a time, without stopping in between: so the compiler compares them at once.
    let all_visible = |some: &[u8]| some.iter().fold(true, |all, byte| all & visible(byte));
    body.as_bytes().chunks(64).all(all_visible)
        && !["<!", "<?", "]:"].iter().any(|opening| body.contains(opening))
}

/// A title on one line: no HTML comments, no control or invisible characters, white space folded, at
/// most 200 characters, never empty.
pub fn clean_title(title: &str) -> String {
    let title = without_comments(title);
    let visible = title.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    let visible: String = visible.filter(|c| !c.is_control() && !is_invisible(*c)).collect();
    let mut clean = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((last, _)) =
        clean.char_indices().nth(MAX_TITLE - 1).filter(|(at, c)| clean.len() > at + c.len_utf8())
    {
        clean.truncate(last);
        clean.push('…');
    }
    if clean.is_empty() { "untitled".to_owned() } else { clean }
}

/// A title without `<!-- … -->`; one that is not closed hides the rest.
fn without_comments(title: &str) -> String {
    let mut seen = String::with_capacity(title.len());
    let mut rest = title;
    while let Some((before, hidden)) = rest.split_once("<!--") {
        seen.push_str(before);
        rest = hidden.split_once("-->").map_or("", |(_, after)| after);
    }
    seen + rest
}

/// A title as part of a branch name: `[a-z0-9-]`, at most 40 bytes, beginning and ending with a letter
/// or digit, never empty. The only way by which a title comes near a branch name.
pub fn slug(title: &str) -> String {
    let mut slug = String::new();
    for c in title.chars() {
        if slug.len() >= MAX_SLUG {
            break;
        }
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "item".to_owned() } else { slug.to_owned() }
}

fn strip_invisible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' => visible.push('\n'),
            '\n' | '\t' => visible.push(c),
            c if c.is_control() || is_invisible(c) => {}
            c => visible.push(c),
        }
    }
    visible
}

/// Characters that show nothing and can carry or reorder text: Unicode's format characters without
/// the few that are visible (Arabic number signs), its blank letters, tags and variation selectors.
pub(crate) const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}')
}

/// The parts of a Markdown text that do not show, in order of their beginnings.
fn hidden_ranges(body: &str) -> Vec<Range<usize>> {
    let mut hidden = Vec::new();
    let mut shown = Vec::new();
    let mut used = BTreeSet::new();
    let mut events = parser(body).into_offset_iter();
    for (event, range) in events.by_ref() {
        match event {
            Event::InlineHtml(html) if html.starts_with("<!") || html.starts_with("<?") => hidden.push(range),
            Event::Start(Tag::HtmlBlock) => {
                comments(body, range.clone(), &mut hidden);
                shown.push(range);
            }
            Event::Text(_) | Event::Code(_) | Event::InlineHtml(_) | Event::Start(Tag::CodeBlock(_)) => {
                shown.push(range);
            }
            Event::Start(Tag::Link { link_type, id, .. } | Tag::Image { link_type, id, .. }) => {
                if matches!(link_type, LinkType::Reference | LinkType::Collapsed | LinkType::Shortcut) {
                    used.insert(folded(&id));
                }
            }
            _ => {}
        }
    }
    for (label, definition) in events.reference_definitions().iter() {
        if used.contains(&folded(label)) {
            shown.push(definition.span.clone());
        } else {
            hidden.push(definition.span.clone());
        }
    }
    shown.sort_unstable_by_key(|range| range.start);
    idle_definitions(body, &shown, &mut hidden);
    hidden.sort_unstable_by_key(|range| (range.start, range.end));
    hidden
}

/// Lines with a link definition that means nothing, because its label was defined before: lines on which
/// nothing shows and that begin with a label, with the lines that follow them as closely.
fn idle_definitions(body: &str, shown: &[Range<usize>], hidden: &mut Vec<Range<usize>>) {
    let (mut next, mut begin, mut reach, mut inside) = (0, 0, 0, false);
    for line in body.split_inclusive('\n') {
        let end = begin + line.len();
        while let Some(range) = shown.get(next).filter(|range| range.start < end) {
            reach = reach.max(range.end);
            next += 1;
        }
        let text = line.trim_start_matches([' ', '\t', '>', '-', '*', '+']);
        let defines = text.starts_with('[') && text.contains("]:");
        inside = reach <= begin && !text.trim().is_empty() && (defines || inside);
        if inside {
            hidden.push(end - text.len()..begin + line.trim_end().len());
        }
        begin = end;
    }
}

/// A link's label as labels are compared.
fn folded(label: &str) -> String {
    label.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The comments of an HTML block; one that is not closed reaches to the block's end.
fn comments(body: &str, block: Range<usize>, hidden: &mut Vec<Range<usize>>) {
    let text = &body[block.clone()];
    let begin = text.trim_start();
    if begin.starts_with("<?") || (begin.starts_with("<!") && !begin.starts_with("<!--")) {
        hidden.push(block);
        return;
    }
    let mut at = 0;
    while let Some(open) = text[at..].find("<!--").map(|length| at + length) {
        // Like a browser, take `<!-->` and `<!--->` for whole comments.
        let close = text[open + 2..].find("-->").map_or(text.len(), |length| open + 2 + length + 3);
        hidden.push(block.start + open..block.start + close);
        at = close;
    }
}
