//! What is read of a text: all that people write, and a bounded part of what only machines make.
//!
//! Parsing Markdown costs a fraction of a microsecond per mark (`[`, `*`, a line's end), and per line as
//! much again for each quote or list item around it. Both are bounded here, before the parser, so that
//! reading takes a bounded time whatever the text.

use std::borrow::Cow;

/// Most marks that are read. Ten megabytes of prose, or of a list of issues, have fewer; an issue on GitHub, which is at
/// most 64 Ki characters, cannot have a tenth.
const MOST_MARKS: usize = 800_000;
/// Most quotes and list items that a single line may begin; what is deeper is left out.
const DEEPEST: usize = 64;

/// The end of what is read: all of the text, or as many whole lines as have [`MOST_MARKS`].
pub(super) fn end(body: &str) -> usize {
    if body.len() <= MOST_MARKS {
        return body.len();
    }
    let marks = body.bytes().enumerate().filter(|(_, byte)| is_mark(*byte));
    let Some((cut, _)) = marks.into_iter().nth(MOST_MARKS) else { return body.len() };
    body[..cut].rfind('\n').map_or(cut, |line| line + 1)
}

/// Whether a byte can mean something to the Markdown parser or begin a reference.
const fn is_mark(byte: u8) -> bool {
    byte == b'\n'
        || byte == b'\r'
        || (byte.is_ascii_punctuation() && !matches!(byte, b'-' | b'/' | b':' | b','))
}

/// The text with spaces instead of what is more than [`DEEPEST`] levels deep; positions stay.
pub(super) fn without_depths(text: &str) -> Cow<'_, str> {
    let mut flat = String::new();
    let (mut kept, mut begin) = (0, 0);
    for line in text.split_inclusive('\n') {
        if let Some(deep) = too_deep(line.as_bytes()) {
            let (from, to) = (begin + deep, begin + line.trim_end().len());
            flat.push_str(&text[kept..from]);
            flat.extend(std::iter::repeat_n(' ', to - from));
            kept = to;
        }
        begin += line.len();
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    flat.push_str(&text[kept..]);
    Cow::Owned(flat)
}

/// Where a line that begins more than [`DEEPEST`] quotes and items begins the first that is too deep.
fn too_deep(line: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0);
    loop {
        at += line[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let digits = line[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let ended = |at: usize| line.get(at).is_none_or(u8::is_ascii_whitespace);
        let length = match line.get(at + digits)? {
            b'>' if digits == 0 => 1,
            b'-' | b'+' | b'*' if digits == 0 && ended(at + 1) => 1,
            b'.' | b')' if digits > 0 && ended(at + digits + 1) => digits + 1,
            _ => return None,
        };
        if depth == DEEPEST {
            return Some(at);
        }
        depth += 1;
        at += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_and_lists_of_ten_megabytes_are_read_whole() {
        let prose = "Words as people write them, and one sentence after the other. ".repeat(160_000);
        let list = "- [ ] #123 The title of an issue as it is in a list\n".repeat(190_000);
        for text in [prose, list] {
            assert!(text.len() > 9_000_000);
            assert_eq!(end(&text), text.len());
        }
    }

    #[test]
    fn marks_beyond_the_most_are_not_read() {
        assert_eq!(end(&"[".repeat(3_000_000)), MOST_MARKS);
        assert_eq!(end(&"[a\n".repeat(3_000_000)), MOST_MARKS / 2 * 3);
        assert_eq!(end(&"ä".repeat(3_000_000)), 6_000_000);
    }

    #[test]
    fn what_is_too_deep_becomes_spaces_of_the_same_length() {
        let shallow = format!("{}#1", "> ".repeat(DEEPEST));
        assert_eq!(without_depths(&shallow), shallow);
        for marker in ["> ", ">", "- ", "+ ", "12. ", "1)\t", " - > "] {
            let deep = format!("a\n{}#ä1  \nb", marker.repeat(200));
            let flat = without_depths(&deep);
            assert_eq!((flat.len(), flat.lines().count()), (deep.len(), 3), "{marker:?}");
            assert!(!flat.contains('#') && flat.ends_with("  \nb"), "{marker:?}");
        }
        assert_eq!(without_depths(&"-".repeat(200)), "-".repeat(200));
    }
}
